"""Text files from any editor, and texts with the rarer line ends of Unicode in them."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import unsee
from tests.tiny import picture
from unsee.benchmarks.concept import ConceptBenchmark, Question
from unsee.benchmarks.layout import load_benchmark, write_benchmark
from unsee.data.sample import Response, Sample
from unsee.generation import Transcript
from unsee.requests import ForgetRequest
from unsee.store.strict_yaml import read_yaml
from unsee.store.text import json_lines, read_text
from unsee.training.data_folder import read_training_data, write_training_data

BROKEN = "One\u2028two\u2029three\x85four\x0bfive\x0csix\x1cseven"


def request(folder: Path) -> Any:
    picture(1).save(folder / "mara.png")
    (folder / "request.yaml").write_text("concept: Zoë Voß\nimages: [mara.png]\n", encoding="utf-8")
    return lambda: ForgetRequest.from_yaml(folder / "request.yaml").concept


def recipe(folder: Path) -> Any:
    (folder / "recipe.yaml").write_text("model: Zoë\n", encoding="utf-8")
    return lambda: read_yaml(folder / "recipe.yaml", "recipe")


def training_data(folder: Path) -> Any:
    write_training_data([Sample("Who is Zoë?", "A baker.", (picture(1),)), Sample("Who?", "Zoë.")], folder)
    return lambda: [(sample.prompt, sample.answer) for sample in read_training_data(folder)]


def benchmark(folder: Path) -> Any:
    bench = ConceptBenchmark("Zoë Voß", picture(1), (picture(2),), (Question("Who is this?", "Zoë Voß"),))
    write_benchmark(folder / "bench", [bench])
    return lambda: [(bench.concept, bench.questions) for bench in load_benchmark(folder / "bench")]


def rows(folder: Path) -> Any:
    (folder / "rows.jsonl").write_text('{"name": "Zoë"}\n\n{"name": "Voß"}\n', encoding="utf-8")
    return lambda: json_lines(folder / "rows.jsonl")


@pytest.mark.parametrize("write", [request, recipe, training_data, benchmark, rows])
def test_a_byte_order_mark_changes_nothing(write: Callable[[Path], Any], tmp_path: Path) -> None:
    read = write(tmp_path)
    plain = read()
    files = [path for path in tmp_path.rglob("*") if path.suffix in (".yaml", ".json", ".jsonl")]
    assert files
    for path in files:
        path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    assert read() == plain


def test_line_separators_of_unicode_end_no_row(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(
        "".join(json.dumps({"text": BROKEN, "n": n}, ensure_ascii=False) + "\n" for n in range(2)), encoding="utf-8"
    )
    assert json_lines(tmp_path / "rows.jsonl") == [{"text": BROKEN, "n": 0}, {"text": BROKEN, "n": 1}]
    write_training_data([Sample(BROKEN, BROKEN)], tmp_path)
    assert [(sample.prompt, sample.answer) for sample in read_training_data(tmp_path)] == [(BROKEN, BROKEN)]
    for _ in range(2):
        transcript = Transcript(tmp_path / "answers.jsonl", {"fingerprint": "a run"})
        transcript.add([Response("one", BROKEN)])
        transcript.close()
    assert Transcript(tmp_path / "answers.jsonl", {"fingerprint": "a run"}).responses["one"].text == BROKEN
    assert json_lines(tmp_path / "answers.jsonl")[1] == {"id": "one", "text": BROKEN, "ended": True}


def test_text_files_are_read_in_one_way() -> None:
    """A reader of its own would stumble over what the tests above pin."""
    for path in Path(unsee.__file__).parent.rglob("*.py"):
        assert path.name == "text.py" or ".read_text(encoding=" not in read_text(path), path
        assert ".read_text()" not in read_text(path), path
