"""docs/story.md: a second request, a revocation and a third request, as they are written, with fewer questions."""

from __future__ import annotations

import re
import shlex
from functools import partial
from pathlib import Path

import pytest

from tests.command_line import call
from unsee.benchmarks import world as world_bench
from unsee.ledger import Ledger
from unsee.metrics.score import Score
from unsee.reports import read

STORY = Path(__file__).parents[1] / "docs" / "story.md"
SHELL = re.compile(r"^```sh\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
QUICKER = {"forget": ("--audit", "none"), "revoke": ("--audit", "none")}
"""The audits take most of the time, and have tests of their own."""


def commands() -> list[list[str]]:
    text = "".join(SHELL.findall(STORY.read_text(encoding="utf-8"))).replace("\\\n", " ")
    return [shlex.split(line, comments=True) for line in text.splitlines() if line.strip()]


def without_figures(text: str) -> str:
    """What is not the same in every run: dates, digests, figures, and what an audit adds to a headline."""
    return re.sub(r"\d+", "#", re.sub(r"\d{4}-\d\d-\d\dT\S+|[0-9a-f]{64}", "…", text))


def recognised(report: Score) -> float:
    """The share of answers about new pictures that give the name."""
    return 100 - report.value


def test_the_story_happens_as_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = partial(world_bench.world_benchmark, test_pictures=4, questions=8, kept=12)
    monkeypatch.setattr(world_bench, "world_benchmark", small)
    monkeypatch.chdir(tmp_path)
    printed = []
    for program, *words in commands():
        assert program == "unsee"
        quicker = QUICKER.get(words[1] if words[0] == "ledger" else words[0], ())
        done = call(*words, *quicker)
        assert done.exit_code == 0, (words, done.stderr, done.exception)
        printed.append(done.stdout)
    ledger = Ledger.open(Path("ledger"))
    assert [(entry.kind, entry.id) for entry in ledger.entries] == [
        ("model", ""),
        ("forget", "lucia-ferrante"),
        ("forget", "mara-voss"),
        ("revoke", "lucia-ferrante"),
        ("forget", "amara-okafor"),
        ("note", "amara-okafor"),
    ]
    builds = [entry.build for entry in ledger.entries if entry.build]
    asked = [{*build.results} for build in builds]
    assert asked == [
        {"lucia-ferrante"},
        {"lucia-ferrante", "mara-voss"},
        {"mara-voss", "lucia-ferrante"},
        {"mara-voss", "amara-okafor"},
    ]
    for build in builds:
        for id in build.results:
            report = read(ledger.run(build) / id)
            share = recognised(report.after["generality_em"])
            assert recognised(report.before["generality_em"]) > 80
            assert share <= 5 if id in build.active else share > 80, (build.run, id)
            # Nobody else pays for it.
            assert report.after["specificity"].value >= 0.9 * report.before["specificity"].value
    assert ledger.problems() == []
    told = without_figures(STORY.read_text(encoding="utf-8"))
    for line in printed[-1].splitlines():
        assert without_figures(line) in told
