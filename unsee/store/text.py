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
    return [json.loads(line) for line in lines(read_text(path)) if line.strip()]


def lines(text: str) -> list[str]:
    """The lines of JSON Lines. Not `splitlines`: JSON texts may hold the other line separators of Unicode."""
    return text.split("\n")


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object, or None if the file is missing, damaged or holds something else."""
    try:
        content = json.loads(read_text(path))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
