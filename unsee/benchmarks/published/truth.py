"""What TOFU measures from words and probabilities (arXiv 2401.06121), which CLEAR and FIUBench have taken over.

Each figure is given by the paper's equations, and as the data set's published script has it where that differs. All
published scripts share two differences. They average over wrong answers geometrically, where the paper's equation 1
has the arithmetic mean, and their ROUGE splits words at every letter other than a to z, so that an answer "Garcia"
misses "García". The forget quality compares the truth ratios themselves; of both directions it gives the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import ClassVar

from unsee import metrics
from unsee.benchmarks.base import Answers
from unsee.benchmarks.published.base import Published, questions_of
from unsee.benchmarks.published.question import Question
from unsee.metrics import Score
from unsee.metrics.intervals import UNKNOWN
from unsee.metrics.metric import Family, Metric
from unsee.metrics.truth_ratio import Average, forget_test, ratio_of_losses, truth_forgotten, truth_kept
from unsee.metrics.utility import model_utility
from unsee.metrics.wording import rouge_l_recall, rouge_l_recall_of_ascii


@dataclass(frozen=True)
class Told:
    """One question: how much of the true answer the model's own one has (ROUGE-L recall, 0 to 1), and the losses of
    the true answer, of its paraphrase and of the wrong ones, each the mean of -log p over its tokens.

    `unit`: whom or what it is about. `more`: further figures, 0 to 1, that count in the model utility. `compared`: the
    losses that the truth ratio has in the place of `wrong`, if any.
    """

    unit: str
    rouge: float
    truth: float
    paraphrase: float
    wrong: tuple[float, ...]
    more: tuple[float, ...] = ()
    compared: tuple[float, ...] = ()

    def probability(self, among: bool = False) -> float:
        """Of the true answer, normalised by its length; `among` it and the wrong ones: P(a) / Σ P."""
        if not among:
            return exp(-self.truth)
        # Relative to the truth, so that nothing underflows.
        return 1 / (1 + sum(exp(min(self.truth - one, _LARGEST)) for one in self.wrong))

    def ratio(self, average: Average) -> float:
        """The truth ratio R."""
        return ratio_of_losses(self.paraphrase, self.compared or self.wrong, average)

    def figures(self, among: bool, average: Average) -> tuple[float, ...]:
        """What counts in the model utility."""
        return self.rouge, self.probability(among), truth_kept(self.ratio(average)), *self.more


Sets = Mapping[str, Sequence[Told]]
_LARGEST = 700.0
_UTILITY = (
    "Harmonic mean, over the sets to keep, of the probability of the true answer, ROUGE-L recall and max(0, 1 − R), "
    "where R is the truth ratio."
)
_TRUTH = "Mean of max(0, 1 − R), R the truth ratio; where the truth should be forgotten, of min(R, 1/R)."
_QUALITY = (
    "P-value of the Kolmogorov-Smirnov test between the truth ratios on the forget set and those of a model trained "
    "without it: small if they differ. A large one proves nothing where there are few questions."
)
_DISTANCE = "The statistic of that test, 0 to 1: the largest distance between the two distributions of truth ratios."
_ROUGE = "ROUGE-L recall of the true answer, in letters of any script."


class TruthScored(Published):
    """A published data set with true answers in other words, and wrong ones.

    `utility_parts` are the sets whose figures make up the model utility; in those `among`, the probability is that
    among the options. `published_parts` and `published_among` are those of the published script. `difference` says in
    a sentence where the script's figures depart from the paper's.
    """

    figures: ClassVar[Mapping[str, str]] = {"rouge_l_recall": "ROUGE-L recall of the true answer"}
    utility_parts: ClassVar[Sequence[str]]
    among: ClassVar[Collection[str]] = ()
    published_parts: ClassVar[Sequence[str]]
    published_among: ClassVar[Collection[str]] = ()
    difference: ClassVar[str]

    @classmethod
    def published(cls, question: Question, answer: str) -> Mapping[str, float]:
        if question.task != "generation":
            return {}
        return {"rouge_l_recall": rouge_l_recall_of_ascii(answer, question.answer)}

    @classmethod
    def told(cls, question: Question, answers: Answers, published: bool) -> Told | None:
        """What was read of a question; None if it has no wrong answers, or the engine cannot read."""
        read = losses_of(question, answers)
        if read is None:
            return None
        rouge = rouge_l_recall_of_ascii if published else rouge_l_recall
        return Told(question.subject, rouge(answers.text(question.id), question.answer), *read)

    @classmethod
    def sets(cls, questions: Sequence[Question], answers: Answers, published: bool) -> dict[str, list[Told]]:
        """What was read, by the parts of the data set."""
        found: dict[str, list[Told]] = {}
        for question in questions:
            told = None if question.part in cls.only_read else cls.told(question, answers, published)
            if told is not None:
                found.setdefault(question.part, []).append(told)
        return found

    @classmethod
    def figures_of(cls, sets: Sets, published: bool) -> dict[str, Score]:
        """From what was read of each part, the model utility and the truth of each part: the mean of min(R, 1/R) where
        the truth should be forgotten, of max(0, 1 - R) elsewhere."""
        ending, average = _rule(published)
        parts, among = (cls.published_parts, cls.published_among) if published else (cls.utility_parts, cls.among)
        scores: dict[str, Score] = {}
        if all(sets.get(part) for part in parts):
            rows = {part: [one.figures(part in among, average) for one in sets[part]] for part in parts}
            units = {part: [f"{part}/{one.unit}" for one in sets[part]] for part in parts}
            scores[f"{cls.name}_utility{ending}"] = model_utility([(rows[part], units[part]) for part in parts])
        for part, told in sets.items():
            counted = truth_forgotten if part in cls.forgotten else truth_kept
            values = [counted(one.ratio(average)) for one in told]
            scores[f"{cls.name}_truth{ending}/{part}"] = metrics.mean(
                values, units=[one.unit for one in told], higher_is_better=True, scale=(0, 1)
            )
        return scores

    @classmethod
    def quality_of(cls, sets: Sets, oracle: Sets, published: bool) -> dict[str, Score]:
        """The forget quality, from what was read of a model and of one that never knew; nothing without the forget
        set."""
        ending, average = _rule(published)
        told, other = sets.get("forget"), oracle.get("forget")
        if not told or not other:
            return {}
        found = forget_test([one.ratio(average) for one in told], [one.ratio(average) for one in other])
        n, units = len(told), len({one.unit for one in told})
        return {
            f"{cls.name}_forget_quality{ending}": Score(found.p_value, n, *UNKNOWN, True, units),
            f"{cls.name}_forget_distance{ending}": Score(found.statistic, n, *UNKNOWN, False, units),
        }

    @classmethod
    def further(cls) -> Sequence[Metric]:
        found = []
        for ending, rule, why in (("", "", ""), ("_published", " (published rule)", f" {cls.difference}")):
            found += [
                _metric(cls, f"utility{ending}", f"model utility{rule}", _UTILITY + why, "more" if why else "keeping"),
                _metric(cls, f"forget_quality{ending}", f"forget quality{rule}", _QUALITY + why, "forgetting"),
                _metric(cls, f"forget_distance{ending}", f"distance from the oracle{rule}", _DISTANCE, rises=False),
                *(
                    _metric(cls, f"truth{ending}/{part}", f"truth, {_plain(part)}{rule}", _TRUTH + why)
                    for part in cls.parts
                ),
            ]
        for part in cls.parts:
            kept = part not in cls.forgotten
            found.append(_metric(cls, f"rouge_l_recall/{part}", f"ROUGE-L recall, {_plain(part)}", _ROUGE, rises=kept))
        return found

    @classmethod
    def summary(cls, questions: Sequence[Question], answers: Answers) -> Mapping[str, Score]:
        scores: dict[str, Score] = {}
        for published in (False, True):
            scores |= cls.figures_of(cls.sets(questions, answers, published), published)
        for part in cls.parts:
            asked = [one for one in questions if one.part == part and one.task == "generation"]
            if asked:
                scores[f"{cls.name}_rouge_l_recall/{part}"] = metrics.mean(
                    [rouge_l_recall(answers.text(one.id), one.answer) for one in asked],
                    units=[one.subject for one in asked],
                    higher_is_better=part not in cls.forgotten,
                    scale=(0, 1),
                )
        return scores

    @classmethod
    def beside_oracle(cls, answers: Answers, oracle: Answers) -> Mapping[str, Score]:
        scores: dict[str, Score] = {}
        for published in (False, True):
            own, other = (cls.sets(questions_of(each), each, published) for each in (answers, oracle))
            scores |= cls.quality_of(own, other, published)
        return scores


def losses_of(question: Question, answers: Answers) -> tuple[float, float, tuple[float, ...]] | None:
    """The losses of the true answer, of its paraphrase (itself if it has none) and of the wrong ones; None where they
    were not all read."""
    names = ["answer", *(["paraphrase"] if question.paraphrase else [])]
    names += [f"perturbed/{number}" for number in range(len(question.perturbed))]
    read = [answers.likelihoods.get(f"{question.id}/{name}") for name in names]
    if not question.perturbed or not all(one is not None and one.logprobs for one in read):
        return None
    losses = [-sum(one.logprobs) / len(one.logprobs) for one in read if one is not None]
    first_wrong = len(losses) - len(question.perturbed)
    return losses[0], losses[first_wrong - 1], tuple(losses[first_wrong:])


def _rule(published: bool) -> tuple[str, Average]:
    """What the keys of the figures end in, and how wrong answers are averaged."""
    return ("_published", "geometric") if published else ("", "arithmetic")


def _plain(part: str) -> str:
    return part.replace("_", " ")


def _metric(
    cls: type[TruthScored], key: str, label: str, meaning: str, family: Family = "more", rises: bool = True
) -> Metric:
    return Metric(f"{cls.name}_{key}", f"{cls.title}: {label}", meaning, family, "", 3, higher_is_better=rises)
