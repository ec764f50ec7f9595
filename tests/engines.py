"""Engines that say and read what a test tells them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from unsee.benchmarks.base import Answers, Benchmark
from unsee.data.sample import Likelihood, Probe, Response, Sample
from unsee.evaluation import Evaluation
from unsee.generation import CannedEngine, Engine


def told(
    say: Callable[[Probe], str | Response], read: Callable[[Sample], Sequence[float]] | None = None
) -> CannedEngine:
    """`say` gives the answer to a probe, `read` the log-probabilities of a sample's tokens."""

    def likelihood(sample: Sample) -> Likelihood:
        assert read is not None
        row = tuple(read(sample))
        return Likelihood(row, tuple(range(1, len(row) + 1)))

    return CannedEngine(say, likelihood if read else None, vocabulary_size=100)


def answers_of(benchmark: Benchmark, engine: Engine, max_new_tokens: int = 16) -> Answers:
    """What an engine says to a benchmark."""
    evaluation = Evaluation([benchmark], max_new_tokens=max_new_tokens, progress=False)
    return evaluation.of(engine, "model").answers[benchmark.name]
