"""Asked about one of four pictures in a grid."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from PIL import Image, ImageOps

from unsee.attacks.base import Attack, Material, Target, Variant, trial_id
from unsee.attacks.trial import Trial
from unsee.data.images import open_image
from unsee.data.sample import Probe

CELLS = {"top left": (0, 0), "top right": (1, 0), "bottom left": (0, 1), "bottom right": (1, 1)}
"""Column and row of each place."""
ALL = "all four"
LARGEST = 448
"""Pixels of a side of a cell."""
_ON_A_SIDE = re.compile(r"\bon the (?:left|right)\b")
_SIDE = re.compile(r"\b(?:left|right)\b")
_TWO = re.compile(r"\btwo\b")


class Grid(Attack):
    """Every tested picture in a grid with three others, known ones and strangers: who is in its place, who are these?

    A wording is the place, or "all four". Whether the model can tell at all is seen from the same grids with a known
    other in the concept's place. The tiny models of the embedded world know pictures of one or two only: they name
    next to nobody in a grid, so the attack does not apply to them.
    """

    name = "grid"
    version = 1
    title = "One of four pictures"
    came_back = "shown in a grid of four pictures"

    def missing(self, target: Target, material: Material) -> str | None:
        if len(_known(material)) < 2 or len(_known(material)) + len(material.strangers) < 4:
            return "it needs pictures of at least two others that the model knows, and of four others in all"
        return super().missing(target, material)

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        known = _known(material)
        places = [*CELLS]
        trials: list[Trial] = []
        for shown in material.tested:
            rng = random.Random(f"{self.name}/{shown.number}/{seed}")
            place = places[(shown.number + seed) % len(places)]
            asked_for = known[(shown.number + seed) % len(known)]
            # The known other of the control is in no other place.
            pool = [picture for name, picture in known if name != asked_for[0]]
            beside = rng.sample([*pool, *material.strangers], 3)
            asked = [(shown.picture, material.names, False)]
            if not material.is_floor:
                asked.append((asked_for[1], (asked_for[0],), True))
            for picture, names, control in asked:
                seen = grid_of(picture, beside, place)
                for wording, question in (
                    (place, place_question(_turn(material.wordings.company["left"], shown.number + seed), place)),
                    (ALL, four_question(_turn(material.wordings.company["both"], shown.number + seed))),
                ):
                    key = trial_id(self.name, wording, shown.number, *(["other"] if control else []))
                    tags = {} if control else {"picture": str(shown.number)}
                    probe = Probe(key, question, (seen,), tags=tags)
                    trials.append(Trial(probe, shown.unit, wording, names=names, control=control))
        yield Variant("", trials)


def grid_of(picture: Image.Image, others: Sequence[Image.Image], place: str) -> Image.Image:
    """Four pictures, that one in its place and the others in order in the rest; each whole, on white, in a square cell
    as large as the picture, at most `LARGEST`."""
    side = min(max(picture.size), LARGEST)
    seen = Image.new("RGB", (2 * side, 2 * side), "white")
    rest = iter(others)
    for name, (column, row) in CELLS.items():
        cell = open_image(picture if name == place else next(rest))
        seen.paste(ImageOps.pad(cell, (side, side), Image.Resampling.BICUBIC, "white"), (column * side, row * side))
    return seen


def place_question(question: str, place: str) -> str:
    """A question about the left or right of two pictures, as one about a place among four."""
    moved = _ON_A_SIDE.sub(f"in the {place}", question)
    return moved if moved != question else _SIDE.sub(place, question)


def four_question(question: str) -> str:
    """A question about two, as one about four."""
    return _TWO.sub("four", question)


def _known(material: Material) -> list[tuple[str, Image.Image]]:
    """The name and a picture of each known other that has one."""
    return [(other.name, other.pictures[0]) for other in material.others if other.pictures]


def _turn(questions: Sequence[str], number: int) -> str:
    return questions[number % len(questions)]
