"""95 % intervals over independent units: people, or else pictures, or else single answers.

Answers about one person or one picture are alike, so the number of people or pictures counts. Every function takes
`units`, which says what each answer belongs to; without it each answer is its own unit. docs/intervals.md simulates how
well the intervals cover.

- Shares: the mid-P binomial interval (Lancaster 1961) at the effective sample size (Kish 1965; Korn & Graubard 1998),
  averaged over what the answers leave open of the correlation within a unit (beta-binomial, Williams 1975). Wilson's
  interval, which is nearly the same for independent answers, falls to 86 % coverage with three units.
- Means: Student's t over the units, by the jackknife where they differ in size (Tukey 1958). On a scale with two ends
  (verdicts of 1 to 5) it becomes an effective sample size of the mid-P interval (as Dean & Pagano 2015 do for shares),
  and on one with a lower end a t interval of the logarithm, because such means lie skew near an end.
- No interval (NaN for both ends) if nothing is known about the spread: with a single unit, and if all units are equal
  on a scale without ends.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unsee.metrics.score import Score

Floats = npt.NDArray[np.float64]
Units = Sequence[Hashable]

Z_95 = 1.959963984540054
TAIL = 0.025
UNKNOWN = (math.nan, math.nan)
Scale = tuple[float, float]
"""The smallest and the largest value that a metric can take."""
ANY, PERCENT = (-math.inf, math.inf), (0.0, 100.0)

# Correlations within a unit, all of 0 to 1 equally likely beforehand, finer near 0, where large units feel the steps.
_STEPS = (np.arange(16) + 0.5) / 16
_CORRELATIONS, _PRIOR = _STEPS**2, _STEPS / _STEPS.sum()
_HALVINGS = 24
_LARGEST_POWER = 700.0


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


def share(flags: Iterable[bool], *, units: Units | None = None, higher_is_better: bool = True) -> Score:
    """The share of true flags, in percent. Raises `ValueError` without a flag."""
    given = {"": [bool(flag) for flag in flags]}
    return mean_of_shares(given, None if units is None else {"": units}, higher_is_better)


def mean_of_shares(
    groups: Mapping[str, Sequence[bool]], units: Mapping[str, Units] | None = None, higher_is_better: bool = True
) -> Score:
    """The mean over groups of the share of true flags, in percent. A unit may have flags in several groups.

    Raises `ValueError` without a group or with an empty one.
    """
    sizes = [len(flags) for flags in groups.values()]
    if not sizes or not all(sizes):
        raise ValueError("there is no share of nothing: every group needs an answer")
    flags = np.concatenate([np.asarray(groups[name], dtype=np.float64) for name in groups])
    belongs: Units = [unit for name in groups for unit in units[name]] if units else range(len(flags))
    shares = np.array([np.mean(groups[name]) for name in groups], dtype=np.float64)
    weights = np.repeat(1 / (len(sizes) * np.array(sizes)), sizes)
    # What a group's share is known by; one answer each way keeps it off 0 and 1.
    expected = np.repeat([(sum(groups[name]) + 1) / (len(groups[name]) + 2) for name in groups], sizes)
    within = _Units.of(belongs, flags)
    low, high = share_interval(
        float(shares.mean()),
        right=within.sums,
        sizes=within.sizes,
        expected=within.total(expected) / within.sizes,
        weights=within.total(weights),
        squares=float((weights**2).sum()),
    )
    return Score(100 * float(shares.mean()), len(flags), 100 * low, 100 * high, higher_is_better, len(within.sizes))


def share_interval(
    value: float, *, right: Floats, sizes: Floats, expected: Floats, weights: Floats, squares: float
) -> tuple[float, float]:
    """The interval of a weighted share `value`, all of 0 to 1. NaN for a single unit.

    By unit: `right` answers of `sizes`, the share `expected` from the groups that they belong to, and the sum of their
    `weights`; `squares` is the sum over all answers of the squared weight. All weights sum to 1.
    """
    if len(sizes) < 2:
        return UNKNOWN
    # Per correlation: the number of independent answers that would be as sure.
    effective = 1 / ((1 - _CORRELATIONS) * squares + _CORRELATIONS * float((weights**2).sum()))
    plausible = _PRIOR * _likelihood(right, sizes, expected)
    return _mid_p_interval(value, effective, plausible / plausible.sum())


def _likelihood(right: Floats, sizes: Floats, expected: Floats) -> Floats:
    """How likely the units' answers are at each correlation, up to a factor, by the beta-binomial distribution.

    The power takes back what is lost where the shares expected come from the same few units: without it three units
    of 40 answers are covered in 86 % only.
    """
    from scipy.special import betaln

    odds = (1 - _CORRELATIONS) / _CORRELATIONS
    a, b = expected[:, None] * odds, (1 - expected[:, None]) * odds
    found = (betaln(right[:, None] + a, (sizes - right)[:, None] + b) - betaln(a, b)).sum(0)
    found = found * (len(sizes) - 2) / len(sizes)
    return np.exp(found - found.max())


def _mid_p_interval(value: float, n: Floats, plausible: Floats) -> tuple[float, float]:
    """Of the share `value` among `n` independent answers, each of these numbers as `plausible` as it says."""
    tails = np.array([[TAIL], [1 - TAIL]])
    below, above = np.zeros_like(tails), np.ones_like(tails)
    for _ in range(_HALVINGS):
        middle = (below + above) / 2
        too_low = (_mid_p(value, n, middle) * plausible).sum(1, keepdims=True) < tails
        below, above = np.where(too_low, middle, below), np.where(too_low, above, middle)
    low, high = ((below + above) / 2)[:, 0]
    return (0.0 if value <= 0 else min(float(low), value)), (1.0 if value >= 1 else max(float(high), value))


def _mid_p(value: float, n: Floats, p: Floats) -> Floats:
    """P(more than n·value right) + P(exactly as many) / 2 at the share p, of n answers that need not be whole."""
    from scipy.special import betainc

    right, wrong = value * n, (1 - value) * n
    as_many = betainc(right, wrong + 1, p) if value > 0 else np.ones(np.broadcast_shapes(n.shape, p.shape))
    more = betainc(right + 1, wrong, p) if value < 1 else np.zeros_like(as_many)
    return (as_many + more) / 2


def mean(
    values: Sequence[float] | Floats,
    *,
    units: Units | None = None,
    higher_is_better: bool,
    scale: Scale = ANY,
) -> Score:
    """The mean of n values in their own unit; `scale` holds the smallest and the largest possible.

    Raises `ValueError` without a value.
    """
    numbers = np.asarray(values, dtype=np.float64)
    within = _Units.of(range(len(numbers)) if units is None else units, numbers)
    value, low, high = ratio_interval(within.sums, within.sizes, scale=scale)
    return Score(value, len(numbers), low, high, higher_is_better, len(within.sizes))


def student(degrees: int) -> float:
    """Student's t at the upper end of the interval, with so many degrees of freedom."""
    # Here and above: SciPy takes a second to import, and the command line reads texts before it computes anything.
    from scipy.stats import t

    return float(t.ppf(1 - TAIL, degrees))


