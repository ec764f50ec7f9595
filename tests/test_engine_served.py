"""The engine behind an OpenAI-compatible endpoint, against a server on this machine."""

from __future__ import annotations

import base64
import io
import json
import math
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.servers import completion, completions, serving
from tests.tiny import picture
from unsee.attacks.base import DRAWS, Target
from unsee.attacks.prefix import Prefix
from unsee.data.images import image_key
from unsee.data.sample import Probe, Response
from unsee.errors import SystemFailure, UserError
from unsee.generation import ServedEngine, Transcript, ask, openai_client

ANNA, BEN = picture(1), picture(2, (70, 40))
WHO, WHERE = Probe("who", "Who is this?", (ANNA,)), Probe("where", "Where does Mara Voss live?")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_client, "BACKOFF_SECONDS", 0.001)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def only(url: str, probe: Probe = WHERE, **options: Any) -> Response:
    """The answer of a served engine to one probe."""
    return ask(ServedEngine(url, "m", **options), [probe], max_new_tokens=9, progress=False)[0]


def shown(body: dict[str, Any]) -> list[str]:
    """Digests of the pictures in a request, and its text last."""
    content = body["messages"][0]["content"]
    if isinstance(content, str):
        return [content]
    urls = [part["image_url"]["url"] for part in content[:-1]]
    files = [base64.b64decode(url.removeprefix("data:image/png;base64,")) for url in urls]
    return [*(image_key(Image.open(io.BytesIO(file))) for file in files), content[-1]["text"]]


def test_pictures_go_without_loss_in_front_of_the_text_and_the_answer_is_greedy() -> None:
    photo = picture(3)
    photo.info["icc_profile"] = b"not a profile"
    probe = Probe("pair", "Who is on the left?", (photo, BEN))
    with serving(lambda _: (200, completion(" Mara \n", reason="stop"))) as (url, seen):
        engine = ServedEngine(url + "/", "some/folder/", "k3y")
        assert ask(engine, [probe], max_new_tokens=9, progress=False) == [Response("pair", "Mara")]
    path, body, key = seen[-1]
    assert (path, key) == ("/v1/chat/completions", "Bearer k3y")
    assert shown(body) == [image_key(picture(3)), image_key(BEN), "Who is on the left?"]
    del body["messages"]
    assert body == {"model": "some/folder", "temperature": 0.0, "max_tokens": 9, "seed": 0, "logprobs": True}
    assert (engine.name, engine.reads) == (f"openai:{url}#some/folder", False)


def test_a_question_without_a_picture_is_plain_text_and_needs_no_look() -> None:
    with serving(lambda _: (200, completion("In Port Amber"))) as (url, seen):
        assert only(url, temperature=None).text == "In Port Amber"
    assert [body["messages"][0]["content"] for _, body, _ in seen] == [WHERE.prompt]
    assert "temperature" not in seen[0][1]


def counted(body: dict[str, Any], *, pictures: bool) -> tuple[int, bytes]:
    count = 7 + (64 * (len(shown(body)) - 1) if pictures else 0)
    return 200, completion("Mara", reason="stop", usage={"prompt_tokens": count, "completion_tokens": 2})


def test_a_server_that_drops_pictures_in_silence_is_not_believed() -> None:
    with serving(lambda body: counted(body, pictures=False)) as (url, seen):
        with pytest.raises(UserError, match=r"does not look at pictures: .* with and without one \(7 tokens\)"):
            only(url, WHO)
        assert [len(shown(body)) for _, body, _ in seen] == [2, 1]
        assert only(url, WHERE).text == "Mara"


def test_a_server_that_sees_pictures_is_looked_at_once() -> None:
    with serving(lambda body: counted(body, pictures=True)) as (url, seen):
        engine = ServedEngine(url, "m")
        for name in ("one", "two"):
            assert ask(engine, [Probe(name, "Who?", (ANNA,))], progress=False)[0].text == "Mara"
        assert len(seen) == 4


