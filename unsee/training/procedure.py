"""`Procedure`: the training of a method that is more than one loss over a fixed set of samples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unsee.data.sample import Sample

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel


class Procedure(ABC):
    """What a method returns instead of an `Objective` if it trains in its own way.

    `unlearn` does everything else: the data and its digest, the folder, the manifest, resuming, the result.
    """

    @abstractmethod
    def train(
        self, vlm: VisionLanguageModel, samples: Sequence[Sample], work: Path, seed: int, progress: bool
    ) -> dict[str, Any]:
        """Train in place, so that `vlm` carries an adapter, a delta or both; returns what the manifest says about it.

        work: the folder of the result. Leaves `training.jsonl` there; `work / "checkpoints"` is for resuming after an
        interruption and is removed at the end. Raises KeyboardInterrupt after Ctrl-C, with enough kept there to resume.
        """
