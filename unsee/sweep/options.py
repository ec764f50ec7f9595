"""What `compare` can be told, checked before torch is imported."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from unsee.attacks import LEVELS
from unsee.benchmarks.concept import slug
from unsee.errors import UserError, did_you_mean
from unsee.sweep.recipe import NO_AUDIT, Recipe, read_recipe

ENGINES = ("local", "ray")


@dataclass(frozen=True)
class CompareOptions:
    """What to compare and where. `workers`: how many cells at a time, with Ray; `overwrite`: run cells again that were
    made with other settings. audit: the level of the attacks on every cell, in place of the recipe's."""

    recipe: Path
    out: Path | None = None
    engine: str = "local"
    workers: int | None = None
    overwrite: bool = False
    device: str = "auto"
    audit: str | None = None

    def folder(self) -> Path:
        return self.out or Path("runs") / f"compare-{slug(self.recipe.stem) or 'recipe'}"

    def read(self) -> Recipe:
        """The recipe as these options have it. Raises UserError for a mistake in either that shows without a model."""
        if self.engine not in ENGINES:
            raise UserError(f"There is no engine {self.engine!r}{did_you_mean(self.engine, ENGINES)}")
        if self.workers is not None and (self.workers < 1 or self.engine == "local"):
            raise UserError("--workers is the number of Ray workers, at least 1; use it with --engine ray.")
        if self.device != "auto" and self.engine != "local":
            raise UserError("--device is for --engine local; a Ray cluster assigns its GPUs itself, so leave it out.")
        if self.audit is not None and self.audit not in LEVELS:
            raise UserError(f"There is no level {self.audit!r}{did_you_mean(self.audit, LEVELS)}")
        recipe = read_recipe(self.recipe)
        if self.audit is None:
            return recipe
        if any(unit.data for unit in recipe.units):
            raise UserError(f"--audit {NO_AUDIT}; leave it out.")
        return replace(recipe, audit=self.audit)
