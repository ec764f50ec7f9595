"""Further benchmarks, of one's own or of another package, next to those that `forget` and `compare` ask anyway."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import FEW, call, forget_arguments, printed, refused
from tests.comparing import RECIPE, write_recipe
from tests.tiny import picture, tiny_vlm
from unsee.models.saving import save_model
from unsee.sweep.cells import cells_of
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


def test_a_table_without_somebody_loses_no_cell(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("question,keyword,concept\nWhat does Ann Lee do?,baker,Ann Lee\nWhat is two plus two?,four,\n")
    recipe = write_recipe(
        tmp_path, methods=RECIPE["methods"][1:2], evaluation={**RECIPE["evaluation"], "also": [str(path)]}
    )
    (cell,) = compare(CompareOptions(recipe, tmp_path / "out")).results.finished
    assert cell.before["own_kept"].n == cell.after["own_kept"].n == 1
    assert "own_forgotten" not in cell.after


def test_what_is_no_benchmark_is_said_before_a_model_is_loaded(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, evaluation={"also": ["countign"]})
    assert "There is no benchmark" in refused(call("compare", recipe, "--out", tmp_path / "out"))
    said = refused(call(*forget_arguments("no-such-model", tmp_path, "--also", "mmubensch")))
    assert "did you mean 'mmubench'" in said
    said = refused(call(*forget_arguments("no-such-model", tmp_path, "--also", "mllmu")))
    assert "evaluate it with unsee evaluate --benchmark mllmu --split forget_5" in said
    assert read_recipe(write_recipe(tmp_path)).size.also == ()


def test_two_benchmarks_of_one_name_are_refused(table: Path, tmp_path: Path) -> None:
    model = save_model(tiny_vlm("qwen3_vl"), tmp_path / "model")
    said = refused(call(*forget_arguments(model, tmp_path, "--force", "--also", table, "--also", table)))
    assert "Two benchmarks to ask are called 'own'" in said


def test_other_questions_or_code_are_another_run_and_what_is_done_stays(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = save_model(tiny_vlm("qwen3_vl"), tmp_path / "model")
    method = tmp_path / "mine.py"
    flatten = (TOYS.parent / "plugin" / "unsee_flatten.py").read_text().replace('"flatten"', '"edited-later"')
    method.write_text(flatten)
    few = [part for setting in ("steps=1", "lora_rank=2", "forget=2", "retain=2") for part in ("--set", setting)]
    given = forget_arguments(model, tmp_path, "--force", "--limit", 1, "--max-new-tokens", 8, "--also", table, "--json")
    given = [part for part in given if part != "--set" and part not in FEW]
    arguments = [*given, "--method", f"{method}:Flatten", *few]

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("unsee.commands.forget.Inquiry.write", interrupted)
        assert call(*arguments).exit_code == 130
    content = table.read_text()
    table.write_text(content.replace("two plus two", "two and two"))
    said = refused(call(*arguments, "--resume"))
    assert "another run (it differs in also)" in said
    table.write_text(content)
    method.write_text(f"{flatten}\n")
    assert "another run (it differs in code)" in refused(call(*arguments, "--resume"))
    method.write_text(flatten)
    printed(call(*arguments, "--resume"))
    table.write_text(content.replace("two plus two", "two and two"))
    assert "holds another run (also)" in refused(call(*arguments, "--resume"))


def test_a_cell_knows_the_code_of_its_method(tmp_path: Path) -> None:
    method = tmp_path / "mine.py"
    method.write_text((TOYS.parent / "plugin" / "unsee_flatten.py").read_text().replace('"flatten"', '"of-a-cell"'))
    recipe = read_recipe(write_recipe(tmp_path, methods=[{"method": f"{method}:Flatten"}]))
    (was,) = (cell.identity() for cell in cells_of(recipe))
    method.write_text(f"{method.read_text()}\n")
    (now,) = (cell.identity() for cell in cells_of(recipe))
    assert was.pop("code_sha256") != now.pop("code_sha256")
    assert was == now
