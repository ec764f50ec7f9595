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
    "facts": "unsee.attacks.facts:Facts",
    "named": "unsee.attacks.named:Named",
    "hint": "unsee.attacks.hint:Hint",
    "prefix": "unsee.attacks.prefix:Prefix",
    "role_play": "unsee.attacks.role_play:RolePlay",
    "few_shot": "unsee.attacks.few_shot:FewShot",
    "choices": "unsee.attacks.choices:Choices",
    "likeliest": "unsee.attacks.likeliest:Likeliest",
    "figstep": "unsee.attacks.figstep:FigStep",
    "sampling": "unsee.attacks.sampling:Sampling",
    "altered": "unsee.attacks.altered:Altered",
    "company": "unsee.attacks.company:Company",
    "grid": "unsee.attacks.grid:Grid",
    "small": "unsee.attacks.small:Small",
    "perturbation": "unsee.attacks.perturbation:Perturbation",
    "relearning": "unsee.attacks.relearning:Relearning",
    "relearning_more": "unsee.attacks.relearning:RelearningFromMore",
    "finetuning": "unsee.attacks.finetuning:Finetuning",
    "rounding": "unsee.attacks.rounding:Rounding",
    "quantised": "unsee.attacks.quantised:Quantised",
    "merging": "unsee.attacks.merging:Merging",
    "strength": "unsee.attacks.strength:Strength",
    "pruning": "unsee.attacks.pruning:Pruning",
    "averaging": "unsee.attacks.averaging:Averaging",
    "membership": "unsee.attacks.membership:Membership",
    "siu_membership": "unsee.attacks.siu_membership:SiuMembershipInference",
    "probe": "unsee.attacks.probe:LinearProbe",
    "logit_lens": "unsee.attacks.logit_lens:LogitLens",
}
PLUGINS = Plugins("attack", "unsee.attacks", "unsee.attacks.base:Attack", _BUILT_IN)
_OF_FILES: dict[str, Attack] = {}
"""Attacks in files of the user's, by the names that they give themselves."""


def get_attack(name: str) -> Attack:
    """The attack with that name, built in or from another package, or that of "path/to/file.py:Class"; one of a file
    that was asked for before is also found by its own name.

    Raises UserError for an unknown name, a name that two attacks have, and a class that cannot be imported or used.
    """
    if name in _OF_FILES:
        return _OF_FILES[name]
    found: type[Attack] = PLUGINS.load(name)
    if type(found.version) is not int:
        raise UserError(f"The attack {name!r} has the version {found.version!r}; give it a whole number, such as 1.")
    attack = found()
    if attack.name not in PLUGINS.names:
        _OF_FILES[attack.name] = attack
    return attack


def attacks_of(level: str) -> list[Attack]:
    """All attacks of a level and of those below it, in the order of the page; those of other packages that cannot be
    used are left out."""
    reached = LEVELS[: LEVELS.index(level) + 1]
    return [attack for attack in map(_usable, dict.fromkeys(PLUGINS.names)) if attack and attack.level in reached]


def _usable(name: str) -> Attack | None:
    try:
        return get_attack(name)
    except UserError:
        return None


__all__ = ["LEVELS", "PLUGINS", "Attack", "attacks_of", "get_attack"]
