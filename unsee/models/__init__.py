"""Models: load any vision-language model, find its parts, attach and detach adapters."""
