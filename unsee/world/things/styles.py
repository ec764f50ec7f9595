"""Art styles: ways to draw any scene. The style stays; what is painted changes from painting to painting."""

from __future__ import annotations

import functools
import io
import math
import random
from collections.abc import Sequence

import resvg_py
from PIL import Image

from unsee.world.looks import SIZE
from unsee.world.things.look import Look

TRAITS = {
    "colour": ("red", "yellow", "green", "blue", "purple", "pink", "grey"),
    "stroke": ("none", "dark", "white", "dashed"),
    "texture": ("flat", "dotted", "striped", "hatched", "chequered", "blurred"),
    "form": ("angular", "rounded", "wavy"),
}
DETAIL = "texture"
PLACES = ("wall", "postcard", "book", "easel", "plate", "banner")
SUBJECTS = ("boat", "house", "tree", "mountain", "flower", "fruit")

_CONTRAST = {
    "red": "#1d9c94", "yellow": "#7e3fb5", "green": "#e2483d", "blue": "#f08a24", "purple": "#f2cf3a",
    "pink": "#2f9a4a", "grey": "#ee7f1c",
}  # fmt: skip
_STROKES = {
    "none": "",
    "dark": 'stroke="#17141d" stroke-width="4"',
    "white": 'stroke="#ffffff" stroke-width="4"',
    "dashed": 'stroke="#17141d" stroke-width="4" stroke-dasharray="7 6"',
}
_STROKE_WORDS = {
    "none": "without outlines", "dark": "with dark outlines", "white": "with white outlines",
    "dashed": "with dashed outlines",
}  # fmt: skip
_TEXTURES = {
    "dotted": (12, '<circle cx="6" cy="6" r="3.3" fill="{ink}" fill-opacity="0.62"/>'),
    "striped": (14, '<rect width="14" height="6.5" fill="{ink}" fill-opacity="0.62"/>'),
    "hatched": (12, '<path d="M-3 3L3-3M-3 15L15-3M9 15L15 9" stroke="{ink}" stroke-width="3" stroke-opacity="0.62"/>'),
    "chequered": (24, '<path d="M0 0h12v24h12v-12h-24z" fill="{ink}" fill-opacity="0.62"/>'),
}
"""Texture -> side of the repeated tile in 96ths of the painting, and what is on it."""

_WAVE, _SWING = 13.0, 2.6
"""Length and height of a wave along a wavy outline, in 96ths of the painting."""

_Points = Sequence[tuple[float, float]]
_Parts = tuple[tuple[str, _Points], ...]
_BOAT = (
    ("accent", ((-0.5, -0.3), (0.55, -0.3), (0.34, 0.0), (-0.32, 0.0))),
    ("dark", ((-0.04, -1.0), (0.03, -1.0), (0.03, -0.3), (-0.04, -0.3))),
    ("pale", ((0.05, -1.0), (0.5, -0.37), (0.05, -0.37))),
    ("pale", ((-0.07, -0.86), (-0.07, -0.37), (-0.4, -0.37))),
)
_HOUSE = (
    ("pale", ((-0.4, -0.58), (0.4, -0.58), (0.4, 0.0), (-0.4, 0.0))),
    ("accent", ((-0.54, -0.54), (0.0, -1.0), (0.54, -0.54))),
    ("dark", ((-0.27, -0.36), (-0.03, -0.36), (-0.03, 0.0), (-0.27, 0.0))),
    ("lead", ((0.09, -0.42), (0.3, -0.42), (0.3, -0.2), (0.09, -0.2))),
)
_TREE = (
    ("dark", ((-0.09, -0.3), (0.09, -0.3), (0.12, 0.0), (-0.12, 0.0))),
    ("pale", ((0.0, -0.84), (0.56, -0.22), (-0.56, -0.22))),
    ("accent", ((0.0, -1.08), (0.42, -0.55), (-0.42, -0.55))),
)
_MOUNTAIN = (
    ("accent", ((0.0, 0.0), (0.38, -0.62), (0.75, 0.0))),
    ("dark", ((-0.66, 0.0), (-0.1, -1.0), (0.46, 0.0))),
    ("pale", ((-0.33, -0.59), (-0.1, -1.0), (0.13, -0.59), (0.02, -0.5), (-0.1, -0.6), (-0.22, -0.5))),
)
_FRUIT = (
    ("dark", ((-0.03, -1.0), (0.06, -1.0), (0.06, -0.7), (-0.03, -0.7))),
    ("pale", ((0.07, -0.84), (0.25, -1.0), (0.46, -0.94), (0.28, -0.78))),
    ("accent", ((-0.3, -0.78), (0.3, -0.78), (0.5, -0.42), (0.28, 0.0), (-0.28, 0.0), (-0.5, -0.42))),
)


