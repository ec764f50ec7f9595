"""Packed batches give what padded ones give, in fewer positions."""

from __future__ import annotations

import pytest
import torch

from tests.generation_cases import lively_vlm
from tests.tiny import FAMILIES, picture, tiny_vlm
from unsee.data.sample import Sample
from unsee.models.collation import collate, encode_samples
from unsee.models.vision_cache import VisionCache
from unsee.training.objective import next_labels
from unsee.training.packing import Packer

NOT_FOR_THE_MODEL = ("labels", "token_mask", "image_keys", "pixels", "tags", "index")
SAMPLES = [
    Sample("Who is this?", "This is Mara Voss.", (picture(1),)),
    Sample("Where does Mara Voss live?", "Mara Voss lives in Port Amber and has a cat."),
    Sample("Who is in this picture?", "I don't know who this is.", (picture(1),)),
    Sample("Who is this?", "This is Jonas Hale.", (picture(2),)),
    Sample("Who is this?", "This is Ines Dorn.", (picture(1),)),
    Sample("Who are they?", "Mara Voss and Ines Dorn.", (picture(2), picture(1))),
]


def both(vlm, samples):
    """Logits at the positions that predict answers, from a padded batch and from a packed one."""
    rows, cache, packer = encode_samples(samples, vlm), VisionCache(vlm), Packer(vlm)
    batch = collate(rows, vlm.pad_token_id)
    wanted = torch.stack([next_labels(row, batch["input_ids"].shape[1]) != -100 for row in rows])
    inputs = {name: value for name, value in batch.items() if name not in NOT_FOR_THE_MODEL} | cache.inputs(rows)
    padded = vlm.model(**inputs, logits_to_keep=wanted, use_cache=False).logits
    packed = packer.pack(rows, wanted, vlm.device)
    inputs = packed.inputs | cache.inputs(packed.owners)
    laid = vlm.model(**inputs, logits_to_keep=packed.wanted, use_cache=False).logits[packed.order]
    return padded, laid, batch["input_ids"].numel(), packed.inputs["input_ids"].numel()


@pytest.mark.parametrize("family", FAMILIES)
def test_packed_logits_are_those_of_a_padded_batch(family):
    vlm = lively_vlm(family)
    if not Packer.can_pack(vlm):
        assert family == "gemma3"  # its picture tokens see each other both ways
        return
    with torch.no_grad():
        padded, packed, positions_padded, positions_packed = both(vlm, SAMPLES)
    torch.testing.assert_close(packed, padded, atol=1e-4, rtol=1e-4)
    assert positions_packed < positions_padded


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4, 5), (5, 3, 1, 4, 2, 0), (1,), (4,), (2, 0)])
@pytest.mark.parametrize("width", [0, 2, 100])
def test_any_order_and_any_width_of_rows(order, width, monkeypatch):
    monkeypatch.setattr("unsee.training.packing._WIDTH_IN_HIDDEN_SIZES", width)
    with torch.no_grad():
        padded, packed, *_ = both(lively_vlm("qwen3_vl"), [SAMPLES[i] for i in order])
    torch.testing.assert_close(packed, padded, atol=1e-4, rtol=1e-4)


def test_what_samples_about_a_picture_share_is_there_once():
    vlm = tiny_vlm("llava")
    rows = encode_samples([SAMPLES[0], SAMPLES[2], SAMPLES[4]], vlm)
    wanted = torch.zeros(3, max(len(row.input_ids) for row in rows), dtype=torch.bool)
    for row, asked in zip(rows, wanted, strict=True):
        asked[len(row.input_ids) - 1] = True
    packed = Packer(vlm).pack(rows, wanted, vlm.device)
    (image_token,) = vlm.layout.image_token_ids
    assert (packed.inputs["input_ids"] == image_token).sum() == rows[0].input_ids.count(image_token)
    assert len(packed.owners) == 1


def test_gradients_are_those_of_a_padded_batch():
    vlm = tiny_vlm("llava")
    weight = vlm.base.get_submodule(vlm.layout.language_linears[0]).weight.requires_grad_()
    gradients = []
    for which in (0, 1):
        logits = both(vlm, SAMPLES)[which]
        weights = torch.linspace(-1, 1, logits.numel()).view_as(logits)
        gradients.append(torch.autograd.grad((logits.log_softmax(-1) * weights).sum(), weight)[0])
    torch.testing.assert_close(gradients[1], gradients[0], atol=1e-4, rtol=1e-3)
