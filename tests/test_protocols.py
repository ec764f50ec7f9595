"""The scripts in `recipes/protocols`."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from tests.command_line import call
from unsee.metrics import Score
from unsee.sweep.results import CellResult, read_results
from unsee.world import KNOWN


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, f"recipes/protocols/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_two_tasks_one_after_the_other_and_the_first_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sequential = script("sequential")
    said: list[str] = []

    def unsee(*words: object) -> None:
        said.append(str(words[0]))
        done = call(*words)
        assert done.exit_code == 0, (words, done.stderr, done.exception)

    monkeypatch.setattr(sequential, "unsee", unsee)
    given = [
        str(tmp_path), "--method", "po", "--set", "steps=8", "--tasks", "task_1", "task_2", "--limit", "1",
        "--max-new-tokens", "12",
    ]  # fmt: skip
    sequential.main(given)
    assert said == ["world", "forget", "export", "forget", "evaluate"]
    head, _, before, first, second = capsys.readouterr().out.strip().splitlines()
    assert head == "| forgotten / kept, % | task_1 | task_2 |"
    assert before.startswith("| before | 0 / ")
    assert before.endswith("| – |")
    # Before it is forgotten, the second task is asked of the model that forgot the first one.
    one, two = (cell.strip() for cell in first.split("|")[2:4])
    assert first.startswith("| after task_1 |")
    assert int(one.split(" / ")[0]) > 0
    assert " / " in two
    assert all(" / " in cell for cell in second.split("|")[2:4])
    # Nothing is done twice, and the table alone runs nothing.
    sequential.main(given)
    sequential.main([*given, "--table"])
    assert len(said) == 5


def test_a_part_of_the_table_keeps_what_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = script("run")
    said: list[tuple[str, ...]] = []
    monkeypatch.setattr(run, "unsee", lambda *words: said.append(words) or 0)
    monkeypatch.chdir(tmp_path)
    done = tmp_path / "runs" / "clear" / "cells" / "model" / "split" / "ga-diff" / "seed-0"
    done.mkdir(parents=True)
    (done / "scores.json").write_text("{}")
    part = ["--methods", "po", "--layouts", "clear", "mmubench", "--limit", "1"]
    assert run.main([str(tmp_path), *part]) == 0
    assert [words[0] for words in said] == ["world", "world", "compare", "compare"]
    for name, methods in (("clear", ["po", "ga_diff"]), ("mmubench", ["po"])):
        recipe = yaml.safe_load((tmp_path / "recipes" / f"{name}.yaml").read_text())
        assert (recipe["benchmark"], recipe["methods"]) == (f"./{name}-world", methods)
    assert "limit" not in recipe["evaluation"]
    assert capsys.readouterr().out.startswith("| forgotten / kept / in text, % |")


def test_the_table_says_how_many_answers_are_behind_a_figure(tmp_path: Path) -> None:
    from tests.test_leaderboard import cell, index, scores

    results = tmp_path / "mmubench"
    results.mkdir()
    index(results, [cell(results, label, "Mara Voss", 0, scores(90, 80, 5)) for label in ("siu", "po")])
    assert script("run").table(tmp_path).splitlines() == [
        "| forgotten / kept / in text, % | MMUBench, Mara Voss |",
        "| --- | ---: |",
        "| n | 60 of unknown / 60 of unknown |",
        "| before | 0 / 99 |",
        "| siu | 90 / 80 |",
        "| po | 90 / 80 |",
    ]


def test_what_a_request_about_pictures_wanted_kept_in_text_has_a_figure_of_its_own() -> None:
    table = {f"{what}{of}": f"umu_{what}{of}" for what in ("forgotten", "kept") for of in ("", "/picture", "/text")}
    identity = {"data": {"name": "umu", "where": "pictures", "table": table}}
    after = {key: Score(value, 60, value, value, True) for key, value in zip(table.values(), range(6), strict=True)}
    cell = CellResult("model", "po", "po", "split", "split", 0, identity, Path(), Path(), after=after)
    columns = script("run").columns
    assert columns(cell) == ["umu_forgotten/picture", "umu_kept", "umu_forgotten/text"]
    del after["umu_forgotten/text"]
    assert columns(cell) == ["umu_forgotten/picture", "umu_kept"]


def test_new_people_are_known_to_no_model_and_alike_to_nobody() -> None:
    found = script("oracle").newcomers(20)
    assert len({person.name for person in found}) == 20
    assert not {person.name for person in found} & {person.name for person in KNOWN}
    looks = [person.look for person in (*found, *KNOWN)]
    new = range(len(found))
    assert min(looks[i].distance(looks[j]) for i in new for j in range(len(looks)) if i != j) >= 2


def test_an_oracle_is_fine_tuned_beside_the_model_that_learnt_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    oracle = script("oracle")
    said: list[str] = []

    def unsee(*words: str) -> None:
        said.append(words[0])
        done = call(*words)
        # With one method there is no order for a metric to agree with.
        assert done.exit_code == 0 or said[-1] == "leaderboard", (words, done.stderr, done.exception)

    monkeypatch.setattr(oracle, "unsee", unsee)
    monkeypatch.chdir(tmp_path)
    few = ["--people", "10", "--splits", "forget10", "--methods", "po", "--limit", "1"]
    oracle.main(["there", *few, "--steps", "2"])
    assert said == ["export", "compare", "leaderboard"]
    results = read_results(tmp_path / "there" / "runs")
    assert [(cell.method, cell.finished) for cell in results.cells] == [("po", True), ("oracle", True)]
    assert "clear_forget_distance" in results.cells[0].after
    # The two trainings differ in what they are taught and in nothing else.
    (retained,) = (tmp_path / "there" / "runs" / "oracles" / "vanilla").iterdir()
    both = [json.loads((folder / "manifest.json").read_text()) for folder in (tmp_path / "there" / "learnt", retained)]
    assert [one["samples"] for one in both] == [10 * 28, 9 * 28]
    assert both[0]["hyperparameters"] == both[1]["hyperparameters"]
