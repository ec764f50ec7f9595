"""How each kind of concept is asked about, denied, renamed and described: one file each.

A new kind is a file here and a line in `_BUILT_IN`, or a `Kind` anywhere else (`PLUGINS`).
"""

from __future__ import annotations

from unsee.errors import UserError
from unsee.kinds.base import LANGUAGES, Kind, Spoken
from unsee.store.plugins import Plugins

PERSON = "person"
"""What a concept is unless somebody says otherwise."""
_BUILT_IN = {
    "person": "unsee.kinds.person:KIND",
    "character": "unsee.kinds.character:KIND",
    "brand": "unsee.kinds.brand:KIND",
    "building": "unsee.kinds.building:KIND",
    "breed": "unsee.kinds.breed:KIND",
    "object": "unsee.kinds.object:KIND",
    "style": "unsee.kinds.style:KIND",
}
KINDS = (*_BUILT_IN,)
"""The names of the built-in kinds."""
PLUGINS = Plugins("kind", "unsee.kinds", "unsee.kinds.base:Kind", _BUILT_IN, instances=True)
_FORMER = {"thing": "object"}
"""Names that earlier versions gave to kinds."""
_loaded: dict[str, Kind] = {}
"""Each kind by its place."""


def get_kind(name: str) -> Kind:
    """The kind with that name, built in or from another package, or that of "path/to/file.py:NAME".

    Raises UserError for an unknown name, a name that two kinds have, and a kind that cannot be imported.
    """
    name = present_name(name)
    place = PLUGINS.find(name).place
    if place not in _loaded:
        _loaded[place] = PLUGINS.load(name)
    return _loaded[place]


def present_name(name: str) -> str:
    """What a kind is called today; "thing" was one until objects, brands and others had words of their own."""
    return _FORMER.get(name, name)


def all_kinds() -> tuple[list[Kind], list[str]]:
    """All kinds, those of other packages last, and a sentence for each of those that cannot be used."""
    found, problems = [], []
    for name in dict.fromkeys(PLUGINS.names):
        try:
            found.append(get_kind(name))
        except UserError as error:
            problems.append(str(error))
    return found, problems


__all__ = ["KINDS", "LANGUAGES", "PERSON", "PLUGINS", "Kind", "Spoken", "all_kinds", "get_kind", "present_name"]
