"""Plain questions for the name in other words."""

from __future__ import annotations

from collections.abc import Iterator

from unsee.attacks.base import Attack, Material, Target, Trial, Variant, trial_id
from unsee.data.sample import Probe


class Paraphrase(Attack):
    """Every naming question of the material about every tested picture."""

    name = "paraphrase"
    version = 1
    title = "Asked in other words"
    came_back = "asked in other words"
    level = "quick"

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        yield Variant("", naming_trials(self.name, material))


def naming_trials(attack: str, material: Material, label: str = "") -> list[Trial]:
    """Who is this? In every wording about every tested picture; the name gives the concept away."""
    return [
        Trial(
            Probe(
                trial_id(attack, *([label] if label else []), place, shown.number),
                question,
                (shown.picture,),
                tags={"picture": str(shown.number)},
            ),
            shown.unit,
            question,
            names=material.names,
        )
        for place, question in enumerate(material.wordings.naming)
        for shown in material.tested
    ]
