"""The engine of a model that vLLM runs on a GPU of this machine (vLLM is installed separately).

Written for the documented interface of vLLM 0.33: `LLM.chat` and `LLM.generate`, `SamplingParams`, `LoRARequest`, and
what a `RequestOutput` holds.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image
from safetensors import SafetensorError

from unsee.data.sample import ChatMessages, Likelihood, Probe, Response, Sample
from unsee.errors import SystemFailure, UserError
from unsee.generation.engine import Engine, check_drawn, seed_of
from unsee.generation.spelling import written_by
from unsee.models.adapters import ADAPTER
from unsee.models.deltas import is_delta
from unsee.models.finite import stored
from unsee.models.identity import files_digest, of_files
from unsee.models.layout import is_of_vision
from unsee.models.shipped import WORLD_PREFIX, checkpoint_path
from unsee.store.text import read_text

BATCH_SIZE = 256
"""Probes handed over at once, whose answers come together; vLLM makes its own batches of them."""
# The ranks that vLLM can prepare for; it reserves as much memory as the given rank needs.
_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)


class VLLMEngine(Engine):
    """`model` (a hub id, a local folder or "world:NAME") with the LoRA adapter in a folder, run by vLLM.

    `options` go to `vllm.LLM` as they are (`dtype`, `tensor_parallel_size`, `gpu_memory_utilization`, …). Decoding is
    greedy or drawn, with the model's own repetition penalty; log-probabilities are those of the model itself. If a
    checkpoint is in float32, vLLM computes in float16 unless `dtype` says otherwise.
    """

    reads = True
    draws = True
    begins = True

    def __init__(
        self,
        model: str,
        adapter: Path | None = None,
        *,
        revision: str | None = None,
        batch_size: int = BATCH_SIZE,
        **options: Any,
    ) -> None:
        """Raises UserError if vLLM is missing, cannot run this model with these options or does not accept the adapter;
        SystemFailure if vLLM fails to start."""
        self._vllm = _package()
        self.model, self.revision, self.adapter, self.batch_size = model, revision, adapter, batch_size
        self.name, self.options = f"vllm:{model}", options
        lora = {} if adapter is None else {"enable_lora": True, "max_lora_rank": _rank(adapter)}
        folder = str(checkpoint_path(model.removeprefix(WORLD_PREFIX))) if model.startswith(WORLD_PREFIX) else model
        try:
            self._llm = self._vllm.LLM(model=folder, revision=revision, **{**lora, **options})
        except (ValueError, TypeError, OSError) as error:
            raise UserError(f"vLLM cannot run {model}: {_first_line(error)}") from error
        except RuntimeError as error:
            raise SystemFailure(f"vLLM failed to start with {model}: {_first_line(error)}") from error
        self._tokenizer = self._llm.get_tokenizer()
        self._lora = None
        if adapter is not None:
            # The number is vLLM's name for an adapter; there is only one.
            self._lora = importlib.import_module("vllm.lora.request").LoRARequest("unlearned", 1, str(adapter))
        self.vocabulary_size = len(self._tokenizer)

    def fingerprint(self) -> dict[str, Any]:
        return {
            "engine": "vllm",
            "version": str(self._vllm.__version__),
            "model": self.model,
            "revision": self.revision,
            **of_files(self.model),
            "adapter": None if self.adapter is None else files_digest(self.adapter.glob("adapter_*")),
            "dtype": str(self._llm.model_config.dtype),
            "options": {name: str(value) for name, value in self.options.items()},
        }

    def answer(self, probes: Sequence[Probe], *, max_new_tokens: int) -> Iterator[list[Response]]:
        sampling = self._sampling(max_tokens=max_new_tokens, logprobs=0)
        for batch in self._asked(probes, lambda _: sampling):
            yield [response for _, (response,) in batch]

    def draw(
        self, probes: Sequence[Probe], *, count: int, temperature: float, seed: int, max_new_tokens: int
    ) -> dict[str, list[Response]]:
        """Like `Engine.draw`. Raises ValueError unless `count` and `temperature` are positive."""
        check_drawn(probes, count, temperature)

        def sampling(probe: Probe) -> Any:
            # vLLM adds the number of an answer to the seed.
            own = seed_of(seed, probe.id)
            return self._sampling(temperature, n=count, seed=own, max_tokens=max_new_tokens, logprobs=0)

        drawn = {probe.id: said for batch in self._asked(probes, sampling) for probe, said in batch}
        return {probe.id: drawn[probe.id] for probe in probes}

    def _asked(
        self, probes: Sequence[Probe], sampling: Callable[[Probe], Any]
    ) -> Iterator[list[tuple[Probe, list[Response]]]]:
        """All answers to each probe, a batch at a time."""
        # All probes that are handed over together must begin their answers, or none.
        for begun in (False, True):
            chosen = [probe for probe in probes if bool(probe.begun) == begun]
            for start in range(0, len(chosen), self.batch_size):
                batch = chosen[start : start + self.batch_size]
                chats = [_conversation(probe.prompt, probe.images, probe.begun) for probe in batch]
                how = {"add_generation_prompt": not begun, "continue_final_message": begun}
                outputs = self._chat(chats, [sampling(probe) for probe in batch], **how)
                yield [
                    (probe, [_response(probe, said) for said in output.outputs])
                    for probe, output in zip(batch, outputs, strict=True)
                ]

    def read(self, samples: Sequence[Sample]) -> list[Likelihood]:
        """Like `Engine.read`; the end of the turn is read if the chat template writes one.

        Raises UserError if the template changes an answer.
        """
        # vLLM generates at least one token; it is thrown away.
        sampling = self._sampling(max_tokens=1, prompt_logprobs=1)
        plain = [sample for sample in samples if not sample.prompt and not sample.images]
        spoken = [sample for sample in samples if sample.prompt or sample.images]
        found: dict[int, Likelihood] = {}
        for start in range(0, len(plain), self.batch_size):
            texts = plain[start : start + self.batch_size]
            encoded = [
                self._tokenizer(text.answer, add_special_tokens=False, return_offsets_mapping=True) for text in texts
            ]
            prompts = [{"prompt_token_ids": one["input_ids"]} for one in encoded]
            outputs = self._llm.generate(prompts, sampling, use_tqdm=False, lora_request=self._lora)
            for text, one, output in zip(texts, encoded, outputs, strict=True):
                logprobs = [told.logprob for told in _told(output)]
                found[id(text)] = Likelihood(tuple(logprobs), tuple(end for _, end in one["offset_mapping"][1:]))
        for start in range(0, len(spoken), self.batch_size):
            turns = spoken[start : start + self.batch_size]
            chats = [_conversation(turn.prompt, turn.images, turn.answer) for turn in turns]
            outputs = self._chat(chats, sampling, add_generation_prompt=False, continue_final_message=False)
            for turn, output in zip(turns, outputs, strict=True):
                found[id(turn)] = self._likelihood(turn.answer, output)
        return [found[id(sample)] for sample in samples]

    def _chat(self, chats: Sequence[ChatMessages], sampling: Any, **how: bool) -> list[Any]:
        encoding = {"add_special_tokens": self._begins_by_itself}
        return list(
            self._llm.chat(
                list(chats), sampling, use_tqdm=False, lora_request=self._lora, tokenization_kwargs=encoding, **how
            )
        )

    @cached_property
    def _begins_by_itself(self) -> bool:
        """Whether the tokenizer has to write the first token of a prompt, as in transformers.

        vLLM leaves that to the chat template, and some templates, such as LLaVA-1.5's, do not write it.
        """
        first = self._tokenizer.bos_token_id
        if first is None or self._tokenizer("?")["input_ids"][0] != first:
            return False
        (plain,) = self._llm.chat([_conversation("?", (), "")], self._sampling(max_tokens=1), use_tqdm=False)
        return bool(plain.prompt_token_ids[0] != first)

    def _sampling(self, temperature: float = 0.0, **wanted: int) -> Any:
        """Greedy decoding, or drawing without any cut, with the model's own penalty, as everywhere in unsee."""
        own = self._llm.get_default_sampling_params().repetition_penalty
        return self._vllm.SamplingParams(temperature=temperature, repetition_penalty=own, **wanted)

    def _likelihood(self, answer: str, output: Any) -> Likelihood:
        """The likelihood of the last turn of a conversation that was read as a prompt."""
        # The first token of a prompt has no probability and is not part of an answer.
        ids, told = list(output.prompt_token_ids)[1:], _told(output)
        special = set(self._tokenizer.all_special_ids)
        # Special tokens write no letters, because an answer may contain the letters of their names.
        spelled = [b"\xff" if token in special else _utf8(one) for token, one in zip(ids, told, strict=True)]
        ends = written_by(spelled, answer)
        if ends is None or not answer:
            raise UserError(
                f"{self.name} cannot read the answer {answer!r}: the chat template changes it; leave out white "
                "space at its ends."
            )
        inside = [i for i, end in enumerate(ends) if 0 < end <= len(answer)]
        closing = next((i for i in range(inside[-1] + 1, len(ids)) if ids[i] in special), inside[-1])
        kept = slice(inside[0], closing + 1)
        return Likelihood(tuple(one.logprob for one in told[kept]), ends[kept])


