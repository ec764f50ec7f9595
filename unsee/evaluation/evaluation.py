"""Asking a model everything about one or several concepts, and scoring what it said: for every command alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unsee import metrics
from unsee.benchmarks import recall
from unsee.benchmarks.mmubench import ConceptBenchmark, Likelihoods, asks_for_name, carrier, likelihoods
from unsee.benchmarks.mmubench_scores import score, units_of
from unsee.benchmarks.recall import Recalled
from unsee.data.sample import MAX_NEW_TOKENS, Probe, Response
from unsee.generation import generate
from unsee.judges import Judge
from unsee.metrics import Score, normalise
from unsee.metrics.averaging import mean_of_scores
from unsee.metrics.catalogue import describe
from unsee.models.adapters import reference
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import VisionLanguageModel

# Without pictures that were never trained on, these say nothing and are left out.
_ABOUT_NEW_PICTURES = (
    "generality_em", "not_given_away", "generality_em/nearly_named", "generality_em/surname_alone",
    "g_eval", "c_dis", "hallucination", "invented_name", "refusal_rate",
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """One model's answers by probe id, and for each concept its probabilities and its scores.

    `scores` are the mean over the concepts for which a metric was measured.
    """

    answers: Mapping[str, str]
    likelihoods: tuple[Likelihoods, ...]
    by_concept: Mapping[str, Mapping[str, Score]]
    scores: Mapping[str, Score]


class Evaluation:
    """The same questions to the model before and to everything made of it; a picture is encoded once for all."""

    def __init__(
        self,
        vlm: VisionLanguageModel,
        benches: Sequence[ConceptBenchmark],
        asked: Sequence[Sequence[Probe]],
        judge: Judge,
        *,
        recalled: Sequence[Recalled] = (),
        measured_on_given: bool = False,
        max_new_tokens: int = MAX_NEW_TOKENS,
        progress: bool = True,
        cache: VisionCache | None = None,
    ) -> None:
        """asked: the questions of each of `benches`; recalled: questions whose answers before say what is right.
        measured_on_given: there are no pictures of the concept besides those trained on."""
        self.vlm, self.benches, self.judge = vlm, list(benches), judge
        self.asked = [list(probes) for probes in asked]
        self.recalled, self.measured_on_given = list(recalled), measured_on_given
        self.max_new_tokens, self.progress = max_new_tokens, progress
        self.cache = cache or VisionCache(vlm)
        self.fronts = [""] * len(self.benches)
        self.names_before: tuple[Likelihoods, ...] | None = None
        self.answers_before: Mapping[str, str] | None = None

    @property
    def probes(self) -> list[Probe]:
        return [*(probe for asked in self.asked for probe in asked), *(item.probe for item in self.recalled)]

    def alone(self, journal: Path) -> Measured:
        """A model of which nothing is known before."""
        responses = self.ask(self.vlm, self.probes, journal)
        return self._scored(responses, self._likelihoods(self.vlm, responses))

    def before(self, journal: Path) -> Measured:
        """The model before unlearning: `vlm` without an adapter, or with the adapter off. Others are compared with
        it from now on."""
        responses = self.ask(self.vlm, self.probes, journal)
        self._find_fronts(responses)
        found = self._likelihoods(self.vlm, responses)
        # It is its own reader, so that what it makes of later answers has something to be compared with.
        measured = self._scored(responses, found, read_again=found)
        self.names_before, self.answers_before = found, measured.answers
        return measured

    def name_before(self) -> None:
        """Ask `vlm` as it is now, the model before unlearning, for the names alone, which C-Dis compares with."""
        naming = [[probe for probe in asked if asks_for_name(probe)] for asked in self.asked]
        responses = self.ask(self.vlm, [probe for probes in naming for probe in probes], None)
        self._find_fronts(responses)
        self.names_before = tuple(
            likelihoods(self.vlm, bench, probes, responses, carrier=front, cache=self.cache)
            for bench, probes, front in zip(self.benches, naming, self.fronts, strict=True)
        )

    def after(
        self,
        journal: Path,
        *,
        by: VisionLanguageModel | None = None,
        cache: VisionCache | None = None,
        reread: bool = True,
    ) -> Measured:
        """The model as it is now, or the model `by` (with vision features of its own), compared with the one before.

        With `reread` the model before reads these answers, which takes an adapter that can be switched off.
        """
        answering, seen = by or self.vlm, cache or (VisionCache(by) if by else self.cache)
        responses = self.ask(answering, self.probes, journal, seen)
        return self.compared(responses, self._likelihoods(answering, responses, seen), reread)

    def compared(self, responses: Sequence[Response], found: tuple[Likelihoods, ...], reread: bool = True) -> Measured:
        """The scores of answers with their probabilities under the model that gave them."""
        read_again = None
        if reread:
            with reference(self.vlm):
                read_again = self._likelihoods(self.vlm, responses, own=False)
        return self._scored(responses, found, self.names_before, read_again)

    def own_likelihoods(self, responses: Sequence[Response]) -> tuple[Likelihoods, ...]:
        """The probabilities of answers under the model that gave them, as they say; those of the names are of `vlm`."""
        return self._likelihoods(self.vlm, responses)

    def ask(
        self, vlm: VisionLanguageModel, probes: Sequence[Probe], journal: Path | None, cache: VisionCache | None = None
    ) -> list[Response]:
        return generate(
            vlm,
            probes,
            max_new_tokens=self.max_new_tokens,
            logprobs=True,
            progress=self.progress,
            resume_file=journal,
            cache=cache or self.cache,
        )

    def _find_fronts(self, responses: Sequence[Response]) -> None:
        self.fronts = [carrier(b, asked, responses) for b, asked in zip(self.benches, self.asked, strict=True)]

    def _likelihoods(
        self,
        vlm: VisionLanguageModel,
        responses: Sequence[Response],
        cache: VisionCache | None = None,
        own: bool = True,
    ) -> tuple[Likelihoods, ...]:
        rows = zip(self.benches, self.asked, self.fronts, strict=True)
        return tuple(
            likelihoods(vlm, bench, asked, responses, carrier=front, own=own, cache=cache or self.cache)
            for bench, asked, front in rows
        )

    def _scored(
        self,
        responses: Sequence[Response],
        found: tuple[Likelihoods, ...],
        names_before: tuple[Likelihoods, ...] | None = None,
        read_again: tuple[Likelihoods, ...] | None = None,
    ) -> Measured:
        by_concept = {
            bench.concept: score(
                bench,
                asked,
                responses,
                judge=None if self.measured_on_given else self.judge,
                likelihoods=found[number],
                reference=names_before[number] if names_before else None,
                reread=read_again[number] if read_again else None,
            )
            | _completeness([*asked, *(item.probe for item in self.recalled)], responses)
            for number, (bench, asked) in enumerate(zip(self.benches, self.asked, strict=True))
        }
        if self.measured_on_given:
            by_concept = {concept: _about_the_given(scores) for concept, scores in by_concept.items()}
        by_metric: dict[str, list[Score]] = {}
        for scores in by_concept.values():
            for key, value in scores.items():
                by_metric.setdefault(key, []).append(value)
        answers = {response.probe_id: response.text for response in responses}
        mean = {key: mean_of_scores(values, describe(key).scale) for key, values in by_metric.items()}
        mean |= recall.scores(self.recalled, self.answers_before or answers, answers)
        return Measured(answers, found, by_concept, mean)


def _completeness(asked: Sequence[Probe], responses: Sequence[Response]) -> dict[str, Score]:
    """How many answers were cut before their end, of all and of those about the concept, and how many are empty."""
    by_id = {response.probe_id: response for response in responses}
    said = [by_id[probe.id] for probe in asked]
    units = units_of(asked)
    about = [probe for probe in asked if probe.tags["metric"] in ("efficacy", "generality")]
    cut = metrics.share((by_id[probe.id].cut for probe in about), units=units_of(about), higher_is_better=False)
    return {
        "cut": metrics.share((r.cut for r in said), units=units, higher_is_better=False),
        "cut/concept": cut,
        "empty": metrics.share((not normalise(r.text) for r in said), units=units, higher_is_better=False),
    }


def _about_the_given(scores: Mapping[str, Score]) -> dict[str, Score]:
    """Those that can be told without a picture that was never trained on."""
    return {key: value for key, value in scores.items() if key.partition("/")[0] not in _ABOUT_NEW_PICTURES}
