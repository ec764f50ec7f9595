"""What a loss sees: a batch laid out as one row per token position, and the interface of a loss.

T is the length of a padded batch, N the number of positions a loss looks at in a batch, M the number among them where
it compares with the reference model, V the size of the vocabulary, H the width of the residual stream.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from unsee.data.collation import IGNORED, EncodedSample

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel
    from unsee.training.reference import TrainingSet

Reads = Literal["distributions", "targets", "hidden"]


@dataclass(frozen=True)
class TokenBatch:
    """The positions of a batch that a loss looks at, row after row, in order of position.

    logits [N, V]: of the model in training, at the position that predicts the token; [0, V] where the loss reads hidden
        states.
    targets [N]: id of the next token where it belongs to an answer, else IGNORED.
    sample [N]: the number of the row in the batch, so that the sum over a sequence is one `index_add`.
    forget [N]: True in rows of forget samples (tag role = "forget").
    rejected [N]: True in rows of answers that must lose (`Sample.rejected`); such a row follows that of the answer
        preferred to it.
    compared [N]: True where the reference is compared, in M rows.
    reference: what the reference model gives there, as `Objective.reads` says: log p_ref [M, V], log p_ref of the
        target [M], both float32, or hidden states [M, H].
    hidden [N, H]: the residual stream after `Objective.layer`, where the loss reads hidden states, else None.
    """

    logits: Tensor
    targets: Tensor
    sample: Tensor
    forget: Tensor
    rejected: Tensor
    compared: Tensor
    reference: Tensor
    hidden: Tensor | None = None


class Objective(ABC):
    """A loss. It says which positions it needs, so that nothing else reaches the vocabulary-sized tensors.

    reads: what it compares with the reference model: whole distributions, the probability of the target alone (V times
        less to keep), or hidden states.
    layer: the decoder layer (from 0) after which it reads hidden states.
    modules: paths of the linear modules that are trained; None: all that the settings say.
    learnt: the probability that every token of every forget sample's answer must reach before training may end; 0: it
        ends after `steps`. For losses that descend on the answers to forget.
    """

    reads: Reads = "distributions"
    layer: int | None = None
    modules: Sequence[str] | None = None
    learnt: float = 0.0

    def prepare(self, vlm: VisionLanguageModel, training_set: TrainingSet, seed: int) -> None:  # noqa: B027 (optional)
        """Called once before the first step, also of a resumed run: `vlm` computes what it did before unlearning, and
        carries what is going to be trained. By default nothing happens."""

    def looks_at(self, sample: EncodedSample, length: int) -> Tensor:
        """[length] bool: positions of a sample padded to `length` that the loss needs.

        By default those that predict an answer token, one before it.
        """
        return answers(sample, length)

    def compares_at(self, sample: EncodedSample, length: int) -> Tensor:
        """[length] bool: the positions among them where the reference model is needed. By default none."""
        return torch.zeros(length, dtype=torch.bool)

    @abstractmethod
    def __call__(self, batch: TokenBatch) -> Tensor:
        """The loss of a batch, a scalar."""


def answers(sample: EncodedSample, length: int) -> Tensor:
    """[length] bool: the positions that predict an answer token."""
    return next_labels(sample, length) != IGNORED


def next_labels(sample: EncodedSample, length: int) -> Tensor:
    """[length] int64: at each position the answer token that follows it, else IGNORED."""
    labels = torch.full((length,), IGNORED)
    labels[: len(sample.labels) - 1] = torch.tensor(sample.labels[1:])
    return labels


def is_forget(sample: EncodedSample) -> bool:
    return sample.tags.get("role") == "forget"
