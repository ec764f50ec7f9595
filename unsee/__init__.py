"""unsee: machine unlearning for vision-language models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unsee.lazy import exports
from unsee.version import __version__

if TYPE_CHECKING:
    from unsee.attacks import Attack
    from unsee.benchmarks import Benchmark, get_benchmark
    from unsee.commands.audit import AuditOptions, audit
    from unsee.commands.evaluate import evaluate
    from unsee.commands.evaluate_rounds import EvaluateOptions
    from unsee.commands.forget import forget
    from unsee.commands.forget_options import ForgetOptions
    from unsee.commands.score import ScoreOptions, score
    from unsee.errors import UserError
    from unsee.evaluation import Evaluation
    from unsee.generation import Engine, get_engine
    from unsee.methods.base import Method
    from unsee.models.loading import load
    from unsee.requests import ForgetRequest

__all__ = [
    "Attack",
    "AuditOptions",
    "Benchmark",
    "Engine",
    "EvaluateOptions",
    "Evaluation",
    "ForgetOptions",
    "ForgetRequest",
    "Method",
    "ScoreOptions",
    "UserError",
    "__version__",
    "audit",
    "evaluate",
    "forget",
    "get_benchmark",
    "get_engine",
    "load",
    "score",
]

__getattr__ = exports(
    __name__,
    {
        "Attack": "unsee.attacks",
        "AuditOptions": "unsee.commands.audit",
        "Benchmark": "unsee.benchmarks",
        "Engine": "unsee.generation",
        "EvaluateOptions": "unsee.commands.evaluate_rounds",
        "Evaluation": "unsee.evaluation",
        "ForgetOptions": "unsee.commands.forget_options",
        "ForgetRequest": "unsee.requests",
        "Method": "unsee.methods.base",
        "ScoreOptions": "unsee.commands.score",
        "UserError": "unsee.errors",
        "audit": "unsee.commands.audit",
        "evaluate": "unsee.commands.evaluate",
        "forget": "unsee.commands.forget",
        "get_benchmark": "unsee.benchmarks",
        "get_engine": "unsee.generation",
        "load": "unsee.models.loading",
        "score": "unsee.commands.score",
    },
)


def __dir__() -> list[str]:
    return __all__
