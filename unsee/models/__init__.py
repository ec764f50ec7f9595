"""Models: load any vision-language model, find its parts, attach and detach adapters."""

from unsee.terminal import quiet_quantisers

# Before the first import of transformers here, which imports them where they are installed.
quiet_quantisers()
