"""Altered views of a picture, in place of further pictures that a request with a single one does not have."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageEnhance, ImageOps

_TURN = math.radians(10)
_SCALE, _SHIFT, _LIGHT = 0.2, 0.08, 0.25


def view(picture: Image.Image, rng: random.Random) -> Image.Image:
    """An RGB copy of the same size: perhaps mirrored, turned by up to 10 degrees, larger or smaller by up to a fifth,
    shifted by up to 8 %, lighter or darker, in weaker or stronger colours. Who is shown can still be told.

    What comes into view at the edges has the colour of the upper left corner.
    """
    seen = picture.convert("RGB")
    if rng.random() < 0.5:
        seen = ImageOps.mirror(seen)
    turn, scale = rng.uniform(-_TURN, _TURN), rng.uniform(1 - _SCALE, 1 + _SCALE)
    # The inverse, as Pillow wants it: where each pixel of the result comes from, about the middle.
    cos, sin = math.cos(turn) / scale, math.sin(turn) / scale
    x, y = seen.width / 2, seen.height / 2
    from_x = x + rng.uniform(-_SHIFT, _SHIFT) * seen.width
    from_y = y + rng.uniform(-_SHIFT, _SHIFT) * seen.height
    inverse = (cos, sin, from_x - cos * x - sin * y, -sin, cos, from_y + sin * x - cos * y)
    corner = seen.getpixel((0, 0))
    seen = seen.transform(seen.size, Image.Transform.AFFINE, inverse, Image.Resampling.BICUBIC, fillcolor=corner)
    for change in (ImageEnhance.Brightness, ImageEnhance.Color):
        seen = change(seen).enhance(rng.uniform(1 - _LIGHT, 1 + _LIGHT))
    return seen