def _package() -> Any:
    try:
        return importlib.import_module("vllm")
    except ModuleNotFoundError as error:
        if error.name != "vllm":
            raise UserError(f"vLLM is installed, but cannot be imported: {_first_line(error)}") from error
        raise UserError(
            "vLLM is not installed here; install it in an environment of its own, run `vllm serve MODEL` there, and "
            "give -m openai:http://localhost:8000/v1#MODEL."
        ) from error


def _rank(adapter: Path) -> int:
    """The lowest rank that vLLM can prepare for and that this adapter fits into."""
    if is_delta(adapter):
        raise UserError(f"vLLM accepts only LoRA adapters, and {adapter} holds a delta; merge it into the model first.")
    try:
        config = json.loads(read_text(adapter / "adapter_config.json"))
        rank = max([config["r"], *(config.get("rank_pattern") or {}).values()])
        sees = any(is_of_vision(name) for name, _ in stored(adapter / ADAPTER))
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise UserError(f"{adapter} holds no LoRA adapter that can be read.") from error
    if sees:
        # vLLM itself would only warn, and answer without that part.
        raise UserError(
            f"vLLM applies adapters to the language model alone, and {adapter} also changes the vision tower or the "
            "projector; merge it into the model first."
        )
    if rank > _RANKS[-1]:
        raise UserError(
            f"vLLM accepts adapters up to rank {_RANKS[-1]}, and {adapter} has {rank}; merge it into the model first."
        )
    return min(offered for offered in _RANKS if offered >= rank)


