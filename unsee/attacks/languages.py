"""The question for the name in other languages (SIU, arXiv 2405.12523, section 4.4)."""

from __future__ import annotations

from collections.abc import Iterator

from unsee.attacks.base import Attack, Material, Target, Trial, Variant, trial_id
from unsee.data.sample import Probe


class Languages(Attack):
    """A naming question of every language about every tested picture; a wording is a language."""

    name = "languages"
    version = 1
    title = "Asked in other languages"
    came_back = "asked in other languages"
    level = "quick"
    source = "2405.12523"

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        trials = [
            Trial(
                Probe(
                    trial_id(self.name, language, shown.number),
                    questions[(place + seed) % len(questions)],
                    (shown.picture,),
                    tags={"picture": str(shown.number)},
                ),
                shown.unit,
                language,
                names=material.names,
            )
            for language, questions in material.wordings.foreign.items()
            for place, shown in enumerate(material.tested)
        ]
        yield Variant("", trials)
