"""The beginning of an answer that gives the name, forced on the model: "This is"."""

from __future__ import annotations

from collections.abc import Iterator

from unsee.attacks.base import Attack, Material, Target, Trial, Variant, trial_id
from unsee.attacks.dressing import naming_question
from unsee.data.sample import Probe


class Prefix(Attack):
    """Every beginning of the kind's own naming answers about every tested picture; a wording is a beginning.

    A model that must go on says some name even of a stranger, which the floor shows.
    """

    name = "prefix"
    version = 1
    title = "The beginning of the answer given"
    came_back = "made to begin with “This is”"
    level = "quick"

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        trials = [
            Trial(
                Probe(
                    trial_id(self.name, place, shown.number),
                    naming_question(material, index + place + seed),
                    (shown.picture,),
                    tags={"picture": str(shown.number)},
                    begun=begun,
                ),
                shown.unit,
                f"{begun} …",
                names=material.names,
            )
            for place, begun in enumerate(beginnings(material.kind.naming_answers))
            for index, shown in enumerate(material.tested)
        ]
        yield Variant("", trials)


def beginnings(answers: tuple[str, ...]) -> list[str]:
    """What comes before "{name}" in each of the answers, where anything does."""
    return [begun for begun in dict.fromkeys(answer.partition("{name}")[0].strip() for answer in answers) if begun]
