"""A model's answers to held-out prompts: they choose the layer and watch over stage 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from unsee.data.sample import Probe, Sample
from unsee.methods.asru.rewards import BOUNDARY, FORGET, BoundaryReward, ForgetReward, RefusalDetector
from unsee.methods.asru.secrets import Secrets
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import VisionLanguageModel


@dataclass(frozen=True)
class Said:
    """Means over the answers to prompts of one role: the reward, the shares that contain the truth and that refuse, and
    the number of words."""

    reward: float
    told: float
    refused: float
    words: float


@dataclass(frozen=True)
class HeldOut:
    """Prompts to forget and to retain that are never trained on; either may be missing. secrets: what not to tell."""

    forget: Sequence[Sample]
    retain: Sequence[Sample]
    is_refusal: RefusalDetector
    longest: int
    cache: VisionCache
    secrets: Secrets

    def __bool__(self) -> bool:
        return bool(self.forget or self.retain)

    def ask(self, vlm: VisionLanguageModel) -> dict[str, Said]:
        """The model's present answers, greedy as for users, by role: `FORGET` and `BOUNDARY`, if there are any."""
        texts = say(vlm, [*self.forget, *self.retain], self.longest, self.cache)
        middle = len(self.forget)
        parts = {
            FORGET: (ForgetReward(self.is_refusal, self.secrets), self.forget, texts[:middle]),
            BOUNDARY: (BoundaryReward(self.is_refusal, self.secrets), self.retain, texts[middle:]),
        }
        return {
            role: Said(
                reward=_mean([reward.of(text, s.answer, s.prompt) for text, s in zip(said, asked, strict=True)]),
                told=_mean([reward.tells(text, s.answer, s.prompt) for text, s in zip(said, asked, strict=True)]),
                refused=_mean([self.is_refusal(text) for text in said]),
                words=_mean([len(text.split()) for text in said]),
            )
            for role, (reward, asked, said) in parts.items()
            if asked
        }


def say(vlm: VisionLanguageModel, samples: Sequence[Sample], longest: int, cache: VisionCache) -> list[str]:
    """The model's present answer to each prompt, greedily, in at most `longest` tokens."""
    # Only here: the package of generation comes after that of models, and reads them.
    from unsee.generation import generate

    probes = [Probe(str(number), sample.prompt, sample.images) for number, sample in enumerate(samples)]
    with torch.no_grad():
        said = generate(vlm, probes, max_new_tokens=longest, progress=False, cache=cache)
    return [response.text for response in said]


def reward_of(said: Mapping[str, Said]) -> float:
    """The mean of the rewards of the roles, with equal weights."""
    return _mean([at.reward for at in said.values()])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
