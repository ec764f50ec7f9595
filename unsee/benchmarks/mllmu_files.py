"""The files of one subset of MLLMU-Bench: Parquet as on the hub, or JSON; a pickle of the older release is refused."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from unsee.benchmarks.published.rows import inside, read_rows
from unsee.errors import UserError

TASK_COLUMNS = ("Classification_Task", "Generation_Task", "Mask_Task")
_COLUMNS = ("image", "images", "ID", "biography", "question", "answer", "metadata", *TASK_COLUMNS)
_PICKLED = (".pt", ".pth", ".pkl", ".pickle", ".bin")
# A Parquet file tells how large a group of rows becomes; nothing near this is a page of pictures.
MAX_ROW_GROUP = 4 << 30
_ROWS_AT_ONCE = 8


class File(ABC):
    """One file. `pictures` is the folder that paths of pictures start from, None if they are embedded; `left_out` are
    rows that cannot be read."""

    path: Path
    columns: set[str]
    metadata: Mapping[bytes, bytes]
    left_out: Sequence[str] = ()
    pictures: Path | None = None

    @abstractmethod
    def rows(self, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """These columns of all rows, a few at a time. Raises UserError for damage."""

    def picture(self, value: Any, who: str) -> bytes | Path:
        """The picture in a cell of the row about `who`. Raises UserError if it is not embedded where it must be, and
        BadRow for a path that leads nowhere or out of the data set."""
        if self.pictures is not None and isinstance(value, str):
            return inside(self.pictures, value, who)
        content = value.get("bytes") if isinstance(value, Mapping) else None
        if not isinstance(content, bytes):
            # A path would point anywhere on this machine.
            raise UserError(f"A picture of {who} is not embedded as bytes; write it into the file.")
        return content


def subset_files(folder: Path) -> list[File]:
    """The files of a subset. Raises UserError if there is none, for a pickle and for damage."""
    parquet, pickles = sorted(folder.glob("*.parquet")), [p for p in folder.glob("*") if p.suffix.lower() in _PICKLED]
    if parquet:
        return [_Parquet(path) for path in parquet]
    if pickles:
        raise UserError(
            f"{min(pickles)} is a pickle of an older release, which could run a program, so it is not read; get the "
            "Parquet files of MLLMMU/MLLMU-Bench."
        )
    found = [_Json(path) for path in sorted((*folder.glob("*.json"), *folder.glob("*.jsonl")))]
    if not found:
        raise UserError(
            f"There is no Parquet file in {folder}; give a folder with the files of MLLMMU/MLLMU-Bench as they are on "
            "the hub."
        )
    return [*found]


class _Parquet(File):
    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = pyarrow.parquet.ParquetFile(path)
            about = self._file.metadata
            groups = [about.row_group(number).total_byte_size for number in range(about.num_row_groups)]
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise _damaged(path, error) from error
        if max(groups, default=0) > MAX_ROW_GROUP:
            raise UserError(
                f"{path} has a row group that unpacks to more than {MAX_ROW_GROUP >> 30} GiB; write smaller row groups."
            )
        self.columns = set(self._file.schema_arrow.names)
        self.metadata = self._file.schema_arrow.metadata or {}

    def rows(self, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        try:
            for batch in self._file.iter_batches(_ROWS_AT_ONCE, columns=list(columns), use_threads=False):
                yield from batch.to_pylist()
        except (pyarrow.ArrowException, OSError, ValueError, MemoryError) as error:
            raise _damaged(self.path, error) from error


class _Json(File):
    """A list of objects, or one a line. JSON cannot embed a picture, so a row names a file inside the data set."""

    def __init__(self, path: Path) -> None:
        self.path, self.pictures, self.metadata = path, path.parent.parent, {}
        self._read = read_rows(path)
        self.left_out = self._read.left_out
        there = {key for row in self._read.rows for key in row.values}
        self.columns = {name for name in _COLUMNS if name.casefold() in there}

    def rows(self, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        return ({name: row.values.get(name.casefold()) for name in columns} for row in self._read.rows)


def _damaged(path: Path, error: BaseException) -> UserError:
    return UserError(f"{path} cannot be read as Parquet ({str(error).splitlines()[0] if str(error) else 'damaged'}).")
