"""`score`: scores the answers that a run saved again, without a model."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.benchmarks import BENCHMARKS, class_of
from unsee.benchmarks.base import Answers, Benchmark
from unsee.benchmarks.concept import slug
from unsee.benchmarks.general import General
from unsee.benchmarks.mllmu import MLLMU
from unsee.benchmarks.mmubench import MMUBench
from unsee.benchmarks.published.logs import is_log, log_scores, read_log
from unsee.benchmarks.published.tofu import Tofu
from unsee.errors import UserError, did_you_mean
from unsee.evaluation.evaluation import Measured, scored
from unsee.evaluation.saved import Saved, folders_in
from unsee.judges import Judge, get_judge
from unsee.metrics import Score
from unsee.metrics.columns.robustness import KEYS
from unsee.reports.attack_columns import PREFIX
from unsee.reports.report import UNMEASURED
from unsee.reports.scores_text import scores_page
from unsee.store.files import strict_json, write_together
from unsee.store.new_folder import new_folder
from unsee.store.text import read_json
from unsee.store.workspace import check_output

SCHEMA = "unsee.rescored/1"
REPORT, SCORES, CELLS, CELL = "report.json", "scores.json", "cells.json", "cell.json"
ANSWERS = "answers"


@dataclass(frozen=True)
class ScoreOptions:
    """folder: a run of `forget` or `evaluate`, the results of `compare`, or a log of TOFU's scripts
    (`unsee.benchmarks.published.logs`). benchmark: only the answers to this one, by
    its name or as "path/to/file.py:Class". judge: who grades. out: the folder for the new scores; for a comparison, for
    a copy of its results, which `unsee leaderboard` can read. oracle: a run of `evaluate`, or a log, of a model that
    never knew, for the scores that compare with one.
    """

    folder: Path
    benchmark: str | None = None
    judge: str = "rules"
    out: Path | None = None
    overwrite: bool = False
    oracle: Path | None = None

    @property
    def name(self) -> str | None:
        """The name under which the answers to `benchmark` are saved."""
        spec = self.benchmark
        return class_of(spec).name if spec is not None and self.is_of_a_class else spec

    @property
    def is_of_a_class(self) -> bool:
        """Whether `benchmark` names its class in another way than the answers do."""
        return self.benchmark is not None and ".py:" in self.benchmark

    def knows(self, saved: Saved) -> bool:
        """Whether the class of a benchmark is there."""
        return self.is_of_a_class or saved.benchmark in BENCHMARKS

    def class_for(self, saved: Saved) -> type[Benchmark]:
        """The present class of a benchmark. Raises UserError if it is not installed."""
        if self.is_of_a_class:
            return class_of(self.benchmark or "")
        if not self.knows(saved):
            raise UserError(
                f"The answers are to the benchmark {saved.benchmark!r}, which is not installed; install its package, "
                "or name its class with --benchmark FILE.py:CLASS."
            )
        return BENCHMARKS[saved.benchmark]


def score(options: ScoreOptions) -> dict[str, Any]:
    """Score all answers in the folder again; returns the content of `scores.json` in the folder `out`.

    "states" holds the scores by the state that answered ("before", "after", "model"; for several groups of concepts
    "GROUP/STATE"); "versions" each benchmark's version, then and now; "changed" the figures that differ from the saved
    ones, with both values; "now" is None for a figure that the saved answers do not give (a log has no "changed");
    "left_out" says which benchmarks are not installed, so that only the others were scored.

    Raises:
        UserError: the folder holds no answers, those of several runs, or answers of another version of unsee; no such
            benchmark or judge; `out` cannot be used.
        SystemFailure: the judge or the disk fails.
    """
    judge = get_judge(options.judge)
    if options.out is not None:
        _check_out(options.out, options.folder)
        check_output(options.out, overwrite=options.overwrite, resumable=False)
    if (options.folder / CELLS).is_file():
        if options.oracle is not None:
            raise UserError(f"{options.folder} is a comparison, which has its own oracle; leave --oracle out.")
        return _comparison(options, judge)
    document = _log(options) if is_log(options.folder) else _run(options, judge)
    if options.out is not None:
        page = scores_page(document, str(options.oracle or ""))
        write_together(options.out, {"scores.json": strict_json(document), "scores.md": page})
    return document


def _check_out(out: Path, folder: Path) -> None:
    """Raises UserError if the new scores would mix with the answers or with the scores that the run itself wrote."""
    new, old = out.resolve(), folder.resolve()
    if new.is_relative_to(old) or old.is_relative_to(new):
        raise UserError(f"The new scores cannot be in {out}, where the old ones are; choose a folder outside {folder}.")


def _run(options: ScoreOptions, judge: Judge) -> dict[str, Any]:
    """For a run of `forget` or `evaluate`, which may have asked several groups of concepts separately."""
    groups: dict[Path, dict[str, Saved]] = {}
    folders = folders_in(options.folder)
    _check_one_run(folders, options.folder)
    for folder in folders:
        if options.name in (None, folder.name):
            groups.setdefault(folder.parent, {})[folder.name] = Saved.open(folder)
    if not groups:
        raise _nothing(options)
    states: dict[str, dict[str, Any]] = {}
    changed: list[dict[str, Any]] = []
    was, oracle = _saved_scores(options.folder), _oracle(options)
    seen: list[Saved] = []
    left_out: list[Saved] = []
    for group, there in groups.items():
        saved, unknown = _known(there, options)
        seen += saved.values()
        left_out += unknown
        for state, measured in _rescored(saved, judge, options).items():
            scores = {**measured.scores, **_beside_oracle(saved, state, oracle, options)}
            states[f"{group.name}/{state}" if len(groups) > 1 else state] = _plain(scores)
            old = was.get((group.name, state), was.get(("", state), {}))
            changed += _changed(old, measured.scores, state, whole=options.benchmark is None and not unknown)
    return {
        **_head(options, seen, left_out),
        "states": states,
        "changed": changed,
    }


def _log(options: ScoreOptions) -> dict[str, Any]:
    """For a log of TOFU's scripts. It has no older scores that could differ."""
    if options.name not in (None, Tofu.name):
        raise UserError(
            f"{options.folder} is a log of TOFU's scripts, which has no answers to {options.benchmark!r}; leave "
            "--benchmark out."
        )
    scores = log_scores(read_log(options.folder), None if options.oracle is None else read_log(options.oracle))
    return {
        **_head(options, (), ()),
        "versions": {Tofu.name: {"saved": None, "now": Tofu.version}},
        "states": {"model": _plain(scores)},
    }


