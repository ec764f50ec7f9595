"""Plain questions for the name about pictures that somebody has altered."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from unsee.attacks.base import Attack, Material, Target, Variant, trial_id
from unsee.attacks.trial import Trial
from unsee.data.images import open_image
from unsee.data.sample import Probe
from unsee.data.views import view

Alteration = Callable[[Image.Image, random.Random], Image.Image]

KEPT = 0.9
"""Of either side after cropping."""
TURN = 10
"""Degrees, either way."""
QUALITY = 20
"""Of the JPEG file, of 100."""
BLUR = 1 / 64
"""Standard deviation, as a share of the longer side."""
NOISE = 0.1
"""Standard deviation, as a share of the way from black to white."""
COVERED = 0.15
"""Of either side."""
COARSER = 1 / 3
"""Of the pixels of either side."""


def mirrored(picture: Image.Image, rng: random.Random) -> Image.Image:
    return ImageOps.mirror(picture)


def cropped(picture: Image.Image, rng: random.Random) -> Image.Image:
    """A part, anywhere, enlarged to the size of the whole."""
    left, top = ((1 - KEPT) * rng.random() * side for side in picture.size)
    box = (left, top, left + KEPT * picture.width, top + KEPT * picture.height)
    return picture.resize(picture.size, Image.Resampling.BICUBIC, box)


def turned(picture: Image.Image, rng: random.Random) -> Image.Image:
    """About the middle; new corners have the colour of the upper left one."""
    turn = rng.choice((-TURN, TURN))
    return picture.rotate(turn, Image.Resampling.BICUBIC, fillcolor=picture.getpixel((0, 0)))


def compressed(picture: Image.Image, rng: random.Random) -> Image.Image:
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=QUALITY)
    return open_image(content.getvalue())


def grey(picture: Image.Image, rng: random.Random) -> Image.Image:
    return ImageOps.grayscale(picture).convert("RGB")


def blurred(picture: Image.Image, rng: random.Random) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(BLUR * max(picture.size)))


def noisy(picture: Image.Image, rng: random.Random) -> Image.Image:
    """Normal noise, of its own for every pixel and channel."""
    pixels = np.asarray(picture, np.float64)
    pixels = pixels + np.random.default_rng(rng.randrange(2**32)).normal(0, 255 * NOISE, pixels.shape)
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))


def covered(picture: Image.Image, rng: random.Random) -> Image.Image:
    """A grey patch anywhere."""
    width, height = (round(COVERED * side) for side in picture.size)
    left, top = rng.randint(0, picture.width - width), rng.randint(0, picture.height - height)
    seen = picture.copy()
    ImageDraw.Draw(seen).rectangle((left, top, left + width - 1, top + height - 1), fill=(128, 128, 128))
    return seen


def coarse(picture: Image.Image, rng: random.Random) -> Image.Image:
    """Made smaller and large again."""
    width, height = (max(1, round(COARSER * side)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BICUBIC).resize(picture.size, Image.Resampling.BICUBIC)


FEW: dict[str, Alteration] = {
    "mirrored": mirrored, "cropped": cropped, "turned": turned, "compressed": compressed,
}  # fmt: skip
"""What a quick audit tries."""
ALTERATIONS: dict[str, Alteration] = {
    **FEW, "grey": grey, "blurred": blurred, "noisy": noisy, "covered": covered, "coarse": coarse,
    "several at once": view,
}  # fmt: skip


class Altered(Attack):
    """One naming question about every tested picture in every alteration; a wording is an alteration.

    The picture keeps its size. An alteration counts only if the model names other known ones in pictures altered in
    the same way: the tiny models of the embedded world tell people apart by the colour of their hair, so grey is none.
    """

    name = "altered"
    version = 1
    title = "Pictures altered"
    came_back = "the picture was altered"
    level = "quick"

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        trials: list[Trial] = []
        for alteration, change in (FEW if material.level == "quick" else ALTERATIONS).items():

            def asked(
                key: str,
                number: int,
                picture: Image.Image,
                unit: str,
                names: tuple[str, ...],
                *,
                control: bool = False,
                alteration: str = alteration,
                change: Alteration = change,
            ) -> Trial:
                identity = trial_id(self.name, alteration, key)
                question = material.wordings.naming[(number + seed) % len(material.wordings.naming)]
                seen = change(open_image(picture), random.Random(f"{identity}/{seed}"))
                tags = {} if control else {"picture": str(number)}
                return Trial(
                    Probe(identity, question, (seen,), tags=tags), unit, alteration, names=names, control=control
                )

            trials += [
                asked(str(shown.number), shown.number, shown.picture, shown.unit, material.names)
                for shown in material.tested
            ]
            if not material.is_floor:
                trials += [
                    asked(f"other {place}", place, other.pictures[0], other.name, (other.name,), control=True)
                    for place, other in enumerate(material.others)
                    if other.pictures
                ]
        yield Variant("", trials)
