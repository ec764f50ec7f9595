"""CoVUBench's layout, on an invented copy."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from unsee.benchmarks import find_benchmark, published_at
from unsee.benchmarks.base import Answers
from unsee.benchmarks.published.covubench import CoVUBench
from unsee.data.sample import Response
from unsee.errors import UserError


def png(shade: int) -> dict[str, Any]:
    file = BytesIO()
    Image.new("RGB", (8, 8), (shade, 0, 0)).save(file, "PNG")
    return {"bytes": file.getvalue(), "path": None}


def row(name: str, kind: str = "multi_modal", **more: Any) -> dict[str, Any]:
    return {
        "image": png(len(name)),
        "question": "What is on its hat?",
        "answer": "A golden star and a small bell are on its hat.",
        "name": name,
        "type": "character",
        "keywords": json.dumps({"hat": ["golden star", ["bell"]], "other": "hat"}),
        "question_type": kind,
        **more,
    }


def write(folder: Path, source: str, rows: Sequence[dict[str, Any]], shards: int = 1) -> None:
    folder.mkdir(exist_ok=True)
    for shard in range(shards):
        part = list(rows)[shard::shards]
        path = folder / f"{source}-{shard:05}-of-{shards:05}.parquet"
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(part, schema=SCHEMA), path)


IMAGE = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
SCHEMA = pyarrow.schema([("image", IMAGE), *((key, pyarrow.string()) for key in list(row("a"))[1:])])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    plain = {"answer": "It lives in a well.", "question": "Where does it live?", "keywords": ""}
    forget = [
        row("Bimbo Bell"),
        row("Bimbo Bell", "caption"),
        row("Bimbo Bell", "text_only", **plain),
        row("Bimbo Bell", keywords="{"),
        row("Bimbo Bell", image=None),
        row("…"),
    ]
    write(tmp_path / "data", "forget5", forget, shards=2)
    write(tmp_path / "data", "test", [row("Bimbo Bell"), row("Zack Zebra")])
    write(tmp_path / "data", "retain", [row("Bimbo Bell"), row("Zack Zebra"), row("Zack Zebra", answer="")])
    return tmp_path


def scored(bench: CoVUBench, text: str) -> dict[str, float]:
    said = {one.id: Response(one.id, text) for one in bench.questions}
    answers = Answers(bench.probes(), said, json.loads(json.dumps(bench.key())))
    return {key: one.value for key, one in bench.score(answers).items()}


def test_every_row_is_asked_about_left_to_another_part_or_listed(folder: Path) -> None:
    data = CoVUBench.read(folder, "forget5")
    assert Counter((one.part, one.task, one.modality) for one in data.questions) == {
        ("forget", "generation", "picture"): 1,
        ("forget", "description", "picture"): 1,
        ("forget", "generation", "text"): 1,
        ("test", "generation", "picture"): 1,
        ("retain", "generation", "picture"): 1,
    }
    assert data.names == {"Bimbo Bell": "Bimbo Bell"}
    first = data.questions[0]
    assert first.keywords == ("golden star", "bell", "hat")
    # The question says "hat" itself.
    assert first.facts == (("golden star",), ("bell",))
    reasons = ("no picture embedded", "no JSON in 'keywords'", "letter and no digit in 'name'", "no text in 'answer'")
    assert len(data.left_out) == len(reasons)
    assert all(any(reason in line for line in data.left_out) for reason in reasons)


def test_the_published_recall_counts_what_is_denied_and_ours_does_not(folder: Path) -> None:
    bench = CoVUBench(CoVUBench.read(folder, "forget5"))
    told = scored(bench, "A bell and a golden star.")
    assert told["covubench/forget/generation/picture"] == told["covubench/test/generation/picture"] == 100
    assert told["covubench/forget/keyword_recall/picture"] == pytest.approx(2 / 3)
    denied = scored(bench, "No golden star, no bells, no hat.")
    assert denied["covubench/retain/keyword_recall/picture"] == 1
    assert denied["covubench/retain/generation/picture"] == denied["covubench_kept"] == 0
    # Three of the eleven words of the truth, in order.
    assert scored(bench, "golden star bell")["covubench/retain/rouge_l_recall/picture"] == pytest.approx(3 / 11)
    assert scored(bench, "In a well.")["covubench/forget/generation/text"] == 100


def test_through_datasets_and_by_its_columns(folder: Path) -> None:
    assert find_benchmark(str(folder)) == (CoVUBench, folder)
    assert published_at(folder / "data") is CoVUBench
    found = CoVUBench.read(Path(f"hf:{folder}"), "forget5")
    assert [one.id for one in found.questions] == [one.id for one in CoVUBench.read(folder, "forget5").questions]
    assert CoVUBench.recognises(Path("hf:herbwood27/CoVUBench"))
    assert not CoVUBench.recognises(folder / "nowhere")
    with pytest.raises(UserError, match="no file forget10-"):
        CoVUBench.read(folder, "forget10")


VALUES = (
    st.none()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from(["caption", "[[[]]]", "{}"])
)


@given(st.lists(st.dictionaries(st.sampled_from(list(row("a"))[1:]), VALUES), max_size=4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_odd_rows_end_in_a_sentence(folder: Path, rows: list[dict[str, Any]]) -> None:
    write(folder / "data", "forget5", [row("Bimbo Bell"), *(row("Bimbo Bell") | one for one in rows)], shards=2)
    with suppress(UserError):
        bench = CoVUBench(CoVUBench.read(folder, "forget5"))
        assert scored(bench, "Nothing.")["covubench_unreadable"] == 0
