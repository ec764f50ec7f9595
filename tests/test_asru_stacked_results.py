"""What ASRU leaves behind: a low-rank delta, with or without an adapter trained on top of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from tests.tiny import tiny_vlm
from tests.unlearning_cases import logits, weights
from unsee.errors import UserError
from unsee.models.adapters import add_lora, detach, load_adapter, merge, reference, save_adapter
from unsee.models.deltas import DELTA, apply_low_rank
from unsee.models.saving import save_model
from unsee.models.vlm import VisionLanguageModel

FAMILIES = ("llava", "qwen3_vl")


def down(vlm: VisionLanguageModel, layer: int = 1) -> str:
    return f"{vlm.layout.decoder_layers}.{layer}.{vlm.layout.mlp_down}.weight"


def factors(vlm: VisionLanguageModel) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    height, width = vlm.base.get_parameter(down(vlm)).shape
    return torch.randn(height, 1, generator=generator), torch.randn(1, width, generator=generator)


def steered(family: str) -> VisionLanguageModel:
    vlm = tiny_vlm(family)
    apply_low_rank(vlm, {down(vlm): factors(vlm)})
    return vlm


def with_adapter(vlm: VisionLanguageModel) -> VisionLanguageModel:
    """An adapter that does something, on top of what the model carries."""
    originals, vlm.originals = vlm.originals, None
    add_lora(vlm, rank=2, alpha=4, dropout=0.0, seed=0)
    vlm.originals = originals
    generator = torch.Generator().manual_seed(3)
    for name, parameter in vlm.model.named_parameters():
        if ".lora_B." in name:
            parameter.data = 0.1 * torch.randn(parameter.shape, generator=generator)
    vlm.model.eval()
    return vlm


@pytest.mark.parametrize("family", FAMILIES)
def test_a_low_rank_delta_is_saved_as_its_factors_and_comes_back_bit_for_bit(family: str, tmp_path: Path) -> None:
    before, vlm = logits(tiny_vlm(family)), steered(family)
    after = logits(vlm)
    assert not torch.equal(after, before)
    folder = save_adapter(vlm, tmp_path / "delta")
    left, right = factors(vlm)
    saved = load_file(folder / DELTA)
    assert {name: tuple(part.shape) for name, part in saved.items()} == {
        f"{down(vlm)}.left": tuple(left.shape),
        f"{down(vlm)}.right": tuple(right.shape),
    }
    fresh = tiny_vlm(family)
    load_adapter(fresh, folder)
    assert torch.equal(logits(fresh), after)
    with reference(fresh):
        assert torch.equal(logits(fresh), before)
    # Once more, from what was loaded.
    save_adapter(fresh, tmp_path / "again")
    assert load_file(tmp_path / "again" / DELTA).keys() == saved.keys()


@pytest.mark.parametrize("family", FAMILIES)
def test_an_adapter_on_a_delta_is_saved_loaded_switched_off_merged_and_taken_off(family: str, tmp_path: Path) -> None:
    plain = tiny_vlm(family)
    before, weights_before = logits(plain), weights(plain)
    vlm = with_adapter(steered(family))
    after = logits(vlm)
    folder = save_adapter(vlm, tmp_path / "both")
    assert {"adapter_model.safetensors", DELTA, "unsee_base.json"} <= {path.name for path in folder.iterdir()}
    with reference(vlm):
        assert torch.equal(logits(vlm), before)
    assert torch.equal(logits(vlm), after)

    fresh = tiny_vlm(family)
    load_adapter(fresh, folder)
    assert torch.equal(logits(fresh), after)
    detach(fresh)
    assert not fresh.adapted
    assert torch.equal(logits(fresh), before)

    load_adapter(fresh, folder)
    merge(fresh)
    assert not fresh.adapted
    torch.testing.assert_close(logits(fresh), after, rtol=1e-4, atol=1e-5)
    changed = {name for name, value in weights(fresh).items() if not torch.equal(value, weights_before[name])}
    assert changed == {f"{path}.weight" for path in fresh.layout.language_linears}
    exported = save_model(fresh, tmp_path / "exported")
    fresh.model = type(fresh.base).from_pretrained(exported)
    torch.testing.assert_close(logits(fresh), after, rtol=1e-4, atol=1e-5)


def test_a_stack_whose_adapter_is_damaged_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    folder = save_adapter(with_adapter(steered("llava")), tmp_path / "both")
    (folder / "adapter_model.safetensors").unlink()
    vlm = tiny_vlm("llava")
    before = logits(vlm)
    with pytest.raises(UserError, match="has no adapter_model"):
        load_adapter(vlm, folder)
    assert not vlm.adapted
    assert torch.equal(logits(vlm), before)


def test_a_low_rank_delta_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    folder = save_adapter(steered("llava"), tmp_path / "delta")
    note = (folder / "unsee_base.json").read_text()
    with pytest.raises(UserError, match="another base model"):
        load_adapter(tiny_vlm("llava", seed=1), folder)
    from safetensors.torch import save_file

    saved = load_file(folder / DELTA)
    name = down(tiny_vlm("llava"))
    for broken in ({f"{name}.left": saved[f"{name}.left"]}, {"nosuch.left": torch.zeros(2, 1)}):
        save_file(broken, folder / DELTA)
        (folder / "unsee_base.json").write_text(note)
        vlm = tiny_vlm("llava")
        with pytest.raises(UserError, match=r"is not whole.* without its right"):
            load_adapter(vlm, folder)
        assert not vlm.adapted
