"""Gradient difference (GA-Diff, GradDiff), arXiv 2203.12817; as a baseline of TOFU, arXiv 2401.06121."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unsee.methods.base import ForgetRetain, ForgetRetainConfig
from unsee.methods.likelihood import negative_log_likelihood
from unsee.requests import ForgetRequest
from unsee.training.objective import Objective, TokenBatch

if TYPE_CHECKING:
    from torch import Tensor

    from unsee.models.vlm import VisionLanguageModel


class GADiffLoss(Objective):
    """L = -NLL(f) + gamma * NLL(r): f are questions about the picture with their true answers; r is to be kept."""

    def __init__(self, config: ForgetRetainConfig) -> None:
        self.gamma = config.gamma

    def __call__(self, batch: TokenBatch) -> Tensor:
        return -negative_log_likelihood(batch, "forget") + self.gamma * negative_log_likelihood(batch, "retain")


class GADiff(ForgetRetain[ForgetRetainConfig]):
    """Raises the loss of what is to be forgotten and lowers that of what is to be kept."""

    name = "ga_diff"
    title = "Gradient difference"
    source = "arXiv 2203.12817; arXiv 2401.06121 (gradient difference)"
    config = ForgetRetainConfig

    def objective(
        self, requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, config: ForgetRetainConfig
    ) -> Objective:
        return GADiffLoss(config)
