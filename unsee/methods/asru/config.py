"""The settings of ASRU."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from unsee.errors import UserError
from unsee.training.config import TrainingConfig

STRENGTHS = (1.5, 2.0, 2.5, 3.0)
"""The strengths to choose from with strength=auto."""


@dataclass(frozen=True)
class ASRUConfig(TrainingConfig):
    """Settings of ASRU. Those of training (steps, batch, learning_rate, ...) are stage 2's; a batch counts prompts.

    The released setting for Qwen3-VL (arXiv 2605.15687 and its code): solver=gradient, layer=17, strength=3,
    retain_weight=1, answers_weight=0, steering_rate=1e-4, steering_batch=2, steering_epochs=3; boundary prompts as
    many as forget prompts, responses=8, temperature=1.5, top_p=0.95, beta=0.1, learning_rate=1e-6, weight_decay=1e-2,
    max_grad_norm=1, 6 epochs over rollouts of 64 prompts (batch=64).
    """

    steps: int = field(default=60, metadata={"help": "optimiser steps of stage 2, at most"})
    learning_rate: float = field(default=1e-3, metadata={"help": "peak learning rate of AdamW in stage 2"})
    forget: int = field(default=24, metadata={"help": "prompts to forget for each concept, at most"})
    views: int = field(
        default=2,
        metadata={"help": "altered views of its picture that every prompt is also asked about"},
    )
    retain: int = field(default=200, metadata={"help": "prompts to retain for each concept, at most"})
    general: int = field(
        default=0, metadata={"help": "general questions to retain for each concept: for models that can talk"}
    )
    unseen: int = field(
        default=60,
        metadata={"help": "pictures of people or things the model has never seen, for each concept, at most"},
    )
    held_out: float = field(default=0.2, metadata={"help": "share of the prompts held out for validation"})
    stages: Literal["both", "steering", "reinforcement"] = field(
        default="both", metadata={"help": "run both stages, or one of them alone"}
    )
    layer: str = field(
        default="auto",
        metadata={"help": "decoder layer to change: its index, a fraction of the depth, or auto: the best of several"},
    )
    strength: str = field(
        default="auto", metadata={"help": "lambda: how far forget prompts are moved, or auto: the best of several"}
    )
    solver: Literal["ridge", "gradient"] = field(default="ridge", metadata={"help": "how stage 1 is solved"})
    ridge: float = field(default=0.01, metadata={"help": "ridge: pull of the change to 0, times the mean eigenvalue"})
    retain_weight: float = field(default=4.0, metadata={"help": "weight of the prompts to retain in stage 1"})
    answers_weight: float = field(
        default=2.0,
        metadata={
            "help": "weight in stage 1 of the tokens of retained answers; 0 weighs only the position before them"
        },
    )
    steering_rate: float = field(default=1e-4, metadata={"help": "gradient: learning rate of stage 1"})
    steering_batch: int = field(default=2, metadata={"help": "gradient: prompts per step of stage 1"})
    steering_epochs: int = field(default=3, metadata={"help": "gradient: epochs of stage 1"})
    boundary: float = field(
        default=0.25,
        metadata={"help": "share of the prompts to retain in stage 2: first those lost, then those nearest to forget"},
    )
    responses: int = field(default=8, metadata={"help": "responses sampled for each prompt of stage 2"})
    temperature: float = field(default=1.5, metadata={"help": "temperature of the responses"})
    top_p: float = field(default=0.95, metadata={"help": "probability mass that responses are drawn from"})
    longest: int = field(default=48, metadata={"help": "tokens of a response, at most"})
    beta: float = field(default=0.1, metadata={"help": "weight of the KL to the steered model"})
    weight_decay: float = field(default=1e-2, metadata={"help": "weight decay of AdamW in stage 2"})
    validate_every: int = field(default=10, metadata={"help": "steps of stage 2 between validations"})
    patience: int = field(default=8, metadata={"help": "validations without progress before stage 2 ends"})
    rollouts: Literal["auto", "transformers", "vllm"] = field(
        default="auto", metadata={"help": "what samples responses; auto: vLLM if it is installed and has a GPU"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        counts = ("forget", "retain", "unseen", "steering_batch", "steering_epochs", "longest", "validate_every")
        for name in (*counts, "patience"):
            self._require(getattr(self, name) >= 1, name, "at least 1")
        for name in ("ridge", "steering_rate", "temperature"):
            self._require(getattr(self, name) > 0, name, "above 0")
        for name in ("views", "general", "retain_weight", "answers_weight", "beta", "weight_decay"):
            self._require(getattr(self, name) >= 0, name, "at least 0")
        self._require(self.responses >= 2, "responses", "at least 2, because they are compared with each other")
        self._require(0 < self.held_out < 1, "held_out", "above 0 and below 1")
        self._require(0 < self.boundary <= 1, "boundary", "above 0 and at most 1")
        self._require(0 < self.top_p <= 1, "top_p", "above 0 and at most 1")
        self._require(self.strength == "auto" or _number(self.strength) > 0, "strength", "auto, or a number above 0")
        if self.layer != "auto":
            number = _number(self.layer)
            self._require(
                number >= 0 and (number < 1 or number.is_integer()),
                "layer",
                "auto, a whole number (an index from 0) or between 0 and 1 (a fraction of the depth)",
            )
        if self.full:
            raise UserError(
                "full=True is not for asru: stage 1 changes one layer and stage 2 trains an adapter; leave it out."
            )

    def layer_of(self, depth: int) -> int | None:
        """The index of the decoder layer in a model with `depth` layers; None for layer=auto.

        Raises UserError if it is out of range.
        """
        if self.layer == "auto":
            return None
        number = _number(self.layer)
        index = int(number * depth) if number < 1 else int(number)
        if index >= depth:
            raise UserError(f"layer={index} is out of range; this model has the layers 0 to {depth - 1}.")
        return index

    @property
    def strengths(self) -> tuple[float, ...]:
        """The given strength, or those to choose from, ascending."""
        return STRENGTHS if self.strength == "auto" else (float(self.strength),)


def _number(text: str) -> float:
    """The number, or nan (which fits no rule) for anything that is not a finite number."""
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan
