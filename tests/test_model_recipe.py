"""A model of the world may bring a recipe with it: everything that trains takes it, what is given comes on top."""

from pathlib import Path

import pytest

from unsee.errors import UserError
from unsee.models import recipe as model_recipe
from unsee.models.recipe import recipe_for
from unsee.sweep.recipe import parse_recipe


@pytest.fixture
def brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(model_recipe, "TRAINED", tmp_path)
    path = tmp_path / "talker" / "recipe.yaml"
    path.parent.mkdir()
    path.write_text(
        "model: world:talker\nset: {batch: 2}\nmethods:\n  siu: {learning_rate: 0.001, steps: 7}\n"
        "beside_others:\n  po: {steps: 3}\n"
    )
    return path


def test_only_the_world_s_own_model_brings_one(brought: Path, tmp_path: Path) -> None:
    found = recipe_for("world:talker")
    assert found is not None
    assert found.settings("siu") == ("batch=2", "learning_rate=0.001", "steps=7")
    assert found.settings("po") == ("batch=2",)
    assert found.settings("po", others=True) == ("batch=2", "steps=3")
    assert found.settings("siu", others=True) == found.settings("siu")
    assert [recipe_for(name) for name in (None, "talker", "world:other", "hub/talker", "world:")] == [None] * 5
    other = tmp_path / "other.yaml"
    other.write_text("model: some/model\n")
    assert recipe_for("world:talker", other) == model_recipe.ModelRecipe("some/model")
    brought.write_text("models: [a]\n")
    with pytest.raises(UserError, match=r"recipe\.yaml"):
        recipe_for("world:talker")


def test_arms_of_a_comparison_start_from_it(brought: Path) -> None:
    (plain, own) = parse_recipe(
        {
            "models": ["world:talker"],
            "methods": ["siu", {"method": "siu", "label": "own", "set": {"steps": 3}}],
            "concepts": ["Mara Voss"],
        }
    ).arms
    assert (plain.config(2, "world:talker").steps, plain.config(2, "world:talker").learning_rate) == (14, 0.001)
    assert (own.config(2, "world:talker").steps, own.config(2, "world:talker").batch) == (6, 2)
    assert plain.config(1) == plain.config(1, "world:tiny-llava")
    assert plain.config(1).steps != 7
