"""Representation misdirection for unlearning (RMU), from the WMDP paper, arXiv 2403.03218."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unsee.errors import UserError
from unsee.methods.base import BothConfig, ForgetRetain
from unsee.methods.likelihood import mean
from unsee.requests import ForgetRequest
from unsee.training.config import peak_rate
from unsee.training.objective import Objective, SampleSet, TokenBatch, answers, is_forget

if TYPE_CHECKING:
    from torch import Tensor

    from unsee.models.collation import EncodedSample
    from unsee.models.vlm import VisionLanguageModel

LAYERS = 3
"""How many layers are trained, the steered one and those before it, as in the released code."""


@dataclass(frozen=True)
class RMUConfig(BothConfig):
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


class RMULoss(Objective):
    """L = mean_f |h - c * u|^2 / H + alpha * mean_r |h - h_ref|^2 / H.

    h      residual stream after the steered layer, of width H, at the positions that predict the tokens of an answer
    f      questions about the picture with their true answers; r is what is to be kept
    u      a random unit vector, drawn once: entries uniform in [0, 1), then normalised (released code)
    h_ref  that of the model before unlearning

    Only the MLP's down-projections of the steered layer and of the two before it are trained (released code).
    """

    reads = "hidden"

    def __init__(self, config: RMUConfig, vlm: VisionLanguageModel) -> None:
        self.config = config
        self.layer = config.layer_of(len(vlm.decoder_layers))
        path, down = vlm.layout.decoder_layers, vlm.layout.mlp_down
        self.modules = [f"{path}.{number}.{down}" for number in range(self.layer + 1)][-LAYERS:]

    def prepare(self, vlm: VisionLanguageModel, training_set: SampleSet, seed: int) -> None:
        import torch

        direction = torch.rand(vlm.layout.hidden_size, generator=torch.Generator().manual_seed(seed))
        self.target = self.config.steering * direction / direction.norm()

    def __call__(self, batch: TokenBatch) -> Tensor:
        assert batch.hidden is not None
        hidden = batch.hidden.float()
        away = (hidden[batch.forget] - self.target.to(hidden.device)).square().mean(-1)
        kept = (hidden[batch.compared] - batch.reference).square().mean(-1)
        return mean(away, batch.counts.forget) + self.config.alpha * mean(kept, batch.counts.compared)

    def compares_at(self, sample: EncodedSample, length: int) -> Tensor:
        return answers(sample, length) & (not is_forget(sample))


class RMU(ForgetRetain[RMUConfig]):
    """Steers the hidden states of what is to be forgotten in a random direction and holds all others in place."""

    name = "rmu"
    title = "Representation misdirection"
    source = "arXiv 2403.03218 and its released code"
    config = RMUConfig

    def objective(self, requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, config: RMUConfig) -> Objective:
        return RMULoss(config, vlm)
