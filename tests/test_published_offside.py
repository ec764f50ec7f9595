"""OFFSIDE's layout, on an invented copy."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.engines import told
from unsee.benchmarks import find_benchmark, published_at
from unsee.benchmarks.base import Answers
from unsee.benchmarks.published.offside import Offside
from unsee.data.sample import Response
from unsee.errors import UserError
from unsee.evaluation import Evaluation


def chat(number: int | None, prompt: str, answer: str, **more: Any) -> dict[str, Any]:
    turns = [{"role": "user", "content": f"<image>\n{prompt}"}, {"role": "assistant", "content": answer}]
    shown = {} if number is None else {"images": f"./finetune_set/{number:03d}.jpg"}
    return {"messages": turns, **shown, **more}


def choice(number: int, correct: str, **more: Any) -> dict[str, Any]:
    options = {"A": "Rovers", "B": "Wanderers", "C": "United", "D": "City"}
    return {
        "image": f"finetune_set/{number:03d}.jpg",
        "Question": "Which club is it?",
        "Options": options,
        "Correct_Answer": correct,
        **more,
    }


NAME = ("Who is the player in this image: <image>", "The player in the image is Mara Voss.")
FEE = ("I'm curious about the transfer fee for the player shown in <image>.", "The transfer fee was €35.00 million.")
AGE = ("How old is the player?", "The player is currently 28 years old.")


def write(path: Path, rows: Any) -> None:
    path.write_text(json.dumps(rows), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "finetune_set").mkdir()
    for number in range(1, 11):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / "finetune_set" / f"{number:03d}.jpg")
    write(tmp_path / "forget_set.json", [chat(4, *NAME), chat(4, *FEE), chat(9, *AGE), chat(9, "Who?", "…"), 7])
    write(tmp_path / "forget_set_part.json", [chat(4, *FEE)])
    moved: dict[str, Any] = {"images": ["/root/data/StarBench/finetune_set/006.jpg"]}
    lost: dict[str, Any] = {"images": "./finetune_set/77.jpg"}
    retain = [chat(1, *AGE), chat(6, *AGE, **moved), chat(None, *AGE), chat(2, *AGE, **lost), {"messages": 5}]
    write(tmp_path / "retain_set.json", retain)
    write(tmp_path / "test_set.json", [chat(3, *AGE)])
    bad = choice(4, "B", Options={"A": "Rovers", "F": "City"})
    write(tmp_path / "classification_forget_set.json", [choice(4, "B"), bad, choice(4, "E"), choice(99, "A")])
    write(tmp_path / "classification_retain_set.json", [choice(1, "City")])
    return tmp_path


def scored(bench: Offside, texts: list[str]) -> dict[str, float]:
    probes = bench.probes()
    said = {one.id: Response(one.id, text) for one, text in zip(probes, texts, strict=True)}
    return {
        key: one.value for key, one in bench.score(Answers(probes, said, json.loads(json.dumps(bench.key())))).items()
    }


def test_every_row_is_asked_about_or_listed(folder: Path) -> None:
    data = Offside.read(folder, "complete")
    assert Counter((one.part, one.task, one.modality) for one in data.questions) == {
        ("forget", "generation", "picture"): 3,
        ("retain", "generation", "picture"): 2,
        ("retain", "generation", "text"): 1,
        ("test", "generation", "picture"): 1,
        ("forget", "classification", "picture"): 1,
        ("retain", "classification", "picture"): 1,
    }
    assert [one.prompt for one in data.questions[:2]] == [
        "Who is the player in this image",
        "I'm curious about the transfer fee for the player shown in the image.",
    ]
    # Pictures 1 to 5 show one player, 6 to 10 another.
    assert [one.subject for one in data.questions if one.part == "forget"] == ["1", "1", "2", "1"]
    assert data.names == {"1": "Mara Voss"}
    assert data.questions[-1].answer == "D"
    reasons = (
        "row 5 of",
        "'messages'",
        "finetune_set/77.jpg",
        "'messages'",
        "options A to D",
        "options A to D",
        "099.jpg",
    )
    assert len(data.left_out) == len(reasons)
    assert all(reason in line for reason, line in zip(reasons, data.left_out, strict=True))


def test_the_selective_split_keeps_what_is_not_private(folder: Path) -> None:
    data = Offside.read(folder, "selective")
    assert [one.id for one in data.questions if one.part == "forget"] == ["offside/forget_set/2"]
    assert sum(one.part == "shared" for one in data.questions) == 3
    (folder / "forget_set_part.json").unlink()
    with pytest.raises(UserError, match=r"selective.*forget_set_part"):
        Offside.read(folder, "selective")


def test_in_one_file_the_number_of_the_picture_tells_the_set(folder: Path) -> None:
    for path in folder.glob("*.json"):
        path.unlink()
    rows = [chat(number, *AGE) for number in range(1, 11)] + [chat(3, *AGE, images="./finetune_set/x.jpg")]
    write(folder / "train_data.json", rows)
    assert published_at(folder) is Offside
    data = Offside.read(folder, "complete")
    assert Counter(one.part for one in data.questions) == {"retain": 6, "forget": 2}
    assert [one.subject for one in data.questions] == ["1"] * 4 + ["2"] * 4
    assert len(data.left_out) == 1
    assert "no number in the name of its picture" in data.left_out[0]


def test_published_figures_and_ours(folder: Path) -> None:
    bench = Offside(Offside.read(folder, "complete"))
    texts = ["Mara Voss", "The transfer fee was €10.00 million.", "28", "30", "28", "28", "28", "B.", "The answer is D"]
    scores = scored(bench, texts)
    # Name and age are told, the fee is not; "B." is a right choice.
    assert scores["offside/forget/generation/picture"] == pytest.approx(200 / 3)
    assert scores["offside/forget/classification/picture"] == 100
    assert scores["offside/forget/choice/picture"] == 0
    assert scores["offside/retain/choice/picture"] == 1
    # Words in order: 2 of 2 and 2 of 8 of the name, 6 of 7 of the wrong fee ("€10.00" is two), 1 of 1 and 1 of 7.
    assert scores["offside/forget/rouge_l/picture"] == pytest.approx((0.4 + 6 / 7 + 0.25) / 3)
    assert 0 < scores["offside/forget/bleu/picture"] < scores["offside/forget/rouge_l/picture"]
    assert scores["offside/retain/generation/text"] == 100
    assert scores["offside/test/generation/picture"] == 100


def test_only_its_own_chats_are_recognised(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert find_benchmark(str(folder)) == (Offside, folder)
    other = tmp_path_factory.mktemp("other")
    write(other / "train_data.json", [{"messages": [], "images": ["a.jpg"]}])
    assert not Offside.recognises(other)
    with pytest.raises(UserError, match="neither a forget_set"):
        Offside.read(folder / "finetune_set", "complete")
    with pytest.raises(UserError, match="not read from the hub"):
        Offside.read(Path("hf:zh1218001/OFFSIDE"), "complete")


def test_an_engine_is_asked_and_its_saved_answers_are_scored_alike(folder: Path, tmp_path_factory: Any) -> None:
    bench = Offside(Offside.read(folder, "complete"))
    said = {one.id: one.answer for one in bench.questions}
    engine = told(lambda probe: said[probe.id], lambda sample: [-1.0, -3.0])
    saved = tmp_path_factory.mktemp("saved")
    first, again = (Evaluation([bench], progress=False).of(engine, "model", folder=saved).scores for _ in range(2))
    assert first["offside_kept"].value == 100
    assert first["offside_forgotten"].value == 0
    assert first["offside/retain/probability/text"].value == pytest.approx(0.1353352832)
    assert {key: one.value for key, one in again.items()} == {key: one.value for key, one in first.items()}


def test_half_a_character_is_replaced(folder: Path) -> None:
    write(folder / "retain_set.json", [chat(1, "How old\ud800?", "28 \udfff years.")])
    (found,) = (one for one in Offside.read(folder, "complete").questions if one.id == "offside/retain_set/1")
    assert (found.prompt, found.answer) == ("How old??", "28 ? years.")


def test_a_picture_outside_the_folder_is_not_opened(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("secret") / "secret.jpg"
    Image.new("RGB", (8, 8)).save(secret)
    (folder / "link.jpg").symlink_to(secret)
    rows = [chat(1, *AGE, images=where) for where in (str(secret), f"../{secret.parent.name}/secret.jpg", "link.jpg")]
    write(folder / "retain_set.json", rows)
    assert all(
        one.part != "retain" or one.task == "classification" for one in Offside.read(folder, "complete").questions
    )


VALUES = st.none() | st.integers() | st.text(max_size=8) | st.lists(st.text(max_size=4) | st.none(), max_size=3)
KEYS = st.sampled_from(["messages", "images", "image", "Question", "Options", "Correct_Answer"])
TURNS = st.lists(st.dictionaries(st.sampled_from(["role", "content"]), VALUES), max_size=3)


@given(st.lists(st.dictionaries(KEYS, VALUES | TURNS) | VALUES, max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_odd_rows_end_in_a_sentence(folder: Path, rows: list[Any]) -> None:
    odd = [choice(1, "A") | one if isinstance(one, dict) and "Options" in one else one for one in rows]
    write(
        folder / "forget_set.json",
        [chat(4, *AGE), *[chat(4, *AGE) | one if isinstance(one, dict) else one for one in odd]],
    )
    write(folder / "retain_set.json", [chat(1, *AGE)])
    with suppress(UserError):
        bench = Offside(Offside.read(folder, "complete"))
        assert scored(bench, ["28"] * len(bench.questions))["offside_kept"] >= 0
