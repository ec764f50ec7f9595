"""The rewards of stage 2, as functions for TRL's `GRPOTrainer`, which adds them up.

For a response r to a prompt with the ground truth g (arXiv 2605.15687):

                  g is contained in r    refusal    otherwise
forget prompt     0.0                    1.0        0.5 if 0 < ROUGE-L(r, g) < 0.4, else 0.1
boundary prompt   1.0                    0.0        0.5 if ROUGE-L(r, g) > 0.6, else 0.1

Containment comes first: a refusal that still tells g leaks it. Ours: the content of g also counts as contained, the
name and the values of facts (`unsee.methods.asru.secrets`), because g may be a sentence that nobody repeats word for
word.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from unsee.data.thoughts import spoken
from unsee.methods.asru.secrets import Secrets
from unsee.metrics.wording import rouge_l_f as rouge_l

RefusalDetector = Callable[[str], bool]
FORGET, BOUNDARY = "forget", "boundary"


class Reward(ABC):
    """A reward for prompts of one role; None for prompts of other roles.

    is_refusal: says whether a response refuses. secrets: what is to be forgotten.
    """

    role: ClassVar[str]

    def __init__(self, is_refusal: RefusalDetector, secrets: Secrets) -> None:
        self.is_refusal, self.secrets = is_refusal, secrets
        # TRL logs a function's rewards under this name.
        self.__name__ = self.role

    def __call__(
        self,
        *,
        completions: Sequence[Any],
        question: Sequence[str],
        truth: Sequence[str],
        role: Sequence[str],
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """One reward per completion, as TRL calls it; `question`, `truth` and `role` are columns of the data set.

        `log_metric` writes the share of refusals among the responses to prompts of this role into TRL's log.
        """
        responses = [response_of(completion) for completion in completions]
        refused = [self.is_refusal(said) for said, asked in zip(responses, role, strict=True) if asked == self.role]
        if log_metric is not None and refused:
            log_metric(f"refused/{self.role}", sum(refused) / len(refused))
        rows = zip(responses, truth, question, role, strict=True)
        return [self.of(said, known, asked) if of == self.role else None for said, known, asked, of in rows]

    @abstractmethod
    def of(self, response: str, truth: str, question: str) -> float:
        """The reward of one response."""

    @abstractmethod
    def tells(self, response: str, truth: str, question: str) -> bool:
        """Whether the response tells the truth."""


class ForgetReward(Reward):
    """The reward of a forget prompt: most for a refusal, nothing for the truth, little for anything else."""

    role = FORGET

    def of(self, response: str, truth: str, question: str) -> float:
        if self.tells(response, truth, question):
            return 0.0
        if self.is_refusal(response):
            return 1.0
        return 0.5 if 0 < rouge_l(response, truth) < 0.4 else 0.1

    def tells(self, response: str, truth: str, question: str) -> bool:
        return self.secrets.leaked(response, truth, question)


class BoundaryReward(Reward):
    """The reward of a boundary prompt: most for the truth, nothing for a refusal."""

    role = BOUNDARY

    def of(self, response: str, truth: str, question: str) -> float:
        if self.tells(response, truth, question):
            return 1.0
        if self.is_refusal(response):
            return 0.0
        return 0.5 if rouge_l(response, truth) > 0.6 else 0.1

    def tells(self, response: str, truth: str, question: str) -> bool:
        return self.secrets.right(response, truth, question)


def response_of(completion: Any) -> str:
    """The text of a completion, without thoughts; TRL gives a list of messages if the prompt was one."""
    return spoken(completion if isinstance(completion, str) else str(completion[-1]["content"]))
