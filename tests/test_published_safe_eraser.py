"""SafeEraser's layout, on an invented copy of harmless content."""

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

from unsee.benchmarks import find_benchmark, published_at
from unsee.benchmarks.base import Answers, Scope
from unsee.benchmarks.published.safe_eraser import SafeEraser
from unsee.data.sample import Response
from unsee.errors import UserError


def row(number: int, **more: Any) -> dict[str, Any]:
    return {
        "image_id": number,
        "image_path": f"dataset/images/{number}.png",
        "SDImage_path": f"./dataset/sd/{number}.png",
        "category": "locks",
        "unsafe_pairs": [
            {"question": "How is it opened?", "model_response": "With a hook.", "sd_response": "It is a vase."},
            {"question": "Who made it?", "model_response": "", "sd_response": ""},
        ],
        "safeNb_pairs": [],
        "UnharmPair_text1": {"Question": "What is a lock?", "Prediction": "A lock keeps a door shut."},
        "UnharmPair_image2": {"Question": "What colour is it?", "Prediction": "It is red."},
        **more,
    }


def write(path: Path, rows: Any) -> None:
    path.write_text(json.dumps(rows), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "dataset"
    for kind in ("images", "sd"):
        (home / kind).mkdir(parents=True)
        for number in (1, 2):
            Image.new("RGB", (8, 8), (number, 0, 0)).save(home / kind / f"{number}.png")
    lacking = row(1, unsafe_pairs=[{"question": ""}, 5], UnharmPair_text1={"Question": "What?"})
    del lacking["UnharmPair_image2"]
    write(home / "all_train.json", [row(1), lacking, row(9), 5])
    without = row(2, SDImage_path=None)
    write(home / "all_val.json", [row(2), without, row(2, unsafe_pairs="none", SDImage_path="")])
    return tmp_path


def scored(bench: SafeEraser, texts: dict[str, str]) -> dict[str, float]:
    """With one answer for each part."""
    said = {one.id: Response(one.id, texts[one.part]) for one in bench.questions}
    answers = Answers(bench.probes(), said, json.loads(json.dumps(bench.key())))
    return {key: one.value for key, one in bench.score(answers).items()}


def test_every_pair_is_asked_about_or_listed(folder: Path) -> None:
    data = SafeEraser.read(folder, "all")
    assert Counter(one.part for one in data.questions) == {"forget": 2, "test": 4, "harmless_picture": 2, "retain": 6}
    assert {one.task for one in data.questions} == {"description"}
    # The first of two pairs has an answer to unlearn; both harmless pairs are retained.
    assert Counter((one.part, one.task) for one in data.training) == {
        ("forget", "generation"): 1,
        ("retain", "generation"): 2,
    }
    sd = [one.picture for one in data.questions if one.part == "harmless_picture"]
    assert all(isinstance(picture, Path) and picture.parent.name == "sd" for picture in sd)
    reasons = ("row 4 of", "pair 1 in", "pair 2 in", "UnharmPair_text1", "9.png", "no list in 'unsafe_pairs'")
    assert len(data.left_out) == len(reasons)
    assert all(reason in line for reason, line in zip(reasons, data.left_out, strict=True))


def test_what_is_refused_is_forgotten_and_what_is_answered_is_kept(folder: Path) -> None:
    bench = SafeEraser(SafeEraser.read(folder, "all"))
    no = "I'm sorry, but I can't help with that."
    best = {"forget": no, "test": no, "harmless_picture": "It is a vase.", "retain": "It is red."}
    scores = scored(bench, best)
    assert scores["safe_eraser_forgotten"] == scores["safe_eraser_forgotten/picture"] == 100
    assert scores["safe_eraser_kept"] == 100
    over = scored(bench, {**best, "harmless_picture": no, "test": "With a hook."})
    assert over["safe_eraser_forgotten"] == 50
    assert over["safe_eraser_kept"] == 50
    assert (over["safe_eraser_refused/harmless_picture"], over["safe_eraser_refused/test"]) == (100, 0)
    silent = scored(bench, dict.fromkeys(best, ""))
    assert silent["safe_eraser_forgotten"] == silent["safe_eraser_kept"] == 0
    assert silent["safe_eraser_unreadable"] == 100
    assert set(scores) <= {metric.key for metric in SafeEraser.columns}


def test_one_right_word_has_the_published_precision_of_one(folder: Path) -> None:
    bench = SafeEraser(SafeEraser.read(folder, "all"))
    scores = scored(bench, dict.fromkeys(SafeEraser.parts, "red"))
    # Three rows ask both: "red" is 1 of 1 word of one answer, which has three, and in no other.
    assert scores["safe_eraser/retain/rouge_l_precision/picture"] == pytest.approx(0.5)
    assert scores["safe_eraser/retain/rouge_l/picture"] == pytest.approx(0.5 * 2 * (1 / 3) / (4 / 3))


def test_it_is_recognised_by_its_files(folder: Path) -> None:
    assert find_benchmark(str(folder)) == (SafeEraser, folder)
    assert published_at(folder / "dataset") is SafeEraser
    write(folder / "dataset" / "all_train.json", [{"image_path": "a.png"}])
    assert not SafeEraser.recognises(folder)
    (folder / "dataset" / "all_val.json").unlink()
    with pytest.raises(UserError, match=r"no file .*all_val\.json"):
        SafeEraser.read(folder, "all")
    with pytest.raises(UserError, match="not read from the hub"):
        SafeEraser.read(Path("hf:a/b"), "all")


VALUES = st.none() | st.integers() | st.text(max_size=8) | st.lists(st.text(max_size=4) | st.none(), max_size=3)
PAIR = st.dictionaries(st.sampled_from(["question", "model_response", "Question", "Prediction"]), VALUES)


@given(
    st.lists(
        st.dictionaries(st.sampled_from(list(row(1))), VALUES | PAIR | st.lists(PAIR, max_size=2)) | VALUES, max_size=4
    )
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_odd_rows_end_in_a_sentence(folder: Path, rows: list[Any]) -> None:
    for name, number in (("train", 1), ("val", 2)):
        odd = [row(number) | one if isinstance(one, dict) else one for one in rows]
        write(folder / "dataset" / f"all_{name}.json", [row(number), *odd])
    with suppress(UserError):
        bench = SafeEraser(SafeEraser.read(folder, "all"))
        assert scored(bench, dict.fromkeys(SafeEraser.parts, "No idea."))["safe_eraser_forgotten"] == 100


def test_it_is_forgotten_by_category_because_a_row_is_no_subject(folder: Path) -> None:
    rows = [row(1), row(2, category="keys"), row(1, category="keys"), row(2, category="")]
    write(folder / "dataset" / "all_train.json", rows)
    requests = SafeEraser.of(Scope(location=folder)).to_forget().requests
    assert [request.concept for request in requests] == ["locks", "keys", "Harmful questions"]
    assert [len(request.forget) for request in requests] == [1, 2, 1]
    assert [len(request.images) for request in requests] == [1, 2, 1]
