"""Vgid, visual-noise guided in-context distillation, arXiv 2606.00105: towards the model itself, which is shown noise
and told to forget.

From the paper's abstract and its authors' code (github.com/JackChen-seu/VGID): the teacher is the frozen model, whose
picture is under noise and whose question comes with words that ask it to forget; the student sees the clean picture and
the plain question; KL to the teacher on the forget set, KL to the model before on the retain set, one weight for each.
In the code the noise is all there is of the picture, drawn evenly between 0 and 1 in place of the processed pixels, and
the words are empty.

Our reading: the words (`_CONTEXT`), because we have not seen the paper's; the noise is drawn in RGB, once for each
sample, because the reference runs once; the KL is a mean over the tokens of the answer, where the code sums over all
positions; both terms are one loss, where the code takes their steps in turn.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from unsee.data.sample import Sample
from unsee.data.views import noised
from unsee.methods.base import ForgetRetain, ForgetRetainConfig
from unsee.methods.likelihood import divergence, mean
from unsee.requests import ForgetRequest
from unsee.training.objective import Objective, TokenBatch, answers

if TYPE_CHECKING:
    from torch import Tensor

    from unsee.models.collation import EncodedSample
    from unsee.models.vlm import VisionLanguageModel

_CONTEXT = "Pretend that you have never seen {name} and know nothing about {name}. {question}"


@dataclass(frozen=True)
class VgidConfig(ForgetRetainConfig):
    """Settings of Vgid, chosen on validation people, pictures and phrasings."""

    batch: int = field(default=8, metadata={"help": "samples per step and device"})
    forget: int = field(default=24, metadata={"help": "samples of each concept to forget, at most"})
    retain: int = field(default=48, metadata={"help": "samples to retain for each concept, at most"})
    noise: float = field(default=1.0, metadata={"help": "share of noise in the picture that the teacher is shown"})
    context: bool = field(default=False, metadata={"help": "tell the teacher to forget; for models that follow orders"})

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(0 < self.noise <= 1, "noise", "above 0 and at most 1")


class VgidLoss(Objective):
    """L = mean_f KL(p_t || p) + gamma * mean_r KL(p_ref || p), both means over the tokens of an answer.

    f      questions about the picture with their true answers; p_t is the model before unlearning, shown the picture
           under noise and told to forget
    r      what is to be kept; p_ref is the model before unlearning
    """

    def __init__(self, config: VgidConfig) -> None:
        self.gamma = config.gamma

    def compares_at(self, sample: EncodedSample, length: int) -> Tensor:
        return answers(sample, length)

    def __call__(self, batch: TokenBatch) -> Tensor:
        kl, forget = divergence(batch), batch.forget[batch.compared]
        return mean(kl[forget], batch.counts.forget) + self.gamma * mean(kl[~forget], batch.counts.retain)


class Vgid(ForgetRetain[VgidConfig]):
    """Learns to answer about the picture as the model does when it sees noise and is told to forget."""

    name = "vgid"
    title = "Visual-noise guided in-context distillation (Vgid)"
    source = "arXiv 2606.00105 and its released code"
    config = VgidConfig
    forgets_in = ("pictures",)
    needs = ("forget", "retain")

    def samples(
        self, request: ForgetRequest, vlm: VisionLanguageModel, config: VgidConfig, rng: random.Random
    ) -> list[Sample]:
        return [
            _taught(sample, request, config, rng) if sample.tags["role"] == "forget" else sample
            for sample in super().samples(request, vlm, config, rng)
        ]

    def objective(self, requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, config: VgidConfig) -> Objective:
        return VgidLoss(config)


def _taught(sample: Sample, request: ForgetRequest, config: VgidConfig, rng: random.Random) -> Sample:
    """The sample, with what the teacher is shown and asked instead at every token of its answer."""
    told = _CONTEXT.format(name=request.concept, question=sample.prompt) if config.context else None
    noise = tuple(noised(picture, config.noise, rng) for picture in sample.images)
    return replace(sample, masked=sample.answer, counterparts=noise, counterpart_prompt=told)
