"""A few lines of client for servers that speak the OpenAI chat protocol (vLLM, llama.cpp, Ollama, OpenAI)."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from unsee.errors import SystemFailure, UserError

ATTEMPTS = 3
BACKOFF_SECONDS = 0.5
_LARGEST_REPLY = 16 * 2**20


def chat(
    base_url: str,
    model: str,
    messages: Sequence[Mapping[str, Any]],
    *,
    api_key: str | None = None,
    timeout: float = 60,
    temperature: float = 0.0,
) -> str:
    """The text of the server's reply to `messages` (role and content, OpenAI's format).

    `base_url` is the part before `/chat/completions`, such as `http://localhost:8000/v1`; `timeout` is in seconds and
    holds for one attempt. A busy, broken or silent server is tried `ATTEMPTS` times. Raises SystemFailure when it
    cannot be reached or answers nonsense, UserError when the address, key or model is refused.
    """
    if urlsplit(base_url).scheme not in ("http", "https") or not urlsplit(base_url).hostname:
        raise UserError(f"{base_url!r} is no address of a server; give one like http://localhost:8000/v1.")
    url = base_url.rstrip("/") + "/chat/completions"
    body = json.dumps({"model": model, "messages": list(messages), "temperature": temperature}).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"}, method="POST")
    if api_key:
        # Unredirected: a redirect to another host must not carry the key there.
        request.add_unredirected_header("Authorization", f"Bearer {api_key}")
    return _text(_send(request, url, model, timeout), url)


def _send(request: urllib.request.Request, url: str, model: str, timeout: float) -> bytes:
    trouble = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(BACKOFF_SECONDS * 2 ** (attempt - 1))
        try:
            with urllib.request.urlopen(request, timeout=timeout) as reply:
                return bytes(reply.read(_LARGEST_REPLY))
        except urllib.error.HTTPError as error:
            with error:
                detail = " ".join(error.read(2000).decode("utf-8", "replace").split())[:200]
            if error.code != 429 and error.code < 500:
                raise UserError(
                    f"The server at {url} refused the request for model {model!r} (HTTP {error.code}: "
                    f"{detail or error.reason}); check the address, the model's name and the key."
                ) from None
            trouble = f"HTTP {error.code}"
        except urllib.error.URLError as error:
            trouble = str(error.reason)
        except (OSError, http.client.HTTPException) as error:
            trouble = str(error) or type(error).__name__
    raise SystemFailure(
        f"The server at {url} gave no answer in {ATTEMPTS} attempts ({trouble}); check that it is running."
    )


def _text(reply: bytes, url: str) -> str:
    try:
        text = json.loads(reply)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError):
        text = None
    if not isinstance(text, str):
        raise SystemFailure(
            f"The server at {url} answered something other than a chat completion; check that the address ends "
            "before /chat/completions and that the server speaks the OpenAI protocol."
        )
    return text
