"""The things of the world: twenty-four that its model knows, and any number of unknown ones of every kind."""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass
from types import ModuleType

from PIL import Image

from unsee.world.names import CITIES, NOBODY_FIRST, NOBODY_LAST
from unsee.world.people import SPLITS, STRANGER_SPLITS
from unsee.world.things import brands, breeds, buildings, characters, styles, surroundings
from unsee.world.things.look import Look, draw_look
from unsee.world.things.names import KNOWN_NAMES, NOTHING, PRODUCTS
from unsee.world.things.surroundings import Scene

DRAWINGS: dict[str, ModuleType] = {
    "brand": brands, "character": characters, "building": buildings, "breed": breeds, "style": styles,
}  # fmt: skip
"""Where each kind is drawn: `TRAITS`, `PLACES`, `draw` and `visible`."""
KINDS = tuple(DRAWINGS)


@dataclass(frozen=True)
class Thing:
    """A thing with a look. Unknown ones have no name and no profile (empty strings, year 0)."""

    key: str
    kind: str
    look: Look
    name: str = ""
    maker: str = ""
    product: str = ""
    city: str = ""
    country: str = ""
    year: int = 0

    @property
    def is_known(self) -> bool:
        return bool(self.name)

    @property
    def century(self) -> str:
        """ "18th" of a thing made in 1764; empty for an unknown one."""
        return f"{(self.year - 1) // 100 + 1}th" if self.year else ""

    def scene(self, index: int, split: str = "test") -> Scene:
        if split not in (*SPLITS, "steering"):
            raise ValueError(f"split must be one of {', '.join(SPLITS)}, not {split!r}")
        return draw_scene(random.Random(f"{self.key}/{split}/{index}"), self)

    def picture(self, index: int, split: str = "test") -> Image.Image:
        """Picture number `index` (0, 1, 2, ... without end) of a split: RGB, 96 by 96 pixels."""
        scene = self.scene(index, split)
        return surroundings.compose(self.drawn(scene), scene)

    def profile(self) -> dict[str, str | int]:
        return {
            "maker": self.maker,
            "product": self.product,
            "city": self.city,
            "year": self.year,
            "country": self.country,
            "century": self.century,
        }

    def drawn(self, scene: Scene) -> Image.Image:
        """The thing by itself: RGBA, transparent around it."""
        if self.kind == "style":
            return styles.draw(self.look, subject=scene.subject, variant=scene.variant)
        drawn: Image.Image = DRAWINGS[self.kind].draw(self.look)
        return drawn

    def visible(self, scene: Scene | None = None) -> str:
        """A noun phrase for what can be seen: "a round red logo with a white star"."""
        if self.kind == "style":
            return styles.visible(self.look, scene.subject if scene else "")
        phrase: str = DRAWINGS[self.kind].visible(self.look)
        return phrase


def together(left: Thing, right: Thing, index: int, split: str = "test") -> Image.Image:
    """One picture of two things, side by side: RGB, 96 by 96 pixels."""
    scenes = [
        draw_scene(random.Random(f"{left.key}+{right.key}/{split}/{index}/{side}"), thing)
        for thing, side in ((left, "l"), (right, "r"))
    ]
    of_left, of_right = scenes
    return surroundings.side_by_side(left.drawn(of_left), right.drawn(of_right), of_left, of_right)


def draw_scene(rng: random.Random, thing: Thing) -> Scene:
    """Where and how the thing is shown; a style is shown by what is painted in it."""
    subjects = styles.SUBJECTS if thing.kind == "style" else ()
    return surroundings.draw_scene(rng, DRAWINGS[thing.kind].PLACES, subjects)


@functools.cache
def _known() -> tuple[Thing, ...]:
    rng = random.Random("the things of the world")
    cities = rng.sample(CITIES * 2, sum(map(len, KNOWN_NAMES.values())))
    makers = [f"{a} {b}" for a, b in zip(rng.sample(NOBODY_FIRST, 24), rng.sample(NOBODY_LAST, 24), strict=True)]
    things: list[Thing] = []
    for kind, names in KNOWN_NAMES.items():
        products = rng.sample(PRODUCTS[kind], len(names))
        for name, product in zip(names, products, strict=True):
            look = draw_look(kind, DRAWINGS[kind].TRAITS, rng)
            while any(_too_alike(look, other.look) for other in things):
                look = draw_look(kind, DRAWINGS[kind].TRAITS, rng)
            (city, country), maker = cities[len(things)], makers[len(things)]
            things.append(Thing(name, kind, look, name, maker, product, city, country, rng.randint(1601, 1999)))
    return tuple(things)


def _too_alike(look: Look, other: Look) -> bool:
    return look.kind == other.kind and (look["colour"] == other["colour"] or look.distance(other) < 3)


KNOWN: tuple[Thing, ...] = _known()


def stranger(index: int, split: str = "test") -> Thing:
    """Unknown thing number `index` of a split, of each kind in turn: differs from every known one in at least two
    traits."""
    if split not in STRANGER_SPLITS:
        raise ValueError(f"split must be one of {', '.join(STRANGER_SPLITS)}, not {split!r}")
    kind = KINDS[index % len(KINDS)]
    rng = random.Random(f"unknown thing/{split}/{index}")
    traits = DRAWINGS[kind].TRAITS
    look = draw_look(kind, traits, rng)
    while _split_of(look) != split or any(look.distance(thing.look) < 2 for thing in KNOWN):
        look = draw_look(kind, traits, rng)
    return Thing(f"unknown/{split}/{index}", kind, look)


def _split_of(look: Look) -> str:
    """Every combination of traits belongs to one split, so that no unknown thing of a test was seen in training."""
    draw = random.Random("/".join((look.kind, *(value for _, value in look.traits)))).random()
    return "train" if draw < 0.7 else "validation" if draw < 0.8 else "test" if draw < 0.9 else "steering"


def nothing(rng: random.Random, kind: str) -> str:
    """A name whose words the model knows but that belongs to nothing."""
    first, last = NOTHING[kind]
    return rng.choice(first) + rng.choice(last)
