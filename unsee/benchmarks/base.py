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
    """One engine's answers to a benchmark, and everything else that scoring needs. It needs no engine and no picture.

    `probes` come without their pictures, whose digests are in the tag "shown". `key` is what the benchmark's `key`
    returned. `likelihoods` have the keys of `Benchmark.samples`, `rereads` those of `Benchmark.rereads`; both are empty
    if the engine cannot read. `before` holds the answers of the model before unlearning, None if these are they.
    """

    probes: Sequence[Probe]
    responses: Mapping[str, Response]
    key: Mapping[str, Any] = field(default_factory=dict)
    likelihoods: Mapping[str, Likelihood] = field(default_factory=dict)
    rereads: Mapping[str, Likelihood] = field(default_factory=dict)
    vocabulary_size: int | None = None
    before: Answers | None = None

    def text(self, probe_id: str) -> str:
        """The answer, without thoughts."""
        return self.responses[probe_id].text

    @property
    def texts(self) -> dict[str, str]:
        """All answers by the id of their probe."""
        return {key: response.text for key, response in self.responses.items()}


@dataclass(frozen=True)
class Scored:
    """The scores of one model; `by_concept` are those about each of several concepts."""

    scores: Mapping[str, Score]
    by_concept: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)


@dataclass(frozen=True)
class Scope:
    """What a benchmark asks about.

    `requests` are the concepts to forget together; none if nothing is forgotten, or if the benchmark brings its own.
    `limit` is the most questions in each of its groups; `seed` decides which are drawn; `location` is the file or
    folder with its data, if the user named one. `shared`: the same data serves other requests too, so it may hold
    nothing to forget about these. `split`: the forget split of a data set that has several, its default one if None.
    """

    requests: tuple[ForgetRequest, ...] = ()
    limit: int | None = None
    seed: int = 0
    location: Path | None = None
    shared: bool = False
    split: str | None = None


class Benchmark(ABC):
    """One set of questions about a scope, with its scoring.

    A new benchmark is one file with a subclass. `name` is what users type, and `version` is raised whenever the same
    answers would get other scores. `columns` describe its scores. `max_new_tokens` is the most tokens of an answer,
    if the user cannot choose it.

    Scoring is a class method over `Answers`, so that saved answers can be scored again without a model or a picture.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    columns: ClassVar[Sequence[Metric]] = ()
    max_new_tokens: ClassVar[int | None] = None
    left_out: Sequence[str] = ()
    """A sentence for each question, picture or row of its data that cannot be asked about."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        catalogue.add(cls.columns, getattr(cls, "name", ""))

    @classmethod
    def of(cls, scope: Scope) -> Benchmark:
        """The benchmark about a scope. Raises UserError if it can ask nothing about it."""
        return cls()

    @classmethod
    def requests(cls, location: Path | None = None) -> tuple[ForgetRequest, ...]:
        """The requests that it brings: what a model can be asked to forget. None by default."""
        return ()

    @abstractmethod
    def probes(self) -> Sequence[Probe]:
        """All questions, with ids that are unique and the same in every run."""

    def key(self) -> dict[str, Any]:
        """What scoring needs in addition to the questions, as plain data that JSON can hold."""
        return {}

    def samples(self, answers: Answers) -> Mapping[str, Sample]:
        """Texts whose probability the engine that answered should read, by keys that the benchmark chooses."""
        return {}

    def rereads(self, answers: Answers) -> Mapping[str, Sample]:
        """Texts that the model before unlearning should read, if `answers` come from another model."""
        return {}

    def basis(self) -> Benchmark | None:
        """The part that the model before unlearning must answer so that another model can be scored: all of it by
        default, None if no score needs it."""
        return self

    @classmethod
    @abstractmethod
    def score(cls, answers: Answers, judge: Judge | None = None) -> Scored | Mapping[str, Score]:
        """The scores of one model's answers. What was not asked, or cannot be measured, is left out."""

    @classmethod
    def beside_oracle(cls, answers: Answers, oracle: Answers) -> Mapping[str, Score]:
        """Scores that compare the answers with those of a model that never knew, trained without the forget set, to the
        same questions. None by default."""
        return {}

    @classmethod
    def notes(cls, answers: Answers) -> Sequence[str]:
        """Sentences about the answers that a reader of the scores should know. None by default."""
        return ()


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
