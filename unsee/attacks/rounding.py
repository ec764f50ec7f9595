"""Pure rounding of the weights (arXiv 2410.16454: rounding to few bits can undo small changes)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from unsee.attacks.base import Material, Target, Variant
from unsee.attacks.weights import WeightAttack
from unsee.models.vlm import VisionLanguageModel

SETTINGS = ((8, None), (6, None), (5, None), (4, None), (4, 128), (4, 32))
"""(bits, weights that share a scale; None: a row)."""


class Rounding(WeightAttack):
    """Every linear weight is rounded to a symmetric grid: by row, or by groups along it as GGUF, AWQ and GPTQ do."""

    name = "rounding"
    version = 1
    title = "With weights rounded to few bits"
    came_back = "its weights are rounded"
    source = "2410.16454"

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        for bits, group in SETTINGS:
            label = f"{bits} bits by {'row' if group is None else f'groups of {group}'}"
            yield self.variant(label, target, material, partial(round_linears, bits=bits, group=group))


@torch.no_grad()
def round_linears(vlm: VisionLanguageModel, bits: int, group: int | None) -> None:
    """Round the weight of every linear module, in place; biases stay."""
    for module in vlm.base.modules():
        if isinstance(module, nn.Linear):
            module.weight.copy_(rounded(module.weight, bits, group))


def rounded(weight: Tensor, bits: int, group: int | None = None) -> Tensor:
    """A weight [rows, columns] as multiples of scale = max |w| / (2^(bits - 1) - 1), the largest over a row or over
    each `group` columns of it, of which the last may be narrower. Computed in float32, in the dtype of the weight."""
    most = 2 ** (bits - 1) - 1
    columns = weight.shape[1]
    width = columns if group is None else group
    groups = functional.pad(weight.float(), (0, -columns % width)).unflatten(1, (-1, width))
    largest = groups.abs().amax(-1, keepdim=True)
    # Of a row of zeros any scale will do.
    scale = torch.where(largest == 0, 1.0, largest / most)
    return ((groups / scale).round() * scale).flatten(1)[:, :columns].to(weight.dtype)
