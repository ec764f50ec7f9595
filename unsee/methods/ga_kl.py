"""Gradient ascent with a KL term (GA+KL, also called KL-Min), a baseline of the SIU paper."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import torch
from torch import Tensor

from unsee.data.collation import IGNORED, EncodedSample
from unsee.data.sample import Sample
from unsee.methods.base import Method
from unsee.methods.ga import true_names
from unsee.methods.likelihood import divergence, negative_log_likelihood
from unsee.methods.rephrasing import Rephraser, rephrase_samples
from unsee.methods.siu_data import text_knowledge
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import ForgetRequest
from unsee.training.config import TrainingConfig
from unsee.training.objective import Objective, TokenBatch, is_forget, next_labels


@dataclass(frozen=True)
class GAKLConfig(TrainingConfig):
    """Settings of gradient ascent with KL."""

    gamma: float = field(default=1.0, metadata={"help": "weight of the KL on the retained knowledge"})
    forget: int = field(default=8, metadata={"help": "samples of the picture with its true name"})
    retain: int = field(default=8, metadata={"help": "samples of knowledge in text, half about C, half about others"})

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("forget", "retain"):
            self._require(getattr(self, name) >= 1, name, "at least 1")
        self._require(self.gamma >= 0, "gamma", "at least 0")


class GAKLLoss(Objective):
    """L = -NLL(f) + gamma * KL(p_ref || p)(r), the KL averaged over the answer tokens of r.

    f: questions about the picture with the true name; r: text knowledge about C and others.
    """

    def __init__(self, config: GAKLConfig) -> None:
        self.config = config

    def __call__(self, batch: TokenBatch) -> Tensor:
        kl = divergence(batch).sum() / batch.compared.sum().clamp(min=1)
        return -negative_log_likelihood(batch, batch.forget) + self.config.gamma * kl

    def compares_at(self, sample: EncodedSample, length: int) -> Tensor:
        if is_forget(sample):
            return torch.zeros(length, dtype=torch.bool)
        return next_labels(sample, length) != IGNORED


class GAKL(Method[GAKLConfig]):
    """Raises the loss of what is to be forgotten and holds the rest near the model before."""

    name = "ga_kl"
    title = "Gradient ascent with KL (KL-Min)"
    source = "arXiv 2405.12523, section 4.1 (baseline); arXiv 2401.06121 (KL minimisation)"
    config = GAKLConfig

    def build(
        self,
        request: ForgetRequest,
        vlm: VisionLanguageModel,
        config: GAKLConfig,
        seed: int,
        rephrase: Rephraser | None = None,
    ) -> list[Sample]:
        rng = random.Random(seed)
        samples = true_names(request, vlm, config.forget, rng) + text_knowledge(request, vlm, config.retain, rng)
        return samples if rephrase is None else rephrase_samples(samples, request.names, rephrase)

    def objective(self, request: ForgetRequest, vlm: VisionLanguageModel, config: GAKLConfig) -> Objective:
        return GAKLLoss(config)
