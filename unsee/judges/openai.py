"""`OpenAIJudge`: a language model behind an OpenAI-compatible server grades the answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from unsee.generation.openai_client import chat, replies
from unsee.judges import factuality_rubric, quality_rubric, rubric
from unsee.judges.base import Case, Judge, Quality


@dataclass(frozen=True)
class OpenAIJudge(Judge):
    """Asks `model` at `base_url`, `workers` questions at a time; the same question only once.

    `timeout` is seconds per attempt; `temperature` None leaves it to the server, because some accept one value only.
    A reply without a clear grade, an empty one and a prompt that the server filters or refuses give None. Raises
    SystemFailure when the server cannot be reached, UserError when it refuses whatever it is asked; the questions not
    yet sent are then dropped.
    """

    base_url: str
    model: str
    api_key: str | None = field(default=None, repr=False)
    timeout: float = 60
    workers: int = 8
    temperature: float | None = 0.0

    def verdicts(self, cases: Sequence[Case]) -> list[int | None]:
        return [rubric.verdict(reply) for reply in self._replies(map(rubric.prompt, cases))]

    def qualities(self, cases: Sequence[Case]) -> list[Quality]:
        return [quality_rubric.read(reply) for reply in self._replies(map(quality_rubric.prompt, cases))]

    def factualities(self, cases: Sequence[Case]) -> list[int | None]:
        return [factuality_rubric.read(reply) for reply in self._replies(map(factuality_rubric.prompt, cases))]

    def _replies(self, asked: Iterable[str]) -> list[str]:
        prompts = list(asked)
        said = replies(prompts, self._ask, workers=self.workers, doing="Judging")
        return [said[prompt] or "" for prompt in prompts]

    def _ask(self, prompt: str) -> str | None:
        return chat(
            self.base_url,
            self.model,
            [{"role": "user", "content": prompt}],
            api_key=self.api_key,
            timeout=self.timeout,
            temperature=self.temperature,
        )
