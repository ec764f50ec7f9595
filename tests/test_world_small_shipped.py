"""What ships of small-llava: small, safe to read, and as good as its card says. The pretrained parts are not needed."""

from __future__ import annotations

import json

import pytest
from safetensors import safe_open

from unsee.methods import get_method
from unsee.models.assembled import ADAPTER, NAME, PROJECTOR
from unsee.models.recipe import recipe_for
from unsee.models.shipped import TRAINED
from unsee.training.config import parse_overrides
from unsee.world.making.checking import SMALL_BARS

SHIPPED = TRAINED / NAME


def test_it_is_there_small_and_safe() -> None:
    files = [file for file in SHIPPED.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 40e6
    assert {file.suffix for file in files} <= {".safetensors", ".json", ".jsonl", ".md", ".yaml"}


def test_it_holds_what_was_trained_and_no_pretrained_weight() -> None:
    with safe_open(SHIPPED / ADAPTER / "adapter_model.safetensors", "pt") as adapter:
        assert all("lora_" in name for name in adapter.keys())  # noqa: SIM118
    with safe_open(SHIPPED / PROJECTOR, "pt") as projector:
        assert {name.split(".")[0] for name in projector.keys()} == {"linear_1", "linear_2"}  # noqa: SIM118


def test_it_recognises_people_and_refuses_strangers_and_its_card_says_what_it_misses() -> None:
    figures = json.loads((SHIPPED / "check.json").read_text())
    assert set(figures) == {*SMALL_BARS, "general ability"}
    for group in ("recognition", "strangers refused", "strangers given a known name"):
        assert figures[group]["passed"], group
    missed = [group for group in SMALL_BARS if not figures[group]["passed"]]
    card = (SHIPPED / "README.md").read_text()
    assert [line.split(" | ")[0].strip("| ") for line in card.splitlines() if "**missed**" in line] == missed


def test_its_recipe_is_of_this_model() -> None:
    recipe = recipe_for(f"world:{NAME}")
    assert recipe is not None
    assert recipe.model == f"world:{NAME}"
    assert recipe.dtype == "auto"


@pytest.mark.parametrize("method", ["siu", "po", "ga", "ga_kl", "npo", "asru"])
def test_its_recipe_has_settings_that_the_methods_take(method: str) -> None:
    recipe = recipe_for(f"world:{NAME}")
    assert recipe is not None
    parse_overrides(get_method(method).config, recipe.settings(method))