@pytest.mark.parametrize(
    ("ended", "reason", "usage"),
    [
        (True, "stop", None),
        (False, "length", None),
        (True, None, {"completion_tokens": 8}),
        (False, None, {"completion_tokens": 9}),
        (True, None, None),
        (False, "content_filter", None),
    ],
)
def test_an_answer_that_the_model_did_not_end_is_cut(ended: bool, reason: str | None, usage: object) -> None:
    with serving(lambda _: (200, completion("Mara", reason=reason, usage=usage))) as (url, _):
        assert only(url) == Response("where", "Mara", ended=ended)


def logprobs(*tokens: tuple[str, float], in_bytes: bool = True) -> dict[str, Any]:
    return {
        "content": [
            {"token": text, "logprob": value, **({"bytes": list(text.encode())} if in_bytes else {"bytes": None})}
            for text, value in tokens
        ]
    }


@pytest.mark.parametrize("in_bytes", [True, False])
def test_log_probabilities_are_placed_in_the_answer(in_bytes: bool) -> None:
    tokens = logprobs((" Yes", -0.25), (", Zo", -0.5), ("ë", -1.0), ("<|im_end|>", -2.0), in_bytes=in_bytes)
    with serving(lambda _: (200, completion(" Yes, Zoë", reason="stop", logprobs=tokens))) as (url, _):
        response = only(url)
    assert response == Response("where", "Yes, Zoë", (-0.25, -0.5, -1.0, -2.0), token_ends=(3, 7, 8, 9))
    assert response.likelihood is not None
    assert response.likelihood.within([(5, 8)]) == [False, True, True, False]


def test_tokens_that_write_one_letter_together_end_with_it() -> None:
    tokens = {"content": [{"token": "x", "bytes": [value], "logprob": -1.0} for value in "aë".encode()]}
    with serving(lambda _: (200, completion("aë", logprobs=tokens))) as (url, _):
        assert only(url).token_ends == (1, 2, 2)


def test_a_token_that_is_given_as_nothing_belongs_to_the_letter_of_the_next() -> None:
    tokens = logprobs(("a", -1.0), ("", -2.0), ("黒", -3.0), ("", -4.0))
    with serving(lambda _: (200, completion("a黒", logprobs=tokens))) as (url, _):
        assert only(url).token_ends == (1, 2, 2, 3)


def test_thoughts_are_no_part_of_the_answer_though_their_tokens_are_told() -> None:
    tokens = logprobs(("Mara? ", -3.0), ("No.", -2.0), ("\n\n", -1.0), ("I see Mara", -0.5))
    message = {"content": "I see Mara", "reasoning_content": "Mara? No.", "reasoning": "Mara? No."}
    body = json.dumps({"choices": [{"finish_reason": "stop", "message": message, "logprobs": tokens}]}).encode()
    with serving(lambda _: (200, body)) as (url, _):
        response = only(url)
    assert (response.raw, response.token_ends) == ("I see Mara", (0, 0, 0, 10))


def test_a_thought_that_was_cut_is_no_answer() -> None:
    body = {"choices": [{"finish_reason": "length", "message": {"content": None, "reasoning_content": "Who is"}}]}
    with serving(lambda _: (200, json.dumps(body).encode())) as (url, _):
        assert only(url).cut


@pytest.mark.parametrize(
    "told", [None, {}, {"content": None}, {"content": []}, {"tokens": ["Mara"]}, {"content": [{"token": "Mara"}]}]
)
def test_log_probabilities_that_are_not_told_are_left_out(told: object) -> None:
    with serving(lambda _: (200, completion("Mara", logprobs=told))) as (url, _):
        assert only(url) == Response("where", "Mara")


def test_tokens_that_do_not_spell_the_answer_have_no_places() -> None:
    tokens = logprobs(("token_id:5", -0.5), ("token_id:7", -math.log(2)))
    with serving(lambda _: (200, completion("Mara", logprobs=tokens))) as (url, _):
        assert only(url) == Response("where", "Mara", (-0.5, -math.log(2)))


REFUSALS = {
    "logprobs": (403, "You are not allowed to request logprobs from this model"),
    "seed": (422, "Unexpected fields in the request: {'seed'}"),
    "max_tokens": (
        400,
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    ),
}


