"""`score`: scores the answers that a run saved again, without a model."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.benchmarks import BENCHMARKS
from unsee.benchmarks.base import Benchmark
from unsee.benchmarks.concept import slug
from unsee.benchmarks.general import General
from unsee.benchmarks.mllmu import MLLMU
from unsee.benchmarks.mmubench import MMUBench
from unsee.errors import UserError, did_you_mean
from unsee.evaluation.evaluation import Measured, scored
from unsee.evaluation.saved import Saved, folders_in
from unsee.judges import Judge, get_judge
from unsee.metrics import Score
from unsee.store.files import strict_json, write_together
from unsee.store.new_folder import new_folder
from unsee.store.text import read_json
from unsee.store.workspace import check_output

SCHEMA = "unsee.rescored/1"
REPORT, SCORES, CELLS, CELL = "report.json", "scores.json", "cells.json", "cell.json"


@dataclass(frozen=True)
class ScoreOptions:
    """folder: a run of `forget` or `evaluate`, or the results of `compare`. benchmark: only the answers to this one.
    judge: who grades. out: the folder for the new scores; for a comparison, for a copy of its results, which
    `unsee leaderboard` can read."""

    folder: Path
    benchmark: str | None = None
    judge: str = "rules"
    out: Path | None = None
    overwrite: bool = False


def score(options: ScoreOptions) -> dict[str, Any]:
    """Score all answers in the folder again; returns the content of `scores.json` in the folder `out`.

    "states" holds the scores by the state that answered ("before", "after", "model"; for several groups of concepts
    "GROUP/STATE"); "versions" each benchmark's version, then and now; "changed" the figures that differ from the saved
    ones, with both values.

    Raises:
        UserError: the folder holds no answers, or answers of another version of unsee; no such benchmark or judge.
        SystemFailure: the judge or the disk fails.
    """
    judge = get_judge(options.judge)
    out = options.out
    if out is not None:
        check_output(out, overwrite=options.overwrite, resumable=False)
    of_cells: dict[Path, Mapping[str, Measured]] = {}
    is_comparison = (options.folder / CELLS).is_file()
    document = _comparison(options, judge, of_cells) if is_comparison else _run(options, judge)
    if out is not None:
        # Only now is there something to put in the place of what is there.
        shutil.rmtree(out, ignore_errors=True)
        with new_folder(out) as work:
            if is_comparison:
                _copy(options.folder, work, of_cells)
            write_together(work, {SCORES: strict_json(document)})
    return document


def _run(options: ScoreOptions, judge: Judge) -> dict[str, Any]:
    """For a run of `forget` or `evaluate`, which may have asked several groups of concepts separately."""
    groups: dict[Path, dict[str, Saved]] = {}
    for folder in folders_in(options.folder):
        if options.benchmark in (None, folder.name):
            groups.setdefault(folder.parent, {})[folder.name] = Saved.open(folder)
    if not groups:
        raise _nothing(options)
    states: dict[str, dict[str, Any]] = {}
    changed: list[dict[str, Any]] = []
    was = _saved_scores(options.folder)
    for group, saved in groups.items():
        for state, measured in rescored(saved, judge).items():
            states[f"{group.name}/{state}" if len(groups) > 1 else state] = _plain(measured.scores)
            changed += _changed(was.get((group.name, state), was.get(("", state), {})), measured.scores, state)
    return {
        **_head(options, [one for saved in groups.values() for one in saved.values()]),
        "states": states,
        "changed": changed,
    }


def _comparison(options: ScoreOptions, judge: Judge, of_cells: dict[Path, Mapping[str, Measured]]) -> dict[str, Any]:
    """For the results of `compare`: every finished cell, before and after. Fills `of_cells`, by the cells' folders."""
    # Imported here, because what runs comparisons imports torch.
    from unsee.sweep.results import read_results

    results = read_results(options.folder)
    seen: list[Saved] = []
    changed: list[dict[str, Any]] = []
    for cell in results.finished:
        asked = {folder.name: folder for folder in folders_in(cell.before_folder)}
        saved = {
            name: Saved.open(cell.folder / name, folder)
            for name, folder in asked.items()
            if options.benchmark in (None, name) and (cell.folder / name).is_dir()
        }
        if not saved:
            raise _nothing(options)
        seen += saved.values()
        found = rescored(saved, judge)
        where = cell.folder.relative_to(results.folder)
        of_cells[where] = found
        for state, old in (("before", cell.before), ("after", cell.after)):
            changed += _changed(old, found[state].scores, f"{where.as_posix()}/{state}")
    return {**_head(options, seen), "cells": len(results.finished), "changed": changed}


