"""Rows of published files, which are often not what their names say; each row with the place that its owner would look
for it in. Keys are in lower case, as in `unsee.benchmarks.tables`."""

from __future__ import annotations

import ast
import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unsee.benchmarks.tables import HUB, MAX_BYTES, read_table
from unsee.errors import UserError
from unsee.store.text import lines, parsed, read_text

LONGEST_LITERAL = 1 << 20
"""Characters of a cell that holds a Python literal, at most."""


@dataclass(frozen=True)
class Row:
    """One row: `where` is "row 3 of FILE"."""

    where: str
    values: Mapping[str, Any]

    def text(self, key: str) -> str:
        """The text under a key, without white space around it. Raises BadRow if it is missing, empty or no text."""
        value = self.values.get(key)
        if not isinstance(value, str) or not value.strip():
            raise BadRow(f"{self.where} has no text in {key!r}")
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts in a list under a key; a single text counts as one. Empty ones are left out."""
        value = self.values.get(key)
        found = [value] if isinstance(value, str) else value if isinstance(value, Sequence) else ()
        return tuple(text.strip() for text in found if isinstance(text, str) and text.strip())

    def picture(self, key: str) -> bytes:
        """The embedded file of a picture. Raises BadRow: a path would point anywhere on the machine."""
        value = self.values.get(key)
        content = value.get("bytes") if isinstance(value, Mapping) else value
        if not isinstance(content, bytes):
            raise BadRow(f"{self.where} has no picture embedded in {key!r}")
        return content

    def literal(self, key: str) -> Any:
        """A value written as a Python literal, or already a value. Raises BadRow for what is no literal."""
        value = self.values.get(key)
        if not isinstance(value, str):
            return value
        if len(value) > LONGEST_LITERAL:
            raise BadRow(f"{self.where} has {len(value)} characters in {key!r}")
        try:
            return ast.literal_eval(value.strip())
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            raise BadRow(f"{self.where} has no Python literal in {key!r}") from None


class BadRow(Exception):
    """A row, or a part of one, that cannot be asked about: the message says where and why."""


@dataclass
class Rows:
    """The rows of one or more files; what could not be read is in `left_out`."""

    rows: list[Row] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def read_rows(location: Path) -> Rows:
    """The rows of a file or of a data set ("hf:…").

    A .json file may hold a list of objects or, in spite of its name, JSON Lines. Raises UserError for what is missing,
    too large, damaged as a whole or without a row.
    """
    if location.as_posix().startswith(HUB) or location.suffix.casefold() not in (".json", ".jsonl"):
        table = read_table(location)
        return Rows([Row(f"row {number} of {table.name}", values) for number, values in table.rows])
    return _json(location)


def subset(location: Path, name: str) -> Rows:
    """The rows of one configuration of a data set: from the hub, or from a copy of its files, which has a folder of
    Parquet files for each configuration. Raises UserError."""
    if location.as_posix().startswith(HUB):
        return read_rows(Path(f"{location.as_posix()}#{name}?split=train"))
    files = sorted((location / name).glob("*.parquet"))
    if not files:
        raise UserError(f"There is no Parquet file in {location / name}; give a folder with the files of the data set.")
    parts = [read_rows(path) for path in files]
    return Rows([row for part in parts for row in part.rows], [line for part in parts for line in part.left_out])


def inside(folder: Path, path: str, where: str) -> Path:
    """A file that a row names by its path from `folder`, in whatever normal form of Unicode its name is saved.

    Raises BadRow for a path that leads out of the folder, by itself or by a link, or to no file.
    """
    home = folder.resolve()
    try:
        forms = [home / unicodedata.normalize(form, path) for form in ("NFC", "NFD")]
        found = next((one.resolve() for one in (home / path, *forms) if one.is_file()), None)
        leads_out = not (found or Path(os.path.normpath(home / path))).is_relative_to(home)
    # A name that is too long, or that holds a zero byte.
    except (OSError, ValueError):
        found, leads_out = None, False
    if leads_out:
        raise BadRow(f"{where} names the file {path!r}, which is not inside {folder}")
    if found is None:
        raise BadRow(f"{where} names the file {path!r}, which is not in {folder}")
    return found


def columns_of(path: Path) -> set[str]:
    """The columns of a Parquet file, in lower case; nothing if it is none."""
    import pyarrow
    import pyarrow.parquet

    try:
        return {name.strip().casefold() for name in pyarrow.parquet.read_schema(path).names}
    except (pyarrow.ArrowException, OSError, ValueError):
        return set()


def document(path: Path) -> Any:
    """The content of a JSON file. Raises UserError if it is missing, too large or no JSON."""
    try:
        return parsed(_content(path))
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error}); get the file again.") from error


def _json(path: Path) -> Rows:
    text = _content(path)
    if text.lstrip().startswith("["):
        try:
            listed: Iterable[tuple[int, Any]] = enumerate(parsed(text), 1)
        except ValueError as error:
            raise UserError(f"{path} is not JSON ({error}); get the file again.") from error
        return _rows(path, listed)
    return _rows(path, ((number, _line(line)) for number, line in enumerate(lines(text), 1) if line.strip()))


def _rows(path: Path, found: Iterable[tuple[int, Any]]) -> Rows:
    rows = Rows()
    for number, value in found:
        where = f"row {number} of {path}"
        if isinstance(value, dict):
            rows.rows.append(Row(where, {str(key).strip().casefold(): each for key, each in value.items()}))
        else:
            rows.left_out.append(f"{where} is not a JSON object")
    if not rows.rows:
        raise UserError(f"{path} holds no row that can be read; it must be a list of objects, or one object a line.")
    return rows


def _line(line: str) -> Any:
    try:
        return parsed(line)
    except ValueError:
        return None


def _content(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"{path} is larger than {MAX_BYTES >> 30} GiB; use a part of it.")
        return read_text(path)
    except FileNotFoundError:
        raise UserError(f"There is no file {path}; give the folder with the data set's files.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not saved as UTF-8; save it again in that encoding.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error
