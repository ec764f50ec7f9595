"""Numbers that are none: training stops at the first, and nothing that holds one is loaded, stored or asked."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.asru_cases import samples, settings
from tests.tiny import picture, tiny_vlm
from tests.unlearning_cases import Wrapped, Wrapping, config_of, request, run
from unsee import load
from unsee.commands.export import export
from unsee.data.sample import Probe
from unsee.errors import UserError
from unsee.generation import generate
from unsee.methods.asru import ASRU, ASRUConfig
from unsee.models.adapters import load_adapter, save_adapter
from unsee.models.deltas import apply_delta
from unsee.models.finite import check_finite
from unsee.models.saving import save_model
from unsee.requests import ForgetRequest
from unsee.training import unlearn
from unsee.training.objective import Objective, TokenBatch

NOT_FINITE = (float("nan"), float("inf"), float("-inf"))


class Spoilt(Wrapped):
    """From the second batch on the loss is spoilt."""

    def __init__(self, inner: Objective, spoil: Callable[[Tensor], Tensor]) -> None:
        super().__init__(inner)
        self.spoil, self.seen = spoil, 0

    def __call__(self, batch: TokenBatch) -> Tensor:
        self.seen += 1
        loss = self.inner(batch)
        return loss if self.seen == 1 else self.spoil(loss)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda loss: loss * float("nan"), "step 2, where the gradient is nan"),
        (lambda loss: loss * float("inf"), "step 2, where the gradient is (nan|inf)"),
        # 0 * sqrt(0): a loss like any other, whose gradient is 0 * inf.
        (lambda loss: loss + 0 * (0 * loss).sqrt(), "step 2, where the gradient is nan"),
        (lambda loss: loss + float("inf"), "step 2, where the loss is inf"),
    ],
    ids=["nan", "inf", "gradient", "loss"],
)
@pytest.mark.parametrize("norm", [1.0, 0.0], ids=["clipped", "unclipped"])
def test_training_stops_at_the_first_and_leaves_nothing(
    tmp_path: Path, spoil: Callable[[Tensor], Tensor], told: str, norm: float
) -> None:
    method = Wrapping("ga", lambda inner: Spoilt(inner, spoil))
    config = config_of("ga", steps=5, max_grad_norm=norm)
    with pytest.raises(UserError, match=told + ".*; lower learning_rate"):
        unlearn(tiny_vlm("llava"), method, config, request(), tmp_path / "out", progress=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("method", ["ga", "mmunlearner"])
@pytest.mark.parametrize("full", [False, True], ids=["lora", "full"])
def test_a_last_step_into_infinity_saves_nothing(tmp_path: Path, method: str, full: bool) -> None:
    with pytest.raises(UserError, match=r"after training holds -?(nan|inf) in .*weight; lower learning_rate"):
        run(tiny_vlm("llava"), method, tmp_path / "out", steps=1, learning_rate=1e39, full=full)
    assert list(tmp_path.iterdir()) == []


def test_reinforcement_stops_as_every_training_does(tmp_path: Path) -> None:
    config = ASRUConfig(**settings(stages="reinforcement", learning_rate=1e30, validate_every=100))
    asked = samples(validate=False)
    with pytest.raises(UserError, match=r"Training stopped at step \d, where the .* is nan"):
        unlearn(
            tiny_vlm("llava"), ASRU(lambda text: len(text) % 2 == 0), config,
            ForgetRequest("Mara Voss", (picture(1),)), tmp_path / "out", samples=asked, progress=False,
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def spoil(path: Path, value: float) -> str:
    """Put `value` into a tensor of a safetensors file; returns the tensor's name."""
    tensors = load_file(path)
    name = sorted(tensors)[-1]
    tensors[name].view(-1)[-1] = value
    save_file(tensors, path, metadata={"format": "pt"})
    return name


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with an adapter and a delta for it."""
    folder = tmp_path_factory.mktemp("stored")
    save_model(tiny_vlm("llava"), folder / "model")
    run(load(folder / "model"), "ga", folder / "adapter", steps=1)
    vlm = load(folder / "model")
    name = f"{vlm.layout.decoder_layers}.1.{vlm.layout.mlp_down}.weight"
    apply_delta(vlm, {name: 2 * vlm.base.get_parameter(name)})
    save_adapter(vlm, folder / "delta")
    return folder


@pytest.mark.parametrize("value", NOT_FINITE)
@pytest.mark.parametrize(("kind", "file"), [("adapter", "adapter_model.safetensors"), ("delta", "delta.safetensors")])
def test_what_holds_one_is_neither_loaded_nor_exported(
    stored: Path, tmp_path: Path, kind: str, file: str, value: float
) -> None:
    path, sound = stored / kind / file, (stored / kind / file).read_bytes()
    name = spoil(path, value)
    try:
        vlm = load(stored / "model")
        told = re.escape(f"The {kind} {stored / kind} holds {value} in {name}")
        with pytest.raises(UserError, match=told):
            load_adapter(vlm, stored / kind)
        assert not vlm.adapted
        with pytest.raises(UserError, match=told):
            export(str(stored / "model"), stored / kind, tmp_path / "out")
        assert list(tmp_path.iterdir()) == []
    finally:
        path.write_bytes(sound)
    load_adapter(vlm, stored / kind)


@pytest.mark.parametrize("value", NOT_FINITE)
def test_an_adapter_that_is_scaled_by_one_is_not_loaded(stored: Path, tmp_path: Path, value: float) -> None:
    shutil.copytree(stored / "adapter", tmp_path / "adapter")
    config = tmp_path / "adapter" / "adapter_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "lora_alpha": value}))
    vlm = load(stored / "model")
    with pytest.raises(UserError, match=f"holds {value} in the scaling of .*; train it again"):
        load_adapter(vlm, tmp_path / "adapter")
    assert not vlm.adapted


@pytest.mark.parametrize("value", NOT_FINITE)
def test_a_model_that_holds_one_is_not_loaded(tmp_path: Path, value: float) -> None:
    save_model(tiny_vlm("llava"), tmp_path / "model")
    spoil(tmp_path / "model" / "model.safetensors", value)
    with pytest.raises(UserError, match=f"holds {value} in .*weight; download the weights again"):
        load(tmp_path / "model")


def test_a_model_too_large_for_half_precision_is_not_stored_in_it(stored: Path, tmp_path: Path) -> None:
    vlm = load(stored / "model")
    name = f"{vlm.layout.decoder_layers}.1.{vlm.layout.mlp_down}.weight"
    apply_delta(vlm, {name: vlm.base.get_parameter(name) + 1e5})
    save_adapter(vlm, tmp_path / "delta")
    with pytest.raises(UserError, match=rf"holds inf in {name}; store it in a wider dtype"):
        export(str(stored / "model"), tmp_path / "delta", tmp_path / "half", dtype="float16")
    assert not (tmp_path / "half").exists()
    assert export(str(stored / "model"), tmp_path / "delta", tmp_path / "whole").folder.is_dir()


def test_a_model_whose_scores_are_none_is_not_asked() -> None:
    vlm = tiny_vlm("llava")
    vlm.base.get_output_embeddings().weight.data[7] = float("nan")
    with pytest.raises(UserError, match="score of its next word is not a finite number"):
        generate(vlm, [Probe("1", "Who is this?", (picture(1),))], progress=False)


def test_whole_numbers_and_what_has_no_values_pass() -> None:
    fine = {
        "quantised": torch.zeros(3, dtype=torch.uint8),
        "outlined": torch.empty(3, device="meta"),
        "empty": torch.empty(0, 4),
        "half": torch.tensor([65504.0], dtype=torch.float16),
    }
    check_finite(fine.items(), "It", "mend it")
    for kind in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        with pytest.raises(UserError, match=r"^It holds nan in x; mend it\.$"):
            check_finite([("x", torch.tensor([1.0, float("nan")], dtype=kind))], "It", "mend it")
