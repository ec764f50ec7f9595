"""`oracle: true`: what does not ship is trained before the first cell, kept, and compared with."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command_line import call
from tests.test_world_recipe import SMALL
from unsee.benchmarks import class_of
from unsee.benchmarks.world_layouts import write_world
from unsee.cli.world import build
from unsee.errors import UserError
from unsee.evaluation.saved import Saved
from unsee.reports.leaderboard import markdown
from unsee.sweep import oracle_training
from unsee.sweep.boards import leaderboard
from unsee.sweep.cells import cells_of
from unsee.sweep.comparing import CompareOptions, compare
from unsee.sweep.oracle import find_oracle
from unsee.sweep.recipe import parse_recipe
from unsee.sweep.results import read_results
from unsee.world.making import building
from unsee.world.oracle import BUILDS_IN

WORLD = {
    "models": ["world:tiny-qwen3vl"],
    "methods": [{"method": "po", "set": {"steps": 1}}],
    "concepts": ["Mara Voss"],
    "oracle": True,
    "keep": "scores",
    "evaluation": {"test_pictures": 1, "questions": 1, "kept": 1, "max_new_tokens": 4},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("data") / "fiubench-world"
    write_world("fiubench", out)
    return out


def published(data: Path, **changes: Any) -> dict[str, Any]:
    """A recipe about a data set whose people `world:tiny-things` never knew."""
    evaluation = {"limit": 1, "max_new_tokens": 8}
    return {**WORLD, "benchmark": str(data), "where": "pictures", "evaluation": evaluation, "concepts": None, **changes}


def of(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if value is not None}


def test_a_model_of_the_world_is_built_without_them_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(building.RECIPES, "tiny-qwen3vl", SMALL)
    # A thousand answers of a model that has hardly learnt to talk take minutes.
    monkeypatch.setattr(building, "check", lambda vlm: {})
    path, out = tmp_path / "one.yaml", tmp_path / "out"
    path.write_text(yaml.safe_dump(WORLD), encoding="utf-8")
    done = call("compare", path, "--out", out)
    assert done.exit_code == 0, done.stderr
    said = " ".join(done.stderr.split())
    assert f'unsee world build tiny-qwen3vl --without "Mara Voss", {BUILDS_IN}.' in said
    assert "1/2" in said.partition("An oracle is trained first")[2]
    (folder,) = (out / "oracles" / "world-tiny-qwen3vl").iterdir()
    assert folder.name.startswith("without-mara-voss-")
    assert "without=('Mara Voss',)" in (folder / "README.md").read_text(encoding="utf-8")
    cells = read_results(out).finished
    assert [cell.method for cell in cells] == ["po", "oracle"]
    # It is there, so it is asked again and not built again.
    monkeypatch.setattr(building, "make_checkpoint", lambda *_: pytest.fail("built twice"))
    shutil.rmtree(cells[1].folder)
    again = call("compare", path, "--out", out)
    assert (again.exit_code, "trained first" in again.stderr) == (0, False)
    assert read_results(out).finished[1].after == cells[1].after


def test_without_a_builder_the_command_is_named(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(yaml.safe_dump(WORLD), encoding="utf-8")
    with pytest.raises(UserError, match='train it with unsee world build tiny-qwen3vl --without "Mara Voss" --out'):
        compare(CompareOptions(path, tmp_path / "out"))


def test_what_ships_is_used_where_it_fits_and_trained_where_not() -> None:
    def found(**changes: Any) -> list[tuple[bool, bool]]:
        recipe = parse_recipe(of({**WORLD, "concepts": None, "forget_splits": [5, 10], **changes}))
        oracles = [find_oracle(cell.arm, cell.model, cell.unit, cell.size) for cell in cells_of(recipe)]
        return [(one.answers is not None, one.making is not None) for one in oracles if one]

    assert found() == [(False, True)] * 2
    assert found(evaluation={"test_pictures": 6, "questions": 4, "kept": 24}) == [(True, False), (False, True)]
    assert found(evaluation={"split": "validation"}) == [(False, True)] * 2
    # Only what exists, as a method.
    assert found(oracle=False, methods=["po", "oracle"]) == [(True, False)]


def test_the_time_that_the_help_says_is_the_one_of_the_plan() -> None:
    assert BUILDS_IN in str(build.__doc__)


def test_fine_tuned_on_the_retain_set_and_compared_with(data: Path, tmp_path: Path) -> None:
    recipe = published(data, oracle={"base": "world:tiny-things", "set": {"steps": 1}})
    path, out = tmp_path / "split.yaml", tmp_path / "out"
    path.write_text(yaml.safe_dump(of(recipe)), encoding="utf-8")
    done = compare(CompareOptions(path, out))
    assert [cell.error for cell in done.results.cells] == [None, None]
    cell, oracle = done.results.cells
    (folder,) = (out / "oracles" / "world-tiny-qwen3vl").iterdir()
    forgotten = set(cell.identity["unit"]["concepts"])
    trained = (folder / "data" / "samples.jsonl").read_text(encoding="utf-8")
    assert trained.count("\n") > 1000 / 2
    assert not any(name in trained for name in forgotten)

    # What the data set itself compares with an oracle stands in the cell, on the disk and on the board.
    found = class_of(cell.asked)
    own, other = (Saved.open(one.folder / one.asked, one.before_folder / one.asked).answers for one in (cell, oracle))
    for state, shown in (("before", cell.before), ("after", cell.after)):
        expected = found.beside_oracle(own[state], other["after"])
        assert {"fiubench_forget_quality", "fiubench_forget_quality_published"} <= set(expected)
        assert {key: shown[key].value for key in expected} == {key: one.value for key, one in expected.items()}
    # One model knows the people and the other has never seen any person.
    assert cell.before["fiubench_forget_distance"].value > 0.5
    assert "fiubench_forget_quality" not in oracle.after
    assert read_results(out).cells[0].after == cell.after
    board = leaderboard(done.results)
    assert "FIUBench: forget quality" in markdown(board)
    (scaled,) = board.boards[0].scaled
    assert scaled.label == "po"
    # Also what the data set scores by its published rules, of which forget quality is compared with the oracle anyway.
    key = "fiubench_utility_published"
    was, now, never = (one[key].value for one in (cell.before, cell.after, oracle.after))
    assert scaled.figures[key].mean == pytest.approx((now - was) / (never - was))
    assert "The same on that scale:" in markdown(board)
    assert "fiubench_forget_quality" not in scaled.figures
    assert compare(CompareOptions(path, out)).skipped == 2

    # Half of its answers are none.
    torn = (oracle.folder / "fiubench" / "after.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (oracle.folder / "fiubench" / "after.jsonl").write_text("".join(torn[:2]), encoding="utf-8")
    with pytest.raises(UserError, match="lacks the answers"):
        compare(CompareOptions(path, out))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"oracle": {"set": {"steps": 3}}}, "has no 'base'"),
        ({"oracle": {"base": "world:tiny-things"}}, "needs 'set' with 'steps'"),
        ({"oracle": {"base": "world:tiny-things", "set": {"steps": 0}}}, "'oracle' in the recipe: "),
        ({"oracle": {"base": 3, "set": {"steps": 1}}}, "'base' of 'oracle'"),
        ({"oracle": {"model": "x"}}, "unknown key 'model'"),
        ({"models": ["some/model"]}, "No oracle can be trained for some/model, because nothing says what it was"),
    ],
)
def test_what_nobody_can_know_is_asked_for(data: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        cells_of(parse_recipe(of(published(data, **changes))))


def test_a_base_is_for_published_data() -> None:
    with pytest.raises(UserError, match="is for published data sets"):
        parse_recipe({**WORLD, "oracle": {"base": "world:tiny-things", "set": {"steps": 1}}})


def test_the_plan_of_a_base_names_the_command_that_sizes_it(data: Path) -> None:
    recipe = parse_recipe(of(published(data, oracle={"base": "world:tiny-things", "set": {"steps": 9}})))
    oracle = find_oracle(recipe.arms[-1], recipe.models[0], recipe.units[0], recipe.size)
    assert oracle is not None
    assert oracle.making is not None
    assert "unsee plan -m world:tiny-things --method retain_only --set steps=9" in oracle_training.plan_of(
        oracle.making
    )
