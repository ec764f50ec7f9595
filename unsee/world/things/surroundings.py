"""Where a thing is shown and how the picture of it is taken: what changes from picture to picture.

Lengths are in 96ths of the picture's side, so that they are pixels at the usual size.
"""

from __future__ import annotations

import functools
import io
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import resvg_py
from PIL import Image, ImageDraw

from unsee.world.looks import SIZE

BACKGROUNDS = {
    "blue": "#a3d0f5", "green": "#aee2a8", "yellow": "#fbec98", "pink": "#f9bfd4", "purple": "#c9aeef",
    "grey": "#ced1d6", "orange": "#fbbf80",
}  # fmt: skip
COVERS = ("leaf", "hand", "sticker")
COVER_COLOURS = ("#cbbba0", "#9a938b", "#66625f", "#e6e0d6")
SIDES = ("left", "right", "top", "bottom")

_LINE = 'stroke="#4b4752" stroke-width="2" stroke-linejoin="round"'
_WOOD = 'stroke="#4f3621" stroke-width="1.5" fill="#9b6a3d"'
_TREE = '<rect x="-2" y="-10" width="4" height="10" fill="#7a5230"/><circle cy="-18" r="10" fill="#3d9445"/>'
_FIR = (
    '<path d="M-2.5 0V-12h5V0z" fill="#5a3d25"/><path d="M0-62L9-40H5L12-22H7L13-6H-13L-7-22H-12L-5-40H-9z" '
    'fill="#1f5c38"/>'
)
_CACTUS = (
    '<path d="M0 0V-30M0-10H-6V-20M0-14H6V-24" fill="none" stroke="#3f8f4c" stroke-width="5" stroke-linecap="round"/>'
)
_FLAKES = "".join(
    f'<circle cx="{x}" cy="{y}" r="2.6" fill="#fff"/>'
    for x, y in ((6, 8), (22, 18), (8, 32), (40, 6), (62, 12), (80, 6), (90, 22), (76, 32), (92, 44), (4, 52))
)
_PETALS = "".join(
    f'<g transform="translate({x} {y})"><path d="M-2.6 0H2.6M0-2.6V2.6" stroke="{colour}" stroke-width="3.4" '
    'stroke-linecap="round"/><circle r="1.3" fill="#fff6b0"/></g>'
    for x, y, colour in (
        (6, 70, "#e5399a"), (17, 91, "#fff"), (5, 86, "#f5c518"), (30, 88, "#e5399a"), (45, 92, "#f5c518"),
        (58, 88, "#fff"), (71, 91, "#e5399a"), (82, 87, "#f5c518"), (91, 91, "#fff"), (90, 71, "#e5399a"),
        (20, 73, "#f5c518"), (77, 76, "#fff"),
    )
)  # fmt: skip
_WAVES = "".join(
    f'<path d="M{x} {y}q4-4 8 0t8 0" fill="none" stroke="#fff" stroke-width="2"/>'
    for x, y in ((2, 70), (76, 69), (-4, 80), (80, 81), (10, 92), (34, 93), (58, 92), (82, 93))
)


def _at(x: float, y: float, drawing: str, scale: float = 1.0) -> str:
    return f'<g transform="translate({x} {y}) scale({scale})">{drawing}</g>'


@dataclass(frozen=True)
class _Carrier:
    """Something that a thing is printed on or hung in: it moves and turns with the thing."""

    x: float
    y: float
    """Where the middle of the thing is."""
    share: float
    """Side of the thing as a share of the picture's."""
    svg: str
    """Drawn on a square that is 12 larger than the picture on each side."""