def _copy(results: Path, to: Path, of_cells: Mapping[Path, Mapping[str, Measured]]) -> None:
    """The results of a comparison with other scores, without its adapters and pages."""
    from unsee.sweep.results import read_results
    from unsee.sweep.table import write_tables

    shutil.copytree(results, to, ignore=shutil.ignore_patterns("run", "leaderboard"), dirs_exist_ok=True)
    for where, found in of_cells.items():
        _replace(to / where, found)
    content = read_json(to / CELLS) or {}
    content["cells"] = [_as_of_now(cell) for cell in content["cells"]]
    write_together(to, {CELLS: strict_json(content)})
    write_tables(read_results(to))


def rescored(saved: Mapping[str, Saved], judge: Judge) -> dict[str, Measured]:
    """The scores by state of the answers to several benchmarks, by the benchmarks' names.

    Raises UserError if a benchmark is not installed.
    """
    classes = {name: _current(one) for name, one in saved.items()}
    found = {}
    for state in dict.fromkeys(state for one in saved.values() for state in one.answers):
        answers = {name: one.answers[state] for name, one in saved.items() if state in one.answers}
        scores, by_concept = scored([classes[name] for name in answers], answers, judge)
        found[state] = Measured(answers, scores, by_concept)
    return found


def _current(saved: Saved) -> type[Benchmark]:
    if saved.benchmark not in BENCHMARKS:
        raise UserError(
            f"The answers are to the benchmark {saved.benchmark!r}, which is not installed; install its package."
        )
    return BENCHMARKS[saved.benchmark]


def _saved_scores(folder: Path) -> dict[tuple[str, str], Mapping[str, Any]]:
    """The scores that the run itself wrote, as plain data, by the group of concepts ("" for all) and the state."""
    report = read_json(folder / REPORT)
    if report is not None:
        return {("", state): report[state] for state in ("before", "after")}
    document = read_json(folder / SCORES) or {}
    alone = {(slug(concept), "model"): scores for concept, scores in document.get("concepts", {}).items()}
    whole: Mapping[str, Any] = document.get("together") or next(iter(alone.values()), {})
    return {**alone, ("together", "model"): whole, ("", "model"): whole}


def _changed(was: Mapping[str, Any], now: Mapping[str, Score], where: str) -> Iterator[dict[str, Any]]:
    """Figures that differ from the saved ones by more than rounding, and new figures."""
    for key, score in now.items():
        old = was.get(key)
        value = old.value if isinstance(old, Score) else None if old is None else Score.read(old).value
        same = value is not None and (math.isclose(value, score.value, rel_tol=1e-9) or value != value != score.value)
        if not same:
            yield {"where": where, "metric": key, "saved": value, "now": score.value}


def _replace(folder: Path, found: Mapping[str, Measured]) -> None:
    """Put new scores into the files of a cell. Scores of benchmarks that were not scored again stay as they are."""
    document = read_json(folder / SCORES) or {}
    for state in ("before", "after"):
        document[state] |= _plain(found[state].scores)
    document["cell"] = _as_of_now(document["cell"])
    write_together(folder, {CELL: strict_json(document["cell"]), SCORES: strict_json(document)})


def _as_of_now(cell: Mapping[str, Any]) -> dict[str, Any]:
    """A cell's own description, with the present versions of its benchmarks."""
    now: dict[str, type[Benchmark]] = {
        "benchmark_version": MMUBench,
        "mllmu_version": MLLMU,
        "language_version": General,
    }
    return {**cell, **{key: bench.version for key, bench in now.items() if key in cell}}


def _head(options: ScoreOptions, saved: Sequence[Saved]) -> dict[str, Any]:
    versions = {one.benchmark: {"saved": one.version, "now": BENCHMARKS[one.benchmark].version} for one in saved}
    return {"schema": SCHEMA, "folder": str(options.folder), "judge": options.judge, "versions": versions}


def _plain(scores: Mapping[str, Score]) -> dict[str, Any]:
    return {key: one.to_dict() for key, one in scores.items()}


def _nothing(options: ScoreOptions) -> UserError:
    there = sorted({folder.name for folder in folders_in(options.folder)})
    if there:
        return UserError(
            f"{options.folder} holds no answers to {options.benchmark!r}{did_you_mean(str(options.benchmark), there)}"
        )
    return UserError(
        f"{options.folder} holds no saved answers; give the folder that unsee forget, evaluate or compare wrote."
    )
