"""A folder that appears whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unsee.errors import SystemFailure, UserError
from unsee.store.locking import locked
from unsee.store.modes import ordinary_mode


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A temporary folder next to `out` that becomes `out` when the block ends well, and is removed otherwise.

    Raises UserError if `out` is there already or another process is making it, SystemFailure if the disk refuses.
    """
    with locked(out):
        yield from _new_folder(out)


def _new_folder(out: Path) -> Iterator[Path]:
    if out.exists():
        raise UserError(f"The output folder {out} already exists; choose another, or remove it.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise SystemFailure(f"The folder {out} cannot be made: {error.strerror or error}.") from error
    try:
        yield work
        ordinary_mode(work)
        work.rename(out)
    except OSError as error:
        raise SystemFailure(f"The folder {out} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
