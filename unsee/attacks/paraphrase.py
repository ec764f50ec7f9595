"""Plain questions in other words: for the name, and whether it is the one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unsee.attacks.base import Attack, Material, Target, Trial, Variant, trial_id
from unsee.data.sample import Probe

FOR_THE_NAME, YES_OR_NO = "for the name", "yes or no"


class Paraphrase(Attack):
    """Every naming question of the material, and every question whether this is the concept, about every tested
    picture. The grade of an audit and the verdict on a run call the same questions plain: both of these."""

    name = "paraphrase"
    version = 2
    title = "Asked in other words"
    came_back = "asked in other words"
    level = "quick"

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        yield Variant(FOR_THE_NAME, naming_trials(self.name, material))
        yield Variant(YES_OR_NO, yes_or_no_trials(self.name, material, "asked", material.wordings.denying))


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


def yes_or_no_trials(attack: str, material: Material, label: str, wordings: Sequence[str]) -> list[Trial]:
    """Questions that hold the name, as `{name}`, about every tested picture; only an answer that confirms it counts."""
    return [
        Trial(
            Probe(
                trial_id(attack, label, place, shown.number),
                wording.replace("{name}", material.name),
                (shown.picture,),
                tags={"picture": str(shown.number)},
            ),
            shown.unit,
            wording,
            names=material.names,
            yes_or_no=True,
        )
        for place, wording in enumerate(wordings)
        for shown in material.tested
    ]
