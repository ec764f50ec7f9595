"""Models and probes for the tests of generation, and the plain way to answer a probe that the engine must match."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import torch

from tests.tiny import picture, tiny_vlm
from unsee.data.sample import Probe
from unsee.models.vlm import VisionLanguageModel

NEW_TOKENS = 10


class Alone(NamedTuple):
    """An answer, its tokens and their log-probabilities."""

    text: str
    tokens: list[int]
    logprobs: list[float]


def lively_vlm(family: str) -> VisionLanguageModel:
    """A tiny model whose answers depend on all that it reads: fresh weights are so small that they hardly do."""
    vlm = tiny_vlm(family)
    vlm.base.config.get_text_config(decoder=True).use_cache = True
    with torch.no_grad():
        for path, weight in vlm.base.named_parameters():
            if weight.ndim > 1 and "embed" not in path:
                weight.mul_(7)
    return vlm


def mixed_probes() -> list[Probe]:
    """Several questions about two pictures, one about a third, none, two at once; lengths and order differ."""
    anna, ben, clea = picture(1), picture(2, (70, 40)), picture(3)
    questions = ("Who is this?", "What is the name of this person in the picture, please?", "Describe the picture.")
    probes = [Probe("clea", "Is this Mara Voss?", (clea,)), Probe("text", "Where does Mara Voss live?")]
    probes += [Probe(f"anna {i}", text, (anna,)) for i, text in enumerate(questions)]
    probes += [Probe("pair 1", "Who are they?", (anna, clea)), Probe("pair 2", "Who is on the left?", (anna, clea))]
    probes += [Probe(f"ben {i}", text, (ben,)) for i, text in enumerate(questions)]
    return [*probes, Probe("short text", "Who?"), Probe("swapped", "Who are they?", (clea, anna))]


def answer_alone(vlm: VisionLanguageModel, probe: Probe, max_new_tokens: int = NEW_TOKENS) -> Alone:
    """What `model.generate` says to this probe alone."""
    prompt = vlm.encode_prompt([(probe.prompt_messages(), probe.images)])[0]
    ids = torch.tensor([prompt.input_ids], device=vlm.device)
    inputs: dict[str, Any] = {name: torch.tensor([values]) for name, values in prompt.extras.items()}
    output = cast(Any, vlm.base).generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        **inputs,
        **prompt.pixels,
        max_new_tokens=max_new_tokens,
        do_sample=False,
        eos_token_id=sorted(vlm.stop_token_ids),
        pad_token_id=vlm.pad_token_id,
        output_logits=True,
        return_dict_in_generate=True,
    )
    tokens = output.sequences[0, ids.shape[1] :]
    scores = torch.cat(output.logits).float().log_softmax(-1)
    logprobs = scores.gather(1, tokens[:, None])[:, 0].tolist()
    return Alone(vlm.tokenizer.decode(tokens, skip_special_tokens=True).strip(), tokens.tolist(), logprobs)
