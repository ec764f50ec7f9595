"""Vision inputs as a differentiable function of pixels: the same that the image processor makes."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from tests.tiny import picture, tiny_vlm
from unsee.models.pixel_map import pixel_map, pixels_of
from unsee.models.vlm import VisionLanguageModel

MESSAGES = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "?"}]}]


def inputs(vlm: VisionLanguageModel, shown: Image.Image) -> dict[str, torch.Tensor]:
    (prompt,) = vlm.encode_prompt([(MESSAGES, (shown,))])
    return prompt.pixels


@pytest.mark.parametrize("family", ["llava", "llava_onevision", "qwen2_vl", "qwen3_vl", "gemma3", "internvl"])
@pytest.mark.parametrize("size", [(56, 56), (131, 70)])
def test_the_map_gives_what_the_processor_gives(family: str, size: tuple[int, int]) -> None:
    vlm = tiny_vlm(family)
    found = pixel_map(vlm, picture(1, size))
    assert found is not None
    shown = found.fitted(picture(5, size))
    assert shown.size == found.size
    torch.testing.assert_close(found(pixels_of(shown))["pixel_values"], inputs(vlm, shown)["pixel_values"])


def test_the_map_normalises_and_orders_as_clip_does() -> None:
    vlm = tiny_vlm("llava")
    found = pixel_map(vlm, picture(1))
    assert found is not None
    images = vlm.processor.image_processor
    pixels = pixels_of(found.fitted(picture(2)))
    by_hand = ((pixels - torch.tensor(images.image_mean)) / torch.tensor(images.image_std)).permute(2, 0, 1)[None]
    torch.testing.assert_close(found(pixels)["pixel_values"], by_hand)


def test_a_gradient_reaches_every_pixel_as_often_as_the_model_sees_it() -> None:
    vlm = tiny_vlm("qwen3_vl")
    found = pixel_map(vlm, picture(1))
    assert found is not None
    pixels = pixels_of(found.fitted(picture(2))).requires_grad_()
    found(pixels)["pixel_values"].sum().backward()
    # Qwen shows a picture as two equal frames.
    std = torch.tensor(vlm.processor.image_processor.image_std)
    assert pixels.grad is not None
    torch.testing.assert_close(pixels.grad, (2 / std).expand_as(pixels))


def test_there_is_no_map_where_the_processor_always_resizes() -> None:
    assert pixel_map(tiny_vlm("idefics3"), picture(1)) is None
