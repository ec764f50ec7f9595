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


def first_line(path: Path, most: int = 10_000_000) -> dict[str, Any] | None:
    """The JSON object in the first line of a JSON Lines file; None if the file is missing, damaged or holds something
    else there. Reads at most so many bytes."""
    try:
        with path.open("rb") as file:
            content = parsed(file.readline(most))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def parsed(text: str | bytes) -> Any:
    """The value of a JSON text. Raises `ValueError`, also for one that is nested too deeply to be read."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def strictly_parsed(content: bytes) -> Any:
    """The value of a JSON text that nobody can read in two ways: UTF-8, no key twice in an object, no NaN. Raises
    `ValueError`."""
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=_no_key_twice, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands in it twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


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
