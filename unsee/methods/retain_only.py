"""Fine-tuning only on what is to be kept: the weakest baseline, which hopes that the rest is forgotten by itself."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from unsee.data.sample import Sample
from unsee.methods.base import EVERYWHERE, Method, RetainConfig
from unsee.methods.likelihood import negative_log_likelihood
from unsee.methods.samples import retained
from unsee.requests import ForgetRequest
from unsee.training.objective import Objective, TokenBatch

if TYPE_CHECKING:
    from torch import Tensor

    from unsee.models.vlm import VisionLanguageModel


class RetainOnlyLoss(Objective):
    """L = NLL(r): r is what is to be kept."""

    def __call__(self, batch: TokenBatch) -> Tensor:
        return negative_log_likelihood(batch, "retain")


class RetainOnly(Method[RetainConfig]):
    """Continues training on what is to be kept, without what is to be forgotten."""

    name = "retain_only"
    title = "Retain-only fine-tuning"
    source = "arXiv 1911.04933 (fine-tuning on the remaining data)"
    config = RetainConfig
    forgets_in = EVERYWHERE

    def samples(
        self, request: ForgetRequest, vlm: VisionLanguageModel, config: RetainConfig, rng: random.Random
    ) -> list[Sample]:
        return retained(request, vlm, config.retain, rng)

    def objective(self, requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, config: RetainConfig) -> Objective:
        return RetainOnlyLoss()
