"""Membership inference: how much a model betrays that it was trained on a text, from the log-probabilities of the text.

A statistic gives one number for a text; AUROC says how well that number tells members from others. Log-probabilities
are natural logarithms.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Hashable

import numpy as np
import numpy.typing as npt

from unsee.metrics.intervals import UNKNOWN, Z_95, Units
from unsee.metrics.likelihood import Floats, min_k
from unsee.metrics.score import Score

_SMALLEST_VARIANCE = 1e-6
_SMALLEST_LOSS = 1e-9
_NEARLY = 1e-9
Array = npt.NDArray[np.float64]


def loss(logprobs: Floats) -> float:
    """LOSS: the mean of -log p over the tokens of a text, in nats; lower for members (Yeom et al. 2018)."""
    values = np.asarray(logprobs, dtype=np.float64)
    if not len(values):
        raise ValueError("a text without a token has no loss")
    return -float(values.mean())


def zlib_ratio(logprobs: Floats, text: str) -> float:
    """The loss of a text over the bytes it takes compressed; lower for members (Carlini et al., arXiv 2012.07805)."""
    return loss(logprobs) / len(zlib.compress(text.encode()))


def reference_ratio(logprobs: Floats, reference: Floats) -> float:
    """The loss over that of a reference that does not know the members; lower for members (arXiv 2012.07805)."""
    return loss(logprobs) / max(loss(reference), _SMALLEST_LOSS)


def min_k_plus_plus(logprobs: Floats, distributions: npt.NDArray[np.floating], k: float = 20.0) -> float:
    """Min-K%++: `min_k` of (log p - μ) / σ, the standardised log-probabilities; higher for members (arXiv 2404.02936).

    distributions: [tokens, vocabulary] the log-probabilities of every token of the vocabulary in each place, over which
    μ = Σ p log p and σ² = Σ p log² p - μ², at least 1e-6.
    """
    log_p = np.asarray(distributions, dtype=np.float64)
    values = np.asarray(logprobs, dtype=np.float64)
    if log_p.ndim != 2 or len(log_p) != len(values):
        raise ValueError(f"{len(values)} tokens, but distributions of the shape {log_p.shape}")
    p = np.exp(log_p)
    # What is impossible adds nothing: p log p goes to 0 with p.
    finite = np.where(p > 0, log_p, 0.0)
    mean = (p * finite).sum(1)
    variance = np.maximum((p * finite**2).sum(1) - mean**2, _SMALLEST_VARIANCE)
    return min_k((values - mean) / np.sqrt(variance), k)


def auroc(members: Floats, others: Floats) -> float:
    """The chance that a statistic is higher for a member than for another one, 0 to 1; ties count half."""
    from scipy.stats import mannwhitneyu

    if not len(members) or not len(others):
        raise ValueError("AUROC needs a member and another one at least")
    return float(mannwhitneyu(members, others).statistic) / (len(members) * len(others))


def auroc_score(
    members: Floats, others: Floats, *, units: Units | None = None, other_units: Units | None = None
) -> Score:
    """AUROC in percent, lower is better, with its 95 % interval over units: people, or pictures.

    Of a unit with several values the mean counts. The interval is Newcombe's (2006, Statistics in Medicine 25, method
    5), which holds the truth also near 0 and 100, with its variance enlarged where that of the values themselves
    (DeLong et al. 1988) is larger. Without two units on both sides there is none.
    """
    first, second = _by_unit(members, units), _by_unit(others, other_units)
    value = auroc(first, second)
    low, high = _auroc_interval(value, first, second)
    n = len(members) + len(others)
    return Score(100 * value, n, 100 * low, 100 * high, False, min(len(first), len(second)))


def _by_unit(values: Floats, units: Units | None) -> Array:
    numbers = np.asarray(values, dtype=np.float64)
    if units is None:
        return numbers
    if len(units) != len(numbers):
        raise ValueError(f"{len(numbers)} values, but units for {len(units)}")
    of_unit: dict[Hashable, list[float]] = {}
    for unit, number in zip(units, numbers.tolist(), strict=True):
        of_unit.setdefault(unit, []).append(number)
    return np.array([math.fsum(own) / len(own) for own in of_unit.values()])


def _auroc_interval(value: float, members: Array, others: Array) -> tuple[float, float]:
    from scipy.optimize import brentq

    m, n = len(members), len(others)
    if min(m, n) < 2:
        return UNKNOWN
    wins = (members[:, None] > others) + 0.5 * (members[:, None] == others)
    found = float(wins.mean(1).var(ddof=1) / m + wins.mean(0).var(ddof=1) / n)
    expected = _variance(value, m, n)
    larger = max(1.0, found / expected) if expected > 0 else 1.0

    def outside(truth: float) -> float:
        """Above 0 where `value` lies too far from this truth."""
        return (truth - value) ** 2 - Z_95**2 * larger * _variance(truth, m, n)

    low = 0.0 if value <= 0 else float(brentq(outside, 0.0, value * (1 - _NEARLY)))
    high = 1.0 if value >= 1 else float(brentq(outside, value + (1 - value) * _NEARLY, 1.0))
    return low, high


def _variance(truth: float, m: int, n: int) -> float:
    """Of an AUROC that is `truth`, by the exponential model of Hanley & McNeil (1982), symmetric in m and n."""
    size = (m + n) / 2 - 1
    return truth * (1 - truth) * (1 + size * ((1 - truth) / (2 - truth) + truth / (1 + truth))) / (m * n)


def false_positive_rate(members: Floats, others: Floats, at: float = 0.95) -> float:
    """The smallest share of others, 0 to 1, that is taken for members where at least a share `at` of members is."""
    false, true = _roc(members, others)
    return float(false[true >= at - _NEARLY].min())


def true_positive_rate(members: Floats, others: Floats, at: float = 0.05) -> float:
    """The largest share of members, 0 to 1, that is recognised where at most a share `at` of others is taken for
    members."""
    false, true = _roc(members, others)
    return float(true[false <= at + _NEARLY].max())


def _roc(members: Floats, others: Floats) -> tuple[Array, Array]:
    from sklearn.metrics import roc_curve

    labels = [1] * len(members) + [0] * len(others)
    false, true, _ = roc_curve(labels, [*members, *others], drop_intermediate=False)
    return false, true


def privleak(area: float, reference: float) -> float:
    """PrivLeak in percent: 0 where the AUROC is that of a model that never knew (MUSE, arXiv 2407.06460).

    ((1 - AUC) - (1 - AUC_ref)) / (1 - AUC_ref) · 100. Both 0 to 1 and higher for members; below 0 the members are still
    known, above 0 the model shuns them. NaN if the reference tells all members.
    """
    return 100 * ((1 - area) - (1 - reference)) / (1 - reference) if reference < 1 else math.nan


def indistinguishable(area: float) -> float:
    """1 - 2 |AUC - ½|: 1 where members look like others, 0 where all can be told, also by being shunned."""
    return 1 - 2 * abs(area - 0.5)
