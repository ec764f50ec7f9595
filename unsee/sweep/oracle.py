"""The oracle: a model trained without the people whom the others forget. It is asked, and does not forget.

Its checkpoint is there to be asked, or its answers were saved: the transcript that every finished cell writes, from a
comparison of the same size. Or else it is trained before the first cell (`unsee.sweep.oracle_training`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.benchmarks.concept import slug
from unsee.models.identity import files_digest, of_files
from unsee.sweep.published import Split
from unsee.sweep.recipe import ORACLE, Arm, Size
from unsee.sweep.whom import WORLD, Unit
from unsee.world import world_of_model
from unsee.world.oracle import SIZES, saved_answers


@dataclass(frozen=True)
class Making:
    """How an oracle is trained: `model`, one of the world's, by its own recipe without `people`; or `base`, fine-tuned
    with `settings` on what the split `data` retains. Two with the same `digest` are the same oracle."""

    model: str
    people: tuple[str, ...]
    base: str | None = None
    settings: tuple[str, ...] = ()
    data: Split | None = None

    def digest(self) -> str:
        """SHA-256 (hex) of all that decides its weights, which are not there yet."""
        document: dict[str, Any] = {"model": self.model, "without": sorted(self.people)}
        if self.base is not None and self.data is not None:
            weights = of_files(self.base)["weights"]
            document |= {"base": self.base, "weights": weights, "settings": self.settings, "data": self.data.digest}
        return hashlib.sha256(json.dumps(document).encode()).hexdigest()

    @property
    def folder(self) -> Path:
        """Below the folder of the results."""
        more = f"-and-{len(self.people) - 1}-more" if len(self.people) > 1 else ""
        return Path("oracles", slug(self.model), f"without-{slug(self.people[0])}{more}-{self.digest()[:8]}")


@dataclass(frozen=True)
class Oracle:
    """An oracle: a model to load, the transcript of its answers, or how it is trained."""

    checkpoint: str | None = None
    answers: Path | None = None
    making: Making | None = None

    def digest(self) -> str | None:
        """Of its weights, its answers or its making; None for a model of the hub."""
        if self.making is not None:
            return self.making.digest()
        if self.answers is not None:
            return files_digest([self.answers])
        return of_files(self.checkpoint or "")["weights"]


def find_oracle(arm: Arm, model: str, unit: Unit, size: Size) -> Oracle | None:
    """The oracle of `model` for `unit`: the recipe's checkpoint, or what the world ships for its forget splits; if the
    arm trains, what can be trained where none ships that answered an evaluation of that size.

    A checkpoint with "{unit}" in its name need not be there for every unit, nor saved answers for every split.
    """
    if arm.method != ORACLE:
        return None
    if arm.checkpoint is not None:
        checkpoint = arm.checkpoint.replace("{model}", slug(model)).replace("{unit}", slug(unit.name))
        absent = "{unit}" in arm.checkpoint and not Path(checkpoint).expanduser().is_dir()
        return None if absent else Oracle(checkpoint=checkpoint)
    if arm.base is not None:
        return Oracle(making=Making(model, unit.concepts, arm.base, arm.settings, unit.data)) if unit.data else None
    transcript = None if unit.percent is None else saved_answers(model, unit.percent)
    if transcript is not None and (not arm.trains or _fits(size)):
        return Oracle(answers=transcript)
    return Oracle(making=Making(model, unit.concepts)) if arm.trains and _taught(model, unit) else None


def _fits(size: Size) -> bool:
    return size.split == "test" and (size.test_pictures, size.questions, size.kept) in SIZES


def _taught(model: str, unit: Unit) -> bool:
    """Whether the recipe of a model of the world teaches everybody of the unit."""
    if not model.startswith(f"{WORLD}:"):
        return False
    return {concept.name for concept in world_of_model(model).known} >= set(unit.concepts)
