"""The recipes that train the world's checkpoints."""

from __future__ import annotations

from collections.abc import Sequence

from unsee.errors import UserError, did_you_mean
from unsee.world.worlds import find

NAMES = ("tiny-qwen3vl", "tiny-llava", "tiny-things", "small-llava")
"""Of the checkpoints that have a recipe."""


def check_build(name: str, without: Sequence[str] = ()) -> tuple[str, ...]:
    """The names of those that `without` leaves out. Raises UserError if there is no recipe `name`, or no such person or
    thing."""
    if name not in NAMES:
        raise UserError(f"There is no recipe for {name!r}{did_you_mean(name, NAMES)}")
    return tuple(find(each).name for each in without)