_CARRIERS = {
    "cup": _Carrier(42, 51, 0.615, (
        '<path d="M74 36h5q10 0 10 14t-10 14h-5" fill="none" stroke="#4b4752" stroke-width="10"/>'
        '<path d="M74 36h5q10 0 10 14t-10 14h-5" fill="none" stroke="#e4e4e6" stroke-width="6"/>'
        f'<path d="M10 18V74Q10 85 21 85H63Q74 85 74 74V18Z" fill="#e4e4e6" {_LINE}/>'
        f'<ellipse cx="42" cy="18" rx="32" ry="6" fill="#6b4630" {_LINE}/>')),
    "shirt": _Carrier(48, 57, 0.59, (
        '<path d="M33 10Q48 24 63 10L78 15 95 38 84 49 77 42V90H19V42L12 49 1 38 18 15Z" '
        f'fill="#d9dbe6" {_LINE}/><path d="M33 10Q48 24 63 10" fill="none" stroke="#4b4752" stroke-width="5"/>')),
    "billboard": _Carrier(48, 42, 0.6, (
        '<path d="M24 70h6v50h-6zM66 70h6v50h-6z" fill="#5b5862"/>'
        '<rect x="13" y="11" width="70" height="62" fill="#e9e6dc" stroke="#38353f" stroke-width="4.5"/>'
        '<path d="M26 8v-5M48 8v-5M70 8v-5" stroke="#38353f" stroke-width="6"/>')),
    "box": _Carrier(41, 59, 0.6, (
        f'<path d="M11 30L25 16H85L71 30Z" fill="#e9cfa4" {_LINE}/>'
        f'<path d="M71 30L85 16V75L71 89Z" fill="#a98453" {_LINE}/>'
        f'<rect x="11" y="30" width="60" height="59" fill="#d9b782" {_LINE}/>'
        '<path d="M36 30L50 16H58L44 30Z" fill="#b7905c"/>')),
    "bag": _Carrier(48, 60, 0.615, (
        '<path d="M32 30V18Q32 5 48 5T64 18V30" fill="none" stroke="#4b4752" stroke-width="5"/>'
        f'<path d="M18 28H78L84 94H12Z" fill="#f0e2bf" {_LINE}/><path d="M18 28H78L78.6 34H17.4Z" fill="#cbb88c"/>')),
    "flag": _Carrier(49, 43, 0.59, (
        '<rect x="6" y="0" width="6" height="120" fill="#80502a"/><circle cx="9" cy="0" r="5" fill="#e0b020"/>'
        f'<path d="M12 12Q30 5 48 12T88 12L82 43 88 74Q66 81 48 74T12 74Z" fill="#e6e8ea" {_LINE}/>')),
    "wall": _Carrier(48, 50, 0.67, (
        '<path d="M26 16L48-2 70 16" fill="none" stroke="#4b4752" stroke-width="2"/>'
        '<rect x="12" y="14" width="72" height="72" fill="#c8962c" stroke="#6d4c10" stroke-width="1.5"/>')),
    "postcard": _Carrier(48, 42, 0.65, (
        f'<rect x="14" y="7" width="68" height="82" fill="#fffdf6" {_LINE}/>'
        '<path d="M18 79H56M18 85H46" stroke="#8b8792" stroke-width="2.5"/>'
        '<rect x="68" y="75.5" width="11" height="11" fill="#d2393a"/>')),
    "book": _Carrier(51, 46, 0.65, (
        f'<path d="M14 80L18 86H88V18L84 12Z" fill="#fffdf0" {_LINE}/>'
        f'<rect x="9" y="12" width="75" height="68" rx="2" fill="#7a2230" {_LINE}/>'
        '<path d="M15 13V79" stroke="#4d1019" stroke-width="3"/>')),
    "easel": _Carrier(48, 40, 0.67, (
        f'<path d="M44-2h8V120h-8zM22 66h8L14 120H6zM66 66h8l16 54h-8z" {_WOOD}/>'
        f'<rect x="14" y="6" width="68" height="67" fill="#fbf8ee"/>'
        f'<rect x="8" y="72" width="80" height="7" {_WOOD}/>')),
    "plate": _Carrier(48, 48, 0.67, (
        f'<circle cx="48" cy="48" r="41" fill="#f7f8fb" {_LINE}/>'
        '<circle cx="48" cy="48" r="36.5" fill="none" stroke="#3f6bc4" stroke-width="3" stroke-dasharray="4 3"/>')),
    "banner": _Carrier(48, 40, 0.65, (
        f'<path d="M15 6H81V92L64.5 80 48 92 31.5 80 15 92Z" fill="#b3263a" {_LINE}/>'
        '<rect x="5" y="1" width="86" height="6" rx="3" fill="#6b4423"/><circle cx="5" cy="4" r="4.5" fill="#e0b020"/>'
        '<circle cx="91" cy="4" r="4.5" fill="#e0b020"/>'
        '<path d="M15 92L31.5 80 48 92 64.5 80 81 92" fill="none" stroke="#e0b020" stroke-width="3"/>')),
}  # fmt: skip

