"""A few lines of client for servers that speak the OpenAI chat protocol (vLLM, llama.cpp, Ollama, OpenAI)."""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import track

from unsee.errors import SystemFailure, UserError

ATTEMPTS = 3
BACKOFF_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 60.0
"""However long a server asks to be left alone."""
_LARGEST_REPLY = 16 * 2**20
# Codes of errors that are about this prompt and no other, at OpenAI and at Azure.
_FILTERED = ("content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation")
# If this many prompts are refused and none is answered, the prompts are not the reason.
_ENOUGH_REFUSED = 8


class PromptRefused(UserError):
    """The server refused a request because of its content; another prompt may work."""


def chat(
    base_url: str,
    model: str,
    messages: Sequence[Mapping[str, Any]],
    *,
    api_key: str | None = None,
    timeout: float = 60,
    temperature: float | None = 0.0,
) -> str | None:
    """The text of the server's reply to `messages` (role and content, OpenAI's format); None where it filtered them or
    gave no text.

    `base_url` is the part before `/chat/completions`, such as `http://localhost:8000/v1`; `timeout` is in seconds and
    holds for one attempt; a `temperature` of None is left to the server. A busy, broken or silent server is tried
    `ATTEMPTS` times, after as long a wait as it asks for (Retry-After), `LONGEST_WAIT_SECONDS` at most. Raises
    SystemFailure when it cannot be reached or answers nonsense, `PromptRefused` when it refuses these messages (HTTP
    400, 413 and 422), UserError when it refuses the address, key or model.
    """
    if urlsplit(base_url).scheme not in ("http", "https") or not urlsplit(base_url).hostname:
        raise UserError(f"{base_url!r} is not the address of a server; give one like http://localhost:8000/v1.")
    url = base_url.rstrip("/") + "/chat/completions"
    asked: dict[str, Any] = {"model": model, "messages": list(messages)}
    if temperature is not None:
        asked["temperature"] = temperature
    request = urllib.request.Request(
        url, data=json.dumps(asked).encode(), headers={"Content-Type": "application/json"}, method="POST"
    )
    if api_key:
        # Not redirected: a redirect to another host must not carry the key there.
        request.add_unredirected_header("Authorization", f"Bearer {api_key}")
    reply = _send(request, url, model, timeout)
    return None if reply is None else _text(reply, url)


def read_address(text: str) -> tuple[str, str, float | None] | None:
    """Base URL, model and temperature of "URL#MODEL" or "URL#MODEL?temperature=T"; None where `text` is no such thing.

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
    """What `ask` says to each of `prompts`, asked once each, `workers` at a time; None where it says nothing or raises
    `PromptRefused`.

    Raises that too where every prompt is refused, or the first eight: then it is not the prompts. After an error the
    prompts not yet sent are dropped. `doing` is shown next to the progress.
    """
    said: dict[str, str | None] = {}
    refused = 0
    pool = ThreadPoolExecutor(workers)
    try:
        waiting = {pool.submit(ask, prompt): prompt for prompt in dict.fromkeys(prompts)}
        console = Console(stderr=True)
        for done in track(as_completed(waiting), doing, total=len(waiting), console=console, transient=True):
            try:
                said[waiting[done]] = done.result()
            except PromptRefused:
                said[waiting[done]] = None
                refused += 1
                if refused == len(said) == min(_ENOUGH_REFUSED, len(waiting)):
                    raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return said


def _send(request: urllib.request.Request, url: str, model: str, timeout: float) -> bytes | None:
    """The body of the reply; None where the server's filter stopped the prompt."""
    trouble = ""
    wait: float | None = None
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(BACKOFF_SECONDS * 2 ** (attempt - 1) if wait is None else wait)
        wait = None
        try:
            with urllib.request.urlopen(request, timeout=timeout) as reply:
                return bytes(reply.read(_LARGEST_REPLY))
        except urllib.error.HTTPError as error:
            with error:
                detail = " ".join(error.read(2000).decode("utf-8", "replace").split())
            if error.code not in (408, 429) and error.code < 500:
                if any(code in detail for code in _FILTERED):
                    return None
                raise _refusal(error, detail[:200], url, model) from None
            trouble = f"HTTP {error.code}"
            wait = _asked_to_wait(error.headers.get("Retry-After"))
        except urllib.error.URLError as error:
            trouble = str(error.reason)
        except (OSError, http.client.HTTPException) as error:
            trouble = str(error) or type(error).__name__
    raise SystemFailure(
        f"The server at {url} gave no answer in {ATTEMPTS} attempts ({trouble}); check that it is running."
    )


def _refusal(error: urllib.error.HTTPError, detail: str, url: str, model: str) -> UserError:
    check = "check the address, the model's name and the key"
    if "temperature" in detail:
        check = "let the server choose the temperature: openai:URL#MODEL?temperature=default"
    kind = PromptRefused if error.code in (400, 413, 422) else UserError
    return kind(
        f"The server at {url} refused the request for model {model!r} (HTTP {error.code}: "
        f"{detail or error.reason}); {check}."
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


def _text(reply: bytes, url: str) -> str | None:
    """The text of a chat completion, whose content is a text, a list of parts or, where there is none, null.

    A filter may leave out the message as well.
    """
    try:
        choice = json.loads(reply)["choices"][0]
        if choice.get("message") is None and str(choice.get("finish_reason")).startswith("content_filter"):
            return None
        content = choice["message"].get("content")
        if isinstance(content, list):
            texts = [part["text"] for part in content if part.get("type", "text") in ("text", "output_text")]
            content = "".join(filter(None, texts)) or None
        if content is None or isinstance(content, str):
            return content
    except (ValueError, LookupError, TypeError, AttributeError):
        pass
    raise SystemFailure(
        f"The server at {url} answered something other than a chat completion; check that the address ends "
        "before /chat/completions and that the server speaks the OpenAI protocol."
    )
