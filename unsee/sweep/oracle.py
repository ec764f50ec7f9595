"""The oracle: a model trained without the people whom the others forget. It is asked, not trained.

Either its checkpoint is there to be asked, or its answers were saved: the transcript that every finished cell writes,
from a comparison of the same size.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unsee.benchmarks.concept import slug
from unsee.models.identity import files_digest, of_files
from unsee.sweep.recipe import ORACLE, Arm
from unsee.sweep.whom import Unit
from unsee.world.oracle import saved_answers


@dataclass(frozen=True)
class Oracle:
    """An oracle: a model to load, or the transcript of its answers."""

    checkpoint: str | None = None
    answers: Path | None = None

    def digest(self) -> str | None:
        """Of its weights or its answers; None for a model of the hub."""
        if self.answers is not None:
            return files_digest([self.answers])
        return of_files(self.checkpoint or "")["weights"]


def find_oracle(arm: Arm, model: str, unit: Unit) -> Oracle | None:
    """The oracle of `model` for `unit`: the recipe's checkpoint, or else what the world ships for its forget splits.

    A checkpoint with "{unit}" in its name need not be there for every unit, nor saved answers for every split.
    """
    if arm.method != ORACLE:
        return None
    if arm.checkpoint is not None:
        checkpoint = arm.checkpoint.replace("{model}", slug(model)).replace("{unit}", slug(unit.name))
        absent = "{unit}" in arm.checkpoint and not Path(checkpoint).expanduser().is_dir()
        return None if absent else Oracle(checkpoint=checkpoint)
    if unit.percent is None:
        return None
    transcript = saved_answers(model, unit.percent)
    return None if transcript is None else Oracle(answers=transcript)
