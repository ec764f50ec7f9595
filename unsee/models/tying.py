"""Tied weights under an adapter: one parameter in two modules, of which the adapter changes only one.

PEFT merges into the shared parameter, so that the other module changes too. Here such modules get parameters of their
own before the merge, and share one again where the merge made them equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils.other import AuxiliaryTrainingWrapper
from torch import nn
from transformers import PreTrainedModel

Place = tuple[nn.Module, str]


@contextmanager
def ties_settled(model: PreTrainedModel) -> Iterator[None]:
    """Merge the adapter of `model` (transformers' own, with PEFT's layers in it) within this.

    Afterwards the config says whether input and output embeddings are still one: with `tie_word_embeddings` true, a
    checkpoint would load with one of the two instead of both.
    """
    was_tied = [config for config in (model.config, model.config.get_text_config()) if _tied(config)]
    _part(model)
    yield
    into: Any = model.get_input_embeddings()
    out: Any = model.get_output_embeddings()
    if not was_tied or out is None:
        return
    same = torch.equal(into.weight, out.weight)
    if same:
        out.weight = into.weight
    for config in was_tied:
        config.tie_word_embeddings = same


def _tied(config: object) -> bool:
    return bool(getattr(config, "tie_word_embeddings", False))


def _part(model: PreTrainedModel) -> None:
    """Give every module that shares a parameter an equal one of its own, where an adapter lies on one of them."""
    adapted = tuple(
        f"{path}."
        for path, module in model.named_modules()
        if isinstance(module, (BaseTunerLayer, AuxiliaryTrainingWrapper))
    )
    places: dict[int, list[tuple[str, Place]]] = {}
    for path, module in model.named_modules():
        for leaf, parameter in module.named_parameters(recurse=False):
            places.setdefault(id(parameter), []).append((f"{path}.", (module, leaf)))
    for shared in places.values():
        if len(shared) > 1 and any(path.startswith(adapted) for path, _ in shared):
            for _, (module, leaf) in shared[1:]:
                own = nn.Parameter(module.get_parameter(leaf).detach().clone(), requires_grad=False)
                setattr(module, leaf, own)