_GROUNDS = {
    "river": (
        '<path d="M-2 68Q48 60 98 68V98H-2Z" fill="#69b357"/>'
        '<path d="M-2 72Q20 78 48 84T98 78V92Q70 96 48 96T-2 88Z" fill="#3f8fdc"/>'
        '<path d="M4 81q8 4 16 5M34 90q10 2 20 1M74 87q10-1 18-4" fill="none" stroke="#d5ecff" stroke-width="2"/>'),
    "park": (
        '<rect y="68" width="96" height="28" fill="#8ccf62"/><path d="M-2 90Q40 80 98 90V98H-2Z" fill="#e2cfa0"/>'
        + _at(10, 72, _TREE, 1.15) + _at(87, 72, _TREE, 1.0) + _at(24, 70, _TREE, 0.7)
        + '<path d="M66 79H92M68 79v5M90 79v5M66 74H92" stroke="#7a3f1d" stroke-width="3"/>'),
    "hill": (
        '<ellipse cx="48" cy="106" rx="60" ry="36" fill="#5f9e3c"/>'
        '<ellipse cx="48" cy="112" rx="52" ry="34" fill="#74b74c"/>'),
    "street": (
        '<path d="M0 43h14v25H0zM82 40h14v28H82z" fill="#a4604a"/>'
        '<path d="M3 47h3v5h-3zM9 47h3v5H9zM3 57h3v5h-3zM9 57h3v5H9zM85 44h3v5h-3zM91 44h3v5h-3zM85 54h3v5h-3z'
        'M91 54h3v5h-3z" fill="#ffe9a0"/>'
        '<rect y="68" width="96" height="17" fill="#b9b6b4"/><rect y="84" width="96" height="3" fill="#f0eeea"/>'
        '<rect y="87" width="96" height="9" fill="#55535c"/>'
        '<path d="M12 68L4 84M36 68L32 84M60 68L64 84M84 68L92 84" stroke="#8f8b8a" stroke-width="1.5"/>'
        '<path d="M20 80V34h-8" fill="none" stroke="#2e2c36" stroke-width="3"/>'
        '<circle cx="11" cy="37" r="4" fill="#fff3a8"/>'),
    "sea": (
        f'<rect y="63" width="96" height="33" fill="#1f6fc0"/>{_WAVES}'
        '<path d="M18 88Q20 78 48 78T78 88Z" fill="#8a8078"/>'),
    "desert": (
        '<path d="M-2 74Q20 60 50 70T98 64V98H-2Z" fill="#e3a64b"/>'
        '<path d="M-2 86Q30 76 60 86T98 82V98H-2Z" fill="#d08f38"/>'
        + _at(9, 80, _CACTUS) + _at(87, 78, _CACTUS, 0.9)),
    "meadow": f'<path d="M-2 64Q48 58 98 64V98H-2Z" fill="#6cc04a"/>{_PETALS}',
    "beach": (
        '<rect y="58" width="96" height="14" fill="#3fb0d8"/><path d="M-2 69Q24 74 48 69T98 69V98H-2Z" fill="#f6e2a6"/>'
        '<path d="M-2 69Q24 74 48 69T98 69" fill="none" stroke="#fff" stroke-width="3"/>'
        '<path d="M12 84V40" stroke="#f5f5f5" stroke-width="2.5"/><path d="M-6 46Q12 20 30 46Z" fill="#e2403a"/>'
        '<path d="M6 46Q12 22 18 46Z" fill="#fff"/>'
        '<path d="M82 82l2 5 5 0-4 3 2 5-5-3-5 3 2-5-4-3 5 0z" fill="#ef7a3a"/>'),
    "rug": (
        '<rect y="64" width="96" height="32" fill="#a8703f"/>'
        '<path d="M0 72H96M0 80H96M0 88H96" stroke="#87562c" stroke-width="1.5"/>'
        '<path d="M14 74H82L94 92H2Z" fill="#a5243d"/>'
        '<path d="M20 77H76L84 89H12Z" fill="none" stroke="#f0d27a" stroke-width="2.5"/>'
        '<path d="M2 94H94" stroke="#f6ead0" stroke-width="4" stroke-dasharray="2.5 2"/>'
        '<rect y="61" width="96" height="4" fill="#f4efe4"/>'),
    "snow": (
        f'{_FLAKES}<path d="M-2 70Q24 60 50 68T98 64V98H-2Z" fill="#fbfdff"/>'
        '<path d="M-2 84Q30 78 60 86T98 82" fill="none" stroke="#cfdcea" stroke-width="3"/>'),
    "road": (
        '<rect y="66" width="96" height="30" fill="#9aa85a"/><path d="M40 66H56L92 98H4Z" fill="#4e4d57"/>'
        '<path d="M44 66L13 98M52 66L83 98" stroke="#fff" stroke-width="2"/>'
        '<path d="M46 88h4l1.5 8h-7z" fill="#f7d648"/>'
        '<path d="M84 70V50M92 70V50" stroke="#5b5862" stroke-width="2"/>'
        '<path d="M80 42H96V54H80Z" fill="#2f62dd" stroke="#fff" stroke-width="1.5"/>'),
    "forest": (
        '<path d="M-2 71Q48 66 98 71V98H-2Z" fill="#54502a"/>'
        + _at(21, 73, _FIR, 0.55) + _at(76, 73, _FIR, 0.55) + _at(4, 78, _FIR, 0.95) + _at(93, 78, _FIR, 0.95)
        + '<path d="M4 92l4-6 4 6M26 94l4-6 4 6M60 94l4-6 4 6M84 92l4-6 4 6" '
        'fill="none" stroke="#2f6b3c" stroke-width="3"/>'),
}  # fmt: skip
_STANDING, _FOOT = 0.765, 86
"""Side of a thing on the ground as a share of the picture's, and where its lowest point is."""

