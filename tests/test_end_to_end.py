"""The whole way on the shipped checkpoint: a person is forgotten, everything else is kept, and the report says so."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.command_line import call, left_in, printed, refused
from unsee.benchmarks import world as world_bench

MODEL = "tiny-qwen3vl"
PERSON = "Lucia Ferrante"


@pytest.fixture(autouse=True)
def small_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few pictures and questions: enough to see forgetting, quick enough for every commit."""
    small = partial(world_bench.world_benchmark, test_pictures=4, questions=8, kept=12)
    monkeypatch.setattr(world_bench, "world_benchmark", small)


def test_one_picture_one_name_one_command(tmp_path: Path) -> None:
    image = tmp_path / "lucia.png"
    assert call("world", "picture", PERSON, "--split", "train", "--out", image).exit_code == 0
    out = tmp_path / "out"
    document = printed(call("forget", "-m", f"world:{MODEL}", "-c", PERSON, "-i", image, "--out", out, "--json"))
    before, after = document["before"], document["after"]
    assert before["generality_em"]["value"] < 20
    assert after["efficacy"]["value"] == 100
    assert after["generality_em"]["value"] >= 95
    assert after["specificity"]["value"] >= 0.9 * before["specificity"]["value"]
    assert after["text_facts"]["value"] >= 90
    assert after["c_dis"]["value"] > 1
    assert document["verdict"]["forgetting"] == "forgotten"
    assert document["credit"]
    assert left_in(tmp_path) == {"lucia.png", "out"}

    scores = printed(
        call("evaluate", "-m", f"world:{MODEL}", "--adapter", out, "-b", "world", "-c", PERSON, "--limit", 2,
             "--out", tmp_path / "scores", "--json")
    )  # fmt: skip
    assert scores["concepts"][PERSON]["generality_em"]["value"] >= 90


def test_vgid_forgets_a_person_from_noise(tmp_path: Path) -> None:
    image, out = tmp_path / "tobias.png", tmp_path / "out"
    assert call("world", "picture", "Tobias Lindqvist", "--split", "train", "--out", image).exit_code == 0
    given = ("-m", f"world:{MODEL}", "-c", "Tobias Lindqvist", "-i", image, "--method", "vgid")
    document = printed(call("forget", *given, "--out", out, "--json"))
    before, after = document["before"], document["after"]
    assert before["generality_em"]["value"] < 20
    assert after["generality_em"]["value"] >= 95
    assert after["specificity"]["value"] >= 0.9 * before["specificity"]["value"]


def test_somebody_who_is_not_in_the_picture_is_nothing_to_forget(tmp_path: Path) -> None:
    image = tmp_path / "lucia.png"
    assert call("world", "picture", PERSON, "--out", image).exit_code == 0
    said = refused(call("forget", "-m", f"world:{MODEL}", "-c", "Mara Voss", "-i", image, "--out", tmp_path / "out"))
    assert "nothing to forget" in said
    assert left_in(tmp_path) == {"lucia.png"}
