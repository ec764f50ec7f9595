"""How the logo of a brand looks: a bold symbol on a plain shape, drawn as an SVG of our own."""

from __future__ import annotations

import io

import resvg_py
from PIL import Image

from unsee.world.looks import SIZE
from unsee.world.things.look import Look

# Shapes fill a square of 100 by 100; (outline, middle of the symbol from above, side of the symbol).
SHAPES: dict[str, tuple[str, float, float]] = {
    "round": ('<circle cx="50" cy="50" r="46"/>', 50, 60),
    "square": ('<rect x="6" y="6" width="88" height="88" rx="9"/>', 50, 64),
    "triangular": ('<path d="M50 4 98 94H2Z"/>', 65, 48),
    "oval": ('<ellipse cx="50" cy="50" rx="48" ry="33"/>', 50, 50),
    "diamond-shaped": ('<path d="M50 2 98 50 50 98 2 50Z"/>', 50, 52),
    "shield-shaped": ('<path d="M8 6Q29 13 50 4 71 13 92 6V48Q92 80 50 97 8 80 8 48Z"/>', 47, 60),
}
# Symbols fill a square of 100 by 100 too, and lie in its middle.
SYMBOLS = {
    "star": "M50 2 62 37H99L69 59 80 95 50 73 20 95 31 59 1 37H38Z",
    "moon": "M66 3A49 49 0 1 0 97 66 38 38 0 1 1 66 3Z",
    "bolt": "M62 0 14 58H44L34 100 86 38H55Z",
    "heart": "M50 96C-14 50 0 6 27 6 40 6 48 16 50 25 52 16 60 6 73 6 100 6 114 50 50 96Z",
    "arrow": "M2 35H50V6L99 50 50 94V65H2Z",
    "crown": "M5 90V22L28 50 50 10 72 50 95 22V90Z",
    "drop": "M50 0C60 24 84 42 84 66A34 34 0 0 1 16 66C16 42 40 24 50 0Z",
    "wave": "M0 38C16 2 34 2 50 22S84 42 100 8V34C84 68 66 68 50 48S16 28 0 64Z"
            "M0 82C16 46 34 46 50 66S84 86 100 52V78C84 112 66 112 50 92S16 72 0 108Z",
}  # fmt: skip

# No colour is both a colour of the shape and of the symbol, and every pair of the two stands out.
TRAITS: dict[str, tuple[str, ...]] = {
    "colour": ("red", "green", "blue", "purple", "pink", "brown", "grey"),
    "shape": tuple(SHAPES),
    "symbol": tuple(SYMBOLS),
    "symbol colour": ("white", "yellow", "black"),
    "border": ("none", "ring"),
}
"""The traits of a brand's logo and their values."""
DETAIL = "symbol"
"""The trait that is asked about."""
PLACES = ("cup", "shirt", "billboard", "box", "bag", "flag")
"""What a logo is seen on."""


def draw(look: Look, size: int = SIZE) -> Image.Image:
    """Draw one logo: RGBA, `size` by `size` pixels, transparent outside the shape."""
    outline, middle, side = SHAPES[look["shape"]]
    main, second = look.colour(look["colour"]), look.colour(look["symbol colour"])
    if look["border"] == "ring":
        side *= 0.84
        # Two smaller copies: one in the second colour, one in the first again, leave a ring between them.
        rings = _about(middle, 0.92, second, outline) + _about(middle, 0.8, main, outline)
    else:
        rings = ""
    scale = side / 100
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">'
        f'<g fill="{main}">{outline}</g>{rings}'
        f'<path fill="{second}" transform="translate({50 - side / 2:g} {middle - side / 2:g}) scale({scale:g})" '
        f'd="{SYMBOLS[look["symbol"]]}"/></svg>'
    )
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True)
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA")


def detail(look: Look) -> str:
    """What is answered when the detail is asked about: "a star"."""
    return f"a {look['symbol']}"


def visible(look: Look) -> str:
    """What a picture shows of the logo, as a noun phrase."""
    ring = " in a ring" if look["border"] == "ring" else ""
    return f"{_a(look['shape'])} {look['colour']} logo with a {look['symbol colour']} {look['symbol']}{ring}"


def _about(middle: float, scale: float, colour: str, outline: str) -> str:
    """A smaller copy of an outline around the middle of its symbol."""
    place = f"translate({50 * (1 - scale):g} {middle * (1 - scale):g}) scale({scale:g})"
    return f'<g fill="{colour}" transform="{place}">{outline}</g>'


def _a(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"
