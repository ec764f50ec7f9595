"""Stage 1 of ASRU on models: what is read, which way is steered, and what changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.asru_cases import FAMILIES, samples
from tests.tiny import FAMILIES as EVERY_FAMILY
from tests.tiny import picture, tiny_vlm
from tests.unlearning_cases import weights
from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.methods.asru import boundary
from unsee.methods.asru.boundary import boundary_prompts, lost_prompts
from unsee.methods.asru.config import STRENGTHS, ASRUConfig
from unsee.methods.asru.direction import separation
from unsee.methods.asru.passage import find_passage
from unsee.methods.asru.prompts import Prompts
from unsee.methods.asru.states import States, read_states
from unsee.methods.asru.steering import Steering, steer
from unsee.models.deltas import apply_delta, remove_delta
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import VisionLanguageModel

LAYER = 1


@contextmanager
def plain_hooks(vlm: VisionLanguageModel, layer: int) -> Iterator[dict[str, Tensor]]:
    """What a layer's down-projection reads and what the layer puts out, [T, ...] of the last pass of one row."""
    seen: dict[str, Tensor] = {}
    module = vlm.decoder_layers[layer]

    def after(_: Any, __: Any, output: Any) -> None:
        seen["residual"] = (output if isinstance(output, Tensor) else output[0])[0]

    handles = [
        module.get_submodule(vlm.layout.mlp_down).register_forward_pre_hook(
            lambda _, arguments: seen.__setitem__("inputs", arguments[0][0])
        ),
        module.register_forward_hook(after),
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def one_by_one(vlm: VisionLanguageModel, sample: Sample, layer: int, answer: bool) -> tuple[Tensor, Tensor, Tensor]:
    """(inputs [I], residual [H], inputs at answer tokens [P, I]) of a sample that passes alone, without padding."""
    (prompt,) = vlm.encode_prompt([(sample.prompt_messages(), sample.images)])
    said = vlm.encode_answer(sample.answer).input_ids[:-1] if answer else []
    ids = [*prompt.input_ids, *said]
    extras = {name: torch.tensor([[*values, *[0] * len(said)]]) for name, values in prompt.extras.items()}
    with plain_hooks(vlm, layer) as seen:
        vlm.model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long),
                  **extras, **prompt.pixels)  # fmt: skip
    last = len(prompt.input_ids) - 1
    return seen["inputs"][last], seen["residual"][last], seen["inputs"][last + 1 :]


def all_states(vlm: VisionLanguageModel, asked: list[Sample], layer: int, **options: Any) -> dict[int, States]:
    """One entry of a single row per sample, where answers are not read."""
    found = {}
    for numbers, states in read_states(vlm, asked, [layer], batch_size=3, **options):
        for row, number in enumerate(numbers):
            at = states[layer]
            found[number] = States(at.inputs[row], at.residual[row], at.answering)
    return found


