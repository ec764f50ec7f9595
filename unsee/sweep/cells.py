"""Cells: one model, one way to forget, one unit and one seed each, with a folder of their own under the results.

RESULTS/cells.json                                   the recipe and its cells
RESULTS/before/MODEL/UNIT/BENCHMARK/                 questions and answers of the model before, for all its cells
                          audit/                     the same to attacks, for all cells of a seed
RESULTS/cells/MODEL/UNIT/LABEL/seed-N/cell.json      what the cell is
                                      run/           the adapter with its manifest and training data
                                      manifest.json  a copy of the manifest, kept when adapters are deleted
                                      BENCHMARK/after.jsonl   its answers, and how probable they are
                                      audit/         what attacks found, if the recipe wants an audit
                                      scores.json    written last: the cell is finished
                                      failed.json    instead, if it failed
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from unsee.attacks import attacks_of
from unsee.benchmarks import find_benchmark
from unsee.benchmarks.concept import slug
from unsee.benchmarks.general import General
from unsee.benchmarks.mllmu import MLLMU
from unsee.benchmarks.mmubench import MMUBench
from unsee.errors import UserError
from unsee.models.identity import of_files
from unsee.store.plugins import code_digest
from unsee.store.sameness import differences as ways_apart
from unsee.store.text import read_json
from unsee.sweep.oracle import find_oracle
from unsee.sweep.recipe import ORACLE, Arm, Recipe, Size
from unsee.sweep.whom import Unit
from unsee.training import TrainingConfig

SCHEMA = "unsee.compare/1"
BEFORE, AFTER = "before", "after"
"""The states in which a model is asked."""
INDEX, CELL, SCORES, FAILED, MANIFEST = "cells.json", "cell.json", "scores.json", "failed.json", "manifest.json"

UNMEASURED = "unmeasured"
"""In `scores.json`: why columns of MMUBench have no figure."""

State = Literal["new", "finished", "failed", "different"]


@dataclass(frozen=True)
class Cell:
    """One run of a comparison. `model_sha256` is that of a local model's config and weights, None for one of the hub;
    `reading` are those of its other files (see `unsee.models.identity.of_files`)."""

    model: str
    model_sha256: str | None
    arm: Arm
    unit: Unit
    seed: int
    size: Size
    benchmark: str
    keep_adapter: bool
    reading: tuple[tuple[str, str | None], ...] = ()
    kind: str | None = None
    """What the concepts of a benchmark in a folder are, if the recipe says so."""
    audit: str | None = None
    """The level of the attacks on it, if there are any."""

    @property
    def folder(self) -> Path:
        """Below the folder of the results."""
        return Path("cells", slug(self.model), slug(self.unit.name), slug(self.arm.label), f"seed-{self.seed}")

    @property
    def before(self) -> Path:
        """Where the answers of the model before are, below the folder of the results."""
        return Path("before", slug(self.model), slug(self.unit.name))

    @property
    def config(self) -> TrainingConfig:
        """The settings it trains with."""
        return self.arm.config(len(self.unit.concepts), self.model)

    def asked(self) -> dict[str, Any]:
        """What decides the questions and the answers before, as plain data."""
        return {
            "model": self.model,
            "model_sha256": self.model_sha256,
            "reading": dict(self.reading),
            "unit": {"kind": self.unit.kind, "name": self.unit.name, "concepts": list(self.unit.concepts)},
            "evaluation": self.size.document(),
            "benchmark": self.benchmark,
            "benchmark_version": self.unit.data.version if self.unit.data else MMUBench.version,
            **({"data": self.unit.data.document()} if self.unit.data else {}),
            **({"mllmu_version": MLLMU.version} if self.size.mllmu else {}),
            **({"language_version": General.version} if self.size.language else {}),
            **({"also": {spec: find_benchmark(spec)[0].version for spec in self.size.also}} if self.size.also else {}),
        }

    def identity(self) -> dict[str, Any]:
        """Everything that decides the scores, as plain data: a finished cell counts only if this is the same."""
        oracle = find_oracle(self.arm, self.model, self.unit, self.size)
        code, kind = code_digest(self.arm.method), code_digest(self.kind or "")
        own = {
            "method": self.arm.method,
            "label": self.arm.label,
            "settings": {} if oracle else dataclasses.asdict(self.config),
            **({"fill": sorted(self.arm.fill)} if self.arm.fill else {}),
            **({"kind": self.kind} if self.kind else {}),
            "oracle_sha256": oracle.digest() if oracle else None,
            **({"code_sha256": code} if code else {}),
            **({"kind_sha256": kind} if kind else {}),
            **self._attacks(),
            "seed": self.seed,
        }
        return json.loads(json.dumps({**self.asked(), **own}))

    def _attacks(self) -> dict[str, Any]:
        if self.audit is None:
            return {}
        return {"audit": self.audit, "attacks": {attack.name: attack.version for attack in attacks_of(self.audit)}}

    def __str__(self) -> str:
        return f"{self.model}, {self.arm.label}, {self.unit.name}, seed {self.seed}"


def cells_of(recipe: Recipe) -> list[Cell]:
    """All cells of a recipe, grouped by model and then by unit.

    The oracle is the same for every seed, so it has one cell for each unit that has an oracle. Raises UserError if a
    recipe asks for an oracle that does not exist, or if a model's folder cannot be read.
    """
    cells = []
    for model in recipe.models:
        files = of_files(model)
        digest, reading = files.pop("weights"), tuple(files.items())
        for unit in recipe.units:
            for arm, seed in _runs(recipe, model, unit):
                place = unit.data.place if unit.data else recipe.benchmark
                shared = (recipe.size, place, recipe.keep_adapters, reading, recipe.kind, recipe.audit)
                cells.append(Cell(model, digest, arm, unit, seed, *shared))
    for arm in recipe.arms:
        if not any(cell.arm == arm for cell in cells):
            raise UserError(_no_oracle(recipe, arm))
    return cells


def _no_oracle(recipe: Recipe, arm: Arm) -> str:
    if arm.trains and any(unit.data for unit in recipe.units):
        return (
            f"No oracle can be trained for {', '.join(recipe.models)}, because nothing says what it was fine-tuned "
            "from; name that and how, as in 'oracle: {base: HUB-ID, set: {steps: 3000, learning_rate: 2e-5}}', or give "
            "the folder of a model that was fine-tuned on the retain set alone."
        )
    return (
        f"There is no oracle for any unit of this recipe ({arm.label}); write 'oracle: true' to have it trained where "
        "the world teaches them, name a model that never knew them with 'checkpoint', or remove it."
    )


def _runs(recipe: Recipe, model: str, unit: Unit) -> Iterator[tuple[Arm, int]]:
    for seed in recipe.seeds:
        for arm in recipe.arms:
            if arm.method != ORACLE or (seed == recipe.seeds[0] and find_oracle(arm, model, unit, recipe.size)):
                yield arm, seed


def state_of(cell: Cell, results: Path) -> State:
    """What the results hold about a cell. A file that cannot be read counts as missing."""
    folder = results / cell.folder
    if not folder.is_dir():
        return "new"
    have = read_json(folder / CELL)
    if have is None:
        return "new"
    if have != cell.identity():
        return "different"
    if read_json(folder / FAILED) is not None:
        return "failed"
    return "finished" if read_json(folder / SCORES) is not None else "new"


def differences(cell: Cell, results: Path) -> list[str]:
    """The keys in which the cell found there differs, settings by their names."""
    return ways_apart(read_json(results / cell.folder / CELL) or {}, cell.identity())


def index(recipe: Recipe, cells: Sequence[Cell], name: str) -> dict[str, Any]:
    """The content of `cells.json`; `name` is the recipe's."""
    listed = [{"folder": cell.folder.as_posix(), "before": cell.before.as_posix(), **cell.identity()} for cell in cells]
    return {"schema": SCHEMA, "name": name, "recipe": dict(recipe.content), "cells": listed}
