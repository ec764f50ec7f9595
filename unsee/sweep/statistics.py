"""Numbers over cells: means with intervals, and whether metrics rank the methods alike. No model, no files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import kendalltau

from unsee.metrics import Score
from unsee.metrics.averaging import interval_of_scores
from unsee.metrics.intervals import ANY, Scale


@dataclass(frozen=True)
class Summary:
    """A metric over cells: mean, standard deviation between them, 95 % interval.

    `cells` is the number of cells with a number and `planned` that of all that there should be: where they differ, the
    mean is incomplete. What is not known is NaN: the mean without a cell, the deviation and the interval with one.
    If a cell's value is infinite, so is the mean, and the spread is unknown.
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
    low, high = interval_of_scores(groups, scale)
    return Summary(mean, float(np.std(values, ddof=1)), low, high, len(values), planned)


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
