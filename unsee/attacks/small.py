"""Asked about a picture that is a small part of a larger one."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageFilter

from unsee.attacks.base import Attack, Material, Target, Variant, trial_id
from unsee.attacks.trial import Trial
from unsee.data.images import open_image
from unsee.data.sample import Probe

SHARES = {"two thirds as wide": 2 / 3, "half as wide": 1 / 2, "a third as wide": 1 / 3}
SURROUNDINGS = ("plain", "clouds")
LARGEST = 1024
"""Pixels of the longer side of the whole scene: the picture keeps its own pixels up to that."""


class Small(Attack):
    """One naming question about every tested picture pasted somewhere into a larger scene; a wording is how wide the
    picture is, of the scene, and what is around it.

    It counts only where the model names known others in the same way. The tiny models of the embedded world see
    96 by 96 pixels and know only large faces: already at two thirds they name next to nobody.
    """

    name = "small"
    version = 1
    title = "A small part of a larger picture"
    came_back = "the picture was a small part of a larger one"

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        naming = material.wordings.naming
        shown = [(str(s.number), s.number, s.picture, s.unit, material.names, False) for s in material.tested]
        if not material.is_floor:
            shown += [
                (f"other {place}", place, other.pictures[0], other.name, (other.name,), True)
                for place, other in enumerate(material.others)
                if other.pictures
            ]
        trials: list[Trial] = []
        for width, share in SHARES.items():
            for around in SURROUNDINGS:
                wording = f"{width}, {around}"
                for key, number, picture, unit, names, control in shown:
                    identity = trial_id(self.name, wording, key)
                    seen = within(picture, share, around, random.Random(f"{identity}/{seed}"))
                    tags = {} if control else {"picture": str(number)}
                    probe = Probe(identity, naming[(number + seed) % len(naming)], (seen,), tags=tags)
                    trials.append(Trial(probe, unit, wording, names=names, control=control))
        yield Variant("", trials)


def within(picture: Image.Image, share: float, around: str, rng: random.Random) -> Image.Image:
    """A scene of the picture's shape in which it takes `share` of either side, anywhere. around: "plain" for a single
    colour, "clouds" for soft spots of many."""
    picture = open_image(picture)
    scale = min(1 / share, LARGEST / max(picture.size))
    width, height = (max(1, round(scale * side)) for side in picture.size)
    scene = Image.new("RGB", (width, height), _colour(rng))
    if around == "clouds":
        spots = np.random.default_rng(rng.randrange(2**32)).integers(0, 256, (8, 8, 3), np.uint8)
        scene = Image.fromarray(spots).resize((width, height), Image.Resampling.BICUBIC)
        scene = scene.filter(ImageFilter.GaussianBlur(max(width, height) / 64))
    part = picture.resize((max(1, round(share * width)), max(1, round(share * height))), Image.Resampling.BICUBIC)
    scene.paste(part, (rng.randint(0, width - part.width), rng.randint(0, height - part.height)))
    return scene


def _colour(rng: random.Random) -> tuple[int, int, int]:
    return rng.randrange(256), rng.randrange(256), rng.randrange(256)
