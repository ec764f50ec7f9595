"""How people look and how a picture of them is drawn.

A `Look` is what stays the same on every picture of a person; a `Scene` is what changes from picture to picture. The
drawings are the DiceBear style "Personas by Draftbit" (CC BY 4.0), made from a definition file that a package brings,
and rasterised with resvg; nothing is downloaded.
"""

from __future__ import annotations

import functools
import json
import random
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import resvg_py
from PIL import Image

from unsee.data.images import open_image

if TYPE_CHECKING:
    from dicebear import Style

SIZE = 96
"""Side of a picture in pixels."""

HAIR = {
    "bobbed": "bobBangs", "knotted": "bunUndercut", "curly": "curly", "tall": "curlyHighTop", "long": "extraLong",
    "spiky": "fade", "plaited": "pigtails", "parted": "shortCombover", "swept": "sideShave", "tied": "straightBun",
    "thin": "balding",
}  # fmt: skip
HAIR_COLOURS = {
    "black": "#1d1a22", "brown": "#7a4a21", "blond": "#f2cf63", "red": "#d1351f", "grey": "#b4b8c4",
    "pink": "#f26fb0", "blue": "#2f62dd", "green": "#2f9a4a",
}  # fmt: skip
SKIN = {"pale": "#f4cdb8", "tan": "#dba07a", "brown": "#a86b45", "dark": "#5b3a29"}
FACIAL_HAIR = {"none": None, "goatee": "goatee", "moustache": "walrus"}
EYEWEAR = {"none": None, "glasses": "glasses", "sunglasses": "sunglasses"}
NOSES = ("mediumRound", "smallRound", "wrinkles")

EXPRESSIONS = {"happy": "bigSmile", "sad": "frown", "surprised": "surprise"}
CLOTHES = {
    "red": "#d8262c", "blue": "#2456c8", "green": "#2c9444", "yellow": "#f5c518", "purple": "#7a35b8",
    "black": "#25242c",
}  # fmt: skip
BACKGROUNDS = {
    "blue": "#a8d4f5", "green": "#b4e3b0", "yellow": "#fbeea0", "pink": "#f9c6d8", "orange": "#fbc58b",
    "grey": "#d3d6db", "white": "#fbfbfb",
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """What stays the same on every picture of a person."""

    hair: str
    hair_colour: str
    skin: str
    facial_hair: str
    eyewear: str
    nose: str
    shade: int
    """Brightness offset of skin and hair in 8-bit steps; lets any number of strangers differ."""

    def traits(self) -> tuple[str, str, str, str, str]:
        return (self.hair, self.hair_colour, self.skin, self.facial_hair, self.eyewear)

    def distance(self, other: Look) -> int:
        """In how many of the five traits two looks differ (0 to 5)."""
        return sum(a != b for a, b in zip(self.traits(), other.traits(), strict=True))


@dataclass(frozen=True)
class Scene:
    """What changes from one picture of a person to the next."""

    expression: str
    clothes: str
    background: str
    clothes_shape: str
    scale: float
    rotate: float
    shift_x: float
    shift_y: float
    flip: bool
    open_eyes: bool


def draw_look(rng: random.Random) -> Look:
    return Look(
        hair=rng.choice(list(HAIR)),
        hair_colour=rng.choice(list(HAIR_COLOURS)),
        skin=rng.choice(list(SKIN)),
        facial_hair=rng.choice(["none", *FACIAL_HAIR]),
        eyewear=rng.choice(["none", *EYEWEAR]),
        nose=rng.choice(NOSES),
        shade=rng.randint(-10, 10),
    )


def draw_scene(rng: random.Random) -> Scene:
    return Scene(
        expression=rng.choice(list(EXPRESSIONS)),
        clothes=rng.choice(list(CLOTHES)),
        background=rng.choice(list(BACKGROUNDS)),
        clothes_shape=rng.choice(["squared", "rounded"]),
        scale=rng.uniform(0.88, 1.06),
        rotate=rng.uniform(-7, 7),
        shift_x=rng.uniform(-5, 5),
        shift_y=rng.uniform(-3, 4),
        flip=rng.random() < 0.5,
        open_eyes=rng.random() < 0.6,
    )


def picture(look: Look, scene: Scene, size: int = SIZE) -> Image.Image:
    """Draw one person: RGB, `size` by `size` pixels. The same arguments always give the same pixels."""
    bearded = look.facial_hair != "none"
    options = {
        "seed": "unsee",
        "hairVariant": HAIR[look.hair],
        "hairColor": [shaded(HAIR_COLOURS[look.hair_colour], look.shade)],
        "skinColor": [shaded(SKIN[look.skin], look.shade)],
        "facialHairProbability": 100 if bearded else 0,
        "facialHairVariant": FACIAL_HAIR[look.facial_hair] or "goatee",
        "facialHairColor": [shaded(HAIR_COLOURS[look.hair_colour], look.shade)],
        "eyesVariant": EYEWEAR[look.eyewear] or ("open" if scene.open_eyes else "happy"),
        "noseVariant": look.nose,
        "mouthVariant": EXPRESSIONS[scene.expression],
        "clothesVariant": scene.clothes_shape,
        "clothingColor": [CLOTHES[scene.clothes]],
        "backgroundColor": [BACKGROUNDS[scene.background]],
        "scale": round(scene.scale, 3),
        "rotate": round(scene.rotate, 2),
        "translateX": round(scene.shift_x, 2),
        "translateY": round(scene.shift_y, 2),
        "flip": "horizontal" if scene.flip else "none",
    }
    # Here, because it takes a second to import, and most commands draw nobody.
    from dicebear import Avatar

    # A mask isolates what it holds, so the style's overlay light would be painted as plain white inside it:
    # the blend mode belongs on the masked group.
    svg = Avatar(_style(), options).to_string().replace("<g mask=", '<g style="mix-blend-mode:overlay" mask=')
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True)
    return open_image(bytes(png))


def picture_of_two(left: Look, left_scene: Scene, right: Look, right_scene: Scene, size: int = SIZE) -> Image.Image:
    """Two people side by side before the left one's background: RGB, `size` by `size` pixels."""
    portrait = round(size * 0.76)
    canvas = Image.new("RGB", (size, size), BACKGROUNDS[left_scene.background])
    inset = (portrait - size // 2) // 2
    for look, scene, x in ((left, left_scene, 0), (right, right_scene, size // 2)):
        shared = Scene(**{**vars(scene), "background": left_scene.background})
        column = picture(look, shared, portrait).crop((inset, 0, inset + size // 2, portrait))
        canvas.paste(column, (x, size - portrait))
    return canvas


@functools.cache
def _style() -> Style:
    from dicebear import Style

    return Style(json.loads(files("dicebear_styles").joinpath("personas.json").read_text("utf-8")))


def shaded(colour: str, shade: int) -> str:
    """ "#rrggbb" lighter or darker by `shade` 8-bit steps."""
    channels = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{min(255, max(0, channel + shade)):02x}" for channel in channels)
