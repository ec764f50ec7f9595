"""MMUnlearner, arXiv 2502.11051, Findings of ACL 2025: gradient difference under a fixed mask of weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unsee.methods.base import ForgetRetain, ForgetRetainConfig
from unsee.methods.ga_diff import GADiffLoss
from unsee.requests import ForgetRequest
from unsee.training.objective import Objective, SampleSet

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel


@dataclass(frozen=True)
class MMUnlearnerConfig(ForgetRetainConfig):
    """Settings of MMUnlearner."""

    threshold: float = field(default=1.0, metadata={"help": "least saliency of a weight that may change"})

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(self.threshold > 0, "threshold", "above 0")


class MMUnlearnerLoss(GADiffLoss):
    """L = -NLL(f) + gamma * NLL(r), where only the weights w with m(w) = 1 may change.

    m(w) = 1 where F_f(w) / F_r(w) >= threshold, else 0
    F    the diagonal of the empirical Fisher information of the model before unlearning: the mean over samples of
         (d NLL / d w)^2, those of f for F_f and those of r for F_r

    Masked are all linear modules of the decoder, which are all that is trained. Under LoRA the mask acts on the product
    of the factors, and the result is saved as a delta.
    """

    def __init__(self, config: MMUnlearnerConfig, vlm: VisionLanguageModel) -> None:
        super().__init__(config)
        self.config = config
        self.modules = vlm.layout.language_linears

    def prepare(self, vlm: VisionLanguageModel, training_set: SampleSet, seed: int) -> None:
        from unsee.methods.saliency import salient_weights
        from unsee.models.masking import mask_training

        assert self.modules is not None
        masks = salient_weights(vlm, training_set, self.modules, self.config.threshold)
        mask_training(vlm, masks)


class MMUnlearner(ForgetRetain[MMUnlearnerConfig]):
    """Gradient difference that touches only the weights that matter more for what is forgotten than for the rest."""

    name = "mmunlearner"
    title = "MMUnlearner"
    source = "arXiv 2502.11051, Findings of ACL 2025"
    config = MMUnlearnerConfig

    def objective(
        self, requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, config: MMUnlearnerConfig
    ) -> Objective:
        return MMUnlearnerLoss(config, vlm)
