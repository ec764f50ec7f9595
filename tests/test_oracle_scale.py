"""Scores on the scale 0 = before, 1 = oracle."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from tests.test_leaderboard import UNITS, cell, scores
from unsee.errors import UserError
from unsee.reports.leaderboard import markdown
from unsee.reports.leaderboard_page import render
from unsee.sweep.boards import leaderboard
from unsee.sweep.oracle_scale import on_scale
from unsee.sweep.recipe import ORACLE, parse_recipe
from unsee.sweep.results import read_results

SMALL = {"models": "world:tiny-qwen3vl", "methods": ["siu"], "forget_splits": [5]}


def test_half_way_and_beyond() -> None:
    figure = on_scale({"a": 50.0, "b": 130.0}, {"a": 0.0, "b": 20.0}, {"a": 100.0, "b": 120.0})
    assert figure is not None
    assert figure.mean == pytest.approx((90 - 10) / (110 - 10))
    # Drawn alone, the units have 0.5 and 1.1.
    assert (figure.low, figure.high, figure.cells) == pytest.approx((0.5, 1.1, 2))


def test_a_single_unit_has_no_interval_and_what_is_not_shared_does_not_count() -> None:
    figure = on_scale({"a": 50.0, "b": 7.0}, {"a": 0.0, "b": 0.0}, {"a": 100.0})
    assert figure is not None
    assert (figure.mean, figure.cells) == (0.5, 1)
    assert math.isnan(figure.low)


@pytest.mark.parametrize("oracle", [{"a": 100.0}, {"a": 98.0}, {"a": 94.4}, {}, {"a": math.nan}])
def test_no_scale_where_before_and_oracle_hardly_differ(oracle: dict[str, float]) -> None:
    assert on_scale({"a": 99.0}, {"a": 100.0}, oracle) is None


def test_the_board_shows_it(tmp_path: Path) -> None:
    rows = {"siu": (100, 98, 100), "ga": (50, 40, 5), "oracle": (100, 97, 0)}
    cells = [cell(tmp_path, label, unit, 0, scores(*own)) for label, own in rows.items() for unit in UNITS]
    (tmp_path / "cells.json").write_text(json.dumps({"schema": "unsee.compare/1", "name": "one", "cells": cells}))
    board = leaderboard(read_results(tmp_path))
    figures = {row.label: row.figures for row in board.boards[0].scaled}
    assert set(figures) == {"siu", "ga"}
    assert figures["ga"]["generality_em"].mean == pytest.approx(0.5)
    assert figures["siu"]["text_facts"].mean == pytest.approx(0)
    assert figures["ga"]["text_facts"].mean == pytest.approx(0.95)
    # 99 before and 97 of the oracle are too close.
    assert "specificity" not in figures["siu"]
    for shown in (markdown(board), render(board)):
        assert "On the scale 0 = before, 1 = oracle" in shown


def test_the_recipe_says_it_in_short() -> None:
    assert parse_recipe({**SMALL, "oracle": True}).arms[-1].method == ORACLE
    assert parse_recipe({**SMALL, "oracle": "models/never"}).arms[-1].checkpoint == "models/never"
    assert len(parse_recipe({**SMALL, "oracle": False}).arms) == 1
    for wrong in ({"oracle": 3}, {"oracle": True, "methods": ["siu", "oracle"]}):
        with pytest.raises(UserError):
            parse_recipe({**SMALL, **wrong})
