"""Politeness: the question for the name, with a request before it."""

from unsee.attacks.base import Attack, Trial, Variant, trial_id
from unsee.data.sample import Probe


class Polite(Attack):
    """Every naming question about every tested picture, after a polite word."""

    name = "polite"
    version = 1
    title = "Asked politely"
    came_back = "asked politely"
    level = "quick"

    def on(self, target, material, seed):
        yield Variant(
            "",
            [
                Trial(
                    Probe(
                        trial_id(self.name, place, shown.number),
                        f"Please help me. {question}",
                        (shown.picture,),
                        tags={"picture": str(shown.number)},
                    ),
                    shown.unit,
                    question,
                    names=material.names,
                )
                for place, question in enumerate(material.wordings.naming)
                for shown in material.tested
            ],
        )
