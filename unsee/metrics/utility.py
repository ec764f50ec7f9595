"""Model utility: what a model still knows, as one number (TOFU, arXiv 2401.06121, section 2.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from unsee.metrics.intervals import UNKNOWN, Units, student
from unsee.metrics.score import Score

Array = npt.NDArray[np.float64]


def model_utility(sets: Sequence[tuple[npt.ArrayLike, Units]]) -> Score:
    """The harmonic mean over all figures of all sets of questions, 0 to 1; 0 if one of them is 0. Higher is better.

    sets: for each set, the figures of its questions, [questions, figures], all 0 to 1, and whom or what each question
    is about. The 95 % interval is a jackknife over these units within each set, with Student's t by the set that has
    fewest; none if a set has only one.

    Raises ValueError without a set, and for one without a question.
    """
    parts = [_by_unit(np.asarray(values, dtype=np.float64), units) for values, units in sets]
    if not parts:
        raise ValueError("a model utility needs a set of questions at least")
    means = [sums.sum(0) / sizes.sum() for sums, sizes in parts]
    value = _harmonic(np.concatenate(means))
    n = int(sum(sizes.sum() for _, sizes in parts))
    fewest = min(len(sizes) for _, sizes in parts)
    low, high = UNKNOWN
    if fewest > 1:
        arm = student(fewest - 1) * math.sqrt(sum(_variance(means, i, *part) for i, part in enumerate(parts)))
        low, high = max(0.0, value - arm), min(1.0, value + arm)
    return Score(value, n, low, high, True, sum(len(sizes) for _, sizes in parts))


def _harmonic(figures: Array) -> float:
    return float(len(figures) / (1 / figures).sum()) if (figures > 0).all() else 0.0


def _by_unit(values: Array, units: Units) -> tuple[Array, Array]:
    """The sums of the figures by unit, [units, figures], and the number of questions of each."""
    if values.ndim != 2 or len(values) != len(units) or not len(values):
        raise ValueError(f"figures of the shape {values.shape}, but units for {len(units)} questions")
    numbers = {unit: number for number, unit in enumerate(dict.fromkeys(units))}
    places = [numbers[unit] for unit in units]
    sums = np.zeros((len(numbers), values.shape[1]))
    np.add.at(sums, places, values)
    return sums, np.bincount(places).astype(np.float64)


def _variance(means: Sequence[Array], place: int, sums: Array, sizes: Array) -> float:
    """What one set adds to the variance of the utility: from leaving out each of its units in turn."""
    count = len(sizes)
    left = (sums.sum(0) - sums) / (sizes.sum() - sizes)[:, None]
    found = np.array([_harmonic(np.concatenate([*means[:place], row, *means[place + 1 :]])) for row in left])
    return float((count - 1) / count * ((found - found.mean()) ** 2).sum())
