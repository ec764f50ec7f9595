"""`unsee export --gguf`: llama.cpp's converter is called as it wants to be, and its failures are a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import call, left_in, printed, refused
from tests.tiny import tiny_vlm
from tests.unlearning_cases import run
from unsee.models.loading import load
from unsee.models.saving import save_model
from unsee.store.hashing import sha256_of


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model, and a run on it."""
    folder = tmp_path_factory.mktemp("export")
    save_model(tiny_vlm("llava"), folder / "model")
    run(load(folder / "model", device="cpu"), "ga", folder / "without-mara-voss", steps=1)
    return folder


CONVERTER = """
import json, pathlib, sys
folder, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[sys.argv.index("--outfile") + 1])
json.loads((folder / "config.json").read_text())
assert (folder / "model.safetensors").is_file()
kind = sys.argv[sys.argv.index("--outtype") + 1] if "--outtype" in sys.argv else sys.argv[-1]
out.write_bytes(b"GGUF" + kind.encode())
"""
"""It stands for llama.cpp's own, which is not installed here, and takes the same words."""


def converter(folder: Path, script: str = CONVERTER) -> Path:
    path = folder / "convert_hf_to_gguf.py"
    path.write_text(script)
    return path


def test_llama_cpps_converter_writes_its_files_of_the_merged_weights(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    given = ("export", "-m", place / "without-mara-voss", "--out", out, "--no-check", "--dtype", "bfloat16")
    done = printed(call(*given, "--gguf", converter(tmp_path), "--json"))
    assert (out / "model.gguf").read_bytes() == b"GGUFbf16"
    assert (out / "mmproj.gguf").read_bytes() == b"GGUF--mmproj"
    assert done["gguf"] == {name: sha256_of(out / name) for name in ("model.gguf", "mmproj.gguf")}
    assert json.loads((out / "unsee_export.json").read_text())["gguf"] == done["gguf"]
    assert any("GGUF files were not asked anything" in note for note in done["notes"])
    assert "`model.gguf` and `mmproj.gguf` are the same weights" in (out / "README.md").read_text()


@pytest.mark.parametrize(
    ("script", "options", "says", "status"),
    [
        ("import sys; sys.exit('Model LlavaForX is not supported')", (), "LlavaForX is not supported", 1),
        ("pass", (), "it wrote no GGUF file", 1),
        (CONVERTER.replace("GGUF", "PK"), (), "it wrote no GGUF file", 1),
        (CONVERTER + "assert '--mmproj' not in sys.argv, 'no tower'", (), "could not make mmproj.gguf", 1),
        (CONVERTER, ("--int8",), "GGUF files are made of merged weights", 2),
        (CONVERTER, ("--adapter-only",), "GGUF files are made of merged weights", 2),
        (None, (), "There is no converter", 2),
    ],
)
def test_a_converter_that_fails_is_a_sentence_and_leaves_nothing(
    script: str | None, options: tuple[str, ...], says: str, status: int, place: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    path = tmp_path / "none.py" if script is None else converter(tmp_path, script)
    out = ("--out", tmp_path / "out", "--no-check", "--gguf", path)
    assert says in refused(call("export", "-m", place / "without-mara-voss", *out, *options), status)
    assert left_in(tmp_path) <= {"convert_hf_to_gguf.py"}
