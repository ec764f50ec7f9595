"""The plain questions of an audit, asked again of a model whose weights were changed after it was audited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unsee.attacks import get_attack
from unsee.attacks.base import Material, Target
from unsee.attacks.scoring import excess
from unsee.evaluation.attacking import states_of
from unsee.evaluation.auditing import AFTER, BEFORE, FLOOR, PLAIN, State, audit
from unsee.generation import TransformersEngine
from unsee.metrics import Score
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import ForgetRequest

LEVEL = "quick"
"""Of the audit: plain questions in as many pictures as the quickest asks about."""


@dataclass(frozen=True)
class Leak:
    """The percent of answers to one kind of plain question that give the concept away: before the weights were changed,
    after, and on the floor (None without pictures of strangers)."""

    questions: str
    before: Score
    after: Score
    floor: Score | None

    @property
    def came_back(self) -> bool:
        """Whether more leaks now than from a model that never knew, beyond chance."""
        return (self.after if self.floor is None else excess(self.after, self.floor)).low > 0

    def to_dict(self) -> dict[str, Any]:
        return {
            "questions": self.questions,
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "floor": None if self.floor is None else self.floor.to_dict(),
        }


@dataclass(frozen=True)
class AskedPlainly:
    """What one request's plain questions found, by kind of question, and what to ask again."""

    material: Material
    leaks: Mapping[str, Score]
    floors: Mapping[str, Score]

    @classmethod
    def of(cls, request: ForgetRequest, vlm: VisionLanguageModel, exclude: Sequence[str] = ()) -> AskedPlainly:
        """Ask `vlm` with its adapter; the floor is the model without it, about strangers. `exclude`: names that were
        forgotten together with this request's."""
        engine = TransformersEngine(vlm)
        states = states_of(
            request, engine, engine.without_adapter(), vlm, model=vlm.name, level=LEVEL, seed=0, exclude=exclude
        )
        del states[BEFORE]
        found = audit(states, [get_attack(PLAIN)], level=LEVEL)
        leaks, floors = (
            {row.variant: row.states[state].score for row in found.rows if state in row.states}
            for state in (AFTER, FLOOR)
        )
        return cls(states[AFTER].material, leaks, floors)

    def again(self, vlm: VisionLanguageModel) -> list[Leak]:
        """Ask another model the same."""
        states = {AFTER: State(Target(AFTER, TransformersEngine(vlm), vlm), self.material)}
        found = audit(states, [get_attack(PLAIN)], level=LEVEL)
        return [
            Leak(row.variant, self.leaks[row.variant], row.states[AFTER].score, self.floors.get(row.variant))
            for row in found.rows
        ]
