"""Asking one model everything about a unit of a comparison: its concepts, MLLMU-Bench's tasks, general language."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from unsee.benchmarks import mllmu
from unsee.benchmarks.mllmu import MllmuBenchmark
from unsee.benchmarks.mmubench import ConceptBenchmark, probes
from unsee.data.sample import Response
from unsee.errors import UserError
from unsee.evaluation.evaluation import Evaluation, Measured
from unsee.judges import RuleJudge
from unsee.metrics import Score
from unsee.models.vision_cache import PICTURES_PER_CALL, VisionCache
from unsee.models.vlm import VisionLanguageModel
from unsee.store.text import json_lines, read_text
from unsee.sweep.oracle import NAMES, RESPONSES
from unsee.sweep.recipe import Size

TASK_RESPONSES = "mllmu.jsonl"
T = TypeVar("T")


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
        self.vlm, self.benches = vlm, list(benches)
        self.language = size.language
        self.tasks, self.of_tasks = tasks, mllmu.ask(tasks) if tasks else []
        asked = [probes(bench, per_image=size.questions, limit=size.kept) for bench in benches]
        self.probes = [probe for own in asked for probe in own]
        self.cache = self._seen(vlm)
        self.evaluation = Evaluation(
            vlm, benches, asked, RuleJudge(), max_new_tokens=size.max_new_tokens, progress=False, cache=self.cache
        )
        self.answered_before: Measured | None = None

    def before(self, journal: Path) -> Measured:
        """The model before unlearning, without an adapter. Must come first."""
        measured = _asked_afresh(lambda: self.evaluation.before(journal), journal)
        self.answered_before = self._with_more(measured, self.vlm, journal, self.cache)
        return self.answered_before

    def after(self, journal: Path, *, by: VisionLanguageModel | None = None, reread: bool = True) -> Measured:
        """The model as it is now, or the model `by`; with `reread` the model before reads the answers, too."""
        answering, cache = (self.vlm, self.cache) if by is None else (by, self._seen(by))
        measured = _asked_afresh(
            lambda: self.evaluation.after(journal, by=answering, cache=cache, reread=reread), journal
        )
        return self._with_more(measured, answering, journal, cache)

    def saved(self, folder: Path) -> Measured:
        """Answers that another comparison left in `folder`, without MLLMU-Bench's tasks. Raises UserError where they
        do not fit."""
        try:
            entries = json_lines(folder / RESPONSES)[1:]
            # Answers older than the mark of those that were cut are of models that end theirs themselves.
            given = {
                e["id"]: Response(e["id"], e["text"], tuple(e["token_logprobs"]), e.get("ended", True)) for e in entries
            }
            names = {concept: np.array(row, ndmin=1) for concept, row in json.loads(read_text(folder / NAMES)).items()}
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
        found = self.evaluation.own_likelihoods(responses)
        own = tuple(replace(row, name=name) for row, name in zip(found, named, strict=True))
        return self.evaluation.compared(responses, own)

    def _with_more(self, measured: Measured, vlm: VisionLanguageModel, journal: Path, cache: VisionCache) -> Measured:
        """What is asked besides MMUBench, added to the scores."""
        more = self._task_scores(vlm, journal, cache) | self._language_scores(vlm, measured.answers)
        return replace(measured, scores={**measured.scores, **more})

    def _task_scores(self, vlm: VisionLanguageModel, journal: Path, cache: VisionCache) -> dict[str, Score]:
        """MLLMU-Bench's scores; its answers stand beside the others."""
        if self.tasks is None:
            return {}
        own, style = journal.with_name(TASK_RESPONSES), self.tasks.style

        def ask() -> dict[str, str]:
            return mllmu.answers(
                vlm,
                self.of_tasks,
                style,
                max_new_tokens=self.evaluation.max_new_tokens,
                resume_file=own,
                cache=cache,
                progress=False,
            )

        return mllmu.score(self.of_tasks, _asked_afresh(ask, own))

    def _language_scores(self, vlm: VisionLanguageModel, said: Mapping[str, str]) -> dict[str, Score]:
        """What it still can do in general, and its answers about test pictures as an independent model reads them."""
        if not self.language:
            return {}
        from unsee.benchmarks.general import general_scores
        from unsee.judges.reader import independent_reader

        # The units are the concepts, or the pictures of the only one.
        about = "concept" if len(self.benches) > 1 else "picture"
        tested = [probe for probe in self.probes if probe.tags["metric"] == "generality"]
        answers, units = [said[probe.id] for probe in tested], [probe.tags[about] for probe in tested]
        scores = general_scores(vlm)
        if any(answer.strip() for answer in answers):
            scores["fluency/independent"] = independent_reader().perplexity(answers, units=units)
        return scores

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
