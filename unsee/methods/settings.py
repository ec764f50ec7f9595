"""The settings of each method except ASRU, in a module of their own: a typo is refused before torch is imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from unsee.errors import UserError
from unsee.training.config import TrainingConfig, peak_rate


@dataclass(frozen=True)
class ForgetConfig(TrainingConfig):
    """Settings of a method that trains on what is to be forgotten."""

    forget: int = field(default=8, metadata={"help": "samples of each concept to forget, at most"})

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(self.forget >= 1, "forget", "at least 1")


@dataclass(frozen=True)
class RetainConfig(TrainingConfig):
    """Settings of a method that trains on what is to be kept."""

    retain: int = field(default=8, metadata={"help": "samples to retain for each concept, at most"})

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(self.retain >= 1, "retain", "at least 1")


@dataclass(frozen=True)
class ForgetRetainConfig(RetainConfig, ForgetConfig):
    """Settings of a method that weighs what is to be forgotten against what is to be kept."""

    learning_rate: float = peak_rate(1.6e-3)
    gamma: float = field(default=1.0, metadata={"help": "weight of the term on the retained samples"})

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(self.gamma >= 0, "gamma", "at least 0")


@dataclass(frozen=True)
class SIUConfig(TrainingConfig):
    """Settings of SIU. The released code trains on 9, 2, 7 and 7 samples of the four targets."""

    alpha: float = field(default=0.9, metadata={"help": "weight of the cross-entropy (paper variant)"})
    beta: float = field(default=0.75, metadata={"help": "weight of the dual masked KL (paper variant)"})
    variant: Literal["paper", "released"] = field(
        default="paper", metadata={"help": "the loss as the paper states it, or as the released code computes it"}
    )
    token_mask: bool = field(default=True, metadata={"help": "K_S: leave the masked phrase out of the KL"})
    vocabulary_mask: bool = field(default=True, metadata={"help": "K_V: leave the name's tokens out of the KL"})
    unseen: int = field(default=4, metadata={"help": "samples of target 1: the picture gets a substitute name"})
    description: int = field(default=4, metadata={"help": "samples of target 2: denies that C is in the picture"})
    facts: int = field(default=6, metadata={"help": "samples of target 3: facts about C, in text"})
    others: int = field(default=6, metadata={"help": "samples of target 4: facts about other people, in text"})
    pictures: int = field(default=6, metadata={"help": "samples with pictures of other people, if the request has any"})
    confirmed: int = field(
        default=0, metadata={"help": 'more samples with such pictures, asking "is this X?" about whom the model sees'}
    )
    learnt: float = field(
        default=0.8,
        metadata={
            "help": "probability that each token of targets 1 and 2 must reach; until then training continues in "
            "rounds of a third of the steps, for at most as many steps again (0: training ends after the steps)"
        },
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(0 <= self.learnt < 1, "learnt", "at least 0 and below 1")
        for name in ("alpha", "beta", "unseen", "description", "facts", "others", "pictures", "confirmed"):
            self._require(getattr(self, name) >= 0, name, "at least 0")
        self._require(self.unseen + self.description > 0, "unseen", "at least 1 if description is 0")


@dataclass(frozen=True)
class POConfig(ForgetRetainConfig):
    """Settings of preference optimisation."""

    learning_rate: float = peak_rate(3e-3)


@dataclass(frozen=True)
class DPOConfig(ForgetRetainConfig):
    """Settings of DPO."""

    learning_rate: float = peak_rate(2e-3)
    beta: float = field(default=0.1, metadata={"help": "inverse temperature: how near to the model before"})

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(self.beta > 0, "beta", "above 0")


@dataclass(frozen=True)
class NPOConfig(ForgetRetainConfig):
    """Settings of NPO."""

    learning_rate: float = peak_rate(1.3e-3)
    beta: float = field(default=0.1, metadata={"help": "inverse temperature: towards 0 the loss becomes that of GA"})

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(self.beta > 0, "beta", "above 0")


@dataclass(frozen=True)
class SimNPOConfig(ForgetRetainConfig):
    """Settings of SimNPO."""

    learning_rate: float = peak_rate(2e-3)
    beta: float = field(default=2.5, metadata={"help": "inverse temperature"})
    margin: float = field(default=0.0, metadata={"help": "the paper's gamma: how unlikely is unlikely enough, in nats"})

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(self.beta > 0, "beta", "above 0")
        self._require(self.margin >= 0, "margin", "at least 0")


@dataclass(frozen=True)
class RMUConfig(RetainConfig, ForgetConfig):
    """Settings of RMU."""

    learning_rate: float = peak_rate(6e-3)
    alpha: float = field(default=10.0, metadata={"help": "weight of the term on the retained samples"})
    steering: float = field(default=20.0, metadata={"help": "the paper's c: length of the vector to steer to"})
    layer: float = field(
        default=0.5, metadata={"help": "decoder layer to steer: its number, or, below 1, a share of the depth"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(self.alpha >= 0, "alpha", "at least 0")
        self._require(self.steering > 0, "steering", "above 0")
        is_number = self.layer < 1 or self.layer == int(self.layer)
        self._require(self.layer >= 0 and is_number, "layer", "a share of the depth or the number of a layer")

    def layer_of(self, depth: int) -> int:
        """The layer's number, from 0, in a decoder of `depth` layers. Raises UserError if it is out of range."""
        number = int(self.layer * depth) if self.layer < 1 else int(self.layer)
        if number >= depth:
            raise UserError(f"layer={number} is out of range; the decoder has {depth} layers, from 0 to {depth - 1}.")
        return number


@dataclass(frozen=True)
class MMUnlearnerConfig(ForgetRetainConfig):
    """Settings of MMUnlearner."""

    threshold: float = field(default=1.0, metadata={"help": "least saliency of a weight that may change"})

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(self.threshold > 0, "threshold", "above 0")
