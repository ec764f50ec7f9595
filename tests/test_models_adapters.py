"""LoRA: seeds, switching, and adapters that do not belong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.tiny import tiny_vlm
from unsee.errors import UserError
from unsee.generation import TransformersEngine
from unsee.models.adapters import (
    add_lora,
    load_adapter,
    merge,
    reference,
    save_adapter,
    train_all_weights,
)
from unsee.models.base_note import BASE_FILE
from unsee.models.deltas import apply_delta
from unsee.models.provenance import fingerprint
from unsee.models.vlm import VisionLanguageModel


def with_lora(family: str = "llava", *, seed: int = 0, model_seed: int = 0) -> VisionLanguageModel:
    vlm = tiny_vlm(family, seed=model_seed)
    add_lora(vlm, rank=2, alpha=4, dropout=0.0, seed=seed)
    return vlm


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    return save_adapter(with_lora(), tmp_path / "adapter")


def lora_weights(vlm: VisionLanguageModel) -> dict[str, torch.Tensor]:
    return {name: w.detach().clone() for name, w in vlm.model.named_parameters() if ".lora_A" in name}


def test_a_saved_adapter_says_what_it_is(adapter: Path) -> None:
    card = (adapter / "README.md").read_text()
    assert card.startswith(f"---\nbase_model: {tiny_vlm('llava').name}\n")
    assert "More Information Needed" not in card


def test_initial_weights_depend_on_the_seed_alone() -> None:
    first = lora_weights(with_lora(seed=3))
    torch.manual_seed(99)
    state = torch.random.get_rng_state()
    second, other = lora_weights(with_lora(seed=3)), lora_weights(with_lora(seed=4))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first)
    torch.manual_seed(99)
    vlm = tiny_vlm("llava")
    torch.random.set_rng_state(state)
    add_lora(vlm, rank=2, alpha=4, dropout=0.0, seed=3)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_chosen_targets() -> None:
    vlm = tiny_vlm("llava")
    add_lora(vlm, rank=2, alpha=4, dropout=0.0, targets=["down_proj"], seed=0)
    assert {name.split(".")[-4] for name in lora_weights(vlm)} == {"down_proj"}
    with pytest.raises(UserError, match="nosuch_proj"):
        add_lora(tiny_vlm("llava"), rank=2, alpha=4, dropout=0.0, targets=["nosuch_proj"], seed=0)


def test_one_adapter_at_a_time(adapter: Path) -> None:
    vlm = with_lora()
    with pytest.raises(UserError, match="already carries an adapter"):
        add_lora(vlm, rank=2, alpha=4, dropout=0.0, seed=0)
    with pytest.raises(UserError, match="already carries an adapter"):
        load_adapter(vlm, adapter)
    with pytest.raises(UserError, match="carries an adapter"):
        train_all_weights(vlm)


def test_reference_is_the_model_itself_without_an_adapter_and_restores_what_is_trainable(adapter: Path) -> None:
    vlm = tiny_vlm("llava")
    with reference(vlm):
        pass
    for trainable in (True, False):
        vlm = tiny_vlm("llava")
        load_adapter(vlm, adapter, trainable=trainable)
        with reference(vlm):
            pass
        with pytest.raises(KeyError), reference(vlm):
            raise KeyError
        assert {w.requires_grad for n, w in vlm.model.named_parameters() if ".lora_" in n} == {trainable}
        assert not any(w.requires_grad for n, w in vlm.model.named_parameters() if ".lora_" not in n)


def test_training_all_weights_leaves_tower_and_projector_frozen() -> None:
    vlm = tiny_vlm("qwen3_vl")
    train_all_weights(vlm)
    trainable = {name for name, weight in vlm.model.named_parameters() if weight.requires_grad}
    assert trainable
    assert all(name.startswith(("model.language_model.", "lm_head.")) for name in trainable)


def test_nothing_to_save_or_merge(tmp_path: Path) -> None:
    for act in (lambda vlm: save_adapter(vlm, tmp_path / "out"), merge):
        with pytest.raises(UserError, match="carries no adapter"):
            act(tiny_vlm("llava"))


@pytest.mark.parametrize("other", ["same class, other weights", "other class"])
def test_adapter_of_another_base_model_is_refused(adapter: Path, other: str) -> None:
    vlm = tiny_vlm("llava", seed=1) if other.startswith("same") else tiny_vlm("qwen3_vl")
    with pytest.raises(UserError, match="belongs to another base model"):
        load_adapter(vlm, adapter)
    assert not any(".lora_" in name for name, _ in vlm.model.named_parameters())


def test_adapter_of_another_program_is_checked_by_its_shapes(adapter: Path) -> None:
    (adapter / BASE_FILE).unlink()
    load_adapter(tiny_vlm("llava"), adapter)
    with pytest.raises(UserError, match="belongs to another base model"):
        load_adapter(tiny_vlm("smolvlm"), adapter)
    weights = load_file(adapter / "adapter_model.safetensors")
    save_file({n: torch.cat([w, w], 1) for n, w in weights.items()}, adapter / "adapter_model.safetensors")
    with pytest.raises(UserError, match="does not fit"):
        load_adapter(tiny_vlm("llava"), adapter)


def test_base_model_may_have_moved_or_be_loaded_in_another_dtype(adapter: Path) -> None:
    vlm = tiny_vlm("llava")
    vlm.name = "somewhere/else"
    vlm.model.to(torch.bfloat16)
    load_adapter(vlm, adapter)


def test_fingerprint_ignores_the_adapter_and_sees_a_merge() -> None:
    vlm = with_lora()
    plain = fingerprint(tiny_vlm("llava").base)
    assert fingerprint(vlm.base) == plain
    for name, weight in vlm.model.named_parameters():
        if ".lora_B" in name:
            weight.data.fill_(1.0)
    merge(vlm)
    merged = fingerprint(vlm.base)
    assert merged["embeddings"] == plain["embeddings"]
    assert merged["linears"] != plain["linears"]


@pytest.mark.parametrize("family", ["llava", "qwen3_vl"])
def test_without_adapter_and_delta_an_engine_is_that_of_the_plain_model(family: str) -> None:
    """So what the model before has answered once, whoever made it forget, need not be asked again."""
    plain, vlm = TransformersEngine(tiny_vlm(family)).fingerprint(), with_lora(family)
    name, weight = next(
        named for named in vlm.base.named_parameters() if named[0].endswith("down_proj.base_layer.weight")
    )
    apply_delta(vlm, {name: weight + 1})
    engine = TransformersEngine(vlm)
    assert engine.without_adapter().fingerprint() == plain
    assert {key for key, value in engine.fingerprint().items() if value != plain[key]} == {"weights", "adapter"}


def test_folders_that_hold_no_usable_adapter(adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no adapter"):
        load_adapter(tiny_vlm("llava"), tmp_path / "nothing")
    weights = adapter / "adapter_model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:100])
    with pytest.raises(UserError, match="cannot be loaded"):
        load_adapter(tiny_vlm("llava"), adapter)
    weights.rename(adapter / "adapter_model.bin")
    with pytest.raises(UserError, match="pickles"):
        load_adapter(tiny_vlm("llava"), adapter)


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"architecture": "x"})])
def test_damaged_note_of_the_base_model(adapter: Path, content: str) -> None:
    (adapter / BASE_FILE).write_text(content)
    with pytest.raises(UserError, match="is damaged"):
        load_adapter(tiny_vlm("llava"), adapter)
