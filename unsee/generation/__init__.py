"""Many probes in, many responses out; and how probable given answers are."""

from typing import TYPE_CHECKING

from unsee.lazy import exports

if TYPE_CHECKING:
    from unsee.generation.canned import CannedEngine
    from unsee.generation.engine import Engine, ask
    from unsee.generation.engines import get_engine
    from unsee.generation.likelihood import sequence_logprobs
    from unsee.generation.served import ServedEngine
    from unsee.generation.transcript import Transcript
    from unsee.generation.transformers import TransformersEngine, generate
    from unsee.generation.vllm import VLLMEngine

__all__ = [
    "CannedEngine",
    "Engine",
    "ServedEngine",
    "Transcript",
    "TransformersEngine",
    "VLLMEngine",
    "ask",
    "generate",
    "get_engine",
    "sequence_logprobs",
]

# The judges reach a server through this room, and do without torch.
__getattr__ = exports(
    __name__,
    {
        "CannedEngine": "unsee.generation.canned",
        "Engine": "unsee.generation.engine",
        "ServedEngine": "unsee.generation.served",
        "Transcript": "unsee.generation.transcript",
        "TransformersEngine": "unsee.generation.transformers",
        "VLLMEngine": "unsee.generation.vllm",
        "ask": "unsee.generation.engine",
        "generate": "unsee.generation.transformers",
        "get_engine": "unsee.generation.engines",
        "sequence_logprobs": "unsee.generation.likelihood",
    },
)
