"""Templates into pages: everything foreign escaped, control characters made visible."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import jinja2
from markupsafe import Markup, escape
from PIL import Image

from unsee.data.images import open_image

# A picture is shown at most this many pixels wide or high: twice its size on the page, for dense screens.
_LONGEST_SIDE = 480
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

_environment = jinja2.Environment(
    loader=jinja2.PackageLoader("unsee.reports", "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render_template(name: str, **values: Any) -> str:
    """A page from `templates/NAME`."""
    return printable(_environment.get_template(name).render(**values))


def printable(text: str) -> str:
    """`text` with a sign instead of every control character that does not belong on a page."""
    return _CONTROL.sub("�", text)


def marked(text: str, names: list[str]) -> Markup:
    """`text`, escaped, with each occurrence of a name highlighted."""
    if not names:
        return escape(text)
    parts = re.split(f"({'|'.join(map(re.escape, names))})", text, flags=re.IGNORECASE)
    return Markup("").join(
        Markup("<mark>{}</mark>").format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )


def data_uri(picture: Image.Image) -> str:
    """The picture, small enough for a page, as a data URI. Only its pixels: no place, camera or comment is included."""
    pixels = open_image(picture).copy()
    pixels.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    stream = io.BytesIO()
    if max(pixels.size) <= 160:
        pixels.save(stream, "PNG", optimize=True)
        kind = "png"
    else:
        pixels.save(stream, "JPEG", quality=88)
        kind = "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def inline(svg: str | None) -> Markup | None:
    """A plot of ours as a part of the page."""
    return None if svg is None else Markup(svg)
