"""Altered views of a picture, instead of the further pictures that a request with a single picture lacks; two pictures
as one; a picture under noise."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from unsee.data.images import open_image

_TURN = math.radians(10)
_CLOSEST, _SCALE, _SHIFT, _LIGHT = 0.6, 0.2, 0.08, 0.25
_HUE = 40
"""Of 256."""


def view(picture: Image.Image, rng: random.Random) -> Image.Image:
    """An RGB copy of the same size, as another picture of the same might be: perhaps a part of it, mirrored, in other
    hues, with a patch of another colour; turned by up to 10 degrees, larger or smaller by up to a fifth, shifted by up
    to 8 %, lighter or darker, in weaker or stronger colours.

    Often the person can still be recognised, and often not, so ask the model. New areas at the edges have the colour of
    the upper left corner.
    """
    seen = open_image(picture).copy()
    if rng.random() < 0.5:
        seen = _closer(seen, rng)
    if rng.random() < 0.5:
        seen = ImageOps.mirror(seen)
    seen = _moved(seen, rng)
    for change in (ImageEnhance.Brightness, ImageEnhance.Color):
        seen = change(seen).enhance(rng.uniform(1 - _LIGHT, 1 + _LIGHT))
    if rng.random() < 0.5:
        seen = _in_other_hues(seen, rng)
    if rng.random() < 0.5:
        _cover(seen, rng)
    return seen


def _closer(seen: Image.Image, rng: random.Random) -> Image.Image:
    share = rng.uniform(_CLOSEST, 1)
    left, top = ((1 - share) * rng.random() * side for side in seen.size)
    box = (left, top, left + share * seen.width, top + share * seen.height)
    return seen.resize(seen.size, Image.Resampling.BICUBIC, box)


def _moved(seen: Image.Image, rng: random.Random) -> Image.Image:
    turn, scale = rng.uniform(-_TURN, _TURN), rng.uniform(1 - _SCALE, 1 + _SCALE)
    # The inverse, as Pillow wants it: where each pixel of the result comes from, about the middle.
    cos, sin = math.cos(turn) / scale, math.sin(turn) / scale
    x, y = seen.width / 2, seen.height / 2
    from_x = x + rng.uniform(-_SHIFT, _SHIFT) * seen.width
    from_y = y + rng.uniform(-_SHIFT, _SHIFT) * seen.height
    inverse = (cos, sin, from_x - cos * x - sin * y, -sin, cos, from_y + sin * x - cos * y)
    corner = seen.getpixel((0, 0))
    return seen.transform(seen.size, Image.Transform.AFFINE, inverse, Image.Resampling.BICUBIC, fillcolor=corner)


def _in_other_hues(seen: Image.Image, rng: random.Random) -> Image.Image:
    hue, saturation, value = seen.convert("HSV").split()
    by = rng.randint(-_HUE, _HUE)
    return Image.merge("HSV", (hue.point(lambda at: (at + by) % 256), saturation, value)).convert("RGB")


def _cover(seen: Image.Image, rng: random.Random) -> None:
    """A patch of a sixth to a half of either side: clothes and surroundings change from picture to picture."""
    width, height = (rng.uniform(1 / 6, 1 / 2) * side for side in seen.size)
    left, top = rng.uniform(0, seen.width - width), rng.uniform(0, seen.height - height)
    colour = (rng.randrange(256), rng.randrange(256), rng.randrange(256))
    ImageDraw.Draw(seen).rectangle((left, top, left + width, top + height), fill=colour)


_SHRUNK = 0.75
"""How large one is in a picture of two, so that its middle fits into half of the width."""


def side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    """One RGB picture of the left one's size: the middle of each, at three quarters of its size, next to the other, at
    the bottom, on the colour of the left one's upper left corner."""
    first, second = open_image(left), open_image(right).resize(open_image(left).size, Image.Resampling.BICUBIC)
    width, height = first.size
    whole = Image.new("RGB", first.size, first.getpixel((0, 0)))
    shown, half = (round(_SHRUNK * width), round(_SHRUNK * height)), width // 2
    inset = (shown[0] - half) // 2
    for picture, x in ((first, 0), (second, width - half)):
        column = picture.resize(shown, Image.Resampling.BICUBIC).crop((inset, 0, inset + half, shown[1]))
        whole.paste(column, (x, height - shown[1]))
    return whole


def noised(picture: Image.Image, share: float, rng: random.Random) -> Image.Image:
    """An RGB copy of the same size, a `share` of it noise, from 0 to 1: every channel of every pixel drawn evenly."""
    seen = open_image(picture)
    noise = Image.frombytes("RGB", seen.size, rng.randbytes(3 * seen.width * seen.height))
    return Image.blend(seen, noise, share)
