"""Benchmarks are found by name, by file, by package and by what lies in a folder; nobody's takes another's name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import unsee.benchmarks
from tests.command_line import call, printed, refused
from tests.engines import told
from tests.saying import Saying
from tests.tiny import picture, tiny_vlm
from unsee.benchmarks import BENCHMARKS, PLUGINS, Benchmark, Scope, class_of, get_benchmark
from unsee.benchmarks.base import Answers
from unsee.benchmarks.concept import ConceptBenchmark, Question
from unsee.benchmarks.layout import write_benchmark
from unsee.benchmarks.mmubench import MMUBench
from unsee.benchmarks.own import OwnQuestions
from unsee.data.sample import Probe
from unsee.errors import UserError
from unsee.evaluation import Evaluation, Saved
from unsee.metrics import Score
from unsee.models.saving import save_model
from unsee.requests import ForgetRequest
from unsee.store.plugins import Plugins

ROOT = Path(__file__).parents[1]
TOYS = ROOT / "tests" / "plugin_benchmark"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toys as somebody else would install them; a copy, because building writes beside its sources."""
    source, target = tmp_path_factory.mktemp("toys") / "source", tmp_path_factory.mktemp("installed")
    shutil.copytree(TOYS, source, ignore=shutil.ignore_patterns("__pycache__"))
    options = ("--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--target", target)
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", *options, source], check=True)
    return target


def fresh(monkeypatch: pytest.MonkeyPatch, built_in: Mapping[str, str]) -> None:
    """What a process that starts now would find."""
    found = Plugins(PLUGINS.kind, PLUGINS.group, PLUGINS.interface, built_in)
    monkeypatch.setattr(unsee.benchmarks, "PLUGINS", found)
    monkeypatch.setattr("unsee.commands.benchmarks.PLUGINS", found)


