"""Rows of published files, which are often not what their names say; each row with the place that its owner would look
for it in. Keys are in lower case, as in `unsee.benchmarks.tables`."""

from __future__ import annotations

import ast
import json
import os
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from unsee.benchmarks.mllmu_questions import Style
from unsee.benchmarks.tables import HUB, MAX_BYTES, read_table
from unsee.errors import UserError
from unsee.metrics.naming import words
from unsee.store.text import lines, parsed, read_text

STYLE = "unsee.style"
"""A file that unsee writes next to files of its own world: one word, the style in which their readers are asked."""
_HEAD = 1 << 20
"""Characters of a JSON file, at most, that hold its first row."""
LONGEST_LITERAL = 1 << 20
"""Characters of a cell that holds a Python literal, at most."""


@dataclass(frozen=True)
class Row:
    """One row: `where` is "row 3 of FILE"; `place` counts the rows before it in the data set, readable or not."""

    where: str
    values: Mapping[str, Any]
    place: int = 0

    def text(self, key: str) -> str:
        """The text under a key, without white space around it. Raises BadRow if it is missing, empty or no text."""
        value = self.values.get(key)
        if not isinstance(value, str) or not value.strip():
            raise BadRow(f"{self.where} has no text in {key!r}")
        return value.strip()

    def said(self, key: str) -> str:
        """`text` that has a letter or a digit, so that an answer can tell it. Raises BadRow."""
        found = self.text(key)
        if not words(found):
            raise BadRow(f"{self.where} has no letter and no digit in {key!r}")
        return found

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
        numbered = enumerate(table.rows)
        return Rows([Row(f"row {number} of {table.name}", values, place) for place, (number, values) in numbered])
    return _json(location)


def subset(location: Path, name: str) -> Rows:
    """The rows of one configuration of a data set: from the hub, or from a copy of its files, which has a folder of
    Parquet files for each configuration, or a file NAME.json. Raises UserError."""
    if location.as_posix().startswith(HUB):
        return read_rows(Path(f"{location.as_posix()}#{name}?split=train"))
    files = files_of(location, name)
    if not files:
        raise UserError(f"There is no Parquet file in {location / name}; give a folder with the files of the data set.")
    found = Rows()
    for path in files:
        part = read_rows(path)
        before = len(found.rows) + len(found.left_out)
        found.rows += [replace(row, place=before + row.place) for row in part.rows]
        found.left_out += part.left_out
    return found


def files_of(location: Path, name: str) -> list[Path]:
    """The files of one configuration in a copy of a data set; none if it is not there."""
    listed = [path for ending in (".json", ".jsonl", ".parquet") if (path := location / f"{name}{ending}").is_file()]
    return listed[:1] or sorted((location / name).glob("*.parquet"))


def columns_of(location: Path, name: str) -> frozenset[str]:
    """The columns of one configuration in a copy of a data set, in lower case, from the head of its first file; none if
    it is not there or cannot be read."""
    path = next(iter(files_of(location, name)), None)
    return frozenset() if path is None else frozenset(first_row(path))


def _plain(column: object) -> str:
    return str(column).strip().casefold()


def hub_name(location: Path) -> str | None:
    """The name in "hf:NAME"; None for a place of another form, and for one configuration or split, which is a table."""
    text = location.as_posix()
    return text.removeprefix(HUB) if text.startswith(HUB) and not set("#?") & set(text) else None


def local_copy(location: Path) -> Path | None:
    """The folder with a data set's files, if it is on this machine."""
    folder = Path(hub_name(location) or location)
    return folder if folder.is_dir() else None


