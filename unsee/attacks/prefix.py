"""The beginning of an answer that gives the name, forced on the model: "This is"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from unsee.attacks.base import BEGUN, Attack, Material, Target, Variant
from unsee.attacks.paraphrase import naming_trials


class Prefix(Attack):
    """The beginning of the kind's usual naming answer about every tested picture, in every wording of the question.

    A model that must go on says some name even of a stranger, which the floor shows.
    """

    name = "prefix"
    version = 1
    title = "The beginning of the answer given"
    came_back = "made to begin with “This is”"
    level = "quick"
    needs = (BEGUN,)

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        begun = beginning(material.kind.naming_answers)
        trials = [
            replace(trial, probe=replace(trial.probe, begun=begun))
            for trial in naming_trials(self.name, material)
            if begun
        ]
        yield Variant("", trials)


def beginning(answers: Sequence[str]) -> str:
    """What comes before "{name}" in the first of the answers in which anything does; empty if all begin with it."""
    begun = (answer.partition("{name}")[0].strip() for answer in answers)
    return next((words for words in begun if words), "")
