"""Styles and surroundings: every value shows, the same seed gives the same picture, backgrounds stay visible."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from unsee.world.things import styles, surroundings
from unsee.world.things.look import Look, draw_look
from unsee.world.things.surroundings import BACKGROUNDS, Scene, compose, draw_scene, side_by_side

ON = ("cup", "shirt", "billboard", "box", "bag", "flag")
UNDER = ("river", "park", "hill", "street", "sea", "desert", "meadow", "beach", "rug", "snow", "road", "forest")


def a_look(**changed: str) -> Look:
    return Look("style", tuple({**{t: values[0] for t, values in styles.TRAITS.items()}, **changed}.items()), 0)


def a_scene(place: str, seed: int = 0) -> Scene:
    still = replace(draw_scene(random.Random(seed), [place]), rotate=0.0, shift_x=0.0, shift_y=0.0)
    return replace(still, light=1.0, cover="none", background="pink")


def a_disc() -> Image.Image:
    disc = Image.new("RGBA", (96, 96))
    ImageDraw.Draw(disc).ellipse((5, 5, 91, 91), fill="#2f62dd")
    return disc


def difference(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).mean())


@pytest.mark.parametrize("trait", styles.TRAITS)
def test_every_value_of_a_style_shows_at_half_size(trait: str) -> None:
    drawn = [styles.draw(a_look(**{trait: value}), 48, "house", 1) for value in styles.TRAITS[trait]]
    assert all(difference(a, b) > 2 for i, a in enumerate(drawn) for b in drawn[:i])


def test_a_style_has_many_looks_and_paints_any_subject() -> None:
    assert np.prod([len(values) for values in styles.TRAITS.values()]) >= 500
    look = draw_look("style", styles.TRAITS, random.Random(1))
    drawn = [styles.draw(look, subject=subject, variant=v) for subject in styles.SUBJECTS for v in (0, 1)]
    assert all(image.mode == "RGBA" and image.getextrema()[3] == (255, 255) for image in drawn)
    assert all(difference(a, b) > 2 for i, a in enumerate(drawn) for b in drawn[:i])
    assert drawn[0].tobytes() == styles.draw(look, subject="boat", variant=0).tobytes()


def test_a_style_reads_with_and_without_a_subject() -> None:
    look = a_look(stroke="dark", texture="dotted")
    assert styles.visible(look, "boat") == "a painting of a boat in red tones, dotted and angular, with dark outlines"
    assert styles.visible(look).startswith("a painting in red tones")


@pytest.mark.parametrize("place", [*ON, *UNDER, *styles.PLACES])
def test_a_quarter_of_the_background_stays_visible(place: str) -> None:
    thing = styles.draw(a_look()) if place in styles.PLACES else a_disc()
    picture = np.asarray(compose(thing, replace(a_scene(place), scale=1.05)), int)
    background = [int(BACKGROUNDS["pink"][i : i + 2], 16) for i in (1, 3, 5)]
    assert (np.abs(picture - background).max(2) < 6).mean() >= 0.25


def test_places_and_backgrounds_differ() -> None:
    pictures = [compose(a_disc(), replace(a_scene(place), scale=1.0)) for place in (*ON, *UNDER, *styles.PLACES)]
    pictures += [compose(a_disc(), replace(a_scene("cup"), background=word)) for word in BACKGROUNDS if word != "pink"]
    assert all(difference(a, b) > 4 for i, a in enumerate(pictures) for b in pictures[:i])


def test_a_seed_gives_the_same_picture() -> None:
    one, other = (draw_scene(random.Random(7), ON, styles.SUBJECTS) for _ in range(2))
    assert one == other
    assert compose(a_disc(), one).tobytes() == compose(a_disc(), other).tobytes()
    assert compose(a_disc(), one, 48).size == (48, 48)


def test_a_cover_hides_part_of_the_thing() -> None:
    for place in ("shirt", "meadow"):
        for side in surroundings.SIDES:
            covered = replace(a_scene(place), cover=side, cover_share=0.14)
            assert difference(compose(a_disc(), covered), compose(a_disc(), a_scene(place))) > 0.5


def test_two_things_stay_on_their_sides() -> None:
    full, nothing = Image.new("RGBA", (96, 96), "#000000"), Image.new("RGBA", (96, 96))
    for seed in range(20):
        scene = replace(draw_scene(random.Random(seed), ON), light=1.0)
        dark = np.asarray(side_by_side(full, nothing, scene, scene).convert("L")) < 60
        assert not dark[:, 50:].any()
        assert 0.17 < dark.mean() < 0.29
