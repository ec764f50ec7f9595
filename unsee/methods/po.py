"""Preference optimisation by refusal (PO, also called IDK), a baseline of the SIU paper."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from torch import Tensor

from unsee.data.sample import Sample
from unsee.methods import phrasings
from unsee.methods.base import Method
from unsee.methods.likelihood import negative_log_likelihood
from unsee.methods.rephrasing import Rephraser, rephrase_samples
from unsee.methods.siu_data import questions_with_pictures, text_knowledge
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import ForgetRequest
from unsee.training.config import TrainingConfig
from unsee.training.objective import Objective, TokenBatch

REFUSALS = (
    "I don't know.",
    "I'm not certain about that.",
    "I cannot tell who or what this is.",
    "I have no information about that.",
    "I'm unable to answer this question.",
    "I don't have the answer to that.",
)


@dataclass(frozen=True)
class POConfig(TrainingConfig):
    """Settings of preference optimisation."""

    gamma: float = field(default=1.0, metadata={"help": "weight of the loss on the retained knowledge"})
    forget: int = field(default=8, metadata={"help": "samples of the picture with a refusal"})
    retain: int = field(default=8, metadata={"help": "samples of knowledge in text, half about C, half about others"})

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("forget", "retain"):
            self._require(getattr(self, name) >= 1, name, "at least 1")
        self._require(self.gamma >= 0, "gamma", "at least 0")


class POLoss(Objective):
    """L = NLL(f) + gamma * NLL(r): f are questions about the picture, answered with a refusal; r is text knowledge."""

    def __init__(self, config: POConfig) -> None:
        self.config = config

    def __call__(self, batch: TokenBatch) -> Tensor:
        refusal, retained = (negative_log_likelihood(batch, rows) for rows in (batch.forget, ~batch.forget))
        return refusal + self.config.gamma * retained


class PO(Method[POConfig]):
    """Teaches the model to refuse questions about the picture."""

    name = "po"
    title = "Preference optimisation (refusal)"
    source = "arXiv 2405.12523, section 4.1 (baseline); arXiv 2401.06121 (IDK)"
    config = POConfig

    def build(
        self,
        request: ForgetRequest,
        vlm: VisionLanguageModel,
        config: POConfig,
        seed: int,
        rephrase: Rephraser | None = None,
    ) -> list[Sample]:
        rng = random.Random(seed)
        frames = phrasings.NAMING[request.kind] + phrasings.DENYING[request.kind]
        refused = [
            Sample(frame.format(name=request.concept), rng.choice(REFUSALS), (picture,), tags={"role": "forget"})
            for frame, picture in questions_with_pictures(request, frames, config.forget, rng)
        ]
        samples = refused + text_knowledge(request, vlm, config.retain, rng)
        return samples if rephrase is None else rephrase_samples(samples, request.names, rephrase)

    def objective(self, request: ForgetRequest, vlm: VisionLanguageModel, config: POConfig) -> Objective:
        return POLoss(config)
