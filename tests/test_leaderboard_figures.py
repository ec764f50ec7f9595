"""What a leaderboard draws and says of its rankings."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from unsee.metrics import Score
from unsee.reports.leaderboard import Figure, Row
from unsee.reports.plots import NAMED, Point, beside, methods_on_plane
from unsee.sweep.boards import agreement


def rows(values: Mapping[str, tuple[float, float]]) -> list[Row]:
    return [
        Row(
            label,
            "method",
            {
                "generality_em": Figure(em, 0, em, em, 3),
                "g_eval": Figure(5 - em / 25, 0, 1, 5, 3),
                "specificity": Figure(kept, 0, kept, kept, 3),
            },
        )
        for label, (em, kept) in values.items()
    ]


def test_rankings_that_disagree_are_said_to_disagree() -> None:
    said = agreement(rows({"siu": (90, 10), "po": (50, 50), "ga": (10, 90)}))
    assert said.startswith("The metrics disagree on the order of these 3 methods: for 2 of 3 pairs")
    assert "EM and Specificity (τ = −1.00)" in said
    # Lower is better for G-Eval: it agrees with EM.
    assert "most alike are EM and G-Eval (τ = 1.00)" in said
    alike = agreement(rows({"siu": (90, 90), "po": (50, 50), "ga": (10, 10)}))
    assert alike.startswith("The metrics mostly agree")
    assert agreement(rows({"siu": (90, 90), "po": (50, 50)})) == ""
    assert "No two metrics" in agreement(rows({"siu": (50, 50), "po": (50, 50), "ga": (50, 50)}))


def test_a_plot_of_many_methods_names_some() -> None:
    def point(number: int) -> Point:
        return Point(f"way {number}", Score(99 - number, 9, 90 - number, math.nan), Score(90, 9, math.nan, 95))

    few, many = (methods_on_plane([point(number) for number in range(count)], "p") for count in (3, 30))
    assert few is not None
    assert many is not None
    assert few.count(">way ") == 3
    assert many.count(">way ") == NAMED
    assert ">way 0<" in many
    assert ">way 29<" not in many
    assert methods_on_plane([], "p") is None
    assert methods_on_plane([Point("way", Score(math.nan, 0, 0, 0), Score(1, 1, 1, 1))], "p") is None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 500), st.floats(0, 300)), min_size=1, max_size=12))
def test_labels_stay_near_their_points(places: list[tuple[float, float]]) -> None:
    sizes = [(40.0, 13.0)] * len(places)
    offsets = beside(places, sizes, (0, 0, 500, 300), [(x - 6, y - 6, x + 6, y + 6) for x, y in places])
    assert len(offsets) == len(places)
    assert all(math.hypot(*offset) < 200 for offset in offsets)
    if len(places) == 1:
        assert math.hypot(*offsets[0]) < 45
