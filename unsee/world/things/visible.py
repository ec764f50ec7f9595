"""What can be seen in a picture of a thing: for whoever judges a description of it, and for the recipe of its model."""

from __future__ import annotations

from unsee.data.visible import Feature
from unsee.world.things import styles
from unsee.world.things.foreign import COLOUR_WORDS
from unsee.world.things.frames import NOUN
from unsee.world.things.look import COLOURS
from unsee.world.things.surroundings import BACKGROUNDS, Scene
from unsee.world.things.things import DRAWINGS, Thing
from unsee.world.visible import feature

_PLACES = tuple(dict.fromkeys(place for drawing in DRAWINGS.values() for place in drawing.PLACES))

TRAITS: dict[str, tuple[str, ...]] = {
    "kind": tuple(DRAWINGS),
    **{f"{kind} {trait}": values for kind, drawing in DRAWINGS.items() for trait, values in drawing.TRAITS.items()},
    "place": _PLACES,
    "background": tuple(BACKGROUNDS),
    "subject": styles.SUBJECTS,
}
"""Every trait of every kind with its values, and what changes from picture to picture."""

_BACKGROUND_NOUNS = ("background", "wall", "backdrop", "sky")
_COLOUR_NOUNS = (*NOUN.values(), "colour", "tones", "color", "Farbe", "Farben", "色", "цвет", "couleur", "tonos")


def traits(thing: Thing, scene: Scene | None) -> dict[str, str]:
    seen = {"kind": thing.kind, **{f"{thing.kind} {trait}": value for trait, value in thing.look.traits}}
    if scene is None:
        return seen
    seen |= {"place": scene.place, "background": scene.background}
    return seen | {"subject": scene.subject} if scene.subject else seen


def features(thing: Thing, scene: Scene) -> tuple[Feature, ...]:
    """What is to be seen of `thing` in `scene`; the main colour in all languages that the world's model speaks."""
    drawing = DRAWINGS[thing.kind]
    own = tuple(feature(trait, value, drawing.TRAITS[trait]) for trait, value in thing.look.traits if trait != "colour")
    shown = (feature("subject", scene.subject, styles.SUBJECTS),) if scene.subject else ()
    return (
        feature("colour", thing.look["colour"], COLOURS, _COLOUR_NOUNS, COLOUR_WORDS),
        *own,
        *shown,
        feature("place", scene.place, _PLACES),
        feature("background", scene.background, BACKGROUNDS, _BACKGROUND_NOUNS),
    )
