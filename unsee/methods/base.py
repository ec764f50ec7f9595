"""The interface of a method: a config, the training data it needs, and its loss."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.methods.rephrasing import Rephraser, rephrase_samples
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import ForgetRequest
from unsee.training.config import TrainingConfig
from unsee.training.objective import Objective
from unsee.training.procedure import Procedure

ConfigT = TypeVar("ConfigT", bound=TrainingConfig)


class Method(ABC, Generic[ConfigT]):
    """A way to unlearn. `name` is what users type, `title` and `source` say what it is and where it comes from.

    `needs` are fields of the request that this method, unlike others, needs to work well. If the user leaves them empty
    in a request about the embedded world, the world fills them in. `teaches_refusal`: the model learns to say that it
    does not know; with other methods it may state something false.
    """

    needs: ClassVar[tuple[str, ...]] = ()
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
        request cannot be used, or has pictures of other people while nothing with a picture is retained.
        """
        from unsee.methods.recognition import with_others_as_known

        rng = random.Random(seed)
        forgotten = [name for request in requests for name in request.names]
        complete = [with_others_as_known(request, forgotten, vlm, seed) for request in requests]
        samples = [sample for request in complete for sample in self.samples(request, vlm, config, rng)]
        keeps = any(sample.images and sample.tags.get("role") == "retain" for sample in samples)
        if not keeps and any(request.others for request in requests):
            raise UserError(
                f"{self.name} with these settings trains on no retained picture, so pictures of other people would "
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
