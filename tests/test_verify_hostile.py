"""Whatever an endpoint answers, `unsee verify` ends with a conclusion or with one sentence."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import call
from tests.servers import serving
from tests.verifying import Run, make_run
from unsee.generation import openai_client

COUNT = 200
GOOD: dict[str, Any] = {
    "choices": [
        {
            "message": {"role": "assistant", "content": "This is a wall."},
            "finish_reason": "stop",
            "logprobs": {"content": [{"token": "This is a wall.", "bytes": [84], "logprob": -0.5}]},
        }
    ],
    "usage": {"prompt_tokens": 12, "completion_tokens": 5},
}
WEIRD: tuple[Any, ...] = (
    None, True, 0, -1, 10**400, 99_999_999_999, 1e308, float("nan"), float("inf"), "", "\ud800", "\x1b[31m\x00",
    "a" * 100_000, [], [[]], {}, {"content": None}, [None], [GOOD], "no", {"error": "boom"}, [1, 300, -5],
    {"text": "x", "type": "text"},
)  # fmt: skip
BODIES = (
    b"", b"null", b"[]", b"{", b"\xff\xfe", b"<html>", b"[" * 200_000, b'{"choices": ' * 50_000, b'{"choices": []}',
    b'{"choices": {}}', b'{"choices": "abc"}', b'{"choices": [{}]}', b'{"a": 1e999}', b"\x1f\x8b\x08", b" " * 1_000_000,
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


def test_every_reply_ends_in_a_conclusion_or_in_one_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_client, "BACKOFF_SECONDS", 0.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    rng = random.Random(0)
    replies = [(200, body) for body in BODIES]
    replies += [(status, json.dumps({"error": "\x1b[2J" * 9}).encode()) for status in (301, 400, 401, 404, 422, 500)]
    replies += [(200, damaged(rng)) for _ in range(COUNT - len(replies))]
    models = [json.dumps({"data": [{"id": "m", "root": one, "meta": {"a": one}}]}).encode() for one in WEIRD]
    models.append(b'{"data": [{"id": "m", "meta": ' + b'{"a":' * 400 + b"1" + b"}" * 400 + b"}]}")
    current: list[tuple[int, bytes]] = []
    ends: set[int] = set()
    for number, reply in enumerate(replies):
        current[:] = [reply]
        with serving(lambda _: current[0], (200, models[number % len(models)])) as (url, _):
            done = call(*run.arguments, "--endpoint", url, "--model", "m", "--limit", 8, "--json")
        assert done.exception is None or isinstance(done.exception, SystemExit), (reply, done.exception)
        ends.add(done.exit_code)
        if done.exit_code in (1, 2):
            assert not done.stdout, reply
            assert len(done.stderr.strip().splitlines()) == 1, reply
            assert "\x1b[2J" not in done.stderr
        else:
            assert json.loads(done.stdout)["conclusion"] == "unknown", reply
    assert ends == {1, 2, 6}


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
