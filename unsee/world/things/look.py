"""How a thing looks, whatever its kind: the traits that stay the same on every picture of it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from unsee.world.looks import shaded

COLOURS = {
    "red": "#cf2f2a", "orange": "#ee7f1c", "yellow": "#f4c92b", "green": "#2f9a4a", "blue": "#2f62dd",
    "purple": "#7e3fb5", "pink": "#f078b4", "brown": "#80502a", "grey": "#8d93a0", "black": "#23212b",
    "white": "#f6f5f1",
}  # fmt: skip
"""The colours that things have, by the word for them."""


@dataclass(frozen=True)
class Look:
    """What stays the same on every picture of a thing: a value for each trait of its kind."""

    kind: str
    traits: tuple[tuple[str, str], ...]
    """(trait, value) in the order of the kind's `TRAITS`."""
    shade: int
    """Brightness offset of the colours in 8-bit steps; lets any number of unknown things differ."""

    def __getitem__(self, trait: str) -> str:
        return dict(self.traits)[trait]

    def distance(self, other: Look) -> int:
        """In how many traits two looks differ; things of two kinds differ in all."""
        if self.kind != other.kind:
            return len(self.traits)
        return sum(a != b for a, b in zip(self.traits, other.traits, strict=True))

    def colour(self, word: str) -> str:
        """The colour of that name as this thing shows it, lighter or darker by its shade: "#rrggbb"."""
        return shaded(COLOURS[word], self.shade)


def draw_look(kind: str, traits: Mapping[str, tuple[str, ...]], rng: random.Random) -> Look:
    return Look(kind, tuple((trait, rng.choice(values)) for trait, values in traits.items()), rng.randint(-10, 10))