def fetched(location: Path, folders: Collection[str] = ()) -> Path:
    """The folder with a data set's files, from the hub if it is not on this machine: all of them, or those in
    `folders`. Raises UserError."""
    folder, name = local_copy(location), hub_name(location)
    if folder is not None:
        return folder
    if name is None:
        raise UserError(f"There is no folder {location}; give one with the files of the data set.")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        only = [f"{folder}/*" for folder in folders] or None
        return Path(snapshot_download(name, repo_type="dataset", allow_patterns=only))
    except (OSError, ValueError, HfHubHTTPError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise UserError(f"The data set {name} cannot be fetched ({why}); give a folder with its files.") from error


def style_of(location: Path) -> Style:
    """The style that the folder of a data set asks for: "completed" if unsee wrote it so, else "instructed"."""
    place = Path(location.as_posix().removeprefix(HUB).partition("#")[0])
    folder = place if place.is_dir() else place.parent
    try:
        with (folder / STYLE).open(encoding="utf-8") as file:
            return "completed" if file.read(20).strip() == "completed" else "instructed"
    except (OSError, ValueError):
        return "instructed"


def inside(folder: Path, path: str, where: str) -> Path:
    """A file that a row names by its path from `folder`, in whatever normal form of Unicode its name is saved.

    Raises BadRow for a path that leads out of the folder, by itself or by a link, or to no file.
    """
    home = folder.resolve()
    # The files of a copy from the hub are links into the folder "blobs" of the same copy.
    allowed = [home, *([home.parents[1] / "blobs"] if home.parent.name == "snapshots" else [])]
    try:
        forms = [home / unicodedata.normalize(form, path) for form in ("NFC", "NFD")]
        found = next((one.resolve() for one in (home / path, *forms) if one.is_file()), None)
        written = Path(os.path.normpath(home / path))
        leads_out = not written.is_relative_to(home)
        leads_out |= found is not None and not any(map(found.is_relative_to, allowed))
    # A name that is too long, or that holds a zero byte.
    except (OSError, ValueError):
        found, leads_out = None, False
    if leads_out:
        raise BadRow(f"{where} names the file {path!r}, which is not inside {folder}")
    if found is None:
        raise BadRow(f"{where} names the file {path!r}, which is not in {folder}")
    return found


def end_inside(folder: Path, path: str, where: str) -> Path:
    """The same for a path that begins somewhere else, such as "/root/data/images/7.jpg": its longest end that is there.

    Raises BadRow if there is none.
    """
    parts = [part for part in PurePosixPath(path.replace("\\", "/")).parts if part not in ("/", ".", "..")]
    for start in range(len(parts)):
        try:
            return inside(folder, "/".join(parts[start:]), where)
        except BadRow:
            continue
    raise BadRow(f"{where} names the file {path!r}, which is not in {folder}")


def first_row(path: Path) -> Mapping[str, Any]:
    """The first row of a JSON file, or the columns of a Parquet file without values, from its head; nothing if it is
    not there or cannot be read."""
    import pyarrow
    import pyarrow.parquet

    try:
        if path.suffix.casefold() == ".parquet":
            return {_plain(name): None for name in pyarrow.parquet.read_schema(path).names}
        with path.open(encoding="utf-8-sig") as file:
            first, _ = json.JSONDecoder().raw_decode(file.read(_HEAD).lstrip("[ \r\n\t"))
    except (OSError, ValueError, RecursionError, pyarrow.ArrowException):
        return {}
    return {_plain(key): value for key, value in first.items()} if isinstance(first, dict) else {}


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
    for place, (number, value) in enumerate(found):
        where = f"row {number} of {path}"
        try:
            if not isinstance(value, dict):
                raise BadRow(f"{where} is not a JSON object")
            rows.rows.append(Row(where, {_plain(key): _whole(each) for key, each in value.items()}, place))
        except BadRow as error:
            rows.left_out.append(str(error))
        except RecursionError:
            rows.left_out.append(f"{where} is nested too deeply")
    if not rows.rows:
        raise UserError(f"{path} holds no row that can be read; it must be a list of objects, or one object a line.")
    return rows


def _whole(value: Any) -> Any:
    """A value of JSON, which may hold halves of characters, with "?" for them: no file and no model takes them."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return {_whole(key): _whole(one) for key, one in value.items()} if isinstance(value, dict) else value


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
