"""Several processes on one run: each piece of work is done once, and what a dead process leaves is done by another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unsee.data.sample import Response
from unsee.errors import UserError
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
    second = two.turns(["a", "b"], str, done.__contains__, wait=False)
    assert next(second) == "b"
    done.add("b")
    assert list(second) == []
    first.close()
    assert next(two.turns(["a", "b"], str, done.__contains__, wait=False)) == "a"


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
