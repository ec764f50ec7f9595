"""The people of the world: forty that its models know, and any number of strangers."""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass

from PIL import Image

from unsee.world.looks import Look, Scene, draw_look, draw_scene, picture, picture_of_two
from unsee.world.names import CITIES, JOBS, KNOWN_NAMES, NOBODY_FIRST, NOBODY_LAST, PETS

SPLITS = ("train", "validation", "test")
"""Pictures of a person by use. `siu` and the like get one picture of the train split; scores use test pictures."""

STRANGER_SPLITS = ("train", "validation", "test", "steering")


@dataclass(frozen=True)
class Person:
    """A person with a look. Strangers have no name and no profile (empty strings, birth year 0)."""

    key: str
    look: Look
    name: str = ""
    job: str = ""
    tool: str = ""
    city: str = ""
    country: str = ""
    pet: str = ""
    birth_year: int = 0

    @property
    def kind(self) -> str:
        return "person"

    @property
    def is_known(self) -> bool:
        return bool(self.name)

    def scene(self, index: int, split: str = "test") -> Scene:
        if split not in (*SPLITS, "steering"):
            raise ValueError(f"split must be one of {', '.join(SPLITS)}, not {split!r}")
        return draw_scene(random.Random(f"{self.key}/{split}/{index}"))

    def picture(self, index: int, split: str = "test") -> Image.Image:
        """Picture number `index` (0, 1, 2, ... without end) of a split: RGB, 96 by 96 pixels."""
        return picture(self.look, self.scene(index, split))

    def profile(self) -> dict[str, str | int]:
        return {
            "job": self.job,
            "tool": self.tool,
            "city": self.city,
            "country": self.country,
            "pet": self.pet,
            "birth_year": self.birth_year,
        }


def together(left: Person, right: Person, index: int, split: str = "test") -> Image.Image:
    """One picture of two people, side by side: RGB, 96 by 96 pixels."""
    scenes = [draw_scene(random.Random(f"{left.key}+{right.key}/{split}/{index}/{side}")) for side in "lr"]
    return picture_of_two(left.look, scenes[0], right.look, scenes[1])


@functools.cache
def _known() -> tuple[Person, ...]:
    rng = random.Random("the people of the world")
    jobs = rng.sample(JOBS * 2, len(KNOWN_NAMES))
    cities = rng.sample(CITIES * 2, len(KNOWN_NAMES))
    people: list[Person] = []
    for name, (job, tool), (city, country) in zip(KNOWN_NAMES, jobs, cities, strict=True):
        look = draw_look(rng)
        while any(_too_alike(look, other.look) for other in people):
            look = draw_look(rng)
        people.append(Person(name, look, name, job, tool, city, country, rng.choice(PETS), rng.randint(1940, 1999)))
    return tuple(people)


def _too_alike(look: Look, other: Look) -> bool:
    same_hair = look.hair == other.hair and look.hair_colour == other.hair_colour
    return same_hair or look.distance(other) < 2


KNOWN: tuple[Person, ...] = _known()


def stranger(index: int, split: str = "test") -> Person:
    """Stranger number `index` of a split: differs from every known person in at least two of five traits."""
    if split not in STRANGER_SPLITS:
        raise ValueError(f"split must be one of {', '.join(STRANGER_SPLITS)}, not {split!r}")
    rng = random.Random(f"stranger/{split}/{index}")
    look = draw_look(rng)
    while _home_split(look) != split or any(look.distance(person.look) < 2 for person in KNOWN):
        look = draw_look(rng)
    return Person(f"stranger/{split}/{index}", look)


def _home_split(look: Look) -> str:
    """Every combination of traits belongs to one split, so that no test stranger was seen in training."""
    draw = random.Random("/".join((*look.traits(), look.nose))).random()
    return "train" if draw < 0.7 else "validation" if draw < 0.8 else "test" if draw < 0.9 else "steering"


def nobody(rng: random.Random) -> str:
    """A name whose words the models know but that belongs to nobody."""
    return f"{rng.choice(NOBODY_FIRST)} {rng.choice(NOBODY_LAST)}"
