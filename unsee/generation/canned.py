"""The engine of answers that already exist: saved answers, and answers of tests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from unsee.data.images import image_key
from unsee.data.sample import Likelihood, Probe, Response, Sample
from unsee.errors import UserError
from unsee.generation.engine import Engine
from unsee.generation.transcript import Transcript

BATCH = 64
"""Answers that are yielded together."""

SampleKey = tuple[str, ...]
T = TypeVar("T")


class CannedEngine(Engine):
    """Answers by the id of the probe, and likelihoods by the sample (`sample_key`), each from a mapping or a function.

    A text that a function returns is an answer that has ended; None means that the answer is missing. Without
    likelihoods, `reads` is False. `max_new_tokens` cuts nothing. The fingerprint is a digest of the mappings; of
    functions it knows only `name`, which must then identify them.
    """

    begins = True

    def __init__(
        self,
        answers: Mapping[str, Response] | Callable[[Probe], Response | str | None],
        likelihoods: Mapping[SampleKey, Likelihood] | Callable[[Sample], Likelihood | None] | None = None,
        *,
        name: str = "canned",
        vocabulary_size: int | None = None,
    ) -> None:
        """name: shown to users, such as the file that holds the answers."""
        self.answers, self.likelihoods = answers, likelihoods
        self.name, self.vocabulary_size = name, vocabulary_size
        self.reads = likelihoods is not None

    @classmethod
    def of(cls, transcript: Transcript) -> CannedEngine:
        """What a transcript holds. It gives the likelihoods that were read then, by the sample's tag "key"."""
        read = transcript.likelihoods
        return cls(
            transcript.responses,
            (lambda sample: read.get(sample.tags.get("key", ""))) if read else None,
            name=str(transcript.path or "canned"),
            vocabulary_size=transcript.header.get("vocabulary_size"),
        )

    def fingerprint(self) -> dict[str, Any]:
        if callable(self.answers):
            return {"engine": "canned", "name": self.name, "likelihoods": _digest(self.likelihoods)}
        return {"engine": "canned", "answers": _digest(self.answers), "likelihoods": _digest(self.likelihoods)}

    def answer(self, probes: Sequence[Probe], *, max_new_tokens: int) -> Iterator[list[Response]]:
        said = [(probe.id, self._answer(probe)) for probe in probes]
        responses = self._all(said, "questions")
        for start in range(0, len(responses), BATCH):
            yield responses[start : start + BATCH]

    def read(self, samples: Sequence[Sample]) -> list[Likelihood]:
        if self.likelihoods is None:
            return super().read(samples)
        given = self.likelihoods
        find = given if callable(given) else lambda sample: given.get(sample_key(sample))
        return self._all([(sample.answer, find(sample)) for sample in samples], "readings")

    def _answer(self, probe: Probe) -> Response | None:
        said = self.answers(probe) if callable(self.answers) else self.answers.get(probe.id)
        return Response(probe.id, said) if isinstance(said, str) else said

    def _all(self, found: Sequence[tuple[str, T | None]], what: str) -> list[T]:
        """What was found, which must be everything; each comes with the name that users see."""
        missing = [key for key, one in found if one is None]
        if missing:
            raise UserError(
                f"The saved answers in {self.name} lack {len(missing)} of {len(found)} {what}, such as {missing[0]!r}; "
                "use the questions they were made with, or an engine that answers."
            )
        return [one for _, one in found if one is not None]


def sample_key(sample: Sample) -> SampleKey:
    """What identifies a sample to read: its prompt, its answer, and digests of its pictures."""
    return (sample.prompt, sample.answer, *map(image_key, sample.images))


def _digest(content: object) -> str | None:
    """SHA-256 (hex) of a mapping, in any order of its keys; None for a function or None."""
    if not isinstance(content, Mapping):
        return None
    # The repr of a dataclass of plain values shows all of them.
    lines = sorted(f"{key!r}: {one!r}\n" for key, one in content.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()
