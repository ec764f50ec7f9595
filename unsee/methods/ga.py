"""Gradient ascent (GA), the simplest baseline of the SIU paper."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from unsee.data.sample import Sample
from unsee.methods.base import EVERYWHERE, ForgetConfig, Method
from unsee.methods.likelihood import negative_log_likelihood
from unsee.methods.samples import true_answers
from unsee.requests import ForgetRequest
from unsee.training.objective import Objective, TokenBatch

if TYPE_CHECKING:
    from torch import Tensor

    from unsee.models.vlm import VisionLanguageModel


class GALoss(Objective):
    """L = -NLL(f): f are questions about the picture with their true answers."""

    def __call__(self, batch: TokenBatch) -> Tensor:
        return -negative_log_likelihood(batch, "forget")


class GA(Method[ForgetConfig]):
    """Raises the loss of what is to be forgotten and does nothing else."""

    name = "ga"
    title = "Gradient ascent"
    source = "arXiv 2405.12523, section 4.1 (baseline)"
    config = ForgetConfig
    forgets_in = EVERYWHERE

    def samples(
        self, request: ForgetRequest, vlm: VisionLanguageModel, config: ForgetConfig, rng: random.Random
    ) -> list[Sample]:
        return true_answers(request, vlm, config.forget, rng)

    def objective(self, requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, config: ForgetConfig) -> Objective:
        return GALoss()
