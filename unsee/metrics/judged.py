"""G-Eval: the mean of a judge's verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from unsee.metrics.intervals import mean
from unsee.metrics.score import Score


def g_eval(verdicts: Sequence[int | None], *, seed: int = 0) -> Score:
    """Mean verdict, 1 (irrelevant) to 5 (identifies C accurately); lower is better after unlearning.

    None is a verdict that the judge failed to give: it leaves the mean alone and is missing from n. Raises
    `ValueError` when there is no verdict at all or one lies outside 1 to 5.
    """
    given = [verdict for verdict in verdicts if verdict is not None]
    if not given:
        raise ValueError(f"the judge gave no verdict on any of {len(verdicts)} answers")
    if not all(1 <= verdict <= 5 for verdict in given):
        raise ValueError("a verdict lies outside 1 to 5")
    return mean(given, higher_is_better=False, seed=seed)
