"""`forget --resume` resumes only the same run, and says how another one differs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import unsee
from tests.command_line import call, forget_arguments, printed, refused
from tests.tiny import picture, tiny_vlm
from unsee.generation import transformers
from unsee.models.identity import of_files
from unsee.models.loading import cached_commit
from unsee.models.saving import save_model
from unsee.sweep.cells import Cell, cells_of, differences
from unsee.sweep.recipe import parse_recipe

OTHER_SETTINGS = [
    (("--data", "DATA"), "data"),
    (("--rephrase", "openai:http://localhost:9/v1#x"), "rephrase"),
    (("--judge", "openai:http://localhost:9/v1#x"), "judge"),
    (("--test-images", "PICTURES"), "test images"),
    (("--test-others", "PICTURES"), "test others"),
    (("--revision", "main"), "revision"),
    (("--4bit",), "4bit"),
    (("--seed", 7), "seed"),
    (("--limit", 3), "limit"),
    (("--audit", "none"), "audit"),
    (("--set", "steps=2"), "steps"),
    (("--alias", "Marla"), "request"),
    (("--others", "PICTURES"), "request"),
    (("--unseen", "PICTURES"), "request"),
    (("--kind", "brand"), "request"),
    (("--max-new-tokens", 9), "max new tokens"),
]
"""Options of another run, and how the difference is called."""


def model_in(folder: Path) -> Path:
    return save_model(tiny_vlm("qwen3_vl"), folder / "model")


def arguments_in(folder: Path) -> list[object]:
    return forget_arguments(folder / "model", folder, "--force", "--json", "--resume")


def with_paths(options: tuple[object, ...], folder: Path) -> list[object]:
    """The options with folders in place of their names: training data, and pictures for testing."""
    (folder / "more").mkdir(exist_ok=True)
    picture(8).save(folder / "more" / "8.png")
    places = {"DATA": folder / "given", "PICTURES": folder / "more"}
    return [places.get(str(option), option) for option in options]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, a finished run in `out` and other training data in `given`."""
    folder = tmp_path_factory.mktemp("finished")
    model_in(folder)
    printed(call(*arguments_in(folder)))
    shutil.copytree(folder / "out" / "data", folder / "given")
    rows = (folder / "given" / "samples.jsonl").read_text().splitlines()
    (folder / "given" / "samples.jsonl").write_text("\n".join(rows[:-1]) + "\n")
    return folder