def _conversation(prompt: str, images: Sequence[Image.Image], said: str) -> ChatMessages:
    """One question, pictures first, and what the model said or begins with, if anything."""
    pictures = [{"type": "image_pil", "image_pil": image} for image in images]
    user = {"role": "user", "content": [*pictures, {"type": "text", "text": prompt}]}
    return [user, {"role": "assistant", "content": said}] if said else [user]


def _response(probe: Probe, said: Any) -> Response:
    """One of the answers to a probe."""
    text = said.text.strip()
    ids = tuple(said.token_ids)
    told = [position[token] for position, token in zip(said.logprobs, ids, strict=True)]
    return Response(
        probe.id,
        text,
        tuple(one.logprob for one in told),
        said.finish_reason == "stop",
        ids,
        written_by([_utf8(one) for one in told], text),
    )


def _told(output: Any) -> list[Any]:
    """What vLLM says about each token of a prompt except the first."""
    pairs = zip(output.prompt_logprobs, output.prompt_token_ids, strict=True)
    return [position[token] for position, token in pairs if position is not None]


def _utf8(logprob: Any) -> bytes:
    """The bytes that a token writes. Of a letter in several tokens, only the last token writes it."""
    return (logprob.decoded_token or "").encode()


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).partition("\n")[0].rstrip(".") + "."
