"""`unsee score`: saved answers give every figure again, without a model."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import call, forget_arguments, printed, refused
from tests.comparing import write_recipe
from tests.tiny import picture, tiny_vlm
from unsee.benchmarks.concept import ConceptBenchmark, Question
from unsee.benchmarks.layout import write_benchmark
from unsee.benchmarks.mmubench import MMUBench
from unsee.metrics.columns.robustness import KEYS
from unsee.models.saving import save_model
from unsee.sweep.boards import leaderboard
from unsee.sweep.results import read_results

NAMES = ("Mara Voss", "Otto Brandt", "Ines Dorn")
STRICT = '''
from unsee.judges import Judge, Quality

class Strict(Judge):
    """Everything identifies the concept."""

    def verdicts(self, cases):
        return [5] * len(cases)

    def qualities(self, cases):
        return [Quality(0, 0, 1)] * len(cases)
'''


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, a benchmark of three concepts, and what `forget`, `evaluate` and `compare` made of them."""
    folder = tmp_path_factory.mktemp("scored")
    model = save_model(tiny_vlm("qwen3_vl"), folder / "model")
    questions = (Question("Who is this?", ""), Question("Name?", ""))
    concepts = [
        ConceptBenchmark(
            name,
            picture(10 * number),
            tuple(picture(10 * number + i) for i in (1, 2)),
            tuple(Question(q.prompt, name) for q in questions),
        )
        for number, name in enumerate(NAMES)
    ]
    write_benchmark(folder / "bench", concepts)
    (folder / "more").mkdir()
    for number in (2, 3):
        picture(number).save(folder / "more" / f"{number}.png")
    short = ("--limit", 2, "--max-new-tokens", 8, "--json")
    printed(call(*forget_arguments(model, folder, "--force", "--test-images", folder / "more", *short)))
    printed(call("evaluate", "-m", model, "-b", folder / "bench", "--out", folder / "evaluated", *short))
    recipe = write_recipe(
        folder, models=[str(model)], methods=[{"method": "ga", "set": {"steps": 1, "batch": 2, "forget": 2}}],
        benchmark=str(folder / "bench"), concepts=list(NAMES[:1]), together=list(NAMES[:2]), seeds=1,
        evaluation={"test_pictures": 2, "questions": 2, "kept": 2, "max_new_tokens": 8},
    )  # fmt: skip
    printed(call("compare", recipe, "--out", folder / "compared", "--json"))
    return folder


def copied(place: Path, name: str, to: Path) -> Path:
    shutil.copytree(place / name, to / name)
    return to / name


def test_a_report_is_scored_again_from_its_folder_alone(place: Path, tmp_path: Path) -> None:
    run = copied(place, "out", tmp_path)
    # Neither the pictures nor the adapter are needed.
    shutil.rmtree(run / "data")
    (run / "adapter_model.safetensors").unlink()
    document = printed(call("score", run, "--json"))
    report = json.loads((run / "report.json").read_text())
    assert document["changed"] == []
    assert set(document["states"]) == {"before", "after"}
    for state in ("before", "after"):
        measured = {key: row["value"] for key, row in report[state].items() if row.get("reason") != "not measured"}
        # Attacks are not scored again.
        assert measured.keys() >= set(KEYS)
        measured = {key: value for key, value in measured.items() if key not in KEYS}
        assert {key: row["value"] for key, row in document["states"][state].items()} == measured
    assert "All figures equal the saved ones." in call("score", run).stdout
    # A figure that was touched is told.
    report["after"]["generality_em"]["value"] = 12.5
    (run / "report.json").write_text(json.dumps(report))
    (one,) = printed(call("score", run, "--json"))["changed"]
    assert (one["where"], one["metric"], one["saved"]) == ("after", "generality_em", 12.5)


def test_another_judge_reads_the_same_answers(place: Path, tmp_path: Path) -> None:
    (tmp_path / "strict.py").write_text(STRICT)
    judged = call("score", place / "out", "--judge", f"{tmp_path / 'strict.py'}:Strict", "--out", tmp_path / "new")
    assert judged.exit_code == 0, judged.stderr
    document = json.loads((tmp_path / "new" / "scores.json").read_text())
    assert document["states"]["after"]["g_eval"]["value"] == 5
    told = {one["metric"] for one in document["changed"]}
    assert told <= {"g_eval", "quality/contextual_refusal", "quality/leakage", "quality/naturalness", "quality/missing"}
    assert f"{len(document['changed'])} figures differ from the saved ones." in judged.stdout
    assert json.loads((place / "out" / "report.json").read_text())["after"]["g_eval"]["value"] != 5


def test_an_evaluated_adapter_is_scored_again_with_what_the_model_before_said(place: Path, tmp_path: Path) -> None:
    model, adapter, out = place / "model", place / "out", tmp_path / "out"
    arguments = ("evaluate", "-m", model, "--adapter", adapter, "-b", place / "bench", "-c", NAMES[0], "--out", out)
    document = printed(call(*arguments, "--limit", 2, "--max-new-tokens", 8, "--json"))
    assert {"c_dis", "fluency/reference"} <= set(document["concepts"][NAMES[0]])
    again = printed(call("score", out, "--json"))
    assert again["changed"] == []
    assert set(again["states"]) == {"model"}


