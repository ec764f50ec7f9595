"""Templates into pages: everything foreign escaped, control characters made visible."""

from __future__ import annotations

import re
from typing import Any

import jinja2

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
