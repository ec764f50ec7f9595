"""What exceeds the floor: by hand, and how often its interval holds the truth."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from unsee.attacks.scoring import excess
from unsee.metrics import Score, share, wilson

UNITS = 12


def sample(rng: np.random.Generator, answers: int, correlation: float, p: float) -> tuple[int, ...]:
    """Answers of each unit that leak, sorted, by the beta-binomial distribution."""
    if p in (0, 1):
        return (round(p) * answers,) * UNITS
    spread = (1 - correlation) / correlation if correlation else math.inf
    shares = rng.beta(p * spread, (1 - p) * spread, UNITS) if correlation else np.full(UNITS, p)
    return tuple(sorted(rng.binomial(answers, shares).tolist()))


@cache
def leak(counts: tuple[int, ...], answers: int) -> Score:
    flags = [number < count for count in counts for number in range(answers)]
    return share(flags, units=[unit for unit in range(UNITS) for _ in range(answers)], higher_is_better=False)


def test_the_excess_is_newcombes_difference() -> None:
    """Of Wilson's intervals his method 10: 56/70 against 48/80 is 20 points, 5.24 to 33.39 (1998, table II)."""
    first, second = (
        Score(100 * right / n, n, *wilson(right, n), False, units) for right, n, units in ((56, 70, 70), (48, 80, 80))
    )
    found = excess(first, second)
    assert found.value == pytest.approx(20)
    assert (found.low, found.high) == pytest.approx((5.24, 33.39), abs=0.01)
    assert (found.units, found.higher_is_better) == (70, False)


def test_the_interval_of_an_excess_covers_the_truth() -> None:
    rng, draws = np.random.default_rng(0), 80
    covered: dict[tuple[float, float, int, float], float] = {}
    false_alarms: dict[float, list[bool]] = {}
    for answers, correlation in ((1, 0.0), (6, 0.3), (6, 0.7)):
        for p in (0.0, 0.05, 0.5, 0.9):
            for floor in (0.0, 0.05, 0.5):
                hits = []
                for _ in range(draws):
                    found = excess(
                        leak(sample(rng, answers, correlation, p), answers),
                        leak(sample(rng, answers, correlation, floor), answers),
                    )
                    hits.append(found.low - 1e-9 <= 100 * (p - floor) <= found.high + 1e-9)
                    if p == floor:
                        false_alarms.setdefault(p, []).append(found.low > 0)
                covered[p, floor, answers, correlation] = float(np.mean(hits))
    # Near the ends few answers can be wrong, so the interval is too wide there; never too narrow.
    assert min(covered.values()) > 0.88, covered
    middle = [hit for (p, floor, *_), hit in covered.items() if p >= 0.5 and floor == 0.5]
    # 480 samples of a true 95 % lie within 2 points of it.
    assert 0.93 < np.mean(middle) < 0.97
    assert 0.95 < np.mean(list(covered.values())) < 0.99
    # Where nothing exceeds the floor, at most one in 40 says so.
    for p, alarms in false_alarms.items():
        assert np.mean(alarms) < 0.025 + 2 * math.sqrt(0.025 * 0.975 / len(alarms)), p
