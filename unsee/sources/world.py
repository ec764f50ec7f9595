"""What the embedded world adds to a request about one of its people or things."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from unsee.data.sample import Probe
from unsee.errors import UserError
from unsee.metrics.naming import same_name
from unsee.requests import ForgetRequest

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel

WORLD = "world:"
NEIGHBOURS = 8
SUBSTITUTES = 40


def is_of_the_world(model: str, concept: str) -> bool:
    """Whether the embedded world made this model and knows this person or thing."""
    if not model.startswith(WORLD):
        return False
    from unsee.world import world_of_model

    return any(same_name(concept, known.name) for known in world_of_model(model).known)


def with_its_kind(request: ForgetRequest) -> ForgetRequest:
    """The request about somebody or something of the world, with the kind that it is.

    Raises UserError if the request says that it is of another kind.
    """
    from unsee.world import find

    concept = find(request.concept)
    if request.kind not in (None, concept.kind):
        raise UserError(f"{concept.name} is a {concept.kind} of the world, not a {request.kind}; leave the kind out.")
    return replace(request, kind=concept.kind)


def at_home_in_world(request: ForgetRequest, vlm: VisionLanguageModel, seed: int) -> ForgetRequest:
    """The request, with what the user left out filled in by the world: names that the small model can spell, other
    concepts to keep, its own words for somebody who looks different, and its own answers to questions about the
    concept, in wordings of its training.

    Raises UserError if the request says that the concept is of another kind than it is.
    """
    from unsee.generation import generate
    from unsee.world import find, world_of

    concept = find(request.concept)
    request = with_its_kind(request)
    world, q = world_of(concept), world_of(concept).questions
    rng = random.Random(f"{seed}/{concept.name}")
    others = [other.name for other in world.known if other.name != concept.name]
    neighbours = request.neighbours or tuple(rng.sample(others, NEIGHBOURS))
    substitutes = request.substitutes or tuple(world.nobody(rng, concept.kind) for _ in range(SUBSTITUTES))
    descriptions = request.descriptions or (q.LOOKS_DIFFERENT,)
    facts = request.facts
    if not facts:
        asked = [
            Probe(kind, rng.choice(q.phrasings(kind, "train", with_picture=False, of=concept.kind)).ask(concept.name))
            for kind in (*q.FACTS, *q.TWO_HOP, "biography")
        ]
        said = generate(vlm, asked, progress=False)
        facts = tuple((probe.prompt, reply.text) for probe, reply in zip(asked, said, strict=True) if reply.text)
    return replace(
        request,
        concept=concept.name,
        neighbours=neighbours,
        substitutes=substitutes,
        descriptions=descriptions,
        facts=facts,
    )