def test_the_judge_that_contributing_shows_grades(place: Path, tmp_path: Path) -> None:
    page = Path(__file__).parents[1].joinpath("CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n([^`]*class Strict\(Judge\).*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    (tmp_path / "strict.py").write_text(code)
    after = printed(call("score", place / "out", "--judge", f"{tmp_path / 'strict.py'}:Strict", "--json"))["states"][
        "after"
    ]
    # Both methods ask the same of an answer: 1 and 5 where nothing is given away, 5 and 0 where something is.
    assert after["g_eval"]["n"] == after["quality/leakage"]["n"] > 0
    assert after["quality/leakage"]["value"] == pytest.approx((5 - after["g_eval"]["value"]) * 5 / 4)
    assert "quality/naturalness" not in after


def test_concepts_that_were_asked_apart_are_scored_apart(place: Path) -> None:
    document = printed(call("score", place / "evaluated", "--json"))
    assert set(document["states"]) == {"mara-voss/model", "otto-brandt/model", "ines-dorn/model"}
    assert document["changed"] == []
    assert document["versions"] == {"mmubench": {"saved": MMUBench.version, "now": MMUBench.version}}


def test_a_comparison_is_scored_again_into_a_copy(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "strict.py").write_text(STRICT)
    monkeypatch.setattr(MMUBench, "version", MMUBench.version + 1)
    was = read_results(place / "compared")
    assert printed(call("score", place / "compared", "--json"))["changed"] == []
    arguments = ("--judge", f"{tmp_path / 'strict.py'}:Strict", "--out", tmp_path / "new", "--json")
    document = printed(call("score", place / "compared", *arguments))
    assert document["cells"] == len(was.finished) == 2
    new = read_results(tmp_path / "new")
    for one, other in zip(was.finished, new.finished, strict=True):
        assert other.after["g_eval"].value == 5 != one.after["g_eval"].value
        assert other.after["generality_em"] == one.after["generality_em"]
        assert other.identity["benchmark_version"] == MMUBench.version
    assert (tmp_path / "new" / "summary.parquet").is_file()
    assert leaderboard(new).boards
    assert "already exists" in refused(call("score", place / "compared", *arguments))


def test_cells_of_two_versions_are_not_ranked_together(place: Path, tmp_path: Path) -> None:
    folder = copied(place, "compared", tmp_path)
    index = json.loads((folder / "cells.json").read_text())
    index["cells"][0]["benchmark_version"] = 2
    (folder / "cells.json").write_text(json.dumps(index))
    said = refused(call("leaderboard", folder, "--out", tmp_path / "board"))
    assert f"scored by versions 2 and {MMUBench.version} of the benchmark" in said
    assert "unsee score" in said


def test_what_cannot_be_scored_is_said_in_a_sentence(place: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds no saved answers" in refused(call("score", tmp_path / "empty"))
    assert "did you mean 'mmubench'" in refused(call("score", place / "out", "-b", "mmubensch"))
    run = copied(place, "out", tmp_path)
    answers = run / "answers" / "mmubench" / "after.jsonl"
    lines = answers.read_text().splitlines(keepends=True)
    answers.write_text("".join(lines[:4]))
    assert "the run was interrupted; resume it first" in refused(call("score", run))
    answers.write_text("{}\n")
    assert "holds no answers saved by unsee" in refused(call("score", run))
    questions = run / "answers" / "mmubench" / "questions.jsonl"
    questions.write_text(questions.read_text().replace("unsee.questions/1", "unsee.questions/0"))
    assert "cannot be read: it is not unsee.questions/1" in refused(call("score", run))
    text = questions.read_text().replace("unsee.questions/0", "unsee.questions/1")
    questions.write_text(text.replace("mmubench", "x", 1))
    answers.write_text("".join(lines))
    assert "benchmark 'x', which is not installed" in refused(call("score", run))


def test_scoring_needs_no_torch(place: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom unsee.commands.score import ScoreOptions, score\n"
        f"assert score(ScoreOptions(Path({str(place / 'out')!r})))['states']\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


COUNTING = f"{Path(__file__).parent / 'plugin_benchmark' / 'toy_counting.py'}:Counting"


def test_new_scores_never_mix_with_the_old(place: Path, tmp_path: Path) -> None:
    for name in ("out", "evaluated", "compared"):
        run = copied(place, name, tmp_path)
        before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
        for out in (run, run / "new", run / "answers" / "new", tmp_path):
            assert "choose a folder outside" in refused(call("score", run, "--out", out, "--overwrite"))
        assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_copy_of_a_comparison_appears_whole_and_may_be_overwritten(place: Path, tmp_path: Path) -> None:
    failing = STRICT.replace("return [5] * len(cases)", "raise SystemFailure('The judge is gone.')")
    (tmp_path / "failing.py").write_text(f"from unsee.errors import SystemFailure\n{failing}")
    (tmp_path / "strict.py").write_text(STRICT)
    arguments = ("score", place / "compared", "--out", tmp_path / "new", "--overwrite", "--judge")
    refused(call(*arguments, f"{tmp_path / 'failing.py'}:Strict"), 1)
    assert not (tmp_path / "new").exists()
    printed(call("score", place / "compared", "--out", tmp_path / "new", "--json"))
    printed(call(*arguments, f"{tmp_path / 'strict.py'}:Strict", "--json"))
    assert {cell.after["g_eval"].value for cell in read_results(tmp_path / "new").finished} == {5}
    assert {path.name for path in tmp_path.iterdir()} <= {"new", "failing.py", "strict.py", "__pycache__"}


def test_only_what_was_scored_again_gets_the_present_version(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied(place, "compared", tmp_path)
    for file in (*folder.rglob("cell.json"), *folder.rglob("scores.json"), folder / "cells.json"):
        text = file.read_text()
        file.write_text(text.replace('"benchmark_version"', '"mllmu_version": 0,\n"benchmark_version"'))
    monkeypatch.setattr(MMUBench, "version", MMUBench.version + 1)
    printed(call("score", folder, "-b", "mmubench", "--out", tmp_path / "new", "--json"))
    for cell in read_results(tmp_path / "new").finished:
        assert (cell.identity["benchmark_version"], cell.identity["mllmu_version"]) == (MMUBench.version, 0)


def test_a_figure_that_cannot_be_had_again_is_told(place: Path, tmp_path: Path) -> None:
    run = copied(place, "out", tmp_path)
    answers = run / "answers" / "mmubench" / "after.jsonl"
    lines = answers.read_text().splitlines(keepends=True)
    (last,) = [number for number, line in enumerate(lines) if line.startswith('{"read": "name/mara-voss/1"')]
    del lines[last]
    answers.write_text("".join(lines))
    (one,) = printed(call("score", run, "--json"))["changed"]
    assert (one["where"], one["metric"], one["now"]) == ("after", "c_dis", None)
    assert "c_dis: saved" in call("score", run).stdout
    assert printed(call("score", run, "-b", "mmubench", "--json"))["changed"] == []


def test_several_runs_are_not_taken_for_one(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "out", tmp_path / "one")
    shutil.copytree(place / "out", tmp_path / "two")
    said = refused(call("score", tmp_path))
    assert f"holds the answers of 2 runs, such as {tmp_path / 'one'} and {tmp_path / 'two'}" in said
    assert printed(call("score", tmp_path / "one" / "answers", "--json"))["states"]


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"before": 1, "after": {}}', '{"before": {"a": {}}, "after": {}}']
)
def test_a_damaged_report_is_refused_in_a_sentence(content: str, place: Path, tmp_path: Path) -> None:
    run = copied(place, "out", tmp_path)
    (run / "report.json").write_text(content)
    assert "report.json are damaged" in refused(call("score", run))
    run = copied(place, "evaluated", tmp_path)
    (run / "scores.json").write_text(content)
    assert "scores.json are damaged" in refused(call("score", run))


def test_questions_that_do_not_fit_are_refused_in_a_sentence(place: Path, tmp_path: Path) -> None:
    run = copied(place, "out", tmp_path)
    questions = run / "answers" / "mmubench" / "questions.jsonl"
    header, *rows = map(json.loads, questions.read_text().splitlines())
    first = {**rows[0], "tags": {}}
    for damaged in ([{**header, "key": {}}, *rows], [header], [header, first, *rows[1:]]):
        questions.write_text("".join(json.dumps(row) + "\n" for row in damaged))
        assert f"cannot score (mmubench {MMUBench.version})" in refused(call("score", run))


def test_the_answers_to_a_benchmark_in_a_file_are_scored_with_it(place: Path, tmp_path: Path) -> None:
    printed(call("evaluate", "-m", place / "model", "-b", COUNTING, "--out", tmp_path / "run", "--json"))
    said = refused(call("score", tmp_path / "run"))
    assert "'counting', which is not installed" in said
    assert "--benchmark FILE.py:CLASS" in said
    assert printed(call("score", tmp_path / "run", "-b", COUNTING, "--json"))["changed"] == []


def test_the_other_benchmarks_of_a_run_are_scored_while_one_is_not_installed(place: Path, tmp_path: Path) -> None:
    short = ("--force", "--test-images", place / "more", "--limit", 2, "--max-new-tokens", 8, "--json")
    printed(call(*forget_arguments(place / "model", tmp_path, *short, "--also", COUNTING)))
    told = printed(call("score", tmp_path / "out", "--json"))
    assert told["changed"] == []
    assert set(told["versions"]) == {"mmubench"}
    assert set(told["states"]) == {"before", "after"}
    (line,) = told["left_out"]
    assert "'counting' is not installed" in line
    assert "--benchmark FILE.py:CLASS" in line
    assert "'counting' is not installed" in " ".join(call("score", tmp_path / "out").stdout.split())
    assert "which is not installed" in refused(call("score", tmp_path / "out", "-b", "counting"))
