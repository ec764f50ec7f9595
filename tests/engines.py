"""An engine that says and reads what a test tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from unsee.benchmarks.base import Answers, Benchmark
from unsee.data.sample import Likelihood, Probe, Response, Sample
from unsee.evaluation import Evaluation
from unsee.generation import Engine


class Told(Engine):
    """`say` gives the answer to a probe, `read` the probabilities of a sample's tokens; without it nothing is read."""

    name = "told"
    vocabulary_size = 100

    def __init__(
        self, say: Callable[[Probe], str | Response], read: Callable[[Sample], Sequence[float]] | None = None
    ) -> None:
        self.say, self.tells = say, read
        self.reads = read is not None
        self.asked: list[Probe] = []

    def fingerprint(self) -> dict[str, Any]:
        return {"told": id(self.say)}

    def answer(self, probes: Sequence[Probe], *, max_new_tokens: int) -> Iterator[list[Response]]:
        for probe in probes:
            self.asked.append(probe)
            said = self.say(probe)
            yield [said if isinstance(said, Response) else Response(probe.id, said)]

    def read(self, samples: Sequence[Sample]) -> list[Likelihood]:
        assert self.tells is not None
        rows = [tuple(self.tells(sample)) for sample in samples]
        return [Likelihood(row, tuple(range(1, len(row) + 1))) for row in rows]


def answers_of(benchmark: Benchmark, engine: Engine, max_new_tokens: int = 16) -> Answers:
    """What an engine says to a benchmark."""
    evaluation = Evaluation([benchmark], max_new_tokens=max_new_tokens, progress=False)
    return evaluation.of(engine, "model").answers[benchmark.name]