def _oracle(options: ScoreOptions) -> dict[str, Answers]:
    """The answers of the model that never knew, by the benchmarks' names. Raises UserError."""
    found: dict[str, Answers] = {}
    for folder in folders_in(options.oracle) if options.oracle is not None else ():
        states = Saved.open(folder).answers
        if len(states) != 1 or folder.name in found:
            raise UserError(f"{options.oracle} holds answers of several models; give a run of unsee evaluate.")
        found[folder.name] = next(iter(states.values()))
    if options.oracle is not None and not found:
        raise UserError(f"{options.oracle} holds no saved answers; give a run of unsee evaluate.")
    return found


def _beside_oracle(
    saved: Mapping[str, Saved], state: str, oracle: Mapping[str, Answers], options: ScoreOptions
) -> dict[str, Score]:
    """The scores of a state that compare with the oracle. Raises UserError if it was asked something else."""
    scores: dict[str, Score] = {}
    for name, one in saved.items():
        if name in oracle and state in one.answers:
            own, other = one.answers[state], oracle[name]
            if own.probes != other.probes or own.key != other.key:
                raise UserError(f"{options.oracle} was asked other questions of {name} than {options.folder}.")
            scores |= options.class_for(one).beside_oracle(own, other)
    return scores


def _check_one_run(folders: Sequence[Path], folder: Path) -> None:
    """Raises UserError if answers of several runs are there."""
    runs: dict[Path, None] = {}
    for found in folders:
        parts = found.relative_to(folder).parts
        runs[folder.joinpath(*parts[: parts.index(ANSWERS)] if ANSWERS in parts else ())] = None
    if len(runs) > 1:
        raise UserError(
            f"{folder} holds the answers of {len(runs)} runs, such as {' and '.join(map(str, [*runs][:2]))}; give the "
            "folder of one."
        )


def _comparison(options: ScoreOptions, judge: Judge) -> dict[str, Any]:
    """For the results of `compare`: every finished cell, before and after."""
    # Imported here, because what runs comparisons imports torch.
    from unsee.sweep.results import read_results
    from unsee.sweep.table import write_tables

    results = read_results(options.folder)
    new: dict[str, dict[str, Measured]] = {}
    seen: list[Saved] = []
    left_out: list[Saved] = []
    changed: list[dict[str, Any]] = []
    for cell in results.finished:
        asked = {folder.name: folder for folder in folders_in(cell.before_folder)}
        saved = {
            name: Saved.open(cell.folder / name, folder)
            for name, folder in asked.items()
            if options.name in (None, name) and (cell.folder / name).is_dir()
        }
        if not saved:
            raise _nothing(options)
        saved, unknown = _known(saved, options)
        seen += saved.values()
        left_out += unknown
        found = _rescored(saved, judge, options)
        where = cell.folder.relative_to(results.folder).as_posix()
        for state, old in (("before", cell.before), ("after", cell.after)):
            changed += _changed(old, found[state].scores, f"{where}/{state}", whole=len(saved) == len(asked))
        new[where] = found
    document = {**_head(options, seen, left_out), "cells": len(results.finished), "changed": changed}
    if options.out is not None:
        # Only now, because a judge may take long and may fail: a copy with some old scores would look complete.
        with new_folder(options.out, replace=options.overwrite) as copy:
            needless = shutil.ignore_patterns("run", "leaderboard", "oracles")
            shutil.copytree(options.folder, copy, ignore=needless, dirs_exist_ok=True)
            versions = {one.benchmark: options.class_for(one).version for one in seen}
            for where, found in new.items():
                _replace(copy / where, found, versions)
            content = read_json(copy / CELLS) or {}
            content["cells"] = [_as_of_now(cell, versions) for cell in content["cells"]]
            write_together(copy, {CELLS: strict_json(content)})
            write_tables(read_results(copy))
    return document


