"""Pictures and questions to begin with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image

from unsee.attacks.base import Material
from unsee.requests import ForgetRequest
from unsee.sources.world import is_of_the_world
from unsee.world import find, world_of

OF_CONCEPT, OF_OTHERS, UNKNOWN = 6, 24, 4
"""Pictures in the gallery: of each forgotten concept, of others whom the model knows, and of unknown ones."""
_FIRST = 30_000
"""From this number on the pictures of the world are in no test and in no training data."""
LANGUAGE_NAMES = {"es": "Spanish", "fr": "French", "zh": "Chinese", "de": "German", "ja": "Japanese", "ru": "Russian"}


@dataclass(frozen=True)
class Hung:
    """A picture in the gallery. `title` says who or what is on it."""

    title: str
    picture: Image.Image = field(repr=False)


def gallery(requests: Sequence[ForgetRequest], model: str) -> list[Hung]:
    """New pictures of the forgotten ones first; then known others and unknown ones. Where the world did not make the
    model, the pictures of the requests."""
    if all(is_of_the_world(model, request.concept) for request in requests):
        return _of_the_world([request.concept for request in requests])
    hung = [Hung(request.concept, picture) for request in requests for picture in request.pictures()]
    for request in requests:
        hung += [Hung(f"Another {request.what.noun}", picture) for picture in request.other_pictures()]
        hung += [Hung(f"Unknown {request.what.noun}", picture) for picture in request.unseen_pictures()]
    return hung


def _of_the_world(names: Sequence[str]) -> list[Hung]:
    concepts = [find(name) for name in names]
    world = world_of(concepts[0])
    others = [known for known in world.known if known not in concepts][:OF_OTHERS]
    hung = [Hung(who.name, who.picture(_FIRST + i, "test")) for who in concepts for i in range(OF_CONCEPT)]
    hung += [Hung(who.name, who.picture(_FIRST, "test")) for who in others]
    unknown = [world.stranger(300 + i, "test") for i in range(UNKNOWN)]
    return [*hung, *(Hung("Unknown", who.picture(_FIRST, "test")) for who in unknown)]


def questions(material: Material) -> list[tuple[str, str]]:
    """Questions to choose from, each with what to call it: for the name, in every language, whether it is the concept,
    facts, and what can be seen."""
    wordings, kind = material.wordings, material.kind
    found = [("The name", question) for question in sorted(wordings.naming, key=len)[:2]]
    found += [("Whether it is", question.replace("{name}", material.name)) for question in wordings.denying[:1]]
    found += [
        (LANGUAGE_NAMES.get(language, language), asked[0]) for language, asked in wordings.foreign.items() if asked
    ]
    found += [("A fact", fact.asked[0]) for fact in material.facts[:4] if fact.asked]
    found += [
        ("In text, without the picture", fact.in_text[0].replace("{name}", material.name))
        for fact in material.facts[:2]
        if fact.in_text
    ]
    found += [("What can be seen", question) for question in (*kind.visible[:2], *kind.describing[:1])]
    return found
