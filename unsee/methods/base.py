"""The interface of a method: a config, the training data it asks for, and its loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

from unsee.data.sample import Sample
from unsee.methods.rephrasing import Rephraser
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import ForgetRequest
from unsee.training.config import TrainingConfig
from unsee.training.objective import Objective

ConfigT = TypeVar("ConfigT", bound=TrainingConfig)


class Method(ABC, Generic[ConfigT]):
    """A way to unlearn. `name` is what users type, `title` and `source` say what it is and where it comes from."""

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    config: type[ConfigT]

    @abstractmethod
    def build(
        self,
        request: ForgetRequest,
        vlm: VisionLanguageModel,
        config: ConfigT,
        seed: int,
        rephrase: Rephraser | None = None,
    ) -> list[Sample]:
        """The training data. `vlm` is the model before unlearning; its own answers serve where facts are missing."""

    @abstractmethod
    def objective(self, request: ForgetRequest, vlm: VisionLanguageModel, config: ConfigT) -> Objective:
        """The loss, ready for batches of the training data."""