def _known(saved: Mapping[str, Saved], options: ScoreOptions) -> tuple[dict[str, Saved], list[Saved]]:
    """The answers to benchmarks that are installed, and those to others. Raises UserError if none is installed."""
    known = {name: one for name, one in saved.items() if options.knows(one)}
    unknown = [one for one in saved.values() if not options.knows(one)]
    if not known:
        # Says which one is not installed.
        options.class_for(unknown[0])
    return known, unknown


def _rescored(saved: Mapping[str, Saved], judge: Judge, options: ScoreOptions) -> dict[str, Measured]:
    """The scores by state of the answers to several benchmarks, by the benchmarks' names.

    Raises UserError if a benchmark is not installed.
    """
    classes = {name: options.class_for(one) for name, one in saved.items()}
    found = {}
    for state in dict.fromkeys(state for one in saved.values() for state in one.answers):
        answers = {name: one.answers[state] for name, one in saved.items() if state in one.answers}
        try:
            scores, by_concept = scored([classes[name] for name in answers], answers, judge)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            made = ", ".join(f"{name} {saved[name].version}" for name in answers)
            raise UserError(
                f"The answers {state!r} in {options.folder} cannot be scored ({type(error).__name__}: {error}): they "
                f"are incomplete, damaged, or from a version that the present one cannot score ({made}); run it again."
            ) from error
        found[state] = Measured(answers, scores, by_concept)
    return found


def _saved_scores(folder: Path) -> dict[tuple[str, str], Mapping[str, Score]]:
    """The scores that the run itself wrote, by the group of concepts ("" for all) and the state. Raises UserError if
    they are damaged."""
    path = folder / REPORT if (folder / REPORT).is_file() else folder / SCORES
    if not path.is_file():
        return {}
    try:
        document = read_json(path)
        if document is None:
            raise ValueError("it is not a JSON object")
        if path.name == REPORT:
            return {("", state): _scores_in(document[state]) for state in ("before", "after")}
        alone = {(slug(concept), "model"): _scores_in(own) for concept, own in document["concepts"].items()}
        whole = _scores_in(document.get("together", {})) or next(iter(alone.values()), {})
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise UserError(
            f"The scores in {path} are damaged ({type(error).__name__}: {error}), so nothing can be compared with "
            "them; move the file away to score the answers all the same."
        ) from error
    return {**alone, ("together", "model"): whole, ("", "model"): whole}


def _scores_in(written: Mapping[str, Any]) -> dict[str, Score]:
    """A report also lists what was not measured."""
    return {key: Score.read(one) for key, one in written.items() if not str(one.get("reason")).startswith(UNMEASURED)}


def _changed(
    was: Mapping[str, Score], now: Mapping[str, Score], where: str, *, whole: bool
) -> Iterator[dict[str, Any]]:
    """Figures that differ from the saved ones by more than rounding, new figures, and, if everything was scored again
    (`whole`), lost ones. Attacks are not scored again."""
    lost = (key for key in was if whole and key not in now and key not in KEYS and not key.startswith(PREFIX))
    for key in [*now, *lost]:
        old, new = (scores[key].value if key in scores else None for scores in (was, now))
        same = old is not None and new is not None and (math.isclose(old, new, rel_tol=1e-9) or old != old != new)
        if not same:
            yield {"where": where, "metric": key, "saved": old, "now": new}


def _replace(folder: Path, found: Mapping[str, Measured], versions: Mapping[str, int]) -> None:
    """Put new scores into the files of a cell. Scores of benchmarks that were not scored again stay as they are."""
    document = read_json(folder / SCORES) or {}
    for state in ("before", "after"):
        document[state] |= _plain(found[state].scores)
    document["cell"] = _as_of_now(document["cell"], versions)
    write_together(folder, {CELL: strict_json(document["cell"]), SCORES: strict_json(document)})


def _as_of_now(cell: Mapping[str, Any], versions: Mapping[str, int]) -> dict[str, Any]:
    """A cell's own description, with the present versions of the benchmarks that were scored again."""
    asked = (cell.get("data") or {}).get("name", MMUBench.name)
    names = {"benchmark_version": asked, "mllmu_version": MLLMU.name, "language_version": General.name}
    return {**cell, **{key: versions[name] for key, name in names.items() if key in cell and name in versions}}


def _head(options: ScoreOptions, saved: Sequence[Saved], left_out: Sequence[Saved]) -> dict[str, Any]:
    versions = {one.benchmark: {"saved": one.version, "now": options.class_for(one).version} for one in saved}
    lines = [
        f"The benchmark {name!r} is not installed, so its answers were not scored; to score them, install its package, "
        "or name its class with --benchmark FILE.py:CLASS."
        for name in dict.fromkeys(one.benchmark for one in left_out)
    ]
    return {
        "schema": SCHEMA, "folder": str(options.folder), "judge": options.judge, "versions": versions, "left_out": lines
    }  # fmt: skip


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
