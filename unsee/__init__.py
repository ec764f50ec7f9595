"""unsee: machine unlearning for vision-language models."""

__version__ = "0.1.0"
