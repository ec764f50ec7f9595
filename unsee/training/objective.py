"""What a loss sees: a batch laid out as one row per token position, and the interface of a loss.

T is the length of a padded batch, N the number of positions a loss looks at in a batch, M the number among them where
it compares with the reference model, V the size of the vocabulary, H the width of the residual stream.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

from unsee.models.collation import IGNORED, EncodedSample

if TYPE_CHECKING:
    from torch import Tensor

    from unsee.models.vlm import VisionLanguageModel

Reads = Literal["distributions", "targets", "hidden"]


@dataclass(frozen=True)
class Counts:
    """What the means of a loss divide by: how much there is of each kind in all batches of an optimiser step.

    A mean over a single batch would not do: batches hold unequal shares of what is to be forgotten and of the rest, so
    the mean of their means is another loss for every way to cut a step into batches. In a run of W processes a count is
    the W-th part of what all processes have, because the gradient of the run is the mean of theirs.

    positions: that the loss looks at. compared: those among them with a reference. forget, retain: tokens of answers to
    forget samples, and to all others. answers: answers to forget samples. pairs: those of them that must lose.
    """

    positions: float
    compared: float
    forget: float
    retain: float
    answers: float
    pairs: float

    @classmethod
    def of(cls, targets: Tensor, sample: Tensor, forget: Tensor, rejected: Tensor, compared: Tensor) -> Counts:
        """Those of one batch; all [N], as in `TokenBatch`."""
        answered = targets != IGNORED
        of_forget = answered & forget
        return cls(
            positions=len(targets),
            compared=int(compared.sum()),
            forget=int(of_forget.sum()),
            retain=int((answered & ~forget).sum()),
            answers=len(sample[of_forget].unique()),
            pairs=len(sample[of_forget & rejected].unique()),
        )


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
    of_step: counts of the optimiser step that the batch is part of; None: the batch is the whole step.
    """

    logits: Tensor
    targets: Tensor
    sample: Tensor
    forget: Tensor
    rejected: Tensor
    compared: Tensor
    reference: Tensor
    hidden: Tensor | None = None
    of_step: Counts | None = None

    @cached_property
    def counts(self) -> Counts:
        """What means divide by."""
        return self.of_step or Counts.of(self.targets, self.sample, self.forget, self.rejected, self.compared)


class SampleSet(Protocol):
    """What a loss may ask of the samples before the first step; `unsee.training.reference.TrainingSet` answers.

    rows: the encoded samples. units: per sample its rows, one, or the preferred and the rejected answer's.
    """

    rows: list[EncodedSample]

    @property
    def units(self) -> list[list[int]]: ...

    def collate(self, units: Sequence[int]) -> dict[str, Any]:
        """Tensors of a batch of samples."""

    def token_batch(self, model: Any, batch: dict[str, Any]) -> TokenBatch:
        """What a loss sees of that batch once `model` has run on it."""


class Objective(ABC):
    """A loss. It says which positions it needs, so that no others reach the vocabulary-sized tensors.

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

    def prepare(self, vlm: VisionLanguageModel, training_set: SampleSet, seed: int) -> None:  # noqa: B027 (optional)
        """Called once before the first step, also of a resumed run: `vlm` computes what it did before unlearning, and
        carries what is going to be trained. By default nothing happens."""

    def looks_at(self, sample: EncodedSample, length: int) -> Tensor:
        """[length] bool: positions of a sample padded to `length` that the loss needs.

        By default those that predict an answer token, one before it.
        """
        return answers(sample, length)

    def compares_at(self, sample: EncodedSample, length: int) -> Tensor:
        """[length] bool: the positions among them where the reference model is needed. By default none."""
        import torch

        return torch.zeros(length, dtype=torch.bool)

    @abstractmethod
    def __call__(self, batch: TokenBatch) -> Tensor:
        """The loss of a batch, a scalar."""


def answers(sample: EncodedSample, length: int) -> Tensor:
    """[length] bool: the positions that predict an answer token."""
    return next_labels(sample, length) != IGNORED


def next_labels(sample: EncodedSample, length: int) -> Tensor:
    """[length] int64: at each position the answer token that follows it, else IGNORED."""
    import torch

    labels = torch.full((length,), IGNORED)
    labels[: len(sample.labels) - 1] = torch.tensor(sample.labels[1:])
    return labels


def is_forget(sample: EncodedSample) -> bool:
    return sample.tags.get("role") == "forget"
