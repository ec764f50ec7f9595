"""Further benchmarks, of one's own or of another package, next to those that `forget` and `compare` ask anyway."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import call, forget_arguments, printed, refused
from tests.comparing import RECIPE, write_recipe
from tests.tiny import picture, tiny_vlm
from unsee.models.saving import save_model
from unsee.sweep.comparing import CompareOptions, compare
from unsee.sweep.recipe import read_recipe

TOYS = Path(__file__).parent / "plugin_benchmark"
COUNTING = f"{TOYS / 'toy_counting.py'}:Counting"
REWORDED = f"{TOYS / 'toy_reworded.py'}:Reworded"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    picture(7).save(tmp_path / "again.png")
    path = tmp_path / "mine.csv"
    path.write_text(
        "picture,question,keyword,concept,split\n"
        "again.png,Who is in this picture?,Mara Voss,Mara Voss,forget\n"
        ",What is two plus two?,four,,retain\n"
    )
    return path


def test_forget_asks_them_before_and_after_and_reports_them(table: Path, tmp_path: Path) -> None:
    model = save_model(tiny_vlm("qwen3_vl"), tmp_path / "model")
    more = ("--also", table, "--also", REWORDED)
    arguments = forget_arguments(model, tmp_path, "--force", "--limit", 1, "--max-new-tokens", 8, "--json", *more)
    document = printed(call(*arguments))
    for state in ("before", "after"):
        assert {"own_forgotten", "own_kept", "reworded"} <= set(document[state])
    assert "Forgotten" in (tmp_path / "out" / "report.html").read_text()
    assert {path.name for path in (tmp_path / "out" / "answers").iterdir()} == {"mmubench", "own", "reworded"}
    assert printed(call("score", tmp_path / "out", "-b", "own", "--json"))["changed"] == []
    assert "another run (also)" in refused(call(*arguments[:-2], "--resume"))


def test_compare_asks_them_of_every_cell(tmp_path: Path) -> None:
    recipe = write_recipe(
        tmp_path, methods=RECIPE["methods"][1:2], evaluation={**RECIPE["evaluation"], "also": [COUNTING]}
    )
    (cell,) = compare(CompareOptions(recipe, tmp_path / "out")).results.finished
    assert cell.before["counting"].n == cell.after["counting"].n == 5
    assert cell.identity["also"] == {COUNTING: 1}
    assert json.loads((tmp_path / "out" / "cells.json").read_text())["cells"][0]["evaluation"]["also"] == [COUNTING]


def test_what_is_no_benchmark_is_said_before_a_model_is_loaded(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, evaluation={"also": ["countign"]})
    assert "There is no benchmark" in refused(call("compare", recipe, "--out", tmp_path / "out"))
    said = refused(call(*forget_arguments("no-such-model", tmp_path, "--also", "mmubensch")))
    assert "did you mean 'mmubench'" in said
    assert read_recipe(write_recipe(tmp_path)).size.also == ()


def test_two_benchmarks_of_one_name_are_refused(table: Path, tmp_path: Path) -> None:
    model = save_model(tiny_vlm("qwen3_vl"), tmp_path / "model")
    said = refused(call(*forget_arguments(model, tmp_path, "--force", "--also", table, "--also", table)))
    assert "Two benchmarks to ask are called 'own'" in said
