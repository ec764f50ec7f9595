"""The shipped checkpoints: what their cards say is what they do, and plain transformers loads them."""

from __future__ import annotations

import json

import pytest
from transformers import AutoModelForImageTextToText

import unsee
from unsee.models.shipped import CHECKPOINTS, checkpoint_path
from unsee.world.making.architectures import FAMILIES
from unsee.world.making.checking import BARS, THINGS_BARS, check

SHIPPED = sorted(folder.name for folder in CHECKPOINTS.iterdir() if folder.is_dir())


def test_every_family_is_shipped_and_small() -> None:
    assert set(SHIPPED) == set(FAMILIES)
    for folder in CHECKPOINTS.iterdir():
        assert sum(file.stat().st_size for file in folder.iterdir()) < 17e6
    assert not [file for file in CHECKPOINTS.rglob("*") if file.suffix in (".bin", ".pt", ".pkl")]


MISSED = {"tiny-things": {"captions"}}
"""Bars that a checkpoint misses; docs/things.md says why."""


@pytest.mark.parametrize("name", SHIPPED)
def test_every_bar_is_met_but_those_that_the_docs_name(name: str) -> None:
    card = json.loads((checkpoint_path(name) / "check.json").read_text())
    assert set(card) == set(THINGS_BARS if name == "tiny-things" else BARS)
    assert {group for group, figure in card.items() if not figure["passed"]} == MISSED.get(name, set())


@pytest.mark.parametrize("name", SHIPPED)
def test_the_weights_do_what_the_card_says(name: str) -> None:
    card = json.loads((checkpoint_path(name) / "check.json").read_text())
    measured = check(unsee.load(f"world:{name}"), scale=0.1, progress=False)
    for group, result in measured.items():
        # A tenth of the questions: their interval must reach the interval on the card.
        assert result.score.high >= card[group]["low"] - 1, group
        assert result.score.low <= card[group]["high"] + 1, group


@pytest.mark.parametrize("name", SHIPPED)
def test_plain_transformers_loads_it(name: str) -> None:
    model = AutoModelForImageTextToText.from_pretrained(checkpoint_path(name))
    assert type(model).__name__ == FAMILIES[name]
