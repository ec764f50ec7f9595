"""`unsee compare --engine ray`: two workers of a local cluster find the numbers that one process finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import call
from tests.comparing import write_recipe
from unsee.errors import UserError
from unsee.sweep.cells import cells_of
from unsee.sweep.comparing import CompareOptions, Comparison, compare
from unsee.sweep.ray_engine import _Schedule
from unsee.sweep.recipe import read_recipe

UNITS = ["Tobias Lindqvist", "Leila Haddad"]


def numbers(done: Comparison) -> dict[tuple[str, str], dict[str, Any]]:
    assert not done.results.failed
    found = {}
    for cell in done.results.finished:
        document = json.loads((cell.folder / "scores.json").read_text())
        found[cell.label, cell.unit] = {when: document[when] for when in ("before", "after")}
    return found


def test_two_workers_find_the_numbers_of_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    # Ray's workers give way to everybody else, for hours on a busy machine.
    monkeypatch.setenv("RAY_worker_niceness", "0")
    recipe = write_recipe(tmp_path, concepts=UNITS)
    told: list[int] = []
    here = compare(CompareOptions(recipe, tmp_path / "here"))
    there = compare(
        CompareOptions(recipe, tmp_path / "there", engine="ray", workers=2),
        lambda outcome, done, total: told.append(done),
    )
    assert told == [1, 2, 3, 4, 5, 6]
    assert numbers(there) == numbers(here)
    # What is finished is finished for either.
    assert compare(CompareOptions(recipe, tmp_path / "there")).skipped == 6


def test_without_ray_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    result = call("compare", write_recipe(tmp_path), "--out", tmp_path / "out", "--engine", "ray")
    assert result.exit_code == 2
    assert "install unsee[ray]" in result.stderr
    with pytest.raises(UserError, match="Ray is not installed"):
        compare(CompareOptions(write_recipe(tmp_path), tmp_path / "out", engine="ray"))


def test_cells_wait_until_the_model_before_was_asked(tmp_path: Path) -> None:
    cells = cells_of(read_recipe(write_recipe(tmp_path, concepts=UNITS)))
    schedule = _Schedule(cells)
    first, second = schedule.next_for(None), schedule.next_for(None)
    assert first is not None
    assert second is not None
    assert first.prepares
    assert second.prepares
    assert schedule.next_for(None) is None
    schedule.prepared(second.cell.before)
    schedule.prepared(first.cell.before)
    # Each worker stays with its unit while there is something left of it.
    own = [schedule.next_for(first.cell.before) for _ in range(3)]
    assert all(task and not task.prepares and task.cell.before == first.cell.before for task in own)
    other = schedule.next_for(first.cell.before)
    assert other is not None
    assert other.cell.before == second.cell.before
