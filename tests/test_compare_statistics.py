"""Numbers over cells: means, intervals by unit, and rankings that agree or not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unsee.metrics import Score, share
from unsee.metrics.averaging import mean_of_scores
from unsee.sweep.statistics import agreements, summarise

finite = st.floats(-1e6, 1e6)
cells = st.dictionaries(st.text(max_size=3), st.lists(finite, max_size=5), max_size=6)


def cells_of(values: Mapping[str, Sequence[float]], n: int = 1000) -> dict[str, list[Score]]:
    return {unit: [Score(value, n, math.nan, math.nan) for value in group] for unit, group in values.items()}


@settings(max_examples=40, deadline=None)
@given(cells)
def test_a_summary_holds_its_mean_and_is_blind_to_order(values: dict[str, list[float]]) -> None:
    everything = [value for group in values.values() for value in group]
    summary = summarise(cells_of(values))
    assert (summary.cells, summary.planned) == (len(everything), len(everything))
    if len(everything) < 2:
        assert math.isnan(summary.deviation)
        assert math.isnan(summary.low)
        return
    slack = 1e-6 * max(1.0, *map(abs, everything))
    assert summary.mean == pytest.approx(np.mean(everything), abs=slack)
    assert summary.deviation >= 0
    # Where all cells are equal no spread was seen.
    assert math.isnan(summary.low) or summary.low <= summary.mean + slack <= summary.high + 2 * slack
    again = summarise(cells_of({unit: list(reversed(group)) for unit, group in reversed(values.items())}))
    assert again.mean == summary.mean
    assert (again.low, again.high) == pytest.approx((summary.low, summary.high), abs=slack, nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(max_size=3), st.lists(st.floats(), max_size=4), max_size=4))
def test_whatever_numbers_cells_have_a_summary_is_made(values: dict[str, list[float]]) -> None:
    with np.errstate(all="ignore"):
        summary = summarise(cells_of(values))
    numbers = [value for group in values.values() for value in group if not math.isnan(value)]
    assert summary.cells == len(numbers)
    assert summary.planned == sum(map(len, values.values()))
    if not math.isfinite(summary.mean):
        assert math.isnan(summary.low)


@pytest.mark.parametrize("scale", [(-math.inf, math.inf), (0.0, 100.0)])
def test_cells_of_one_unit_count_together(scale: tuple[float, float]) -> None:
    # Between units much, within nothing: ten seeds more say nothing more.
    few = summarise(cells_of({"a": [0.0], "b": [50.0], "c": [100.0]}, 10000), scale=scale)
    many = summarise(cells_of({"a": [0.0] * 10, "b": [50.0] * 10, "c": [100.0] * 10}, 1000), scale=scale)
    assert (few.low, few.high) == pytest.approx((many.low, many.high), abs=0.5)
    assert few.high - few.low > 80
    # The seeds of a single unit are all that is known to differ.
    alone = summarise(cells_of({"a": [0.0, 50.0, 100.0] * 10}), scale=scale)
    assert alone.high - alone.low < 50


def test_one_cell_has_no_spread_and_says_so() -> None:
    summary = summarise(cells_of({"a": [3.5]}))
    assert summary.mean == 3.5
    assert all(map(math.isnan, (summary.deviation, summary.low, summary.high)))


def test_equal_cells_leave_room_for_others_on_a_scale_with_ends() -> None:
    percent = summarise(cells_of({"a": [100.0], "b": [100.0], "c": [100.0]}), scale=(0.0, 100.0))
    assert percent.high == 100
    assert percent.low < 90
    grades = summarise(cells_of({"a": [1.0], "b": [1.0], "c": [1.0]}), scale=(1, 5))
    assert (grades.low, grades.high) == pytest.approx((1, 1 + 4 * (1 - 0.05 ** (1 / 3))))
    nats = summarise(cells_of({"a": [2.0], "b": [2.0]}))
    assert math.isnan(nats.low)


def test_a_cell_that_is_no_number_makes_the_mean_incomplete() -> None:
    summary = summarise(cells_of({"a": [math.nan], "b": [60.0], "c": [62.0]}))
    assert (summary.mean, summary.cells, summary.planned) == (61.0, 2, 3)
    none = summarise(cells_of({"a": [math.nan]}), planned=2)
    assert math.isnan(none.mean)
    assert (none.cells, none.planned) == (0, 2)
    # Over the concepts of one cell there is no half of it.
    broken = mean_of_scores([Score(math.nan, 9, math.nan, math.nan), share([True, False])], (0, 100))
    assert math.isnan(broken.value)
    assert math.isnan(broken.low)


shares = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 20)), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(shares)
def test_the_mean_over_concepts_is_a_share_again(counts: list[tuple[int, int]]) -> None:
    scores = [share([True] * min(k, n) + [False] * (n - min(k, n))) for k, n in counts]
    mean = mean_of_scores(scores, (0.0, 100.0))
    assert mean.n == sum(score.n for score in scores)
    if len(scores) == 1:
        assert mean is scores[0]
        return
    assert mean.units == len(scores)
    assert 0 <= mean.low <= mean.value + 1e-9
    assert mean.value - 1e-9 <= mean.high <= 100


def test_the_mean_over_people_is_as_sure_as_they_are_many() -> None:
    # Half of the people forgotten, half not: 400 answers of each are worth one.
    half = mean_of_scores([share([number % 2 == 0] * 400) for number in range(20)], (0.0, 100.0))
    people = share([number % 2 == 0 for number in range(20)])
    assert (half.low, half.high) == pytest.approx((people.low, people.high), abs=1)
    # Where all are forgotten nobody knows how alike people are: between 4 of 4 and 1600 of 1600.
    everybody = mean_of_scores([share([True] * 400)] * 4, (0.0, 100.0))
    assert share([True] * 4).low < everybody.low < share([True] * 40).low


def test_the_mean_of_an_infinite_score_is_infinite() -> None:
    mean = mean_of_scores([Score(math.inf, 3, 1.0, math.inf, False), Score(2.0, 3, 1.0, 3.0, False)])
    assert math.isinf(mean.value)
    assert not mean.higher_is_better
    with pytest.raises(ValueError, match="no score"):
        mean_of_scores([])


def test_rankings_that_are_opposite_are_found() -> None:
    em = {"siu": 100.0, "po": 80.0, "ga": 60.0, "npo": 40.0}
    kept = {"siu": 10.0, "po": 20.0, "ga": 30.0, "npo": 40.0}
    alike = {method: value / 2 for method, value in em.items()}
    flat = dict.fromkeys(em, 1.0)
    found = agreements({"em": em, "kept": kept, "alike": alike, "flat": flat})
    assert [(pair.one, pair.other, pair.tau) for pair in found] == [
        ("em", "kept", -1.0), ("kept", "alike", -1.0), ("em", "alike", 1.0),
    ]  # fmt: skip
    assert agreements({"em": {"a": 1.0, "b": 2.0}, "kept": {"a": 1.0, "b": 2.0}}) == []
    # A method without a number in one of the two is left out, and then too few are left.
    assert agreements({"em": {"a": 1.0, "b": 2.0, "c": math.nan}, "kept": {"a": 1.0, "b": 2.0, "c": 3.0}}) == []
