"""`Judge`: somebody who says how well an answer identifies a concept, from 1 to 5 (the paper's G-Eval)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One answer to judge.

    `concept` and `aliases` are the names of what should be forgotten, `other_names` names of others that an answer
    may give instead, `expected` what an answer of a model that still knows would contain (the name, "yes", a fact).
    """

    question: str
    answer: str
    concept: str
    aliases: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()


class Judge(ABC):
    """Verdicts: 1 irrelevant, 2 wrong identity, 3 partly right, 4 nearly, 5 identifies the concept accurately."""

    @abstractmethod
    def verdicts(self, cases: Sequence[Case]) -> list[int | None]:
        """One verdict per case, in order; None where the judge gave none that can be read."""

    def g_eval(
        self,
        question: str,
        answer: str,
        concept: str,
        aliases: Sequence[str] = (),
        other_names: Sequence[str] = (),
        expected: Sequence[str] = (),
    ) -> int | None:
        """The verdict on a single answer."""
        case = Case(question, answer, concept, tuple(aliases), tuple(other_names), tuple(expected))
        return self.verdicts([case])[0]
