"""The settings of look-alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from unsee.training.config import TrainingConfig, peak_rate


@dataclass(frozen=True)
class LookAlikeConfig(TrainingConfig):
    """Settings of look-alike, chosen on validation people, pictures and phrasings (`docs/lookalike.md`)."""

    steps: int = field(default=60, metadata={"help": "optimiser steps"})
    batch: int = field(default=16, metadata={"help": "samples per step and device"})
    learning_rate: float = peak_rate(1e-3)
    lora_rank: int = field(default=16, metadata={"help": "rank of the adapter"})
    where: Literal["decoder", "vision", "both"] = field(
        default="both", metadata={"help": "what carries the adapter: the decoder, vision tower and projector, or both"}
    )
    gamma: float = field(default=5.0, metadata={"help": "weight of the term on the retained samples"})
    likelihood: float = field(
        default=3.0, metadata={"help": "weight of how likely the words of an answer are, apart from the KL"}
    )
    alike: int = field(default=8, metadata={"help": "look-alikes of each picture, the nearest of the unknown ones"})
    views: int = field(default=60, metadata={"help": "altered views of each picture of C"})
    naming: int = field(default=12, metadata={"help": "samples that ask for C's name"})
    denying: int = field(default=24, metadata={"help": "samples that ask whether it is C"})
    facts: int = field(default=8, metadata={"help": "samples that ask for a fact about C's picture"})
    true: int = field(default=200, metadata={"help": "samples of answers that were true, to become unlikely"})
    company: int = field(default=64, metadata={"help": "samples of C next to another, half of them about the other"})
    visible: int = field(default=16, metadata={"help": "retained samples of what can be seen in C's pictures"})
    unknown: int = field(default=24, metadata={"help": "retained samples of unknown ones"})
    others: int = field(default=80, metadata={"help": "retained samples of others, if the request shows any"})
    text: int = field(default=24, metadata={"help": "retained samples in text, half about C and half about others"})

    def __post_init__(self) -> None:
        super().__post_init__()
        counts = ("naming", "denying", "facts", "true", "company", "visible", "unknown", "others", "text", "views")
        for name in ("gamma", "likelihood", *counts):
            self._require(getattr(self, name) >= 0, name, "at least 0")
        self._require(self.alike >= 1, "alike", "at least 1")
        self._require(self.naming + self.denying + self.facts + self.true > 0, "naming", "at least 1")
