"""Several processes on one run: each piece of work is done once, and what a dead process leaves is done by another."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock

from unsee.cli import helping
from unsee.data.sample import Response
from unsee.errors import SystemFailure, UserError
from unsee.generation import Transcript
from unsee.generation.shared_transcript import LEAST, SharedTranscript, shares_of
from unsee.generation.transcript import Work
from unsee.store import crew as crews
from unsee.store.crew import Crew, place_of_process, working_in

HEADER = {"fingerprint": {"weights": "a"}}


def works(count: int) -> list[Work]:
    return [Work((str(number),), (number // 40,)) for number in range(count)]


def test_every_question_is_in_one_share_and_no_picture_in_two() -> None:
    shares = shares_of(works(400), 2)
    assert sorted(place for share in shares for place in share) == list(range(400))
    assert len(shares) > 2
    pictures = [{place // 40 for place in share} for share in shares]
    assert sum(map(len, pictures)) == len(set().union(*pictures))
    assert all(len(share) >= LEAST for share in shares[:-1])


def test_what_another_is_at_is_left_to_it_until_it_is_gone(tmp_path: Path) -> None:
    one, two = Crew(0, 2, tmp_path), Crew(1, 2, tmp_path)
    done: set[str] = set()
    first = one.turns(["a", "b"], str, done.__contains__, wait=False)
    assert next(first) == "a"
    # The helper looks whether the first process lives.
    with FileLock(tmp_path / "alive.lock"):
        second = two.turns(["a", "b"], str, done.__contains__, wait=False)
        assert next(second) == "b"
        done.add("b")
        assert list(second) == []
        first.close()
        assert next(two.turns(["a", "b"], str, done.__contains__, wait=False)) == "a"


AT_WORK = """
import sys
from pathlib import Path
from unsee.store import crew
crew.SECONDS_BETWEEN_SIGNS = 0.1
for item in crew.Crew(0, 2, Path(sys.argv[1])).turns(["a"], str, lambda item: False):
    print("at work", flush=True)
    while True:
        sum(range(1000))