@pytest.mark.parametrize("family", ["llava", "qwen3_vl", "gemma3", "idefics3"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_states_are_those_of_the_last_prompt_token_whatever_the_padding_side(family: str, side: str) -> None:
    vlm = tiny_vlm(family)
    vlm.tokenizer.padding_side = side
    asked = [*samples()[4:9], Sample("A question of quite another length, with no picture?", "Yes.")]
    for number, at in all_states(vlm, asked, LAYER).items():
        inputs, residual, _ = one_by_one(vlm, asked[number], LAYER, answer=False)
        torch.testing.assert_close(at.inputs, inputs, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(at.residual, residual, rtol=1e-4, atol=1e-5)
        assert at.answering.shape == (0, inputs.shape[0])


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_are_read_token_by_token_and_move_no_prompt(family: str) -> None:
    vlm = tiny_vlm(family)
    asked = samples()[4:9]
    for numbers, states in read_states(vlm, asked, [LAYER], answers=True, batch_size=3):
        alone = [one_by_one(vlm, asked[number], LAYER, answer=True) for number in numbers]
        torch.testing.assert_close(states[LAYER].inputs, torch.stack([a[0] for a in alone]), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(states[LAYER].residual, torch.stack([a[1] for a in alone]), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(states[LAYER].answering, torch.cat([a[2] for a in alone]), rtol=1e-4, atol=1e-5)
        assert len(states[LAYER].answering) > len(numbers)


def test_separation_counts_pairs_in_order_and_spreads() -> None:
    v = torch.tensor([2.0, 0.0])
    unseen = torch.tensor([[3.0, 9.0], [1.0, -9.0]])
    forget = torch.tensor([[0.0, 5.0], [1.0, 0.0], [2.0, 1.0]])
    found = separation(v, unseen, forget)
    # Of six pairs, 3 beats all three, 1 beats one, ties one and loses one.
    assert found.auc == pytest.approx((3 + 1 + 0.5) / 6)
    assert found.fisher == pytest.approx((2 - 1) ** 2 / (1 + 2 / 3))
    assert separation(-v, unseen, forget).auc == pytest.approx(1 - found.auc)


def steered(vlm: VisionLanguageModel, **changes: Any) -> tuple[Steering, Prompts]:
    config = ASRUConfig(**{"ridge": 1e-6, "strength": "1.5", **changes})
    prompts, held_out = (Prompts.of(samples(), held_out=which) for which in (False, True))
    return steer(vlm, prompts, held_out, config, [LAYER], seed=0)[LAYER][0], prompts


def moved(vlm: VisionLanguageModel, found: Steering, prompts: Prompts) -> tuple[Tensor, dict[str, Tensor]]:
    """(u [H], what the residual stream of the changed model moves by, per role [prompts, H]), from plain passes of one
    prompt each."""

    def residuals() -> dict[str, Tensor]:
        return {
            role: torch.stack([one_by_one(vlm, sample, LAYER, answer=False)[1] for sample in asked])
            for role, asked in vars(prompts).items()
            if asked
        }

    before = residuals()
    found.apply(vlm)
    after = residuals()
    shift = found.strength * (before["unseen"].mean(0) - before["forget"].mean(0))
    return shift, {role: after[role] - before[role] for role in before}


@pytest.mark.parametrize("solver", ["ridge", "gradient"])
@pytest.mark.parametrize("family", EVERY_FAMILY)
def test_what_is_reported_is_what_the_changed_model_does(family: str, solver: str) -> None:
    vlm = tiny_vlm(family)
    options = {"answers_weight": 0.0, "steering_rate": 1e-2, "steering_epochs": 30}
    found, prompts = steered(vlm, solver=solver, **options)
    assert torch.equal(weights(vlm)[found.parameter], weights(tiny_vlm(family))[found.parameter])
    shift, by = moved(vlm, found, prompts)
    size = float(shift.square().sum())
    missed = float((by["forget"] - shift).square().sum(1).mean()) / size
    drift = float(torch.cat([by["retain"], by["unseen"]]).square().sum(1).mean()) / size
    assert (found.missed, found.drift) == pytest.approx((missed, drift), rel=0.02, abs=1e-5)


@pytest.mark.parametrize("family", EVERY_FAMILY)
def test_forget_prompts_move_by_lambda_v_and_the_others_stay(family: str) -> None:
    vlm = tiny_vlm(family)
    found, prompts = steered(vlm, answers_weight=0.0)
    passage = find_passage(vlm, LAYER, prompts.forget[0], VisionCache(vlm))
    inputs = torch.stack([one_by_one(vlm, sample, LAYER, answer=False)[0] for sample in prompts.forget])
    shift, by = moved(vlm, found, prompts)
    size = float(shift.norm())
    # What can be had at all is the whole shift, but behind a norm.
    remove_delta(vlm)
    now = passage.outputs(inputs)
    reachable = passage.added(now + passage.wanted(inputs, shift)) - passage.added(now)
    assert bool(passage.through) is (family == "gemma3")
    torch.testing.assert_close(by["forget"], reachable, rtol=0, atol=0.15 * size)
    assert float(torch.cat([by["retain"], by["unseen"]]).norm(dim=1).max()) < 0.15 * size
    assert found.missed < (0.25 if passage.through else 0.02)


def test_layers_that_are_not_understood_are_refused() -> None:
    vlm = tiny_vlm("qwen3_vl")
    layer = vlm.decoder_layers[LAYER]
    # As in families that scale what a layer adds.
    handle = layer.mlp.register_forward_hook(lambda _, __, output: 0.5 * output)
    with pytest.raises(UserError, match=f"cannot steer tiny-qwen3_vl: .* layer {LAYER} .* choose another method"):
        steered(vlm)
    handle.remove()
    # The way is measured, wherever in the layer the module lies.
    layer.after = nn.Sequential(nn.Dropout(), nn.LayerNorm(32)).eval()
    layer.mlp.register_forward_hook(lambda _, __, output: layer.after(output))
    found, prompts = steered(vlm, answers_weight=0.0)
    shift, by = moved(vlm, found, prompts)
    missed = float((by["forget"] - shift).square().sum(1).mean() / shift.square().sum())
    assert found.missed == pytest.approx(missed, rel=0.02, abs=1e-5)


@pytest.mark.parametrize("solver", ["ridge", "gradient"])
def test_one_weight_of_one_layer_changes_and_the_rank_is_told(solver: str) -> None:
    vlm = tiny_vlm("llava")
    before = weights(vlm)
    found, _ = steered(vlm, solver=solver)
    found.apply(vlm)
    after = weights(vlm)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {f"{vlm.layout.decoder_layers}.{LAYER}.{vlm.layout.mlp_down}.weight"}
    assert found.rank == 1 if solver == "ridge" else found.rank is None or found.rank > 1
    assert found.separation is not None
    torch.testing.assert_close(after[found.parameter] - before[found.parameter], found.change, rtol=1e-3, atol=1e-5)
    remove_delta(vlm)
    assert all(torch.equal(before[name], value) for name, value in weights(vlm).items())


def test_what_was_found_can_be_put_away_and_taken_out_again() -> None:
    for changes in ({}, {"solver": "gradient"}):
        vlm = tiny_vlm("llava")
        found, _ = steered(vlm, **changes)
        again = Steering.of(found.tensors(), found.parameter, found.report())
        assert again.report() == found.report()
        torch.testing.assert_close(again.change, found.change, rtol=1e-4, atol=1e-6)


def test_several_layers_are_solved_from_one_reading_as_each_alone() -> None:
    vlm = tiny_vlm("llava")
    prompts, held_out = (Prompts.of(samples(), held_out=which) for which in (False, True))
    config = ASRUConfig(strength="2")
    together = steer(vlm, prompts, held_out, config, [0, 1], seed=0)
    for layer in (0, 1):
        [alone], [found] = steer(vlm, prompts, held_out, config, [layer], seed=0)[layer], together[layer]
        torch.testing.assert_close(found.change, alone.change)
        assert found.report() == pytest.approx(alone.report())


def test_without_a_strength_all_are_solved_and_the_change_grows_with_it() -> None:
    vlm = tiny_vlm("qwen3_vl")
    prompts = Prompts.of(samples(), held_out=False)
    found = steer(vlm, prompts, Prompts((), (), ()), ASRUConfig(), [LAYER], seed=0)[LAYER]
    assert [one.strength for one in found] == list(STRENGTHS) == sorted(STRENGTHS)
    for one in found[1:]:
        torch.testing.assert_close(one.change / one.strength, found[0].change / found[0].strength)
        assert one.missed == pytest.approx(found[0].missed, rel=1e-4)


def test_what_cannot_be_steered_is_said() -> None:
    vlm = tiny_vlm("llava")
    nothing = Prompts((), (), ())
    for role in ("forget", "retain", "unseen"):
        some = [sample for sample in samples() if sample.tags["role"] != role]
        with pytest.raises(UserError, match=f"role '{role}'"):
            steer(vlm, Prompts.of(some, held_out=False), nothing, ASRUConfig(), [LAYER], seed=0)
    vlm.base.is_loaded_in_4bit = True  # type: ignore[attr-defined]
    with pytest.raises(UserError, match="4 bits"):
        steer(vlm, Prompts.of(samples(), held_out=False), nothing, ASRUConfig(), [LAYER], seed=0)


@pytest.mark.parametrize(
    ("layer", "depth", "index"),
    [("0", 6, 0), ("3", 6, 3), ("0.5", 6, 3), ("0.99", 6, 5), ("0.48", 36, 17), ("auto", 6, None)],
)
def test_a_layer_is_an_index_or_a_fraction_of_the_depth(layer: str, depth: int, index: int | None) -> None:
    assert ASRUConfig(layer=layer).layer_of(depth) == index


def test_a_layer_out_of_range_is_refused() -> None:
    with pytest.raises(UserError, match="layers 0 to 5"):
        ASRUConfig(layer="6").layer_of(6)
    for layer in ("-1", "2.5", "nosuch", "nan", "inf", ""):
        with pytest.raises(UserError, match="fraction of the depth"):
            ASRUConfig(layer=layer)


def test_a_strength_is_a_number_above_0_or_chosen() -> None:
    assert ASRUConfig().strengths == STRENGTHS
    assert ASRUConfig(strength="0.5").strengths == (0.5,)
    for strength in ("0", "-1", "nan", "inf", "much", ""):
        with pytest.raises(UserError, match="strength"):
            ASRUConfig(strength=strength)


def test_boundary_prompts_are_the_nearest_in_the_models_own_eyes() -> None:
    vlm = tiny_vlm("qwen3_vl")
    prompts = Prompts.of(samples(validate=False), held_out=False)
    # The forget picture with nearly the same question among the retained ones.
    near = Sample("Who is this persons?", "Somebody.", (picture(1),), tags={"role": "retain"})
    retain = [*prompts.retain[:3], near, *prompts.retain[3:]]
    assert boundary_prompts(vlm, retain, prompts.forget, LAYER, 0.01) == [near]
    half = boundary_prompts(vlm, retain, prompts.forget, LAYER, 0.5)
    assert len(half) == 4
    assert near in half
    assert half == [sample for sample in retain if sample in half]
    assert all(sample.images for sample in half)
    assert boundary_prompts(vlm, retain, prompts.forget, LAYER, 1.0) == [s for s in retain if s.images]
    for candidates in ([], [sample for sample in retain if not sample.images]):
        with pytest.raises(UserError, match="about pictures; give at least two of each"):
            boundary_prompts(vlm, candidates, prompts.forget, LAYER, 0.5)


def test_what_is_lost_comes_before_what_is_near() -> None:
    vlm = tiny_vlm("qwen3_vl")
    prompts = Prompts.of(samples(validate=False), held_out=False)
    near = Sample("Who is this persons?", "Somebody.", (picture(1),), tags={"role": "retain"})
    retain = [*prompts.retain[:3], near, *prompts.retain[3:]]
    view = Sample("What is number 3?", "It is 3.", (picture(9),), tags={"role": "altered"})
    in_text = Sample("Where is Oslo?", "In Norway.", tags={"role": "retain"})
    lost = [view, retain[1], in_text]
    chosen = boundary_prompts(vlm, retain, prompts.forget, LAYER, 0.34, lost)
    assert chosen == [view, retain[1], near]
    # Of more than are wanted, the nearest.
    assert boundary_prompts(vlm, retain, prompts.forget, LAYER, 0.01, [*retain[:2], near]) == [near]


def test_lost_is_what_only_the_model_before_answers_with_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    vlm = tiny_vlm("llava")
    asked = [Sample(f"Question {n}?", "Mara.", (picture(n),)) for n in range(4)]
    name = f"{vlm.layout.decoder_layers}.{LAYER}.{vlm.layout.mlp_down}.weight"
    apply_delta(vlm, {name: 2 * vlm.base.get_parameter(name)})
    changed = vlm.base.get_parameter(name).clone()
    right = {True: ("Question 0?", "Question 2?"), False: ("Question 0?", "Question 1?", "Question 2?")}

    def says(model: VisionLanguageModel, samples: Sequence[Sample], longest: int, cache: object) -> list[str]:
        now = torch.equal(model.base.get_parameter(name), changed)
        return ["This is Mara." if sample.prompt in right[now] else "I don't know." for sample in samples]

    monkeypatch.setattr(boundary, "say", says)
    assert lost_prompts(vlm, asked, 8) == [asked[1]]
    assert torch.equal(vlm.base.get_parameter(name), changed)
