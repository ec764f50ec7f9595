"""Vgid: what its teacher is shown and asked, and what is remembered of it."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.tiny import picture, tiny_vlm
from unsee.data.images import image_key
from unsee.data.sample import Sample
from unsee.data.views import noised
from unsee.errors import UserError
from unsee.methods import get_method
from unsee.methods.vgid import VgidConfig, VgidLoss
from unsee.models.collation import encode_samples
from unsee.requests import Example, ForgetRequest
from unsee.training.objective import answers
from unsee.training.reference import TrainingSet

REQUEST = ForgetRequest(
    "Mara Voss",
    (picture(1),),
    forget=(Example("Who is this?", "This is Mara Voss."), Example("What is her job?", "She is a baker.")),
    retain=(Example("Who is this?", "This is Jonas Hale.", picture(4)), Example("Where is Rome?", "In Italy.")),
)


def build(**settings: object) -> list[Sample]:
    method = get_method("vgid")
    return method.build([REQUEST], tiny_vlm("llava"), VgidConfig(**settings), 0)  # type: ignore[arg-type]


def test_noise_is_even_and_takes_its_share_of_the_picture() -> None:
    seen = picture(1)
    clean, half, whole = (np.asarray(noised(seen, share, random.Random(0)), float) for share in (1e-9, 0.5, 1.0))
    assert np.array_equal(clean, np.asarray(seen.convert("RGB"), float))
    assert abs(half - (clean + whole) / 2).max() <= 1
    counts, _ = np.histogram(whole, bins=8, range=(0, 256))
    assert counts.min() > 0.9 * whole.size / 8
    assert not np.array_equal(whole, np.asarray(noised(seen, 1.0, random.Random(1)), float))


@pytest.mark.parametrize("context", [False, True])
def test_the_teacher_of_what_is_to_be_forgotten_is_shown_noise_and_asked_to_forget(context: bool) -> None:
    samples = build(context=context)
    forget, retain = ([s for s in samples if s.tags["role"] == role] for role in ("forget", "retain"))
    assert {s.prompt for s in forget} == {"Who is this?", "What is her job?"}
    assert len({image_key(s.counterparts[0]) for s in forget}) == len(forget)
    for sample in forget:
        assert sample.masked == sample.answer
        assert (sample.images, len(sample.counterparts)) == (REQUEST.images, 1)
        asked = f"Pretend that you have never seen Mara Voss and know nothing about Mara Voss. {sample.prompt}"
        assert sample.counterpart_prompt == (asked if context else None)
    assert {s.prompt for s in retain} == {"Who is this?", "Where is Rome?"}
    assert all(s.counterpart is None and s.masked is None for s in retain)


@pytest.mark.parametrize("family", ["llava", "qwen3_vl"])
def test_what_is_remembered_is_what_the_model_says_of_noise_when_told_to_forget(family: str) -> None:
    vlm, samples = tiny_vlm(family), build(context=True)
    training_set = TrainingSet(encode_samples(samples, vlm), VgidLoss(VgidConfig()), vlm)
    training_set.remember_reference(vlm.model, vlm.device, 2)
    for number, sample in enumerate(samples):
        if sample.tags["role"] == "forget":
            prompt, images = sample.counterpart_prompt or "", sample.counterparts
            sample = Sample(prompt, sample.answer, images)
        (row,) = encode_samples([sample], vlm)
        inputs = {name: torch.tensor([ids]) for name, ids in {"input_ids": row.input_ids, **row.extras}.items()}
        with torch.no_grad():
            logits = vlm.model(**inputs, **row.pixels).logits[0]
        said = torch.log_softmax(logits[answers(row, len(row.input_ids))].float(), -1)
        kept = training_set.references[number]
        assert kept is not None
        torch.testing.assert_close(kept.float(), said, rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize("noise", [0.0, 1.1])
def test_a_share_of_noise_that_is_none_is_refused(noise: float) -> None:
    with pytest.raises(UserError, match="noise="):
        replace(VgidConfig(), noise=noise)
