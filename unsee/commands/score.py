"""`score`: the answers that a run saved, scored again without a model."""

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
from unsee.store.workspace import check_output
from unsee.sweep.cells import CELL, INDEX, SCORES, read_json
from unsee.sweep.results import read_results, read_score
from unsee.sweep.table import write_tables

SCHEMA = "unsee.rescored/1"
REPORT = "report.json"


@dataclass(frozen=True)
class ScoreOptions:
    """folder: a run of `forget` or `evaluate`, or the results of `compare`. benchmark: only this one's answers. judge:
    who judges. out: where the new scores go; a comparison's are a copy of its results, for `unsee leaderboard`."""

    folder: Path
    benchmark: str | None = None
    judge: str = "rules"
    out: Path | None = None
    overwrite: bool = False


def score(options: ScoreOptions) -> dict[str, Any]:
    """Score again all that the folder holds; returns what `scores.json` in the folder `out` holds, too.

    "states" holds the scores by the state that answered ("before", "after", "model"; of several groups of concepts
    "GROUP/STATE"); "versions" each benchmark's version now; "changed" the figures that are other than those saved, both
    of them.

    Raises:
        UserError: the folder holds no answers, or those of another version of unsee; no such benchmark or judge.
        SystemFailure: the judge or the disk fails.
    """
    judge = get_judge(options.judge)
    if options.out is not None:
        check_output(options.out, overwrite=options.overwrite, resumable=False)
    if (options.folder / INDEX).is_file():
        document = _comparison(options, judge)
    else:
        document = _run(options, judge)
        if options.out is not None:
            write_together(options.out, {"scores.json": strict_json(document)})
    return document


def _run(options: ScoreOptions, judge: Judge) -> dict[str, Any]:
    """Of a run of `forget` or `evaluate`; several groups of concepts are asked apart."""
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


def _comparison(options: ScoreOptions, judge: Judge) -> dict[str, Any]:
    """Of the results of `compare`: every finished cell, before and after."""
    results = read_results(options.folder)
    if options.out is not None:
        shutil.copytree(options.folder, options.out, ignore=shutil.ignore_patterns("run", "leaderboard"))
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
        where = cell.folder.relative_to(results.folder).as_posix()
        for state, old in (("before", cell.before), ("after", cell.after)):
            changed += _changed(old, found[state].scores, f"{where}/{state}")
        if options.out is not None:
            _replace(options.out / where, found)
    if options.out is not None:
        content = read_json(options.out / INDEX) or {}
        content["cells"] = [_as_of_now(cell) for cell in content["cells"]]
        write_together(options.out, {INDEX: strict_json(content)})
        write_tables(read_results(options.out))
    return {**_head(options, seen), "cells": len(results.finished), "changed": changed}


def rescored(saved: Mapping[str, Saved], judge: Judge) -> dict[str, Measured]:
    """The scores by state of the answers to several benchmarks, by the benchmarks' names.

    Raises UserError where a benchmark is not there any more, or has another version than the answers were asked with.
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
            f"The answers are to the benchmark {saved.benchmark!r}, which is not installed; install the package that "
            "brings it."
        )
    return BENCHMARKS[saved.benchmark]


def _saved_scores(folder: Path) -> dict[tuple[str, str], Mapping[str, Any]]:
    """What the run itself wrote, as plain data, by the group of concepts ("" for all) and the state."""
    report = read_json(folder / REPORT)
    if report is not None:
        return {("", state): report[state] for state in ("before", "after")}
    document = read_json(folder / SCORES) or {}
    alone = {(slug(concept), "model"): scores for concept, scores in document.get("concepts", {}).items()}
    whole: Mapping[str, Any] = document.get("together") or next(iter(alone.values()), {})
    return {**alone, ("together", "model"): whole, ("", "model"): whole}


def _changed(was: Mapping[str, Any], now: Mapping[str, Score], where: str) -> Iterator[dict[str, Any]]:
    """Figures that are other than those saved, by more than rounding, and those there were none of."""
    for key, score in now.items():
        old = was.get(key)
        value = old.value if isinstance(old, Score) else None if old is None else read_score(old).value
        same = value is not None and (math.isclose(value, score.value, rel_tol=1e-9) or value != value != score.value)
        if not same:
            yield {"where": where, "metric": key, "saved": value, "now": score.value}


def _replace(folder: Path, found: Mapping[str, Measured]) -> None:
    """Put new scores into the files of a cell. Those of benchmarks that were not scored again stay as they were."""
    document = read_json(folder / SCORES) or {}
    for state in ("before", "after"):
        document[state] |= _plain(found[state].scores)
    document["cell"] = _as_of_now(document["cell"])
    write_together(folder, {CELL: strict_json(document["cell"]), SCORES: strict_json(document)})


def _as_of_now(cell: Mapping[str, Any]) -> dict[str, Any]:
    """What a cell says of itself, with the versions of its benchmarks as they are now."""
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
