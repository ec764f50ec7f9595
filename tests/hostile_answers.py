"""What an endpoint may answer that no server should, and what `unsee verify` says to it."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

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
HTML = b"<!DOCTYPE html><html><title>502 Bad Gateway</title><body><script>alert(1)</script></body></html>"
COLOURS = b'{"error": "\x1b[2J\x1b[31mred\x07"}'
DEEP = b"[" * 200_000


class Reply(NamedTuple):
    """A reply to every question, and what the command says to it: its exit status and a part of its sentence."""

    body: bytes
    exit: int
    says: str
    status: int = 200
    headers: dict[str, str] | None = None
    models: tuple[int, bytes] = (404, b"")


def changed(way: str, value: Any) -> bytes:
    """The good reply with another value at a place such as "choices.0.message"."""
    reply: Any = copy.deepcopy(GOOD)
    *outer, last = [int(part) if part.isdigit() else part for part in way.split(".")]
    place = reply
    for part in outer:
        place = place[part]
    place[last] = value
    return json.dumps(reply).encode()


def without(way: str) -> bytes:
    reply: Any = copy.deepcopy(GOOD)
    *outer, last = [int(part) if part.isdigit() else part for part in way.split(".")]
    place = reply
    for part in outer:
        place = place[part]
    del place[last]
    return json.dumps(reply).encode()


NO_COMPLETION: dict[str, bytes] = {
    "nothing": b"",
    "a megabyte of spaces": b" " * 1_000_000,
    "over 16 MB": changed("choices.0.message.content", "a" * 17_000_000),
    "a page of HTML": HTML,
    "XML": b'<?xml version="1.0"?><choices/>',
    "a text": b"This is a wall.",
    "a stream of events": b"data: " + json.dumps(GOOD).encode() + b"\n\ndata: [DONE]\n\n",
    "two documents": json.dumps(GOOD).encode() * 2,
    "one document cut short": json.dumps(GOOD).encode()[:-9],
    "zipped": gzip.compress(json.dumps(GOOD).encode(), mtime=0),
    "UTF-16 with a wrong mark": b"\xff\xfe" + json.dumps(GOOD).encode(),
    "half a character": b'{"choices": "\xc3',
    "null": b"null",
    "true": b"true",
    "a number": b"12",
    "a number of 10,000 digits": b"1" * 10_000,
    "a quoted text": b'"choices"',
    "an empty list": b"[]",
    "a list nested too deeply": DEEP,
    "an object nested too deeply": b'{"choices": ' * 50_000,
    "an empty object": b"{}",
    "an error with the status 200": b'{"error": {"message": "out of memory", "code": 500}}',
    "Ollama's own form": b'{"model": "m", "message": {"role": "assistant", "content": "A wall."}, "done": true}',
    "Anthropic's form": b'{"type": "message", "content": [{"type": "text", "text": "A wall."}]}',
    "a completion of text": b'{"choices": [{"text": "A wall.", "index": 0}]}',
    "no choices": without("choices"),
    "no message": without("choices.0.message"),
    "usage that is a list": changed("usage", [12, 5]),
    "usage that is a text": changed("usage", "12"),
    "usage that is a number": changed("usage", 12),
    **{f"choices that are {value!r}": changed("choices", value)
       for value in (None, False, 0, 7, {}, "", "abc", [], [None], [7], [[]], ["a"], [{}], {"0": 1})},
    **{f"a message that is {value!r}": changed("choices.0.message", value) for value in (None, 7, [], "text", True)},
    **{f"content that is {value!r}": changed("choices.0.message.content", value)
       for value in (7, True, 1.5, {"text": "A wall."}, [None], [7], [[]], [{}], [{"type": "text", "text": 7}])},
}  # fmt: skip

REFUSALS: dict[str, tuple[int, bytes]] = {
    "the key": (401, b'{"error": {"message": "Incorrect API key provided"}}'),
    "the bill": (402, b""),
    "the way": (403, HTML),
    "the model": (404, b'{"object": "error", "message": "The model `m` does not exist."}'),
    "the method": (405, b'{"detail": "Method Not Allowed"}'),
    "the size of a picture": (413, b"Request Entity Too Large"),
    "the form, with colours for the terminal": (400, COLOURS),
    "the form, at length": (422, b"x" * 1_000_000),
    "the form, in another encoding": (400, b"\xff\xfe\x00"),
    "tea": (418, b"I'm a teapot"),
    "the law": (451, b"null"),
    "the temperature": (400, b'{"error": "temperature is too low"}'),
    "everything that was asked for": (400, b"seed logprobs max_tokens n top_p are not supported"),
    "a status that there is not": (499, b""),
    "a way without an end": (301, b""),
}
TROUBLE: dict[str, tuple[int, bytes, dict[str, str] | None]] = {
    "a server's error": (500, b"torch.OutOfMemoryError: CUDA out of memory.\n  Tried", None),
    "a page from the proxy": (502, HTML, None),
    "too busy": (503, b"", None),
    "too late": (504, b"null", None),
    "colours": (500, COLOURS, None),
    "a body nested too deeply": (500, DEEP, None),
    "another encoding": (500, b"\xff\xfe", None),
    "a status that there is not": (599, b"", None),
    "a time-out": (408, b"", None),
    "wait for no number": (429, b"", {"Retry-After": "nan"}),
    "wait before now": (429, b"", {"Retry-After": "-7"}),
    "wait for ever": (429, b"", {"Retry-After": "1e999"}),
    "wait for a word": (503, b"", {"Retry-After": "soon"}),
    "wait until a day that there is not": (503, b"", {"Retry-After": "Sun, 99 Nov 2026 25:61:00 GMT"}),
    "pieces that are none": (200, b"no number\r\n", {"Transfer-Encoding": "chunked"}),
}
SILENT: dict[str, bytes] = {
    "no answer": changed("choices.0.message.content", None),
    "an empty answer": changed("choices.0.message.content", ""),
    "an answer of spaces": changed("choices.0.message.content", " \n\t "),
    "an answer without its content": without("choices.0.message.content"),
    "an answer in no parts": changed("choices.0.message.content", []),
    "an answer in parts of no text": changed("choices.0.message.content", [{"type": "image", "data": "x"}]),
    "an answer that was filtered": changed("choices.0", {"finish_reason": "content_filter"}),
}
BLIND: dict[str, bytes] = {
    "no usage": without("usage"),
    "usage that is null": changed("usage", None),
    **{f"a prompt of {value!r} tokens": changed("usage.prompt_tokens", value)
       for value in (0, -1, 1.5, True, "12", None, [], 99_999_999_999)},
}  # fmt: skip
"""The length of a prompt does not show that its picture arrived."""
ODD: dict[str, bytes] = {
    "an answer of 100,000 letters": changed("choices.0.message.content", "a" * 100_000),
    "an answer of half a letter": changed("choices.0.message.content", "\ud800"),
    "an answer of control characters": changed("choices.0.message.content", "\x00\x1b[2J\x07\x7f"),
    "an answer that turns the line round": changed("choices.0.message.content", "\u202eMara Voss\u2066"),
    "200 answers": changed("choices", GOOD["choices"] * 200),
    **{f"an end because of {value!r:.30}": changed("choices.0.finish_reason", value)
       for value in (None, 7, [], "", "a" * 1000)},
    **{f"log-probabilities {value!r}": changed("choices.0.logprobs", value)
       for value in (None, 7, "none", [], {}, {"content": None}, {"content": 7}, {"content": [None]},
                     {"content": [{}]})},
    **{f"a log-probability of {value!r}": changed("choices.0.logprobs.content.0.logprob", value)
       for value in (float("nan"), float("inf"), -float("inf"), 0.5, 0, "sure", None, True, [], 1e308)},
    "a log-probability of 400 digits": changed("choices.0.logprobs.content.0.logprob", -(10**400)),
    **{f"a token of the bytes {value!r}": changed("choices.0.logprobs.content.0.bytes", value)
       for value in ([1, 300, -5], 7, "bytes", [None], [255, 254], [])},
    **{f"a token {value!r}": changed("choices.0.logprobs.content.0", {"token": value, "logprob": -0.5})
       for value in (7, None, [], "\ud800")},
}  # fmt: skip
LISTINGS: dict[str, tuple[int, bytes]] = {
    "a page of HTML": (200, HTML),
    "nested too deeply": (200, DEEP),
    "no data": (200, b"{}"),
    "data of numbers": (200, b'{"data": [7]}'),
    "half a letter": (200, b'{"data": [{"id": "m", "root": "\\ud800"}]}'),
    "no number": (200, b'{"data": [{"id": "m", "max_model_len": NaN}]}'),
    "a model within a model": (200, b'{"data": [{"id": "m", "meta": {"a": {"b": {}}}}]}'),
    "a model at a depth of 400": (200, b'{"data": [{"id": "m", "meta": ' + b'{"a":' * 400 + b"1" + b"}" * 401 + b"]}"),
    "an error": (500, COLOURS),
}


def answers() -> Iterator[tuple[str, Reply]]:
    for name, body in NO_COMPLETION.items():
        yield name, Reply(body, 1, "answered something other than a chat completion")
    for name, (status, body) in REFUSALS.items():
        yield f"refuses {name}", Reply(body, 2, f"refused the request for model 'm' (HTTP {status}", status)
    for name, (status, body, headers) in TROUBLE.items():
        yield f"is in trouble: {name}", Reply(body, 1, "gave no answer in 3 attempts", status, headers)
    for name, body in SILENT.items():
        yield name, Reply(body, 6, "got no answer")
    for name, body in BLIND.items():
        yield name, Reply(body, 6, "pictures do not arrive")
    for name, body in ODD.items():
        yield name, Reply(body, 5, "is another model")
    for name, models in LISTINGS.items():
        yield f"lists {name}", Reply(json.dumps(GOOD).encode(), 5, "is another model", models=models)


ANSWERS = dict(answers())
