"""Models: load any vision-language model, say where its parts are, attach and detach adapters."""
