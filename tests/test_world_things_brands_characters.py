"""The drawings of brands and characters: the same look gives the same pixels, and every trait shows."""

from __future__ import annotations

import dataclasses
import random
from types import ModuleType

import pytest

from unsee.world.things import brands, characters
from unsee.world.things.look import COLOURS, Look, draw_look

KINDS = pytest.mark.parametrize("kind", [brands, characters])


def look(kind: ModuleType, seed: int = 1) -> Look:
    return draw_look(kind.__name__, kind.TRAITS, random.Random(seed))


@KINDS
def test_the_same_look_gives_the_same_pixels(kind: ModuleType) -> None:
    first, second = kind.draw(look(kind)), kind.draw(look(kind))
    assert first.mode == "RGBA"
    assert first.size == (96, 96)
    assert first.tobytes() == second.tobytes()
    assert kind.draw(look(kind), 48).size == (48, 48)
    assert first.getpixel((0, 95))[3] == 0, "transparent outside"


@KINDS
def test_every_value_of_every_trait_draws_differently(kind: ModuleType) -> None:
    base = look(kind)
    for trait, values in kind.TRAITS.items():
        drawn = set()
        for value in values:
            traits = tuple((name, value if name == trait else old) for name, old in base.traits)
            drawn.add(kind.draw(dataclasses.replace(base, traits=traits), 48).tobytes())
        assert len(drawn) == len(values), trait


@KINDS
def test_the_shade_changes_the_colour(kind: ModuleType) -> None:
    light, dark = (kind.draw(dataclasses.replace(look(kind), shade=shade)) for shade in (10, -10))
    assert light.tobytes() != dark.tobytes()


@KINDS
def test_the_words_of_a_look_tell_its_traits(kind: ModuleType) -> None:
    assert next(iter(kind.TRAITS)) == "colour"
    assert kind.DETAIL in kind.TRAITS
    assert set(kind.TRAITS["colour"]) <= set(COLOURS)
    for seed in range(20):
        for trait in ("colour", kind.DETAIL):
            assert look(kind, seed)[trait] in kind.visible(look(kind, seed))


def test_a_symbol_never_has_the_colour_of_its_shape() -> None:
    assert not set(brands.TRAITS["colour"]) & set(brands.TRAITS["symbol colour"])
