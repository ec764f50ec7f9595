"""Specificity: what must stay, averaged over groups of questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from unsee.metrics.intervals import RESAMPLES
from unsee.metrics.score import Score


def specificity(groups: Mapping[str, Sequence[bool]], *, seed: int = 0) -> Score:
    """Specificity: the mean over groups of the share answered right, in percent; higher is better.

    `groups` maps a group's name to whether each of its questions was answered right. Every group weighs the same, as
    every benchmark does in the paper. The interval is a bootstrap within each group; n is the number of questions.
    Raises `ValueError` without a group or with an empty one.
    """
    if not groups or not all(len(flags) for flags in groups.values()):
        raise ValueError("Specificity needs at least one group, and a question in each")
    rng = np.random.default_rng(seed)
    values, draws = [], []
    for name in sorted(groups):
        n, right = len(groups[name]), sum(map(bool, groups[name]))
        values.append(right / n)
        # Drawing n flags with replacement and counting the true ones is a binomial draw.
        draws.append(rng.binomial(n, right / n, RESAMPLES) / n)
    low, high = np.percentile(100 * np.mean(draws, axis=0), [2.5, 97.5], method="closest_observation")
    return Score(100 * float(np.mean(values)), sum(map(len, groups.values())), float(low), float(high))
