"""`unsee compare` on the shipped model: cells finish, are skipped, resumed, fail alone; the tables hold them all."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from tests.command_line import call, printed, refused
from tests.comparing import RECIPE, write_recipe
from tests.tiny import picture, tiny_vlm
from unsee.benchmarks.base import Answers
from unsee.benchmarks.concept import ConceptBenchmark, Question, probes
from unsee.benchmarks.general import PASSAGES, QUESTIONS
from unsee.benchmarks.layout import write_benchmark
from unsee.benchmarks.mmubench import MMUBench
from unsee.data.sample import Probe
from unsee.errors import UserError
from unsee.generation import Transcript
from unsee.judges import reader
from unsee.judges.reader import IndependentReader
from unsee.models.loading import load
from unsee.models.saving import save_model
from unsee.reports.leaderboard import markdown
from unsee.store.locking import locked
from unsee.sweep import running
from unsee.sweep.asking import UnitEvaluation
from unsee.sweep.boards import leaderboard
from unsee.sweep.cells import Cell
from unsee.sweep.comparing import CompareOptions, Comparison, compare
from unsee.sweep.recipe import read_recipe
from unsee.sweep.results import read_answers, read_results
from unsee.sweep.table import ROW, SUMMARY
from unsee.sweep.units import benchmarks_of
from unsee.world.oracle import saved_answers

CELL = Path("cells/world-tiny-qwen3vl/tobias-lindqvist/siu/seed-0")
BEFORE = Path("before/world-tiny-qwen3vl/tobias-lindqvist")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compare")
    done = compare(CompareOptions(write_recipe(folder), folder / "out"))
    assert not done.results.failed
    return folder / "out"


@pytest.fixture
def results(finished: Path, tmp_path: Path) -> Path:
    """A copy to play with."""
    return Path(shutil.copytree(finished, tmp_path / "out"))


def again(results: Path, **changes: Any) -> Comparison:
    return compare(CompareOptions(write_recipe(results.parent, **changes), results))


def scores(results: Path, cell: Path = CELL) -> dict[str, Any]:
    document = json.loads((results / cell / "scores.json").read_text())
    return {"before": document["before"], "after": document["after"]}


def test_a_cell_leaves_everything_behind(finished: Path) -> None:
    names = {path.name for path in (finished / CELL).iterdir()}
    assert names == {"cell.json", "manifest.json", "mmubench", "run", "scores.json"}
    assert (finished / CELL / "run" / "adapter_model.safetensors").is_file()
    document = json.loads((finished / CELL / "scores.json").read_text())
    assert document["cell"] == json.loads((finished / CELL / "cell.json").read_text())
    assert document["seconds"] > 0
    assert document["peak_rss_mb"] > 0
    assert set(document["before"]) | {"c_dis", "fluency/reference"} == set(document["after"])
    assert {"verification_others", "verification_others/right_name", "specificity"} <= set(document["after"])
    # Two steps of 30 do little: the model before is the same one.
    assert document["before"]["generality_em"]["value"] == 0


def test_finished_cells_are_skipped(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "load", lambda name: pytest.fail("the model was loaded"))
    done = again(results)
    assert (done.skipped, len(done.results.finished)) == (3, 3)


def test_a_cell_cut_off_anywhere_goes_on_to_the_same_scores(results: Path) -> None:
    wanted = scores(results)
    folder = results / CELL
    answers = folder / "mmubench" / "after.jsonl"
    lines = answers.read_text().splitlines(keepends=True)
    answers.write_text("".join(lines[: len(lines) // 2]) + lines[-1][:20])
    (folder / "scores.json").unlink()
    trained = (folder / "run" / "manifest.json").stat().st_mtime_ns
    before = results / BEFORE / "mmubench" / "before.jsonl"
    before.write_text("".join(before.read_text().splitlines(keepends=True)[:3]))
    assert again(results).skipped == 2
    assert scores(results) == wanted
    assert (folder / "run" / "manifest.json").stat().st_mtime_ns == trained


def test_a_torn_score_is_asked_for_again(results: Path) -> None:
    wanted = scores(results)
    (results / CELL / "scores.json").write_text('{"schema": "uns')
    assert len(read_results(results).finished) == 2
    assert read_results(results).unreadable == (results / CELL / "scores.json",)
    assert again(results).skipped == 2
    assert scores(results) == wanted


def test_ctrl_c_keeps_what_is_done(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = scores(results)
    shutil.rmtree(results / CELL)

    def interrupted(*args: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(UnitEvaluation, "after", interrupted)
        with pytest.raises(KeyboardInterrupt, match="the same command resumes"):
            again(results)
    assert len(read_results(results).finished) == 2
    assert (results / "results.parquet").is_file()
    assert again(results).skipped == 2
    assert scores(results) == wanted


def test_a_changed_recipe_is_not_mixed_with_old_results(results: Path) -> None:
    changed = {"methods": [{"method": "siu", "set": {"steps": 3, "learnt": 0}}, *RECIPE["methods"][1:]]}
    with pytest.raises(UserError, match=r"1 of the 3 cells .* differ in steps.* --overwrite"):
        again(results, **changed)
    with pytest.raises(UserError, match="kept"):
        again(results, evaluation={**RECIPE["evaluation"], "kept": 4})
    # What was refused changed nothing.
    assert again(results).skipped == 3
    done = compare(CompareOptions(write_recipe(results.parent, **changed), results, overwrite=True))
    assert (done.skipped, len(done.results.finished)) == (2, 3)
    assert json.loads((results / CELL / "manifest.json").read_text())["steps"] == 3


def test_cells_that_left_the_recipe_leave_the_tables(results: Path) -> None:
    done = again(results, methods=RECIPE["methods"][:1])
    assert [cell.label for cell in done.results.cells] == ["siu"]
    assert (results / "cells/world-tiny-qwen3vl/tobias-lindqvist/po").is_dir()


def test_a_failed_cell_is_said_and_stops_nobody(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(results / "cells")
    whole = running.unlearn

    def fails(vlm: Any, method: Any, *args: Any, **options: Any) -> Any:
        if method.name == "ga":
            raise ValueError("the matrix\nis singular")
        return whole(vlm, method, *args, **options)

    recipe = write_recipe(results.parent)
    with monkeypatch.context() as patch:
        patch.setattr(running, "unlearn", fails)
        result = call("compare", recipe, "--out", results, "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert (document["finished"], len(document["failed"])) == (2, 1)
    assert document["failed"][0]["error"] == "ValueError: the matrix is singular"
    assert "ga, two steps" in result.stderr
    assert "is singular" in json.loads((Path(document["failed"][0]["folder"]) / "failed.json").read_text())["traceback"]
    assert again(results).skipped == 2
    assert not read_results(results).failed


def test_a_model_that_cannot_be_loaded_fails_its_own_cells(results: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{}")
    done = again(results, models=["world:tiny-qwen3vl", str(broken)])
    assert (len(done.results.finished), len(done.results.failed)) == (3, 3)
    assert all("config.json" in str(cell.error) for cell in done.results.failed)


def test_adapters_are_dropped_on_request(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, methods=RECIPE["methods"][:1], keep="scores")
    compare(CompareOptions(recipe, tmp_path / "out"))
    names = {path.name for path in (tmp_path / "out" / CELL).iterdir()}
    assert names == {"cell.json", "manifest.json", "mmubench", "scores.json"}


def test_the_tasks_of_mllmu_bench_stand_beside_the_other_scores(tmp_path: Path) -> None:
    evaluation = {**RECIPE["evaluation"], "kept": 2, "mllmu": 1}
    recipe = write_recipe(tmp_path, methods=RECIPE["methods"][1:2], forget_splits=5, evaluation=evaluation)
    recipe.write_text(recipe.read_text().replace("concepts:\n- Tobias Lindqvist\n", ""))
    (cell,) = compare(CompareOptions(recipe, tmp_path / "out")).results.finished
    # Two steps of 30 do little, and the model before knows.
    assert cell.before["mllmu_effectiveness"].value == 0
    assert cell.before["mllmu_effectiveness"].n == 2 * (7 + 7 + 6)
    assert cell.before["mllmu_utility"].value > 80
    assert {key for key in cell.after if key.startswith("mllmu")} == {k for k in cell.before if k.startswith("mllmu")}
    assert "MLLMU kept" in markdown(leaderboard(read_results(tmp_path / "out")))
    wanted = cell.after
    (cell.folder / "scores.json").unlink()
    answers = cell.folder / "mllmu" / "after.jsonl"
    answers.write_text("".join(answers.read_text().splitlines(keepends=True)[:3]))
    (cell,) = compare(CompareOptions(recipe, tmp_path / "out")).results.finished
    assert cell.after == wanted


def test_language_is_measured_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vlm = load("world:tiny-llava")
    monkeypatch.setattr(reader, "fetched_reader", lambda: Path())
    monkeypatch.setattr(reader, "independent_reader", lambda: IndependentReader(vlm.base, WithStart(vlm.tokenizer)))
    evaluation = {**RECIPE["evaluation"], "kept": 1, "language": True}
    recipe = write_recipe(tmp_path, methods=RECIPE["methods"][1:2], evaluation=evaluation)
    (cell,) = compare(CompareOptions(recipe, tmp_path / "out")).results.finished
    for scores in (cell.before, cell.after):
        assert scores["general_questions"].n == len(QUESTIONS)
        assert scores["general_perplexity"].n == len(PASSAGES)
        assert scores["fluency/independent"].n == 2
    assert cell.after["general_perplexity"].value != cell.before["general_perplexity"].value
    # These models have never seen a word of general English.
    assert cell.before["general_questions"].value < 20
    assert cell.before["general_perplexity"].value > 100
    table = markdown(leaderboard(read_results(tmp_path / "out")))
    assert "General" in table
    assert "Independent" in table


class WithStart:
    """The tiny tokenizers have no token that begins a text."""

    bos_token_id = 0

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self.tokenizer(*args, **options)


def test_several_at_once_are_scored_as_their_mean(tmp_path: Path) -> None:
    people = ["Tobias Lindqvist", "Leila Haddad"]
    recipe = write_recipe(tmp_path, methods=RECIPE["methods"][:1], concepts=None, together=people)
    recipe.write_text(recipe.read_text().replace("concepts: null\n", ""))
    (cell,) = compare(CompareOptions(recipe, tmp_path / "out")).results.finished
    manifest = json.loads((cell.folder / "manifest.json").read_text())
    assert manifest["concept"] == people
    assert manifest["steps"] == 4
    asked = read_answers(cell)
    assert {answer.tags["concept"] for answer in asked if answer.tags["metric"] == "generality"} == set(people)
    about_others = [a for a in asked if a.tags["metric"] in ("specificity", "verification_others")]
    assert len(about_others) == 3 * 5
    # Nobody who is to be forgotten is somebody else.
    assert not any(name in answer.expect or name in answer.question for answer in about_others for name in people)
    assert not any(answer.tags["person"] in people for answer in about_others)
    assert cell.after["generality_em"].n == 2 * cell.after["efficacy"].n // 40


def test_the_tables_are_tidy(finished: Path) -> None:
    table = pyarrow.parquet.read_table(finished / "results.parquet").to_pylist()
    assert list(table[0]) == list(ROW)
    lines = [json.loads(line) for line in (finished / "results.jsonl").read_text().splitlines()]
    assert len(lines) == len(table)
    assert [row["value"] for row in lines] == [row["value"] for row in table]
    assert {(row["label"], row["when"]) for row in table} == {
        (label, when) for label in ("siu", "ga, two steps", "po") for when in ("before", "after")
    }
    row = table[0]
    assert all(row[key] is not None for key in ROW if key not in ("model_revision", "peak_gpu_mb"))
    assert json.loads(row["settings"])["steps"] == 2
    assert json.loads(row["libraries"])["torch"]
    summary = pyarrow.parquet.read_table(finished / "summary.parquet").to_pylist()
    assert list(summary[0]) == list(SUMMARY)
    em = {row["label"]: row for row in summary if row["metric"] == "generality_em"}
    assert set(em) == {"before", "siu", "ga, two steps", "po"}
    assert (em["before"]["mean"], em["before"]["method"], em["siu"]["cells"]) == (0.0, None, 1)
    assert {"seconds", "peak_rss_mb"} <= {row["metric"] for row in summary if row["label"] == "siu"}


def test_an_oracle_is_asked_not_trained(results: Path) -> None:
    model = Path(running.__file__).parents[1] / "world" / "checkpoints" / "tiny-qwen3vl"
    arm = {"method": "oracle", "label": "never knew", "checkpoint": str(model)}
    done = again(results, methods=[*RECIPE["methods"], arm], seeds=1)
    (cell,) = [cell for cell in done.results.finished if cell.method == "oracle"]
    # Its own checkpoint stands in for the oracle here: it answers as before.
    for key, score in cell.before.items():
        if score.higher_is_better:
            assert cell.after[key].value == pytest.approx(score.value), key
    assert cell.after["c_dis"].value == pytest.approx(0, abs=1e-5)


def test_saved_answers_of_an_oracle_are_scored_like_its_checkpoint(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cell,) = [cell for cell in read_results(results).finished if cell.label == "siu"]
    from unsee.sweep import cells, oracle

    def saved(arm: Any, model: str, unit: Any, size: Any) -> oracle.Oracle | None:
        return oracle.Oracle(answers=finished_answers) if arm.method == "oracle" else None

    finished_answers = results.parent / "saved.jsonl"
    shutil.copyfile(cell.folder / "mmubench" / "after.jsonl", finished_answers)
    for module in (cells, running):
        monkeypatch.setattr(module, "find_oracle", saved)
    done = again(results, methods=[*RECIPE["methods"], "oracle"])
    (known,) = [cell for cell in done.results.finished if cell.method == "oracle"]
    assert {k: s.value for k, s in known.after.items()} == pytest.approx({k: s.value for k, s in cell.after.items()})
    # Answers to fewer questions are none.
    shutil.rmtree(known.folder)
    lines = finished_answers.read_text().splitlines(keepends=True)
    last = [line for line in lines if line.startswith('{"id"')][-2:]
    finished_answers.write_text("".join(line for line in lines if line not in last))
    assert "lack 2 of" in str(again(results, methods=[*RECIPE["methods"], "oracle"]).results.failed[0].error)


@pytest.mark.parametrize("recipe", ["methods_all.yaml", "oracle_answers.yaml"])
def test_what_the_oracles_of_the_world_answered_is_all_that_the_recipes_ask(recipe: str) -> None:
    asked = read_recipe(Path("recipes") / recipe)
    (unit,) = [unit for unit in asked.units if unit.percent == 5]
    benches = benchmarks_of(unit, asked.size, asked.benchmark)
    wanted = [p.id for b in benches for p in probes(b, per_image=asked.size.questions, limit=asked.size.kept)]
    for model in asked.models:
        path = saved_answers(model, 5)
        assert path is not None, model
        transcript = Transcript.open(path)
        said = {key: response.text for key, response in transcript.responses.items()}
        assert not set(wanted) - set(said)
        read = MMUBench(benches).samples(Answers([], {}))
        assert len(read) == len(unit.concepts) * asked.size.test_pictures
        assert not set(read) - set(transcript.likelihoods)
        # It never knew them.
        shown = [text for probe, text in said.items() if probe.split("/")[1] in ("efficacy", "generality")]
        assert not any(f"is {name}" in text for name in unit.concepts for text in shown if not text.startswith("No"))


def test_concepts_of_a_folder_on_another_model(tmp_path: Path) -> None:
    names = ["Mara Voss", "Otto Brandt", "Ines Dorn"]
    concepts = [
        ConceptBenchmark(
            name,
            picture(10 * number),
            (picture(10 * number + 1), picture(10 * number + 2)),
            (Question("Who is this?", name), Question(f"Is this {name}?", "yes", "yes_no")),
            text_facts=(Probe("job", f"What does {name} do?", (), ("baker",)),),
        )
        for number, name in enumerate(names)
    ]
    write_benchmark(tmp_path / "bench", concepts)
    model = save_model(tiny_vlm("qwen3_vl"), tmp_path / "model")
    recipe = write_recipe(
        tmp_path,
        models=[str(model)],
        methods=[{"method": "ga", "set": {"steps": 1, "batch": 2, "forget": 2}}],
        benchmark=str(tmp_path / "bench"),
        concepts=names[:1],
        together=names[:2],
        kind="person",
    )
    one, two = compare(CompareOptions(recipe, tmp_path / "out")).results.finished
    # Pictures (three of four are drawn) and a fact of each other concept; nobody of the unit is another.
    assert (one.after["specificity"].n, two.after["specificity"].n) == (3 + 2, 2 + 1)
    assert two.after["text_facts"].n == 2
    assert two.after["generality_em"].n == 2 * one.after["generality_em"].n


def test_results_do_not_go_where_something_else_is(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("")
    recipe = write_recipe(tmp_path)
    assert "did not write" in refused(call("compare", recipe, "--out", tmp_path / "out"))
    assert "is not a folder" in refused(call("compare", recipe, "--out", recipe))
    assert "did you mean 'ray'?" in refused(call("compare", recipe, "--engine", "rey", "--out", tmp_path / "new"))
    assert "--engine ray" in refused(call("compare", recipe, "--workers", "2", "--out", tmp_path / "new"))
    assert not (tmp_path / "new").exists()


def test_two_comparisons_do_not_share_a_folder(results: Path) -> None:
    with locked(results):
        assert f"in use by process {os.getpid()}" in refused(
            call("compare", write_recipe(results.parent), "--out", results)
        )


def test_the_command_says_what_is_there(results: Path) -> None:
    document = printed(call("compare", write_recipe(results.parent), "--out", results, "--json"))
    assert document["out"] == str(results)
    assert (document["cells"], document["finished"], document["skipped"], document["failed"]) == (3, 3, 3, [])


def test_a_cell_is_told_apart_by_all_that_decides_its_scores(results: Path) -> None:
    from unsee.sweep.cells import cells_of
    from unsee.sweep.recipe import read_recipe

    cell: Cell = cells_of(read_recipe(write_recipe(results.parent)))[0]
    assert replace(cell, seed=1).identity() != cell.identity()
    assert replace(cell, model_sha256="another").identity() != cell.identity()
    assert replace(cell, keep_adapter=False).identity() == cell.identity()