_COVERS = {
    "leaf": '<path d="M20 60Q-2 22 20 0Q42 22 20 60Z" {style}/><path d="M20 58V10" {style}/>',
    "hand": (
        '<path d="M6 60V30Q4 18 8 18T12 30V8Q12 3 15 3T18 8V5Q18 0 21 0T24 5V8Q24 3 27 3T30 8V32L34 26Q39 24 38 29'
        'L31 46V60Z" {style}/>'
    ),
    "sticker": '<circle cx="20" cy="20" r="19" {style}/><circle cx="20" cy="20" r="11" fill="none" {style}/>',
}
"""What lies over a side of the thing: 40 wide and 60 long, its tip at the top."""


@dataclass(frozen=True)
class Scene:
    """What changes from one picture of a thing to the next."""

    place: str
    background: str
    subject: str
    """What is painted, for a style; otherwise empty."""
    variant: int
    scale: float
    """Size of the thing against the usual size at its place."""
    rotate: float
    """In degrees, counter-clockwise: up to 8 either way, and up to 4 on the ground."""
    shift_x: float
    shift_y: float
    light: float
    """Brightness factor of the whole picture."""
    cover: str
    """The side of the thing that something lies over, or "none"."""
    cover_share: float
    """How far the cover reaches in, as a share of the thing's side."""
    cover_colour: str


