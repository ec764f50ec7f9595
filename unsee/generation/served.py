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
"""For one attempt: a server may have to load its model first."""
# What is asked for if the server supports it: repeatable answers, and how probable they were.
_WELCOME = {"seed": 0, "logprobs": True}
_LENGTH, _NEWER_LENGTH = "max_tokens", "max_completion_tokens"
# Words of a server that does not know a parameter at all; a parameter may also be too large for a prompt.
_UNKNOWN = re.compile(r"support|unexpected|unknown|unrecogni|permitted|forbidden|allowed", re.IGNORECASE)
# What stays the same from one listing to the next; vLLM writes a new date at every listing.
_LASTING = ("id", "root", "parent", "owned_by", "max_model_len", "meta")


class ServedEngine(Engine):
    """Asks `model` at `url` (the part before `/chat/completions`), `workers` probes at a time.

    Pictures are sent as PNG, without loss, before the text. With a `temperature` of None the server chooses it, because
    some accept only one value. If the server gives log-probabilities, responses hold them, but never token ids. What it
    marks as reasoning is not part of an answer. A prompt that it filters or refuses counts as an empty answer that has
    ended, an answer that it filters midway as cut.
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
        # This server's name for each parameter; None: it does not know the parameter.
        self._names: Mapping[str, str | None] = {name: name for name in (*_WELCOME, _LENGTH)}
        self._sees = False

    def fingerprint(self) -> dict[str, Any]:
        """The address, and what the server says about its model; only the server knows what is behind a name."""
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
        """Raises UserError if a probe begins its answer or if the server ignores pictures, SystemFailure if it cannot
        be reached, and the server's refusal if it refuses everything."""
        begun = [probe.id for probe in probes if probe.begun]
        if begun:
            raise UserError(
                f"{self.name} cannot begin an answer with given words, which {len(begun)} of {len(probes)} questions "
                f"need ({begun[0]!r}); use a model that unsee loads itself."
            )
        shown = next((probe for probe in probes if probe.images), None)
        if shown is not None and not self._sees:
            self._look(shown)

        def ask(probe: Probe) -> Completion:
            return self._complete(probe, max_new_tokens)

        for replies in in_parallel(probes, ask, workers=self.workers):
            yield [_response(probe, reply, max_new_tokens) for probe, reply in replies]

    def _look(self, probe: Probe) -> None:
        """Raises UserError if a picture adds no token to a prompt: the server drops the picture and answers anyway."""
        try:
            seen, blind = (self._complete(one, 1).prompt_tokens for one in (probe, replace(probe, images=())))
        except PromptRefused:
            return
        if seen is not None and seen == blind:
            raise UserError(
                f"{self.name} does not look at pictures: its prompt is equally long with and without one ({seen} "
                "tokens); serve a model that takes pictures, with a server that passes them on."
            )
        self._sees = True

    def _complete(self, probe: Probe, max_new_tokens: int) -> Completion:
        """The reply to a probe. A parameter that the server does not know is renamed or left out, and the probe is
        asked again."""
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
                # Kept only now that it was accepted: a refusal may have quoted a word of its prompt.
                self._names = names
                return reply


def _without_unknown(names: Mapping[str, str | None], detail: str) -> dict[str, str | None]:
    """The names of the parameters, without those that a refusal mentions. If the server does not know the older name of
    the length, the newer name is used."""
    fewer = {name: None if _mentions(detail, call) else call for name, call in names.items()}
    if fewer[_LENGTH] is None:
        fewer[_LENGTH] = _NEWER_LENGTH if _UNKNOWN.search(detail) else names[_LENGTH]
    return fewer


def _mentions(detail: str, name: str | None) -> bool:
    return name is not None and re.search(rf"\b{name}\b", detail) is not None


def _message(probe: Probe) -> dict[str, Any]:
    """The user's turn in OpenAI's format; plain text if there is no picture, because some models accept no parts."""
    if not probe.images:
        return {"role": "user", "content": probe.prompt}
    pictures = [{"type": "image_url", "image_url": {"url": data_url(image)}} for image in probe.images]
    return {"role": "user", "content": [*pictures, {"type": "text", "text": probe.prompt}]}


def data_url(image: Image.Image) -> str:
    """The picture's pixels as a PNG, without anything else that its file held."""
    pixels = image.convert("RGB")
    file = io.BytesIO()
    # The lowest compression saves most of the size in a tenth of the time, and every question pays that time.
    Image.frombytes("RGB", pixels.size, pixels.tobytes()).save(file, "PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _response(probe: Probe, reply: Completion | None, max_new_tokens: int) -> Response:
    """The answer in a reply; None means a refusal."""
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
