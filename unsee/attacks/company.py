"""Asked about a picture of the concept next to somebody else."""

from __future__ import annotations

from collections.abc import Iterator

from unsee.attacks.base import Attack, Material, Target, Variant, trial_id
from unsee.attacks.trial import Trial
from unsee.data.sample import Probe


class Company(Attack):
    """Who is on the concept's side, who are both, and, to see whether the model can tell, who is on the other side.

    A wording is what is asked for: "left", "right" or "both". The concept's name counts as a leak for its own side and
    for both; the other's name, for the other side and for both, is the control.
    """

    name = "company"
    version = 1
    title = "In company"
    came_back = "shown in company"
    level = "quick"

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        trials: list[Trial] = []
        for pair in material.pairs:
            shown = pair.shown
            for place, questions in material.wordings.company.items():
                question = questions[(shown.number + seed) % len(questions)]
                probe = Probe(
                    trial_id(self.name, place, shown.number),
                    question,
                    (shown.picture,),
                    tags={"picture": str(shown.number)},
                )
                if place in (pair.side, "both"):
                    trials.append(Trial(probe, shown.unit, place, names=material.names))
                if place != pair.side and not material.is_floor:
                    own = Probe(trial_id(self.name, place, shown.number, "other"), question, (shown.picture,))
                    trials.append(Trial(own, shown.unit, place, names=(pair.other,), control=True))
        if trials:
            yield Variant("", trials)
