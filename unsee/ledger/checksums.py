"""The checksums of a folder, in a file that `sha256sum -c SHA256SUMS` reads. An entry names that file's own digest."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from unsee.store.files import write_together
from unsee.store.hashing import SUMS, digests_in, sha256_of, sums_text
from unsee.store.text import read_text

_LINE = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<path>[^\\\r\n]+)")
_LARGEST = 50_000_000
"""Bytes of the list, at most: a few hundred thousand files."""


def write_checksums(folder: Path) -> str:
    """Write the checksums of every file in `folder`; returns the SHA-256 of the list. Raises as the disk does."""
    write_together(folder, {SUMS: sums_text(digests_in(folder, without=(SUMS,)))})
    return sha256_of(folder / SUMS)


def changed_files(folder: Path, sums: str, *, closed: bool = False) -> list[str]:
    """What differs from the checksums whose list has the digest `sums`, in a sentence each. Further files, such as a
    later audit's, count only where the folder is `closed`; hidden ones, such as a desktop's, never."""
    path = folder / SUMS
    try:
        if not _is_plain(path, folder):
            return [f"{folder} has no {SUMS}; restore the folder from a copy."]
        if path.stat().st_size > _LARGEST or sha256_of(path) != sums:
            return [f"{path} is not the list that the ledger's entry names; restore the folder from a copy."]
        rows = [_LINE.fullmatch(line) for line in read_text(path).splitlines()]
        found = []
        for row in rows:
            if row is None or not _stays_inside(row["path"]):
                return [f"{path} is no list of checksums; restore the folder from a copy."]
            file = folder / row["path"]
            if not _is_plain(file, folder):
                found.append(f"{file} is missing; restore it from a copy.")
            elif sha256_of(file) != row["digest"]:
                found.append(f"{file} was changed after its checksum was written; restore it from a copy.")
        if closed:
            listed = {SUMS, *(row["path"] for row in rows if row)}
            found += [
                f"{folder / name} was added later; remove it." for name in _shown_in(folder) if name not in listed
            ]
    except (OSError, ValueError) as error:
        return [f"{folder} cannot be read: {getattr(error, 'strerror', None) or error}; check the folder."]
    return found


def _shown_in(folder: Path) -> list[str]:
    """The paths below a folder of everything but folders and what is hidden."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir())
    names = (path.relative_to(folder) for path in found)
    return [name.as_posix() for name in names if not any(part.startswith(".") for part in name.parts)]


def _stays_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return not path.startswith("/") and ".." not in parts and ":" not in path and "\0" not in path


def _is_plain(path: Path, folder: Path) -> bool:
    """A file of its own in the folder: links lead elsewhere, and devices never end."""
    name = path.relative_to(folder)
    return path.is_file() and not any((folder / part).is_symlink() for part in (name, *name.parents))
