"""Numbers over cells: means with intervals, and whether metrics rank the methods alike. No model, no files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import kendalltau

from unsee.metrics import Score
from unsee.metrics.intervals import ANY, PERCENT, UNKNOWN, Scale, ratio_interval, share_interval


def mean_of_scores(scores: Sequence[Score], scale: Scale = ANY) -> Score:
    """The mean of one metric over concepts, each of which is one unit; n is the number of all answers.

    `scale` holds the smallest and the largest value of the metric. A concept whose score is no number makes the mean
    no number: without it, it would be the mean of something else. Raises `ValueError` without a score.
    """
    if not scores:
        raise ValueError("there is no score to average")
    if len(scores) == 1:
        return scores[0]
    value = math.fsum(score.value for score in scores) / len(scores)
    low, high = _interval([[score] for score in scores], scale) if math.isfinite(value) else UNKNOWN
    n = sum(score.n for score in scores)
    return Score(value, n, low, high, scores[0].higher_is_better, len(scores))


@dataclass(frozen=True)
class Summary:
    """A metric over cells: mean, standard deviation between them, 95 % interval.

    `cells` is the number of cells with a number and `planned` that of all that there should be: where they differ, the
    mean is incomplete. What is not known is NaN: the mean without a cell, the deviation and the interval with one.
    Where a cell's value is infinite, so is the mean, and nothing is said of the spread.
    """

    mean: float
    deviation: float
    low: float
    high: float
    cells: int
    planned: int


def summarise(scores: Mapping[str, Sequence[Score]], *, planned: int | None = None, scale: Scale = ANY) -> Summary:
    """The scores of cells by unit, summarised over those that are numbers. planned: all there should be, if more.

    Cells that forget the same people are alike, so units are what is independent in the interval; where there is a
    single unit it is its cells, that is seeds. `scale` holds the smallest and the largest value of the metric.
    """
    every = sum(map(len, scores.values()))
    planned = every if planned is None else planned
    groups = [[score for score in scores[unit] if not math.isnan(score.value)] for unit in sorted(scores)]
    groups = [sorted(group, key=lambda score: (score.value, score.n)) for group in groups if group]
    values = sorted(score.value for group in groups for score in group)
    if not values:
        return Summary(math.nan, math.nan, math.nan, math.nan, 0, planned)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(np.mean(values))
    if len(values) == 1 or not math.isfinite(mean):
        return Summary(mean, math.nan, math.nan, math.nan, len(values), planned)
    if len(groups) == 1:
        groups = [[score] for score in groups[0]]
    low, high = _interval(groups, scale)
    return Summary(mean, float(np.std(values, ddof=1)), low, high, len(values), planned)


def _interval(groups: Sequence[Sequence[Score]], scale: Scale) -> tuple[float, float]:
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


@dataclass(frozen=True)
class Agreement:
    """Kendall's tau-b between the rankings that two metrics give the same methods: 1 the same, -1 the opposite."""

    one: str
    other: str
    tau: float


def agreements(ranked: Mapping[str, Mapping[str, float]]) -> list[Agreement]:
    """Kendall's tau of every pair of metrics, the most opposed first.

    `ranked` maps a metric to each method's value, turned so that higher is better. Methods without a finite value in
    both are left out; a pair with fewer than three methods left, or for which all methods are alike, is left out.
    """
    found = []
    for one, other in combinations(ranked, 2):
        methods = [
            method
            for method in ranked[one]
            if math.isfinite(ranked[one][method]) and math.isfinite(ranked[other].get(method, math.nan))
        ]
        if len(methods) >= 3:
            tau = kendalltau([ranked[one][m] for m in methods], [ranked[other][m] for m in methods]).statistic
            if math.isfinite(tau):
                found.append(Agreement(one, other, float(tau)))
    return sorted(found, key=lambda pair: pair.tau)
