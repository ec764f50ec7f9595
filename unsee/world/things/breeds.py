"""Breeds of the world: dogs that nobody has bred, standing on the bottom edge of the square, seen from the side."""

from __future__ import annotations

import io
from dataclasses import dataclass

import resvg_py
from PIL import Image

from unsee.world.looks import SIZE
from unsee.world.things.look import Look

TRAITS: dict[str, tuple[str, ...]] = {
    "colour": ("brown", "black", "white", "grey", "orange", "yellow", "blue"),
    "pattern": ("plain", "spotted", "striped", "patched", "masked"),
    "ears": ("pointed", "hanging", "round", "swept"),
    "tail": ("curled", "straight", "bushy", "short"),
    "build": ("tall", "long", "stout"),
}
DETAIL = "ears"
PLACES = ("meadow", "beach", "rug", "snow", "road", "forest")

_DARK, _LIGHT = "#2b2328", "#f7e8c8"
_LINE = 5
"""Width of a stroke of which half shows: the outline."""

# Lengths below are in units of a 96 by 96 square, whatever the size in pixels. The dog looks to the right.


@dataclass(frozen=True)
class _Build:
    left: float
    right: float
    top: float
    bottom: float
    """The trunk; its corners are round."""
    legs: tuple[float, ...]
    """The left side of each leg."""
    leg: float
    """Width of a leg."""
    head: tuple[float, float]
    """The middle of the head."""


_BUILDS = {
    "tall": _Build(left=20, right=68, top=41, bottom=63, legs=(21, 31, 51, 61), leg=7, head=(68, 30.5)),
    "long": _Build(left=16, right=78, top=58, bottom=83, legs=(18, 29, 56, 67), leg=9, head=(69, 45)),
    "stout": _Build(left=16, right=74, top=37, bottom=87, legs=(22, 35, 49, 62), leg=10, head=(69, 34)),
}  # fmt: skip

_TAILS = {
    "curled": '<path d="M3 6C-10 4-11-16 2-16C13-16 12-2 4-4" fill="none" stroke="{coat}" stroke-width="6.5"/>',
    "straight": '<path d="M5 7L-11-22" fill="none" stroke="{coat}" stroke-width="7"/>',
    "bushy": '<path d="M9 10C-18 14-19-12-12-30C0-26 16-12 11 3z"/>',
    "short": '<circle cx="-1" cy="3" r="6"/>',
}
"""By tail: its shape, where the back's end is at (0, 0)."""

_EARS = {
    "pointed": '<path d="M-15-6L-13-27L1-13z"/><path d="M0-13L9-27L13-7z"/>',
    "hanging": '<path d="M-11-13C-25-10-21 22-13 23C-4 24-1 3-1-9z"/>',
    "round": '<circle cx="-11" cy="-14" r="9.5"/><circle cx="10" cy="-15" r="8.5"/>',
    "swept": '<path d="M0-13C-12-24-26-22-38-14C-30-6-18 0-6-1z"/>',
}
"""By ears: their shape, where the middle of the head is at (0, 0)."""

_BEHIND_HEAD = ("pointed", "round")


def draw(look: Look, size: int = SIZE) -> Image.Image:
    """Draw the dog: RGBA, `size` by `size` pixels, transparent around it. The same look gives the same pixels."""
    build = _BUILDS[look["build"]]
    coat = look.colour(look["colour"])
    mark = _LIGHT if look["colour"] in ("brown", "black") else _DARK
    # A dark outline would swallow the ears and the legs of a black dog.
    outline = "#8f8c9c" if look["colour"] == "black" else "#23212b"
    face = mark if look["pattern"] == "masked" else coat
    x, y = build.head
    ears = (
        f'<g transform="translate({x} {y})" fill="{face}" stroke="{outline}" stroke-width="{_LINE / 2}">'
        f"{_EARS[look['ears']]}</g>"
    )
    behind = look["ears"] in _BEHIND_HEAD
    trunk, head = _trunk(build), _head(x, y)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" stroke-linejoin="round" stroke-linecap="round">'
        f'<clipPath id="trunk">{trunk}</clipPath>'
        f"{_tail(look['tail'], build, coat, outline)}{ears if behind else ''}"
        f"{_outlined(trunk, coat, outline)}"
        f'<g clip-path="url(#trunk)" fill="{mark}">{_pattern(look["pattern"], build)}</g>'
        f"{_outlined(head, face, outline)}{_face(x, y, face)}{'' if behind else ears}</svg>"
    )
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True)
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA")


