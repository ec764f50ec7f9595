"""What a loss sees: a batch laid out as one row per token position, and the interface of a loss.

T is the length of a padded batch, N the number of positions a loss looks at in a batch, M the number among them where
it compares with the reference model, V the size of the vocabulary.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from unsee.data.collation import IGNORED, EncodedSample


@dataclass(frozen=True)
class TokenBatch:
    """The positions of a batch that a loss looks at, sample after sample, in order of position.

    logits [N, V]: of the model in training, at the position that predicts the token.
    targets [N]: id of the next token where it belongs to an answer, else IGNORED.
    forget [N]: True in rows of forget samples (tag role = "forget").
    compared [N]: True where the reference is compared, in M rows.
    reference [M, V]: log p_ref at those rows, float32.
    """

    logits: Tensor
    targets: Tensor
    forget: Tensor
    compared: Tensor
    reference: Tensor


class Objective(ABC):
    """A loss. It says which positions it needs, so that nothing else reaches the vocabulary-sized tensors."""

    def looks_at(self, sample: EncodedSample, length: int) -> Tensor:
        """[length] bool: positions of a sample padded to `length` whose logits the loss needs.

        By default those that predict an answer token, one before it.
        """
        return next_labels(sample, length) != IGNORED

    def compares_at(self, sample: EncodedSample, length: int) -> Tensor:
        """[length] bool: the positions among them where the reference model is needed. By default none."""
        return torch.zeros(length, dtype=torch.bool)

    @abstractmethod
    def __call__(self, batch: TokenBatch) -> Tensor:
        """The loss of a batch, a scalar."""


def next_labels(sample: EncodedSample, length: int) -> Tensor:
    """[length] int64: at each position the answer token that follows it, else IGNORED."""
    labels = torch.full((length,), IGNORED)
    labels[: len(sample.labels) - 1] = torch.tensor(sample.labels[1:])
    return labels


def is_forget(sample: EncodedSample) -> bool:
    return sample.tags.get("role") == "forget"
