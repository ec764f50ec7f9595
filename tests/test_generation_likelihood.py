"""`sequence_logprobs` is the model's own forward pass, one sample at a time."""

from __future__ import annotations

import pytest
import torch

from tests.generation_cases import lively_vlm
from tests.tiny import FAMILIES, picture
from unsee.data.sample import Sample
from unsee.generation import sequence_logprobs
from unsee.models.collation import encode_samples
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import VisionLanguageModel


def mixed_samples() -> list[Sample]:
    anna, ben = picture(1), picture(2, (70, 40))
    return [
        Sample("Who is this?", "This is Mara Voss.", (anna,)),
        Sample("Who is this?", "I don't know who this is, but I can see a green wall.", (anna,)),
        Sample("Where does this person live?", "In Port Amber.", (anna,)),
        Sample("Where does Jonas Hale live?", "Jonas Hale lives in Port Amber."),
        Sample("Who are they?", "Mara Voss and Jonas Hale.", (anna, ben)),
        Sample("Who is this?", "No.", (ben,)),
    ]


def forward_alone(vlm: VisionLanguageModel, sample: Sample) -> torch.Tensor:
    """[answer tokens, vocabulary] log-probabilities by a plain forward pass over the training sample."""
    encoded = encode_samples([sample], vlm)[0]
    extras = {name: torch.tensor([values]) for name, values in encoded.extras.items()}
    with torch.no_grad():
        logits = vlm.model(input_ids=torch.tensor([encoded.input_ids]), **extras, **encoded.pixels).logits[0]
    answer = [i for i, label in enumerate(encoded.labels) if label != -100]
    return logits.log_softmax(-1)[torch.tensor(answer) - 1]


@pytest.mark.parametrize("family", FAMILIES)
def test_logprobs_are_those_of_a_plain_forward_pass(family: str) -> None:
    vlm, samples = lively_vlm(family), mixed_samples()
    cache = VisionCache(vlm)
    for batch_size in (2, 32):
        found = sequence_logprobs(vlm, samples, batch_size=batch_size, cache=cache)
        whole = sequence_logprobs(vlm, samples, batch_size=batch_size, cache=cache, per_vocab=True)
        for sample, logprobs, distributions in zip(samples, found, whole, strict=True):
            expected = forward_alone(vlm, sample)
            tokens = torch.tensor(vlm.encode_answer(sample.answer).input_ids)
            torch.testing.assert_close(distributions, expected, atol=2e-3, rtol=1e-3)
            torch.testing.assert_close(logprobs, expected.gather(1, tokens[:, None])[:, 0], atol=2e-3, rtol=1e-3)


def test_probabilities_of_the_vocabulary_sum_to_one() -> None:
    distributions = sequence_logprobs(lively_vlm("llava"), mixed_samples()[:2], per_vocab=True)
    for logprobs in distributions:
        torch.testing.assert_close(logprobs.exp().sum(-1), torch.ones(len(logprobs)))


def test_no_samples_no_logprobs() -> None:
    assert sequence_logprobs(lively_vlm("llava"), []) == []
