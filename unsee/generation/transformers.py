"""The engine of a model that unsee loads itself, with transformers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unsee.data.sample import MAX_NEW_TOKENS, Likelihood, Probe, Response, Sample
from unsee.generation.batching import Row, plan_batches, portions
from unsee.generation.decoding import Answer, Drawing, decode
from unsee.generation.engine import Engine, ask, check_drawn
from unsee.generation.kv import longest_shared
from unsee.generation.likelihood import prompt_logprobs, sequence_logprobs, text_logprobs, unembed
from unsee.generation.reading import Reader
from unsee.models.adapters import reference
from unsee.models.identity import of_model
from unsee.models.merged import merged
from unsee.models.vision_cache import PICTURES_PER_CALL, VisionCache
from unsee.models.vlm import VisionLanguageModel, evaluating

BATCH_SIZE = 64


class TransformersEngine(Engine):
    """`vlm` as it is at the time of each call, with its adapter; or, with `before`, without adapter and delta.

    The texts equal those of `model.generate`, one probe at a time. Pictures are encoded once, in `cache`, which engines
    with the same frozen vision tower share; probes about the same picture share the prompt up to the point where their
    questions differ (`kv.longest_shared` says when). An answer ends at one of `vlm.stop_token_ids`.
    """

    reads = True
    draws = True
    begins = True

    def __init__(
        self,
        vlm: VisionLanguageModel,
        *,
        before: bool = False,
        cache: VisionCache | None = None,
        batch_size: int = BATCH_SIZE,
        logprobs: bool = True,
    ) -> None:
        """logprobs: whether responses say how probable their tokens were."""
        self.vlm, self.before, self.batch_size, self.logprobs = vlm, before, batch_size, logprobs
        self.cache = cache or VisionCache(vlm)
        self.name = vlm.name
        self.vocabulary_size = len(vlm.tokenizer)

    def without_adapter(self) -> TransformersEngine:
        """The engine of the model before unlearning: the same weights and pictures, adapter and delta switched off."""
        return TransformersEngine(
            self.vlm, before=True, cache=self.cache, batch_size=self.batch_size, logprobs=self.logprobs
        )

    def fingerprint(self) -> dict[str, Any]:
        with self._switched():
            return of_model(self.vlm)

    def answer(self, probes: Sequence[Probe], *, max_new_tokens: int) -> Iterator[list[Response]]:
        with self._speaking(), evaluating(self.vlm):
            for portion in portions([probe.images for probe in probes]):
                yield from self._answer([probes[i] for i in portion], max_new_tokens)

    def draw(
        self, probes: Sequence[Probe], *, count: int, temperature: float, seed: int, max_new_tokens: int
    ) -> dict[str, list[Response]]:
        """Like `Engine.draw`. The prompt of a probe goes through the model once for all of its answers, except for its
        last token. Raises ValueError unless `count` and `temperature` are positive."""
        check_drawn(probes, count, temperature)
        drawn: dict[str, list[Response]] = {}
        with self._speaking(), evaluating(self.vlm):
            for portion in portions([probe.images for probe in probes]):
                # One entry for each answer, those to the same probe next to each other.
                asked = [probes[i] for i in portion for _ in range(count)]

                def drawing(rows: Sequence[Row], asked: Sequence[Probe] = asked) -> Drawing:
                    numbers = [_numbers(seed, asked[row.index].id, row.index % count, max_new_tokens) for row in rows]
                    return Drawing(temperature, torch.from_numpy(np.stack(numbers)))

                said: dict[int, Response] = {}
                for batch in self._batches(asked, max_new_tokens, drawing):
                    said.update(batch)
                for place, i in enumerate(portion):
                    drawn[probes[i].id] = [said[place * count + number] for number in range(count)]
        return {probe.id: drawn[probe.id] for probe in probes}

    def read(self, samples: Sequence[Sample]) -> list[Likelihood]:
        plain = [not sample.prompt and not sample.images for sample in samples]
        with self._speaking():
            spoken = [sample for sample, is_plain in zip(samples, plain, strict=True) if not is_plain]
            rows = iter(sequence_logprobs(self.vlm, spoken, cache=self.cache))
            return [
                text_logprobs(self.vlm, sample.answer)
                if is_plain
                else Likelihood(tuple(next(rows).double().tolist()), ends_of(self.vlm, sample.answer))
                for sample, is_plain in zip(samples, plain, strict=True)
            ]

    def hidden(self, probes: Sequence[Probe], layers: Sequence[int]) -> Tensor:
        found = []
        with self._switched(), evaluating(self.vlm), torch.inference_mode():
            for probe in probes:
                (prompt,) = self.vlm.encode_prompt([(probe.prompt_messages(), probe.images)])
                if probe.begun:
                    prompt = prompt.followed_by(_beginning(self.vlm, probe.begun))
                reader = Reader(self.vlm, self.cache)
                found.append(reader.hidden(prompt, layers))
        return torch.stack(found)

    def unembed(self, states: Tensor, *, normalised: bool = False) -> Tensor:
        with self._switched(), evaluating(self.vlm):
            return unembed(self.vlm, states, normalised=normalised)

    def distributions(self, samples: Sequence[Sample]) -> list[Tensor]:
        with self._switched():
            return sequence_logprobs(self.vlm, samples, cache=self.cache, per_vocab=True)

    def read_prompts(self, probes: Sequence[Probe]) -> list[tuple[float, ...]]:
        with self._switched():
            return [tuple(row.double().tolist()) for row in prompt_logprobs(self.vlm, probes, cache=self.cache)]

    def see(self, probes: Sequence[Probe]) -> None:
        """Encode all pictures of the probes in a fixed order, so that an interrupted run resumes with the same
        features."""
        pictures = list({id(probe.images[0]): probe for probe in probes if probe.images}.values())
        for start, end in pairwise((*range(0, len(pictures), PICTURES_PER_CALL), len(pictures))):
            part = [(probe.prompt_messages(), probe.images) for probe in pictures[start:end]]
            self.cache.inputs(self.vlm.encode_prompt(part))

    def _switched(self) -> Any:
        return reference(self.vlm) if self.before else nullcontext()

    def _speaking(self) -> Any:
        """`_switched` for many forward passes; an adapter that is on goes into the weights for that long."""
        return reference(self.vlm) if self.before else merged(self.vlm)

    def _answer(self, probes: Sequence[Probe], max_new_tokens: int) -> Iterator[list[Response]]:
        """The likeliest responses to one portion of probes, batch by batch."""
        for batch in self._batches(probes, max_new_tokens):
            yield [response for _, response in batch]

    def _batches(
        self,
        probes: Sequence[Probe],
        max_new_tokens: int,
        drawing: Callable[[Sequence[Row]], Drawing] | None = None,
    ) -> Iterator[list[tuple[int, Response]]]:
        """Responses to one portion of probes with their places in it, batch by batch. A probe may be there several
        times; with `drawing`, which is called for every batch, its answers differ."""
        vlm = self.vlm
        different = {id(probe): probe for probe in probes}
        encoded = vlm.encode_prompt([(probe.prompt_messages(), probe.images) for probe in different.values()])
        by_probe = {
            key: prompt.followed_by(_beginning(vlm, probe.begun)) if probe.begun else prompt
            for (key, probe), prompt in zip(different.items(), encoded, strict=True)
        }
        prompts = [by_probe[id(probe)] for probe in probes]
        reader = Reader(vlm, self.cache)
        longest = longest_shared(reader.config) - max_new_tokens
        # Answers repeat, and to spell one takes as long as a tenth of its tokens.
        ends: dict[tuple[str, int], tuple[int, ...]] = {}
        for rows in plan_batches(prompts, vlm.layout.image_token_ids, self.batch_size, longest):
            with torch.inference_mode():
                reading = reader.read(rows, room=max_new_tokens)
                answers = decode(
                    reader,
                    rows,
                    reading,
                    max_new_tokens=max_new_tokens,
                    stop=vlm.stop_token_ids,
                    logprobs=self.logprobs,
                    drawing=drawing(rows) if drawing else None,
                )
            # Never two caches at once: the next is made before its name is bound again.
            del reading
            yield [
                (row.index, self._response(probes[row.index], answer, ends))
                for row, answer in zip(rows, answers, strict=True)
            ]

    def _response(self, probe: Probe, answer: Answer, ends: dict[tuple[str, int], tuple[int, ...]]) -> Response:
        """`ends`: where the tokens of texts end that were said before, by their number; this one's are added."""
        text = self.vlm.tokenizer.decode(answer.tokens, skip_special_tokens=True).strip()
        if not self.logprobs:
            return Response(probe.id, text, ended=answer.ended)
        key = text, len(answer.tokens)
        if key not in ends:
            ends[key] = ends_of(self.vlm, *key)
        return Response(probe.id, text, tuple(answer.logprobs), answer.ended, tuple(answer.tokens), ends[key])


