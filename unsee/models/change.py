"""How far a result is from its base model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils.integrations import dequantize_module_weight
from peft.utils.other import ModulesToSaveWrapper
from torch import Tensor, nn

from unsee.models.vlm import VisionLanguageModel

Pair = tuple[Tensor, Tensor]
"""A weight before and after, of one shape and dtype."""


@dataclass(frozen=True)
class Change:
    """`tensors` and `parameters` count what differs, in the dtype of the weights; `relative_norm` is the Frobenius norm
    of the difference over that of the weights before, both over the tensors that differ (None where none does)."""

    tensors: int
    parameters: int
    relative_norm: float | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@torch.no_grad()
def change_between(pairs: Iterable[Pair]) -> Change:
    """The change over all pairs, which are looked at one after another."""
    tensors = parameters = 0
    moved = size = 0.0
    for before, after in pairs:
        count = int((before != after).sum())
        if count:
            tensors, parameters = tensors + 1, parameters + count
            moved += float(torch.linalg.vector_norm(after.float() - before.float())) ** 2
            size += float(torch.linalg.vector_norm(before.float())) ** 2
    return Change(tensors, parameters, _ratio(moved, size) if tensors else None)


def change_of(vlm: VisionLanguageModel, dtype: torch.dtype | None = None) -> Change:
    """What the adapter, the delta or both of `vlm` change in the base model's weights, as merging would change them.

    dtype: count what is left of it in this dtype; by default in that of the weights.
    """
    return change_between(
        (before.to(dtype), after.to(dtype)) if dtype else (before, after) for before, after in _pairs(vlm)
    )


def _ratio(moved: float, size: float) -> float:
    return math.sqrt(moved / size) if size else math.inf


def _pairs(vlm: VisionLanguageModel) -> Iterator[Pair]:
    originals = dict(vlm.originals or {})
    for path, module in vlm.base.named_modules():
        for leaf, before, after in _changed_by_adapter(module):
            yield originals.pop(f"{path}.{leaf}", before).to(after.device), after
    parameters = dict(vlm.base.named_parameters())
    for name, before in originals.items():
        path, _, leaf = name.rpartition(".")
        now = parameters.get(name, parameters.get(f"{path}.base_layer.{leaf}"))
        assert now is not None
        yield before.to(now.device), now


@torch.no_grad()
def _changed_by_adapter(module: nn.Module) -> Iterator[tuple[str, Tensor, Tensor]]:
    """(name, before, after) of the parameters that PEFT's layers in `module` itself change."""
    if isinstance(module, ModulesToSaveWrapper):
        trained = module.modules_to_save[module.active_adapters[0]]
        for leaf, before in module.original_module.named_parameters():
            yield leaf, before, trained.get_parameter(leaf)
    elif isinstance(module, BaseTunerLayer):
        base = cast(nn.Module, module.get_base_layer())
        if type(base.weight).__module__.startswith("bitsandbytes"):
            # Merging would round to 4 bits again.
            wide = dequantize_module_weight(base)
            yield "weight", wide, wide + sum(map(cast(Any, module).get_delta_weight, module.active_adapters))
            return
        kept = {leaf: weight.detach().clone() for leaf, weight in base.named_parameters()}
        module.merge()
        after = {leaf: weight.detach() for leaf, weight in base.named_parameters()}
        # Not `unmerge`, which subtracts: these are the weights to the bit.
        for leaf, weight in base.named_parameters():
            weight.data = kept[leaf]
        module.merged_adapters.clear()
        yield from ((leaf, kept[leaf], after[leaf]) for leaf in kept)
