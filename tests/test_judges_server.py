"""The judge behind an OpenAI-compatible server, against a server on this machine."""

import json
import socket
import threading
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any

import pytest

from tests.servers import completion, serving
from unsee.errors import SystemFailure, UserError
from unsee.generation import openai_client
from unsee.generation.openai_client import chat
from unsee.judges import Case, OpenAIJudge, Quality

USER = [{"role": "user", "content": "hello"}]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_client, "BACKOFF_SECONDS", 0.001)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_chat_sends_the_protocol_and_returns_the_text() -> None:
    with serving(lambda _: (200, completion("héllo"))) as (url, seen):
        assert chat(url + "/", "some/model", USER, api_key="k3y") == "héllo"
    assert seen == [
        ("/v1/chat/completions", {"model": "some/model", "messages": USER, "temperature": 0.0}, "Bearer k3y")
    ]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_busy_server_is_tried_again(status: int) -> None:
    replies = iter([(status, b"busy"), (200, completion("3"))])
    with serving(lambda _: next(replies)) as (url, seen):
        assert chat(url, "m", USER) == "3"
    assert len(seen) == 2


def test_the_temperature_can_be_left_to_the_server() -> None:
    with serving(lambda _: (200, completion("5"))) as (url, seen):
        assert OpenAIJudge(url, "m", temperature=None).g_eval("Who?", "Mara Voss", "Mara Voss") == 5
        assert chat(url, "m", USER, temperature=0.7) == "5"
    assert [body.get("temperature", "left out") for _, body, _ in seen] == ["left out", 0.7]


def test_a_refused_temperature_is_named_with_what_to_do() -> None:
    with (
        serving(lambda _: (400, b"Unsupported value: 'temperature' does not support 0.0")) as (url, _),
        pytest.raises(UserError, match=r"openai:URL#MODEL\?temperature=default\.$"),
    ):
        OpenAIJudge(url, "m").verdicts([Case("Who?", "Mara Voss", "Mara Voss")])


@pytest.mark.parametrize("message", [{}, {"message": None}, {"message": {"role": "assistant"}}])
def test_a_filter_may_leave_out_the_message(message: dict[str, object]) -> None:
    body = json.dumps({"choices": [{"finish_reason": "content_filter", **message}]}).encode()
    with serving(lambda _: (200, body)) as (url, _):
        assert chat(url, "m", USER) is None


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("4", "4"),
        ("", ""),
        (None, None),
        ("Grade: 4", [{"type": "text", "text": "Grade: "}, {"type": "text", "text": "4"}]),
        ("4", [{"type": "thinking", "thinking": [{"type": "text", "text": "5?"}]}, {"type": "text", "text": "4"}]),
        (None, [{"type": "refusal", "refusal": "no"}]),
        ("4", [{"text": "4"}, {"type": "text", "text": None}]),
        (None, []),
    ],
)
def test_the_content_is_a_text_a_list_of_parts_or_nothing(text: str | None, content: object) -> None:
    with serving(lambda _: (200, completion(content))) as (url, _):
        assert chat(url, "m", USER) == text


FILTER = b'{"error": {"code": "content_filter", "message": "The prompt was filtered."}}'


@pytest.mark.parametrize(
    "refused",
    [(400, FILTER), (403, FILTER), (400, b"maximum context length exceeded"), (422, b""), (200, completion(None))],
)
def test_one_refused_prompt_is_missing_and_the_run_goes_on(refused: tuple[int, bytes]) -> None:
    def grade(body: dict[str, Any]) -> tuple[int, bytes]:
        return refused if "\nbad\n" in body["messages"][0]["content"] else (200, completion("1"))

    cases = [Case("Who?", answer, "Mara Voss") for answer in ("wall", "bad", "door")]
    with serving(grade) as (url, seen):
        assert OpenAIJudge(url, "m").verdicts(cases) == [1, None, 1]
        assert OpenAIJudge(url, "m").qualities(cases)[1] == Quality(None, None, None)
    assert len(seen) == 6


def test_a_filter_alone_never_ends_the_run() -> None:
    with serving(lambda _: (400, FILTER)) as (url, _):
        assert OpenAIJudge(url, "m").verdicts([Case("Who?", "Mara Voss", "Mara Voss")]) == [None]


def test_a_server_that_refuses_every_prompt_is_reported_early() -> None:
    with serving(lambda _: (400, b"no such model")) as (url, seen):
        with pytest.raises(UserError, match="no such model"):
            OpenAIJudge(url, "m", workers=1).verdicts([Case("Who?", str(i), "Mara Voss") for i in range(50)])
        assert len(seen) < 20


