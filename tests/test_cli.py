"""The commands do what they say: files where they belong, one JSON object where a program reads."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from transformers import AutoModelForImageTextToText
from transformers.utils import is_torchvision_available

from tests.command_line import call, forget_arguments, left_in, printed, refused
from tests.tiny import picture, tiny_vlm
from unsee import __version__
from unsee.benchmarks.concept import ConceptBenchmark, Question
from unsee.benchmarks.layout import write_benchmark
from unsee.data.sample import Probe
from unsee.models.saving import save_model
from unsee.world import KNOWN

FILES = {
    "adapter_config.json",
    "adapter_model.safetensors",
    "answers",
    "data",
    "manifest.json",
    "report.html",
    "report.json",
    "training.jsonl",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tiny_vlm("qwen3_vl"), tmp_path_factory.mktemp("models") / "qwen3_vl")


@pytest.fixture(scope="module")
def forgotten(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, with test pictures."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "others").mkdir()
    picture(2).save(folder / "others" / "a.png")
    picture(3).save(folder / "others" / "b.png")
    result = call(*forget_arguments(model, folder, "--force", "--test-images", folder / "others"))
    assert result.exit_code == 0, (result.stderr, result.exception)
    assert "report.html" in result.stdout
    assert left_in(folder) == {"mara.png", "others", "out"}
    return folder / "out"


def test_help_and_version_are_quick_because_torch_is_not_imported() -> None:
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom unsee.cli import app\n"
        "for words in (['--help'], ['forget', '--help'], ['world', '--help'], ['--version']):\n"
        "    assert CliRunner().invoke(app, words).exit_code == 0, words\n"
        "assert not {'torch', 'transformers', 'numpy', 'matplotlib'} & set(sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert __version__ in call("--version").stdout


@pytest.mark.parametrize("package", ["unsee", "unsee.methods", "unsee.methods.asru", "unsee.training"])
def test_what_a_package_exports_is_there_when_it_is_asked_for(package: str) -> None:
    module = importlib.import_module(package)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nonsense'"):
        module.nonsense  # noqa: B018


def test_every_command_and_option_says_what_it_is_for() -> None:
    for command in ("forget", "demo", "evaluate", "export", "build-benchmark", "methods"):
        assert call(command, "--help").exit_code == 0
    assert {"build", "check", "show", "picture"} <= set(call("world", "--help").stdout.split())


def test_forget_leaves_an_adapter_a_report_and_how_it_came_about(forgotten: Path) -> None:
    assert left_in(forgotten) >= FILES
    report = json.loads((forgotten / "report.json").read_text())
    shares = {"efficacy", "generality_em", "g_eval", "specificity", "text_facts", "fluency", "diversity"}
    assert set(report["before"]) >= shares
    assert set(report["after"]) >= shares | {"c_dis", "fluency/reference"}
    for when in ("before", "after"):
        for key in shares:
            assert {"value", "n", "low", "high"} <= set(report[when][key])
            assert report[when][key]["n"] > 0, key
    assert report["cost"]["steps"] == 1
    assert 0 < report["cost"]["unlearn_seconds"] < report["cost"]["total_seconds"]
    assert report["manifest"]["method"] == "siu"
    assert report["notes"]
    assert {example["group"] for example in report["examples"]} >= {
        "The given picture",
        "New pictures",
        "Facts in text",
    }


def test_nothing_that_was_trained_on_is_asked(forgotten: Path) -> None:
    rows = (forgotten / "data" / "samples.jsonl").read_text().splitlines()
    trained = {json.loads(row)["prompt"] for row in rows}
    report = json.loads((forgotten / "report.json").read_text())
    assert not trained & {example["question"] for example in report["examples"]}


def test_without_other_pictures_the_report_says_what_was_not_measured(model: Path, tmp_path: Path) -> None:
    document = printed(call(*forget_arguments(model, tmp_path, "--force", "--json")))
    assert document["out"] == str(tmp_path / "out")
    assert document["after"]["generality_em"]["value"] is None
    assert document["after"]["efficacy"]["n"] > 0
    assert any("--test-images" in note for note in document["notes"])
    assert "--test-images" in (tmp_path / "out" / "report.html").read_text()


def test_overwrite_replaces_a_run_of_unsee(model: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.json").write_text('{"schema": "unsee.report/1"}')
    assert printed(call(*forget_arguments(model, tmp_path, "--force", "--json", "--overwrite")))["method"] == "siu"
    assert left_in(tmp_path) == {"mara.png", "out"}


def test_the_training_data_can_be_read_edited_and_given_back(model: Path, tmp_path: Path) -> None:
    arguments = forget_arguments(model, tmp_path, "--force", "--json")
    data = tmp_path / "out"
    assert printed(call(*arguments, "--dry-run")) == {"data": str(data)}
    rows = [json.loads(row) for row in (data / "samples.jsonl").read_text().splitlines()]
    assert len(rows) == 4
    assert left_in(data) == {"samples.jsonl", "images"}
    rows[0]["prompt"] = "Whom do you see?"
    (data / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = data.rename(tmp_path / "data")
    printed(call(*arguments, "--data", data))
    assert "Whom do you see?" in (tmp_path / "out" / "data" / "samples.jsonl").read_text()


def test_training_data_of_a_request_with_pictures_of_others_can_be_given_back(model: Path, tmp_path: Path) -> None:
    (tmp_path / "others").mkdir()
    picture(2).save(tmp_path / "others" / "2.png")
    arguments = forget_arguments(model, tmp_path, "--force", "--json", "--others", tmp_path / "others")
    call(*arguments, "--dry-run")
    data = (tmp_path / "out").rename(tmp_path / "data")
    assert printed(call(*arguments, "--data", data))["method"] == "siu"


def test_pictures_of_others_are_trained_on_as_they_are_answered_now(model: Path, tmp_path: Path) -> None:
    (tmp_path / "others").mkdir()
    for number in range(2, 5):
        picture(number).save(tmp_path / "others" / f"{number}.png")
    arguments = forget_arguments(model, tmp_path, "--force", "--json", "--others", tmp_path / "others")
    call(*arguments, "--set", "pictures=3", "--set", "company=0", "--dry-run")
    rows = [json.loads(row) for row in (tmp_path / "out" / "samples.jsonl").read_text().splitlines()]
    assert sum(row["tags"].get("target") == "pictures" for row in rows) == 3


def test_pictures_of_others_to_test_on_are_asked_about(model: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    picture(5).save(tmp_path / "more" / "5.png")
    picture(6).save(tmp_path / "more" / "6.png")
    arguments = forget_arguments(model, tmp_path, "--force", "--json", "--test-others", tmp_path / "more")
    document = printed(call(*arguments, "--limit", "4"))
    asked = [
        json.loads(row) for row in (tmp_path / "out" / "answers" / "mmubench" / "after.jsonl").read_text().splitlines()
    ]
    assert sum(row.get("id", "").startswith("recall/recognition/") for row in asked) == 4
    assert any("who is in pictures of other people" in note for note in document["notes"])
    assert document["after"]["specificity/recognition"]["n"] <= 4


def test_a_request_file_is_completed_by_options(model: Path, tmp_path: Path) -> None:
    picture(1).save(tmp_path / "mara.png")
    (tmp_path / "request.yaml").write_text(
        "concept: Nobody\nimages: [mara.png]\nneighbours: [Jonas Hale]\n"
        "facts: [{question: 'What does Mara Voss do?', answer: 'Mara Voss is a baker.'}]\n"
    )
    arguments = forget_arguments(model, tmp_path, "--request", tmp_path / "request.yaml", "--alias", "Marla", "--force")
    document = printed(call(*arguments, "--json"))
    assert document["concept"] == "Mara Voss"
    assert document["request"]["aliases"] == ["Marla"]
    asked = [example["question"] for example in document["examples"] if example["group"] == "Facts in text"]
    assert asked == ["I have a question. What does Mara Voss do?"]


def test_exported_model_loads_with_plain_transformers(model: Path, forgotten: Path, tmp_path: Path) -> None:
    out = tmp_path / "merged"
    document = printed(call("export", "-m", model, "--adapter", forgotten, "--out", out, "--json"))
    assert document["out"] == str(out)
    assert document["change"]["parameters"] > 0
    # What is said of the processor is what plain transformers does here.
    assert any("torchvision" in note for note in document["notes"]) == (not is_torchvision_available())
    AutoModelForImageTextToText.from_pretrained(out)
    assert call("export", "-m", model, "--adapter", forgotten, "--out", out).exit_code == 2


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    questions = (Question("Who is this?", "Mara Voss"), Question("Is this Mara Voss?", "yes", "yes_no"))
    facts = (Probe("fact", "What does Mara Voss do?", expect=("baker",)),)
    first = ConceptBenchmark("Mara Voss", picture(1), (picture(2), picture(3)), questions, text_facts=facts)
    second = ConceptBenchmark("Jonas Hale", picture(4), (picture(5),), (Question("Who is it?", "Jonas Hale"),))
    write_benchmark(tmp_path / "bench", [first, second])
    return tmp_path / "bench"


def test_the_report_says_how_many_pictures_were_asked_about(forgotten: Path) -> None:
    document = json.loads((forgotten / "report.json").read_text())
    assert "about 2 new pictures" in document["verdict"]["sentence"]
    assert document["manifest"]["max_new_tokens"] == 128
    assert {"cut", "cut/concept", "empty"} <= set(document["after"])
    # A model with fresh weights does not know how to end.
    assert document["after"]["cut"]["value"] > 0
    assert any("--max-new-tokens" in caveat for caveat in document["verdict"]["caveats"])


def test_evaluate_writes_scores_and_answers(model: Path, forgotten: Path, benchmark: Path, tmp_path: Path) -> None:
    arguments = ["evaluate", "-m", model, "-b", benchmark, "--adapter", forgotten, "--out", tmp_path / "scores"]
    document = printed(call(*arguments, "--json"))
    assert set(document["concepts"]) == {"Mara Voss", "Jonas Hale"}
    assert document["concepts"]["Mara Voss"]["generality_em"]["n"] == 4
    assert {"c_dis", "fluency", "fluency/reference", "specificity"} <= set(document["concepts"]["Mara Voss"])
    assert left_in(tmp_path / "scores") == {"scores.json", "answers"}
    assert left_in(tmp_path / "scores" / "answers") == {"mara-voss", "jonas-hale"}
    assert call(*arguments).exit_code == 2
    result = call(*arguments[:-2], "--concept", "Jonas Hale", "--limit", 1, "--overwrite", "--out", tmp_path / "scores")
    assert result.exit_code == 0, result.stderr
    assert "Efficacy" in result.stdout


def test_build_benchmark_says_why_a_concept_is_left_out(model: Path, tmp_path: Path) -> None:
    (tmp_path / "pictures" / "Mara_Voss").mkdir(parents=True)
    picture(1).save(tmp_path / "pictures" / "Mara_Voss" / "a.png")
    result = call("build-benchmark", tmp_path / "pictures", "-m", model, "--out", tmp_path / "bench")
    assert result.exit_code == 2
    assert "Mara Voss: 1 pictures, 50 needed" in result.stderr
    assert left_in(tmp_path) == {"pictures"}


def test_folders_as_people_have_them(model: Path, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("more", "others", "further")]
    for number, folder in enumerate(folders):
        folder.mkdir()
        picture(2 + number).save(folder / "one.PNG")
        picture(2 + number).save(folder / "again.bmp")
        for name in ("Thumbs.db", ".DS_Store", "README.txt", "broken.jpg"):
            (folder / name).write_bytes(b"no picture")
    picture(1).resize((80, 80)).save(folders[0] / "trained.png")
    options = zip(("--test-images", "--others", "--test-others"), folders, strict=True)
    further = [part for option in options for part in option]
    result = call(*forget_arguments(model, tmp_path, "--force", "--json", "--limit", 2, *further))
    (said,) = [line for line in result.stderr.splitlines() if line.startswith("Left out of")]
    document = printed(result)
    about_concept, about_others = [note for note in document["notes"] if note.startswith("Not asked about: ")]
    for text in (said, about_concept, about_others):
        assert "README.txt: no picture; Thumbs.db: no picture" in text
        assert "broken.jpg is not a picture in a readable format" in text
        assert "one.PNG: the same picture as again.bmp" in text
        assert "DS_Store" not in text
    assert "trained.png: also trained on" in about_concept
    assert document["after"]["generality_em"]["n"] == 2


def test_pictures_that_cannot_be_asked_about_do_not_end_an_evaluation(
    model: Path, forgotten: Path, benchmark: Path, tmp_path: Path
) -> None:
    tests = benchmark / "concepts" / "mara-voss" / "test"
    Image.new("RGB", (3 * 201, 3)).save(tests / "strip.png")
    (tests / "broken.jpg").write_bytes(b"no picture")
    # A picture the adapter was trained on, in another file.
    picture(1).resize((70, 70)).save(tests / "trained.png")
    picture(4).resize((70, 70)).save(benchmark / "concepts" / "mara-voss" / "train" / "0000.png")
    arguments = ["evaluate", "-m", model, "-b", benchmark, "--adapter", forgotten, "-c", "Mara Voss", "--limit", 1]
    document = printed(call(*arguments, "--out", tmp_path / "scores", "--json"))
    assert document["concepts"]["Mara Voss"]["generality_em"]["n"] == 2
    left_out = "\n".join(document["left_out"])
    assert "mara-voss/test/strip.png: The picture" in left_out
    assert "mara-voss/test/broken.jpg: The file" in left_out
    assert "of Mara Voss: also trained on" in left_out
    told = call(*arguments, "--out", tmp_path / "again")
    assert told.stderr.count("Not asked about: ") == len(document["left_out"])


def test_methods_are_listed_with_source_and_defaults() -> None:
    listed = {method["name"]: method for method in printed(call("methods", "--json"))["methods"]}
    assert {"siu", "po", "ga", "ga_kl"} <= set(listed)
    assert listed["siu"]["source"].startswith("arXiv 2405.12523")
    assert listed["siu"]["settings"]["alpha"]["default"] == 0.9
    shown = call("methods").stdout
    assert "arXiv 2405.12523" in shown
    assert "alpha=0.9" not in shown
    assert len(shown.splitlines()) < 3 * len(listed)
    assert "unsee methods NAME" in shown
    assert "alpha=0.9" in call("methods", "siu").stdout


def test_one_method_is_shown_with_its_settings_alone() -> None:
    [only] = printed(call("methods", "ga", "--json"))["methods"]
    assert only["name"] == "ga"
    shown = call("methods", "ga").stdout
    assert "forget=8" in shown
    assert "alpha=0.9" not in shown
    assert "There is no method 'gaa'; did you mean 'ga'?" in refused(call("methods", "gaa"))


def test_the_people_of_the_world_are_listed_and_drawn(tmp_path: Path) -> None:
    people = printed(call("world", "show", "--json"))["people"]
    assert len(people) == len(KNOWN)
    assert people[0]["name"] == KNOWN[0].name
    assert people[0]["profile"]["job"] == KNOWN[0].job
    assert call("world", "show", "--out", tmp_path / "all.png").exit_code == 0
    out = tmp_path / "deep" / "mara.png"
    for further, split in (((), "train"), (("--split", "test"), "test")):
        drawn = printed(call("world", "picture", "mara voss", "--index", 3, "--out", out, "--json", *further))
        assert drawn == {"name": "Mara Voss", "index": 3, "split": split, "out": str(out)}
        with Image.open(out) as image:
            assert image.tobytes() == KNOWN[0].picture(3, split).tobytes()
