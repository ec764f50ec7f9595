"""Which weights matter more for what is forgotten than for what is kept (MMUnlearner, arXiv 2502.11051)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from unsee.errors import UserError
from unsee.models.adapters import reference
from unsee.models.vlm import VisionLanguageModel
from unsee.training.objective import SampleSet, is_forget
from unsee.training.processes import number_of_processes, process_number, sum_over_processes

_EPSILON = 1e-15
"""Added to both sides of the ratio, as in the released code, so that weights without gradients have one."""


def salient_weights(
    vlm: VisionLanguageModel, training_set: SampleSet, modules: Sequence[str], threshold: float
) -> dict[str, Tensor]:
    """Per linear module, by its path, a mask [out, in] bool: (F_f + e) / (F_r + e) >= threshold.

    F is the mean over samples of the squared gradient of a sample's NLL, a mean over its tokens. Memory holds one score
    per weight, F_f - threshold * F_r in float32, and one gradient at a time.

    Raises UserError if there is nothing to forget or nothing to retain, or if weights are quantised to 4 bits.
    """
    if getattr(vlm.base, "is_loaded_in_4bit", False):
        raise UserError(f"{vlm.name} is loaded in 4 bits, whose weights have no gradients; load it in full precision.")
    roles = [is_forget(training_set.rows[rows[0]]) for rows in training_set.units]
    if len(set(roles)) < 2:
        raise UserError("The mask of weights needs samples with the role forget and samples to retain; give both.")
    weights = {path: cast(Tensor, vlm.base.get_submodule(path).weight) for path in modules}
    scores = {path: torch.zeros_like(weight, dtype=torch.float32) for path, weight in weights.items()}
    factor = 0.0

    def collector(score: Tensor) -> Callable[[Tensor], None]:
        def collect(weight: Tensor) -> None:
            assert weight.grad is not None
            score.add_(weight.grad.float().square(), alpha=factor)
            weight.grad = None

        return collect

    trained = {path: weight.requires_grad for path, weight in weights.items()}
    with reference(vlm):
        vlm.model.eval()
        handles = []
        for path, weight in weights.items():
            weight.requires_grad_(True)
            handles.append(weight.register_post_accumulate_grad_hook(collector(scores[path])))
        for of_forget, share in ((True, 1.0), (False, -threshold)):
            units = [unit for unit, role in enumerate(roles) if role is of_forget]
            factor = share / len(units)
            for unit in units[process_number() :: number_of_processes()]:
                _loss(vlm, training_set, unit).backward()
        for handle in handles:
            handle.remove()
        for path, weight in weights.items():
            weight.requires_grad_(trained[path])
    return {path: sum_over_processes(score) >= (threshold - 1) * _EPSILON for path, score in scores.items()}


def _loss(vlm: VisionLanguageModel, training_set: SampleSet, unit: int) -> Tensor:
    inputs = {key: value.to(vlm.device) for key, value in training_set.collate([unit]).items()}
    batch = training_set.token_batch(vlm.model, inputs)
    return functional.cross_entropy(batch.logits.float(), batch.targets)
