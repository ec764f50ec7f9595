"""Replies and folders that `unsee verify` meets and that nobody thought of; those thought of are in
tests/hostile_answers.py."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import call
from tests.hostile_answers import GOOD
from tests.servers import serving
from tests.verifying import Run, make_run
from unsee.generation import openai_client

COUNT = 60
WEIRD: tuple[Any, ...] = (
    None, True, 0, -1, 10**400, 99_999_999_999, 1e308, float("nan"), float("inf"), "", "\ud800", "\x1b[31m\x00",
    "a" * 100_000, [], [[]], {}, {"content": None}, [None], [GOOD], "no", {"error": "boom"}, [1, 300, -5],
    {"text": "x", "type": "text"},
)  # fmt: skip


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a JSON document."""
    yield path
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


def damaged(rng: random.Random) -> bytes:
    """A good reply with one or two of its values replaced by something else."""
    reply: Any = copy.deepcopy(GOOD)
    for _ in range(rng.randint(1, 2)):
        way = rng.choice([one for one in places(reply) if one])
        place = reply
        for key in way[:-1]:
            place = place[key]
        place[way[-1]] = copy.deepcopy(rng.choice(WEIRD))
    return json.dumps(reply).encode()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("hostile"))


def test_replies_damaged_at_random_end_in_a_conclusion_or_in_one_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_client, "BACKOFF_SECONDS", 0.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    rng = random.Random(0)
    for reply in [damaged(rng) for _ in range(COUNT)]:
        with serving(lambda _, reply=reply: (200, reply)) as (url, _):
            done = call(*run.arguments, "--endpoint", url, "--model", "m", "--limit", 8, "--json")
        assert done.exception is None or isinstance(done.exception, SystemExit), (reply, done.exception)
        if done.exit_code in (1, 2):
            assert not done.stdout, reply
            assert len(done.stderr.strip().splitlines()) == 1, reply
        else:
            assert json.loads(done.stdout)["conclusion"] == "unknown", reply


def test_nothing_is_written_into_the_run(run: Run) -> None:
    assert {path.name for path in run.folder.iterdir()} == {"answers", "manifest.json", "request", "request.yaml"}


def test_a_hostile_folder_of_pictures_is_looked_at_and_left_out(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\x00" * 100)
    (tmp_path / "text.txt").write_text("no picture")
    done = call(
        "verify", "--run", run.folder, "--test-images", tmp_path, "--endpoint", "http://localhost:1/v1", "--model", "m"
    )
    assert done.exit_code == 2
    assert "holds no picture that can be used" in done.stderr
