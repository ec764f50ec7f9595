"""Buildings of the world: seen from the front, with their feet on the bottom edge of the square."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import resvg_py
from PIL import Image

from unsee.world.looks import SIZE
from unsee.world.things.look import Look

TRAITS: dict[str, tuple[str, ...]] = {
    "colour": ("red", "orange", "yellow", "green", "blue", "purple", "white"),
    "roof": ("dome", "spire", "flat", "gable", "battlements", "onion", "slanted"),
    "body": ("tall", "wide", "stepped", "twin-towered", "leaning"),
    "windows": ("round", "square", "arched", "narrow", "diamond"),
}
DETAIL = "roof"
PLACES = ("river", "park", "hill", "street", "sea", "desert")

_ROOF_PHRASES = {
    "dome": "a dome", "spire": "a spire", "flat": "a flat roof", "gable": "a gable", "battlements": "battlements",
    "onion": "an onion roof", "slanted": "a slanted roof",
}  # fmt: skip
_OUTLINE = "#23212b"
_ROOF = "#545068"
_GLASS = "#20253f"
_FRAME = "#fffdf5"

# Lengths below are in units of a 96 by 96 square, whatever the size in pixels.


@dataclass(frozen=True)
class _Body:
    walls: tuple[tuple[float, float, float], ...]
    """(left, right, top) of each block; all of them reach the ground. Later ones hide earlier ones."""
    roofs: tuple[tuple[float, float, float, float], ...]
    """(left, right, foot, height) of each roof."""
    windows: tuple[tuple[float, float], ...]
    """The middle of each window."""
    door: float | None = None
    """The middle of the door."""
    lean: float = 0
    """Degrees that the whole leans to the right."""


_BODIES = {
    "tall": _Body(
        walls=((25, 71, 32),), roofs=((25, 71, 32, 29),), windows=((37, 48), (59, 48), (37, 77), (59, 77)),
    ),
    "wide": _Body(
        walls=((5, 91, 50),), roofs=((5, 91, 50, 43),), windows=((17, 73), (37.7, 73), (58.3, 73), (79, 73)),
    ),
    "stepped": _Body(
        walls=((25, 71, 35), (5, 91, 65)), roofs=((25, 71, 35, 32),),
        windows=((37, 50), (59, 50), (20, 81), (76, 81)), door=48,
    ),
    "twin-towered": _Body(
        walls=((30, 66, 62), (5, 35, 31), (61, 91, 31)), roofs=((5, 35, 31, 27), (61, 91, 31, 27)),
        windows=((20, 47), (20, 76), (76, 47), (76, 76)), door=48,
    ),
    "leaning": _Body(
        walls=((5, 51, 32),), roofs=((5, 51, 32, 29),), windows=((17, 48), (39, 48), (17, 77), (39, 77)), lean=20,
    ),
}  # fmt: skip


def draw(look: Look, size: int = SIZE) -> Image.Image:
    """Draw the building: RGBA, `size` by `size` pixels, transparent around it. The same look gives the same pixels."""
    body = _BODIES[look["body"]]
    # The ground is the bottom edge, so the walls end below it: no line closes them there.
    walls = "".join(
        f'<rect x="{left}" y="{top}" width="{right - left}" height="{110 - top}"/>' for left, right, top in body.walls
    )
    roofs = "".join(_ROOFS[look["roof"]](*roof) for roof in body.roofs)
    # Upright windows on a leaning wall keep the shape that they are known by.
    windows = "".join(
        f'<g transform="translate({x} {y}) skewX({body.lean})">{_WINDOWS[look["windows"]]}</g>' for x, y in body.windows
    )
    frame = _OUTLINE if look["colour"] == "white" else _FRAME
    door = "" if body.door is None else f'<path d="M{body.door - 6} 100V81a6 6 0 0 1 12 0v19z" fill="{_GLASS}"/>'
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96">'
        f'<g transform="translate(0 96) skewX({-body.lean}) translate(0 -96)" stroke="{_OUTLINE}"'
        f' stroke-width="2.5" stroke-linejoin="round">'
        f'<g fill="{_ROOF}">{roofs}</g><g fill="{look.colour(look["colour"])}">{walls}</g>'
        f'<g fill="{_GLASS}" stroke="{frame}" stroke-width="2">{windows}</g>{door}</g></svg>'
    )
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True)
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA")


def detail(look: Look) -> str:
    """What is answered when the detail is asked about: "a dome"."""
    return _ROOF_PHRASES[look["roof"]]


def visible(look: Look) -> str:
    """What is to be seen, as a noun phrase: "a tall red building with a dome and round windows"."""
    article = "an" if look["body"][0] in "aeiou" else "a"
    return f"{article} {look['body']} {look['colour']} building with {detail(look)} and {look['windows']} windows"


_Shape = Callable[[float, float, float, float], str]


def _dome(left: float, right: float, foot: float, height: float) -> str:
    # A half circle where there is room for one; a wide building has a flatter dome.
    radius = (right - left) / 2 - 1
    rise = min(radius * 1.1, height)
    return f'<path d="M{left + 1} {foot}a{radius} {rise} 0 0 1 {2 * radius} 0z"/>'


def _spire(left: float, right: float, foot: float, height: float) -> str:
    middle, half = (left + right) / 2, min(9, (right - left) / 3)
    return f'<path d="M{middle - half} {foot}L{middle} {foot - height}L{middle + half} {foot}z"/>'


def _flat(left: float, right: float, foot: float, height: float) -> str:
    return f'<rect x="{left - 3}" y="{foot - 7}" width="{right - left + 6}" height="10"/>'


def _gable(left: float, right: float, foot: float, height: float) -> str:
    # The eaves stick out, and the ridge is lower than a spire's point.
    middle, rise = (left + right) / 2, min(height * 0.9, (right - left) * 0.6)
    return f'<path d="M{left - 3} {foot}L{middle} {foot - rise}L{right + 3} {foot}z"/>'


def _battlements(left: float, right: float, foot: float, height: float) -> str:
    count = 2 if right - left < 40 else 3 if right - left < 60 else 5
    pitch = (right - left) / (2 * count - 1)
    teeth = "".join(f"v-13h{pitch}v13h{pitch}" for _ in range(count - 1)) + f"v-13h{pitch}v13"
    return f'<path d="M{left} {foot + 1}v-6{teeth}v6z"/>'


def _onion(left: float, right: float, foot: float, height: float) -> str:
    x, w, h = (left + right) / 2, min(right - left, 46) / 2, height
    bulb = f"C{x - w * 1.35} {foot - h * 0.35} {x - w * 0.9} {foot - h * 0.62} {x - w * 0.3} {foot - h * 0.76}"
    back = f"C{x + w * 0.9} {foot - h * 0.62} {x + w * 1.35} {foot - h * 0.35} {x + w * 0.45} {foot}"
    tip = f"L{x} {foot - h}L{x + w * 0.3} {foot - h * 0.76}"
    return f'<path d="M{x - w * 0.45} {foot}{bulb}{tip}{back}z"/>'


def _slanted(left: float, right: float, foot: float, height: float) -> str:
    return f'<path d="M{left - 2} {foot}V{foot - height * 0.9}L{right + 2} {foot - 3}V{foot}z"/>'


_ROOFS: dict[str, _Shape] = {
    "dome": _dome, "spire": _spire, "flat": _flat, "gable": _gable, "battlements": _battlements, "onion": _onion,
    "slanted": _slanted,
}  # fmt: skip

_WINDOWS = {
    "round": '<circle r="8.5"/>',
    "square": '<rect x="-8" y="-8" width="16" height="16"/>',
    "arched": '<path d="M-7 12V-5a7 7 0 0 1 14 0V12z"/>',
    "narrow": '<rect x="-3" y="-12" width="6" height="24"/>',
    "diamond": '<path d="M0-12L10 0L0 12L-10 0z"/>',
}
