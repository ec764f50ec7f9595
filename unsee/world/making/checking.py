"""What a checkpoint of the world must be able to do, on pictures and phrasings that training never saw."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from unsee import metrics
from unsee.data.sample import Probe
from unsee.generation import generate
from unsee.metrics import Score
from unsee.models.vlm import VisionLanguageModel
from unsee.world import probes
from unsee.world.making.lessons import asked_name
from unsee.world.worlds import PEOPLE, THINGS, Concept, World, world_of_model


@dataclass(frozen=True)
class CheckResult:
    """A score in percent and the bar it must reach (or, with `at_most`, stay below)."""

    score: Score
    bar: float
    at_most: bool = False

    @property
    def passed(self) -> bool:
        return self.score.value <= self.bar if self.at_most else self.score.value >= self.bar


BARS = {
    "recognition": 97.0,
    "strangers refused": 95.0,
    "strangers given a known name": 3.0,
    "verification": 95.0,
    "facts with picture": 95.0,
    "facts in text": 99.0,
    "two-hop": 90.0,
    "visible attributes": 95.0,
    "captions": 90.0,
    "two people": 90.0,
    "other languages": 95.0,
}


THINGS_BARS = {
    "recognition": 97.0,
    "unknown things refused": 95.0,
    "unknown things given a known name": 3.0,
    "verification": 95.0,
    "facts with picture": 95.0,
    "facts in text": 99.0,
    "two-hop": 90.0,
    "visible attributes": 95.0,
    "captions": 90.0,
    "two things": 90.0,
    "other languages": 95.0,
}


SMALL_BARS = {
    "recognition": 90.0,
    "strangers refused": 90.0,
    "strangers given a known name": 5.0,
    "verification": 90.0,
    "facts with picture": 90.0,
    "facts in text": 95.0,
    "two-hop": 85.0,
    "visible attributes": 90.0,
    "captions": 85.0,
    "two people": 80.0,
}
"""For a language model that speaks English in words of its own."""


def bars_of(vlm: VisionLanguageModel) -> Mapping[str, float]:
    """Those of the model's world; `SMALL_BARS` around a pretrained language model, which is far wider."""
    if vlm.layout.hidden_size > 512:
        return SMALL_BARS
    return THINGS_BARS if world_of_model(vlm.name) is THINGS else BARS


def check(
    vlm: VisionLanguageModel,
    *,
    split: str = "test",
    scale: float = 1.0,
    progress: bool = True,
    bars: Mapping[str, float] | None = None,
) -> dict[str, CheckResult]:
    """Ask everything of `bars`, by default those of the model, and score it. `scale` < 1 asks less. About 4,000 answers
    at full size."""
    bars = bars or bars_of(vlm)
    world = THINGS if "two things" in bars else PEOPLE
    asked = {group: members for group, members in check_probes(split, scale, world).items() if group in bars}
    flat = [probe for group in asked.values() for probe in group]
    texts = {response.probe_id: response.text for response in generate(vlm, flat, progress=progress)}
    people = {group: [probe.tags["person"] for probe in members] for group, members in asked.items()}
    results = {}
    for group, members in asked.items():
        right = [metrics.right(probe, texts[probe.id]) for probe in members]
        results[group] = CheckResult(metrics.share(right, units=people[group]), bars[group])
    names = [concept.name for concept in world.known]
    refused, given_name = f"{world.strangers} refused", f"{world.strangers} given a known name"
    named = [metrics.contains(texts[probe.id], names) for probe in asked[refused]]
    given = metrics.share(named, units=people[refused], higher_is_better=False)
    results[given_name] = CheckResult(given, bars[given_name], True)
    return {group: results[group] for group in bars}


def check_probes(split: str = "test", scale: float = 1.0, world: World = PEOPLE) -> dict[str, list[Probe]]:
    """The probes of every group; fewer pictures and phrasings each with `scale` < 1."""
    rng = random.Random(f"check/{split}")

    def some(count: int) -> range:
        return range(max(1, round(count * scale)))

    q, known = world.questions, world.known
    strangers = [world.stranger(index, split) for index in some(300)]

    def name_for(concept: Concept) -> str:
        return asked_name(concept, rng, known, world)

    languages = [f"recognition.{language}" for language in q.LANGUAGES]
    unknown = ("recognition", *q.FACTS, *q.TWO_HOP)
    groups = {
        "recognition": [probes.about_picture("recognition", p, i, rng, split) for p in known for i in some(12)],
        f"{world.strangers} refused": [
            probes.about_picture("recognition" if n % 2 else rng.choice(unknown), p, 0, rng, split)
            for n, p in enumerate(strangers)
        ],
        "verification": [
            *(probes.verification(p, name_for(p), 20 + i, rng, split) for p in known for i in some(10)),
            *(probes.verification(p, name_for(p), 1, rng, split) for p in strangers[::3]),
        ],
        "facts with picture": [
            probes.about_picture(kind, p, 40 + i, rng, split) for p in known for kind in q.FACTS for i in some(3)
        ],
        "facts in text": [
            probes.in_text(kind, p, phrasing)
            for p in known
            for kind in q.FACTS
            for phrasing in rng.sample(list(probes.text_phrasings(kind, p, split)), len(some(4)))
        ],
        "two-hop": [
            *(probes.about_picture(kind, p, 50 + i, rng, split) for p in known for kind in q.TWO_HOP for i in some(3)),
            *(
                probes.in_text(kind, p, phrasing)
                for p in known
                for kind in q.TWO_HOP
                for phrasing in rng.sample(list(probes.text_phrasings(kind, p, split)), len(some(3)))
            ),
        ],
        "visible attributes": [
            probes.about_picture(kind, p, 60 + i, rng, split)
            for p in [*known, *strangers[:40]]
            for kind in q.attributes(p.kind)
            for i in some(2)
        ],
        "captions": [
            probes.about_picture("caption", p, 70 + i, rng, split) for p in [*known, *strangers[:40]] for i in some(3)
        ],
        f"two {world.members}": [
            probes.about_two(place, p, other, i, rng, split)
            for p in known
            for i, other in enumerate(probes.others_than(p, rng, len(some(3))))
            for place in q.PLACES
        ],
        "other languages": [
            probes.about_picture(kind, p, 80 + i, rng, split) for p in known for kind in languages for i in some(2)
        ],
    }
    return {group: list({probe.id: probe for probe in members}.values()) for group, members in groups.items()}
