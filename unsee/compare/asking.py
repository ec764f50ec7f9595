"""Asking one model everything about a unit, and scoring what it said: the mean over the unit's concepts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from unsee.benchmarks import mllmu
from unsee.benchmarks.mllmu import MllmuBenchmark
from unsee.benchmarks.mmubench import ConceptBenchmark, Likelihoods, carrier, likelihoods, probes, score
from unsee.compare.oracle import NAMES, RESPONSES
from unsee.compare.recipe import Size
from unsee.compare.statistics import mean_of_scores
from unsee.data.sample import Probe, Response
from unsee.errors import UserError
from unsee.generation import generate
from unsee.judges import RuleJudge
from unsee.metrics import Score
from unsee.models.adapters import reference
from unsee.models.vision_cache import PICTURES_PER_CALL, VisionCache
from unsee.models.vlm import VisionLanguageModel
from unsee.reports.catalogue import describe

TASK_RESPONSES = "mllmu.jsonl"
T = TypeVar("T")


@dataclass(frozen=True)
class Answered:
    """One model's answers: their texts by probe id, its probabilities for each concept, and its scores."""

    likelihoods: tuple[Likelihoods, ...]
    scores: Mapping[str, Score]


class UnitEvaluation:
    """The same questions to the model before and to everything made of it; a picture is encoded once for all."""

    def __init__(
        self,
        vlm: VisionLanguageModel,
        benches: Sequence[ConceptBenchmark],
        size: Size,
        tasks: MllmuBenchmark | None = None,
    ) -> None:
        """tasks: MLLMU-Bench's about the same unit, to be asked besides."""
        self.vlm, self.benches, self.judge = vlm, list(benches), RuleJudge()
        self.language = size.language
        self.asked = [probes(bench, per_image=size.questions, limit=size.kept) for bench in benches]
        self.tasks, self.of_tasks = tasks, mllmu.ask(tasks) if tasks else []
        self.cache = self._seen(vlm)
        self.fronts: list[str] = []
        self.answered_before: Answered | None = None

    @property
    def probes(self) -> list[Probe]:
        return [probe for asked in self.asked for probe in asked]

    def before(self, journal: Path) -> Answered:
        """The model before unlearning, without an adapter. Must come first."""
        responses = self._ask(self.vlm, journal, self.cache)
        self.fronts = [carrier(b, asked, responses) for b, asked in zip(self.benches, self.asked, strict=True)]
        found = self._likelihoods(self.vlm, responses, self.cache)
        scores = self._scores(responses, found) | self._task_scores(self.vlm, journal, self.cache)
        scores |= self._language_scores(self.vlm, responses)
        self.answered_before = Answered(found, scores)
        return self.answered_before

    def after(self, journal: Path, *, by: VisionLanguageModel | None = None, reread: bool = True) -> Answered:
        """The model as it is now, or the model `by`; with `reread` the model before reads the answers, too."""
        answering, cache = (self.vlm, self.cache) if by is None else (by, self._seen(by))
        responses = self._ask(answering, journal, cache)
        compared = self._compared(responses, self._likelihoods(answering, responses, cache), reread)
        more = self._task_scores(answering, journal, cache) | self._language_scores(answering, responses)
        return replace(compared, scores={**compared.scores, **more})

    def saved(self, folder: Path) -> Answered:
        """Answers that another comparison left in `folder`, without MLLMU-Bench's tasks. Raises UserError where they
        do not fit."""
        try:
            entries = [json.loads(line) for line in (folder / RESPONSES).read_text(encoding="utf-8").splitlines()[1:]]
            given = {e["id"]: Response(e["id"], e["text"], tuple(e["token_logprobs"])) for e in entries}
            names = {
                concept: np.array(row, ndmin=1) for concept, row in json.loads((folder / NAMES).read_text()).items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"The saved answers in {folder} cannot be read: {error}.") from error
        missing = sum(probe.id not in given for probe in self.probes)
        # The test pictures of a smaller comparison are the first of a larger one.
        named = [names.get(b.concept, np.empty(0))[: len(b.test_images)] for b in self.benches]
        if missing or any(row.shape != (len(b.test_images),) for row, b in zip(named, self.benches, strict=True)):
            raise UserError(
                f"The saved answers in {folder} lack {missing} of {len(self.probes)} questions; use the evaluation "
                "they were made with, or name the oracle's checkpoint."
            )
        responses = [given[probe.id] for probe in self.probes]
        found = self._likelihoods(self.vlm, responses, self.cache)
        own = tuple(replace(row, name=name) for row, name in zip(found, named, strict=True))
        return self._compared(responses, own, reread=True)

    def _compared(self, responses: Sequence[Response], found: tuple[Likelihoods, ...], reread: bool) -> Answered:
        read_again = None
        if reread:
            with reference(self.vlm):
                read_again = self._likelihoods(self.vlm, responses, self.cache, own=False)
        return Answered(found, self._scores(responses, found, read_again))

    def _ask(self, vlm: VisionLanguageModel, journal: Path, cache: VisionCache) -> list[Response]:
        def ask() -> list[Response]:
            return generate(vlm, self.probes, logprobs=True, progress=False, resume_file=journal, cache=cache)

        return _asked_afresh(ask, journal)

    def _task_scores(self, vlm: VisionLanguageModel, journal: Path, cache: VisionCache) -> dict[str, Score]:
        """MLLMU-Bench's scores; its answers stand beside the others."""
        if self.tasks is None:
            return {}
        own, style = journal.with_name(TASK_RESPONSES), self.tasks.style

        def ask() -> dict[str, str]:
            return mllmu.answers(vlm, self.of_tasks, style, resume_file=own, cache=cache, progress=False)

        return mllmu.score(self.of_tasks, _asked_afresh(ask, own))

    def _language_scores(self, vlm: VisionLanguageModel, responses: Sequence[Response]) -> dict[str, Score]:
        """What it still can do in general, and its answers about test pictures as an independent model reads them."""
        if not self.language:
            return {}
        from unsee.judges.reader import independent_reader
        from unsee.world.general import general_scores

        # The units are the concepts, or the pictures of the only one.
        about = "concept" if len(self.benches) > 1 else "picture"
        tested = {probe.id: probe.tags[about] for probe in self.probes if probe.tags["metric"] == "generality"}
        said = [response for response in responses if response.probe_id in tested]
        answers, units = [response.text for response in said], [tested[response.probe_id] for response in said]
        scores = general_scores(vlm)
        if any(answer.strip() for answer in answers):
            scores["fluency/independent"] = independent_reader().perplexity(answers, units=units)
        return scores

    def _likelihoods(
        self, vlm: VisionLanguageModel, responses: Sequence[Response], cache: VisionCache, own: bool = True
    ) -> tuple[Likelihoods, ...]:
        rows = zip(self.benches, self.asked, self.fronts, strict=True)
        return tuple(
            likelihoods(vlm, bench, asked, responses, carrier=front, own=own, cache=cache)
            for bench, asked, front in rows
        )

    def _scores(
        self,
        responses: Sequence[Response],
        found: tuple[Likelihoods, ...],
        read_again: tuple[Likelihoods, ...] | None = None,
    ) -> dict[str, Score]:
        """The mean over the concepts for which a metric was measured."""
        by_metric: dict[str, list[Score]] = {}
        for number, (bench, asked) in enumerate(zip(self.benches, self.asked, strict=True)):
            scores = score(
                bench,
                asked,
                responses,
                judge=self.judge,
                likelihoods=found[number],
                reference=self.answered_before.likelihoods[number] if self.answered_before else None,
                reread=read_again[number] if read_again else None,
            )
            for key, value in scores.items():
                by_metric.setdefault(key, []).append(value)
        return {key: mean_of_scores(values, describe(key).scale) for key, values in by_metric.items()}

    def _seen(self, vlm: VisionLanguageModel) -> VisionCache:
        """The features of all pictures, encoded in a fixed order: an interrupted cell goes on with the same ones."""
        cache = VisionCache(vlm)
        asked = [*self.probes, *(one.probe for one in self.of_tasks)]
        pictures = list({id(probe.images[0]): probe for probe in asked if probe.images}.values())
        for start in range(0, len(pictures), PICTURES_PER_CALL):
            part = pictures[start : start + PICTURES_PER_CALL]
            cache.inputs(vlm.encode_prompt([(probe.prompt_messages(), probe.images) for probe in part]))
        return cache


def _asked_afresh(ask: Callable[[], T], journal: Path) -> T:
    """What `ask` returns; where the journal holds questions as an earlier version asked them, without that."""
    try:
        return ask()
    except UserError:
        if not journal.exists():
            raise
        journal.unlink()
        return ask()
