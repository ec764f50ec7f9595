"""Many probes in, many responses out; and how probable given answers are."""

from unsee.generation.engine import generate
from unsee.generation.likelihood import sequence_logprobs

__all__ = ["generate", "sequence_logprobs"]
