"""`OpenAIJudge`: a language model behind an OpenAI-compatible server grades the answers."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import track

from unsee.judges import rubric
from unsee.judges.base import Case, Judge
from unsee.judges.openai_client import chat


@dataclass(frozen=True)
class OpenAIJudge(Judge):
    """Asks `model` at `base_url`, at temperature 0, `workers` questions at a time; the same question only once.

    `timeout` is seconds per attempt. Raises SystemFailure when the server cannot be reached, UserError when it
    refuses; the questions not yet sent are then dropped. A reply without a clear grade gives None.
    """

    base_url: str
    model: str
    api_key: str | None = field(default=None, repr=False)
    timeout: float = 60
    workers: int = 8

    def verdicts(self, cases: Sequence[Case]) -> list[int | None]:
        prompts = [rubric.prompt(case) for case in cases]
        replies: dict[str, str] = {}
        pool = ThreadPoolExecutor(self.workers)
        try:
            waiting = {pool.submit(self._ask, prompt): prompt for prompt in dict.fromkeys(prompts)}
            console = Console(stderr=True)
            for done in track(as_completed(waiting), "Judging", total=len(waiting), console=console, transient=True):
                replies[waiting[done]] = done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return [rubric.verdict(replies[prompt]) for prompt in prompts]

    def _ask(self, prompt: str) -> str:
        messages = [{"role": "user", "content": prompt}]
        return chat(self.base_url, self.model, messages, api_key=self.api_key, timeout=self.timeout)
