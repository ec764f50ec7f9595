"""What attacks on weights share: a plain copy of a model to change, which leaves the model itself as it is."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from unsee.attacks.base import WEIGHTS, Attack, Material, Target, Trial, Variant
from unsee.attacks.paraphrase import naming_trials
from unsee.generation import Engine, TransformersEngine
from unsee.models.adapters import detach, merge
from unsee.models.vlm import VisionLanguageModel

Changing = Callable[[VisionLanguageModel], None]
"""Changes the weights of a plain copy in place."""


class WeightAttack(Attack):
    """An attack that changes weights and then asks for the name as `paraphrase` does."""

    needs: ClassVar[tuple[str, ...]] = (WEIGHTS,)

    def missing(self, target: Target, material: Material) -> str | None:
        if target.vlm is not None and getattr(target.vlm.base, "is_loaded_in_4bit", False):
            return "the model is loaded in 4 bits, whose weights cannot be changed; load it in full precision"
        return super().missing(target, material)

    def variant(self, label: str, target: Target, material: Material, change: Changing | None) -> Variant:
        """Ask for the name after a change of a plain copy; without one, ask the target itself."""
        trials: list[Trial] = naming_trials(self.name, material, label)
        if change is None:
            return Variant(label, trials)

        def entered() -> AbstractContextManager[Engine]:
            return changed(target, change)

        return Variant(label, trials, entered)


def is_before(target: Target) -> bool:
    """Whether the target answers with its adapter and its delta switched off."""
    return isinstance(target.engine, TransformersEngine) and target.engine.before


def is_unlearned(target: Target) -> bool:
    """Whether an adapter or a delta counts in the target's answers, so that there is a change to play with."""
    return target.vlm is not None and target.vlm.adapted and not is_before(target)


@contextmanager
def changed(target: Target, change: Changing) -> Iterator[Engine]:
    """The engine of a plain copy after a change of its weights; the copy is gone afterwards."""
    with plain_copy(target) as copy:
        change(copy)
        yield engine_of(copy, target)


@contextmanager
def plain_copy(target: Target, round_to: torch.dtype | None = None) -> Iterator[VisionLanguageModel]:
    """The weights that the target answers with, as an ordinary model of its own: the adapter and the delta are merged,
    or, where they do not count, removed. No weight is trainable.

    It takes as much memory as the model once more, and while it is made also the adapter and the weights before. It is
    emptied at the end, so that nobody who still holds it or its engine keeps the memory.

    round_to: round weights and adapter to this dtype first, so that they are merged in it. The copy has the dtype of
    the model all the same.
    """
    assert target.vlm is not None
    originals = target.vlm.originals
    # Where they are put back, the copy must not share them.
    own = deepcopy(originals) if is_before(target) else originals
    copy = replace(target.vlm, model=deepcopy(target.vlm.model), originals=own)
    try:
        if is_before(target):
            detach(copy)
        dtypes = {_plain(name): weight.dtype for name, weight in copy.base.named_parameters(remove_duplicate=False)}
        if round_to is not None:
            for weight in copy.model.parameters():
                # Not the buffers: no checkpoint rounds what positions are computed from.
                weight.data = weight.data.to(round_to)
        if copy.adapted:
            merge(copy)
        for name, weight in copy.base.named_parameters():
            weight.data = weight.data.to(dtypes[name])
        copy.model.eval().requires_grad_(False)
        yield copy
    finally:
        _empty(copy.base)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def engine_of(copy: VisionLanguageModel, target: Target) -> TransformersEngine:
    """An engine for a copy, with pictures of its own, because the tower may have changed."""
    if isinstance(target.engine, TransformersEngine):
        return TransformersEngine(copy, batch_size=target.engine.batch_size, logprobs=target.engine.logprobs)
    return TransformersEngine(copy)


def weights_before(vlm: VisionLanguageModel, *, delta: bool = False) -> dict[str, Tensor]:
    """The weights without the adapter, by their names in a plain copy, not copied; with `delta` those under the adapter
    where it lies on a delta, else those before unlearning."""
    found = {_plain(name): weight.detach() for name, weight in vlm.base.named_parameters(remove_duplicate=False)}
    return found if delta else found | {name: weight.detach() for name, weight in (vlm.originals or {}).items()}


def changes(copy: VisionLanguageModel, before: Mapping[str, Tensor]) -> Iterator[tuple[nn.Parameter, Tensor]]:
    """(weight of the copy, the same before) of every weight that differs."""
    for name, weight in copy.base.named_parameters():
        old = before[name].to(weight)
        if not torch.equal(old, weight):
            yield weight, old


@torch.no_grad()
def interpolate(copy: VisionLanguageModel, before: Mapping[str, Tensor], share: float) -> None:
    """W = W_before + share * (W - W_before), for every weight of the copy, computed in float32."""
    for weight, old in changes(copy, before):
        weight.copy_(torch.lerp(old.float(), weight.float(), share))


def _plain(name: str) -> str:
    """A parameter's name in a model without PEFT's wrappers."""
    return name.replace(".base_layer.", ".").replace(".original_module.", ".")


def _empty(model: nn.Module) -> None:
    for module in [*model.modules()]:
        for name in [name for name, _ in module.named_parameters(recurse=False)]:
            delattr(module, name)
        for name in [name for name, _ in module.named_children()]:
            delattr(module, name)
