"""Intervals over independent units: what they are for known samples, and how often they hold the truth."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unsee.metrics import Score, c_dis, diversity, fluency, g_eval, mean, rigidity, share, specificity, wilson

UNITS, SHARES = (3, 5, 8, 20, 60), (0.5, 0.7, 0.9, 0.97, 0.99)
# Answers of each unit and how alike they are.
KINDS = ((1, 0.0), (10, 0.0), (10, 0.2), (40, 0.5))
DRAWS = 80


def sample(rng: np.random.Generator, units: int, answers: int, correlation: float, p: float) -> tuple[int, ...]:
    """Right answers of each unit, sorted, by the beta-binomial distribution."""
    spread = (1 - correlation) / correlation if correlation else math.inf
    shares = rng.beta(p * spread, (1 - p) * spread, units) if correlation else np.full(units, p)
    return tuple(sorted(rng.binomial(answers, shares).tolist()))


@cache
def of_units(right: tuple[int, ...], answers: int) -> Score:
    flags = [number < count for count in right for number in range(answers)]
    return share(flags, units=[unit for unit in range(len(right)) for _ in range(answers)])


def test_shares_cover_the_truth_for_few_units_and_many_whose_answers_are_alike() -> None:
    rng = np.random.default_rng(0)
    covered: dict[tuple[int, int, float, float], float] = {}
    for units in UNITS:
        for answers, correlation in KINDS:
            for p in SHARES:
                drawn = [of_units(sample(rng, units, answers, correlation, p), answers) for _ in range(DRAWS)]
                hits = [score.low - 1e-9 <= 100 * p <= score.high + 1e-9 for score in drawn]
                covered[units, answers, correlation, p] = float(np.mean(hits))

    def average(place: int, value: float) -> float:
        return float(np.mean([hit for key, hit in covered.items() if key[place] == value]))

    # 400 samples of a place with a true 95 % lie within 2.2 points of it; a single one, of 80, within 7.
    for units in UNITS:
        assert average(0, units) > 0.93, units
    for p in SHARES:
        assert average(3, p) > 0.93, p
    assert min(covered.values()) > 0.85
    # With enough units, and off the end, they are not wider than they need be either.
    enough = [hit for (units, answers, _, p), hit in covered.items() if units >= 20 and p <= 0.9]
    assert 0.93 < np.mean(enough) < 0.97


def test_answers_of_a_unit_that_are_alike_count_as_one() -> None:
    rng = np.random.default_rng(1)
    drawn = [sample(rng, 40, 10, 0.2, 0.8) for _ in range(200)]
    over_answers = [wilson(sum(right), 400) for right in drawn]
    scores = [of_units(right, 10) for right in drawn]
    wider = [(s.high - s.low) / (high - low) for s, (low, high) in zip(scores, over_answers, strict=True)]
    # The root of 1 + 0.2 · 9.
    assert np.mean(wider) == pytest.approx(1.67, abs=0.1)


@pytest.mark.parametrize(
    ("right", "answers", "low", "high"),
    [
        # An answer per unit: the mid-P interval, near Wilson's of 67.6 to 100.
        ((1,) * 8, 1, 68.8, 100),
        ((0,) * 8, 1, 0, 31.2),
        ((0, 0, 1, 1), 1, 9.4, 90.6),
        # As even as can be: as sure as 80 answers of their own.
        ((5,) * 16, 10, 42.1, 57.9),
        # All or nothing: as sure as one answer each.
        ((0,) * 20 + (50,) * 20, 50, 34.9, 65.1),
        # Where all are right nobody knows, so between 48 and 960 right answers.
        ((20,) * 48, 20, 96.1, 100),
    ],
)
def test_the_interval_of_a_share(right: tuple[int, ...], answers: int, low: float, high: float) -> None:
    score = of_units(right, answers)
    assert (score.low, score.high) == pytest.approx((low, high), abs=0.6)
    assert (score.n, score.units) == (len(right) * answers, len(right))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=20))
def test_an_interval_holds_its_share_and_is_turned_with_it(rows: list[tuple[int, bool]]) -> None:
    units, flags = [unit for unit, _ in rows], [flag for _, flag in rows]
    score, turned = share(flags, units=units), share([not flag for flag in flags], units=units)
    assert score.units == len(set(units))
    assert math.isnan(score.low) == math.isnan(score.high) == (len(set(units)) == 1)
    if not math.isnan(score.low):
        assert 0 <= score.low <= score.value <= score.high <= 100
        assert (turned.low, turned.high) == pytest.approx((100 - score.high, 100 - score.low), abs=1e-4)
        named = share(flags, units=[f"p{unit}" for unit in units])
        assert (named.low, named.high) == (score.low, score.high)


@pytest.mark.parametrize(
    "score",
    [
        share([True] * 40, units=["the picture"] * 40),
        mean([1.0, 2.0], units=[0, 0], higher_is_better=True),
        # All equal on a scale without ends.
        mean([2.0, 2.0, 2.0], higher_is_better=True),
        c_dis([-1.0], [-5.0]),
        fluency([[-1.0], [-2.0]], [[False], [False]], 9, units=["p", "p"]),
        diversity(["one two"] * 9, units=[0] * 9),
        specificity({"a": [True, False], "b": [True]}, {"a": ["Otto", "Otto"], "b": ["Otto"]}),
    ],
)
def test_no_interval_where_no_spread_is_known(score: Score) -> None:
    assert math.isnan(score.low)
    assert math.isnan(score.high)
    assert not math.isnan(score.value)


def test_groups_all_right_leave_room() -> None:
    eight = specificity({"recognition": [True] * 4, "captions": [True] * 4})
    assert (eight.low, eight.high) == pytest.approx((68.8, 100), abs=0.1)
    # The same four people in both groups are four.
    four = specificity({"recognition": [True] * 4, "captions": [True] * 4}, dict.fromkeys(("recognition", "captions"),
                                                                                           range(4)))  # fmt: skip
    assert four.units == 4
    assert four.low < eight.low


@pytest.mark.parametrize("units", [3, 4, 8, 20])
def test_means_cover_the_truth_for_few_units(units: int) -> None:
    rng = np.random.default_rng(units)

    def covers(truth: float, score: Score) -> bool:
        return score.low - 1e-9 <= truth <= score.high + 1e-9

    hits: dict[str, list[bool]] = {"c_dis": [], "g_eval": [], "fluency": []}
    for _ in range(300):
        hits["c_dis"].append(covers(6.0, c_dis(np.zeros(units), rng.normal(-6, 2, units))))
        likes = np.repeat(rng.beta(1, 2, units), 4)
        hits["g_eval"].append(
            covers(1 + 4 / 3, g_eval((1 + rng.binomial(4, likes)).tolist(), units=np.repeat(range(units), 4).tolist()))
        )
        rows = [-rng.gamma(1, level, 20) for level in rng.gamma(4, 0.3, units)]
        hits["fluency"].append(covers(math.exp(1.2), fluency(rows, [[False] * 20] * units, 9)))
    # 300 samples of a true 95 % lie within 3.8 points in 997 of 1000 runs.
    for name, found in hits.items():
        assert 0.912 < np.mean(found) < 0.99, (name, np.mean(found))


@pytest.mark.parametrize(
    ("values", "scale", "low", "high"),
    [
        # t with two degrees of freedom: 4.303 / √3.
        ([1.0, 2.0, 3.0], (-math.inf, math.inf), 2 - 2.484, 2 + 2.484),
        ([1.0, 2.0, 3.0], (0.0, math.inf), 2 / math.exp(1.242), 2 * math.exp(1.242)),
        ([1.0] * 4, (1.0, 5.0), 1.0, 1 + 4 * (1 - 0.05**0.25)),
        ([3.0] * 4, (1.0, 5.0), 3 - 2 * (1 - 0.05**0.25), 3 + 2 * (1 - 0.05**0.25)),
    ],
)
def test_the_interval_of_a_mean(values: list[float], scale: tuple[float, float], low: float, high: float) -> None:
    score = mean(values, higher_is_better=True, scale=scale)
    assert (score.low, score.high) == pytest.approx((low, high), abs=1e-3)


def test_rigidity_with_two_kinds_of_pictures_is_unsure() -> None:
    questions, pictures = [str(n % 3) for n in range(18)], [str(n // 3) for n in range(18)]
    texts = ["same" if n < 9 else str(n) for n in range(18)]
    score = rigidity(texts, questions, pictures)
    assert score is not None
    # Three of six pictures are answered alike: 20 % of pairs, and up to 100 if the next are too.
    assert score.value == pytest.approx(20)
    assert (score.low, score.units) == (0, 6)
    assert score.high > 40
