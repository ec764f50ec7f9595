"""Reading text files: UTF-8, whatever editor saved them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, without the byte-order mark that editors on Windows put first.

    Raises `OSError`, and `UnicodeDecodeError` (a `ValueError`) for other encodings.
    """
    return path.read_text(encoding="utf-8-sig")


def json_lines(path: Path) -> list[Any]:
    """The values of a JSON Lines file, without its blank lines. Raises as `read_text`, and `ValueError`."""
    return [parsed(line) for line in lines(read_text(path)) if line.strip()]


def parsed(text: str | bytes) -> Any:
    """The value of a JSON text. Raises `ValueError`, also for one that is nested too deeply to be read."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def lines(text: str) -> list[str]:
    """The lines of JSON Lines. Not `splitlines`: JSON texts may hold the other line separators of Unicode."""
    return text.split("\n")


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object, or None if the file is missing, damaged or holds something else."""
    try:
        content = parsed(read_text(path))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def whole_characters(text: str) -> str:
    """The text with "?" for halves of characters, which JSON and Python literals may hold and no file accepts."""
    return text.encode(errors="replace").decode()
