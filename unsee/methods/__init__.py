"""The methods of unlearning. A new one is a file here and a line in `_BUILT_IN`, or a class anywhere else (`PLUGINS`).

No file here imports torch at the top, so a typo in a setting is refused before the libraries are imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from unsee.methods.base import Method
from unsee.store.plugins import Plugins
from unsee.training.config import TrainingConfig, parse_overrides

# What users type, and where to find it.
_BUILT_IN = {
    "siu": "unsee.methods.siu:SIU",
    "po": "unsee.methods.po:PO",
    "dpo": "unsee.methods.dpo:DPO",
    "ga": "unsee.methods.ga:GA",
    "ga_diff": "unsee.methods.ga_diff:GADiff",
    "ga_kl": "unsee.methods.ga_kl:GAKL",
    "npo": "unsee.methods.npo:NPO",
    "simnpo": "unsee.methods.simnpo:SimNPO",
    "rmu": "unsee.methods.rmu:RMU",
    "mmunlearner": "unsee.methods.mmunlearner:MMUnlearner",
    "asru": "unsee.methods.asru.method:ASRU",
    "vgid": "unsee.methods.vgid:Vgid",
    "lookalike": "unsee.methods.lookalike.method:LookAlike",
    "retain_only": "unsee.methods.retain_only:RetainOnly",
}
PLUGINS = Plugins("method", "unsee.methods", "unsee.methods.base:Method", _BUILT_IN)
_made: dict[str, Method[Any]] = {}
"""One instance of each method, by its place."""


class _Methods(Mapping[str, Method[Any]]):
    """The built-in methods."""

    def __getitem__(self, name: str) -> Method[Any]:
        if name not in _BUILT_IN:
            raise KeyError(name)
        return get_method(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_BUILT_IN)

    def __len__(self) -> int:
        return len(_BUILT_IN)


METHODS = _Methods()


def get_method(name: str) -> Method[Any]:
    """The method with that name, built in or from another package, or that of "path/to/file.py:Class".

    Raises UserError for an unknown name, a name that two methods have, and a method that cannot be imported.
    """
    place = PLUGINS.find(name).place
    if place not in _made:
        _made[place] = PLUGINS.load(name)()
    return _made[place]


def settings_of(name: str) -> type[TrainingConfig]:
    """The class of a method's settings. Raises UserError like `get_method`."""
    return get_method(name).config


def parse_settings(name: str, assignments: Iterable[str]) -> TrainingConfig:
    """The settings of a method from texts such as "steps=30". Raises UserError for an unknown method or setting."""
    return parse_overrides(settings_of(name), assignments)


__all__ = ["METHODS", "PLUGINS", "Method", "get_method", "parse_settings", "settings_of"]