def ratio_interval(tops: Floats, bottoms: Floats, *, scale: Scale = ANY) -> tuple[float, float, float]:
    """sum(tops) / sum(bottoms) with its interval; one of each per unit. Raises `ValueError` without a unit.

    Where every unit is equal, the interval leaves room for units unlike all of these (see `unseen_share`) at the ends
    of the scale.
    """
    m = len(tops)
    if not m:
        raise ValueError("there is no mean of nothing: at least one value is needed")
    with np.errstate(all="ignore"):
        total = math.fsum(bottoms)
        value = float(np.sum(np.sort(tops)) / total)
        apart = (tops - value * bottoms) / total
    if m < 2 or not np.isfinite(apart).all():
        return value, *UNKNOWN
    if np.abs(apart).max() <= 1e-12 * max(1.0, abs(value)):
        low, high = (value + (end - value) * unseen_share(m) for end in scale)
        return (value, low, high) if math.isfinite(high - low) else (value, *UNKNOWN)
    # By how much the value moves without each unit; sorted, so that their order does not change the last digit.
    moved = apart / (1 - bottoms / total)
    arm = student(m - 1) * math.sqrt((m - 1) / m * float(np.sort(moved**2).sum()))
    return value, *_on_scale(value, arm, scale)


def _on_scale(value: float, arm: float, scale: Scale) -> tuple[float, float]:
    """The interval around `value` whose arms would be as long as `arm` far from the ends of the scale."""
    start, end = scale
    if math.isinf(start):
        return value - arm, value + arm
    above = value - start
    if math.isinf(end):
        factor = math.exp(min(arm / above, _LARGEST_POWER)) if above > 0 else 1.0
        return start + above / factor, start + above * factor
    share = above / (end - start)
    n = share * (1 - share) * (Z_95 * (end - start) / arm) ** 2
    low, high = _mid_p_interval(share, np.array([max(n, 1.0)]), np.ones(1))
    return start + low * (end - start), start + high * (end - start)


def unseen_share(units: int) -> float:
    """The largest share, 0 to 1, that a kind may have which none of `units` independent things is of (mid-P, 95 %)."""
    return float(1 - (2 * TAIL) ** (1 / units))


@dataclass(frozen=True)
class _Units:
    """Values added up by unit: `places` says which unit each value is of."""

    places: npt.NDArray[np.int64]
    sums: Floats
    sizes: Floats

    @classmethod
    def of(cls, units: Units, values: Floats) -> _Units:
        if len(units) != len(values):
            raise ValueError(f"{len(values)} answers, but units for {len(units)}")
        numbers: dict[Hashable, int] = {}
        places = np.array([numbers.setdefault(unit, len(numbers)) for unit in units], dtype=np.int64)
        return cls(places, _total(places, values), _total(places, np.ones(len(values))))

    def total(self, values: Floats) -> Floats:
        return _total(self.places, values)


def _total(places: npt.NDArray[np.int64], values: Floats) -> Floats:
    return np.bincount(places, values).astype(np.float64)
