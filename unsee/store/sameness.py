"""Is this the same run? Two descriptions of what decides a result, compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def differences(have: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """The keys in which two descriptions differ, for an error message; of a mapping on both sides, the keys inside."""
    return [path[-1].replace("_", " ") for path, _, _ in differing(have, wanted)]


def differing(
    have: Mapping[str, Any], wanted: Mapping[str, Any], within: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """The path of keys to each value in which two descriptions differ, with both values; None where one has none."""
    for key in {**wanted, **have}:
        one, other = have.get(key), wanted.get(key)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from differing(one, other, (*within, key))
        elif one != other:
            yield (*within, key), one, other