@pytest.fixture(scope="module")
def interrupted(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("interrupted")
    for part in ("model", "given"):
        shutil.copytree(finished / part, folder / part)
    decode, done = transformers.decode, []

    def stop(*given: Any, **options: Any) -> Any:
        if done:
            raise KeyboardInterrupt
        done.append(1)
        return decode(*given, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transformers, "decode", stop)
        refused(call(*arguments_in(folder)), status=130)
    return folder


@pytest.mark.parametrize(("options", "way"), OTHER_SETTINGS)
def test_a_finished_run_is_not_taken_for_one_with_other_settings(
    options: tuple[object, ...], way: str, finished: Path
) -> None:
    said = refused(call(*arguments_in(finished), *with_paths(options, finished)))
    assert f"holds another run ({way});" in said


@pytest.mark.parametrize(("options", "way"), [row for row in OTHER_SETTINGS if row[0] != ("--4bit",)])
def test_an_interrupted_run_is_not_continued_with_other_settings(
    options: tuple[object, ...], way: str, interrupted: Path
) -> None:
    said = refused(call(*arguments_in(interrupted), *with_paths(options, interrupted)))
    assert f"is another run (it differs in {way});" in said


def other_weights(model: Path) -> None:
    weights = load_file(model / "model.safetensors")
    save_file({name: weight + 1 for name, weight in weights.items()}, model / "model.safetensors", {"format": "pt"})


def other_picture_size(model: Path) -> None:
    settings = json.loads((model / "processor_config.json").read_text())
    settings["image_processor"]["size"]["longest_edge"] *= 4
    (model / "processor_config.json").write_text(json.dumps(settings))


def other_template(model: Path) -> None:
    (model / "chat_template.jinja").write_text((model / "chat_template.jinja").read_text() + " ")


def other_generation(model: Path) -> None:
    settings = json.loads((model / "generation_config.json").read_text())
    (model / "generation_config.json").write_text(json.dumps({**settings, "repetition_penalty": 1.05}))


@pytest.mark.parametrize("state", ["finished", "interrupted"])
@pytest.mark.parametrize(
    ("change", "way"),
    [
        (other_weights, "weights"),
        (other_picture_size, "processor"),
        (other_template, "chat template"),
        (other_generation, "generation"),
    ],
)
def test_a_model_that_was_replaced_in_its_folder_is_noticed(
    change: Callable[[Path], None], way: str, state: str, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(state)
    kept = shutil.copytree(folder / "model", folder / "kept")
    try:
        change(folder / "model")
        assert f"({way});" in refused(call(*arguments_in(folder))).replace("it differs in ", "")
    finally:
        shutil.rmtree(folder / "model")
        kept.rename(folder / "model")


def test_the_same_run_is_looked_up_or_continued(finished: Path, interrupted: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (finished / "out").rglob("*")}
    document = printed(call(*arguments_in(finished)))
    assert document["out"] == str(finished / "out")
    assert {path: path.stat().st_mtime_ns for path in (finished / "out").rglob("*")} == before
    continued = printed(call(*arguments_in(interrupted)))
    assert continued["before"] == document["before"]
    assert "run" in continued["manifest"]


def test_a_run_of_an_earlier_version_is_not_taken_for_this_one(finished: Path, tmp_path: Path) -> None:
    for part in ("model", "out", "mara.png"):
        copied = shutil.copytree if (finished / part).is_dir() else shutil.copyfile
        copied(finished / part, tmp_path / part)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    del report["manifest"]["run"]
    (tmp_path / "out" / "report.json").write_text(json.dumps(report))
    assert "by an earlier version of unsee" in refused(call(*arguments_in(tmp_path)))


def test_a_cell_of_a_comparison_is_told_apart_by_every_part_of_its_model(tmp_path: Path) -> None:
    recipe = parse_recipe({"models": str(tmp_path / "model"), "methods": ["ga"], "concepts": ["Mara Voss"]})

    def cell() -> Cell:
        return cells_of(recipe)[0]

    model = model_in(tmp_path)
    first = cell()
    assert cell() == first
    for change, way in (
        (other_weights, "model sha256"),
        (other_picture_size, "processor"),
        (other_template, "chat template"),
        (other_generation, "generation"),
    ):
        before = cell()
        folder = tmp_path / "results" / before.folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cell.json").write_text(json.dumps(before.identity()))
        change(model)
        assert differences(cell(), tmp_path / "results") == [way]


def test_parts_of_a_folder_are_read_again_once_they_changed_and_other_files_do_not_count(tmp_path: Path) -> None:
    model = model_in(tmp_path)
    first = of_files(str(model))
    (model / "manifest.json").write_text("{}")
    (model / "training.jsonl").write_text("{}")
    assert of_files(str(model)) == first
    assert of_files(str(model.rename(tmp_path / "moved"))) == first
    assert set(of_files("some/model").values()) == {None}
    other_weights(tmp_path / "moved")
    again = of_files(str(tmp_path / "moved"))
    assert [part for part in first if first[part] != again[part]] == ["weights"]
    assert torch.isfinite(unsee.load(str(tmp_path / "moved")).base.get_output_embeddings().weight).all()


def test_the_commit_of_a_hub_model_is_found_without_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    cache, commit = tmp_path / "models--some--model", "0123456789abcdef0123456789abcdef01234567"
    (cache / "snapshots" / commit).mkdir(parents=True)
    (cache / "snapshots" / commit / "config.json").write_text("{}")
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text(commit)
    assert cached_commit("some/model") == commit
    assert cached_commit("some/model", commit) == commit
    assert cached_commit("some/model", "another-branch") is None
    assert [cached_commit(name) for name in ("other/model", "world:tiny-llava", str(tmp_path))] == [None] * 3