def detail(look: Look) -> str:
    """What is answered when the detail is asked about: "pointed ears"."""
    return f"{look['ears']} ears"


def visible(look: Look) -> str:
    """What is to be seen, as a noun phrase: "a long brown spotted dog with pointed ears and a curled tail"."""
    dog = f"{look['build']} {look['colour']} {look['pattern']} dog"
    return f"a {dog} with {detail(look)} and a {look['tail']} tail"


def _outlined(shapes: str, fill: str, outline: str) -> str:
    """The shapes as one: first all of them wider in the outline's colour, then all of them over that."""
    return f'<g fill="{outline}" stroke="{outline}" stroke-width="{_LINE}">{shapes}</g><g fill="{fill}">{shapes}</g>'


def _trunk(build: _Build) -> str:
    width, height = build.right - build.left, build.bottom - build.top
    body = f'<rect x="{build.left}" y="{build.top}" width="{width}" height="{height}" rx="{min(height / 2, 24)}"/>'
    top = (build.top + build.bottom) / 2
    legs = "".join(f'<rect x="{x}" y="{top}" width="{build.leg}" height="{93.5 - top}" rx="3"/>' for x in build.legs)
    x, y = build.head
    neck = f'<path d="M{x - 12} {y}L{build.right - 22} {top}H{build.right - 2}L{x + 8} {y}z"/>'
    return body + legs + neck


def _head(x: float, y: float) -> str:
    return f'<circle cx="{x}" cy="{y}" r="14.5"/><rect x="{x}" y="{y - 3}" width="24" height="15" rx="7"/>'


def _face(x: float, y: float, fill: str) -> str:
    nose = "#f0a0a8" if sum(int(fill[i : i + 2], 16) for i in (1, 3, 5)) < 180 else "#23212b"
    return (
        f'<circle cx="{x + 5}" cy="{y - 4}" r="4.2" fill="#ffffff"/><circle cx="{x + 6}" cy="{y - 4}" r="2.4"/>'
        f'<ellipse cx="{x + 21.5}" cy="{y}" rx="4" ry="3.6" fill="{nose}"/>'
    )


def _tail(tail: str, build: _Build, coat: str, outline: str) -> str:
    shape = _TAILS[tail].format(coat=coat)
    if "stroke=" in shape:
        width = float(shape.split('stroke-width="')[1].split('"')[0])
        edge = shape.replace(f'stroke="{coat}"', f'stroke="{outline}"')
        drawn = edge.replace(f'stroke-width="{width:g}"', f'stroke-width="{width + _LINE:g}"') + shape
    else:
        drawn = _outlined(shape, coat, outline)
    return f'<g transform="translate({build.left + 3} {build.top + 6})">{drawn}</g>'


def _pattern(pattern: str, build: _Build) -> str:
    """What marks the trunk; a mask is the head's colour, so it leaves the trunk plain."""
    left, top, width, height = build.left, build.top, build.right - build.left, build.bottom - build.top
    if pattern == "spotted":
        shallow = ((0.12, 0.3), (0.36, 0.85), (0.58, 0.2), (0.83, 0.8))
        deep = ((0.1, 0.35), (0.34, 0.75), (0.42, 0.12), (0.62, 0.55), (0.88, 0.85), (0.13, 0.95))
        return "".join(
            f'<circle cx="{left + a * width}" cy="{top + b * height}" r="5.5"/>'
            for a, b in (deep if height > 30 else shallow)
        )
    if pattern == "striped":
        count = round(width / 13)
        step = width / count
        return "".join(
            f'<rect x="{left + (i + 0.25) * step}" y="{top - 5}" width="{step / 2}" height="100"/>'
            for i in range(count)
        )
    if pattern == "patched":
        return f'<ellipse cx="{left + width * 0.42}" cy="{top}" rx="{width * 0.34}" ry="{max(height * 0.72, 19)}"/>'
    return ""
