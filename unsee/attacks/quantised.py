"""Quantisation as users do it, with bitsandbytes and torchao (arXiv 2410.16454)."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import torch
from torch import nn

from unsee.attacks.base import Material, Target, Variant
from unsee.attacks.weights import WeightAttack
from unsee.models.vlm import VisionLanguageModel

NF4_BLOCK = 64
"""Weights of a row that share a constant."""


class Quantised(WeightAttack):
    """The linear modules of the decoder layers are quantised, after merging; the vision tower, the projector and the
    head are not, as when unsee loads a model in 4 bits. Only what is installed and runs here is tried."""

    name = "quantised"
    version = 1
    title = "Quantised by bitsandbytes and torchao"
    came_back = "quantised"
    level = "full"
    source = "2410.16454"

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        assert target.vlm is not None
        for label, quantise in QUANTISERS.items():
            if runs(label, str(target.vlm.device)):
                yield self.variant(label, target, material, partial(_quantise_decoder, quantise))

    def missing(self, target: Target, material: Material) -> str | None:
        reason = super().missing(target, material)
        if reason is None and target.vlm is not None:
            device = str(target.vlm.device)
            if not any(runs(label, device) for label in QUANTISERS):
                return "neither bitsandbytes nor torchao is installed and runs here; pip install 'unsee[quantize]'"
        return reason


def _eight_bits(linear: nn.Linear) -> nn.Module:
    """LLM.int8() (arXiv 2208.07339): int8 by row, columns with outliers apart."""
    bnb: Any = importlib.import_module("bitsandbytes")
    # It says at every call that it computes in float16.
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    made = bnb.nn.Linear8bitLt(*_shape(linear), has_fp16_weights=False, threshold=6.0)
    made.weight = bnb.nn.Int8Params(linear.weight.detach().clone(), requires_grad=False, has_fp16_weights=False)
    return _placed(made, linear)


def _nf4(linear: nn.Linear) -> nn.Module:
    """NormalFloat in 4 bits with quantised constants (QLoRA, arXiv 2305.14314). Rows that do not fill its blocks stay:
    bitsandbytes fails on them on some CPUs."""
    if linear.in_features % NF4_BLOCK:
        return linear
    bnb: Any = importlib.import_module("bitsandbytes")
    made = bnb.nn.Linear4bit(*_shape(linear), compute_dtype=linear.weight.dtype, quant_type="nf4")
    made.weight = bnb.nn.Params4bit(
        linear.weight.detach().clone(), requires_grad=False, quant_type="nf4", compress_statistics=True, module=made
    )
    return _placed(made, linear)


def _torchao(linear: nn.Linear) -> nn.Module:
    """Weights in int8 by row, computed in the model's dtype."""
    ao: Any = importlib.import_module("torchao.quantization")
    ao.quantize_(linear, ao.Int8WeightOnlyConfig())
    return linear


QUANTISERS: dict[str, Callable[[nn.Linear], nn.Module]] = {
    "bitsandbytes int8": _eight_bits,
    "bitsandbytes nf4": _nf4,
    "torchao int8": _torchao,
}
"""What each makes of a linear module, which it may change."""


@cache
def runs(label: str, device: str) -> bool:
    """Whether a quantiser is installed and answers rightly on the device, tried on a small module."""
    linear = nn.Linear(64, 64, bias=False, device=device).requires_grad_(False)
    linear.weight.copy_(torch.linspace(-0.1, 0.1, 64 * 64).view(64, 64))
    ones = torch.ones(1, 64, device=device)
    with torch.no_grad():
        wanted = linear(ones)
        try:
            return torch.allclose(QUANTISERS[label](linear)(ones), wanted, rtol=0.1, atol=0.1)
        # Whatever keeps somebody else's package from running here is a reason to leave it out.
        except Exception:
            return False


def _quantise_decoder(quantise: Callable[[nn.Linear], nn.Module], vlm: VisionLanguageModel) -> None:
    for path in vlm.layout.language_linears:
        linear = vlm.base.get_submodule(path)
        assert isinstance(linear, nn.Linear)
        vlm.base.set_submodule(path, quantise(linear))


def _shape(linear: nn.Linear) -> tuple[int, int, bool]:
    return linear.in_features, linear.out_features, linear.bias is not None


def _placed(made: nn.Module, linear: nn.Linear) -> nn.Module:
    """These weights are quantised when they are moved to a device."""
    made.bias = linear.bias
    return made.to(linear.weight.device).requires_grad_(False)
