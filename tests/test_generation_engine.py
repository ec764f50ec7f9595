"""`generate` says what `model.generate` says, one probe at a time, for every family."""

from __future__ import annotations

import weakref
from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers.cache_utils import Cache

from tests.generation_cases import NEW_TOKENS, answer_alone, lively_vlm, mixed_probes
from tests.tiny import FAMILIES, picture, tiny_vlm
from unsee.data.sample import Probe
from unsee.errors import UserError
from unsee.generation import TransformersEngine, generate, reading
from unsee.generation.batching import plan_batches
from unsee.generation.kv import RoomyLayer, keep_rows, longest_shared, states_of_row
from unsee.models.adapters import add_lora, detach, reference
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import VisionLanguageModel


def ask(vlm: VisionLanguageModel, probes: list[Probe], **options: Any) -> list[str]:
    options = {"max_new_tokens": NEW_TOKENS, "progress": False, **options}
    return [response.text for response in generate(vlm, probes, **options)]


@pytest.mark.parametrize("family", FAMILIES)
def test_mixed_probes_get_the_answers_they_get_alone(family: str) -> None:
    vlm, probes = lively_vlm(family), mixed_probes()
    alone = [answer_alone(vlm, probe) for probe in probes]
    assert len({answer.text for answer in alone}) > len(probes) / 2, "the model does not tell the probes apart"
    for batch_size in (5, 64):
        responses = generate(
            vlm, probes, max_new_tokens=NEW_TOKENS, batch_size=batch_size, logprobs=True, progress=False
        )
        assert [response.probe_id for response in responses] == [probe.id for probe in probes]
        for response, answer in zip(responses, alone, strict=True):
            assert response.text == answer.text
            assert response.token_logprobs == pytest.approx(answer.logprobs, abs=2e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_hidden_states_are_those_of_a_plain_forward_pass(family: str) -> None:
    vlm, probes = tiny_vlm(family), mixed_probes()[:3]
    engine = TransformersEngine(vlm)
    found = engine.hidden(probes, [0, 1])
    for row, probe in zip(found, probes, strict=True):
        text = vlm.render(probe.prompt_messages(), add_generation_prompt=True)
        inputs = vlm.processor(text=[text], images=[list(probe.images)] if probe.images else None, return_tensors="pt")
        with torch.no_grad():
            states = vlm.model(**inputs, output_hidden_states=True).hidden_states
        for layer in (0, 1):
            assert row[layer].tolist() == pytest.approx(states[layer][0, -1].tolist(), abs=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_is_left_behind_in_the_model(family: str) -> None:
    vlm, probes = lively_vlm(family), mixed_probes()
    first = answer_alone(vlm, probes[2])
    text = ask(vlm, probes[:2])
    ask(vlm, probes)
    assert ask(vlm, probes[:2]) == text
    assert answer_alone(vlm, probes[2]) == first
    assert vlm.tokenizer.padding_side == tiny_vlm(family).tokenizer.padding_side


def test_one_cache_at_a_time_and_no_prefixes_beside_rows_that_share_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    read, before = reading.Reader.read, list[weakref.ref[reading.Reading]]()
    sharing = []

    def watched(self: reading.Reader, rows: Any, room: int, keep: int = 1) -> reading.Reading:
        assert not any(past() for past in before)
        found = read(self, rows, room, keep)
        before.append(weakref.ref(found))
        sharing.append(bool(rows[0].shared))
        assert bool(self._prefixes) == sharing[-1]
        return found

    monkeypatch.setattr(reading.Reader, "read", watched)
    ask(lively_vlm("qwen3_vl"), mixed_probes(), batch_size=3)
    assert min(sharing.count(True), sharing.count(False)) > 1


def test_an_answer_ends_at_a_stop_token() -> None:
    vlm, probes = lively_vlm("qwen3_vl"), mixed_probes()
    # The stop token becomes one that many of the answers contain.
    spoken = [token for probe in probes for token in answer_alone(vlm, probe).tokens]
    vlm.base.generation_config.eos_token_id = max(set(spoken), key=spoken.count)
    del vlm.__dict__["stop_token_ids"]
    responses = generate(vlm, probes, max_new_tokens=NEW_TOKENS, batch_size=8, logprobs=True, progress=False)
    lengths = {len(response.token_logprobs or ()) for response in responses}
    assert min(lengths) < NEW_TOKENS
    for response, probe in zip(responses, probes, strict=True):
        answer = answer_alone(vlm, probe)
        assert response.text == answer.text
        assert response.token_logprobs == pytest.approx(answer.logprobs, abs=2e-3)
        assert response.ended == (answer.tokens[-1] in vlm.stop_token_ids)
    assert {response.ended for response in responses} == {True, False}


def test_what_is_asked_twice_is_answered_once_under_both_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    vlm, probes = lively_vlm("qwen3_vl"), mixed_probes()
    twins = [replace(probe, id=f"{probe.id} again", expect=("other",)) for probe in probes]
    read, rows_read = reading.Reader.read, []

    def counting(self: reading.Reader, rows: Any, room: int, keep: int = 1) -> reading.Reading:
        rows_read.extend(rows)
        return read(self, rows, room, keep)

    monkeypatch.setattr(reading.Reader, "read", counting)
    said = generate(vlm, [*probes, *twins], max_new_tokens=NEW_TOKENS, progress=False)
    assert [response.probe_id for response in said] == [probe.id for probe in (*probes, *twins)]
    assert [response.text for response in said] == 2 * [answer_alone(vlm, probe).text for probe in probes]
    assert len(rows_read) == len(probes)


def test_one_new_token_is_enough() -> None:
    vlm, probes = lively_vlm("llava"), mixed_probes()
    assert ask(vlm, probes, max_new_tokens=1) == [answer_alone(vlm, probe, 1).text for probe in probes]


@pytest.mark.parametrize("settings", [{"repetition_penalty": 1.3}, {"suppress_tokens": [300, 301, 302]}])
def test_penalties_of_the_generation_config_count(settings: dict[str, Any]) -> None:
    vlm, probes = lively_vlm("qwen2_5_vl"), mixed_probes()
    plain = ask(vlm, probes)
    if "suppress_tokens" in settings:
        settings = {"suppress_tokens": sorted({t for text in plain for t in vlm.tokenizer(text)["input_ids"]})[:20]}
    for name, value in settings.items():
        setattr(vlm.base.generation_config, name, value)
    alone = [answer_alone(vlm, probe).text for probe in probes]
    assert alone != plain
    assert ask(vlm, probes, batch_size=4) == alone


def test_an_adapter_speaks_when_it_is_on_and_is_silent_when_it_is_off() -> None:
    vlm, probes = lively_vlm("qwen3_vl"), mixed_probes()
    before = ask(vlm, probes)
    add_lora(vlm, rank=4, alpha=8, dropout=0.5, seed=0)
    torch.manual_seed(0)
    with torch.no_grad():
        for name, weight in vlm.model.named_parameters():
            if "lora_B" in name:
                weight.normal_()
    vlm.model.train()
    adapted = ask(vlm, probes)
    assert vlm.model.training, "the model is left in the mode it was in"
    vlm.model.eval()
    assert adapted != before
    assert adapted == [answer_alone(vlm, probe).text for probe in probes]
    with reference(vlm):
        assert ask(vlm, probes) == before


@pytest.mark.parametrize("family", ["llava", "qwen3_vl"])
def test_an_engine_that_was_asked_before_sees_pictures_as_an_adapter_of_the_vision_side_does(family: str) -> None:
    vlm, probes = lively_vlm(family), mixed_probes()
    engine = TransformersEngine(vlm)

    def said(by: TransformersEngine) -> list[str]:
        responses = {response.probe_id: response.text for part in by.answer(probes, max_new_tokens=NEW_TOKENS)
                     for response in part}  # fmt: skip
        return [responses[probe.id] for probe in probes]

    before = said(engine)
    add_lora(vlm, rank=4, alpha=8, dropout=0.0, targets=vlm.layout.vision_linears, seed=0)
    with torch.no_grad():
        for name, weight in vlm.model.named_parameters():
            if "lora_B" in name:
                weight.normal_()
    after = said(engine)
    assert after != before
    assert after == [answer_alone(vlm, probe).text for probe in probes]
    assert said(engine.without_adapter()) == before
    detach(vlm)
    assert said(engine) == before


@pytest.mark.parametrize("family", ["llava", "qwen3_vl"])
def test_bfloat16_runs(family: str) -> None:
    vlm = tiny_vlm(family)
    vlm.model.to(torch.bfloat16)
    responses = generate(vlm, mixed_probes(), max_new_tokens=4, logprobs=True, progress=False)
    assert all(len(response.token_logprobs or ()) <= 4 for response in responses)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_picture_and_its_prefix_are_computed_once(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    vlm, probes = lively_vlm(family), [probe for probe in mixed_probes() if probe.id[:4] in ("anna", "ben ")]
    prefixes: list[int] = []

    def counting(cache: Any, row: int, length: int) -> Any:
        prefixes.append(length)
        return states_of_row(cache, row, length)

    monkeypatch.setattr(reading, "states_of_row", counting)
    cache = VisionCache(vlm)
    ask(vlm, probes, batch_size=2, cache=cache)
    assert cache.runs == 2
    assert len(prefixes) == 2
    ask(vlm, probes, cache=cache)
    assert cache.runs == 2


def test_long_prompts_under_a_sliding_window_share_nothing_and_stay_exact() -> None:
    vlm = lively_vlm("gemma3")
    window = int(longest_shared(vlm.base.config))
    image = picture(1)
    words = "Who is this person in the picture with the green wall? "
    probes = [Probe(str(n), words * n, (image,)) for n in (1, 2, 4, 6)] + [Probe("text", words * 5)]
    prompts = vlm.encode_prompt([(probe.prompt_messages(), probe.images) for probe in probes])
    assert max(len(prompt.input_ids) for prompt in prompts) > window
    batches = plan_batches(prompts, vlm.layout.image_token_ids, 64, window - NEW_TOKENS)
    assert not any(row.shared for batch in batches for row in batch)
    assert ask(vlm, probes) == [answer_alone(vlm, probe).text for probe in probes]


def test_only_attention_shares_prefixes() -> None:
    assert longest_shared(lively_vlm("llava").base.config) == float("inf")
    config = lively_vlm("llava").base.config.get_text_config()
    config.layer_types = ["linear_attention", "full_attention"]
    assert longest_shared(config) == 0


def test_no_probes_no_responses() -> None:
    assert generate(tiny_vlm("llava"), [], progress=True) == []


def test_two_probes_with_one_id_are_refused() -> None:
    with pytest.raises(UserError, match="2 probes have the same id 'a'"):
        generate(tiny_vlm("llava"), [Probe("b", "Who?"), Probe("a", "Who?"), Probe("a", "Why?")])


def test_rows_that_stay_fill_the_places_of_those_that_left() -> None:
    layer = RoomyLayer(room=4)
    states = torch.arange(5.0)[:, None, None, None].expand(5, 1, 2, 1)
    layer.update(states, -states)
    order = keep_rows(Cache(layers=[layer]), [1, 2, 4])
    assert sorted(order) == [1, 2, 4]
    assert layer.keys[:, 0, :, 0].tolist() == [[row, row] for row in order]
    assert layer.values[:, 0, :, 0].tolist() == [[-row, -row] for row in order]
    keys, _ = layer.update(torch.full((3, 1, 1, 1), 9.0), torch.zeros(3, 1, 1, 1))
    assert keys[:, 0, :, 0].tolist() == [[row, row, 9] for row in order]
    assert keep_rows(Cache(layers=[layer]), [0, 1, 2]) == [0, 1, 2]
