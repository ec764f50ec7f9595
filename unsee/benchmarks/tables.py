"""Tables that users bring: CSV, JSON Lines, JSON and Parquet files, and data sets of Hugging Face `datasets`.

All are untrusted. Only data is read: no program that comes with a data set is run, and the pictures of a data set from
elsewhere must lie inside it.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.errors import UserError
from unsee.store.text import lines, read_text, whole_characters

HUB = "hf:"
FORM = "hf:NAME, with #CONFIGURATION and ?split=SPLIT if it has several"
MAX_BYTES = 4 << 30
"""Most bytes of a table in memory, pictures included: no table written by hand comes near this."""
_SAVED = ("dataset_dict.json", "state.json")
"""What `save_to_disk` leaves in a folder."""
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Table:
    """The rows of a table, each with the number that its owner sees: in a CSV file the header is row 1, as in a
    spreadsheet; in all others the first row is.

    Columns are in lower case. Relative paths start at `folder`. `within`: the folders that a path must lie in; None if
    the table is the user's own file, which may name any.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, Mapping[str, Any]], ...]
    folder: Path
    within: tuple[Path, ...] | None = None


def is_table(location: Path) -> bool:
    """Whether `read_table` can read a location, judged by its form or by what a folder holds."""
    if location.as_posix().startswith(HUB) or location.suffix.casefold() in _READERS:
        return True
    return any((location / name).is_file() for name in _SAVED)


def read_table(location: Path, known: Collection[str] = ()) -> Table:
    """The table in a file (by the ending of its name), in a folder that `datasets` saved, or in "hf:…" (`FORM`).

    known: names of columns. A CSV file whose first row has none of them lacks the row with the names.

    Raises UserError for what is missing, damaged, too large or not a table.
    """
    text = location.as_posix()
    if text.startswith(HUB):
        return _data_set(text)
    if location.is_dir():
        return _data_set(HUB + text)
    reader = _READERS.get(location.suffix.casefold())
    if reader is None:
        raise UserError(f"{location} is not a table; its name must end in {', '.join(_READERS)}.")
    try:
        size = location.stat().st_size
        if size > MAX_BYTES:
            raise _too_large(str(location), size)
        return _csv(location, known) if reader is _csv else reader(location)
    except FileNotFoundError:
        raise UserError(f"There is no file {location}; give the path of a table.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{location} is not saved as UTF-8; save it again in that encoding.") from error
    except OSError as error:
        raise UserError(f"{location} cannot be read: {error.strerror or error}.") from error


def _csv(path: Path, known: Collection[str] = ()) -> Table:
    text = read_text(path)
    head = text.split("\n", 1)[0]
    # In many countries spreadsheets write semicolons.
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        numbered = [(number, cells) for number, cells in enumerate(reader, 1) if any(map(str.strip, cells))]
    except csv.Error as error:
        raise UserError(f"{path} is damaged near line {reader.line_num} ({error}); check the quotes there.") from error
    if not numbered:
        raise UserError(f"{path} is empty; its first row must name the columns.")
    (first, header), *rows = numbered
    if known and not any(_plain(name) in known for name in header):
        found = ", ".join(repr(name.strip()) for name in header if name.strip())
        raise UserError(f"{path}: row {first} must name the columns, such as 'question'; found {found}.")
    for number, cells in rows:
        if len(cells) > len(header) and any(map(str.strip, cells[len(header) :])):
            raise UserError(
                f"{path} has {len(cells)} cells in row {number}, but {len(header)} columns; put a text that holds "
                f"{delimiter!r} in double quotes."
            )
    names = list(header)
    return _table(path, names, [(number, dict(zip(names, cells, strict=False))) for number, cells in rows])


def _json_lines(path: Path) -> Table:
    rows = []
    for number, line in enumerate(lines(read_text(path)), 1):
        if line.strip():
            rows.append((number, _parsed(line, path, f"row {number} of {path}")))
    return _table(path, _keys(rows, path), rows)


def _json(path: Path) -> Table:
    content = _parsed(read_text(path), path, str(path))
    if not isinstance(content, list):
        raise UserError(f"{path} must hold a list of objects, one for each question.")
    rows = list(enumerate(content, 1))
    return _table(path, _keys(rows, path), rows)


