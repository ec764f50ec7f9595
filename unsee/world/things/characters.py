"""How a character looks: a mascot or a robot.

The drawings are the DiceBear styles "Critters" and "Voxel Bot" (both CC0 1.0), made from definition files that a
package brings, and rasterised with resvg; nothing is downloaded. The robot takes its body from the second style, and
its eyes, mouth and what it has on its head from the first, so that each of them looks the same on every body.
"""

from __future__ import annotations

import copy
import functools
import io
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import resvg_py
from PIL import Image

from unsee.world.looks import SIZE
from unsee.world.things.look import Look

if TYPE_CHECKING:
    from dicebear import Style

BODIES = {
    "round": "squat", "square": "block", "tall": "tower", "stepped": "steps", "flared": "bell", "robot": "robot",
}  # fmt: skip
TOPS = {"horns": "horns", "ears": "earsRound", "antenna": "bobble", "leaves": "sprout", "crown": "crown"}
EYES = {"one": "mono", "two": "wide", "three": "trio", "four": "four", "sleepy": "sleepy"}

# White and black are no bodies: the eyes are white, and what is on the head and the mouth are dark.
TRAITS: dict[str, tuple[str, ...]] = {
    "colour": ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "grey"),
    "body": tuple(BODIES),
    "top": tuple(TOPS),
    "eyes": tuple(EYES),
}
"""The traits of a character and their values; `top` is what it has on its head."""
DETAIL = "top"
"""The trait that is asked about."""
PLACES = ("cup", "shirt", "billboard", "box", "bag", "flag")
"""What a character is seen on."""

PLACEHOLDER = "#123456"
"""The body's colour in the cached drawings."""
DARK = "#2b2838"
EYES_AT = "translate(50 47) scale(1.42) translate(-23 -12)"
MOUTH_AT = "translate(50 75) scale(1.35) translate(-14 -8)"


def draw(look: Look, size: int = SIZE) -> Image.Image:
    """Draw one character: RGBA, `size` by `size` pixels, transparent around it."""
    svg = _svg(look["body"], look["top"], look["eyes"]).replace(PLACEHOLDER, look.colour(look["colour"]))
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True)
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA")


def detail(look: Look) -> str:
    """What is answered when the detail is asked about: "an antenna"."""
    return {"antenna": "an antenna", "crown": "a crown"}.get(look["top"], look["top"])


def visible(look: Look) -> str:
    """What a picture shows of the character, as a noun phrase."""
    who = f"{look['colour']} robot" if look["body"] == "robot" else f"{look['body']} {look['colour']} creature"
    eyes = "one eye" if look["eyes"] == "one" else f"{look['eyes']} eyes"
    return f"{'an' if who[0] in 'aeiou' else 'a'} {who} with {detail(look)} and {eyes}"


@functools.cache
def _svg(body: str, top: str, eyes: str) -> str:
    """The drawing with the body in the placeholder's colour; cached, as making it takes longer than painting it."""
    options = {
        "seed": "unsee",
        "bodyVariant": BODIES[body],
        "topVariant": TOPS[top],
        "topProbability": 100,
        "eyesVariant": EYES[eyes],
        "mouthVariant": "teeth" if body == "robot" else "grin",
        "patternProbability": 0,
        "cheeksProbability": 0,
        "animationVariant": "none",
        "bodyColor": [PLACEHOLDER],
        "accentColor": [DARK],
        "inkColor": [DARK],
        "screenColor": [DARK],
        "backgroundColor": [],
    }
    # Here, because it takes a second to import, and most commands draw nobody.
    from dicebear import Avatar

    return Avatar(_style(), options).to_string()


@functools.cache
def _style() -> Style:
    """The mascots' style with bolder eyes, mouths and tops, and with the robot as one more body."""
    from dicebear import Style

    style, robot = (
        json.loads(files("dicebear_styles").joinpath(name).read_text("utf-8"))
        for name in ("critters.json", "voxel-bot.json")
    )
    parts = style["components"]
    # White eyes show on light bodies by their dark outline.
    edge = '"fill": "#ffffff", "stroke": {"type": "color", "name": "ink"}, "stroke-width": "1.5"'
    parts["eyes"] = json.loads(json.dumps(parts["eyes"]).replace('"fill": "#ffffff"', edge))
    for element in style["canvas"]["elements"][0]["children"]:
        element["attributes"] = {
            **element.get("attributes", {}),
            **{"eyes": {"transform": EYES_AT}, "mouth": {"transform": MOUTH_AT}}.get(element["name"], {}),
        }
    bodies = parts["body"]["variants"]
    bodies["robot"] = {
        "elements": [
            copy.deepcopy(bodies["block"]["elements"][0]),
            _group("translate(55 24) scale(1.05) translate(-64 -21)", _without_components(robot["canvas"]["elements"])),
        ]
    }
    style["colors"]["screen"] = robot["colors"]["screen"]
    for name, lift in {"horns": 0, "earsRound": 0, "bobble": 0, "sprout": 0, "crown": 13}.items():
        variant = parts["top"]["variants"][name]
        # The first element is a shadow, which would blur what is small here.
        bolder = f"translate(24 {42 - lift}) scale(1.25) translate(-24 -40)"
        variant["elements"] = [_group(bolder, variant["elements"][1:])]
    for name, top, (wide, high) in (
        ("squat", 10, (1, 1)), ("block", 8, (1, 1)), ("robot", 8, (1, 1)),
        # Wider, to hold the bolder eyes; lower, to leave room above.
        ("tower", 8, (1.2, 0.91)), ("bell", 8, (1.06, 0.91)), ("steps", 8, (1.2, 0.93)),
    ):  # fmt: skip
        holder, *rest = bodies[name]["elements"]
        holder["children"][0]["attributes"]["transform"] = f"translate(26 {top})"
        bodies[name]["elements"] = [holder, _group(f"translate(50 106) scale({wide} {high}) translate(-50 -106)", rest)]
    return Style(style)


def _group(transform: str, children: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": "g", "type": "element", "attributes": {"transform": transform}, "children": children}


def _without_components(elements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same elements without the places where a style puts its components."""
    return [
        {**element, "children": _without_components(element["children"])} if "children" in element else element
        for element in elements
        if element["type"] != "component"
    ]
