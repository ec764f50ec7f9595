"""An adapter in the weights: the same logits, and the model afterwards as it was, bit for bit."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model

from tests.generation_cases import NEW_TOKENS, lively_vlm, mixed_probes
from unsee.generation import TransformersEngine, generate
from unsee.models import merged as merging
from unsee.models.adapters import add_lora, reference
from unsee.models.merged import merged
from unsee.models.vlm import VisionLanguageModel


def adapted(family: str, **options: Any) -> VisionLanguageModel:
    vlm = lively_vlm(family)
    add_lora(vlm, **{"rank": 4, "alpha": 8, "dropout": 0.0, "seed": 0, **options})
    torch.manual_seed(0)
    with torch.no_grad():
        for name, weight in vlm.model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.1)
    return vlm.model.eval() and vlm


def logits(vlm: VisionLanguageModel) -> torch.Tensor:
    with torch.no_grad():
        return vlm.base(input_ids=torch.arange(3, 9)[None]).logits


def changed(vlm: VisionLanguageModel) -> int:
    return len(merging.mergeable(vlm))


@pytest.mark.parametrize("family", ["llava", "qwen3_vl", "gemma3"])
def test_the_weights_are_the_very_same_afterwards(family: str) -> None:
    vlm = adapted(family)
    before = {name: (weight, weight.clone()) for name, weight in vlm.model.named_parameters()}
    flags = {name: weight.requires_grad for name, weight in vlm.model.named_parameters()}
    assert changed(vlm) > 0
    plain = logits(vlm)
    with merged(vlm):
        assert changed(vlm) == 0, "all are merged"
        within = logits(vlm)
    assert torch.allclose(within, plain, atol=1e-4 * float(plain.abs().max()))
    with pytest.raises(KeyError), merged(vlm):
        raise KeyError
    for name, weight in vlm.model.named_parameters():
        assert weight is before[name][0]
        assert torch.equal(weight, before[name][1])
        assert weight.requires_grad == flags[name]
    assert torch.equal(logits(vlm), plain)


def test_a_tied_weight_stays_as_it_is_where_the_other_place_is_adapted() -> None:
    vlm = adapted("qwen3_vl", targets=["gate_proj"])
    first, second = (cast(Any, layer).mlp for layer in vlm.decoder_layers[:2])
    second.up_proj.weight = first.gate_proj.get_base_layer().weight
    kept = second.up_proj.weight.clone()
    with merged(vlm):
        assert not torch.equal(first.gate_proj.get_base_layer().weight, kept)
        assert torch.equal(second.up_proj.weight, kept)
    assert second.up_proj.weight is first.gate_proj.get_base_layer().weight


def test_answers_are_those_of_the_adapter_next_to_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    vlm, probes = adapted("qwen3_vl"), mixed_probes()
    options: dict[str, Any] = {"max_new_tokens": NEW_TOKENS, "progress": False, "logprobs": True}
    together = generate(vlm, probes, **options)
    monkeypatch.setattr(merging, "MOST_BYTES", 0)
    apart = generate(vlm, probes, **options)
    assert [response.token_ids for response in together] == [response.token_ids for response in apart]
    with reference(vlm):
        assert [response.token_ids for response in generate(vlm, probes, **options)] != [r.token_ids for r in apart]


def test_an_engine_left_in_the_middle_leaves_no_trace() -> None:
    vlm = adapted("llava")
    plain, weights = logits(vlm), [*vlm.model.parameters()]
    answers = TransformersEngine(vlm, batch_size=2).answer(mixed_probes(), max_new_tokens=2)
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert all(a is b for a, b in zip(vlm.model.parameters(), weights, strict=True))
    assert torch.equal(logits(vlm), plain)


@pytest.mark.parametrize("options", [{"use_dora": True}, {"lora_bias": True}, {"dtype": torch.bfloat16}])
def test_what_is_more_than_a_product_in_float32_is_left_alone(options: dict[str, Any]) -> None:
    vlm = lively_vlm("llava")
    dtype = options.pop("dtype", None)
    if dtype:
        vlm.model.to(dtype)
    config = LoraConfig(r=2, target_modules=["down_proj", "lm_head"], **options)
    vlm.model = cast(PeftModel, get_peft_model(vlm.base, config))
    assert changed(vlm) == 0
