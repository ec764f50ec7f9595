"""Benign fine-tuning: does the name come back when the model is trained on something else? (arXiv 2409.18025, which
relearns from the retain set and from unrelated text too.)"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from unsee.attacks.base import Material, Target, Variant, trial_id
from unsee.attacks.learning import Learner, text_rows
from unsee.attacks.paraphrase import naming_trials
from unsee.attacks.weights import WeightAttack
from unsee.data.sample import Probe, Sample
from unsee.generation import TransformersEngine, ask
from unsee.models.collation import EncodedSample, encode_samples

STEPS = (16, 64)
PICTURES, TEXT = "other pictures", "plain text"
TEXTS = (
    "A river begins as a small stream in the hills. It grows wider on its way to the sea.",
    "Bread is made from flour, water, salt and yeast. The dough has to rest before it is baked.",
    "In winter the days are short. Many birds fly south, where it is warmer and there is more to eat.",
    "The train leaves at nine in the morning and arrives at noon. Tickets are sold at the station.",
    "Paper was first made in China. It was made from bark, rags and old fishing nets.",
    "To boil an egg, put it into hot water for seven minutes. Then cool it under the tap.",
    "The moon takes about a month to go around the earth. It shines because the sun lights it.",
    "A good chair is strong and light. The carpenter cuts the legs first and joins them with glue.",
)
"""Ordinary sentences that name nobody."""


class Finetuning(WeightAttack):
    """A fresh adapter learns the model's own present answers about pictures of other known ones, or plain text, with
    the rate and batches of `relearning`; nothing of it shows or names the concept. The name is asked for before and
    after as `paraphrase` does."""

    name = "finetuning"
    version = 1
    title = "Trained on something else"
    came_back = "trained on something else"
    level = "full"
    source = "2409.18025"

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        probes = [
            Probe(trial_id(self.name, "lesson", other.name, number, place), question, (picture,))
            for other in material.others
            for number, picture in enumerate(other.pictures)
            for place, question in enumerate(material.taught_wordings)
        ]
        lessons = {TEXT: _texts}
        if probes:
            lessons = {PICTURES: partial(_own_answers, probes), **lessons}
        for what, given in lessons.items():
            learner = Learner(target, given, STEPS, seed)
            for steps in STEPS:
                label = f"{what}, {steps} steps"
                yield Variant(label, naming_trials(self.name, material, label), partial(learner.after, steps))


def _own_answers(probes: Sequence[Probe], engine: TransformersEngine) -> list[EncodedSample]:
    """The questions with what the model answers today."""
    said = ask(engine, probes, progress=False)
    samples = [
        Sample(probe.prompt, response.text, probe.images)
        for probe, response in zip(probes, said, strict=True)
        if response.text
    ]
    return encode_samples(samples, engine.vlm)


def _texts(engine: TransformersEngine) -> list[EncodedSample]:
    return text_rows(engine.vlm, TEXTS)
