"""What unsee uses of vLLM's documented interface (0.33), played by a tiny model of transformers.

Signatures and the shape of what comes back are vLLM's; arguments it does not know are errors, as there.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
import torch

from unsee.data.sample import ChatMessages
from unsee.models.vlm import EncodedPrompt, VisionLanguageModel


@dataclass
class SamplingParams:
    temperature: float = 1.0
    repetition_penalty: float = 1.0
    max_tokens: int | None = 16
    logprobs: int | None = None
    prompt_logprobs: int | None = None
    n: int = 1
    seed: int | None = None


@dataclass
class LoRARequest:
    lora_name: str
    lora_int_id: int
    lora_path: str = ""


@dataclass
class Logprob:
    logprob: float
    rank: int | None = None
    decoded_token: str | None = None


@dataclass
class CompletionOutput:
    index: int
    text: str
    token_ids: Sequence[int]
    cumulative_logprob: float | None
    logprobs: list[dict[int, Logprob]] | None
    finish_reason: str | None = None
    stop_reason: int | str | None = None


class FakeLLM:
    """`vllm.LLM` around `vlm`; `calls` are the arguments of each call but its prompts."""

    vlm: VisionLanguageModel
    made: FakeLLM

    def __init__(self, model: str, *, revision: str | None = None, **options: Any) -> None:
        if "no_such_option" in options:
            raise TypeError("EngineArgs.__init__() got an unexpected keyword argument 'no_such_option'")
        if model == "org/too-large":
            raise RuntimeError("Engine core initialization failed. See root cause above.")
        self.model, self.revision, self.options = model, revision, options
        self.model_config = SimpleNamespace(dtype=torch.float32)
        self.calls: list[dict[str, Any]] = []
        type(self).made = self

    def get_tokenizer(self) -> Any:
        return self.vlm.tokenizer

    def get_default_sampling_params(self) -> SamplingParams:
        return SamplingParams(repetition_penalty=1.0)

    def chat(
        self,
        messages: Sequence[ChatMessages],
        sampling_params: SamplingParams | Sequence[SamplingParams],
        use_tqdm: bool = True,
        lora_request: LoRARequest | None = None,
        *,
        add_generation_prompt: bool = True,
        continue_final_message: bool = False,
        tokenization_kwargs: Mapping[str, Any] | None = None,
    ) -> list[Any]:
        assert not (add_generation_prompt and continue_final_message), "vLLM refuses both"
        each = [sampling_params] * len(messages) if isinstance(sampling_params, SamplingParams) else sampling_params
        self.calls.append({"sampling": each[0], "lora": lora_request, "begun": continue_final_message})
        # What vLLM does by itself: a template is to write the first token.
        special = {"add_special_tokens": False, **(tokenization_kwargs or {})}["add_special_tokens"]
        prompts = [self._prompt(chat, continue_final_message, special) for chat in messages]
        return [self._output(prompt, own) for prompt, own in zip(prompts, each, strict=True)]

    def generate(
        self,
        prompts: Sequence[Mapping[str, list[int]]],
        sampling_params: SamplingParams,
        *,
        use_tqdm: bool = True,
        lora_request: LoRARequest | None = None,
    ) -> list[Any]:
        self.calls.append({"sampling": sampling_params, "lora": lora_request})
        encoded = [EncodedPrompt(list(prompt["prompt_token_ids"]), {}, {}, ()) for prompt in prompts]
        return [self._output(prompt, sampling_params) for prompt in encoded]

    def _prompt(self, chat: ChatMessages, begun: bool, special: bool) -> EncodedPrompt:
        vlm, (user, *said) = self.vlm, chat
        images = tuple(part["image_pil"] for part in user["content"] if part["type"] == "image_pil")
        content = [{"type": "image"} if part["type"] == "image_pil" else part for part in user["content"]]
        turn = {"role": "user", "content": content}
        (prompt,) = vlm.encode_prompt([([turn], images)])
        head = vlm.render([turn], add_generation_prompt=True)
        first = vlm.tokenizer.bos_token_id
        if not special and prompt.input_ids[0] == first and not head.startswith(vlm.tokenizer.bos_token):
            extras = {name: values[1:] for name, values in prompt.extras.items()}
            prompt = replace(prompt, input_ids=prompt.input_ids[1:], extras=extras)
        if not said:
            return prompt
        answer = {"role": "assistant", "content": [{"type": "text", "text": said[0]["content"]}]}
        rest = vlm.render([turn, answer], add_generation_prompt=False).removeprefix(head)
        if begun:
            rest = rest[: rest.rindex(said[0]["content"]) + len(said[0]["content"])]
        return prompt.followed_by(vlm.tokenizer(rest, add_special_tokens=False)["input_ids"])

    def _output(self, prompt: EncodedPrompt, sampling: SamplingParams) -> Any:
        ids = torch.tensor([prompt.input_ids])
        extras: dict[str, Any] = {name: torch.tensor([values]) for name, values in prompt.extras.items()}
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), **extras, **prompt.pixels}
        return SimpleNamespace(
            prompt_token_ids=prompt.input_ids,
            prompt_logprobs=self._of_prompt(inputs) if sampling.prompt_logprobs is not None else None,
            outputs=[self._completion(inputs, sampling, index) for index in range(sampling.n)],
        )

    @torch.inference_mode()
    def _of_prompt(self, inputs: dict[str, Any]) -> list[dict[int, Logprob] | None]:
        logprobs = self.vlm.base(**inputs, use_cache=False).logits[0].float().log_softmax(-1)
        ids = inputs["input_ids"][0].tolist()
        # The row at a token is about the next one; nothing is said of the first.
        return [None, *self._told(ids, torch.cat([logprobs[:1], logprobs[:-1]]))[1:]]

    def _completion(self, inputs: dict[str, Any], sampling: SamplingParams, index: int) -> CompletionOutput:
        vlm = self.vlm
        drawn: dict[str, Any] = {"do_sample": False}
        if sampling.temperature:
            # As in vLLM, each of several answers has a seed of its own.
            torch.manual_seed((sampling.seed or 0) + index)
            drawn = {"do_sample": True, "temperature": sampling.temperature, "top_k": 0, "top_p": 1.0}
        output = cast(Any, vlm.base).generate(
            **inputs,
            max_new_tokens=sampling.max_tokens,
            **drawn,
            eos_token_id=sorted(vlm.stop_token_ids),
            pad_token_id=vlm.pad_token_id,
            output_logits=True,
            return_dict_in_generate=True,
        )
        tokens = output.sequences[0, inputs["input_ids"].shape[1] :].tolist()
        rows = torch.cat(output.logits).float().log_softmax(-1)
        told = self._told(tokens, rows)
        return CompletionOutput(
            index=index,
            text=vlm.tokenizer.decode(tokens, skip_special_tokens=True),
            token_ids=tokens,
            cumulative_logprob=None,
            logprobs=told if sampling.logprobs is not None else None,
            finish_reason="stop" if tokens[-1] in vlm.stop_token_ids else "length",
        )

    def _told(self, tokens: list[int], rows: torch.Tensor) -> list[dict[int, Logprob]]:
        """What its row says of each token. A part of a letter decodes to nothing, the last one to the letter."""
        told, before = [], ""
        for i, (token, row) in enumerate(zip(tokens, rows, strict=True)):
            text = self.vlm.tokenizer.decode(tokens[: i + 1]).rstrip("\N{REPLACEMENT CHARACTER}")
            told.append({token: Logprob(float(row[token]), 1, text[len(before) :])})
            before = text
        return told


def install(monkeypatch: pytest.MonkeyPatch, vlm: VisionLanguageModel) -> type[FakeLLM]:
    """Have `import vllm` find this, with `vlm` as every model."""
    package, lora, request = (ModuleType(name) for name in ("vllm", "vllm.lora", "vllm.lora.request"))
    llm = type("LLM", (FakeLLM,), {"vlm": vlm})
    package.__dict__.update(LLM=llm, SamplingParams=SamplingParams, __version__="0.33.0", __path__=[])
    request.__dict__.update(LoRARequest=LoRARequest)
    for module in (package, lora, request):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return llm
