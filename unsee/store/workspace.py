"""The output folder of a run: written under a hidden name next to it, and put in its place when it is complete."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.errors import SystemFailure, UserError
from unsee.store.sameness import differences
from unsee.store.text import read_text

# A folder with one of these was written by unsee, so that `--overwrite` may remove it. Web apps have a
# manifest.json, too: the schema in it says whose it is.
_OWN = ("report.json", "manifest.json", "scores.json", "samples.jsonl", "sweep.json", "cells.json")
_IDENTITY = "run.json"


@dataclass(frozen=True)
class Workspace:
    """`out` is what the user asked for, `work` the hidden folder that holds everything until the end."""

    out: Path
    work: Path
    result: Path
    """The folder in `work` that becomes `out`."""

    def finish(self) -> Path:
        """Put the result in its place; an earlier result is removed only now. Returns `out`."""
        if self.out.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{self.out.name}.old.", dir=self.out.parent))
            self.out.rename(old / "out")
            self.result.rename(self.out)
            shutil.rmtree(old, ignore_errors=True)
        else:
            self.result.rename(self.out)
        shutil.rmtree(self.work, ignore_errors=True)
        return self.out


def check_output(out: Path, *, overwrite: bool, resumable: bool = True) -> None:
    """Raise UserError if `out` exists, unless it may be overwritten and is a folder that unsee wrote."""
    if not out.exists() and not out.is_symlink():
        return
    if not overwrite:
        ways = "overwrite it, resume it" if resumable else "overwrite it"
        options = "--overwrite, --resume, --out" if resumable else "--overwrite, --out"
        raise UserError(
            f"The output folder {out} already exists; {ways} or choose another folder (on the command line: {options})."
        )
    if not out.is_dir() or out.is_symlink():
        raise UserError(f"{out} is not a folder, so it is not overwritten; choose another output folder.")
    if any(out.iterdir()) and not any(_is_own(out / name) for name in _OWN):
        raise UserError(
            f"The folder {out} holds something that unsee did not write, so it is not overwritten; "
            "choose another output folder."
        )


def _is_own(path: Path) -> bool:
    if path.name == "samples.jsonl" or not path.is_file():
        return path.is_file()
    try:
        content = json.loads(read_text(path))
    except (UserError, OSError, ValueError):
        return False
    return isinstance(content, dict) and str(content.get("schema", "")).startswith("unsee.")


def check_new(out: Path) -> None:
    """Raise UserError if `out` exists."""
    if out.exists() or out.is_symlink():
        raise UserError(f"The output folder {out} already exists; choose another folder.")


@contextmanager
def workspace(out: Path, identity: Mapping[str, Any], *, resume: bool) -> Iterator[Workspace]:
    """A place to work on the run that `identity` describes; with `resume`, an interrupted run continues.

    After Ctrl-C the place stays and the KeyboardInterrupt says how to resume. After any other error it is removed,
    unless it holds a trained model: a judge that fails or a full disk must not cost the training.

    Raises:
        UserError: the run to resume is another run.
        SystemFailure: the folder cannot be made.
    """
    work = out.parent / f".{out.name}.unfinished"
    known = json.loads(json.dumps(identity))
    if work.exists() and resume:
        _check_same(work, known)
    else:
        shutil.rmtree(work, ignore_errors=True)
    try:
        work.mkdir(parents=True, exist_ok=True)
        (work / _IDENTITY).write_text(json.dumps(known), encoding="utf-8")
    except OSError as error:
        shutil.rmtree(work, ignore_errors=True)
        raise SystemFailure(f"The folder {out} cannot be made: {error.strerror or error}.") from error
    try:
        yield Workspace(out, work, work / "result")
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"Interrupted; run the same command with --resume to continue ({out}).") from error
    except BaseException as error:
        if not (work / "result" / "manifest.json").is_file():
            shutil.rmtree(work, ignore_errors=True)
            raise
        kept = "The training is kept; run the same command with --resume to continue."
        if isinstance(error, (UserError, SystemFailure)):
            raise type(error)(f"{error} {kept}") from error
        if isinstance(error, OSError):
            raise SystemFailure(f"The run cannot be finished: {error.strerror or error}. {kept}") from error
        raise


def _check_same(work: Path, wanted: Mapping[str, Any]) -> None:
    try:
        have = json.loads(read_text(work / _IDENTITY))
    except (OSError, ValueError):
        shutil.rmtree(work, ignore_errors=True)
        return
    if have != wanted:
        raise UserError(
            f"The interrupted run there is another run (it differs in {', '.join(differences(have, wanted))}); "
            "use its settings, or start again without resuming."
        )
