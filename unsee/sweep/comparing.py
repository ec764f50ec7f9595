"""`compare`: runs the unfinished cells of a recipe and writes the tables of the results."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.errors import SystemFailure, UserError
from unsee.models.loading import usable_device
from unsee.store.files import strict_json, write_together
from unsee.store.locking import locked
from unsee.sweep.cells import INDEX, Cell, State, cells_of, differences, index, state_of
from unsee.sweep.engine import Tell, run_here
from unsee.sweep.options import CompareOptions
from unsee.sweep.oracle_scale import with_oracles
from unsee.sweep.oracle_training import Build, train_oracles
from unsee.sweep.results import Results, read_results
from unsee.sweep.running import Outcome
from unsee.sweep.table import write_tables

Progress = Callable[[Outcome, int, int], None]
"""Hears of a cell that is done, how many are by now, and how many there were to do."""


@dataclass(frozen=True)
class Comparison:
    """A finished comparison; `skipped` cells were finished before."""

    results: Results
    skipped: int
    seconds: float

    def document(self) -> dict[str, Any]:
        done = self.results
        return {
            "out": str(done.folder),
            "cells": len(done.cells),
            "finished": len(done.finished),
            "skipped": self.skipped,
            "seconds": round(self.seconds, 1),
            "failed": [
                {"folder": str(cell.folder), "model": cell.model, "label": cell.label, "unit": cell.unit,
                 "seed": cell.seed, "error": cell.error}
                for cell in done.failed
            ],
        }  # fmt: skip


def compare(
    options: CompareOptions, progress: Progress = lambda outcome, done, total: None, build: Build | None = None
) -> Comparison:
    """Run what is missing of a recipe's cells and write the tables. build: trains a model of the world, if the recipe
    wants an oracle that does not ship.

    Raises:
        UserError: the recipe is wrong, or the folder holds cells made with other settings; nothing was run.
        SystemFailure: the folder cannot be written.
        KeyboardInterrupt: the finished cells are in the tables; the same command resumes.
    """
    started = time.monotonic()
    recipe = options.read()
    usable_device(options.device)
    cells = cells_of(recipe)
    out = options.folder()
    _check_folder(out)
    if recipe.size.language:
        # Now, and not only after the first model has answered everything.
        from unsee.judges.reader import fetched_reader

        fetched_reader()
    try:
        with locked(out):
            out.mkdir(exist_ok=True)
            todo = _unfinished(cells, out, options.overwrite)
            write_together(out, {INDEX: strict_json(index(recipe, cells, options.recipe.stem))})
            try:
                train_oracles(todo, out, build, options.device)
                _run(todo, out, options, progress)
            finally:
                results = with_oracles(read_results(out))
                write_tables(results)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"Interrupted; the same command resumes from {out}.") from error
    except OSError as error:
        raise SystemFailure(f"The folder {out} cannot be written: {error.strerror or error}.") from error
    return Comparison(results, len(cells) - len(todo), time.monotonic() - started)


def _run(cells: Sequence[Cell], out: Path, options: CompareOptions, progress: Progress) -> None:
    if not cells:
        return
    tell: Tell = _counting(progress, len(cells))
    if options.engine == "ray":
        from unsee.sweep.ray_engine import run_on_ray

        run_on_ray(cells, out, tell, options.workers)
    else:
        run_here(cells, out, tell, options.device)


def _counting(progress: Progress, total: int) -> Tell:
    done = 0

    def tell(outcome: Outcome) -> None:
        nonlocal done
        done += 1
        progress(outcome, done, total)

    return tell


def _check_folder(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise UserError(f"{out} is not a folder; choose another output folder.")
    if out.is_dir() and not (out / INDEX).is_file() and any(out.iterdir()):
        raise UserError(f"The folder {out} holds something that unsee compare did not write; choose another folder.")


def _unfinished(cells: Sequence[Cell], out: Path, overwrite: bool) -> list[Cell]:
    """The cells to run. Raises UserError if the folder holds other cells in their place, unless `overwrite`."""
    states: dict[Cell, State] = {cell: state_of(cell, out) for cell in cells}
    different = [cell for cell, state in states.items() if state == "different"]
    if different and not overwrite:
        ways = Counter(key for cell in different for key in differences(cell, out))
        listed = ", ".join(key for key, _ in ways.most_common(5))
        raise UserError(
            f"{len(different)} of the {len(cells)} cells in {out} were made with other settings (they differ in "
            f"{listed}); run them again with --overwrite, or choose another folder with --out."
        )
    return [cell for cell, state in states.items() if state != "finished"]


__all__ = ["CompareOptions", "Comparison", "Outcome", "compare"]
