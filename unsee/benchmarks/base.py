"""`Benchmark`: what to ask, and how the answers are scored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from unsee.data.images import image_key
from unsee.data.sample import Likelihood, Probe, Response, Sample
from unsee.judges import Judge
from unsee.metrics import Score, catalogue
from unsee.metrics.catalogue import Metric
from unsee.requests import ForgetRequest


@dataclass(frozen=True)
class Answers:
    """What one engine said to a benchmark, and all else that scoring needs: no engine, no picture.

    `probes` are without their pictures, whose digests are in the tag "shown". `key` is what the benchmark's own `key`
    gave. `likelihoods` are by the keys of `Benchmark.samples`, `rereads` by those of `Benchmark.rereads`; both are
    empty where the engine reads nothing. `before` is what the model before said to the same, None where this one is it.
    """

    probes: Sequence[Probe]
    responses: Mapping[str, Response]
    key: Mapping[str, Any] = field(default_factory=dict)
    likelihoods: Mapping[str, Likelihood] = field(default_factory=dict)
    rereads: Mapping[str, Likelihood] = field(default_factory=dict)
    vocabulary_size: int | None = None
    before: Answers | None = None

    def text(self, probe_id: str) -> str:
        """What was said, without thoughts."""
        return self.responses[probe_id].text

    @property
    def texts(self) -> dict[str, str]:
        """All texts by the id of their probe."""
        return {key: response.text for key, response in self.responses.items()}


@dataclass(frozen=True)
class Scored:
    """The scores of one model; `by_concept` are those about each of several concepts."""

    scores: Mapping[str, Score]
    by_concept: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)


@dataclass(frozen=True)
class Scope:
    """What a benchmark is made about.

    `requests` are the concepts to forget, those of one scope together; none where nothing is forgotten, or the
    benchmark brings its own. `limit` is at most so many questions in each of its groups; `seed` decides what is drawn;
    `location` is the file or folder with its data, where the user named one.
    """

    requests: tuple[ForgetRequest, ...] = ()
    limit: int | None = None
    seed: int = 0
    location: Path | None = None


class Benchmark(ABC):
    """One set of questions, bound to what it is about, with its scoring.

    A new benchmark is one file with a subclass. `name` is what users type, and `version` is raised whenever the same
    answers would get other scores. `columns` describe its scores. `max_new_tokens` is the most tokens of an answer,
    where that is not for the user to say.

    Scoring is a class method over `Answers`, so that saved answers can be scored again without a model or a picture.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    columns: ClassVar[Sequence[Metric]] = ()
    max_new_tokens: ClassVar[int | None] = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        catalogue.add(cls.columns)

    @classmethod
    def of(cls, scope: Scope) -> Benchmark:
        """The benchmark about a scope. Raises UserError where it can ask nothing about it."""
        return cls()

    @classmethod
    def requests(cls, location: Path | None = None) -> tuple[ForgetRequest, ...]:
        """The requests that it can make by itself: what it can ask a model to forget. None by default."""
        return ()

    @abstractmethod
    def probes(self) -> Sequence[Probe]:
        """All questions, with ids that are unique and the same in every run."""

    def key(self) -> dict[str, Any]:
        """What scoring needs besides the questions, as plain data that JSON can hold."""
        return {}

    def samples(self, answers: Answers) -> Mapping[str, Sample]:
        """Texts for the engine that answered to read: how probable are they? By keys of the benchmark's choice."""
        return {}

    def rereads(self, answers: Answers) -> Mapping[str, Sample]:
        """Texts for the model before to read, where `answers` are another one's."""
        return {}

    def basis(self) -> Benchmark | None:
        """The part of it that the model before must be asked so that another can be scored: all of it by default, None
        where no score needs it."""
        return self

    @classmethod
    @abstractmethod
    def score(cls, answers: Answers, judge: Judge | None = None) -> Scored | Mapping[str, Score]:
        """The scores of one model's answers; what was not asked, or cannot be told, is left out."""


def without_pictures(probes: Iterable[Probe]) -> list[Probe]:
    """Probes as they are saved and scored: without their pictures, whose digests are in the tag "shown"."""
    digests: dict[int, str] = {}
    found = []
    for probe in probes:
        for image in probe.images:
            if id(image) not in digests:
                digests[id(image)] = image_key(image)
        shown = {"shown": " ".join(digests[id(image)] for image in probe.images)} if probe.images else {}
        found.append(replace(probe, images=(), tags={**probe.tags, **shown}))
    return found
