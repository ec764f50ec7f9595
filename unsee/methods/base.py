"""The interface of a method: a config, the training data it needs, and its loss; and what many methods share.

A method's file imports torch inside the functions that compute, so that its settings can be read without torch.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, get_args

from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.methods.recognition import with_others_as_known
from unsee.methods.rephrasing import Rephraser, rephrase_samples
from unsee.methods.samples import retained, true_answers
from unsee.requests import ForgetRequest, Where
from unsee.training.config import TrainingConfig, peak_rate

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel
    from unsee.training.objective import Objective
    from unsee.training.procedure import Procedure


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
class BothConfig(RetainConfig, ForgetConfig):
    """Settings of a method that trains on both."""


@dataclass(frozen=True)
class ForgetRetainConfig(BothConfig):
    """Settings of a method that weighs what is to be forgotten against what is to be kept by one factor."""

    learning_rate: float = peak_rate(1.6e-3)
    gamma: float = field(default=1.0, metadata={"help": "weight of the term on the retained samples"})

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(self.gamma >= 0, "gamma", "at least 0")


ConfigT = TypeVar("ConfigT", bound=TrainingConfig)
BothT = TypeVar("BothT", bound=BothConfig)


EVERYWHERE: tuple[Where, ...] = get_args(Where)
"""For a method that trains on whatever samples it is given."""


class Method(ABC, Generic[ConfigT]):
    """A way to unlearn. `name` is what users type, `title` and `source` say what it is and where it comes from.

    `needs` are fields of the request that this method, unlike others, needs to work well. If the user leaves them empty
    in a request about the embedded world, the world fills them in. `teaches_refusal`: the model learns to say that it
    does not know; with other methods it may state something false. `forgets_in`: where it can forget; what it keeps
    in the other modality is trained with what is retained.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    forgets_in: ClassVar[tuple[Where, ...]] = ("pictures",)
    teaches_refusal: ClassVar[bool] = False
    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    config: type[ConfigT]

    def build(
        self,
        requests: Sequence[ForgetRequest],
        vlm: VisionLanguageModel,
        config: ConfigT,
        seed: int,
        rephrase: Rephraser | None = None,
    ) -> list[Sample]:
        """The training data of all requests, one after another; the counts in `config` are per request.

        `vlm` is the model before unlearning; its own answers are used where facts are missing. Raises UserError if a
        request cannot be used, or has pictures of others while nothing with a picture is retained.
        """
        for where in (request.where for request in requests if request.where not in self.forgets_in):
            raise UserError(
                f"{self.name} forgets in {' or '.join(self.forgets_in)}, not in {where}; choose a method that `unsee "
                "methods` lists for it."
            )
        rng = random.Random(seed)
        forgotten = [name for request in requests for name in request.names]
        complete = [with_others_as_known(request, forgotten, vlm, seed) for request in requests]
        samples = [sample for request in complete for sample in self.samples(request, vlm, config, rng)]
        keeps = any(sample.images and sample.tags.get("role") == "retain" for sample in samples)
        if not keeps and any(request.others for request in requests):
            plural = next(request.what.plural for request in requests if request.others)
            raise UserError(
                f"{self.name} with these settings trains on no retained picture, so pictures of other {plural} would "
                "change nothing; leave them out, or choose another method."
            )
        if rephrase is None:
            return samples
        names = [name for request in requests for name in (*request.names, *request.neighbours)]
        return rephrase_samples(samples, names, rephrase)

    @abstractmethod
    def samples(
        self, request: ForgetRequest, vlm: VisionLanguageModel, config: ConfigT, rng: random.Random
    ) -> list[Sample]:
        """The training data of one request. Raises UserError if the request cannot be used."""

    @abstractmethod
    def objective(
        self, requests: Sequence[ForgetRequest], vlm: VisionLanguageModel, config: ConfigT
    ) -> Objective | Procedure:
        """The loss, ready for batches of the training data; or a procedure that trains in another way."""


class ForgetRetain(Method[BothT]):
    """A method that trains on true answers about the concept, and on what is to be kept."""

    forgets_in: ClassVar[tuple[Where, ...]] = EVERYWHERE

    def samples(
        self, request: ForgetRequest, vlm: VisionLanguageModel, config: BothT, rng: random.Random
    ) -> list[Sample]:
        return true_answers(request, vlm, config.forget, rng) + retained(request, vlm, config.retain, rng)
