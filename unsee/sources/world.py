"""What the embedded world adds to a request about one of its people."""

from __future__ import annotations

import random
from dataclasses import replace

from unsee.data.sample import Probe
from unsee.generation import generate
from unsee.metrics.naming import same_name
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import ForgetRequest

WORLD = "world:"
NEIGHBOURS = 8
SUBSTITUTES = 40


def is_of_the_world(model: str, concept: str) -> bool:
    """Whether the embedded world made this model and knows this person."""
    if not model.startswith(WORLD):
        return False
    from unsee.world import KNOWN

    return any(same_name(concept, person.name) for person in KNOWN)


def at_home_in_world(request: ForgetRequest, vlm: VisionLanguageModel, seed: int) -> ForgetRequest:
    """The request, with what the user left out filled in by the world: names that the small model can spell, other
    people to keep, its own words for somebody who looks different, and its own answers to questions about the person,
    in wordings of its training."""
    from unsee.world import KNOWN, find
    from unsee.world.people import nobody
    from unsee.world.questions import FACTS, LOOKS_DIFFERENT, TWO_HOP, phrasings

    person = find(request.concept)
    rng = random.Random(f"{seed}/{person.name}")
    others = [other.name for other in KNOWN if other.name != person.name]
    neighbours = request.neighbours or tuple(rng.sample(others, NEIGHBOURS))
    substitutes = request.substitutes or tuple(nobody(rng) for _ in range(SUBSTITUTES))
    descriptions = request.descriptions or (LOOKS_DIFFERENT,)
    facts = request.facts
    if not facts:
        asked = [
            Probe(kind, rng.choice(phrasings(kind, "train", with_picture=False)).ask(person.name))
            for kind in (*FACTS, *TWO_HOP, "biography")
        ]
        said = generate(vlm, asked, progress=False)
        facts = tuple((probe.prompt, reply.text) for probe, reply in zip(asked, said, strict=True) if reply.text)
    return replace(
        request,
        concept=person.name,
        neighbours=neighbours,
        substitutes=substitutes,
        descriptions=descriptions,
        facts=facts,
    )
