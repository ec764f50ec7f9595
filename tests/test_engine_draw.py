"""Drawn answers: the model's own distribution, the same for a seed, whatever else is drawn."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import torch
from scipy.stats import chisquare

from tests.engines import told
from tests.generation_cases import lively_vlm, mixed_probes
from tests.tiny import picture
from unsee.data.sample import Probe, Response, Sample
from unsee.errors import UserError
from unsee.generation import TransformersEngine, sequence_logprobs
from unsee.generation.decoding import Drawing
from unsee.models.vlm import VisionLanguageModel


@pytest.fixture(scope="module")
def vlm() -> VisionLanguageModel:
    return lively_vlm("qwen3_vl")


def drawn(
    vlm: VisionLanguageModel,
    probes: list[Probe],
    count: int,
    *,
    temperature: float = 1.0,
    seed: int = 0,
    max_new_tokens: int = 6,
    batch_size: int = 64,
) -> dict[str, list[Response]]:
    engine = TransformersEngine(vlm, batch_size=batch_size)
    return engine.draw(probes, count=count, temperature=temperature, seed=seed, max_new_tokens=max_new_tokens)


def tokens(responses: list[Response]) -> list[tuple[int, ...]]:
    return [response.token_ids or () for response in responses]


@pytest.mark.parametrize("temperature", [0.7, 1.0, 2.0])
def test_first_tokens_are_as_frequent_as_the_model_says(vlm: VisionLanguageModel, temperature: float) -> None:
    probe, count = Probe("one", "Who is this?", (picture(1),)), 4000
    # The first row of log-probabilities is about the first token, whatever the answer is.
    (logprobs,) = sequence_logprobs(vlm, [Sample(probe.prompt, "Mara", probe.images)], per_vocab=True)
    expected = (logprobs[0].double() / temperature).softmax(-1)
    said = Counter(
        own[0] for own in tokens(drawn(vlm, [probe], count, temperature=temperature, max_new_tokens=1)["one"])
    )
    frequent = [token for token, p in enumerate(expected.tolist()) if p * count >= 10]
    assert len(frequent) >= 5
    assert said[int(expected.argmax())] < count
    seen = [said[token] for token in frequent]
    wanted = [float(expected[token]) * count for token in frequent]
    # What is rare is taken together.
    assert chisquare([*seen, count - sum(seen)], [*wanted, count - sum(wanted)]).pvalue > 0.001


def test_the_numbers_of_a_row_choose_each_token_as_often_as_it_is_probable() -> None:
    scores = torch.tensor([0.5, 0.25, 0.0, 0.25]).log()
    places = (torch.arange(8)[:, None] + 0.5) / 8  # once within every eighth of the distribution
    chosen = Drawing(1.0, places.double()).choose(scores.expand(8, -1), range(8), 0)
    assert chosen.tolist() == [0, 0, 0, 0, 1, 1, 3, 3]
    # At ½ the probabilities are squared: 4 : 1 : 1.
    chosen = Drawing(0.5, torch.tensor([[0.66], [0.67], [0.83], [0.84]]).double()).choose(
        scores.expand(4, -1), range(4), 0
    )
    assert chosen.tolist() == [0, 1, 1, 3]


def test_rows_that_are_left_keep_their_own_numbers() -> None:
    numbers = torch.tensor([[0.1, 0.9], [0.9, 0.1], [0.1, 0.1]]).double()
    scores = torch.zeros(2, 2)
    assert Drawing(1.0, numbers).choose(scores, [0, 2], 1).tolist() == [1, 0]


def test_batches_and_other_probes_change_no_answer(vlm: VisionLanguageModel) -> None:
    probes = mixed_probes()
    together = drawn(vlm, probes, 4)
    assert list(together) == [probe.id for probe in probes]
    for number in (0, 1, 2, 5):
        alone = drawn(vlm, [probes[number]], 4, batch_size=3)
        assert tokens(alone[probes[number].id]) == tokens(together[probes[number].id])
    fewer = drawn(vlm, list(reversed(probes)), 2, batch_size=5)
    assert {key: tokens(own) for key, own in fewer.items()} == {key: tokens(own[:2]) for key, own in together.items()}
    assert all(response.probe_id == key for key, own in together.items() for response in own)


def test_answers_differ_by_number_seed_and_probe(vlm: VisionLanguageModel) -> None:
    probe = Probe("one", "Who is this?", (picture(1),))
    first = tokens(drawn(vlm, [probe], 8)["one"])
    assert len(set(first)) > 4
    assert tokens(drawn(vlm, [probe], 8)["one"]) == first
    assert tokens(drawn(vlm, [probe], 8, seed=1)["one"]) != first
    assert tokens(drawn(vlm, [replace(probe, id="two")], 8)["two"]) != first


def test_a_low_temperature_gives_the_likeliest_answer(vlm: VisionLanguageModel) -> None:
    probes = mixed_probes()
    engine = TransformersEngine(vlm)
    greedy = {r.probe_id: r for batch in engine.answer(probes, max_new_tokens=6) for r in batch}
    for key, responses in drawn(vlm, probes, 2, temperature=1e-6).items():
        assert tokens(responses) == 2 * [greedy[key].token_ids]
        # Log-probabilities are the model's own, whatever the temperature.
        assert responses[0].token_logprobs == pytest.approx(greedy[key].token_logprobs, abs=2e-3)


def test_banned_tokens_are_not_drawn(vlm: VisionLanguageModel) -> None:
    probe, config = Probe("one", "Who is this?", (picture(1),)), vlm.base.generation_config
    ever = {own[0] for own in tokens(drawn(vlm, [probe], 64, temperature=2, max_new_tokens=1)["one"])}
    config.suppress_tokens = sorted(ever)
    try:
        other = {own[0] for own in tokens(drawn(vlm, [probe], 64, temperature=2, max_new_tokens=1)["one"])}
    finally:
        config.suppress_tokens = None
    assert other
    assert not other & ever


def test_what_cannot_be_drawn_is_refused(vlm: VisionLanguageModel) -> None:
    probe = Probe("one", "Who is this?")
    for count, temperature in ((0, 1.0), (1, 0.0)):
        with pytest.raises(ValueError, match="cannot draw"):
            drawn(vlm, [probe], count, temperature=temperature)
    with pytest.raises(UserError, match="same id 'one'"):
        drawn(vlm, [probe, probe], 1)
    saved = told(lambda probe: "This is Mara Voss.")
    assert not saved.draws
    with pytest.raises(UserError, match="likeliest answer"):
        saved.draw([probe], count=2, temperature=1, seed=0, max_new_tokens=4)
