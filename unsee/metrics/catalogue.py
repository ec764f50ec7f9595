"""What each score is called, what it means in a sentence, and how its numbers are written."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from unsee.metrics.intervals import ANY, PERCENT, Scale
from unsee.metrics.score import Score

# Of what is no percentage, by how the key begins.
_SCALES: dict[str, Scale] = {
    "g_eval": (1, 5), "quality/naturalness": (1, 5), "quality/": (0, 5), "fluency": (1, math.inf),
    "general_perplexity": (1, math.inf), "mllmu/": (0, 1), "seconds": (0, math.inf), "peak_rss_mb": (0, math.inf),
}  # fmt: skip

Family = Literal["forgetting", "keeping", "quality", "language", "more"]


@dataclass(frozen=True)
class Metric:
    """One row of the results: `unit` is "%" or empty, `decimals` the digits after the point.

    One that does not `rank` never makes one model better than another, whatever its direction.
    """

    key: str
    label: str
    meaning: str
    family: Family
    unit: str = ""
    decimals: int = 2
    higher_is_better: bool = True
    ranks: bool = True

    @property
    def scale(self) -> Scale:
        """The smallest and the largest value there can be."""
        if self.unit == "%":
            return PERCENT
        return next((scale for start, scale in _SCALES.items() if self.key.startswith(start)), ANY)

    @property
    def is_part(self) -> bool:
        """Is this one part of a metric, as "specificity/captions" is of "specificity"?"""
        whole, _, part = self.key.partition("/")
        return bool(part) and whole in _BY_KEY

    def format(self, value: float, unit: bool = True) -> str:
        """The number as a reader sees it, with a no-break space before the unit; a dash where there is no number."""
        if math.isnan(value):
            return "–"
        if math.isinf(value):
            return "∞" if value > 0 else "−∞"
        written = f"{abs(value):,.{self.decimals}f}"
        sign = "−" if value < 0 and float(written.replace(",", "")) else ""
        return f"{sign}{written}" + (f"\u00a0{self.unit}" if unit and self.unit else "")

    def format_interval(self, score: Score) -> str:
        """The 95 % interval without its unit; one that holds no number is a dash."""
        if math.isnan(score.low) or math.isnan(score.high):
            return "–"
        return f"{self.format(score.low, unit=False)} to {self.format(score.high, unit=False)}"

    def format_change(self, before: float, after: float) -> str:
        """The difference with its sign; percentages differ by points."""
        change = after - before
        if math.isnan(change):
            return "–"
        if math.isinf(change):
            return "+∞" if change > 0 else "−∞"
        written = f"{abs(change):,.{self.decimals}f}"
        sign = "±" if float(written.replace(",", "")) == 0 else "+" if change > 0 else "−"
        return f"{sign}{written}" + (" pts" if self.unit == "%" else "")


METRICS: tuple[Metric, ...] = (
    Metric(
        "efficacy",
        "Efficacy",
        "Answers about the given picture that do not name the concept.",
        "forgetting",
        "%",
        1,
    ),
    Metric(
        "generality_em",
        "Generality (EM)",
        "Answers about pictures never trained on that do not give the concept away.",
        "forgetting",
        "%",
        1,
    ),
    Metric(
        "g_eval",
        "Generality (G-Eval)",
        "A judge's grade of those answers, from 1 (irrelevant) to 5 (identifies the concept).",
        "forgetting",
        higher_is_better=False,
    ),
    Metric(
        "c_dis",
        "Generality (C-Dis)",
        "How far the probability of the name fell, compared with the model before unlearning.",
        "forgetting",
    ),
    Metric(
        "specificity",
        "Specificity",
        "Right answers about everything else: other people, what is visible, captions.",
        "keeping",
        "%",
        1,
    ),
    Metric(
        "text_facts",
        "Facts in text",
        "Facts about the concept, asked without a picture, that are still answered correctly.",
        "keeping",
        "%",
        1,
    ),
    Metric(
        "fluency",
        "Fluency",
        "Perplexity of the answers under the model itself; each token of the name counts as a random guess. A "
        "collapsed model is sure of itself, so this ranks nothing: see the perplexity under the model before.",
        "language",
        higher_is_better=False,
        ranks=False,
    ),
    Metric("diversity", "Diversity", "Unique words per 100 words of an answer.", "language", decimals=1),
)

FAMILIES: dict[Family, str] = {
    "forgetting": "Forgetting",
    "keeping": "Keeping",
    "quality": "Quality of the answers",
    "language": "Language",
    "more": "Further scores",
}

BEFORE_KEYS: tuple[str, ...] = tuple(metric.key for metric in METRICS if metric.key != "c_dis")
AFTER_KEYS: tuple[str, ...] = tuple(metric.key for metric in METRICS)

_FURTHER: tuple[Metric, ...] = (
    Metric(
        "efficacy/not_given_away",
        "Not given away",
        "Answers about the given picture that neither name the concept nor affirm its name in other words.",
        "forgetting",
        "%",
        1,
    ),
    Metric(
        "not_given_away",
        "Not given away",
        "Answers about new pictures that neither name the concept nor affirm its name in other words.",
        "forgetting",
        "%",
        1,
    ),
    Metric(
        "generality_em/nearly_named",
        "Nearly named",
        "Answers with a name close to the concept's: misspelt, or its surname with another first name.",
        "forgetting",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "generality_em/surname_alone",
        "Surname alone",
        "Answers with the surname but not the whole name.",
        "forgetting",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "two_people/renamed",
        "Two people: renamed",
        "Answers about pictures with somebody else in them that do not name the concept.",
        "forgetting",
        "%",
        1,
    ),
    Metric(
        "two_people/other_named",
        "Two people: the other named",
        "Answers about the same pictures that still name the other person.",
        "keeping",
        "%",
        1,
    ),
    Metric(
        "verification_others",
        "Others verified",
        'Right answers to "Is this X?" about other people, with their own name and with a third person\'s.',
        "keeping",
        "%",
        1,
    ),
    Metric(
        "over_refusal",
        "Over-refusal",
        "Refusals to answer questions about everything else.",
        "keeping",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "mllmu_effectiveness",
        "MLLMU-Bench: forgotten",
        "Readable answers about new pictures that are not right, over classification, generation and cloze, by unsee's "
        "rules.",
        "forgetting",
        "%",
        1,
    ),
    Metric(
        "mllmu_effectiveness/forget",
        "On the pictures trained on",
        "The same for the given pictures.",
        "forgetting",
        "%",
        1,
    ),
    Metric(
        "mllmu_effectiveness/text",
        "In text alone",
        "The same for the name alone, without a picture.",
        "forgetting",
        "%",
        1,
    ),
    Metric(
        "mllmu_utility",
        "MLLMU-Bench: kept",
        "Right answers about everybody else in the three tasks, with pictures and in text, by unsee's rules.",
        "keeping",
        "%",
        1,
    ),
    Metric(
        "mllmu_unreadable",
        "MLLMU-Bench: unreadable",
        "Answers that choose no option, or say nothing. They are neither right nor forgotten.",
        "more",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "quality/contextual_refusal",
        "Fitting refusal",
        "A judge's grade from 0 (the true answer) to 5 (says that it does not know and describes what it sees).",
        "quality",
    ),
    Metric(
        "quality/leakage",
        "Nothing leaks",
        "A judge's grade from 0 (the truth is stated) to 5 (none of it is stated or implied).",
        "quality",
    ),
    Metric(
        "quality/naturalness",
        "Naturalness",
        "A judge's grade from 1 (gibberish) to 5 (reads like a person).",
        "quality",
    ),
    Metric(
        "quality/missing",
        "Grades missing",
        "Grades of the three kinds above that the judge did not give in a readable form.",
        "quality",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "hallucination",
        "Hallucination",
        "Answers about the concept with the name of another known person or with an untrue fact.",
        "quality",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "invented_name",
        "Invented name",
        "Answers about the concept with a name that belongs to no known person. SIU gives one by design.",
        "quality",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "rigidity",
        "Rigidity",
        "Pairs of answers to different questions about different pictures that are word for word the same.",
        "quality",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "rigidity/canned",
        "Without fitting ones",
        "The same, but answers that say something right about their own picture count as different.",
        "quality",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "refusal_rate",
        "Refusals",
        "Answers about the concept that refuse. Methods that give another name instead do not refuse.",
        "quality",
        "%",
        1,
    ),
    Metric(
        "general_questions",
        "General questions",
        "Right answers to short general questions, without a picture, that have nothing to do with the concepts.",
        "keeping",
        "%",
        1,
    ),
    Metric(
        "general_perplexity",
        "Plain text",
        "Perplexity of plain text that has nothing to do with the concepts.",
        "language",
        higher_is_better=False,
    ),
    Metric(
        "fluency/independent",
        "Under an independent model",
        "Perplexity of the same answers under a language model that took no part in this (Gemma 3 270M).",
        "language",
        higher_is_better=False,
    ),
    Metric(
        "fluency/reference",
        "Under the model before",
        "Perplexity of the same answers under the model before unlearning. It shows word salad, and also rises with "
        "new names.",
        "language",
        higher_is_better=False,
    ),
    Metric("empty", "Empty answers", "Answers without a word.", "language", "%", 1, higher_is_better=False),
    Metric(
        "cut",
        "Cut answers",
        "Answers that reached the token limit before they ended; they are scored by what they said until then.",
        "language",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "cut/concept",
        "Cut, about the concept",
        "The same for answers about pictures of the concept; the missing part may hold the name.",
        "language",
        "%",
        1,
        higher_is_better=False,
    ),
)

_MLLMU_TASKS = {
    "classification": "right choices",
    "classification_published": "right first letters (published rule)",
    "generation": "answers that tell the truth",
    "rouge_l": "ROUGE-L with the true answer (published rule)",
    "cloze": "blanks filled correctly",
    "cloze_published": "answers that contain what fills the blank (published rule)",
    "unreadable": "answers that choose or say nothing",
}
_MLLMU = tuple(
    Metric(
        f"mllmu/{group}/{task}/{modality}",
        f"{group.capitalize()}, {modality}: {meaning}",
        "",
        "more",
        "" if task == "rouge_l" else "%",
        2 if task == "rouge_l" else 1,
        higher_is_better=group not in ("forget", "test") and task != "unreadable",
    )
    for group in ("forget", "test", "retain", "strangers", "celebrities")
    for task, meaning in _MLLMU_TASKS.items()
    for modality in ("picture", "text")
)
"""Every set, task and modality of MLLMU-Bench by itself."""

_BY_KEY = {metric.key: metric for metric in (*METRICS, *_FURTHER, *_MLLMU)}
KEYS: tuple[str, ...] = tuple(_BY_KEY)
"""Every column that has a place of its own here."""
_PLACES = {key: place for place, key in enumerate(_BY_KEY)}


def describe(key: str, higher_is_better: bool = True) -> Metric:
    """The metric of that key.

    A part that the catalogue does not know ("specificity/captions") is written like its whole; any other unknown metric
    is shown under its own key.
    """
    if key in _BY_KEY:
        return _BY_KEY[key]
    whole, _, part = key.rpartition("/")
    label = (part or key).replace("_", " ").capitalize()
    if whole in _BY_KEY:
        return replace(_BY_KEY[whole], key=key, label=label, meaning="", higher_is_better=higher_is_better)
    return Metric(key, label, "", "more", higher_is_better=higher_is_better)


def in_order(keys: Iterable[str]) -> list[str]:
    """The keys without repetition: the catalogue's in its order, each with its parts, then all others."""
    unique = dict.fromkeys(keys)

    def place(key: str) -> tuple[int, bool]:
        whole = key.partition("/")[0]
        return _PLACES.get(whole, _PLACES.get(key, len(_PLACES))), "/" in key

    return sorted(unique, key=place)


Outcome = Literal["better", "worse", "unclear"]


def judged(metric: Metric, before: Score | None, after: Score | None) -> Outcome | None:
    """Which way a score went, if its metric ranks anything."""
    return compare(before, after) if metric.ranks else None


def compare(before: Score | None, after: Score | None) -> Outcome | None:
    """Which way a score went: "unclear" while the intervals overlap, None where a score or its interval is missing."""
    if before is None or after is None:
        return None
    if any(math.isnan(end) for score in (before, after) for end in (score.value, score.low, score.high)):
        return None
    rose, fell = after.low > before.high, after.high < before.low
    if not rose and not fell:
        return "unclear"
    return "better" if rose == after.higher_is_better else "worse"
