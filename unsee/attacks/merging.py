"""Merging in bfloat16, which can swallow a small change (as arXiv 2410.16454 shows for rounding)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch

from unsee.attacks.base import Material, Target, Variant
from unsee.attacks.paraphrase import naming_trials
from unsee.attacks.weights import WeightAttack, engine_of, plain_copy
from unsee.generation import Engine


class Merging(WeightAttack):
    """Weights and adapter are rounded to bfloat16 and merged there, as for a checkpoint; answers are computed in the
    dtype of the model. Without an adapter that counts, the weights are only rounded."""

    name = "merging"
    version = 1
    title = "With the adapter merged in bfloat16"
    came_back = "merged in bfloat16"

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        yield Variant("", naming_trials(self.name, material), partial(_merged, target))


@contextmanager
def _merged(target: Target) -> Iterator[Engine]:
    with plain_copy(target, round_to=torch.bfloat16) as copy:
        yield engine_of(copy, target)