@pytest.mark.parametrize(
    ("seconds", "header"),
    [
        (7.0, "7"),
        (0.5, "0.5"),
        (0.0, "0"),
        (0.0, "-3"),
        (60.0, "86400"),
        (60.0, "inf"),
        (20.0, formatdate(1_000_020, usegmt=True)),
        (0.0, formatdate(999_000, usegmt=True)),
        (60.0, formatdate(2_000_000, usegmt=True)),
        (0.25, "soon"),
        (0.25, "nan"),
        (0.25, None),
    ],
)
def test_a_server_is_left_alone_as_long_as_it_asks(
    seconds: float, header: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    own = threading.get_ident()

    def sleep(pause: float) -> None:
        # A request of an earlier test, in flight when that ended, may still be trying again in its own thread.
        if threading.get_ident() == own:
            waited.append(pause)

    clock = SimpleNamespace(sleep=sleep, time=lambda: 1_000_000.0)
    monkeypatch.setattr(openai_client, "time", clock)
    monkeypatch.setattr(openai_client, "BACKOFF_SECONDS", 0.25)
    told = {} if header is None else {"Retry-After": header}
    answers = iter([(429, b"slow down", told), (200, completion("3"))])
    with serving(lambda _: next(answers)) as (url, _):
        assert chat(url, "m", USER) == "3"
    assert waited == [seconds]


def test_server_that_stays_broken_is_reported() -> None:
    with serving(lambda _: (500, b"")) as (url, seen), pytest.raises(SystemFailure, match=r"3 attempts \(HTTP 500\)"):
        chat(url, "m", USER)
    assert len(seen) == 3


@pytest.mark.parametrize("status", [400, 401, 404])
def test_refusal_is_the_users_to_mend_and_not_repeated(status: int) -> None:
    with serving(lambda _: (status, b"no such model")) as (url, seen):
        with pytest.raises(UserError, match=f"HTTP {status}: no such model"):
            chat(url, "m", USER, api_key="k3y")
        assert len(seen) == 1


@pytest.mark.parametrize(
    "reply", [b"<html>", b"{}", b"[]", completion(4), completion([{"type": "text"}]), b'{"choices": []}', b"\xff"]
)
def test_nonsense_is_reported(reply: bytes) -> None:
    with serving(lambda _: (200, reply)) as (url, _), pytest.raises(SystemFailure, match="other than a chat"):
        chat(url, "m", USER)


def test_server_down_is_one_clear_sentence() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    judge = OpenAIJudge(f"http://127.0.0.1:{port}/v1", "m")
    with pytest.raises(SystemFailure, match=r"gave no answer in 3 attempts .*check that it is running\.$") as caught:
        judge.verdicts([Case("Who?", str(i), "Mara Voss") for i in range(50)])
    assert "\n" not in str(caught.value)


def test_silent_server_times_out() -> None:
    gate = threading.Event()

    def stall(_: dict[str, Any]) -> tuple[int, bytes]:
        gate.wait(5)
        return 200, completion("1")

    with serving(stall) as (url, _):
        with pytest.raises(SystemFailure, match="timed out"):
            chat(url, "m", USER, timeout=0.05)
        gate.set()


@pytest.mark.parametrize("url", ["", "localhost:8000", "file:///etc/passwd", "http://"])
def test_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UserError, match="not the address of a server"):
        chat(url, "m", USER)


def test_judge_keeps_order_asks_once_and_leaves_unreadable_verdicts_out() -> None:
    def grade(body: dict[str, Any]) -> tuple[int, bytes]:
        text = body["messages"][0]["content"]
        return 200, completion("5" if "\nMara Voss\n" in text else "Grade: 1" if "\nwall\n" in text else "who knows")

    cases = [Case("Who?", answer, "Mara Voss") for answer in ("wall", "Mara Voss", "?", "wall", "Mara Voss")]
    with serving(grade) as (url, seen):
        assert OpenAIJudge(url, "m").verdicts(cases) == [1, 5, None, 1, 5]
        assert OpenAIJudge(url, "m").g_eval("Who?", "Mara Voss", "Mara Voss") == 5
        assert OpenAIJudge(url, "m").verdicts([]) == []
    assert len(seen) == 4


def test_the_quality_of_answers_is_asked_for_and_what_cannot_be_read_is_missing() -> None:
    def answer(body: dict[str, Any]) -> tuple[int, bytes]:
        asked = body["messages"][0]["content"]
        return 200, completion("refusal: 5\nleakage: 5\nnaturalness: 4" if "a wall" in asked else "Well, refusal: 7")

    with serving(answer) as (url, seen):
        cases = [Case("Who?", said, "Mara Voss") for said in ("a wall", "Mara Voss", "a wall")]
        graded = OpenAIJudge(url, "m").qualities(cases)
    assert graded == [Quality(5, 5, 4), Quality(None, None, None), Quality(5, 5, 4)]
    assert len(seen) == 2


def test_a_server_grades_how_factual_an_answer_is() -> None:
    with serving(lambda _: (200, completion("factuality: 8"))) as (url, seen):
        case = Case("What is the job?", "A baker.", "1", expected=("She works as a baker.",))
        assert OpenAIJudge(url, "m").factualities([case, case]) == [8, 8]
    assert len(seen) == 1
