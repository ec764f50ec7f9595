"""The results as tables: one row per cell, metric and time, and their summaries; as JSON lines and as Parquet."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from unsee.errors import SystemFailure
from unsee.metrics import Score
from unsee.metrics.catalogue import describe
from unsee.store.files import strict_json, write_together
from unsee.store.modes import ordinary_mode
from unsee.sweep.cells import BEFORE
from unsee.sweep.results import CellResult, Results
from unsee.sweep.statistics import Summary, summarise

COSTS = ("seconds", "peak_rss_mb")
_TEXT, _NUMBER, _WHOLE = pyarrow.string(), pyarrow.float64(), pyarrow.int64()
ROW = {
    "model": _TEXT, "model_sha256": _TEXT, "model_revision": _TEXT, "method": _TEXT, "label": _TEXT,
    "settings": _TEXT, "unit_kind": _TEXT, "unit": _TEXT, "concepts": _WHOLE, "seed": _WHOLE, "metric": _TEXT,
    "when": _TEXT, "value": _NUMBER, "n": _WHOLE, "units": _WHOLE, "low": _NUMBER, "high": _NUMBER,
    "higher_is_better": pyarrow.bool_(), "steps": _WHOLE, "samples": _WHOLE, "seconds": _NUMBER,
    "seconds_evaluating": _NUMBER, "peak_rss_mb": _NUMBER, "peak_gpu_mb": _NUMBER, "request_sha256": _TEXT,
    "data_sha256": _TEXT, "evaluation": _TEXT, "benchmark": _TEXT, "benchmark_version": _WHOLE, "libraries": _TEXT,
    "git_commit": _TEXT, "folder": _TEXT,
}  # fmt: skip
"""Columns of `results.parquet` with their types. `settings`, `evaluation` and `libraries` are JSON objects."""

SUMMARY = {
    "model": _TEXT, "label": _TEXT, "method": _TEXT, "unit_kind": _TEXT, "metric": _TEXT,
    "higher_is_better": pyarrow.bool_(), "mean": _NUMBER, "deviation": _NUMBER, "low": _NUMBER, "high": _NUMBER,
    "cells": _WHOLE, "planned": _WHOLE,
}  # fmt: skip
"""Columns of `summary.parquet`; `planned` is how many cells there should be. The model before unlearning has
the label "before" and no method."""


@dataclass(frozen=True)
class Standing:
    """One metric of one method over all cells of a kind. `values` are those that are numbers, by unit and seed."""

    model: str
    label: str
    method: str | None
    kind: str
    metric: str
    higher_is_better: bool
    summary: Summary
    values: Mapping[tuple[str, int], float]

    def row(self) -> dict[str, Any]:
        numbers = asdict(self.summary)
        return {
            "model": self.model,
            "label": self.label,
            "method": self.method,
            "unit_kind": self.kind,
            "metric": self.metric,
            "higher_is_better": self.higher_is_better,
            **numbers,
        }


def rows(results: Results) -> Iterator[dict[str, Any]]:
    """A row for each finished cell, metric and time (before, after), with the columns of `ROW`."""
    for cell in results.finished:
        shared = {
            **{key: cell.identity[key] for key in ("model", "model_sha256", "method", "label", "seed", "benchmark")},
            **{key: value for key, value in cell.run.items() if key in ROW},
            "benchmark_version": cell.identity["benchmark_version"],
            "settings": _json(cell.identity["settings"]),
            "evaluation": _json(cell.identity["evaluation"]),
            "libraries": _json(cell.run.get("libraries")),
            "unit_kind": cell.kind,
            "unit": cell.unit,
            "concepts": len(cell.identity["unit"]["concepts"]),
            "folder": cell.folder.relative_to(results.folder).as_posix(),
        }
        for when, scores in ((BEFORE, cell.before), ("after", cell.after)):
            for metric, score in scores.items():
                yield {key: {**shared, "metric": metric, "when": when, **score.to_dict()}.get(key) for key in ROW}


def standings(results: Results) -> list[Standing]:
    """Every metric and the costs of every method, over the finished cells of a model and a kind; before comes first."""
    groups: dict[tuple[str, str, str], list[CellResult]] = {}
    for cell in results.cells:
        groups.setdefault((cell.model, cell.kind, ""), []).append(cell)
        groups.setdefault((cell.model, cell.kind, cell.label), []).append(cell)
    found: list[Standing] = []
    for (model, kind, label), cells in groups.items():
        if not label:
            # The model before is asked once about a unit, however many cells forget it.
            before: dict[tuple[str, int], dict[str, Score]] = {}
            for cell in cells:
                if cell.finished:
                    # Not every cell is attacked.
                    before[cell.unit, 0] = {**before.get((cell.unit, 0), {}), **cell.before}
            found += _of(model, BEFORE, None, kind, before, len({cell.unit for cell in cells}))
        else:
            after = {(cell.unit, cell.seed): {**cell.after, **_costs(cell)} for cell in cells if cell.finished}
            found += _of(model, label, cells[0].method, kind, after, len(cells))
    return found


def _of(
    model: str,
    label: str,
    method: str | None,
    kind: str,
    cells: Mapping[tuple[str, int], Mapping[str, Score]],
    planned: int,
) -> Iterator[Standing]:
    ways = {key: score.higher_is_better for scores in cells.values() for key, score in scores.items()}
    for metric, higher in ways.items():
        there = {place: scores[metric] for place, scores in cells.items() if metric in scores}
        by_unit: dict[str, list[Score]] = {}
        for (unit, _), score in there.items():
            by_unit.setdefault(unit, []).append(score)
        values = {place: score.value for place, score in there.items() if not math.isnan(score.value)}
        summary = summarise(by_unit, planned=planned, scale=describe(metric).scale)
        yield Standing(model, label, method, kind, metric, higher, summary, values)


def _costs(cell: CellResult) -> dict[str, Score]:
    given = {key: cell.run.get(key) for key in COSTS}
    return {key: Score(float(v), 1, float(v), float(v), False) for key, v in given.items() if v is not None}


def write_tables(results: Results) -> None:
    """Write `results` and `summary`, each as `.jsonl` and `.parquet`, into the folder of the results.

    What JSON has no number for (an infinite perplexity) is null there, with a "reason". Raises SystemFailure if the
    folder cannot be written.
    """
    every, short = list(rows(results)), [standing.row() for standing in standings(results)]
    write_together(
        results.folder,
        {"results.jsonl": "".join(map(_line, every)), "summary.jsonl": "".join(map(_line, short))},
    )
    for name, table, columns in (("results.parquet", every, ROW), ("summary.parquet", short, SUMMARY)):
        _write_parquet(results.folder / name, table, columns)


def _write_parquet(path: Path, table: Sequence[Mapping[str, Any]], columns: Mapping[str, Any]) -> None:
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    try:
        content = pyarrow.Table.from_pylist(list(table), schema=pyarrow.schema(list(columns.items())))
        pyarrow.parquet.write_table(content, temporary)
        ordinary_mode(Path(temporary))
        os.replace(temporary, path)
    except OSError as error:
        raise SystemFailure(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        Path(temporary).unlink(missing_ok=True)


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(json.loads(strict_json(row)), ensure_ascii=False) + "\n"


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True)
