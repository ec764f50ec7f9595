"""One run at a time in an output folder."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from unsee.errors import SystemFailure, UserError
from unsee.store.text import read_text


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Keep other processes out of the output folder `out` while the block runs.

    The lock is a file next to `out` that holds the number of the process. The system releases it when the process
    ends, however it ends, so a killed process leaves nothing locked.

    Raises:
        UserError: another run is using `out`, or its name is too long for the system.
        SystemFailure: the lock cannot be written.
    """
    path = out.parent / f".{out.name}.lock"
    lock = FileLock(path)
    missing = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(
            f"The folder {out} is in use by {_holder(path)}; wait for it, or choose another folder."
        ) from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UserError(f"The name {out.name[:40]}… is too long for a folder; choose a shorter one.") from None
        raise SystemFailure(f"The folder {out} cannot be made: {error.strerror or error}.") from error
    try:
        path.write_text(f"{os.getpid()}\n", encoding="ascii")
        yield
    finally:
        # While it is held: a process that has opened the file meanwhile sees that it is gone and makes a new one.
        with suppress(OSError):
            path.unlink()
        lock.release()
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def taking_turns(folder: Path) -> Iterator[None]:
    """As `locked`, but waits until no other process has the lock.

    Raises:
        SystemFailure: the lock cannot be written.
    """
    path = folder.parent / f".{folder.name}.lock"
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise SystemFailure(f"{path} cannot be locked: {error.strerror or error}.") from error
    try:
        yield
    finally:
        lock.release()


def check_unused(out: Path) -> None:
    """Raises UserError if another run is using `out`."""
    with locked(out):
        pass


def _holder(path: Path) -> str:
    try:
        number = re.match(r"\d+", read_text(path))
    except (OSError, ValueError):
        number = None
    return f"process {number.group()}" if number else "another process"
