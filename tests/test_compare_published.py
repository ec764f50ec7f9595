"""`unsee compare` over a published data set's forget split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tiny import folder_of_pictures, tiny_vlm
from unsee.benchmarks.world_layouts import write_world
from unsee.errors import UserError
from unsee.reports.leaderboard import markdown
from unsee.sweep.answers import answer_pages
from unsee.sweep.boards import leaderboard
from unsee.sweep.cells import cells_of
from unsee.sweep.comparing import CompareOptions, compare
from unsee.sweep.published import requests_of_split
from unsee.sweep.recipe import parse_recipe
from unsee.sweep.results import ranking_of


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("data") / "fiubench-world"
    write_world("fiubench", out)
    return out


def recipe(data: Path, **changes: Any) -> dict[str, Any]:
    return {
        "models": ["world:tiny-qwen3vl"],
        "methods": [{"method": "po", "set": {"steps": 1}}, {"method": "retain_only", "set": {"steps": 1}}],
        "benchmark": str(data),
        "where": "pictures",
        "keep": "scores",
        "evaluation": {"limit": 1, "max_new_tokens": 8},
        **changes,
    }


def test_a_split_is_one_unit_with_its_own_people(data: Path) -> None:
    (unit,) = parse_recipe(recipe(data)).units
    assert (unit.kind, unit.name) == ("FIUBench, forget5, pictures",) * 2
    assert len(unit.concepts) == 2
    ten, one = parse_recipe(recipe(data, splits=["forget10", "forget1"])).units
    assert (len(ten.concepts), len(one.concepts)) == (3, 1)


def test_cells_differ_in_what_is_forgotten_and_asked(data: Path) -> None:
    def identity(**changes: Any) -> dict[str, Any]:
        return cells_of(parse_recipe(recipe(data, **changes)))[0].identity()

    assert identity() == identity()
    assert identity()["data"] != identity(evaluation={"limit": 2})["data"]
    assert identity()["data"] != identity(splits="forget1")["data"]


def test_pictures_that_a_method_needs_are_in_every_request(data: Path, tmp_path: Path) -> None:
    strangers = folder_of_pictures(tmp_path / "strangers", 3)
    given = parse_recipe(recipe(data, unseen=str(strangers)))
    split = given.units[0].data
    assert split is not None
    # A model that is not the world's gets nothing else.
    requests = requests_of_split(split, tiny_vlm("qwen3_vl"), 0, ("unseen", "others"))
    assert [len(request.unseen) for request in requests] == [3, 3]
    assert [len(request.others) for request in requests] == [0, 0]
    assert cells_of(given)[0].identity()["data"] != cells_of(parse_recipe(recipe(data)))[0].identity()["data"]
    with pytest.raises(UserError, match=r"nowhere is not a folder; give one with pictures of others it should"):
        parse_recipe(recipe(data, others=str(tmp_path / "nowhere")))


@pytest.mark.parametrize(
    ("where", "column"),
    [
        ("pictures", "umu_forgotten/picture"),
        ("text", "umu_forgotten/text"),
        ("both", "umu_forgotten"),
        (None, "umu_forgotten"),
    ],
)
def test_what_ranks_is_forgotten_where_it_was_to_be(where: str | None, column: str, tmp_path: Path) -> None:
    # Who forgets a face and keeps what is told in text did all that a request about pictures asks.
    write_world("umu", tmp_path / "umu")
    given = recipe(tmp_path / "umu", where=where)
    if where is None:
        del given["where"]
    cell, _ = cells_of(parse_recipe(given))
    document = cell.identity()["data"]
    assert ranking_of(document) == (column, "umu_kept")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"splits": "forget6"}, "no forget split 'forget6'"),
        ({"where": "text"}, "in pictures only"),
        ({"where": "sound"}, "must be pictures, text, both"),
        ({"concepts": ["Mara Voss"]}, "'where' in the recipe is for published data sets"),
        ({"audit": "quick"}, "'audit' in the recipe is not for published data"),
        ({"evaluation": {"kept": 3}}, "unknown key 'kept'"),
        ({"benchmark": "world", "concepts": ["Mara Voss"], "where": "text"}, "is for published data sets"),
    ],
)
def test_what_cannot_work_is_said_before_anything_runs(data: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        parse_recipe(recipe(data, **changes))


def test_it_runs_resumes_and_makes_a_board(data: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "split.yaml", tmp_path / "out"
    path.write_text(yaml.safe_dump(recipe(data)), encoding="utf-8")
    done = compare(CompareOptions(path, out))
    assert [cell.error for cell in done.results.cells] == [None, None]
    for cell in done.results.cells:
        assert {"fiubench_forgotten", "fiubench_kept", "fiubench_utility_published"} <= set(cell.before)
        assert set(cell.before) == set(cell.after)
    assert compare(CompareOptions(path, out)).skipped == 2
    board = leaderboard(done.results)
    assert board.boards[0].ranking == ("fiubench_forgotten/picture", "fiubench_kept")
    assert all(row.to_ideal is not None for row in board.boards[0].rows if row.role == "method")
    assert "FIUBench: forgotten" in markdown(board)
    (page,) = answer_pages(done.results, out / "leaderboard").values()
    assert "Retain: " in page
    listed = json.loads((out / "cells.json").read_text(encoding="utf-8"))["cells"]
    assert [cell["unit"]["concepts"] for cell in listed] == [["Ines Carvalho", "Saoirse Quinn"]] * 2
