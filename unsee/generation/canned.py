"""The engine of answers that are there already: those that a transcript holds, or that a test makes up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from unsee.data.sample import Likelihood, Probe, Response, Sample
from unsee.errors import UserError
from unsee.generation.engine import Engine
from unsee.generation.transcript import Transcript


class CannedEngine(Engine):
    """Says what `responses` hold, by the id of the probe, and reads what `likelihoods` hold, by the key of the sample
    (its tag "key", see `engine.read_into`)."""

    def __init__(
        self,
        responses: Mapping[str, Response],
        likelihoods: Mapping[str, Likelihood] | None = None,
        *,
        name: str = "canned answers",
        vocabulary_size: int | None = None,
    ) -> None:
        self.responses, self.likelihoods = dict(responses), dict(likelihoods or {})
        self.name, self.vocabulary_size = name, vocabulary_size
        self.reads = bool(likelihoods)

    @classmethod
    def of(cls, transcript: Transcript) -> CannedEngine:
        """Of the answers that a transcript holds."""
        return cls(
            transcript.responses,
            transcript.likelihoods,
            name=f"the saved answers in {transcript.path}" if transcript.path else "saved answers",
            vocabulary_size=transcript.header.get("vocabulary_size"),
        )

    def fingerprint(self) -> dict[str, Any]:
        said = [[key, one.raw, one.ended, one.token_logprobs] for key, one in self.responses.items()]
        read = [[key, one.logprobs, one.ends] for key, one in self.likelihoods.items()]
        return {"answers": hashlib.sha256(json.dumps([said, read]).encode()).hexdigest()}

    def answer(self, probes: Sequence[Probe], *, max_new_tokens: int) -> Iterator[list[Response]]:
        """All at once. Raises UserError where answers are missing."""
        self._lacks([probe.id for probe in probes], self.responses, "questions")
        yield [replace(self.responses[probe.id], probe_id=probe.id) for probe in probes]

    def read(self, samples: Sequence[Sample]) -> list[Likelihood]:
        keys = [sample.tags.get("key", "") for sample in samples]
        self._lacks(keys, self.likelihoods, "probabilities")
        return [self.likelihoods[key] for key in keys]

    def _lacks(self, wanted: Sequence[str], there: Mapping[str, object], what: str) -> None:
        missing = sum(key not in there for key in wanted)
        if missing:
            raise UserError(
                f"{self.name[0].upper()}{self.name[1:]} lack {missing} of {len(wanted)} {what}; use the evaluation "
                "they were made with, or name the model itself."
            )