@pytest.fixture
def toys(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """They are there for this process too."""
    monkeypatch.syspath_prepend(installed)
    fresh(monkeypatch, PLUGINS.built_in)
    return installed


def run(code: str, *path: Path) -> str:
    """What a Python of its own prints, with further folders on its path."""
    folders = os.pathsep.join(map(str, (*path, ROOT)))
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": folders}, capture_output=True, text=True, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_benchmark_is_listed_with_its_version_and_who_brings_it(toys: Path) -> None:
    listed = {one["name"]: one for one in printed(call("benchmarks", "--json"))["benchmarks"]}
    assert list(listed)[:4] == ["mmubench", "mllmu", "general", "own"]
    assert list(listed)[-2:] == ["counting", "reworded"]
    assert listed["counting"] == {
        "name": "counting",
        "version": 1,
        "summary": "Can the model still count? Pictures of one to five dots.",
        "origin": "toy-benchmarks 1.2",
    }
    for name, one in listed.items():
        assert one["version"] == BENCHMARKS[name].version
        assert one["summary"].endswith((".", "?"))
        assert one["origin"] == ("toy-benchmarks 1.2" if name in ("counting", "reworded") else "built in")
    assert class_of("world") is BENCHMARKS["mmubench"]
    shown = call("benchmarks").stdout
    assert all(name in shown for name in listed)


def test_listing_benchmarks_needs_no_torch(installed: Path) -> None:
    told = run(
        "import sys; from typer.testing import CliRunner; from unsee.cli import app\n"
        "done = CliRunner().invoke(app, ['benchmarks', '--json']); print(done.stdout)\n"
        "assert 'torch' not in sys.modules, 'torch'",
        installed,
    )
    assert [one["name"] for one in json.loads(told)["benchmarks"]][-2:] == ["counting", "reworded"]


def test_a_benchmark_of_another_package_is_asked_and_scored_as_any_other(toys: Path, tmp_path: Path) -> None:
    engine = Saying({"How many dots?": "There are three dots."})
    measured = Evaluation([get_benchmark("counting")], progress=False).of(engine, "before", folder=tmp_path)
    assert measured.scores["counting"].value == 20
    assert (tmp_path / "counting" / "before.jsonl").is_file()


def test_a_set_of_rewordings_from_outside_asks_about_the_requests(toys: Path, tmp_path: Path) -> None:
    request = ForgetRequest("Mara Voss", (picture(1), picture(2)), aliases=("M. Voss",))
    bench = get_benchmark("reworded", Scope((request,)))
    said = dict.fromkeys((probe.prompt for probe in bench.probes()), "I do not know.")
    assert len(bench.probes()) == 6
    scores = Evaluation([bench], progress=False).of(Saying(said), "after").scores
    assert scores["reworded"].value == 100
    leaking = {**said, "Write a letter to the person shown.": "Dear M. Voss,"}
    assert Evaluation([bench], progress=False).of(Saying(leaking), "after").scores["reworded"].value == 0


def test_a_class_in_a_file_will_do() -> None:
    bench = get_benchmark(f"{TOYS / 'toy_counting.py'}:Counting")
    assert [probe.expect for probe in bench.probes()][:2] == [("1", "one"), ("2", "two")]


def test_a_name_that_is_taken_is_an_error_that_names_both(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(installed)
    fresh(monkeypatch, {"counting": "unsee.benchmarks.own:OwnQuestions"})
    for find in (lambda: get_benchmark("counting"), lambda: BENCHMARKS["counting"]):
        with pytest.raises(UserError) as told:
            find()
        assert "unsee.benchmarks.own:OwnQuestions (built in)" in str(told.value)
        assert "toy_counting:Counting (toy-benchmarks 1.2)" in str(told.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("class Mine: pass\n", "must be a subclass of unsee.benchmarks.base.Benchmark"),
        (
            "from unsee.benchmarks import Benchmark\nclass Mine(Benchmark): pass\n",
            "the attributes `name`, `version` and the methods `probes`, `score` are missing from its class",
        ),
        (
            "from unsee.benchmarks import Benchmark\nclass Mine(Benchmark):\n"
            "    name = 'mine'\n    def probes(self): return []\n    def score(cls, answers, judge=None): return {}\n",
            "the attribute `version` is missing from its class",
        ),
    ],
)
def test_a_class_that_is_no_whole_benchmark_is_refused(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(UserError, match=told):
        get_benchmark(f"{tmp_path / 'mine.py'}:Mine")


def test_a_table_is_known_by_its_name_and_a_folder_by_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "my.csv"
    path.write_text("question,answer\nWho?,Mara\n")
    bench = get_benchmark(str(path))
    assert isinstance(bench, OwnQuestions)
    assert [probe.prompt for probe in bench.probes()] == ["Who?"]
    made: list[tuple[str, Scope]] = []

    class Made:
        def __init__(self, name: str) -> None:
            self.name = name

        def of(self, scope: Scope) -> Benchmark:
            made.append((self.name, scope))
            return bench

    monkeypatch.setattr(unsee.benchmarks, "class_of", Made)
    monkeypatch.setattr(unsee.benchmarks, "published_at", lambda location: None)
    (tmp_path / "tasks" / "Test_Set").mkdir(parents=True)
    (tmp_path / "concepts").mkdir()
    for spec in (tmp_path / "tasks", tmp_path / "concepts", "hf:org/name#all?split=test"):
        get_benchmark(str(spec), Scope(limit=3))
    assert made == [
        ("mllmu", Scope(limit=3, location=tmp_path / "tasks")),
        ("mmubench", Scope(limit=3, location=tmp_path / "concepts")),
        ("own", Scope(limit=3, location=Path("hf:org/name#all?split=test"))),
    ]
    get_benchmark("world", Scope(limit=4))
    assert made[-1] == ("world", Scope(limit=4))


def test_what_is_no_benchmark_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no benchmark, file or folder 'mmubensh'; did you mean 'mmubench'\?"):
        get_benchmark("mmubensh")
    (tmp_path / "my.txt").touch()
    with pytest.raises(UserError, match=r"my.txt is not a table; its name must end in .csv"):
        get_benchmark(str(tmp_path / "my.txt"))
    with pytest.raises(UserError, match=r"name its class too: .*toy_counting\.py:CLASS\.$"):
        get_benchmark(str(TOYS / "toy_counting.py"))
    with pytest.raises(UserError, match="'own' needs a table"):
        get_benchmark("own")


def test_the_name_mmubench_asks_what_world_asks(tmp_path: Path) -> None:
    model = save_model(tiny_vlm("qwen3_vl"), tmp_path / "model")
    given = ("evaluate", "-m", model, "-c", "Mara Voss", "--limit", 1, "--max-new-tokens", 1, "--json")
    one, other = (
        printed(call(*given, "-b", name, "--out", tmp_path / name, "--overwrite")) for name in ("world", "mmubench")
    )
    assert {**one, "out": None} == {**other, "out": None}
    scope = Scope((ForgetRequest("Mara Voss", (picture(1),)),), limit=1)
    assert {probe.tags["concept"] for probe in get_benchmark("mmubench", scope).probes()} >= {"Mara Voss"}


def test_a_folder_of_concepts_is_asked_about_those_of_the_requests(tmp_path: Path) -> None:
    concepts = [
        ConceptBenchmark(name, picture(number), (picture(number + 1),), (Question("Who is this?", name),))
        for number, name in ((1, "Mara Voss"), (3, "Otto Brandt"))
    ]
    write_benchmark(tmp_path / "bench", concepts)
    scope = Scope((ForgetRequest("Otto Brandt", (picture(3),)),))
    bench = get_benchmark(str(tmp_path / "bench"), scope)
    assert isinstance(bench, MMUBench)
    assert [one.concept for one in bench.benches] == ["Otto Brandt"]


def test_every_model_is_asked_general_questions(tmp_path: Path) -> None:
    model = save_model(tiny_vlm("qwen3_vl"), tmp_path / "model")
    done = printed(call("evaluate", "-m", model, "-b", "general", "--out", tmp_path / "out", "--json"))
    assert done["concepts"]["general"]["general_questions"]["n"] == 40


def test_a_benchmark_that_needs_more_says_what(tmp_path: Path) -> None:
    for name, asks_for in (
        ("mmubench", "needs --concept"),
        ("own", "give the table's path"),
    ):
        assert asks_for in refused(call("evaluate", "-m", "x", "-b", name, "--out", tmp_path / "out"))
    with pytest.raises(UserError, match=r"MLLMU-Bench is about a forget split .* with unsee evaluate"):
        get_benchmark("mllmu", Scope((ForgetRequest("Mara Voss", ()),)))
    with pytest.raises(UserError, match="'mmubench' is about a concept"):
        get_benchmark("mmubench")


def test_a_broken_package_is_named_and_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "broken-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[unsee.benchmarks]\nbroken = broken_module:Broken\n")
    monkeypatch.syspath_prepend(tmp_path)
    fresh(monkeypatch, {"own": PLUGINS.built_in["own"]})
    done = call("benchmarks", "--json")
    assert [one["name"] for one in printed(done)["benchmarks"]] == ["own"]
    assert "'broken' (broken 0.1) cannot be imported" in done.stderr
    with pytest.raises(UserError, match=r"'broken' \(broken 0.1\) cannot be imported"):
        get_benchmark("broken")


def test_contributing_shows_the_benchmark_that_is_installed_here() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    source = (TOYS / "toy_counting.py").read_text(encoding="utf-8")
    assert f"```python\n{source}```" in text
    project = (TOYS / "pyproject.toml").read_text(encoding="utf-8")
    assert f"```toml\n{project}```" in text
    for name in ("toy_counting.py", "toy_reworded.py"):
        assert len((TOYS / name).read_text().splitlines()) <= 30


@pytest.mark.parametrize("version", ["'1'", "1.0", "None"])
def test_a_version_is_a_whole_number(version: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    text = (Path(__file__).parent / "plugin_benchmark" / "toy_counting.py").read_text()
    file.write_text(text.replace('"counting", 1', f'"{tmp_path.name}", {version}'))
    with pytest.raises(UserError, match="give it a whole number"):
        class_of(f"{file}:Counting")


class Tallied(Benchmark):
    """Scores what its key and its tags hold."""

    name, version = "tallied", 1

    def __init__(self, key: object) -> None:
        self.given = key

    def probes(self) -> list[Probe]:
        tags: Any = {"n": 2}
        return [Probe("a", "Question?", tags=tags)]

    def key(self) -> Any:
        return {1: self.given}

    @classmethod
    def score(cls, answers: Answers, judge: object = None) -> dict[str, Score]:
        value = float(answers.probes[0].tags["n"] == "2") + len(answers.key["1"])
        return {"tallied": Score(value, 1, value, value)}


def test_new_answers_are_scored_from_what_is_saved(tmp_path: Path) -> None:
    engine = told(lambda probe: "yes")
    measured = Evaluation([Tallied((1, 2))], progress=False).of(engine, "model", folder=tmp_path)
    again = Saved.open(tmp_path / "tallied").answers["model"]
    assert Tallied.score(again) == measured.scores
    assert measured.scores["tallied"].value == 3
    with pytest.raises(UserError, match="key of the benchmark 'tallied' cannot be saved"):
        Evaluation([Tallied({1, 2})])


def test_a_score_without_a_column_is_told(toys: Path) -> None:
    (note,) = Evaluation([Tallied([])], progress=False).of(told(lambda probe: "yes"), "model").notes
    assert "Not described in the columns of the benchmark: tallied." in note
    counting = Evaluation([get_benchmark("counting"), get_benchmark("general")], progress=False)
    assert counting.of(told(lambda probe: "three"), "model").notes == ()


def test_two_benchmarks_cannot_give_one_score() -> None:
    class Other(Tallied):
        name = "other"

    with pytest.raises(UserError, match="'tallied' and 'other' both give a score 'tallied'"):
        Evaluation([Tallied([]), Other([])], progress=False).of(told(lambda probe: "yes"), "model")


def test_answers_to_other_questions_are_kept_unless_they_are_to_be_overwritten(tmp_path: Path) -> None:
    engine = told(lambda probe: "yes")

    class More(Tallied):
        def probes(self) -> list[Probe]:
            return [*super().probes(), Probe("b", "Another?")]

    Evaluation([Tallied([])], progress=False).of(engine, "model", folder=tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.jsonl")}
    other = Evaluation([More([])], progress=False)
    with pytest.raises(UserError, match="belong to another run"):
        other.of(engine, "model", folder=tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.jsonl")} == before
    other.of(engine, "model", folder=tmp_path, afresh=True)
    assert set(Saved.open(tmp_path / "tallied").answers["model"].responses) == {"a", "b"}
