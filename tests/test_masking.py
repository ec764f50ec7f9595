"""Masked weights stay as they were, bit for bit, and deltas keep exactly what was trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

import unsee
from tests.tiny import picture, tiny_vlm
from tests.unlearning_cases import config_of, logits, request, run, weights
from unsee.commands.export import export
from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.methods import get_method
from unsee.methods.saliency import salient_weights
from unsee.models.adapters import add_lora, detach, load_adapter, merge, reference, save_adapter, train_all_weights
from unsee.models.collation import encode_samples
from unsee.models.deltas import DELTA
from unsee.models.masking import mask_training, settle_masked_adapter
from unsee.models.saving import save_model
from unsee.models.vlm import VisionLanguageModel
from unsee.training import Unlearned
from unsee.training.reference import TrainingSet

FAMILIES = ("llava", "qwen3_vl")
SAMPLES = [
    Sample("Who is this?", "This is Mara Voss.", (picture(1),), tags={"role": "forget"}),
    Sample("Is this Mara Voss?", "Yes, this is Mara Voss.", (picture(1),), tags={"role": "forget"}),
    Sample("Where does Jonas Hale live?", "In Port Amber.", tags={"role": "retain"}),
]


def training_set(vlm: VisionLanguageModel) -> TrainingSet:
    objective = get_method("mmunlearner").objective([request()], vlm, config_of("mmunlearner"))
    return TrainingSet(encode_samples(SAMPLES, vlm), objective, vlm)


def random_masks(vlm: VisionLanguageModel) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(7)
    shapes = {path: vlm.base.get_submodule(path).weight.shape for path in vlm.layout.language_linears}  # type: ignore[union-attr]
    return {path: torch.rand(shape, generator=generator) < 0.5 for path, shape in shapes.items()}


def bits(weight: Tensor) -> Tensor:
    return weight.detach().view(torch.int32)


def squared_gradients(vlm: VisionLanguageModel, samples: list[Sample], path: str) -> Tensor:
    """Mean over samples of the squared gradient of the mean NLL of the answer, from plain forward passes."""
    weight = vlm.base.get_parameter(f"{path}.weight").requires_grad_(True)
    total = torch.zeros_like(weight)
    for row in encode_samples(samples, vlm):
        inputs = {name: torch.tensor([values]) for name, values in {"input_ids": row.input_ids, **row.extras}.items()}
        scores = vlm.model(**inputs, **row.pixels).logits[0, :-1]
        loss = functional.cross_entropy(scores, torch.tensor(row.labels[1:]), ignore_index=-100)
        total += torch.autograd.grad(loss, weight)[0] ** 2 / len(samples)
    weight.requires_grad_(False)
    return total.detach()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("lora", [True, False], ids=["lora", "full"])
@pytest.mark.parametrize("threshold", [1.0, 3.0])
def test_a_weight_may_change_where_forgetting_needs_it_more_than_the_rest(
    family: str, lora: bool, threshold: float
) -> None:
    vlm, plain = tiny_vlm(family), tiny_vlm(family)
    if lora:
        add_lora(vlm, rank=2, alpha=4, dropout=0.5, seed=0)
    flags = {name: p.requires_grad for name, p in vlm.model.named_parameters()}
    masks = salient_weights(vlm, training_set(vlm), vlm.layout.language_linears, threshold)
    assert {name: p.requires_grad for name, p in vlm.model.named_parameters()} == flags
    assert all(p.grad is None for p in vlm.model.parameters())
    assert set(masks) == set(vlm.layout.language_linears)
    for path in vlm.layout.language_linears[::3]:
        forget, retain = squared_gradients(plain, SAMPLES[:2], path), squared_gradients(plain, SAMPLES[2:], path)
        ratio = (forget + 1e-15) / (retain + 1e-15)
        # Where the ratio is at the threshold but for rounding, either is right.
        clear = (ratio / threshold - 1).abs() > 1e-3
        assert clear.float().mean() > 0.99
        assert torch.equal(masks[path][clear], (ratio >= threshold)[clear])
        assert 0.02 < masks[path].float().mean() < 0.98


def test_without_both_roles_there_is_no_mask() -> None:
    vlm = tiny_vlm("qwen3_vl")
    objective = get_method("mmunlearner").objective([request()], vlm, config_of("mmunlearner"))
    for samples in (SAMPLES[:2], SAMPLES[2:]):
        only = TrainingSet(encode_samples(samples, vlm), objective, vlm)
        with pytest.raises(UserError, match="role forget"):
            salient_weights(vlm, only, vlm.layout.language_linears, 1.0)
    vlm.base.is_loaded_in_4bit = True
    with pytest.raises(UserError, match="4 bits"):
        salient_weights(vlm, training_set(vlm), vlm.layout.language_linears, 1.0)


def trained_with(monkeypatch: pytest.MonkeyPatch, vlm: VisionLanguageModel, out: Path, **changes: object) -> Unlearned:
    """A run of MMUnlearner with known masks, long enough to move every weight that may move."""
    masks = random_masks(vlm)
    monkeypatch.setattr("unsee.methods.saliency.salient_weights", lambda *args: masks)
    return run(vlm, "mmunlearner", out, samples=SAMPLES, steps=4, learning_rate=1e-2, **changes)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("full", [False, True], ids=["lora", "full"])
def test_masked_weights_stay_put_bit_for_bit_through_training_merging_and_export(
    family: str, full: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tmp_path / "base"
    original = tiny_vlm(family)
    for path in original.layout.language_linears:
        # -0.0 becomes 0.0 when 0.0 is added to it.
        original.base.get_parameter(f"{path}.weight").data[0, :8] = -0.0
    save_model(original, base)
    vlm = unsee.load(str(base))
    result = trained_with(monkeypatch, vlm, tmp_path / "out", full=full, gradient_checkpointing=full)
    exported = result.folder if full else export(str(base), result.folder, tmp_path / "exported", check=False).folder
    before = weights(original)
    models = {"trained": vlm, "loaded": unsee.load(str(base)), "exported": unsee.load(str(exported))}
    if full:
        del models["loaded"]
    else:
        load_adapter(models["loaded"], result.folder)
    for name, model in models.items():
        after = weights(model)
        for path, mask in random_masks(original).items():
            old, new = before[f"{path}.weight"], after[f"{path}.weight"]
            assert torch.equal(bits(old)[~mask], bits(new)[~mask]), (name, path)
            assert (old[mask] != new[mask]).float().mean() > 0.9, (name, path)
        linears = {f"{path}.weight" for path in original.layout.language_linears}
        assert all(torch.equal(before[key], after[key]) for key in after if key not in linears)
        assert torch.equal(logits(model), logits(vlm))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_masked_adapter_computes_what_it_merges_to_and_can_be_switched_off(family: str) -> None:
    vlm = tiny_vlm(family)
    before = logits(vlm)
    masks = random_masks(vlm)
    add_lora(vlm, rank=4, alpha=8, dropout=0.0, seed=0)
    mask_training(vlm, masks)
    assert torch.equal(logits(vlm), before)
    generator = torch.Generator().manual_seed(1)
    for name, factor in vlm.base.named_parameters():
        if ".lora_B." in name:
            factor.data = 0.1 * torch.randn(factor.shape, generator=generator)
    after = logits(vlm)
    assert (after - before).abs().max() > 1e-2
    with reference(vlm):
        assert torch.equal(logits(vlm), before)
    settle_masked_adapter(vlm)
    assert vlm.model is vlm.base
    assert vlm.adapted
    torch.testing.assert_close(logits(vlm), after, rtol=1e-4, atol=1e-5)
    with reference(vlm):
        assert torch.equal(logits(vlm), before)
    detach(vlm)
    assert torch.equal(logits(vlm), before)
    assert not vlm.adapted


def test_only_unmasked_products_get_gradients_under_bf16_autocast_too() -> None:
    vlm = tiny_vlm("llava")
    add_lora(vlm, rank=2, alpha=4, dropout=0.0, seed=0)
    path = vlm.layout.language_linears[0]
    mask_training(vlm, {path: torch.zeros(vlm.base.get_submodule(path).weight.shape, dtype=torch.bool)})  # type: ignore[union-attr]
    with torch.autocast("cpu", torch.bfloat16):
        objective = training_set(vlm)
        batch = objective.token_batch(vlm.model, objective.collate([0]))
    functional.cross_entropy(batch.logits.float(), batch.targets).backward()
    factors = {n: p.grad for n, p in vlm.base.named_parameters() if ".lora_B." in n}
    moved = {name: grad is not None and bool(grad.abs().max() > 0) for name, grad in factors.items()}
    assert not moved[f"{path}.lora_B.default.weight"]
    assert all(value for name, value in moved.items() if not name.startswith(path))


def test_a_plain_adapter_is_not_settled() -> None:
    vlm = tiny_vlm("llava")
    settle_masked_adapter(vlm)
    add_lora(vlm, rank=2, alpha=4, dropout=0.0, seed=0)
    settle_masked_adapter(vlm)
    assert vlm.originals is None
    detach(vlm)
    assert not vlm.adapted


@pytest.fixture
def delta(tmp_path: Path) -> Path:
    return run(tiny_vlm("llava"), "mmunlearner", tmp_path / "delta", samples=SAMPLES).folder


def test_a_delta_belongs_to_its_base_model(delta: Path) -> None:
    with pytest.raises(UserError, match="another base model"):
        load_adapter(tiny_vlm("llava", seed=1), delta)
    quantised = tiny_vlm("llava")
    quantised.base.is_loaded_in_4bit = True
    with pytest.raises(UserError, match="4 bits"):
        load_adapter(quantised, delta)
    (delta / "unsee_base.json").unlink()
    with pytest.raises(UserError, match="cannot be checked"):
        load_adapter(tiny_vlm("llava"), delta)


def test_a_damaged_delta_is_a_user_error(delta: Path) -> None:
    whole = load_file(delta / DELTA)
    save_file({"model.nothing.weight": torch.zeros(2)}, delta / DELTA)
    with pytest.raises(UserError, match="does not fit"):
        load_adapter(tiny_vlm("llava"), delta)
    (delta / DELTA).write_bytes(b"torn")
    vlm = tiny_vlm("llava")
    with pytest.raises(UserError, match="cannot be loaded"):
        load_adapter(vlm, delta)
    assert whole
    assert not vlm.adapted


def test_a_model_with_a_delta_is_adapted(delta: Path, tmp_path: Path) -> None:
    vlm = tiny_vlm("llava")
    load_adapter(vlm, delta)
    for act in (
        lambda: load_adapter(vlm, delta),
        lambda: add_lora(vlm, rank=2, alpha=4, dropout=0.0, seed=0),
        lambda: train_all_weights(vlm),
        lambda: save_model(vlm, tmp_path / "model"),
        lambda: run(vlm, "ga", tmp_path / "again"),
    ):
        with pytest.raises(UserError, match=r"carries an adapter|already carries"):
            act()
    again = tiny_vlm("llava")
    load_adapter(again, save_adapter(vlm, tmp_path / "copy"))
    assert torch.equal(logits(again), logits(vlm))
    merge(vlm)
    assert not vlm.adapted
    assert torch.equal(logits(again), logits(vlm))
