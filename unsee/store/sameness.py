"""Is this the same run? Two descriptions of what decides a result, compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def differences(have: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """The keys in which two descriptions differ, for an error message; of a mapping on both sides, the keys inside."""
    found: list[str] = []
    for key in {**wanted, **have}:
        one, other = have.get(key), wanted.get(key)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            found += differences(one, other)
        elif one != other:
            found.append(key.replace("_", " "))
    return found
