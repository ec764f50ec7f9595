"""What users of ASRU may get wrong, by the command line: one clear sentence, before anything is trained or written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result

from tests.command_line import call, left_in, printed, refused
from tests.tiny import picture, tiny_vlm
from unsee.methods import METHODS
from unsee.models.saving import save_model

FEW = ("forget=4", "retain=8", "unseen=4", "longest=6", "lora_rank=2", "layer=1")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tiny_vlm("llava"), tmp_path_factory.mktemp("models") / "llava")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With mara.png, and strangers/ of four pictures."""
    picture(1).save(tmp_path / "mara.png")
    (tmp_path / "strangers").mkdir()
    for number in range(20, 24):
        picture(number).save(tmp_path / "strangers" / f"{number}.png")
    return tmp_path


def forget(model: Path, folder: Path, *further: object) -> Result:
    settings = [part for setting in FEW for part in ("--set", setting)]
    given = ["--model", model, "--concept", "Mara Voss", "--image", folder / "mara.png", "--out", folder / "out"]
    return call("forget", *given, "--method", "asru", "--force", *settings, *further)


def test_without_pictures_of_the_unseen(model: Path, folder: Path) -> None:
    for further in ((), ("--sweep-layers",), ("--dry-run",)):
        assert "give them with --unseen" in refused(forget(model, folder, *further))
    (folder / "empty").mkdir()
    assert "pictures of people the model has never seen" in refused(forget(model, folder, "--unseen", folder / "empty"))
    assert left_in(folder) == {"mara.png", "strangers", "empty"}


def test_unseen_pictures_that_the_model_knows(model: Path, folder: Path) -> None:
    said = refused(forget(model, folder, "--unseen", folder / "strangers"))
    assert "refuses nothing about the 4 unseen pictures" in said
    assert "give pictures that it does not know" in said
    picture(1).save(folder / "strangers" / "herself.png")
    assert "also among the unseen" in refused(forget(model, folder, "--unseen", folder / "strangers"))
    assert left_in(folder) == {"mara.png", "strangers"}


@pytest.mark.parametrize("further", [(), ("--sweep-layers",)])
def test_a_layer_out_of_range(model: Path, folder: Path, further: tuple[str, ...]) -> None:
    given = ("--unseen", folder / "strangers", *further)
    assert "has the layers 0 to 1" in refused(forget(model, folder, *given, "--set", "layer=17"))
    assert "fraction of the depth" in refused(forget(model, folder, *given, "--set", "layer=-1"))
    assert left_in(folder) == {"mara.png", "strangers"}


def test_to_be_forgotten_and_to_be_retained(model: Path, folder: Path) -> None:
    asked = {"question": "Who is this?", "answer": "This is Mara Voss."}
    for kept, words in (
        ({"question": "And who is she?", "answer": "Mara Voss, of course."}, "its answer names Mara Voss"),
        ({"question": "who is THIS?", "answer": "A baker."}, "both to be forgotten and to be retained"),
    ):
        request = {"images": ["mara.png"], "forget": [asked], "retain": [kept | {"image": "mara.png"}]}
        (folder / "request.yaml").write_text(json.dumps({"concept": "Mara Voss", **request}))
        given = ("--request", folder / "request.yaml", "--unseen", folder / "strangers")
        assert words in refused(forget(model, folder, *given))
    assert left_in(folder) == {"mara.png", "strangers", "request.yaml"}


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every other length of what a tiny model says counts as a refusal."""
    monkeypatch.setattr(METHODS["asru"], "refuses", lambda text: len(text) % 2 == 0)


@pytest.mark.usefixtures("refusing")
def test_ctrl_c_while_layers_are_tried_and_then_on(model: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = ("--unseen", folder / "strangers", "--set", "layer=auto", "--set", "stages=steering")

    def press(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("unsee.methods.asru.sweep.aim", press)
        assert "--resume" in refused(forget(model, folder, *given), status=130)
    assert left_in(folder) == {"mara.png", "strangers", ".out.unfinished"}
    done = forget(model, folder, *given, "--resume")
    assert done.exit_code == 0, (done.stderr, done.exception)
    assert left_in(folder) == {"mara.png", "strangers", "out"}
    manifest = json.loads((folder / "out" / "manifest.json").read_text())
    assert manifest["steering"]["layer"] in (0, 1)


@pytest.mark.usefixtures("refusing")
def test_the_sweep_leaves_its_table_and_its_plot(model: Path, folder: Path) -> None:
    document = printed(forget(model, folder, "--unseen", folder / "strangers", "--sweep-layers", "--json"))
    assert [row["layer"] for row in document["layers"]] == [0, 1]
    assert document["auto"] in (0, 1)
    assert left_in(folder / "out") == {"sweep.json", "sweep.svg"}
