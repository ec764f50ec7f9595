"""Ways to bring a forgotten memory back. A new attack is a file here and a line in `_BUILT_IN`, or a class anywhere
else (`PLUGINS`)."""

from __future__ import annotations

from unsee.attacks.base import LEVELS, Attack
from unsee.errors import UserError
from unsee.store.plugins import Plugins

# What users type, and where to find it, in the order of the page.
_BUILT_IN = {
    "paraphrase": "unsee.attacks.paraphrase:Paraphrase",
    "languages": "unsee.attacks.languages:Languages",
    "relearning": "unsee.attacks.relearning:Relearning",
    "relearning-more": "unsee.attacks.relearning:RelearningFromMore",
    "finetuning": "unsee.attacks.finetuning:Finetuning",
    "rounding": "unsee.attacks.rounding:Rounding",
    "quantised": "unsee.attacks.quantised:Quantised",
    "merging": "unsee.attacks.merging:Merging",
    "strength": "unsee.attacks.strength:Strength",
    "pruning": "unsee.attacks.pruning:Pruning",
    "averaging": "unsee.attacks.averaging:Averaging",
}
PLUGINS = Plugins("attack", "unsee.attacks", "unsee.attacks.base:Attack", _BUILT_IN)


def get_attack(name: str) -> Attack:
    """The attack with that name, built in or from another package, or that of "path/to/file.py:Class".

    Raises UserError for an unknown name, a name that two attacks have, and a class that cannot be imported or used.
    """
    found: type[Attack] = PLUGINS.load(name)
    if type(found.version) is not int:
        raise UserError(f"The attack {name!r} has the version {found.version!r}; give it a whole number, such as 1.")
    return found()


def attacks_of(level: str) -> list[Attack]:
    """All attacks of a level and of those below it, in the order of the page."""
    reached = LEVELS[: LEVELS.index(level) + 1]
    return [attack for name in dict.fromkeys(PLUGINS.names) if (attack := get_attack(name)).level in reached]


__all__ = ["LEVELS", "PLUGINS", "Attack", "attacks_of", "get_attack"]
