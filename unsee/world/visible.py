"""What can be seen in a picture of the world, for whoever judges a description of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from unsee.data.visible import Feature
from unsee.world.looks import (
    BACKGROUNDS,
    CLOTHES,
    EXPRESSIONS,
    EYEWEAR,
    FACIAL_HAIR,
    HAIR,
    HAIR_COLOURS,
    SKIN,
    Scene,
)
from unsee.world.people import Person
from unsee.world.questions import COLOUR_WORDS

_HAIR_NOUNS = ("hair", "pelo", "cheveux", "Haare", "Haaren", "头发", "髪", "волос", "волосы", "Farbe")
_BACKGROUND_NOUNS = ("background", "wall", "backdrop")
_CLOTHES_NOUNS = ("clothes", "clothing", "shirt", "top", "sweater", "jacket", "wearing", "wears", "dressed in")


TRAITS: dict[str, tuple[str, ...]] = {
    "hair": tuple(HAIR), "hair colour": tuple(HAIR_COLOURS), "skin": tuple(SKIN), "facial hair": tuple(FACIAL_HAIR),
    "eyewear": tuple(EYEWEAR), "expression": tuple(EXPRESSIONS), "clothes": tuple(CLOTHES),
    "background": tuple(BACKGROUNDS),
}  # fmt: skip
"""What can be told apart in pictures of people, with the values."""


def traits(person: Person, scene: Scene | None) -> dict[str, str]:
    """Which of `TRAITS` a picture of `person` shows; without a scene, those of the look alone."""
    seen = dict(zip(TRAITS, person.look.traits(), strict=False))
    if scene is None:
        return seen
    return seen | {"expression": scene.expression, "clothes": scene.clothes, "background": scene.background}


def features(person: Person, scene: Scene) -> tuple[Feature, ...]:
    """What is to be seen of `person` in `scene`; hair colours in all languages that the world's models speak."""
    look = person.look
    return (
        feature("hair colour", look.hair_colour, HAIR_COLOURS, _HAIR_NOUNS, COLOUR_WORDS),
        feature("hair", look.hair, HAIR, _HAIR_NOUNS),
        feature("clothes", scene.clothes, CLOTHES, _CLOTHES_NOUNS),
        feature("background", scene.background, BACKGROUNDS, _BACKGROUND_NOUNS),
        feature("expression", scene.expression, EXPRESSIONS),
        feature("eyewear", look.eyewear, EYEWEAR),
        feature("facial hair", look.facial_hair, FACIAL_HAIR),
    )


def feature(
    name: str,
    value: str,
    values: Iterable[str],
    nouns: tuple[str, ...] = (),
    spoken: Mapping[str, Mapping[str, str]] | None = None,
) -> Feature:
    """The feature with its value and, as wrong ones, the other values: words of English and of the languages `spoken`,
    which map each value to its word."""
    others = (spoken or {}).values()
    said = {v: (v, *(language[v] for language in others)) for v in values}
    right = said[value] if value != "none" else ()
    wrong = tuple(word for v, spellings in said.items() if v not in (value, "none") for word in spellings)
    # "Rosa" is one colour in Spanish and German alike, but no word may be both right and wrong.
    return Feature(name, right, tuple(word for word in dict.fromkeys(wrong) if word not in right), nouns)
