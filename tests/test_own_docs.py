"""docs/own_data.md: its example gives the scores that the page shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.command_line import call
from unsee.benchmarks import get_benchmark
from unsee.benchmarks.own import OwnQuestions
from unsee.benchmarks.own_reader import COLUMNS
from unsee.evaluation import Evaluation
from unsee.generation import TransformersEngine
from unsee.models.loading import load

PAGE = (Path(__file__).parents[1] / "docs" / "own_data.md").read_text(encoding="utf-8")


def test_the_example_gets_the_scores_that_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for line in re.findall(r"^unsee (world picture .*)$", PAGE, flags=re.MULTILINE):
        assert call(*shlex.split(line)).exit_code == 0
    rows = re.findall(r"^    (.*)$", PAGE.partition("`people.csv` lies")[2].partition("The model")[0], re.MULTILINE)
    Path("people.csv").write_text("\n".join(rows), encoding="utf-8")
    bench = get_benchmark("people.csv")
    found = Evaluation([bench], progress=False).of(TransformersEngine(load("world:tiny-qwen3vl")), "before").scores
    shown = re.findall(r"^\| `(\w+(?:/\w+)?)` \| ([\d.]+) \| (\d+) \|$", PAGE, flags=re.MULTILINE)
    assert {key: (float(value), int(n)) for key, value, n in shown} == {
        key: (round(score.value, 1), score.n) for key, score in found.items()
    }


def test_the_page_names_every_column_and_every_score() -> None:
    rows = re.findall(r"^\| `(\w+)` \|(.*?)\|", PAGE.partition("## Columns")[2], flags=re.MULTILINE)
    named = {name: (name, *re.findall(r"`(\w+)`", others)) for name, others in rows if name in COLUMNS}
    assert named == {name: tuple(others) for name, others in COLUMNS.items()}
    scores = PAGE.partition("## Scores")[2]
    assert [metric.key for metric in OwnQuestions.columns if f"| `{metric.key}` |" not in scores] == []
