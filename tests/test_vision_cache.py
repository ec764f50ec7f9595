"""The vision tower runs once per distinct picture, and the model cannot tell."""

from __future__ import annotations

import pytest
import torch

from tests.generation_cases import lively_vlm
from tests.tiny import FAMILIES, picture, tiny_vlm
from unsee.data.sample import user_turn
from unsee.models.adapters import add_lora, detach, reference
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import EncodedPrompt, VisionLanguageModel


def encoded(vlm: VisionLanguageModel, *pictures: int) -> EncodedPrompt:
    images = tuple(picture(index, (56, 40 + 8 * index)) for index in pictures)
    return vlm.encode_prompt([([user_turn("Who is this?", len(images))], images)])[0]


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_with_cached_features_are_those_with_pixels(family: str) -> None:
    vlm = lively_vlm(family)
    cache = VisionCache(vlm)
    for prompt in (encoded(vlm, 1), encoded(vlm, 2), encoded(vlm, 1, 2), encoded(vlm, 2, 1), encoded(vlm)):
        inputs = {name: torch.tensor([values]) for name, values in prompt.extras.items()}
        inputs["input_ids"] = torch.tensor([prompt.input_ids])
        with torch.no_grad():
            expected = vlm.model(**inputs, **prompt.pixels).logits
            for _ in range(2):
                found = vlm.model(**inputs, **cache.inputs([prompt])).logits
                torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_tower_runs_once_per_distinct_picture(family: str) -> None:
    vlm = tiny_vlm(family)
    cache = VisionCache(vlm)
    rows = [encoded(vlm, 1), encoded(vlm, 2), encoded(vlm, 1), encoded(vlm)]
    first = cache.inputs(rows)
    assert cache.runs == 2
    again = cache.inputs(rows)
    assert cache.runs == 2
    for one, other in zip(features(first), features(again), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("family", FAMILIES)
def test_pixels_are_given_back_where_all_features_are_kept(family: str) -> None:
    vlm = tiny_vlm(family)
    rows = [encoded(vlm, 1), encoded(vlm, 2), encoded(vlm)]
    cache, small = VisionCache(vlm), VisionCache(vlm, max_bytes=1)
    first = features(cache.inputs(rows))
    small.inputs(rows)
    small.release(rows)
    assert rows[0].pixels["pixel_values"].device.type == "cpu"
    cache.release(rows)
    assert rows[0].pixels["pixel_values"].device.type == "meta"
    for one, other in zip(first, features(cache.inputs(rows[::-1]))[::-1], strict=True):
        assert torch.equal(one, other)


def features(inputs: dict) -> list[torch.Tensor]:
    pooled = inputs["mm_encoder_outputs"]["image"].pooler_output
    return list(pooled)


def test_pictures_of_a_pair_are_those_seen_alone() -> None:
    vlm = tiny_vlm("qwen3_vl")
    cache = VisionCache(vlm)
    cache.inputs([encoded(vlm, 1), encoded(vlm, 2)])
    cache.inputs([encoded(vlm, 2, 1)])
    assert cache.runs == 2


def test_rows_without_pictures_need_nothing() -> None:
    vlm = tiny_vlm("llava")
    assert VisionCache(vlm).inputs([encoded(vlm)]) == {}


def test_memory_is_bounded_and_the_least_recently_used_goes_first() -> None:
    vlm = tiny_vlm("llava")
    size = VisionCache(vlm).inputs([encoded(vlm, 1)])["mm_encoder_outputs"]["image"].pooler_output[0].nbytes
    cache = VisionCache(vlm, max_bytes=2 * size)
    for index in (1, 2, 1, 3):
        cache.inputs([encoded(vlm, index)])
    assert cache.runs == 3
    cache.inputs([encoded(vlm, 1)])
    assert cache.runs == 3
    cache.inputs([encoded(vlm, 2)])
    assert cache.runs == 4
    assert len(features(cache.inputs([encoded(vlm, index) for index in range(5)]))) == 5


def test_features_made_in_inference_mode_can_be_trained_on() -> None:
    vlm = tiny_vlm("qwen3_vl")
    cache = VisionCache(vlm)
    prompt = encoded(vlm, 1)
    with torch.inference_mode():
        cache.inputs([prompt])
    weight = vlm.decoder_layers[0].get_submodule(vlm.layout.mlp_down).weight
    weight.requires_grad_(True)
    types = torch.tensor([prompt.extras["mm_token_type_ids"]])
    logits = vlm.model(
        input_ids=torch.tensor([prompt.input_ids]), mm_token_type_ids=types, **cache.inputs([prompt])
    ).logits
    logits.sum().backward()
    assert cache.runs == 1
    assert weight.grad is not None


def test_features_of_a_tower_that_learns_are_not_kept() -> None:
    vlm = tiny_vlm("llava")
    cache = VisionCache(vlm)
    vlm.base.get_submodule(vlm.layout.projector).requires_grad_(True)
    for _ in range(2):
        cache.inputs([encoded(vlm, 1)])
    assert cache.runs == 2


@pytest.mark.parametrize("family", FAMILIES)
def test_features_are_those_of_the_adapter_as_it_is_now(family: str) -> None:
    vlm = lively_vlm(family)
    with torch.no_grad():
        for weight in vlm.base.get_submodule(vlm.layout.projector).parameters():
            # Gemma 3's projection starts at 0, and with it every feature.
            if not weight.any():
                weight.normal_()
    rows = [encoded(vlm, 1), encoded(vlm, 2)]
    cache = VisionCache(vlm)

    def kept() -> list[torch.Tensor]:
        with torch.no_grad():
            return features(cache.inputs(rows))

    def afresh() -> list[torch.Tensor]:
        with torch.no_grad():
            return features(VisionCache(vlm).inputs(rows))

    def alike(some: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
        return all(torch.equal(one, other) for one, other in zip(some, others, strict=True))

    without = kept()
    for seed in (1, 2):
        # The second adapter comes after the first has gone, perhaps to the same place in memory.
        add_lora(vlm, rank=2, alpha=4, dropout=0.0, targets=vlm.layout.vision_linears, seed=seed)
        assert alike(kept(), without)
        torch.manual_seed(seed)
        with torch.no_grad():
            for name, weight in vlm.model.named_parameters():
                if "lora_B" in name:
                    weight.normal_()
        found = kept()
        assert not alike(found, without)
        assert alike(found, afresh())
        runs = cache.runs
        with reference(vlm):
            assert alike(kept(), without)
        assert alike(kept(), found)
        assert cache.runs == runs
        detach(vlm)
        assert alike(kept(), without)


def test_features_carry_gradients_to_a_tower_that_learns() -> None:
    vlm = lively_vlm("qwen3_vl")
    add_lora(vlm, rank=2, alpha=4, dropout=0.0, targets=vlm.layout.vision_linears, seed=0)
    cache = VisionCache(vlm)
    assert cache.learns()
    for _ in range(2):
        sum(part.sum() for part in features(cache.inputs([encoded(vlm, 1)]))).backward()  # type: ignore[union-attr]
    assert cache.runs == 2
    gradients = [w.grad for name, w in vlm.model.named_parameters() if "lora_B" in name and "deepstack" not in name]
    assert any(gradient is not None and bool(gradient.abs().sum() > 0) for gradient in gradients)
