"""The drawings of buildings and breeds."""

import itertools
import math

import numpy as np
import pytest

from unsee.world.things import breeds, buildings
from unsee.world.things.look import COLOURS, Look

KINDS = pytest.mark.parametrize("kind", [buildings, breeds], ids=["buildings", "breeds"])


def _look(kind, **changed):
    return Look("kind", tuple((trait, changed.get(trait, values[0])) for trait, values in kind.TRAITS.items()), 0)


@KINDS
def test_there_are_enough_looks_and_the_first_trait_is_the_colour(kind):
    assert math.prod(map(len, kind.TRAITS.values())) >= 500
    assert next(iter(kind.TRAITS)) == "colour"
    assert set(kind.TRAITS["colour"]) <= set(COLOURS)
    assert kind.DETAIL in kind.TRAITS


@KINDS
def test_a_drawing_is_the_same_every_time_and_stands_on_the_bottom_edge(kind):
    drawn = kind.draw(_look(kind))
    assert (drawn.mode, drawn.size) == ("RGBA", (96, 96))
    assert kind.draw(_look(kind), 48).size == (48, 48)
    pixels = np.asarray(drawn)
    assert np.array_equal(pixels, np.asarray(kind.draw(_look(kind))))
    assert pixels[0, 0, 3] == 0
    assert pixels[-1, :, 3].max() > 200


@KINDS
def test_every_value_of_a_trait_looks_different_at_half_size_and_is_said(kind):
    for trait, values in kind.TRAITS.items():
        looks = [_look(kind, **{trait: value}) for value in values]
        pixels = [np.asarray(kind.draw(look, 48)).astype(int) for look in looks]
        for one, other in itertools.combinations(pixels, 2):
            assert (np.abs(one - other).max(axis=2) > 60).sum() > 25, trait
        assert all(value in kind.visible(look) for value, look in zip(values, looks, strict=True))
