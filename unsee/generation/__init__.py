"""Many probes in, many responses out; and how probable given answers are."""

from unsee.generation.engine import Engine, ask
from unsee.generation.likelihood import sequence_logprobs
from unsee.generation.transcript import Transcript
from unsee.generation.transformers import TransformersEngine, generate

__all__ = ["Engine", "Transcript", "TransformersEngine", "ask", "generate", "sequence_logprobs"]
