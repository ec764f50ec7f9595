"""Asking one model everything that was planned, and scoring what it said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unsee.benchmarks.mmubench import Likelihoods, carrier, likelihoods, score
from unsee.data.sample import Probe, Response
from unsee.generation import generate
from unsee.judges import Judge
from unsee.metrics import Score
from unsee.models.adapters import reference
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import VisionLanguageModel
from unsee.pipeline import recall
from unsee.pipeline.planning import Plan

# Without pictures that were never trained on, these say nothing and are left out.
_ABOUT_NEW_PICTURES = (
    "generality_em", "not_given_away", "generality_em/nearly_named", "generality_em/surname_alone",
    "g_eval", "c_dis", "hallucination", "invented_name", "refusal_rate",
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """One model's answers by probe id, its probabilities, and its scores."""

    answers: dict[str, str]
    likelihoods: Likelihoods
    scores: dict[str, Score]


class Evaluation:
    """The same questions to the model before and after; pictures go through the vision tower once for both."""

    def __init__(self, plan: Plan, vlm: VisionLanguageModel, judge: Judge) -> None:
        self.plan, self.vlm, self.judge = plan, vlm, judge
        self.cache = VisionCache(vlm)
        self.front = ""

    def before(self, journal: Path) -> Measured:
        """The model before unlearning: `vlm` without an adapter, or with the adapter off."""
        responses = self._ask(journal)
        self.front = carrier(self.plan.bench, self.plan.asked, responses)
        answers = {response.probe_id: response.text for response in responses}
        probabilities = self._likelihoods(responses)
        return Measured(answers, probabilities, self._scores(responses, answers, probabilities))

    def after(self, journal: Path, before: Measured, *, reread: bool = True) -> Measured:
        """The model as it is now, compared with `before`.

        With `reread` the model before reads these answers, which takes an adapter that can be switched off.
        """
        responses = self._ask(journal)
        answers = {response.probe_id: response.text for response in responses}
        probabilities = self._likelihoods(responses)
        read_again = None
        if reread:
            with reference(self.vlm):
                read_again = likelihoods(
                    self.vlm,
                    self.plan.bench,
                    self.plan.asked,
                    responses,
                    carrier=self.front,
                    own=False,
                    cache=self.cache,
                )
        return Measured(
            answers, probabilities, self._scores(responses, before.answers, probabilities, before, read_again)
        )

    def _ask(self, journal: Path) -> list[Response]:
        """Ask everything; what two metrics ask alike (the same words, the same picture) is asked once."""
        asked: dict[tuple[str, tuple[int, ...]], Probe] = {}
        for probe in self.plan.probes:
            asked.setdefault(_content(probe), probe)
        said = generate(self.vlm, list(asked.values()), logprobs=True, resume_file=journal, cache=self.cache)
        by_content = dict(zip(asked, said, strict=True))
        return [replace(by_content[_content(probe)], probe_id=probe.id) for probe in self.plan.probes]

    def _likelihoods(self, responses: Sequence[Response]) -> Likelihoods:
        return likelihoods(self.vlm, self.plan.bench, self.plan.asked, responses, carrier=self.front, cache=self.cache)

    def _scores(
        self,
        responses: Sequence[Response],
        answers_before: dict[str, str],
        probabilities: Likelihoods,
        before: Measured | None = None,
        read_again: Likelihoods | None = None,
    ) -> dict[str, Score]:
        found = score(
            self.plan.bench,
            self.plan.asked,
            responses,
            judge=None if self.plan.measured_on_given else self.judge,
            likelihoods=probabilities,
            reference=before.likelihoods if before else None,
            reread=read_again,
        )
        if self.plan.measured_on_given:
            found = {key: value for key, value in found.items() if key not in _ABOUT_NEW_PICTURES}
        now = {response.probe_id: response.text for response in responses}
        return found | recall.scores(self.plan.recall, answers_before, now)


def _content(probe: Probe) -> tuple[str, tuple[int, ...]]:
    return probe.prompt, tuple(id(image) for image in probe.images)
