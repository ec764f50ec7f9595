"""95 % intervals: Wilson's for shares, a seeded percentile bootstrap for means and ratios.

Both treat the answers as independent. Answers about the same picture are not quite that, so the intervals are, if
anything, a little narrow.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from unsee.metrics.score import Score

Z_95 = 1.959963984540054
RESAMPLES = 1000


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Wilson's score interval (1927) of a share, in percent. Raises `ValueError` unless 0 <= successes <= n, n > 0."""
    if n <= 0 or not 0 <= successes <= n:
        raise ValueError(f"no interval for {successes} successes out of {n}")
    p = successes / n
    spread = Z_95 * math.sqrt(p * (1 - p) / n + Z_95**2 / (4 * n**2))
    centre, scale = p + Z_95**2 / (2 * n), 1 + Z_95**2 / n
    # At the ends one bound equals the share itself; rounding must not push it past.
    low = 0.0 if successes == 0 else 100 * (centre - spread) / scale
    high = 100.0 if successes == n else 100 * (centre + spread) / scale
    return low, high


def share(flags: Iterable[bool], *, higher_is_better: bool = True) -> Score:
    """The share of true flags, in percent, with Wilson's interval."""
    values = [bool(flag) for flag in flags]
    low, high = wilson(sum(values), len(values))
    return Score(100 * sum(values) / len(values), len(values), low, high, higher_is_better)


def bootstrap(
    numerators: Sequence[float] | npt.NDArray[np.float64],
    denominators: Sequence[float] | npt.NDArray[np.float64] | None = None,
    *,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of sum(numerators) / sum(denominators); of the mean without denominators.

    The units drawn are the n rows, with replacement, `RESAMPLES` times. The result depends on the seed but not on
    the order of the rows. Raises `ValueError` when there is no row.
    """
    top = np.asarray(numerators, dtype=np.float64)
    bottom = np.ones_like(top) if denominators is None else np.asarray(denominators, dtype=np.float64)
    if top.ndim != 1 or top.shape != bottom.shape or not len(top):
        raise ValueError("the bootstrap needs as many numerators as denominators, and at least one")
    order = np.lexsort((bottom, top))
    top, bottom = top[order], bottom[order]
    rng = np.random.default_rng(seed)
    ratios = np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        rows = rng.integers(0, len(top), len(top))
        ratios[i] = top[rows].sum() / bottom[rows].sum()
    low, high = np.percentile(ratios, [2.5, 97.5], method="closest_observation")
    return float(low), float(high)


def mean(values: Sequence[float] | npt.NDArray[np.float64], *, higher_is_better: bool, seed: int = 0) -> Score:
    """The mean of n values in their own unit, with its bootstrap interval."""
    low, high = bootstrap(values, seed=seed)
    return Score(
        float(np.mean(np.sort(np.asarray(values, dtype=np.float64)))), len(values), low, high, higher_is_better
    )
