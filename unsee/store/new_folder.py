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
def new_folder(out: Path, *, replace: bool = False) -> Iterator[Path]:
    """A temporary folder next to `out` that becomes `out` when the block ends well, and is removed otherwise.

    With `replace`, a folder `out` that is there already stays until then. Without it, one that is there is a UserError,
    and so is another process that is making it. Raises SystemFailure if the disk refuses.
    """
    with locked(out), unlocked_new_folder(out, replace=replace) as work:
        yield work


@contextmanager
def unlocked_new_folder(out: Path, *, replace: bool = False) -> Iterator[Path]:
    """The same for whoever holds a lock of `out` already."""
    if out.exists() and not replace:
        raise UserError(f"The output folder {out} already exists; choose another, or remove it.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise SystemFailure(f"The folder {out} cannot be made: {error.strerror or error}.") from error
    try:
        yield work
        ordinary_mode(work)
        if out.exists():
            shutil.rmtree(out)
        work.rename(out)
    except OSError as error:
        raise SystemFailure(f"The folder {out} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
