"""Recipes: what they may say, what is said of those that are wrong, and which cells they become."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from unsee.benchmarks.general import General
from unsee.benchmarks.mllmu import MLLMU
from unsee.benchmarks.splits import TABLE_PEOPLE, VALIDATION_PEOPLE
from unsee.benchmarks.world import world_benchmark
from unsee.errors import UserError
from unsee.models.loading import load
from unsee.sweep.cells import cells_of, state_of
from unsee.sweep.recipe import parse_recipe, read_recipe
from unsee.sweep.units import mllmu_of, requests_to_forget

RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*.yaml"))
SMALL: dict[str, Any] = {"models": "world:tiny-qwen3vl", "methods": ["siu"], "concepts": ["Mara Voss"]}


def refused(content: Any) -> str:
    with pytest.raises(UserError) as caught:
        parse_recipe(content, "r.yaml")
    return str(caught.value)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_shipped_recipe_is_valid(path: Path) -> None:
    assert cells_of(read_recipe(path))


def test_a_recipe_becomes_cells_of_models_units_seeds_and_methods() -> None:
    recipe = parse_recipe({**SMALL, "methods": ["siu", "ga"], "concepts": "world:table", "forget_splits": [5, 15],
                           "together": [2, 20], "seeds": 3})  # fmt: skip
    cells = cells_of(recipe)
    assert len(cells) == 2 * (5 + 2 + 2) * 3
    assert len({cell.folder for cell in cells}) == len(cells)
    # Cells of one unit stand together: the model before is asked about it once.
    units = [cell.before for cell in cells]
    assert sum(one != other for one, other in pairwise(units)) == len(set(units)) - 1


def test_a_method_in_a_file_is_labelled_by_its_name(tmp_path: Path) -> None:
    # A name of its own: another test of the same process may have loaded the example of a plug-in.
    file = tmp_path / "ironing.py"
    file.write_text(
        "from unsee.methods import METHODS\n\n\nclass Ironing(type(METHODS['ga'])):\n    name = 'ironing'\n"
    )
    methods = ["ga", f"{file}:Ironing", {"method": f"{file}:Ironing", "label": "mine"}]
    assert [arm.label for arm in parse_recipe({**SMALL, "methods": methods}).arms] == ["ga", "ironing", "mine"]


def test_units_name_the_right_people() -> None:
    units = parse_recipe({**SMALL, "concepts": "world:table", "forget_splits": 10, "together": 20}).units
    assert tuple(unit.name for unit in units[:5]) == TABLE_PEOPLE
    assert len(units[5].concepts) == 4
    twenty = units[6].concepts
    assert len(set(twenty)) == 20
    assert twenty[:5] == TABLE_PEOPLE
    assert not set(twenty) & set(VALIDATION_PEOPLE)
    assert parse_recipe({**SMALL, "concepts": "mara voss"}).units[0].concepts == ("Mara Voss",)


def test_an_arm_says_what_the_world_adds_to_its_requests() -> None:
    shown = {"method": "siu", "label": "siu, others shown", "fill": ["retain"]}
    alone, filled = cells_of(parse_recipe({**SMALL, "methods": ["siu", shown]}))
    assert (alone.arm.needs, filled.arm.needs) == ((), ("retain",))
    assert "fill" not in alone.identity()
    assert filled.identity()["fill"] == ["retain"]
    bench = world_benchmark("Mara Voss", test_pictures=1, kept=1, pairs=0)
    vlm = load("world:tiny-qwen3vl")
    requests = [requests_to_forget(c.unit, vlm, 0, [bench], c.benchmark, c.arm.needs)[0] for c in (alone, filled)]
    assert not requests[0].retain
    assert any(example.image is not None for example in requests[1].retain)
    # The same person in a folder of MMUBench, as `unsee world write --layout mmubench` makes it; and a model of others.
    in_folder = requests_to_forget(alone.unit, vlm, 0, [bench], "folder", ("unseen",), "person")[0]
    assert in_folder.unseen
    stranger = replace(bench, concept="Nobody Known")
    assert not requests_to_forget(alone.unit, vlm, 0, [stranger], "folder", ("unseen",), "person")[0].unseen


def test_mllmu_is_asked_on_request_and_older_results_stay_valid() -> None:
    plain = parse_recipe(SMALL)
    assert "mllmu" not in cells_of(plain)[0].asked()["evaluation"]
    recipe = parse_recipe({**SMALL, "forget_splits": 5, "evaluation": {"mllmu": 2, "kept": 4}})
    asked = cells_of(recipe)[0].asked()
    assert (asked["evaluation"]["mllmu"], asked["mllmu_version"]) == (2, MLLMU.version)
    assert mllmu_of(plain.units[0], plain.size) is None
    bench = mllmu_of(recipe.units[1], recipe.size)
    assert bench is not None
    assert [len(profiles) for profiles in bench.sets.values()] == [2, 2, 2, 2]
    assert len(bench.sets["test"][0].images) == 2
    said = refused({**SMALL, "benchmark": "bench", "evaluation": {"mllmu": 2}})
    assert "'mllmu' of 'evaluation' in r.yaml is for forget splits of the world, not for bench" in said
    assert "at least 1" in refused({**SMALL, "evaluation": {"mllmu": 0}})


def test_language_is_asked_on_request() -> None:
    assert not {"language", "language_version"} & {*cells_of(parse_recipe(SMALL))[0].asked()["evaluation"]}
    asked = cells_of(parse_recipe({**SMALL, "evaluation": {"language": True}}))[0].asked()
    assert (asked["evaluation"]["language"], asked["language_version"]) == (True, General.version)
    assert "must be true or false; found 1" in refused({**SMALL, "evaluation": {"language": 1}})


def test_steps_are_per_concept_and_the_rest_is_not() -> None:
    arm = parse_recipe({**SMALL, "methods": [{"method": "siu", "set": {"steps": 6, "token_mask": False}}]}).arms[0]
    one, twenty = arm.config(1), arm.config(20)
    assert (one.steps, twenty.steps) == (6, 120)
    assert one.batch == twenty.batch
    assert not twenty.token_mask  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": ["siu"]}, "'method'; did you mean 'methods'?"),
        ({"methods": ["sui"]}, "did you mean 'siu'?"),
        ({"methods": []}, "at least one method; found an empty list"),
        ({"methods": [{"method": "siu", "set": {"stepz": 3}}]}, "did you mean 'steps'?"),
        ({"methods": [{"method": "siu", "set": {"steps": 0}}]}, "out of range"),
        ({"methods": [{"method": "siu", "set": {"steps": [1]}}]}, "found a list"),
        ({"methods": [{"method": "siu", "lable": "x"}]}, "did you mean 'label'?"),
        ({"methods": [{"label": "x"}]}, "has no 'method'"),
        ({"methods": ["siu", "siu"]}, "would share the folder siu"),
        ({"methods": ["siu", {"method": "ga", "label": "SIU!"}]}, "would share the folder siu"),
        ({"methods": [{"method": "ga", "label": "…"}]}, "no letter or digit"),
        ({"methods": [{"method": "oracle", "set": {"steps": 1}}]}, "not trained here"),
        ({"methods": [{"method": "ga", "checkpoint": "x"}]}, "only the oracle"),
        ({"methods": [{"method": "siu", "fill": ["retian"]}]}, "did you mean 'retain'?"),
        ({"methods": [{"method": "siu", "fill": []}]}, "at least one"),
        ({"methods": [{"method": "oracle", "fill": ["retain"]}]}, "not trained here; remove 'fill'"),
        ({"methods": [{"method": "siu", "fill": ["retain"]}], "benchmark": "bench"}, "people of the world"),
        ({"kind": "brand"}, "the world knows its own"),
        ({"kind": "brnd", "benchmark": "bench"}, "did you mean 'brand'?"),
        ({"models": []}, "at least one"),
        ({"models": [None]}, "must be text; found nothing"),
        ({"concepts": ["Mara Vos"]}, "did you mean Mara Voss?"),
        ({"concepts": ["Mara Voss", "mara voss"]}, "twice"),
        ({"concepts": "world:tables"}, "did you mean 'world:table'?"),
        ({"concepts": None}, "forgets nobody"),
        ({"forget_splits": [7]}, "choose from 5, 10, 15"),
        ({"forget_splits": [True]}, "whole number"),
        ({"together": 39}, "at most 38 people"),
        ({"together": 1}, "at least 2"),
        ({"together": ["Mara Voss"]}, "at least two"),
        ({"seeds": 0}, "at least 1"),
        ({"seeds": [1, 1]}, "holds 1 twice"),
        ({"seeds": "3"}, "'3'"),
        ({"seeds": 10**30}, "a number that large"),
        ({"evaluation": {"test_picture": 3}}, "did you mean 'test_pictures'?"),
        ({"evaluation": {"kept": 0}}, "at least 1"),
        ({"evaluation": []}, "found an empty list"),
        ({"keep": "adapter"}, "adapters or scores"),
        ({"benchmark": "folder", "forget_splits": [5]}, "the benchmark is folder"),
        ({"benchmark": "folder", "concepts": "world:table"}, "the benchmark is folder"),
    ],
)  # fmt: skip
def test_a_wrong_recipe_is_refused_in_one_sentence(change: dict[str, Any], said: str) -> None:
    message = refused({**SMALL, **change})
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("# nothing\n", "is empty"),
        ("- siu", "must be a mapping"),
        ("models: [a", "not valid YAML"),
        ("models: a\nmodels: b", "'models' occurs twice"),
        ("methods: &a [*a]\nmodels: x\nconcepts: [Mara Voss]", "found a list"),
        ("? [models]\n: x", "not valid YAML"),
        ("seeds: 2026-13-45", "not valid YAML"),
        ("\x00", "not valid YAML"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"r\.yaml") as caught:
        read_recipe(path)
    assert said in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no recipe"):
        read_recipe(tmp_path / "none.yaml")
    (tmp_path / "r.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read"):
        read_recipe(tmp_path / "r.yaml")


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(
    ["siu", "ga", "oracle", "world:table", "world:tiny-qwen3vl", "Mara Voss", "steps"]
)  # fmt: skip
wild = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["method", "label", "set", "checkpoint", "steps", "kept"])
            | st.text(max_size=5)
            | st.integers(),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*SMALL, "forget_splits", "together", "seeds", "evaluation", "keep", "benchmark"]), wild
    )
)
def test_whatever_a_recipe_holds_it_is_read_or_refused(change: dict[str, Any]) -> None:
    try:
        recipe = parse_recipe({**SMALL, **change})
    except UserError:
        return
    assert recipe.units
    assert all(arm.config(2).steps for arm in recipe.arms if arm.method != "oracle")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_whatever_a_file_holds_that_is_no_recipe_is_refused(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.yaml"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        with pytest.raises(UserError):
            read_recipe(path)


def test_a_recipe_survives_being_written(tmp_path: Path) -> None:
    content = {**SMALL, "methods": [{"method": "siu", "label": "no mask", "set": {"token_mask": False}}], "seeds": [3]}
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(content))
    assert read_recipe(tmp_path / "r.yaml") == parse_recipe(content)
    assert parse_recipe(content).arms[0].settings == ("token_mask=false",)


def test_a_new_cell_is_new_and_knows_its_model() -> None:
    (cell,) = cells_of(parse_recipe(SMALL))
    assert state_of(cell, Path("nowhere")) == "new"
    assert cell.identity()["model_sha256"]
    assert cell.identity()["settings"]["steps"] > 0
    with pytest.raises(UserError, match="no checkpoint"):
        cells_of(parse_recipe({**SMALL, "models": "world:tiny-qwen4"}))


def test_an_oracle_that_is_nowhere_is_missed(tmp_path: Path) -> None:
    content = {**SMALL, "methods": ["siu", {"method": "oracle", "checkpoint": f"{tmp_path}/{{model}}-{{unit}}"}]}
    with pytest.raises(UserError, match="no oracle for any unit"):
        cells_of(parse_recipe(content))
    known = tmp_path / "world-tiny-qwen3vl-mara-voss"
    known.mkdir()
    (known / "config.json").write_text("{}")
    cells = cells_of(parse_recipe({**content, "seeds": 2, "concepts": ["Mara Voss", "Jonas Keller"]}))
    assert [cell.unit.name for cell in cells if cell.arm.method == "oracle"] == ["Mara Voss"]
