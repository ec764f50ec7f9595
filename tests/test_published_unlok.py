"""UnLOK-VQA's layout, on an invented copy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from unsee.benchmarks import find_benchmark, get_benchmark, published_at
from unsee.benchmarks.base import Answers, Scope
from unsee.benchmarks.published.unlok import UnLOKVQA
from unsee.data.sample import Response
from unsee.errors import UserError


def row(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "subject": "hat",
        "src": "Who wears such a hat?",
        "pred": "Pilot",
        "loc": ["nq question: Is there snow?", "nq question: What colour is it?", "nq question: Is there snow?"],
        "loc_ans": ["Yes", "Blue", "Yes"],
        "rephrase": ["Who wears such a hat?", "Whose hat is this?", "Whose hat is this?", ""],
        "image_id": 100 + number,
        "alt_ans": ["Baker"],
        **more,
    }


def photo(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (shade, 0, 0)).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two rows that can be asked about in full, one of whose neighbours some cannot, and five that cannot."""
    rows = [
        row(1),
        row(2, image_id="102", pred="no", loc=["nq question: ", "nq question: Who?"], loc_ans=["Yes", "…"]),
        row(3, loc=["nq question: Who?"], loc_ans=[]),
        row(1, src="Another with the same id?"),
        row(5, image_id=999),
        row(6, image_id="../6"),
        row(7, pred="…", image_id=101),
        row(8, id=None),
        5,
    ]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "unlok.json").write_text(json.dumps(rows), encoding="utf-8")
    (tmp_path / "data" / "retain.json").write_text(json.dumps([row(9)]), encoding="utf-8")
    photo(tmp_path / "000000000101.jpg", 1)
    photo(tmp_path / "train2017" / "000000000102.jpg", 2)
    photo(tmp_path / "images" / "000000000103.jpg", 3)
    return tmp_path


def scored(bench: UnLOKVQA, texts: Sequence[str]) -> dict[str, float]:
    probes = bench.probes()
    said = {one.id: Response(one.id, text) for one, text in zip(probes, texts, strict=True)}
    return {
        key: one.value for key, one in bench.score(Answers(probes, said, json.loads(json.dumps(bench.key())))).items()
    }


def test_every_row_is_asked_about_or_listed(folder: Path) -> None:
    data = UnLOKVQA.read(folder, "all")
    assert [(one.id, one.part, one.subject) for one in data.questions] == [
        ("unlok/forget/1/0", "forget", "1"),
        ("unlok/retain/1/0", "retain", "1"),
        ("unlok/retain/1/1", "retain", "1"),
        ("unlok/forget/2/0", "forget", "2"),
        ("unlok/forget/3/0", "forget", "3"),
    ]
    assert data.questions[0].prompt == "Who wears such a hat?\nAnswer the question in one word."
    assert data.questions[0].reworded == ("Whose hat is this?",)
    assert data.questions[1].prompt.startswith("Is there snow?\n")
    assert data.names == {"1": "Pilot", "2": "no", "3": "Pilot"}
    reasons = ("row 9 of", "question 1 in 'loc'", "question 2 in 'loc'", "as many answers", "the id 1 of a row before",
               "photo 000000000999.jpg of COCO", "whole number in 'image_id'", "no letter and no digit in 'pred'",
               "whole number in 'id'")  # fmt: skip
    assert len(data.left_out) == len(reasons)
    assert all(reason in line for reason, line in zip(reasons, data.left_out, strict=True))
    bench = UnLOKVQA(data)
    assert all(len(probe.images) == 1 for probe in bench.probes())


def test_the_published_rule_finds_no_in_snow_and_ours_does_not(folder: Path) -> None:
    scores = scored(UnLOKVQA(UnLOKVQA.read(folder, "all")), ["A pilot.", "Yeah", "It is not blue", "Snow", "A baker"])
    assert scores["unlok/forget/contained/picture"] == pytest.approx(2 / 3)
    assert scores["unlok/forget/generation/picture"] == pytest.approx(100 / 3)
    assert scores["unlok_forgotten"] == pytest.approx(200 / 3)
    # "Yeah" is yes to ours alone, "not blue" is blue to the published rule alone.
    assert scores["unlok/retain/contained/picture"] == scores["unlok/retain/generation/picture"] / 100 == 0.5


def test_a_folder_is_recognised_by_its_columns_and_a_pool_of_other_rows_is_not(folder: Path) -> None:
    assert find_benchmark(str(folder)) == (UnLOKVQA, folder)
    bench = get_benchmark(str(folder), Scope(limit=1))
    assert isinstance(bench, UnLOKVQA)
    assert len({one.subject for one in bench.questions if one.part == "forget"}) == 1
    (folder / "data" / "unlok.json").unlink()
    assert published_at(folder) is None
    with pytest.raises(UserError, match="no file with the questions"):
        UnLOKVQA.read(folder, "all")


def test_parquet_with_embedded_photos_through_datasets(tmp_path: Path) -> None:
    import datasets

    home = tmp_path / "UnLOK-VQA"
    home.mkdir()
    photo(tmp_path / "a.png", 1)
    content = (tmp_path / "a.png").read_bytes()
    rows = [row(i, image={"bytes": content, "path": None}) for i in (1, 2)]
    datasets.Dataset.from_list(rows).to_parquet(home / "train-00000-of-00001.parquet")
    location = Path(f"hf:{home}?split=train")
    assert UnLOKVQA.recognises(location)
    assert len(UnLOKVQA.read(location, "all").questions) == 6
    assert len(UnLOKVQA(UnLOKVQA.read(home, "all")).questions) == 6


def test_without_photos_the_error_says_which_are_missing(folder: Path) -> None:
    for path in folder.rglob("*.jpg"):
        path.unlink()
    with pytest.raises(UserError, match=r"no question of the set 'forget'.*photo 000000000101.jpg of COCO 2017"):
        UnLOKVQA(UnLOKVQA.read(folder, "all"))


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.lists(st.text(max_size=4) | st.none(), max_size=3)
)


@given(st.lists(st.dictionaries(st.sampled_from([*row(1), "image"]), VALUES) | VALUES, max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_odd_rows_end_in_a_sentence(folder: Path, rows: list[Any]) -> None:
    odd = [row(1) | one if isinstance(one, dict) else one for one in rows]
    (folder / "data" / "unlok.json").write_text(json.dumps(odd), encoding="utf-8")
    with suppress(UserError):
        data = UnLOKVQA.read(folder, "all")
        assert scored(UnLOKVQA(data), ["yes"] * len(data.questions))["unlok_unreadable"] == 0
