"""Means of scores, over concepts or over the cells of a comparison."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from unsee.metrics.intervals import ANY, PERCENT, UNKNOWN, Scale, ratio_interval, share_interval
from unsee.metrics.score import Score


def mean_of_scores(scores: Sequence[Score], scale: Scale = ANY) -> Score:
    """The mean of one metric over concepts, each of which is one unit; n is the number of all answers.

    `scale` holds the smallest and the largest value of the metric. If one concept's score is NaN, so is the mean,
    because a mean over the rest would measure something else. Raises `ValueError` without a score.
    """
    if not scores:
        raise ValueError("there is no score to average")
    if len(scores) == 1:
        return scores[0]
    value = math.fsum(score.value for score in scores) / len(scores)
    low, high = interval_of_scores([[score] for score in scores], scale) if math.isfinite(value) else UNKNOWN
    n = sum(score.n for score in scores)
    return Score(value, n, low, high, scores[0].higher_is_better, len(scores))


def interval_of_scores(groups: Sequence[Sequence[Score]], scale: Scale) -> tuple[float, float]:
    """Of the mean of finite scores, those of one group alike. Percentages are shares of answers."""
    cells = sum(map(len, groups))
    counts = np.array([len(group) for group in groups], dtype=np.float64)
    if scale != PERCENT:
        _, low, high = ratio_interval(np.array([math.fsum(s.value for s in g) for g in groups]), counts, scale=scale)
        return low, high
    sizes = np.array([sum(s.n for s in group) for group in groups], dtype=np.float64)
    right = np.array([math.fsum(s.value / 100 * s.n for s in group) for group in groups])
    value = math.fsum(s.value / 100 for group in groups for s in group) / cells
    low, high = share_interval(
        min(1.0, value),
        # Rounding must not make more right than there are.
        right=np.minimum(right, sizes),
        sizes=sizes,
        expected=np.full(len(groups), (right.sum() + 1) / (sizes.sum() + 2)),
        weights=counts / cells,
        squares=math.fsum(1 / (cells**2 * s.n) for group in groups for s in group),
    )
    return 100 * low, 100 * high
