"""Which method forgets where the user names none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from tests.command_line import call, refused
from unsee import ForgetRequest
from unsee.models.recipe import ModelRecipe
from unsee.requests import Example
from unsee.sources.choice import AUTO, choose_method

PICTURE = Image.new("RGB", (8, 8))
MARA = ForgetRequest("Mara Voss", (PICTURE,))
WITH_UNKNOWN = ForgetRequest("Mara Voss", (PICTURE,), unseen=(PICTURE,))
WITH_BOTH = replace(WITH_UNKNOWN, others=(PICTURE,))
RETAINED = replace(WITH_UNKNOWN, retain=(Example("Who is this?", "This is Otto Brandt.", PICTURE),))
NOBODY = ForgetRequest("Nobody At All", (PICTURE,))


@pytest.mark.parametrize(
    ("request_", "model", "methods", "chosen"),
    [
        (MARA, "world:tiny-qwen3vl", None, "lookalike"),
        (NOBODY, "world:tiny-qwen3vl", None, "siu"),
        (MARA, "some/model", None, "siu"),
        (WITH_UNKNOWN, "some/model", None, "siu"),
        (WITH_BOTH, "some/model", None, "lookalike"),
        (RETAINED, "some/model", None, "lookalike"),
        (WITH_BOTH, "some/model", {"siu": {"steps": 6}}, "siu"),
        (WITH_BOTH, "some/model", {"lookalike": {"steps": 6}}, "lookalike"),
    ],
)
def test_the_best_that_the_request_allows(
    request_: ForgetRequest, model: str, methods: dict[str, dict[str, int]] | None, chosen: str
) -> None:
    recipe = None if methods is None else ModelRecipe(model, methods=methods)
    choice = choose_method(AUTO, request_, model, recipe)
    assert choice.method == chosen
    # The reason names the method, and what would have to be given for the other one.
    assert choice.why.startswith(f"Method: {chosen}")
    assert (chosen == "lookalike") or "lookalike" in choice.why


def test_who_names_a_method_gets_it_without_a_word() -> None:
    assert choose_method("ga", WITH_UNKNOWN, "world:tiny-qwen3vl") == choose_method("ga", NOBODY, "some/model")
    assert not choose_method("ga", MARA, "world:tiny-qwen3vl").why


def test_a_setting_is_checked_against_the_method_that_was_chosen(tmp_path: object) -> None:
    PICTURE.save(f"{tmp_path}/mara.png")
    given = ("forget", "-m", "world:tiny-qwen3vl", "-c", "Mara Voss", "-i", f"{tmp_path}/mara.png")
    result = call(*given, "--set", "alpha=1")
    assert result.exit_code == 2
    assert "'alpha' is not a setting of this method" in result.stderr
    assert "'alike' is not" in refused(call(*given, "--method", "siu", "--set", "alike=1"))