def draw_scene(rng: random.Random, places: Sequence[str], subjects: Sequence[str] = ()) -> Scene:
    """A scene at one of the places; the same state of `rng` always gives the same one."""
    place = rng.choice(places)
    return Scene(
        place=place,
        background=rng.choice(list(BACKGROUNDS)),
        subject=rng.choice(subjects or ("",)),
        variant=rng.randrange(1_000_000),
        scale=rng.uniform(0.9, 1.05),
        rotate=rng.uniform(-1, 1) * (4 if place in _GROUNDS else 8),
        shift_x=rng.uniform(-4, 4),
        shift_y=rng.uniform(-3, 3),
        light=rng.uniform(0.82, 1.08),
        cover=rng.choice(("none", *SIDES)),
        cover_share=rng.uniform(0.06, 0.14),
        cover_colour=rng.choice(COVER_COLOURS),
    )


def compose(thing: Image.Image, scene: Scene, size: int = SIZE) -> Image.Image:
    """A picture of `thing` (RGBA, a square) in this scene: RGB, `size` by `size` pixels."""
    if scene.place in _GROUNDS:
        return _lit(_standing(thing, scene, size), scene.light)
    unit, carrier = size / SIZE, _CARRIERS[scene.place]
    whole = _carrier(scene.place, size)
    side = round(whole.width * scene.scale)
    layer = whole.resize((side, side), Image.Resampling.BICUBIC)
    thing = _resized(thing, round(carrier.share * scene.scale * size))
    if scene.place == "plate":
        thing = _round(thing)
    x, y = ((12 + place) * unit * scene.scale - thing.width / 2 for place in (carrier.x, carrier.y))
    layer.alpha_composite(thing, (round(x), round(y)))
    _cover(layer, thing, round(x), round(y), scene)
    layer = layer.rotate(scene.rotate, Image.Resampling.BICUBIC)
    picture = Image.new("RGB", (size, size), BACKGROUNDS[scene.background])
    middle = (size - side) / 2
    picture.paste(layer, (round(middle + scene.shift_x * unit), round(middle + scene.shift_y * unit)), layer)
    return _lit(picture, scene.light)


def side_by_side(
    left: Image.Image, right: Image.Image, left_scene: Scene, right_scene: Scene, size: int = SIZE
) -> Image.Image:
    """Two things next to each other before the left one's background, in its light: RGB, `size` by `size` pixels."""
    picture = Image.new("RGB", (size, size), BACKGROUNDS[left_scene.background])
    unit = size / SIZE
    for thing, scene, middle in ((left, left_scene, 24), (right, right_scene, 72)):
        turn = math.radians(abs(scene.rotate) / 2)
        # The turned square is 46 to 50 wide, so it crosses the middle by one pixel at most.
        wide = (48 + 20 * (scene.scale - 1)) / (math.cos(turn) + math.sin(turn)) * unit
        turned = _resized(thing, round(wide)).rotate(scene.rotate / 2, Image.Resampling.BICUBIC, expand=True)
        x = middle * unit - turned.width / 2
        y = (48 + 6 * scene.shift_y) * unit - turned.height / 2
        picture.paste(turned, (round(x), round(y)), turned)
    return _lit(picture, left_scene.light)


