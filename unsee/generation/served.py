"""The engine behind an OpenAI-compatible endpoint: vLLM, llama.cpp, Ollama, `transformers serve`, OpenAI."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from PIL import Image

from unsee.data.sample import Probe, Response
from unsee.errors import UserError
from unsee.generation.engine import Engine, check_drawn, seed_of
from unsee.generation.openai_client import (
    Completion,
    PromptRefused,
    Refused,
    checked_address,
    complete,
    in_parallel,
    listed_models,
    whole,
)
from unsee.generation.spelling import written_by

WORKERS = 8
TIMEOUT_SECONDS = 600.0
"""For one attempt: a server may have to load its model first."""
# What is asked for if the server supports it: repeatable answers, and how probable they were.
_WELCOME = {"seed": 0, "logprobs": True}
# What is asked for when answers are drawn: all of them at once, and none of the cuts that servers make by themselves.
_COUNT = "n"
_UNCUT = {"top_p": 1.0, "top_k": -1, "min_p": 0.0}
# How vLLM is told that the last turn is not finished.
_CONTINUED = {"add_generation_prompt": False, "continue_final_message": True}
_LENGTH, _NEWER_LENGTH = "max_tokens", "max_completion_tokens"
# Words of a server that does not know a parameter at all; a parameter may also be too large for a prompt.
_UNKNOWN = re.compile(r"support|unexpected|unknown|unrecogni|permitted|forbidden|allowed", re.IGNORECASE)
# What stays the same from one listing to the next; vLLM writes a new date at every listing.
_LASTING = ("id", "root", "parent", "owned_by", "max_model_len", "meta")


class PicturesDropped(UserError):
    """The server answers without the pictures of its prompts."""


class ServedEngine(Engine):
    """Asks `model` at `url` (the part before `/chat/completions`), `workers` probes at a time.

    Pictures are sent as PNG, without loss, before the text. With a `temperature` of None the server chooses it, because
    some accept only one value. If the server gives log-probabilities, responses hold them, but never token ids. What it
    marks as reasoning is not part of an answer. A prompt that it filters or refuses counts as an empty answer that has
    ended, an answer that it filters midway as cut. Where the server chooses the temperature, no answers can be drawn.
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
        self._names: Mapping[str, str | None] = {name: name for name in (*_WELCOME, _COUNT, *_UNCUT, _LENGTH)}
        self.draws = temperature is not None
        self._sees = False
        self.pictures_counted = False
        """Whether the server has said that a picture makes a prompt longer, so that it cannot have been dropped."""

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
        return None if mine is None else {key: _flat(mine[key]) for key in _LASTING if key in mine}

    def answer(self, probes: Sequence[Probe], *, max_new_tokens: int) -> Iterator[list[Response]]:
        """Raises UserError if a probe begins its answer and the server does not continue it or if the server ignores
        pictures, SystemFailure if it cannot be reached, and the server's refusal if it refuses everything."""
        self._check(probes)

        def ask(probe: Probe) -> Completion:
            return self._complete(probe, max_new_tokens)[0]

        for replies in in_parallel(probes, ask, workers=self.workers):
            yield [_response(probe, reply, max_new_tokens) for probe, reply in replies]

    def draw(
        self, probes: Sequence[Probe], *, count: int, temperature: float, seed: int, max_new_tokens: int
    ) -> dict[str, list[Response]]:
        """Like `Engine.draw`; raises the same as `answer`, and ValueError unless `count` and `temperature` are
        positive.

        All answers to a probe are asked for at once, and those that the server does not give one by one. A server that
        ignores the seed draws others every time.
        """
        if not self.draws:
            return super().draw(probes, count=count, temperature=temperature, seed=seed, max_new_tokens=max_new_tokens)
        check_drawn(probes, count, temperature)
        self._check(probes)

        def ask(probe: Probe) -> list[Completion]:
            said: list[Completion] = []
            while len(said) < count:
                together = {} if said or count == 1 else {_COUNT: count}
                drawn = {**together, **_UNCUT, "seed": seed_of(seed, probe.id, len(said))}
                said += self._complete(probe, max_new_tokens, temperature, drawn)
            return said[:count]

        drawn: dict[str, list[Response]] = {}
        for replies in in_parallel(probes, ask, workers=self.workers):
            for probe, said in replies:
                drawn[probe.id] = [_response(probe, reply, max_new_tokens) for reply in said or (None,) * count]
        return {probe.id: drawn[probe.id] for probe in probes}

    @cached_property
    def begins(self) -> bool:
        """Whether the server continues the words that an answer begins with, as vLLM does when asked.

        Judged by how long it says that its prompts are: a continued turn is longer than the question, but shorter than
        a finished turn with the beginning of the next. A server that does not say it is not believed.
        """
        question = Probe("begun", "Who is this?")
        begun = replace(question, begun="This is")
        try:
            bare, continued = (self._complete(probe, 1)[0].prompt_tokens for probe in (question, begun))
            finished = self._complete(begun, 1, continued={})[0].prompt_tokens
        except Refused:
            return False
        if bare is None or continued is None or finished is None:
            return False
        return bare < continued < finished

    def repeat(self, probe: Probe, count: int, *, max_new_tokens: int) -> list[Response]:
        """The answer to a probe asked `count` times, one after the other and each time with another seed. At the
        engine's own temperature of 0 all are the same, unless the server draws its answers all the same. Raises the
        same as `answer`."""
        self._check([probe])
        said = [self._complete(probe, max_new_tokens, drawn={"seed": seed}) for seed in range(1, count + 1)]
        return [_response(probe, replies[0], max_new_tokens) for replies in said]

    def _check(self, probes: Sequence[Probe]) -> None:
        """Raises UserError if the server cannot do what one of the probes needs."""
        begun = [probe.id for probe in probes if probe.begun]
        if begun and not self.begins:
            raise UserError(
                f"{self.name} cannot begin an answer with given words, which {len(begun)} of {len(probes)} questions "
                f"need ({begun[0]!r}); use a model that unsee loads itself, or one behind vLLM."
            )
        shown = next((probe for probe in probes if probe.images), None)
        if shown is not None and not self._sees:
            self._look(shown)

    def _look(self, probe: Probe) -> None:
        """Raises PicturesDropped if a picture adds no token to a prompt, though the server answers."""
        try:
            seen, blind = (self._complete(one, 1)[0].prompt_tokens for one in (probe, replace(probe, images=())))
        except PromptRefused:
            return
        if seen is not None and seen == blind:
            raise PicturesDropped(
                f"{self.name} does not look at pictures: its prompt is equally long with and without one ({seen} "
                "tokens); serve a model that takes pictures, with a server that passes them on."
            )
        self._sees = True
        self.pictures_counted = seen is not None and blind is not None

    def _complete(
        self,
        probe: Probe,
        max_new_tokens: int,
        temperature: float | None = None,
        drawn: Mapping[str, Any] = MappingProxyType({}),
        continued: Mapping[str, Any] = MappingProxyType(_CONTINUED),
    ) -> list[Completion]:
        """The replies to a probe. A parameter that the server does not know is renamed or left out, and the probe is
        asked again.

        Args:
            temperature: instead of the engine's own.
            drawn: more parameters, which a server may not know.
            continued: what says that words which the answer begins with are to be continued.
        """
        names = self._names
        asked: dict[str, Any] = {"model": self.model, "messages": [_message(probe)]}
        if probe.begun:
            asked |= {"messages": [_message(probe), {"role": "assistant", "content": probe.begun}], **continued}
        chosen = self.temperature if temperature is None else temperature
        if chosen is not None:
            asked["temperature"] = chosen
        wanted = {**_WELCOME, _LENGTH: max_new_tokens, **drawn}
        while True:
            known = {call: wanted[name] for name, call in names.items() if call is not None and name in wanted}
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


def _flat(told: Any) -> Any:
    """What a server says of itself as far as it is plain: a text, a number, or such by name. Anything deeper is left
    out."""
    if isinstance(told, Mapping):
        return {whole(key): _flat(one) for key, one in told.items() if not isinstance(one, (Mapping, list))}
    return whole(told) if isinstance(told, str) else told if isinstance(told, (bool, int, float)) else None


def _without_unknown(names: Mapping[str, str | None], detail: str) -> dict[str, str | None]:
    """The names of the parameters, without those that a refusal mentions. If the server does not know the older name of
    the length, the newer name is used."""
    fewer = {name: None if _mentions(detail, call) else call for name, call in names.items()}
    if fewer[_LENGTH] is None:
        fewer[_LENGTH] = _NEWER_LENGTH if _UNKNOWN.search(detail) else names[_LENGTH]
    return fewer


def _mentions(detail: str, name: str | None) -> bool:
    # Details are JSON, which writes a new line as "\\n".
    return name is not None and re.search(rf"(?<![\\\w]){name}\b", detail) is not None


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
