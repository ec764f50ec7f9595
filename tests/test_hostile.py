"""Whatever an endpoint answers, and whatever a ledger or a pack turns out to be: one sentence, and nothing is written.

The inputs are tables: tests/hostile_answers.py, tests/hostile_ledgers.py, tests/hostile_packs.py.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.command_line import call
from tests.hostile_answers import ANSWERS
from tests.hostile_ledgers import CHAIN, LEDGERS
from tests.hostile_packs import PACKS
from tests.ledgers import five_entries
from tests.saved_run import saved_run
from tests.servers import serving
from tests.verifying import Run, make_run
from unsee.commands.evidence import EvidenceOptions, make_evidence
from unsee.generation import openai_client

NEXT_STEP = re.compile(r"\b(ask|check|copy|do not trust|get|give|let|look|make|put|remove|restore|serve|set)\b")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return five_entries(tmp_path_factory.mktemp("hostile") / "ledger")


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    return make_evidence(EvidenceOptions(saved_run(folder / "run"), folder / "pack")).folder


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder to run in, which stays empty; and no waiting for servers."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setattr(openai_client, "BACKOFF_SECONDS", 0.0)
    monkeypatch.setattr(openai_client, "LONGEST_WAIT_SECONDS", 0.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield
    assert list(place.iterdir()) == []


def sentence(done: Result, *places: object) -> str:
    """The only sentence that a command printed, as one line: it names the place, and says what to do."""
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    lines = f"{done.stdout}\n{done.stderr}".strip().splitlines()
    assert len(lines) == 1, lines
    [line] = lines
    assert "Traceback" not in line
    assert line.isprintable(), line
    assert line.endswith(".")
    assert len(line) < 700
    assert any(str(place) in line for place in places), line
    assert NEXT_STEP.search(line), line
    return line


def state(folder: Path) -> dict[str, object]:
    """What is in a folder, by path: where a link leads, the size of a large file, the kind of what is no file."""
    found: dict[str, object] = {}
    for path in folder.rglob("*"):
        seen = path.lstat()
        small = stat.S_ISREG(seen.st_mode) and seen.st_size < 2**20
        found[path.relative_to(folder).as_posix()] = (
            os.readlink(path) if path.is_symlink() else path.read_bytes() if small else (seen.st_mode, seen.st_size)
        )
    return found


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_of_an_endpoint(name: str, run: Run) -> None:
    reply = ANSWERS[name]
    before = state(run.folder)

    def answer(asked: dict[str, Any]) -> tuple[int, bytes] | tuple[int, bytes, dict[str, str]]:
        shown = not isinstance(asked["messages"][0]["content"], str)
        # A prompt is longer with its picture, unless its length is what is hostile.
        body = reply.body.replace(b'"prompt_tokens": 12', b'"prompt_tokens": 99') if shown else reply.body
        return (reply.status, body, reply.headers) if reply.headers else (reply.status, body)

    with serving(answer, reply.models) as (url, _):
        done = call(*run.arguments, "--endpoint", url, "--model", "m", "--limit", 16)
    assert reply.says in sentence(done, url)
    assert done.exit_code == reply.exit
    assert state(run.folder) == before


@pytest.mark.parametrize("name", LEDGERS)
def test_a_ledger(name: str, ledger: Path, tmp_path: Path) -> None:
    damage, says = LEDGERS[name]
    folder = Path(shutil.copytree(ledger, tmp_path / "ledger"))
    damage(folder)
    before = state(folder)
    done = call("ledger", "verify", folder)
    assert says in sentence(done, folder)
    assert done.exit_code == 1
    if name in CHAIN:
        # Nothing is added to it either.
        assert says in sentence(call("ledger", "note", folder, "A note"), folder)
    assert state(folder) == before


@pytest.mark.parametrize("name", PACKS)
def test_a_pack(name: str, pack: Path, tmp_path: Path) -> None:
    spoil, says = PACKS[name]
    folder = Path(shutil.copytree(pack, tmp_path / "pack"))
    spoil(folder)
    before = state(folder)
    done = call("evidence", "check", folder)
    assert says in sentence(done, folder, "audit.json", "the pack", "statement")
    assert done.exit_code == 2
    assert state(folder) == before


def test_there_are_more_than_two_hundred_and_no_two_are_the_same(ledger: Path, pack: Path, tmp_path: Path) -> None:
    made = {repr(reply[:1] + reply[3:]) for reply in ANSWERS.values()}
    for whole, table in ((ledger, LEDGERS), (pack, PACKS)):
        for number, (spoil, _) in enumerate(table.values()):
            folder = Path(shutil.copytree(whole, tmp_path / f"{whole.name}-{number}"))
            spoil(folder)
            made.add(repr(sorted(state(folder).items())))
            shutil.rmtree(folder)
    assert len(made) == len(ANSWERS) + len(LEDGERS) + len(PACKS) > 200


def test_the_page_says_how_many_they_are() -> None:
    page = " ".join((Path(__file__).parents[1] / "docs" / "verify.md").read_text("utf-8").split())
    counts = [len(table) for table in (ANSWERS, LEDGERS, PACKS)]
    assert all(f" {count} {what}" in page for count, what in zip(counts, ("replies", "ledgers", "packs"), strict=True))
    assert f"each of the {sum(counts)} ends in one sentence" in page