def _parsed(text: str, path: Path, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        hint = "; if it is JSON Lines, name it .jsonl" if path.suffix.casefold() == ".json" else ""
        raise UserError(f"The content of {where} is not JSON ({error}){hint}.") from error


def _keys(rows: Iterable[tuple[int, Any]], path: Path) -> list[str]:
    """The keys of all rows, in the order of their first appearance."""
    found: dict[str, None] = {}
    for number, row in rows:
        if not isinstance(row, dict):
            raise UserError(f"Row {number} of {path} must be an object with a key for each column.")
        found.update(dict.fromkeys(row))
    return list(found)


def _parquet(path: Path) -> Table:
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
        groups = (file.metadata.row_group(number) for number in range(file.metadata.num_row_groups))
        size = sum(group.total_byte_size for group in groups)
        if size > MAX_BYTES:
            raise _too_large(str(path), size)
        content = file.read(use_threads=False)
    except (pyarrow.ArrowException, ValueError, MemoryError) as error:
        raise UserError(f"{path} cannot be read as Parquet ({_first_line(error)}).") from error
    return _table(path, content.column_names, list(enumerate(content.to_pylist(), 1)))


_READERS: dict[str, Callable[[Path], Table]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".json": _json,
    ".parquet": _parquet,
}


def _data_set(spec: str) -> Table:
    import datasets
    from huggingface_hub.constants import HF_HUB_CACHE

    parts = re.fullmatch(r"hf:([^#?]+)(?:#([^?]+))?(?:\?split=(.+))?", spec)
    if parts is None:
        raise UserError(f"{spec!r} is not a data set; write {FORM}.")
    name, configuration, split = parts.groups()
    found = _loaded(name, configuration, split)
    if found.data.nbytes > MAX_BYTES:
        raise _too_large(f"The data set {name}", found.data.nbytes)
    rows = _named_labels(found.with_format("arrow")[:].to_pylist(), found.features)
    folder = Path(name).expanduser()
    own = [folder.resolve()] if folder.is_dir() else []
    caches = [datasets.config.HF_CACHE_HOME, datasets.config.HF_DATASETS_CACHE, HF_HUB_CACHE]
    within = (*own, *(Path(cache).expanduser().resolve() for cache in caches))
    return _table(name, found.column_names, list(enumerate(rows, 1)), folder, within)


def _loaded(name: str, configuration: str | None, split: str | None) -> Any:
    """One split of a data set, from a folder or from the hub. Raises UserError."""
    import datasets
    from datasets.exceptions import DatasetsError

    folder = Path(name).expanduser()
    is_saved = any((folder / file).is_file() for file in _SAVED)
    try:
        if is_saved:
            found = datasets.load_from_disk(str(folder))
        else:
            found = datasets.load_dataset(name, configuration, split=split)
    # A RuntimeError means that a data set is a program, which the library refuses to run.
    except (DatasetsError, OSError, ValueError, RuntimeError) as error:
        raise UserError(f"The data set {name} cannot be loaded: {_first_line(error).rstrip('.')}.") from error
    if isinstance(found, datasets.DatasetDict):
        if split is None and len(found) == 1:
            return next(iter(found.values()))
        if split not in found:
            raise UserError(f"The data set {name} has the splits {', '.join(found)}; write hf:{name}?split=ONE.")
        return found[split]
    if is_saved and (split or configuration):
        raise UserError(f"The data set in {name} was saved without splits or configurations; write hf:{name}.")
    return found


def _named_labels(rows: list[dict[str, Any]], features: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows as the data set stores them, undecoded, but with the names of classes instead of their numbers."""
    from datasets import ClassLabel

    classes = {key: feature for key, feature in features.items() if isinstance(feature, ClassLabel)}
    for row in rows:
        for key, feature in classes.items():
            # -1 stands for no label.
            row[key] = feature.int2str(row[key]) if row[key] is not None and row[key] >= 0 else None
    return rows


def _table(
    name: Path | str,
    columns: Iterable[str],
    rows: Iterable[tuple[int, Mapping[str, Any]]],
    folder: Path | None = None,
    within: tuple[Path, ...] | None = None,
) -> Table:
    """A table with plain column names. Raises UserError for two columns of one name, and if there is no row."""
    names = [plain for plain in map(_plain, columns) if plain]
    twice = next((plain for plain in names if names.count(plain) > 1), None)
    if twice:
        raise UserError(f"{name} has the column {twice!r} twice; rename one.")
    kept = tuple((number, {_plain(key): value for key, value in row.items()}) for number, row in rows)
    if not kept:
        raise UserError(f"{name} holds no rows; write one for each question.")
    return Table(str(name), tuple(names), kept, folder or Path(name).parent, within)


def _plain(column: str) -> str:
    return whole_characters(column.strip().casefold())


def _too_large(name: str, size: int) -> UserError:
    return UserError(f"{name} is too large ({size / 2**30:.1f} GiB; at most {MAX_BYTES >> 30}); use a part of it.")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