@pytest.mark.parametrize("unknown", [["logprobs"], ["seed"], ["max_tokens"], ["logprobs", "seed", "max_tokens"]])
def test_what_a_server_does_not_know_is_not_asked_for_again(unknown: list[str]) -> None:
    def answer(body: dict[str, Any]) -> tuple[int, bytes]:
        for name in unknown:
            if name in body:
                status, detail = REFUSALS[name]
                return status, json.dumps({"error": {"message": detail}}).encode()
        return 200, completion("Mara", reason="stop")

    with serving(answer) as (url, seen):
        engine = ServedEngine(url, "m", workers=1)
        probes = [Probe(str(i), f"Who is {i}?") for i in range(5)]
        said = ask(engine, probes, max_new_tokens=9, progress=False)
    assert [response.text for response in said] == ["Mara"] * 5
    assert len(seen) == 5 + len(unknown)
    body = seen[-1][1]
    assert not set(unknown) & set(body)
    assert body["max_completion_tokens" if "max_tokens" in unknown else "max_tokens"] == 9


def test_a_length_that_is_too_large_is_refused_as_it_is() -> None:
    detail = b"'max_tokens' or 'max_completion_tokens' is too large: 9. The maximum context length is 4 tokens."
    with serving(lambda _: (400, detail)) as (url, seen):
        with pytest.raises(UserError, match="is too large: 9"):
            only(url)
        assert len(seen) == 1


def test_a_busy_server_is_left_alone_as_long_as_it_asks() -> None:
    replies = iter([(429, b"slow down", {"Retry-After": "0"}), (200, completion("Mara"))])
    with serving(lambda _: next(replies)) as (url, seen):
        assert only(url).text == "Mara"
    assert len(seen) == 2


FILTER = b'{"error": {"code": "content_filter", "message": "The prompt was filtered."}}'


@pytest.mark.parametrize("refused", [(400, FILTER), (400, b"the picture is too small"), (200, completion(None))])
def test_a_refused_prompt_is_an_empty_answer(refused: tuple[int, bytes]) -> None:
    def answer(body: dict[str, Any]) -> tuple[int, bytes]:
        return refused if "bad" in body["messages"][0]["content"] else (200, completion("Mara"))

    probes = [Probe("bad", "a bad one"), *(Probe(str(i), f"a good one, {i}") for i in range(9))]
    with serving(answer) as (url, _):
        said = ask(ServedEngine(url, "m"), probes, progress=False)
    assert said[0] == Response("bad", "", ended=True)
    assert {response.text for response in said[1:]} == {"Mara"}


def test_a_server_that_refuses_everything_has_given_no_answer() -> None:
    with serving(lambda _: (400, b"no such model")) as (url, _):
        engine = ServedEngine(url, "m", workers=1)
        with pytest.raises(UserError, match="no such model"):
            next(engine.answer([Probe(str(i), f"Who is {i}?") for i in range(50)], max_new_tokens=9))


def test_a_server_that_breaks_is_told_with_what_it_said() -> None:
    with serving(lambda _: (500, b"Internal Server Error")) as (url, _):
        match = r"3 attempts \(HTTP 500: Internal Server Error\); check its log, and that it serves a model 'm'\.$"
        with pytest.raises(SystemFailure, match=match):
            only(url)


def test_the_content_may_be_a_list_of_parts() -> None:
    parts = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Ma"}, {"type": "text", "text": "ra"}]
    with serving(lambda _: (200, completion(parts))) as (url, _):
        assert only(url).raw == "Mara"


UNKNOWN = b'{"error": "unknown field continue_final_message"}'


def turns(body: dict[str, Any]) -> int:
    """What a server with a chat template counts: 3 tokens around each turn, 2 to open the answer."""
    words = sum(3 + len(turn["content"].split()) for turn in body["messages"])
    # An unfinished turn lacks its last token; otherwise the answer is opened.
    return words + (-1 if body.get("continue_final_message") else 2)


