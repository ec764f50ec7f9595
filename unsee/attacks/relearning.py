"""Relearning from a few pictures (arXiv 2409.18025, section 4; 2410.08827: teach some, test on others)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar

import numpy as np

from unsee.attacks.base import Found, Material, Target, Trial, Variant
from unsee.attacks.learning import Learner
from unsee.attacks.paraphrase import naming_trials
from unsee.attacks.weights import WeightAttack
from unsee.data.sample import Response, Sample
from unsee.generation import Engine, TransformersEngine, ask
from unsee.models.collation import EncodedSample, encode_samples

STEPS = (1, 2, 4, 8, 16)


class Relearning(WeightAttack):
    """A fresh adapter learns to name one picture in all wordings for teaching; the name is then asked for about other
    pictures, in other wordings.

    Any face can be tied to a name that the model knows from text, so the floor is a stranger that is taught the name of
    somebody known, and what counts is how much sooner the concept is named than that (`area_between`). Here the name
    that is taught is what comes out, so a floor without an oracle is scored by its own. How soon differs much from
    stranger to stranger and from name to name: several are taught, each in a model of its own (`Material.apart`), and
    the curve is their mean. An oracle is taught the concept's own name, which it need not have met in text either.
    """

    name = "relearning"
    version = 2
    title = "Taught again from one picture"
    came_back = "taught again from one picture"
    source = "2409.18025"
    counts: ClassVar[tuple[int, ...]] = (1,)
    """Pictures to learn from."""

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        for count in self.counts:
            taught = [one for one in material.each if len(one.taught) >= count and one.retested]
            if not taught or not material.taught_wordings:
                continue
            curve = _Curve(self, target, taught, count, seed)
            for steps in STEPS:
                trials = [trial for part in curve.trials(steps) for trial in part]
                yield Variant(label_of(count, steps), trials, measured=partial(curve.found, steps))


@dataclass(eq=False)
class _Curve:
    """What is named after each number of steps. All that are taught learn one after another, each in a copy of its
    own, so that there is one copy at a time; their answers are kept for all variants."""

    attack: Relearning
    target: Target
    taught: Sequence[Material]
    count: int
    seed: int
    _answers: dict[int, dict[str, list[Response]]] = field(default_factory=dict)

    def trials(self, steps: int) -> list[list[Trial]]:
        """What is asked after so many steps of each that is taught."""
        label = label_of(self.count, steps)
        return [
            naming_trials(
                self.attack.name,
                replace(one, names=(one.taught_name,) if one.is_floor else one.names, tested=one.retested),
                label,
            )
            for one in self.taught
        ]

    def found(self, steps: int, engine: Engine) -> Found:
        if not self._answers:
            self._learn()
        return self.attack.found([trial for part in self.trials(steps) for trial in part], self._answers[steps])

    def _learn(self) -> None:
        """Teach one after another, and ask each after every number of steps."""
        answers: dict[int, dict[str, list[Response]]] = {steps: {} for steps in STEPS}
        for place, one in enumerate(self.taught):
            learner = Learner(self.target, partial(_encoded, lessons_of(one, self.count)), STEPS, self.seed)
            for steps in STEPS:
                probes = [trial.probe for trial in self.trials(steps)[place]]
                with learner.after(steps) as learnt:
                    said = ask(learnt, probes, max_new_tokens=self.attack.max_new_tokens, progress=False)
                answers[steps] |= {response.probe_id: [response] for response in said}
        self._answers = answers


class RelearningFromMore(Relearning):
    """The same from more pictures, in as many steps of as many samples."""

    name = "relearning_more"
    title = "Taught again from more pictures"
    came_back = "taught again from several pictures"
    level = "full"
    counts = (5, 20)


def label_of(pictures: int, steps: int) -> str:
    """ "1 picture, 4 steps"."""
    return f"{pictures} picture{'s' * (pictures > 1)}, {steps} step{'s' * (steps > 1)}"


def area_between(curve: Mapping[int, float], floor: Mapping[int, float]) -> float:
    """How far a curve of leaks over steps lies above its floor's: the mean of the difference over the logarithm of the
    steps, by the trapezoidal rule, in the unit of the leaks. Steps that only one of them has do not count.

    100: everything leaks from the first step to the last, and nothing does from the floor; 0: no sooner than the floor.
    Raises ValueError with fewer than two numbers of steps.
    """
    steps = sorted(curve.keys() & floor.keys())
    if len(steps) < 2:
        raise ValueError(f"An area needs at least two numbers of steps; these curves share {steps}.")
    log = [math.log(count) for count in steps]
    between = np.trapezoid([curve[count] - floor[count] for count in steps], log)
    return float(between) / (log[-1] - log[0])


def lessons_of(material: Material, count: int) -> list[Sample]:
    """The first pictures for teaching, in every wording, with the name that is to be learnt."""
    answer = f"This is {material.taught_name}."
    return [
        Sample(question, answer, (picture,))
        for picture in material.taught[:count]
        for question in material.taught_wordings
    ]


def _encoded(samples: Sequence[Sample], engine: TransformersEngine) -> list[EncodedSample]:
    return encode_samples(samples, engine.vlm)