def _standing(thing: Image.Image, scene: Scene, size: int) -> Image.Image:
    unit = size / SIZE
    picture = _ground(scene.place, scene.background, size).copy()
    thing = _resized(thing, round(_STANDING * scene.scale * size))
    thing = thing.crop(thing.getbbox() or (0, 0, 1, 1))
    layer = Image.new("RGBA", (size, size))
    x = round((48 + scene.shift_x) * unit - thing.width / 2)
    y = round((_FOOT + scene.shift_y / 2) * unit - thing.height)
    ImageDraw.Draw(layer).ellipse(
        (x, y + thing.height - 4 * unit, x + thing.width, y + thing.height + 4 * unit), fill=(30, 28, 40, 80)
    )
    # Turned about its foot, so that it keeps standing where it is.
    layer.alpha_composite(thing, (max(0, x), max(0, y)), (max(0, -x), max(0, -y)))
    _cover(layer, thing, x, y, scene)
    layer = layer.rotate(scene.rotate, Image.Resampling.BICUBIC, center=(size / 2, _FOOT * unit))
    picture.paste(layer, (0, 0), layer)
    return picture


def _cover(layer: Image.Image, thing: Image.Image, x: int, y: int, scene: Scene) -> None:
    """Lay something over one side of the thing, which stands at (x, y) of the layer."""
    if scene.cover == "none":
        return
    left, top, right, bottom = thing.getbbox() or (0, 0, *thing.size)
    wide = max(6, round(0.4 * max(thing.size)))
    over = _cover_drawing(COVERS[scene.variant % len(COVERS)], scene.cover_colour, scene.cover, wide)
    along = 0.3 + 0.4 * (scene.variant // len(COVERS) % 11) / 10
    across = scene.cover in ("left", "right")
    reach = round(scene.cover_share * ((right - left) if across else (bottom - top)))
    at_x = round(x + left + along * (right - left) - over.width / 2)
    at_y = round(y + top + along * (bottom - top) - over.height / 2)
    match scene.cover:
        case "left":
            at_x = x + left + reach - over.width
        case "right":
            at_x = x + right - reach
        case "top":
            at_y = y + top + reach - over.height
        case _:
            at_y = y + bottom - reach
    layer.paste(over, (at_x, at_y), over)


@functools.cache
def _cover_drawing(cover: str, colour: str, side: str, wide: int) -> Image.Image:
    style = f'fill="{colour}" stroke="#3c3940" stroke-width="2"'
    # The sticker's inner ring has no filling of its own.
    body = _COVERS[cover].replace('fill="none" {style}', 'fill="none" stroke="#3c3940" stroke-width="2"')
    drawing = _rasterised(body.format(style=style), "0 0 40 60", wide, wide * 3 // 2)
    turns = {"left": -90, "right": 90, "top": 180, "bottom": 0}
    return drawing.rotate(turns[side], expand=True)


@functools.cache
def _carrier(place: str, size: int) -> Image.Image:
    side = size + 2 * round(size / 8)
    return _rasterised(_CARRIERS[place].svg, "-12 -12 120 120", side, side)


@functools.cache
def _ground(place: str, background: str, size: int) -> Image.Image:
    sky = f'<rect width="96" height="96" fill="{BACKGROUNDS[background]}"/>'
    return _rasterised(sky + _GROUNDS[place], "0 0 96 96", size, size).convert("RGB")


def _rasterised(body: str, box: str, width: int, height: int) -> Image.Image:
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">{body}</svg>'
    png = resvg_py.svg_to_bytes(svg_string=svg, width=width, height=height, skip_system_fonts=True)
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA")


def _resized(thing: Image.Image, side: int) -> Image.Image:
    return thing.resize((side, side), Image.Resampling.BICUBIC)


def _round(thing: Image.Image) -> Image.Image:
    """The largest disc in it, with a smooth rim."""
    mask = Image.new("L", (thing.width * 4, thing.height * 4))
    ImageDraw.Draw(mask).ellipse((0, 0, mask.width - 1, mask.height - 1), fill=255)
    cut = Image.new("RGBA", thing.size)
    cut.paste(thing, (0, 0), mask.resize(thing.size, Image.Resampling.BOX))
    return cut


def _lit(picture: Image.Image, light: float) -> Image.Image:
    return picture.point([min(255, round(level * light)) for level in range(256)] * 3)
