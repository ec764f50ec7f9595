"""Adapters and deltas that match their model only in part are refused, and what a whole one changes is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from torch import Tensor

import unsee
from tests.tiny import tiny_vlm
from tests.unlearning_cases import run
from unsee.commands.export import export
from unsee.errors import UserError
from unsee.models.adapters import add_lora, detach, load_adapter, merge, save_adapter
from unsee.models.base_note import BASE_FILE
from unsee.models.change import Change, change_of
from unsee.models.deltas import DELTA, apply_delta, apply_low_rank
from unsee.models.provenance import fingerprint
from unsee.models.saving import save_model
from unsee.models.vlm import VisionLanguageModel
from unsee.training.unlearning import UNMOVED

Weights = dict[str, Tensor]
LAYER = "model.language_model.layers.0.self_attn.q_proj"
WHOLE = 2 * 14
"""An A and a B for each of the tiny model's linear modules."""


def moved(vlm: VisionLanguageModel, *, seed: int = 0) -> VisionLanguageModel:
    """The model with its LoRA layers' zeros replaced, so that they change what it computes."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in vlm.base.named_parameters():
        if ".lora_" in name:
            weight.data = 0.1 * torch.randn(weight.shape, generator=generator)
    return vlm


def with_lora() -> VisionLanguageModel:
    vlm = tiny_vlm("llava")
    add_lora(vlm, rank=2, alpha=4, dropout=0.0, seed=0)
    return moved(vlm)


def weights_of(vlm: VisionLanguageModel) -> Weights:
    return {name: weight.detach().clone() for name, weight in vlm.base.named_parameters()}


def only(part: str) -> Callable[[Weights], Weights]:
    return lambda weights: {name: weight for name, weight in weights.items() if part in name}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return save_model(tiny_vlm("llava"), tmp_path / "base")


@pytest.mark.parametrize("way", ["load", "export"])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda weights: {}, rf"of the {WHOLE} weights .* {WHOLE} are missing .* such as base_model.*lora_A.weight"),
        (only("lora_A"), rf"of the {WHOLE} weights .* {WHOLE // 2} are missing .*lora_B.weight"),
        (only(".layers.0."), rf"of the {WHOLE} weights .* {WHOLE // 2} are missing .*layers\.1\."),
        (lambda weights: {f"other.{name}": w for name, w in weights.items()}, f"{WHOLE} are missing"),
        (
            lambda weights: weights | {"base_model.model.nosuch.lora_A.weight": torch.ones(2, 2)},
            r"1 of its weights belong to no module .* such as base_model\.model\.nosuch\.lora_A\.weight",
        ),
        (lambda weights: {name: torch.cat([w, w], 1) for name, w in weights.items()}, "does not fit"),
    ],
    ids=["empty", "A only", "one layer only", "other prefix", "one too many", "other shapes"],
)
@pytest.mark.parametrize("noted", [True, False], ids=["ours", "another program's"])
def test_an_adapter_that_matches_in_part_is_refused(
    change: Callable[[Weights], Weights], says: str, way: str, noted: bool, base: Path, tmp_path: Path
) -> None:
    folder = save_adapter(with_lora(), tmp_path / "adapter")
    if not noted:
        (folder / BASE_FILE).unlink()
    file = folder / "adapter_model.safetensors"
    save_file(change(load_file(file)), file, metadata={"format": "pt"})
    vlm = tiny_vlm("llava")
    before = weights_of(vlm)
    with pytest.raises(UserError, match=says):
        load_adapter(vlm, folder) if way == "load" else export(str(base), folder, tmp_path / "out", check=False)
    assert not vlm.adapted
    assert {name: weight.tolist() for name, weight in weights_of(vlm).items()} == {
        name: weight.tolist() for name, weight in before.items()
    }
    assert not (tmp_path / "out").exists()


def test_an_adapter_whose_config_has_another_rank_is_refused(tmp_path: Path) -> None:
    folder = save_adapter(with_lora(), tmp_path / "adapter")
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "r": 3}))
    with pytest.raises(UserError, match=r"its \S+lora_A\.weight does not fit"):
        load_adapter(tiny_vlm("llava"), folder)


def test_an_adapter_that_changes_nothing_is_not_exported(tmp_path: Path) -> None:
    rounded = tiny_vlm("llava")
    rounded.base.to(torch.bfloat16).float()
    base = save_model(rounded, tmp_path / "base")
    vlm = unsee.load(str(base), device="cpu")
    add_lora(vlm, rank=2, alpha=4, dropout=0.0, seed=0)
    folder = save_adapter(vlm, tmp_path / "adapter")
    with pytest.raises(UserError, match=r"changes no weight .* in float32"):
        export(str(base), folder, tmp_path / "out")
    # So small that it is gone in bfloat16.
    for name, weight in vlm.base.named_parameters():
        weight.data += 1e-9 * (".lora_B" in name)
    folder = save_adapter(vlm, tmp_path / "small")
    with pytest.raises(UserError, match=r"changes no weight .* in bfloat16"):
        export(str(base), folder, tmp_path / "out", dtype="bfloat16")
    assert export(str(base), folder, tmp_path / "out", check=False).change.parameters > 0


def delta(tmp_path: Path) -> Path:
    vlm = tiny_vlm("llava")
    names = [f"{LAYER}.weight", "model.language_model.norm.weight"]
    apply_delta(vlm, {name: vlm.base.get_parameter(name).detach() + 1 for name in names})
    return save_adapter(vlm, tmp_path / "delta")


@pytest.mark.parametrize("way", ["load", "export"])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda weights: {}, rf"of the 2 weights .* 2 are missing .* such as {LAYER}"),
        (only("q_proj"), "of the 2 weights .* 1 are missing .* such as model.language_model.norm.weight"),
        (lambda weights: {f"other.{name}": w for name, w in weights.items()}, "its other.* does not fit"),
        (lambda weights: {name: torch.cat([w, w]) for name, w in weights.items()}, "does not fit"),
        (lambda weights: {f"{LAYER}.weight.left": torch.ones(2, 1)}, "without its right"),
        (lambda weights: {f"{LAYER}.weight.right": torch.ones(2, 1)}, "without its left"),
    ],
    ids=["empty", "one only", "other prefix", "other shapes", "left only", "right only"],
)
def test_a_delta_that_matches_in_part_is_refused(
    change: Callable[[Weights], Weights], says: str, way: str, base: Path, tmp_path: Path
) -> None:
    folder = delta(tmp_path)
    save_file(change(load_file(folder / DELTA)), folder / DELTA)
    vlm = tiny_vlm("llava")
    with pytest.raises(UserError, match=says):
        load_adapter(vlm, folder) if way == "load" else export(str(base), folder, tmp_path / "out", check=False)
    assert not vlm.adapted


def test_an_early_delta_is_read_but_not_an_empty_one(tmp_path: Path) -> None:
    folder = delta(tmp_path)
    note = json.loads((folder / BASE_FILE).read_text())
    del note["delta"]
    (folder / BASE_FILE).write_text(json.dumps(note))
    load_adapter(tiny_vlm("llava"), folder)
    save_file({}, folder / DELTA)
    with pytest.raises(UserError, match="is empty"):
        load_adapter(tiny_vlm("llava"), folder)


def test_what_an_adapter_and_a_delta_change_is_what_merging_changes() -> None:
    plain = weights_of(tiny_vlm("llava"))

    def stacked() -> VisionLanguageModel:
        vlm = tiny_vlm("llava")
        apply_low_rank(vlm, {f"{LAYER}.weight": (torch.ones(32, 1), torch.ones(1, 32))})
        originals, vlm.originals = vlm.originals, None
        add_lora(vlm, rank=2, alpha=4, dropout=0.0, seed=0)
        vlm.originals = originals
        return moved(vlm)

    def normed() -> VisionLanguageModel:
        vlm = tiny_vlm("llava")
        name = "model.language_model.norm.weight"
        apply_delta(vlm, {name: vlm.base.get_parameter(name).detach() + torch.eye(1, 32)[0]})
        return vlm

    for made, least in ((with_lora, 1000), (stacked, 1000), (normed, 1)):
        vlm = made()
        before = weights_of(vlm)
        told = change_of(vlm)
        assert all(torch.equal(before[name], weight) for name, weight in weights_of(vlm).items())
        merge(vlm)
        differ = {name: (plain[name], w) for name, w in weights_of(vlm).items() if not torch.equal(plain[name], w)}
        size = sum(float(old.square().sum()) for old, _ in differ.values())
        moved_by = sum(float((new - old).square().sum()) for old, new in differ.values())
        assert told.tensors == len(differ)
        assert told.parameters == sum(int((old != new).sum()) for old, new in differ.values()) >= least
        assert told.relative_norm == pytest.approx((moved_by / size) ** 0.5, rel=1e-4)
    assert change_of(tiny_vlm("llava")) == Change(0, 0, None)


@pytest.mark.parametrize("full", [False, True], ids=["lora", "full"])
def test_the_manifest_says_how_many_weights_moved_and_by_how_much(full: bool, tmp_path: Path) -> None:
    done = run(tiny_vlm("llava"), "ga", tmp_path / "run", full=full, learning_rate=1e-2)
    change = done.manifest["change"]
    assert change["tensors"] >= 14
    assert change["parameters"] > 1000
    assert 0 < change["relative_norm"] < 10
    assert UNMOVED not in done.manifest.get("notes", ())
    still = run(tiny_vlm("llava"), "ga", tmp_path / "still", full=full, learning_rate=1e-30)
    if full:
        assert still.manifest["change"] == {"tensors": 0, "parameters": 0, "relative_norm": None}
        assert UNMOVED in still.manifest["notes"]
    assert still.manifest["change"]["parameters"] < change["parameters"]


def with_saved_modules(tmp_path: Path) -> Path:
    """An adapter of another program, which also trained the projector."""
    vlm = tiny_vlm("llava")
    config = LoraConfig(
        r=2, target_modules=["q_proj"], modules_to_save=["multi_modal_projector"], task_type="CAUSAL_LM"
    )
    vlm.model = get_peft_model(vlm.base, config)
    for name, weight in moved(vlm).base.named_parameters():
        weight.data += 0.5 * (".modules_to_save." in name)
    assert isinstance(vlm.model, torch.nn.Module)
    return save_adapter(vlm, tmp_path / "adapter")


def test_trained_modules_of_an_adapter_are_loaded_counted_merged_and_taken_off(base: Path, tmp_path: Path) -> None:
    folder, plain = with_saved_modules(tmp_path), weights_of(tiny_vlm("llava"))
    vlm = tiny_vlm("llava")
    load_adapter(vlm, folder)
    assert fingerprint(vlm.base) == fingerprint(tiny_vlm("llava").base)
    change = change_of(vlm)
    detach(vlm)
    assert all(torch.equal(plain[name], weight) for name, weight in weights_of(vlm).items())
    load_adapter(vlm, folder)
    merge(vlm)
    differ = {name for name, weight in weights_of(vlm).items() if not torch.equal(plain[name], weight)}
    projector = {name for name in plain if "multi_modal_projector" in name}
    assert projector < differ
    assert change.tensors == len(differ)
    exported = load_file(export(str(base), folder, tmp_path / "out", check=False).folder / "model.safetensors")
    name = "multi_modal_projector.linear_1.bias"
    torch.testing.assert_close(exported[name], plain[f"model.{name}"] + 0.5)


def test_trained_modules_that_the_file_lacks_are_not_replaced_by_the_bases(tmp_path: Path) -> None:
    folder = with_saved_modules(tmp_path)
    file = folder / "adapter_model.safetensors"
    save_file(only("lora_")(load_file(file)), file, metadata={"format": "pt"})
    vlm = tiny_vlm("llava")
    with pytest.raises(UserError, match=r"is not whole: .*multi_modal_projector.* is missing"):
        load_adapter(vlm, folder)
    assert not vlm.adapted
