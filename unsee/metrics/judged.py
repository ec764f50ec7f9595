"""The mean of a judge's verdicts: G-Eval, and the scores of an answer's quality."""

from __future__ import annotations

from collections.abc import Sequence

from unsee.metrics.intervals import Units, mean
from unsee.metrics.score import Score


def g_eval(verdicts: Sequence[int | None], *, units: Units | None = None) -> Score:
    """Mean verdict, 1 (irrelevant) to 5 (identifies C accurately); lower is better after unlearning.

    As `judged`, but raises `ValueError` when there is no verdict at all.
    """
    found = judged(verdicts, lowest=1, units=units, higher_is_better=False)
    if found is None:
        raise ValueError(f"the judge gave no verdict on any of {len(verdicts)} answers")
    return found


def judged(
    verdicts: Sequence[int | None], *, lowest: int, units: Units | None = None, higher_is_better: bool = True
) -> Score | None:
    """The mean of a judge's scores, from `lowest` to 5; None without a single one.

    None is a score that the judge failed to give: it counts neither in the mean nor in n. `units` say what each answer
    is about. Raises `ValueError` for a score outside the scale.
    """
    every = zip(verdicts, range(len(verdicts)) if units is None else units, strict=True)
    given = [(verdict, unit) for verdict, unit in every if verdict is not None]
    if not all(lowest <= verdict <= 5 for verdict, _ in given):
        raise ValueError(f"a score lies outside {lowest} to 5")
    if not given:
        return None
    values, belongs = zip(*given, strict=True)
    return mean(values, units=belongs, higher_is_better=higher_is_better, scale=(lowest, 5))
