"""Scores against the oracle: each on the scale 0 = before, 1 = oracle, and what a benchmark itself compares."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from unsee.benchmarks import class_of
from unsee.errors import UserError
from unsee.evaluation.saved import Saved
from unsee.reports.leaderboard import Figure
from unsee.store.files import strict_json, write_together
from unsee.store.text import read_json
from unsee.sweep.cells import AFTER, BEFORE, SCORES
from unsee.sweep.recipe import ORACLE
from unsee.sweep.results import CellResult, Results

_DRAWS = 1000
_APART = 0.1
"""Below this share of the larger of the two, before and oracle are too close for a scale between them: one answer of
18 made a method that kept nothing go "18 times as far as the oracle"."""

ByUnit = Mapping[str, float]
"""A metric's mean over seeds, by unit."""


def on_scale(own: ByUnit, before: ByUnit, oracle: ByUnit) -> Figure | None:
    """(own - before) / (oracle - before), each a mean over the units that all three have: 0 is the model before, 1 the
    oracle; beyond 1 a method went further than the oracle.

    The 95 % interval draws units with replacement, and is NaN for a single one. None if no unit is left, or if before
    and the oracle hardly differ.
    """
    units = [unit for unit in own if unit in before and unit in oracle]
    table = np.array([[own[unit], before[unit], oracle[unit]] for unit in units], dtype=float)
    if not units or not np.isfinite(table).all():
        return None
    value = _scaled(table[None])[0]
    if math.isnan(value):
        return None
    low = high = math.nan
    if len(units) > 1:
        drawn = np.random.default_rng(0).integers(len(units), size=(_DRAWS, len(units)))
        values = _scaled(table[drawn])
        if np.isfinite(values).all():
            low, high = np.quantile(values, (0.025, 0.975))
    return Figure(float(value), math.nan, float(low), float(high), len(units))


def _scaled(tables: np.ndarray) -> np.ndarray:
    """tables: (draws, units, own/before/oracle). NaN where the scale has no length."""
    own, before, oracle = np.moveaxis(tables.mean(axis=1), -1, 0)
    length = oracle - before
    is_short = np.abs(length) < _APART * np.maximum(np.abs(oracle), np.abs(before))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(is_short | (length == 0), np.nan, (own - before) / length)


def with_oracles(results: Results) -> Results:
    """The results with what a benchmark compares with the oracle itself (`Benchmark.beside_oracle`), which is written
    into the scores of each finished cell whose unit the oracle was also asked about."""
    oracles = {(cell.model, cell.unit): cell for cell in results.finished if cell.method == ORACLE}
    cells = []
    for cell in results.cells:
        oracle = oracles.get((cell.model, cell.unit))
        if cell.data and cell.finished and oracle and cell.method != ORACLE:
            cell = _beside(cell, oracle)
        cells.append(cell)
    return replace(results, cells=tuple(cells))


def _beside(cell: CellResult, oracle: CellResult) -> CellResult:
    found = class_of(cell.asked)
    own, other = (Saved.open(one.folder / one.asked, one.before_folder / one.asked).answers for one in (cell, oracle))
    if own[AFTER].probes != other[AFTER].probes or own[AFTER].key != other[AFTER].key:
        raise UserError(f"The oracle in {oracle.folder} was asked other questions than {cell.folder}; run it again.")
    more = {state: dict(found.beside_oracle(own[state], other[AFTER])) for state in (BEFORE, AFTER)}
    document = read_json(cell.folder / SCORES) or {}
    changed = {state: {**document[state], **{k: s.to_dict() for k, s in more[state].items()}} for state in more}
    if any(changed[state] != document[state] for state in changed):
        write_together(cell.folder, {SCORES: strict_json({**document, **changed})})
    return replace(cell, before={**cell.before, **more[BEFORE]}, after={**cell.after, **more[AFTER]})


def scaled_figures(
    own: Mapping[str, ByUnit], before: Mapping[str, ByUnit], oracle: Mapping[str, ByUnit], keys: Sequence[str]
) -> dict[str, Figure]:
    """Those of `keys` that have a place on the scale."""
    there = [key for key in keys if key in own and key in before and key in oracle]
    figures = {key: on_scale(own[key], before[key], oracle[key]) for key in there}
    return {key: figure for key, figure in figures.items() if figure is not None}
