"""SHA-256 of files, and of folders that somebody else may have made."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from unsee.errors import UserError

SUMS = "SHA256SUMS"
"""The name of the list that `sha256sum --check` reads."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


def is_sha256(text: object) -> bool:
    """Whether `text` is a whole SHA-256 in lower-case hex. Libraries for attestations take short ones."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def sha256_of(path: Path) -> str:
    """SHA-256 (hex) of a file's content. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests_in(folder: Path, *, without: Collection[str] = ()) -> dict[str, str]:
    """SHA-256 (hex) of every file below `folder` by its path there, with slashes and in order; `without` these names at
    the top, which may be folders. Links are left out. Raises OSError."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if name.parts[0] not in without and path.is_file() and not path.is_symlink():
            found[name.as_posix()] = sha256_of(path)
    return found


def sums_text(digests: Mapping[str, str]) -> str:
    """The text of a list that `sha256sum --check` reads, in the order of the names."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))


def foreign_files(folder: Path, *, most: int, largest: int) -> dict[str, Path]:
    """The files of a folder that somebody else sent, by their path in it; at most so many, none with more bytes than
    `largest`. Raises UserError for anything that is neither a file nor a folder, such as a link or a pipe."""
    found: dict[str, Path] = {}
    for path in _walked(folder):
        name = path.relative_to(folder).as_posix()
        state = path.lstat()
        if not stat.S_ISREG(state.st_mode):
            raise UserError(
                f"{shown(name)} in {folder} is a link or no ordinary file; remove it, or ask for the files."
            )
        if state.st_size > largest:
            raise UserError(
                f"{shown(name)} in {folder} has over {largest // 10**6} MB, more than such a file can have; remove it, "
                "or ask for the files."
            )
        found[name] = path
        if len(found) > most:
            raise UserError(f"{folder} holds more than {most:,} files; give the folder of one pack.")
    return found


def shown(name: str) -> str:
    """A name from a foreign file as an error may show it: short, and without what no terminal or file can hold."""
    printable = name.encode("utf-8", "replace").decode()
    return printable if len(printable) <= 80 else f"{printable[:80]}…"


def _walked(folder: Path) -> Iterator[Path]:
    """Everything below a folder but folders; links are not followed. Raises UserError if a folder cannot be read."""

    def refuse(error: OSError) -> None:
        raise UserError(f"{folder} cannot be read: {error.strerror or error}; check the folder.") from error

    for place, folders, files in os.walk(folder, onerror=refuse):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        yield from (Path(place) / name for name in (*files, *links))
