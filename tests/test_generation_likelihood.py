"""`sequence_logprobs` is the model's own forward pass, one sample at a time."""

from __future__ import annotations

import pytest
import torch

from tests.generation_cases import lively_vlm
from tests.tiny import FAMILIES, picture
from unsee.data.sample import Probe, Sample
from unsee.errors import UserError
from unsee.generation import CannedEngine, TransformersEngine, sequence_logprobs
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


@pytest.mark.parametrize("family", FAMILIES)
def test_prompts_and_layers_are_read_as_in_a_plain_forward_pass(family: str) -> None:
    """`read_prompts`, `hidden` behind the words an answer begins with, and `unembed` of the last layers."""
    vlm = lively_vlm(family)
    engine, last = TransformersEngine(vlm), len(vlm.decoder_layers)
    probes = [
        Probe("picture", "Who is this?", (picture(1),), begun="This is"),
        Probe("text", "Where does Jonas Hale live?"),
    ]
    states = engine.hidden(probes, [last - 1, last])
    # The last layer's own output is what its norm sees.
    before_norm: list[torch.Tensor] = []
    hook = vlm.decoder_layers[-1].register_forward_hook(
        lambda module, inputs, output: before_norm.append(output if isinstance(output, torch.Tensor) else output[0])
    )
    for probe, read, own in zip(probes, engine.read_prompts(probes), states, strict=True):
        (prompt,) = vlm.encode_prompt([(probe.prompt_messages(), probe.images)])
        turn = vlm.encode_answer(probe.begun)
        begun = [
            token for token, place in zip(turn.input_ids, turn.offsets, strict=True) if place[0] < len(probe.begun)
        ]
        assert vlm.tokenizer.decode(begun).strip() == probe.begun
        whole = prompt.followed_by(begun)
        extras = {name: torch.tensor([values]) for name, values in whole.extras.items()}
        before_norm.clear()
        with torch.no_grad():
            logits = vlm.model(input_ids=torch.tensor([whole.input_ids]), **extras, **whole.pixels).logits[0]
        ids, end = torch.tensor(prompt.input_ids), len(prompt.input_ids)
        expected = logits.log_softmax(-1)[range(end - 1), ids[1:]]
        assert list(read) == pytest.approx(expected[end - 1 - len(read) :].tolist(), abs=2e-3)
        if probe.images:
            after = prompt.input_ids[-len(read) - 1 :]
            assert probe.prompt in vlm.tokenizer.decode(after)
            assert not vlm.layout.image_token_ids & set(after)
        else:
            assert len(read) == end - 1
        torch.testing.assert_close(engine.unembed(own[1], normalised=True), logits[-1], atol=2e-3, rtol=1e-3)
        torch.testing.assert_close(engine.unembed(before_norm[0][0, -1]), logits[-1], atol=2e-3, rtol=1e-3)
    hook.remove()
    samples = mixed_samples()[:2]
    for found, sample in zip(engine.distributions(samples), samples, strict=True):
        torch.testing.assert_close(found, forward_alone(vlm, sample), atol=2e-3, rtol=1e-3)


def test_other_engines_do_not_look_inside() -> None:
    engine = CannedEngine({})
    probe, sample = Probe("one", "Who is this?"), Sample("Who is this?", "Mara Voss")
    for look in (
        lambda: engine.hidden([probe], [0]),
        lambda: engine.unembed(torch.zeros(1, 2)),
        lambda: engine.distributions([sample]),
        lambda: engine.read_prompts([probe]),
    ):
        with pytest.raises(UserError, match=r"does not show .* use a model that unsee loads itself"):
            look()


def test_probabilities_of_the_vocabulary_sum_to_one() -> None:
    distributions = sequence_logprobs(lively_vlm("llava"), mixed_samples()[:2], per_vocab=True)
    for logprobs in distributions:
        torch.testing.assert_close(logprobs.exp().sum(-1), torch.ones(len(logprobs)))


def test_no_samples_no_logprobs() -> None:
    assert sequence_logprobs(lively_vlm("llava"), []) == []