@pytest.mark.parametrize(
    ("count", "begins"),
    [
        (turns, True),
        # Servers that ignore the request, leave the turn out, or count nothing.
        (lambda body: turns({"messages": body["messages"]}), False),
        (lambda body: turns({"messages": body["messages"][:1]}), False),
        (lambda body: None, False),
        # One that refuses it.
        (lambda body: turns(body) if "continue_final_message" not in body else -1, False),
    ],
)
def test_words_to_begin_with_are_given_only_to_a_server_that_continues_them(count: Any, begins: bool) -> None:
    def answer(body: dict[str, Any]) -> tuple[int, bytes]:
        tokens = count(body)
        if tokens == -1:
            return 400, UNKNOWN
        return 200, completion(" Mara Voss", reason="stop", usage={"prompt_tokens": tokens} if tokens else None)

    begun = Probe("begun", "Who lives there?", begun="It is")
    with serving(answer) as (url, seen):
        engine = ServedEngine(url, "m")
        assert engine.begins == begins
        missing = Prefix().missing(Target("before", engine), None)  # type: ignore[arg-type]
        asked = len(seen)
        if begins:
            assert missing is None
            assert ask(engine, [WHERE, begun], progress=False)[1] == Response("begun", "Mara Voss")
            (body,) = (body for _, body, _ in seen[asked:] if len(body["messages"]) == 2)
            assert body["messages"][1] == {"role": "assistant", "content": "It is"}
            assert (body["add_generation_prompt"], body["continue_final_message"]) == (False, True)
        else:
            assert missing == "it needs answers that begin with given words, which the model does not give"
            match = r"which 1 of 2 questions need \('begun'\); use a model that unsee loads itself, or one behind vLLM"
            with pytest.raises(UserError, match=match):
                ask(engine, [WHERE, begun], progress=False)
            assert len(seen) == asked


def drawing(body: dict[str, Any], most: int) -> tuple[int, bytes]:
    """As a server does that gives at most so many answers at once: each has a seed of its own."""
    texts = [f"answer {body['seed'] + i}" for i in range(min(body.get("n", 1), most))]
    return 200, completions(texts, reason="stop", usage={"prompt_tokens": 7, "completion_tokens": 3 * len(texts)})


def drawn(url: str, probes: list[Probe], count: int, seed: int = 0, **options: Any) -> dict[str, list[Response]]:
    engine = ServedEngine(url, "m", **options)
    assert Target("before", engine).has(DRAWS)
    return engine.draw(probes, count=count, temperature=0.7, seed=seed, max_new_tokens=9)


def test_all_answers_to_a_probe_are_drawn_at_once_and_without_a_cut() -> None:
    probes = [Probe(str(i), f"Who is {i}?") for i in range(3)]
    with serving(lambda body: drawing(body, 64)) as (url, seen):
        said = drawn(url, probes, 4)
        assert len(seen) == 3
        body = seen[0][1]
        assert {"n": 4, "temperature": 0.7, "max_tokens": 9, "top_p": 1.0, "top_k": -1, "min_p": 0.0}.items() <= (
            body.items()
        )
        assert drawn(url, probes[::-1], 4) == said
        assert {key: own[:2] for key, own in said.items()} == drawn(url, probes, 2)
        other = drawn(url, probes, 4, seed=1)
        assert not {r.raw for own in said.values() for r in own} & {r.raw for own in other.values() for r in own}
    assert list(said) == ["0", "1", "2"]
    assert len({response.raw for own in said.values() for response in own}) == 12
    # The count of several answers together is about none of them.
    assert all(response == Response(key, response.raw) for key, own in said.items() for response in own)


def refusing_n(body: dict[str, Any]) -> tuple[int, bytes]:
    detail = b'{"error": {"message": "Only one completion choice is allowed.\\nGot \'n\': 4"}}'
    return (400, detail) if "n" in body else drawing(body, 1)


@pytest.mark.parametrize(
    ("answer", "requests"),
    [(lambda body: drawing(body, 1), 8), (lambda body: drawing(body, 3), 4), (refusing_n, 9)],
)
def test_answers_that_do_not_come_at_once_are_drawn_one_by_one(answer: Any, requests: int) -> None:
    probes = [Probe("one", "Who is this?"), Probe("two", "Who is that?")]
    with serving(answer) as (url, seen):
        said = drawn(url, probes, 4, workers=1)
    assert len(seen) == requests
    assert {key: len({response.raw for response in own}) for key, own in said.items()} == {"one": 4, "two": 4}


