"""GGUF files of a merged checkpoint, made by llama.cpp's own converter: the user has it, in the server's version."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from unsee.errors import SystemFailure, UserError
from unsee.store.hashing import sha256_of

LANGUAGE, VISION = "model.gguf", "mmproj.gguf"
"""The language model, and the vision tower with its projector. The converter wants "mmproj" in the second name."""
TYPES = {"float32": "f32", "float16": "f16", "bfloat16": "bf16"}
_BEGINS = b"GGUF"


def check_converter(converter: Path) -> None:
    """Raise UserError if there is no such script."""
    if not converter.is_file():
        raise UserError(
            f"There is no converter {converter}; give the convert_hf_to_gguf.py of the llama.cpp that is to serve."
        )


def convert(converter: Path, folder: Path, dtype: str) -> dict[str, str]:
    """Let the converter write both files into the folder of the checkpoint; returns the SHA-256 of each by its name.

    Raises SystemFailure with what the converter said last if it fails, or writes something else.
    """
    made = {}
    for name, more in ((LANGUAGE, ["--outtype", TYPES[dtype]]), (VISION, ["--mmproj"])):
        command = [sys.executable, str(converter), str(folder), "--outfile", str(folder / name), *more]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode:
            said = " ".join((done.stderr.strip().splitlines() or ["nothing"])[-1].split())[:200]
            raise _failed(converter, name, f"it ended with status {done.returncode} and said: {said}")
        if not (folder / name).is_file() or (folder / name).open("rb").read(len(_BEGINS)) != _BEGINS:
            raise _failed(converter, name, "it wrote no GGUF file")
        made[name] = sha256_of(folder / name)
    return made


def _failed(converter: Path, name: str, why: str) -> SystemFailure:
    return SystemFailure(
        f"{converter} could not make {name} ({why}); see in docs/export.md which families it reads, or export without "
        "--gguf."
    )
