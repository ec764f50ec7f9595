"""The methods of unlearning. A new one is a file here, its settings in `settings.py`, and a line in `_KNOWN`.

Names and settings are known without torch; a method is imported when it is looked up.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from unsee.errors import UserError, did_you_mean
from unsee.lazy import exports
from unsee.methods import settings
from unsee.methods.asru.config import ASRUConfig
from unsee.training.config import TrainingConfig, parse_overrides

if TYPE_CHECKING:
    from unsee.methods.base import Method

# What users type: the settings, the module in this folder, and the class in it.
_KNOWN: dict[str, tuple[type[TrainingConfig], str, str]] = {
    "siu": (settings.SIUConfig, "siu", "SIU"),
    "po": (settings.POConfig, "po", "PO"),
    "dpo": (settings.DPOConfig, "dpo", "DPO"),
    "ga": (settings.ForgetConfig, "ga", "GA"),
    "ga_diff": (settings.ForgetRetainConfig, "ga_diff", "GADiff"),
    "ga_kl": (settings.ForgetRetainConfig, "ga_kl", "GAKL"),
    "npo": (settings.NPOConfig, "npo", "NPO"),
    "simnpo": (settings.SimNPOConfig, "simnpo", "SimNPO"),
    "rmu": (settings.RMUConfig, "rmu", "RMU"),
    "mmunlearner": (settings.MMUnlearnerConfig, "mmunlearner", "MMUnlearner"),
    "asru": (ASRUConfig, "asru.method", "ASRU"),
    "retain_only": (settings.RetainConfig, "retain_only", "RetainOnly"),
}


class _Methods(Mapping[str, "Method[Any]"]):
    """One instance of each method, imported and made at its first use."""

    def __init__(self) -> None:
        self._made: dict[str, Method[Any]] = {}

    def __getitem__(self, name: str) -> Method[Any]:
        _, module, kind = _KNOWN[name]
        if name not in self._made:
            self._made[name] = getattr(importlib.import_module(f"unsee.methods.{module}"), kind)()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_KNOWN)

    def __len__(self) -> int:
        return len(_KNOWN)


METHODS = _Methods()


def get_method(name: str) -> Method[Any]:
    """Look a method up by its name. Raises UserError for an unknown one."""
    _check(name)
    return METHODS[name]


def settings_of(name: str) -> type[TrainingConfig]:
    """The class of a method's settings, without the method. Raises UserError for an unknown one."""
    _check(name)
    return _KNOWN[name][0]


def parse_settings(name: str, assignments: Iterable[str]) -> TrainingConfig:
    """The settings of a method from texts such as "steps=30". Raises UserError for an unknown method or setting."""
    return parse_overrides(settings_of(name), assignments)


def _check(name: str) -> None:
    if name not in _KNOWN:
        raise UserError(f"There is no method {name!r}{did_you_mean(name, METHODS)}")


__all__ = ["METHODS", "Method", "get_method", "parse_settings", "settings_of"]

__getattr__ = exports(__name__, {"Method": "unsee.methods.base"})
