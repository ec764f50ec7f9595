"""The methods of unlearning. A new one is a file here and a line in `METHODS`."""

from __future__ import annotations

from typing import Any

from unsee.errors import UserError
from unsee.methods.base import Method
from unsee.methods.ga import GA
from unsee.methods.ga_kl import GAKL
from unsee.methods.po import PO
from unsee.methods.siu import SIU
from unsee.requests import did_you_mean

METHODS: dict[str, Method[Any]] = {method.name: method for method in (SIU(), PO(), GA(), GAKL())}


def get_method(name: str) -> Method[Any]:
    """Look a method up by its name. Raises UserError for an unknown one."""
    if name not in METHODS:
        raise UserError(f"There is no method {name!r}{did_you_mean(name, METHODS)}")
    return METHODS[name]


__all__ = ["METHODS", "Method", "get_method"]
