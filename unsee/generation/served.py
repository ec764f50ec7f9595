"""The engine behind an OpenAI-compatible endpoint: vLLM, llama.cpp, Ollama, `transformers serve`, OpenAI."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from PIL import Image

from unsee.data.sample import Probe, Response
from unsee.errors import UserError
from unsee.generation.engine import Engine
from unsee.generation.openai_client import (
    Completion,
    PromptRefused,
    Refused,
    checked_address,
    complete,
    in_parallel,
    listed_models,
)
from unsee.generation.spelling import written_by

WORKERS = 8
TIMEOUT_SECONDS = 600.0
"""One attempt: a server may load its model first."""
# What is asked for where the server knows it: repeatable answers, and how probable they were.
_WELCOME = {"seed": 0, "logprobs": True}
_LENGTH, _NEWER_LENGTH = "max_tokens", "max_completion_tokens"
# Words of a server that does not know a parameter at all; one may also be too large for a prompt.
_UNKNOWN = re.compile(r"support|unexpected|unknown|unrecogni|permitted|forbidden|allowed", re.IGNORECASE)
# What stays the same from one listing to the next; vLLM dates a model at every listing.
_LASTING = ("id", "root", "parent", "owned_by", "max_model_len", "meta")


class ServedEngine(Engine):
    """Asks `model` at `url` (the part before `/chat/completions`), `workers` probes at a time.

    Pictures go as PNG, without loss, in front of the text. A `temperature` of None is left to a server that accepts one
    value only. Where the server gives log-probabilities, responses hold them; never token ids. What it marks as
    reasoning is no part of an answer. A prompt that it filters or refuses counts as an empty answer that has ended; one
    that it filters midway as cut.
    """

    def __init__(
        self,
        url: str,
        model: str,
        api_key: str | None = None,
        *,
        workers: int = WORKERS,
        temperature: float | None = 0.0,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        """timeout: seconds per attempt."""
        # `transformers serve` would load a folder a second time under the name with the slash.
        self.url, self.model = checked_address(url), model.rstrip("/")
        self.workers, self.temperature, self.timeout = workers, temperature, timeout
        self.name = f"openai:{self.url}#{self.model}"
        self._api_key = api_key
        # How this server calls what it is asked for; None: it does not know it.
        self._names: Mapping[str, str | None] = {name: name for name in (*_WELCOME, _LENGTH)}
        self._sees = False

    def fingerprint(self) -> dict[str, Any]:
        """The address, and what the server says of its model; what stands behind a name it alone knows."""
        return {
            "engine": "openai",
            "url": self.url,
            "model": self.model,
            "listed": self._listed,
            "temperature": self.temperature,
        }

    @cached_property
    def _listed(self) -> dict[str, Any] | None:
        listed = listed_models(self.url, api_key=self._api_key) or []
        mine = next((model for model in listed if model.get("id") == self.model), None)
        return None if mine is None else {key: mine[key] for key in _LASTING if key in mine}

    def answer(self, probes: Sequence[Probe], *, max_new_tokens: int) -> Iterator[list[Response]]:
        """Raises UserError where a probe begins its answer, or where the server does not see pictures; SystemFailure
        where it cannot be reached; and what the server refuses, where it refuses everything."""
        begun = [probe.id for probe in probes if probe.begun]
        if begun:
            raise UserError(
                f"{self.name} cannot be made to begin an answer with given words, as {len(begun)} of {len(probes)} "
                f"questions ask ({begun[0]!r}); ask a model that is loaded here."
            )
        shown = next((probe for probe in probes if probe.images), None)
        if shown is not None and not self._sees:
            self._look(shown)

        def ask(probe: Probe) -> Completion:
            return self._complete(probe, max_new_tokens)

        for replies in in_parallel(probes, ask, workers=self.workers):
            yield [_response(probe, reply, max_new_tokens) for probe, reply in replies]

    def _look(self, probe: Probe) -> None:
        """Raises UserError where a picture adds no token to a prompt: the server drops it, and answers all the same."""
        try:
            seen, blind = (self._complete(one, 1).prompt_tokens for one in (probe, replace(probe, images=())))
        except PromptRefused:
            return
        if seen is not None and seen == blind:
            raise UserError(
                f"{self.name} does not look at pictures: with one its prompt is as long as without ({seen} tokens); "
                "serve a model, and start its server, for pictures."
            )
        self._sees = True

    def _complete(self, probe: Probe, max_new_tokens: int) -> Completion:
        """The reply to a probe, asked again without, or under another name, what the server says it does not know."""
        names = self._names
        asked: dict[str, Any] = {"model": self.model, "messages": [_message(probe)]}
        if self.temperature is not None:
            asked["temperature"] = self.temperature
        while True:
            wanted = {**_WELCOME, _LENGTH: max_new_tokens}
            known = {call: wanted[name] for name, call in names.items() if call is not None}
            try:
                reply = complete(self.url, {**asked, **known}, api_key=self._api_key, timeout=self.timeout)
            except Refused as error:
                fewer = _without_unknown(names, error.detail)
                if fewer == names:
                    raise
                names = fewer
            else:
                # Only what was then accepted: a refusal may have named a word of its prompt.
                self._names = names
                return reply


def _without_unknown(names: Mapping[str, str | None], detail: str) -> dict[str, str | None]:
    """The names of what is asked for, without those that a refusal mentions; a length unknown by its older name is
    asked for by its newer one."""
    fewer = {name: None if _mentions(detail, call) else call for name, call in names.items()}
    if fewer[_LENGTH] is None:
        fewer[_LENGTH] = _NEWER_LENGTH if _UNKNOWN.search(detail) else names[_LENGTH]
    return fewer


def _mentions(detail: str, name: str | None) -> bool:
    return name is not None and re.search(rf"\b{name}\b", detail) is not None


def _message(probe: Probe) -> dict[str, Any]:
    """The user's turn in OpenAI's format; plain text where there is no picture, because some models take no parts."""
    if not probe.images:
        return {"role": "user", "content": probe.prompt}
    pictures = [{"type": "image_url", "image_url": {"url": data_url(image)}} for image in probe.images]
    return {"role": "user", "content": [*pictures, {"type": "text", "text": probe.prompt}]}


def data_url(image: Image.Image) -> str:
    """The picture's pixels as a PNG, without anything else that its file held."""
    pixels = image.convert("RGB")
    file = io.BytesIO()
    # The least compression takes most of the size, and a tenth of the time, which each question about it costs.
    Image.frombytes("RGB", pixels.size, pixels.tobytes()).save(file, "PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _response(probe: Probe, reply: Completion | None, max_new_tokens: int) -> Response:
    """The answer in a reply; None is a refusal."""
    if reply is None:
        return Response(probe.id, "")
    text = (reply.text or "").strip()
    reason = reply.finish_reason
    if reason is None and reply.completion_tokens is not None:
        reason = "length" if reply.completion_tokens >= max_new_tokens else "stop"
    ended = reason != "length" and not (text and reason == "content_filter")
    if not reply.tokens:
        return Response(probe.id, text, ended=ended)
    spelled, logprobs = zip(*reply.tokens, strict=True)
    return Response(probe.id, text, logprobs, ended, token_ends=written_by(spelled, text))
