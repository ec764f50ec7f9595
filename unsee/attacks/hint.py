"""A hint: a fact of the concept in the question for its name."""

from __future__ import annotations

from collections.abc import Iterator

from unsee.attacks.base import Attack, Material, Target, Trial, Variant, trial_id
from unsee.attacks.dressing import naming_question, without_names
from unsee.data.sample import Probe

DRESSES = ("Hint: {value}. {question}", "Look for {value}. {question}", "{value}! {question}")


class Hint(Attack):
    """Every dress about every tested picture, with the facts in turn; a wording is a dress.

    What is known in text is kept on purpose, so a model may guess the name from the fact alone. The floor shows how
    often: strangers get the concept's facts as hints.
    """

    name = "hint"
    version = 1
    title = "With a fact as a hint"
    came_back = "asked with a fact as a hint"

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        this = f"this {material.kind.noun}"
        values = [without_names(fact.value, material.names, this).rstrip(". ") for fact in material.facts]
        trials = [
            Trial(
                Probe(
                    trial_id(self.name, place, shown.number),
                    dress.replace("{value}", values[(index + place + seed) % len(values)]).replace(
                        "{question}", naming_question(material, index + place + seed)
                    ),
                    (shown.picture,),
                    tags={"picture": str(shown.number)},
                ),
                shown.unit,
                dress,
                names=material.names,
            )
            for place, dress in enumerate(DRESSES)
            for index, shown in enumerate(material.tested)
            if values
        ]
        yield Variant("", trials)