@pytest.mark.parametrize("name", ["top_k", "min_p", "top_p", "seed"])
def test_a_server_that_does_not_know_how_to_draw_without_a_cut_draws_as_it_can(name: str) -> None:
    def answer(body: dict[str, Any]) -> tuple[int, bytes]:
        refused = json.dumps({"error": f"Unrecognized request argument supplied: {name}"}).encode()
        return (400, refused) if name in body else (200, completions(["Mara"] * body["n"]))

    with serving(answer) as (url, seen):
        said = drawn(url, [WHERE, Probe("who", "Who?")], 3, workers=1)
    assert len(seen) == 3
    assert {key: len(own) for key, own in said.items()} == {"where": 3, "who": 3}


def test_a_refused_prompt_has_only_empty_answers() -> None:
    def answer(body: dict[str, Any]) -> tuple[int, bytes]:
        return (400, b"too small") if "bad" in body["messages"][0]["content"] else drawing(body, 9)

    with serving(answer) as (url, _):
        said = drawn(url, [Probe("good", "a good one"), Probe("bad", "a bad one")], 3)
    assert said["bad"] == [Response("bad", "")] * 3
    assert all(response.raw for response in said["good"])


def test_a_server_that_does_not_see_is_not_drawn_from() -> None:
    blind = serving(lambda body: counted(body, pictures=False))
    with blind as (url, _), pytest.raises(UserError, match="does not look at pictures"):
        drawn(url, [WHO], 2)


def test_nothing_is_drawn_where_the_server_chooses_the_temperature() -> None:
    engine = ServedEngine("http://localhost:1/v1", "m", temperature=None)
    assert not Target("before", engine).has(DRAWS)
    with pytest.raises(UserError, match="likeliest answer"):
        engine.draw([WHERE], count=2, temperature=1.0, seed=0, max_new_tokens=9)


def test_the_fingerprint_says_what_is_served_and_no_key() -> None:
    listing = {
        "data": [{"id": "other"}, {"id": "m", "root": "org/m", "max_model_len": 4096, "created": 17, "permission": [1]}]
    }
    with serving(lambda _: (200, b""), (200, json.dumps(listing).encode())) as (url, seen):
        engine = ServedEngine(url, "m", "k3y")
        found = engine.fingerprint()
        assert engine.fingerprint() == found
    assert [(path, key) for path, _, key in seen] == [("/v1/models", "Bearer k3y")]
    assert found == {
        "engine": "openai",
        "url": url,
        "model": "m",
        "listed": {"id": "m", "root": "org/m", "max_model_len": 4096},
        "temperature": 0.0,
    }
    assert "k3y" not in engine.name + repr(engine)


@pytest.mark.parametrize(
    "models", [(500, b"Internal Server Error"), (200, b"<html>"), (200, b'{"data": 3}'), (404, b"")]
)
def test_a_server_that_lists_no_models_still_has_a_fingerprint(models: tuple[int, bytes]) -> None:
    with serving(lambda _: (200, b""), models) as (url, seen):
        assert ServedEngine(url, "m").fingerprint()["listed"] is None
        assert len(seen) == 1


@pytest.mark.parametrize("url", ["http://user:secret@host/v1", "http://host/v1?key=secret"])
def test_an_address_with_a_secret_in_it_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(UserError, match="must hold no user name, password or query") as caught:
        only(url)
    assert "secret" not in str(caught.value)


def test_half_a_character_does_not_stop_the_run(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path / "model.jsonl", {"fingerprint": {}})
    with transcript, serving(lambda _: (200, completion("Mara \ud83d", reason="length"))) as (url, _):
        ask(ServedEngine(url, "m"), [WHERE], transcript, max_new_tokens=9, progress=False)
    (response,) = Transcript.open(tmp_path / "model.jsonl").responses.values()
    assert (response.text, response.ended) == ("Mara �", False)