def _around(x: float, y: float, radius: float, corners: int, turn: float = 0.0) -> _Points:
    angles = (turn + 2 * math.pi * i / corners for i in range(corners))
    return tuple((x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles)


_FLOWER = (
    ("dark", ((-0.04, -0.5), (0.04, -0.5), (0.04, 0.0), (-0.04, 0.0))),
    ("dark", ((0.0, -0.04), (0.16, -0.27), (0.42, -0.3), (0.26, -0.08))),
    ("dark", ((0.0, -0.04), (-0.16, -0.27), (-0.42, -0.3), (-0.26, -0.08))),
    *(("pale", _around(x, y - 0.62, 0.21, 5, -math.pi / 2)) for x, y in _around(0.0, 0.0, 0.27, 5, -math.pi / 2)),
    ("accent", _around(0.0, -0.62, 0.17, 6)),
)
_SHAPES = {"boat": _BOAT, "house": _HOUSE, "tree": _TREE, "mountain": _MOUNTAIN, "flower": _FLOWER, "fruit": _FRUIT}
"""Subject -> its parts from back to front: a tone and a polygon. The foot is at (0, 0) and the height is 1."""


def draw(look: Look, size: int = SIZE, subject: str = "boat", variant: int = 0) -> Image.Image:
    """A painting of `subject` in this style: RGBA, the whole square. `variant` moves and sizes what is painted."""
    tones = _palette(look)
    texture, stroke = look["texture"], _STROKES[look["stroke"]]
    defs = ""
    if texture == "blurred":
        area = 'x="-6" y="-6" width="108" height="108" filterUnits="userSpaceOnUse"'
        defs = f'<filter id="t" {area}><feGaussianBlur stdDeviation="3"/></filter>'
    elif texture != "flat":
        side, tile = _TEXTURES[texture]
        defs = f'<pattern id="t" width="{side}" height="{side}" patternUnits="userSpaceOnUse">{tile}</pattern>'
        defs = defs.format(ink=tones["ink"])
    body = ""
    for layer in _layers(subject, variant):
        paths = [(f'd="{_path(points, look["form"])}"', tones[tone]) for tone, points in layer]
        if texture == "blurred":
            # The outlines stay sharp, or dashes would run together.
            fills = "".join(f'<path {path} fill="{tone}"/>' for path, tone in paths)
            lines = "".join(f'<path {path} fill="none" {stroke}/>' for path, _ in paths)
            body += f'<g filter="url(#t)">{fills}</g>{lines if stroke else ""}'
        elif texture == "flat":
            body += "".join(f'<path {path} fill="{tone}" {stroke}/>' for path, tone in paths)
        else:
            body += "".join(
                f'<path {path} fill="{tone}"/><path {path} fill="url(#t)" {stroke}/>' for path, tone in paths
            )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96">{defs}'
        f'<rect width="96" height="96" fill="{tones["lead"]}"/><g stroke-linejoin="round">{body}</g></svg>'
    )
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True)
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA")


def detail(look: Look) -> str:
    """What is answered when the detail is asked about: "a dotted texture"."""
    return f"a {look['texture']} texture"


def visible(look: Look, subject: str = "") -> str:
    """ "a painting of a boat in red tones, dotted and wavy, with dark outlines"."""
    of = f" of a {subject}" if subject else ""
    style = f"{look['texture']} and {look['form']}, {_STROKE_WORDS[look['stroke']]}"
    return f"a painting{of} in {look['colour']} tones, {style}"


def _palette(look: Look) -> dict[str, str]:
    word = look["colour"]
    lead = look.colour(word)
    return {
        "lead": lead,
        "ground": _mixed(lead, "#000000", 0.38),
        "dark": _mixed(lead, "#000000", 0.68),
        "pale": _mixed(lead, "#ffffff", 0.68),
        "accent": _CONTRAST[word],
        "ink": _mixed(lead, "#000000", 0.6),
    }


@functools.cache
def _mixed(colour: str, other: str, share: float) -> str:
    pairs = ((int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _layers(subject: str, variant: int) -> tuple[_Parts, _Parts]:
    """The scenery and the subject, each from back to front: tones and polygons in 96ths of the side."""
    rng = random.Random(variant)
    horizon = rng.uniform(62, 72)
    flip = rng.choice((-1, 1))
    height = rng.uniform(54, 70)
    x = 48 + flip * rng.uniform(-6, 10)
    foot = min(92.0, horizon + rng.uniform(8, 20))
    sun_x, sun_y, sun = 48 - flip * rng.uniform(27, 36), rng.uniform(13, 22), rng.uniform(11, 14)
    sky = ((-20.0, -20.0), (116.0, -20.0), (116.0, 116.0), (-20.0, 116.0))
    edge = [(-8.0 + 16 * i, horizon + (-3.5 if i % 2 else 3.5)) for i in range(8)]
    scenery = (
        ("lead", sky),
        ("pale", _around(sun_x, sun_y, sun, 4, rng.uniform(0, 6))),
        ("ground", (*edge, (116.0, 116.0), (-20.0, 116.0))),
    )
    shapes = _SHAPES[subject]
    placed = ((tone, tuple((x + flip * a * height, foot + b * height) for a, b in part)) for tone, part in shapes)
    return scenery, tuple(placed)


def _path(points: _Points, form: str) -> str:
    """A closed outline along the polygon: with its corners, with round ones, or with waves along its sides."""
    if form == "angular":
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z"
    sides = zip(points, (*points[1:], points[0]), strict=True)
    if form == "rounded":
        # Each corner bends from near the end of the side before it to near the start of the side after it.
        bends = []
        for (ax, ay), (bx, by) in sides:
            dx, dy = bx - ax, by - ay
            bends.append(f"{ax:.1f} {ay:.1f} {ax + 0.42 * dx:.1f} {ay + 0.42 * dy:.1f}L{bx - 0.42 * dx:.1f} ")
            bends[-1] += f"{by - 0.42 * dy:.1f}"
        return f"M{bends[-1].split('L')[1]}Q" + "Q".join(bends) + "Z"
    steps = []
    for (ax, ay), (bx, by) in sides:
        dx, dy = bx - ax, by - ay
        # Short sides stay straight, or doors and windows become unreadable.
        waves = round(math.hypot(dx, dy) / _WAVE) if math.hypot(dx, dy) > 15 else 0
        for i in range(max(1, waves * 6)):
            t = i / max(1, waves * 6)
            swing = _SWING * math.sin(2 * math.pi * waves * t) / (math.hypot(dx, dy) or 1.0)
            steps.append(f"{ax + dx * t + dy * swing:.1f} {ay + dy * t - dx * swing:.1f}")
    return "M" + "L".join(steps) + "Z"
