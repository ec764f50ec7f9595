"""An adapter folded into the weights for as long as a model answers, and taken out again bit for bit.

Beside its linear layer, a low-rank adapter costs two small products, a scaling and an addition. In a small model these
take longer than the layer itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import torch
from peft.tuners.lora import Linear as LoraLinear
from torch import nn

from unsee.models.vlm import VisionLanguageModel

MOST_BYTES = 1 << 30
"""Most memory for the merged weights, which lie next to the original ones."""


@contextmanager
def merged(vlm: VisionLanguageModel) -> Iterator[None]:
    """Within it, linear layers of the decoder compute with the adapter in their weight; afterwards they have the very
    parameters they had before.

    Only in float32, where the sum is as precise as the two parts, and if the merged weights take `MOST_BYTES` at most;
    nothing changes otherwise. A layer gets a parameter of its own, so that weights tied to it stay as they are.
    """
    layers = mergeable(vlm)
    originals = [_linear(layer).weight for layer in layers]
    if sum(weight.nbytes for weight in originals) > MOST_BYTES:
        layers = []
    kept = [(layer, _linear(layer), weight) for layer, weight in zip(layers, originals, strict=False)]
    try:
        for layer, linear, weight in kept:
            (name,) = layer.active_adapters
            with torch.no_grad():
                linear.weight = nn.Parameter(weight + layer.get_delta_weight(name), requires_grad=False)
            # PEFT then leaves the adapter's own products out.
            layer.merged_adapters = [name]
        yield
    finally:
        for layer, linear, weight in kept:
            linear.weight = weight
            layer.merged_adapters = []


def mergeable(vlm: VisionLanguageModel) -> list[LoraLinear]:
    """Adapted layers of the decoder whose adapter is nothing but a low-rank product in float32, and switched on."""
    decoder = vlm.base.get_submodule(vlm.layout.decoder)
    return [module for module in decoder.modules() if type(module) is LoraLinear and _is_plain(module)]


def _is_plain(layer: LoraLinear) -> bool:
    linear, names = _linear(layer), layer.active_adapters
    if layer.disable_adapters or layer.merged or len(names) != 1 or names[0] not in layer.lora_A:
        return False
    if layer.lora_variant or layer.lora_bias.get(names[0]):
        return False
    # A hook is accelerate's, for weights that lie elsewhere.
    if type(linear) is not nn.Linear or hasattr(linear, "_hf_hook"):
        return False
    factors = (layer.lora_A[names[0]].weight, layer.lora_B[names[0]].weight)
    return all(weight.dtype == torch.float32 and not weight.is_meta for weight in (linear.weight, *factors))


def _linear(layer: LoraLinear) -> nn.Linear:
    return cast(nn.Linear, layer.get_base_layer())