"""


def test_a_process_that_computes_is_waited_for_and_one_that_hangs_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crews, "SECONDS_WITHOUT_SIGN", 3.0)
    other = subprocess.Popen([sys.executable, "-c", AT_WORK, tmp_path], stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        assert other.stdout.readline()
        started = time.monotonic()
        waited: list[float] = []

        def look() -> None:
            waited.append(time.monotonic() - started)
            if waited[-1] > 6 and len(stopped) == 0:
                stopped.append(waited[-1])
                other.send_signal(signal.SIGSTOP)

        stopped: list[float] = []
        with pytest.raises(SystemFailure, match="computed nothing"):
            next(Crew(0, 2, tmp_path).turns(["a"], str, lambda item: False, look))
        assert 2 < waited[-1] - stopped[0] < 60
        ending = time.monotonic()
        monkeypatch.setattr(helping, "SECONDS_TO_END", 0.5)
        helping._end(other)
        assert other.poll() == -signal.SIGKILL
        assert time.monotonic() - ending < 30
    finally:
        other.kill()


def test_the_answers_of_a_part_are_taken_over_by_whoever_resumes(tmp_path: Path) -> None:
    path = tmp_path / "model.jsonl"
    with Transcript(path, HEADER) as whole, Transcript(tmp_path / "model.jsonl.1", HEADER) as part:
        whole.add([Response("a", "Yes.")])
        part.add([Response("b", "No.")])
    with (tmp_path / "model.jsonl.1").open("a") as file:
        file.write('{"id": "c", "te')
    with Transcript(path, HEADER) as resumed:
        assert {key: said.text for key, said in resumed.responses.items()} == {"a": "Yes.", "b": "No."}
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.jsonl"]
    assert set(Transcript.open(path).responses) == {"a", "b"}


def test_a_helper_and_the_first_process_see_each_others_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, meeting = tmp_path / "model.jsonl", tmp_path / "meeting"
    meeting.mkdir()
    monkeypatch.setattr(crews, "_current", Crew(0, 2, meeting))
    first = SharedTranscript(path, HEADER)
    monkeypatch.setattr(crews, "_current", Crew(1, 2, meeting))
    helper = SharedTranscript(path, HEADER)
    first.add([Response("0", "Yes.")])
    helper.add([Response("1", "No.")])
    two = [Work((key,), ()) for key in "01"]
    assert list(first.turns(two, first.responses, "answer")) == []
    assert list(helper.turns(two, helper.responses, "answer")) == []
    helper.close()
    with first:
        pass
    assert [json.loads(line).get("id") for line in path.read_text().splitlines()] == [None, "0", "1"]
    assert not (tmp_path / "model.jsonl.1").exists()


@pytest.mark.parametrize(
    "place", [{"WORLD_SIZE": "2"}, {"WORLD_SIZE": "2", "RANK": "2"}, {"WORLD_SIZE": "x", "RANK": "0"}]
)
def test_a_place_that_cannot_be_is_refused(place: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(key, raising=False)
    for key, value in place.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(UserError, match="torchrun"):
        place_of_process()


def test_a_process_without_a_first_one_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(crews, "SECONDS_TO_START", 0.3)
    with pytest.raises(UserError, match="found no process 0"), working_in(tmp_path / "out", tmp_path / "out" / "x"):
        pass


EVALUATE = (sys.executable, "-m", "unsee", "evaluate", "-m", "world:tiny-qwen3vl", "-b", "world", "-c", "Mara Voss")
FEW = ("--limit", "5", "--device", "cpu")


def started(out: Path, *further: str) -> subprocess.Popen[str]:
    paths = {"PYTHONPATH": str(Path(__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*EVALUATE, *FEW, "--out", str(out), *further],
        env={**os.environ, **paths},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(what: Callable[[], bool], first: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 240
    while not what():
        assert first.poll() is None, first.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def answered(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = path.read_text().split("\n")[:-1]
    return {entry["id"]: entry["text"] for entry in map(json.loads, lines) if "id" in entry}


def numbers(document: Any) -> list[float]:
    if isinstance(document, dict | list):
        inner = document.values() if isinstance(document, dict) else document
        return [number for part in inner for number in numbers(part)]
    return [float(document)] if isinstance(document, int | float) else []


def test_two_processes_answer_and_what_a_killed_one_left_is_answered_by_the_other(tmp_path: Path) -> None:
    alone = started(tmp_path / "alone")
    assert alone.wait() == 0, alone.communicate()[1]
    whole = Path("answers/mara-voss/mmubench/model.jsonl")
    wanted = answered(tmp_path / "alone" / whole)

    first = started(tmp_path / "two", "--workers", "2")
    own, part = tmp_path / "two" / whole, (tmp_path / "two" / whole).with_name("model.jsonl.1")
    try:
        # The first process stands still with what it is at, until the helper has answered something and is killed.
        wait_until(lambda: bool(answered(own)), first)
        first.send_signal(signal.SIGSTOP)
        before = answered(own)
        wait_until(lambda: bool(answered(part)), first)
        (helper,) = psutil.Process(first.pid).children()
        helper.kill()
        wait_until(lambda: helper.status() == psutil.STATUS_ZOMBIE, first)
        helped = answered(part)
        first.send_signal(signal.SIGCONT)
        _, said = first.communicate(timeout=240)
    finally:
        first.kill()
    assert first.returncode == 0, said
    assert 0 < len(before) < len(wanted)
    assert 0 < len(helped) < len(wanted)
    assert not before.keys() & helped.keys()
    assert "Process 1 died, and the others did its work." in said
    assert answered(own) == wanted
    assert not part.exists()
    one, two = (json.loads((tmp_path / name / "scores.json").read_text()) for name in ("alone", "two"))
    assert numbers(two) == pytest.approx(numbers(one), rel=1e-6)
    assert {path.name for path in tmp_path.iterdir()} == {"alone", "two"}


def test_the_first_of_several_does_all_the_work_if_no_other_comes_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    told: list[str] = []
    with working_in(tmp_path / "out", tmp_path / "out" / "x", told.append) as own:
        done: list[str] = []
        for item in own.turns(["a", "b"], str, done.__contains__):
            done.append(item)
    assert done == ["a", "b"]
    assert told == ["Of the 2 processes, number 1 did not come in time; the work was done without it."]
    assert not list(tmp_path.iterdir())
