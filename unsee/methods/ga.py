"""Gradient ascent (GA), the simplest baseline of the SIU paper."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from torch import Tensor

from unsee.data.sample import Sample
from unsee.methods import phrasings
from unsee.methods.base import Method
from unsee.methods.likelihood import negative_log_likelihood
from unsee.methods.rephrasing import Rephraser, rephrase_samples
from unsee.methods.siu_data import ask, first_sentence, questions_with_pictures
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import ForgetRequest
from unsee.training.config import TrainingConfig
from unsee.training.objective import Objective, TokenBatch


@dataclass(frozen=True)
class GAConfig(TrainingConfig):
    """Settings of gradient ascent."""

    forget: int = field(default=8, metadata={"help": "samples of the picture with its true name"})

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(self.forget >= 1, "forget", "at least 1")


class GALoss(Objective):
    """L = -NLL(f): f are questions about the picture, answered with the true name."""

    def __call__(self, batch: TokenBatch) -> Tensor:
        return -negative_log_likelihood(batch, batch.forget)


class GA(Method[GAConfig]):
    """Raises the loss of what is to be forgotten, and nothing else."""

    name = "ga"
    title = "Gradient ascent"
    source = "arXiv 2405.12523, section 4.1 (baseline)"
    config = GAConfig

    def build(
        self,
        request: ForgetRequest,
        vlm: VisionLanguageModel,
        config: GAConfig,
        seed: int,
        rephrase: Rephraser | None = None,
    ) -> list[Sample]:
        samples = true_names(request, vlm, config.forget, random.Random(seed))
        return samples if rephrase is None else rephrase_samples(samples, request.names, rephrase)

    def objective(self, request: ForgetRequest, vlm: VisionLanguageModel, config: GAConfig) -> Objective:
        return GALoss()


def true_names(request: ForgetRequest, vlm: VisionLanguageModel, count: int, rng: random.Random) -> list[Sample]:
    """Questions about the picture with its true name: what the model says where it names C, else a built-in answer.

    Half of them ask for the name, half whether it is C.
    """
    naming, denying = phrasings.NAMING[request.kind], phrasings.DENYING[request.kind]
    asked = questions_with_pictures(request, naming, count - count // 2, rng)
    named = ask(vlm, asked)
    answers = [first_sentence(said) for said in named]
    plain = phrasings.NAMING_ANSWERS[request.kind]
    answers = [a if request.concept in a else rng.choice(plain).format(substitute=request.concept) for a in answers]
    confirmed = [
        (frame.format(name=request.concept), picture)
        for frame, picture in questions_with_pictures(request, denying, count // 2, rng)
    ]
    answers += [f"Yes, this is {request.concept}."] * len(confirmed)
    tags = {"role": "forget"}
    pairs = zip([*asked, *confirmed], answers, strict=True)
    return [Sample(prompt, answer, (picture,), tags=tags) for (prompt, picture), answer in pairs]