def generate(
    vlm: VisionLanguageModel,
    probes: Sequence[Probe],
    *,
    max_new_tokens: int = MAX_NEW_TOKENS,
    batch_size: int = BATCH_SIZE,
    logprobs: bool = False,
    progress: bool = True,
    cache: VisionCache | None = None,
) -> list[Response]:
    """`ask` a model that unsee has loaded, as it is now, without saving the answers."""
    engine = TransformersEngine(vlm, cache=cache, batch_size=batch_size, logprobs=logprobs)
    return ask(engine, probes, max_new_tokens=max_new_tokens, progress=progress)


def _numbers(seed: int, probe_id: str, number: int, count: int) -> npt.NDArray[np.float64]:
    """`count` numbers in [0, 1) to draw one answer with; more of them begin with the same."""
    digest = hashlib.sha256(f"{seed}/{number}/{probe_id}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big")).random(count)


def _beginning(vlm: VisionLanguageModel, words: str) -> list[int]:
    """Tokens of the words that an answer begins with, without those that would end it."""
    encoded = vlm.encode_answer(words)
    return [token for token, (start, _) in zip(encoded.input_ids, encoded.offsets, strict=True) if start < len(words)]


def ends_of(vlm: VisionLanguageModel, text: str, count: int | None = None) -> tuple[int, ...]:
    """Where in `text` each of its tokens ends, as the tokenizer would spell it; tokens that end the turn end after it.

    `count` is the number of tokens that a model used. In rare cases the tokenizer would use another number; the ends
    are then a token or two off.
    """
    # Several tokens may end the turn.
    ends = [min(end, len(text) + 1) for _, end in vlm.encode_answer(text).offsets]
    wanted = len(ends) if count is None else count
    return tuple([*ends, *[len(text) + 1] * (wanted - len(ends))][:wanted])
