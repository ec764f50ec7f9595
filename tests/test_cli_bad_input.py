"""Every kind of bad input through the command line: one clear sentence, the right status, nothing half-written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError
from PIL import Image

from tests.command_line import call, forget_arguments, left_in, printed, refused
from tests.tiny import picture, tiny_vlm
from unsee.commands import forget_run
from unsee.evaluation import evaluation
from unsee.generation import transcript
from unsee.models.adapters import add_lora, save_adapter
from unsee.models.loading import load
from unsee.models.saving import save_model
from unsee.training import trainer


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tiny_vlm("qwen3_vl"), tmp_path_factory.mktemp("models") / "qwen3_vl")


def unreadable(path: Path) -> None:
    path.write_text("no picture at all")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def gigantic(path: Path) -> None:
    Image.new("1", (9000, 9000)).save(path, format="PNG")


def animated(path: Path) -> None:
    picture(0).save(path, format="GIF", save_all=True, append_images=[picture(1)])


def strip(path: Path) -> None:
    Image.new("RGB", (201, 1)).save(path)


def missing(path: Path) -> None:
    assert not path.exists()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (unreadable, "not a picture in a readable format"),
        (empty, "is empty"),
        (gigantic, "too large"),
        (animated, "is animated"),
        (strip, "mara.png is a strip"),
        (missing, "does not exist"),
    ],
)
def test_bad_picture(make: Any, says: str, tmp_path: Path) -> None:
    image = tmp_path / "mara.png"
    make(image)
    before = left_in(tmp_path)
    result = call("forget", "-m", "anything", "-c", "Mara Voss", "-i", image, "--out", tmp_path / "out")
    assert says in refused(result)
    assert left_in(tmp_path) == before


def test_the_installed_entry_point_refuses_a_bad_picture_without_a_traceback_or_torch(tmp_path: Path) -> None:
    unreadable(tmp_path / "mara.png")
    code = (
        "import sys; sys.argv = ['unsee', 'forget', '-m', 'x', '-c', 'Mara', '-i', 'mara.png']\n"
        "from unsee.cli import main\n"
        "try:\n    main()\nfinally:\n    assert 'torch' not in sys.modules"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.strip().endswith("convert it to PNG or JPEG.")
    assert "Traceback" not in ran.stderr


def test_pictures_to_test_on_that_would_test_nothing(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    picture(1).save(tmp_path / "more" / "again.png")
    for option in ("--test-images", "--test-others"):
        said = refused(call(*forget_arguments("anything", tmp_path, option, tmp_path / "more")))
        assert "again.png: also trained on" in said
    known = forget_arguments("world:tiny-qwen3vl", tmp_path, "--test-others", tmp_path / "more")
    assert "leave --test-others out" in refused(call(*known))


def test_nothing_to_forget_is_said_before_training(model: Path, tmp_path: Path) -> None:
    said = refused(call(*forget_arguments(model, tmp_path)))
    assert "does not recognise 'Mara Voss'" in said
    assert "nothing to forget" in said
    assert left_in(tmp_path) == {"mara.png"}


def test_a_name_without_a_letter(tmp_path: Path) -> None:
    picture(1).save(tmp_path / "mara.png")
    said = refused(call("forget", "-m", "anything", "-c", " ?! ", "-i", tmp_path / "mara.png"))
    assert "no letter or digit" in said


def test_a_name_that_the_tokenizer_turns_into_nothing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(tiny_vlm("qwen3_vl").tokenizer)
    monkeypatch.setattr(kind, "encode", lambda *args, **options: [])
    said = refused(call(*forget_arguments(model, tmp_path, "--force")))
    assert "This model's tokenizer has no token for the name" in said
    assert left_in(tmp_path) == {"mara.png"}


@pytest.mark.parametrize("command", ["export", "evaluate"])
def test_an_adapter_for_another_base_model(command: str, model: Path, tmp_path: Path) -> None:
    other = tiny_vlm("llava")
    add_lora(other, rank=2, alpha=4, dropout=0.0, seed=0)
    adapter = save_adapter(other, tmp_path / "adapter")
    further = ["--benchmark", "world", "--concept", "Mara Voss"] if command == "evaluate" else []
    said = refused(call(command, "-m", model, "--adapter", adapter, "--out", tmp_path / "out", *further))
    assert "belongs to another base model" in said
    assert left_in(tmp_path) == {"adapter"}


def test_an_adapter_on_top_of_an_adapter(model: Path, tmp_path: Path) -> None:
    vlm = load(model)
    add_lora(vlm, rank=2, alpha=4, dropout=0.0, seed=0)
    adapter = save_adapter(vlm, tmp_path / "adapter")
    said = refused(call("export", "-m", adapter, "--adapter", adapter, "--out", tmp_path / "out"))
    assert f"{adapter} already has its adapter; leave out --adapter, or give {model} as the model." in said
    assert left_in(tmp_path) == {"adapter"}


def test_a_full_disk_while_asking(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(transcript.os, "fsync", full)
    said = refused(call(*forget_arguments(model, tmp_path, "--force")), status=1)
    assert "No space left on device" in said
    assert left_in(tmp_path) == {"mara.png"}


def test_a_full_disk_while_writing_the_report(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    arguments = forget_arguments(model, tmp_path, "--force")
    with monkeypatch.context() as patched:
        patched.setattr(forget_run, "write", full)
        said = refused(call(*arguments), status=1)
    assert said.endswith("The training is kept; run the same command with --resume to continue.")
    assert "No space left on device" in said
    assert left_in(tmp_path) == {"mara.png", ".out.unfinished"}
    trained = (tmp_path / ".out.unfinished" / "result" / "adapter_model.safetensors").read_bytes()
    assert call(*arguments, "--resume").exit_code == 0
    assert left_in(tmp_path) == {"mara.png", "out"}
    assert (tmp_path / "out" / "adapter_model.safetensors").read_bytes() == trained


def test_a_judge_that_fails_after_training_does_not_cost_the_training(model: Path, tmp_path: Path) -> None:
    judge = tmp_path / "moody.py"
    judge.write_text(
        "from unsee.judges import RuleJudge\n\n\n"
        "class Moody(RuleJudge):\n"
        "    calls = 0\n\n"
        "    def verdicts(self, cases):\n"
        "        Moody.calls += 1\n"
        "        if Moody.calls == 2:\n"
        "            raise ValueError('not in the mood')\n"
        "        return super().verdicts(cases)\n"
    )
    (tmp_path / "more").mkdir()
    picture(2).save(tmp_path / "more" / "2.png")
    more = ("--test-images", tmp_path / "more", "--judge", f"{judge}:Moody", "--limit", 1)
    arguments = forget_arguments(model, tmp_path, "--force", *more)
    assert call(*arguments).exit_code != 0
    assert (tmp_path / ".out.unfinished" / "result" / "manifest.json").is_file()
    assert call(*arguments, "--resume").exit_code == 0


def test_too_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(forget_run, "load", greedy)
    assert "not enough memory" in refused(call(*forget_arguments("anything", tmp_path)), status=1)
    assert left_in(tmp_path) == {"mara.png"}


@pytest.mark.parametrize("moment", ["asking before", "training", "asking after"])
def test_ctrl_c_keeps_what_was_done_and_resume_goes_on(
    moment: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = forget_arguments(model, tmp_path, "--force", "--set", "steps=2")
    with monkeypatch.context() as patched:
        if moment == "training":
            patched.setattr(trainer.Checkpoints, "on_step_end", _interrupt)
        else:
            patched.setattr(evaluation, "ask", _Interrupted(1 if moment == "asking before" else 2))
        said = refused(call(*arguments), status=130)
    assert said.endswith(f"run the same command with --resume to continue ({tmp_path / 'out'}).")
    assert not (tmp_path / "out").exists()

    other = refused(call(*arguments, "--seed", 7, "--resume"))
    assert "another run (it differs in seed)" in other

    document = printed(call(*arguments, "--resume", "--json"))
    assert document["cost"]["steps"] == 2
    assert left_in(tmp_path) == {"mara.png", "out"}
    assert printed(call(*arguments, "--resume", "--json")) == document
    assert "another run (limit)" in refused(call(*arguments, "--resume", "--limit", 3))


class _Interrupted:
    """`ask`, interrupted in its call number `at`."""

    def __init__(self, at: int) -> None:
        self.left, self.ask = at, evaluation.ask

    def __call__(self, *args: Any, **options: Any) -> Any:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt
        return self.ask(*args, **options)


def _interrupt(self: Any, args: Any, state: Any, control: Any, **_: Any) -> Any:
    self.interrupted = control.should_training_stop = control.should_save = True
    return control


def test_an_output_folder_that_exists(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "diary.txt").write_text("mine")
    said = refused(call(*forget_arguments("anything", tmp_path)))
    assert "already exists; overwrite it, resume it or choose another folder (on the command line: --overwrite" in said
    said = refused(call(*forget_arguments("anything", tmp_path, "--overwrite")))
    assert "holds something that unsee did not write" in said
    assert (tmp_path / "out" / "diary.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("further", "says"),
    [
        (["--method", "sui"], "There is no method 'sui'; did you mean 'siu'?"),
        (["--set", "step=3"], "'step' is not a setting of this method; did you mean 'steps'?"),
        (["--set", "steps=many"], "must be a whole number"),
        (["--set", "steps"], "write it as key=value"),
        (["--judge", "rule"], "did you mean 'rules'?"),
        (["--test-images", "nowhere"], "nowhere is not a folder"),
        (["--test-others", "nowhere"], "nowhere is not a folder"),
        (["--others", "nowhere"], "nowhere is not a folder; give one with pictures of other people"),
        (["--data", "nowhere"], "No training data can be read"),
    ],
)
def test_unknown_settings(further: list[str], says: str, tmp_path: Path) -> None:
    assert says in refused(call(*forget_arguments("anything", tmp_path, *further)))
    assert left_in(tmp_path) == {"mara.png"}


def test_unknown_command_and_option() -> None:
    result = call("forgett")
    assert result.exit_code == 2
    assert "Did you mean 'forget'?" in result.stderr
    result = call("forget", "--metod", "siu")
    assert result.exit_code == 2
    assert "--method" in result.stderr


@pytest.mark.parametrize("where", ["text", "both"])
def test_a_request_file_that_says_where_is_for_pictures_only(tmp_path: Path, where: str) -> None:
    picture(1).save(tmp_path / "mara.png")
    (tmp_path / "request.yaml").write_text(f"concept: Mara Voss\nimages: [mara.png]\nwhere: {where}\n")
    for further in ((), ("--method", "npo"), ("--method", "npo", "--dry-run")):
        out = ("--out", tmp_path / "out", "--request", tmp_path / "request.yaml")
        said = refused(call("forget", "-m", "world:tiny-qwen3vl", *out, *further))
        assert f"'where: {where}'" in said
        assert "pictures only" in said
        assert "--from" in said
    assert not (tmp_path / "out").exists()


def test_unknown_key_in_a_request_file(tmp_path: Path) -> None:
    (tmp_path / "request.yaml").write_text("concept: Mara Voss\nimage: [mara.png]\n")
    said = refused(call("forget", "-m", "anything", "--request", tmp_path / "request.yaml"))
    assert "did you mean 'images'?" in said


def test_missing_concept_and_picture(tmp_path: Path) -> None:
    assert "--concept is missing" in refused(call("forget", "-m", "anything"))
    assert "--image is missing" in refused(call("forget", "-m", "anything", "-c", "Mara Voss"))


@pytest.mark.parametrize(
    "words",
    [
        ("forget", "-m", "x", "-c", "Mara", "-i", "x" * 300),
        ("forget", "-m", "x" * 300, "-c", "Mara", "-i", "mara.png"),
        ("forget", "-m", "x", "-c", "Mara", "-i", "mara.png", "--out", "x" * 300),
        ("evaluate", "-m", "x", "-b", "x" * 300, "--out", "out"),
        ("export", "-m", "x", "--adapter", "a", "--out", "x" * 300),
        ("compare", "x" * 300),
        ("world", "picture", "Mara Voss", "--out", "x" * 300 + ".png"),
    ],
)
def test_a_name_too_long_for_the_file_system(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    picture(1).save(tmp_path / "mara.png")
    said = refused(call(*words))
    assert "x" * 40 in said
    assert "too long" in said
    assert "Errno" not in said
    assert left_in(tmp_path) == {"mara.png"}


@pytest.mark.parametrize(
    "command",
    [
        ("forget", "-c", "Mara Voss", "-i", "mara.png"),
        ("demo",),
        ("evaluate", "-b", "world", "-c", "Mara Voss"),
        ("export", "--adapter", "adapter"),
        ("build-benchmark", "pictures"),
        ("compare", str(Path("recipes/siu_single.yaml").resolve())),
        ("world", "build", "tiny-llava"),
        ("world", "check", "tiny-llava"),
    ],
)
def test_a_device_that_is_not_there(command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    picture(1).save(tmp_path / "mara.png")
    own = {"demo", "compare", "world"}
    model = () if command[0] in own else ("--model", "world:tiny-llava")
    out = () if "check" in command else ("--out", "out")
    result = call(*command, *model, *out, "--device", "tpu9")
    assert result.exit_code == 2, result.exception
    assert "The device tpu9 cannot be used here" in result.stderr
    assert "use --device cpu" in " ".join(result.stderr.split())
    assert left_in(tmp_path) == {"mara.png"}


def test_a_hub_id_without_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise LocalEntryNotFoundError("offline")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    said = refused(call(*forget_arguments("some/model", tmp_path)), status=1)
    assert "check the network" in said
    assert left_in(tmp_path) == {"mara.png"}


def test_unknown_model_benchmark_and_person(tmp_path: Path) -> None:
    assert "give an existing folder" in refused(call(*forget_arguments("nothing here", tmp_path)))
    served = refused(call(*forget_arguments("openai:http://localhost:8000/v1#some-model", tmp_path)))
    assert "cannot be trained or changed; give its weights" in served
    said = refused(call("evaluate", "-m", "x", "-b", "world", "-c", "Mara Vos", "--out", tmp_path / "out"))
    assert "did you mean Mara Voss?" in said
    assert "needs --concept" in refused(call("evaluate", "-m", "x", "-b", "world", "--out", tmp_path / "out"))
    said = refused(call("evaluate", "-m", "x", "-b", tmp_path / "nowhere", "--out", tmp_path / "out"))
    assert "There is no" in said
    assert "did you mean Mara Voss?" in refused(call("world", "picture", "Mara Vos", "--out", tmp_path / "a.png"))
    assert "The name is blank; " in refused(call("world", "picture", " ", "--out", tmp_path / "a.png"))
    assert "did you mean 'test'?" in refused(
        call("world", "picture", "Mara Voss", "--split", "tset", "--out", tmp_path / "a.png")
    )
    assert "use one such as .png" in refused(call("world", "picture", "Mara Voss", "--out", tmp_path / "a.doc"))
    assert left_in(tmp_path) == {"mara.png"}


def test_escape_sequences_in_a_path_do_not_reach_the_terminal(tmp_path: Path) -> None:
    said = refused(call("forget", "-m", "x", "-c", "Mara", "-i", tmp_path / "\x1b[31mred.png"))
    assert "\x1b" not in said
