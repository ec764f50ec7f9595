"""The quality of answers after unlearning by rules: hallucination, rigidity, refusals."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from unsee.metrics.claims import fact_claimed, invented_name, other_name_claimed
from unsee.metrics.intervals import UNKNOWN, Units, share, student, unseen_share
from unsee.metrics.naming import normalise
from unsee.metrics.refusals import is_refusal
from unsee.metrics.score import Score


def missing(verdicts: Iterable[int | None], *, units: Units | None = None) -> Score:
    """Percent of scores that the judge was asked for and that could not be read (lower is better)."""
    return share((verdict is None for verdict in verdicts), units=units, higher_is_better=False)


def hallucination(
    answers: Iterable[str],
    names: Sequence[str],
    other_names: Sequence[str],
    other_facts: Sequence[str] = (),
    *,
    units: Units | None = None,
) -> Score:
    """Percent of answers about a forgotten concept that invent (lower is better).

    They give, without denying it, one of `other_names`, the names of other known people, or one of `other_facts`,
    values that are not true of the concept ("pilot", "Oslo"). A substitute's name does not count: see `invented_names`.
    """
    return share(
        (other_name_claimed(a, names, other_names) or fact_claimed(a, other_facts) for a in answers),
        units=units,
        higher_is_better=False,
    )


def invented_names(
    answers: Iterable[str], names: Sequence[str], other_names: Sequence[str], *, units: Units | None = None
) -> Score:
    """Percent of answers with a name that belongs to no known person, which only SIU aims for (lower is better)."""
    return share((invented_name(a, names, other_names) for a in answers), units=units, higher_is_better=False)


def refusals(answers: Iterable[str], *, units: Units | None = None, higher_is_better: bool) -> Score:
    """Percent of answers that refuse: higher is better about what is to be forgotten, lower about everything else."""
    return share(map(is_refusal, answers), units=units, higher_is_better=higher_is_better)


def rigidity(
    answers: Sequence[str], questions: Sequence[str], pictures: Sequence[str], fitting: Sequence[bool] | None = None
) -> Score | None:
    """How often two answers are word for word the same, in percent (lower is better).

    The share of pairs of identical answers among all pairs of answers to a different question about a different
    picture, compared without case, accents and punctuation. `questions` and `pictures` say what each answer is about. n
    is the number of answers. The interval is a jackknife over pictures, with Student's t. None where no two answers
    differ in both.

    An answer of which `fitting` is true counts as identical to none: two pictures of the same person may well be
    described in the same words.
    """
    texts = [normalise(answer) for answer in answers]
    if fitting is not None:
        # No normalised text holds a line break.
        texts = [f"\n{i}" if fits else text for i, (text, fits) in enumerate(zip(texts, fitting, strict=True))]
    rows = list(zip(texts, questions, pictures, strict=True))
    value = _identical_share(rows)
    if value is None:
        return None
    units = list(dict.fromkeys(pictures))
    left_out = [_identical_share([row for row in rows if row[2] != picture]) for picture in units]
    low, high = _jackknife(value, [replicate for replicate in left_out if replicate is not None], len(units))
    return Score(value, len(rows), low, high, higher_is_better=False, units=len(units))


def _jackknife(value: float, replicates: Sequence[float], units: int) -> tuple[float, float]:
    """The interval of a share of pairs, in percent, from its values without each of the units in turn."""
    if len(replicates) < 2:
        return UNKNOWN
    apart = float(np.var(replicates))
    if apart > 0:
        # Jackknife variance (Quenouille 1949, Tukey 1958): (m - 1) / m times the sum of squared deviations.
        degrees = len(replicates) - 1
        arm = student(degrees) * math.sqrt(degrees * apart)
        return max(0.0, value - arm), min(100.0, value + arm)
    # All pictures are alike. A share x of pictures unlike them makes x² of the pairs, or leaves (1 - x)².
    unseen = unseen_share(units)
    if value == 0:
        return 0.0, 100 * unseen**2
    return (100 * (1 - unseen) ** 2, 100.0) if value == 100 else UNKNOWN


def _identical_share(rows: Sequence[tuple[str, str, str]]) -> float | None:
    identical = _pairs((text, q, p) for text, q, p in rows)
    every = _pairs(("", q, p) for _, q, p in rows)
    return 100 * identical / every if every else None


def _pairs(rows: Iterable[tuple[str, str, str]]) -> int:
    """Pairs with the same text that differ in question and in picture, by inclusion and exclusion."""
    counted = [Counter(), Counter(), Counter(), Counter()]  # type: list[Counter[tuple[str, ...]]]
    for text, question, picture in rows:
        for counter, key in zip(
            counted, ((text,), (text, question), (text, picture), (text, question, picture)), strict=True
        ):
            counter[key] += 1
    same, same_question, same_picture, same_both = (sum(n * (n - 1) // 2 for n in c.values()) for c in counted)
    return same - same_question - same_picture + same_both
