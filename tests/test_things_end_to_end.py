"""Every kind of thing is forgotten on the embedded world, and the demonstration knows the kinds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import unsee
from tests.command_line import call, refused
from unsee.world import THINGS, find

FIRST = {kind: next(thing for thing in THINGS.known if thing.kind == kind) for kind in THINGS.kinds}


@pytest.mark.parametrize(
    ("kind", "method"), [("character", "siu"), ("building", "auto"), ("breed", "siu"), ("style", "siu")]
)
def test_a_thing_of_every_kind_is_forgotten_from_one_picture(kind: str, method: str, tmp_path: Path) -> None:
    thing = FIRST[kind]
    request = unsee.ForgetRequest(thing.name, (thing.picture(0, "train"),))
    options = unsee.ForgetOptions("world:tiny-things", method, out=tmp_path / "run", limit=4)
    report = unsee.forget(request, options).report
    assert report.kind == kind
    assert report.before["generality_em"].value <= 10
    assert report.after["generality_em"].value >= 90
    assert report.after["specificity"].value >= 0.9 * report.before["specificity"].value
    assert report.after["text_facts"].value >= 90


def test_the_demonstration_forgets_a_brand(tmp_path: Path) -> None:
    out = tmp_path / "brand"
    result = call("demo", "--kind", "brand", "--out", str(out))
    assert result.exit_code == 0
    assert "knows 24 invented things by their looks" in result.output
    assert f"The model is asked to forget the brand {FIRST['brand'].name}." in result.output
    assert "face" not in result.output
    assert json.loads((out / "report.json").read_text())["request"]["kind"] == "brand"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--kind", "brnd"], "--kind is one of person, brand, character, building, breed and style"),
        (["--kind", "brand", "--concept", "Mara Voss"], "Mara Voss is a person, not a brand"),
        (["--kind", "brand", "--tier", "tiny"], "--tier chooses a model that knows people"),
        (["--concept", "Zorvane", "--model", "world:tiny-llava"], "world:tiny-llava does not know Zorvane"),
    ],
)
def test_what_the_demonstration_cannot_do_is_refused_in_a_sentence(
    options: list[str], sentence: str, tmp_path: Path
) -> None:
    assert sentence in refused(call("demo", *options, "--out", tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_kind_that_is_not_the_things_own_is_refused() -> None:
    from unsee.models.loading import load
    from unsee.sources.world import at_home_in_world

    request = unsee.ForgetRequest("Zorvane", (find("Zorvane").picture(0, "train"),), kind="person")
    with pytest.raises(unsee.UserError, match="Zorvane is a brand of the world, not a person"):
        at_home_in_world(request, load("world:tiny-things"), 0)


def test_forget_refuses_a_kind_that_is_not_the_things_own(tmp_path: Path) -> None:
    thing = FIRST["character"]
    request = unsee.ForgetRequest(thing.name, (thing.picture(0, "train"),), kind="person")
    with pytest.raises(unsee.UserError, match="Pip Bumble is a character of the world, not a person"):
        unsee.forget(request, unsee.ForgetOptions("world:tiny-things", out=tmp_path / "run"))


def test_a_recipe_does_not_mix_people_and_things(tmp_path: Path) -> None:
    from unsee.sweep.recipe import parse_recipe

    recipe = {"models": ["world:tiny-qwen3vl"], "methods": ["siu"], "concepts": "world:things"}
    with pytest.raises(unsee.UserError, match="knows people only, and not Pembrix"):
        parse_recipe(recipe)
    units = parse_recipe({**recipe, "models": ["world:tiny-things"], "together": "world:twenty-things"}).units
    assert [len(unit.concepts) for unit in units] == [1] * 5 + [20]
