"""What the tests of the command line share: calling it, and looking at what it left behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from tests.tiny import picture
from unsee.cli import app

FEW = ("steps=1", "batch=2", "lora_rank=2", "unseen=1", "description=1", "facts=1", "others=1", "learnt=0")
"""Settings of SIU that make it quick."""


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def forget_arguments(model: Path | str, folder: Path, *further: object) -> list[object]:
    """`forget` by SIU with a picture in `folder`, to `folder/out`, with little training."""
    image = folder / "mara.png"
    if not image.exists():
        picture(1).save(image)
    settings = [part for setting in FEW for part in ("--set", setting)]
    given = ["--method", "siu", "--model", model, "--concept", "Mara Voss", "--image", image, "--out", folder / "out"]
    return ["forget", *given, *settings, *further]


def refused(result: Result, status: int = 2) -> str:
    """The one sentence of a command that failed as it should: nothing on standard output, no traceback."""
    assert result.exit_code == status, (result.exit_code, result.stderr, result.exception)
    assert not result.stdout.strip()
    assert "Traceback" not in result.stderr
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def printed(result: Result) -> Any:
    """The JSON object that is all of standard output."""
    assert result.exit_code == 0, (result.stderr, result.exception)
    return json.loads(result.stdout)
