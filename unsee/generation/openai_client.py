"""A small client for servers that speak the OpenAI chat protocol (vLLM, llama.cpp, Ollama, OpenAI)."""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import Any, TypeVar
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import track

from unsee.errors import SystemFailure, UserError
from unsee.store.text import parsed

ATTEMPTS = 3
BACKOFF_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 60.0
"""Even if a server asks for a longer wait."""
_LARGEST_REPLY = 16 * 2**20
# Codes of errors that are about this prompt and no other, at OpenAI and at Azure.
_FILTERED = ("content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation")
# If this many prompts are refused and none is answered, the prompts are not the reason.
_ENOUGH_REFUSED = 8
Asked = TypeVar("Asked")
Said = TypeVar("Said")


class Refused(UserError):
    """The server refused a request; `detail` is what it said about it."""

    def __init__(self, message: str, detail: str) -> None:
        super().__init__(message)
        self.detail = detail


class PromptRefused(Refused):
    """The server refused a request because of its content; another prompt may work."""


@dataclass(frozen=True)
class Completion:
    """A server's reply. `text` is None if it gave none or filtered the prompt; everything else is None if the server
    does not give it: `finish_reason` ("stop", "length", "content_filter", …), `tokens` (each as UTF-8, with the natural
    logarithm of its probability), and how many tokens it counted. The model's thoughts are in none of them, but their
    tokens may be.
    """

    text: str | None
    finish_reason: str | None = None
    tokens: tuple[tuple[bytes, float], ...] | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


def chat(
    base_url: str,
    model: str,
    messages: Sequence[Mapping[str, Any]],
    *,
    api_key: str | None = None,
    timeout: float = 60,
    temperature: float | None = 0.0,
) -> str | None:
    """The text of the server's reply to `messages` (role and content, OpenAI's format); None if it filtered them or
    gave no text.

    With a `temperature` of None the server chooses it. Everything else, and what is raised, is as in `complete`.
    """
    asked: dict[str, Any] = {"model": model, "messages": list(messages)}
    if temperature is not None:
        asked["temperature"] = temperature
    return complete(base_url, asked, api_key=api_key, timeout=timeout)[0].text


def complete(
    base_url: str, asked: Mapping[str, Any], *, api_key: str | None = None, timeout: float = 60
) -> list[Completion]:
    """What the server replies to `asked`, the body of a request in OpenAI's format: one, or as many as its `n`, or
    fewer if the server filters the prompt or gives fewer.

    `base_url` is the part before `/chat/completions`, such as `http://localhost:8000/v1`; `timeout` is in seconds and
    holds for one attempt. A busy, broken or silent server is tried `ATTEMPTS` times, each time after the wait it asks
    for (Retry-After), at most `LONGEST_WAIT_SECONDS`. Raises SystemFailure when it cannot be reached or answers
    nonsense, `PromptRefused` when it refuses this request (HTTP 400, 413 and 422), another `Refused` when it refuses
    the address, key or model, and UserError for an invalid address.
    """
    url = checked_address(base_url) + "/chat/completions"
    reply = _send(_request(url, api_key, json.dumps(asked).encode()), url, str(asked["model"]), timeout)
    return [Completion(None, "content_filter")] if reply is None else _completions(reply, url)


def listed_models(base_url: str, *, api_key: str | None = None, timeout: float = 10) -> list[dict[str, Any]] | None:
    """What the server says about its models (`/models`), asked once; None if it says nothing."""
    url = checked_address(base_url) + "/models"
    try:
        reply = _send(_request(url, api_key), url, "", timeout, attempts=1)
        return [dict(model) for model in parsed(reply or b"")["data"]]
    except (SystemFailure, Refused, ValueError, LookupError, TypeError):
        return None


