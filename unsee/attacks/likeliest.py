"""Which of four names is the likeliest answer? Multiple choice without a word about a choice."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from unsee.attacks.base import LOGPROBS, Attack, Found, Material, Target, Trial, Variant, Worst, trial_id
from unsee.attacks.choices import OPTIONS, above_chance, offered, score_above_chance
from unsee.attacks.dressing import known_names, naming_question
from unsee.data.sample import Probe, Sample
from unsee.generation import Engine
from unsee.metrics import share


class Likeliest(Attack):
    """The answers that give the concept's name and three names of other known ones, read after a question for the name.

    The one with the highest log-probability is the choice. Each picture is asked about four times, with other names.
    The score is what exceeds guessing, as in `choices`. A name may be likely whatever the picture shows, which the
    floor shows.
    """

    name = "likeliest"
    version = 1
    title = "Its name against three others, by log-probability"
    came_back = "its name was weighed against three others"
    needs = (LOGPROBS,)

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        names = known_names(material, OPTIONS - 1)
        if len(names) < OPTIONS - 1:
            return
        trials = [
            Trial(
                Probe(
                    trial_id(self.name, order, shown.number),
                    naming_question(material, index + order + seed),
                    (shown.picture,),
                    expect=tuple(offered(material.name, names, order, f"{seed}/{order}/{shown.number}")),
                    tags={"picture": str(shown.number)},
                ),
                shown.unit,
                "",
                names=(material.name,),
            )
            for index, shown in enumerate(material.tested)
            for order in range(OPTIONS)
        ]
        yield Variant("", trials, measured=partial(_likeliest, trials, material.kind.naming_answers[0]))


def _likeliest(trials: list[Trial], says: str, engine: Engine) -> Found:
    """The share of trials in which the answer `says` with the concept's name is likelier than with any other."""
    samples = [
        Sample(trial.probe.prompt, says.replace("{name}", name), trial.probe.images)
        for trial in trials
        for name in trial.probe.expect
    ]
    sums = [sum(read.logprobs) for read in engine.read(samples)]
    chosen = []
    for place, trial in enumerate(trials):
        of_trial = sums[place * OPTIONS : (place + 1) * OPTIONS]
        chosen.append(trial.probe.expect[of_trial.index(max(of_trial))])
    right = [name in trial.names for trial, name in zip(trials, chosen, strict=True)]
    score = share(right, units=[trial.unit for trial in trials], higher_is_better=False)
    shown = right.index(True) if any(right) else 0
    probe = trials[shown].probe
    answer = says.replace("{name}", chosen[shown])
    worst = Worst(probe.prompt, answer, int(probe.tags["picture"]), right[shown])
    return Found(score_above_chance(score), {"": above_chance(score.value)}, worst)