def checked_address(base_url: str) -> str:
    """The address of a server without a slash at its end. Raises UserError if it is invalid or holds a secret."""
    parts = urlsplit(base_url)
    if parts.username is not None or parts.query:
        # Not shown, because it may contain a secret.
        raise UserError(
            "The address of a server must hold no user name, password or query; give one like "
            "http://localhost:8000/v1, and a key in the environment variable OPENAI_API_KEY."
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError(f"{base_url!r} is not the address of a server; give one like http://localhost:8000/v1.")
    return base_url.rstrip("/")


def _request(url: str, api_key: str | None, body: bytes | None = None) -> urllib.request.Request:
    headers = {"Content-Type": "application/json"} if body is not None else {}
    request = urllib.request.Request(url, data=body, headers=headers)
    if api_key:
        # Not redirected: a redirect to another host must not carry the key there.
        request.add_unredirected_header("Authorization", f"Bearer {api_key}")
    return request


def read_address(text: str) -> tuple[str, str, float | None] | None:
    """Base URL, model and temperature of "URL#MODEL" or "URL#MODEL?temperature=T"; None if `text` has another form.

    T is a number, 0 by default, or "default", which is None: the server's own. Raises UserError for another.
    """
    url, _, rest = text.rpartition("#")
    model, asks, option = rest.partition("?")
    if not url or not model:
        return None
    name, _, value = option.partition("=")
    if not asks:
        return url, model, 0.0
    if name == "temperature" and value == "default":
        return url, model, None
    if name == "temperature" and re.fullmatch(r"\d+(\.\d+)?", value):
        return url, model, float(value)
    raise UserError(f"{option!r} is not an option of a server; use temperature=default or temperature=0.7.")


def replies(
    prompts: Iterable[str], ask: Callable[[str], str | None], *, workers: int, doing: str
) -> dict[str, str | None]:
    """The answer of `ask` to each of `prompts`, asked once each through `in_parallel`; None if it is empty or refused.
    `doing` is shown next to the progress."""
    distinct = list(dict.fromkeys(prompts))
    coming = chain.from_iterable(in_parallel(distinct, ask, workers=workers))
    return dict(track(coming, doing, total=len(distinct), console=Console(stderr=True), transient=True))


def in_parallel(
    asked: Sequence[Asked], ask: Callable[[Asked], Said], *, workers: int
) -> Iterator[list[tuple[Asked, Said | None]]]:
    """The result of `ask` for each of `asked`, `workers` at a time, as it comes; None if it raises `PromptRefused`.

    Raises `PromptRefused` if all are refused, or the first eight, because then the prompts are not the reason. Refused
    ones are held back until one is answered. After an error, or when the caller stops, those not yet sent are dropped.
    """
    held: list[tuple[Asked, Said | None]] = []
    answered = False
    pool = ThreadPoolExecutor(workers)
    try:
        waiting = {pool.submit(ask, one): one for one in asked}
        while waiting:
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                one = waiting.pop(future)
                try:
                    held.append((one, future.result()))
                    answered = True
                except PromptRefused:
                    held.append((one, None))
                    if not answered and (len(held) >= _ENOUGH_REFUSED or len(held) == len(asked)):
                        raise
            if answered:
                yield held
                held = []
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _send(
    request: urllib.request.Request, url: str, model: str, timeout: float, attempts: int = ATTEMPTS
) -> bytes | None:
    """The body of the reply; None if the server's filter stopped the prompt."""
    trouble = ""
    pause: float | None = None
    for attempt in range(attempts):
        if attempt:
            time.sleep(BACKOFF_SECONDS * 2 ** (attempt - 1) if pause is None else pause)
        pause, check = None, "that it is running"
        try:
            with urllib.request.urlopen(request, timeout=timeout) as reply:
                return bytes(reply.read(_LARGEST_REPLY))
        except urllib.error.HTTPError as error:
            with error:
                detail = " ".join(error.read(2000).decode("utf-8", "replace").split())
            if error.code not in (408, 429) and error.code < 500:
                if any(code in detail for code in _FILTERED):
                    return None
                raise _refusal(error, detail, url, model) from None
            trouble = f"HTTP {error.code}: {detail[:200]}".rstrip(": ")
            check = f"its log, and that it serves a model {model!r}"
            pause = _asked_to_wait(error.headers.get("Retry-After"))
        except urllib.error.URLError as error:
            trouble = str(error.reason)
        except (OSError, http.client.HTTPException) as error:
            trouble = str(error) or type(error).__name__
    raise SystemFailure(f"The server at {url} gave no answer in {attempts} attempts ({trouble}); check {check}.")


def _refusal(error: urllib.error.HTTPError, detail: str, url: str, model: str) -> Refused:
    check = "check the address, the model's name and the key"
    if "temperature" in detail:
        check = "let the server choose the temperature: openai:URL#MODEL?temperature=default"
    kind = PromptRefused if error.code in (400, 413, 422) else Refused
    return kind(
        f"The server at {url} refused the request for model {model!r} (HTTP {error.code}: "
        f"{detail[:200] or error.reason}); {check}.",
        detail,
    )


def _asked_to_wait(header: str | None) -> float | None:
    """Seconds to wait by a Retry-After header, which gives seconds or a date; None without one that can be read."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - time.time()
        except ValueError:
            return None
    # A comparison with "nan" is false.
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS) if seconds == seconds else None


def _completions(reply: bytes, url: str) -> list[Completion]:
    """The choices of a chat completion, at least one. A single one knows how many tokens the server counted."""
    try:
        body = parsed(reply)
        choices = list(body["choices"])
        usage = body.get("usage") or {}
        prompt, completion = (_number(usage.get(key)) for key in ("prompt_tokens", "completion_tokens"))
        if choices:
            # The tokens of an answer are counted together with those of all others.
            own = completion if len(choices) == 1 else None
            return [_completion(choice, prompt, own) for choice in choices]
    except (ValueError, LookupError, TypeError, AttributeError):
        pass
    raise SystemFailure(
        f"The server at {url} answered something other than a chat completion; check that the address ends "
        "before /chat/completions and that the server speaks the OpenAI protocol."
    )


def _number(count: Any) -> int | None:
    """A count of tokens; None for anything else."""
    return count if type(count) is int else None


def _completion(choice: Any, prompt_tokens: int | None, completion_tokens: int | None) -> Completion:
    """One choice, whose content is a text, a list of parts or, if there is none, null.

    A filter may leave out the message as well. Raises what another form raises.
    """
    reason = choice.get("finish_reason")
    reason = reason if isinstance(reason, str) else None
    if choice.get("message") is None and str(reason).startswith("content_filter"):
        return Completion(None, "content_filter")
    content = choice["message"].get("content")
    if isinstance(content, list):
        texts = [part["text"] for part in content if part.get("type", "text") in ("text", "output_text")]
        content = "".join(filter(None, texts)) or None
    if content is not None and not isinstance(content, str):
        raise TypeError("the content of a message is a text")
    text = None if content is None else whole(content)
    return Completion(text, reason, _tokens(choice.get("logprobs")), prompt_tokens, completion_tokens)


def whole(content: str) -> str:
    """JSON may hold halves of characters, which a server leaves when it cuts an emoji; no file accepts them."""
    return content.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _tokens(logprobs: Any) -> tuple[tuple[bytes, float], ...] | None:
    """Also None if they come in another form than OpenAI's for chats."""
    try:
        return tuple((_spelled(one), float(one["logprob"])) for one in logprobs["content"])
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
        return None


def _spelled(token: Any) -> bytes:
    """The UTF-8 of a token. Raises what another form raises."""
    given = token.get("bytes")
    # A bare number would be that many zeros.
    return bytes(list(given)) if given is not None else bytes(token["token"].encode())
