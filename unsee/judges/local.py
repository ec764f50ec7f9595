"""`LocalJudge`: any model that unsee can load grades the answers, in text alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from unsee.data.sample import Probe
from unsee.generation import generate
from unsee.judges import factuality_rubric, quality_rubric, rubric
from unsee.judges.base import Case, Judge, Quality
from unsee.models.vlm import VisionLanguageModel

# Room for "Grade: 4" and for a model that cannot help a short sentence; three labelled scores take more.
_GRADE_TOKENS, _SCORES_TOKENS = 24, 64


@dataclass(frozen=True)
class LocalJudge(Judge):
    """Asks `vlm` by greedy decoding, the same question only once; a reply without a clear grade gives None."""

    vlm: VisionLanguageModel

    def verdicts(self, cases: Sequence[Case]) -> list[int | None]:
        return [rubric.verdict(reply) for reply in self._replies(map(rubric.prompt, cases), _GRADE_TOKENS)]

    def qualities(self, cases: Sequence[Case]) -> list[Quality]:
        replies = self._replies(map(quality_rubric.prompt, cases), _SCORES_TOKENS)
        return [quality_rubric.read(reply) for reply in replies]

    def factualities(self, cases: Sequence[Case]) -> list[int | None]:
        replies = self._replies(map(factuality_rubric.prompt, cases), _GRADE_TOKENS)
        return [factuality_rubric.read(reply) for reply in replies]

    def _replies(self, asked: Iterable[str], tokens: int) -> list[str]:
        prompts = list(asked)
        distinct = list(dict.fromkeys(prompts))
        probes = [Probe(str(i), prompt) for i, prompt in enumerate(distinct)]
        responses = generate(self.vlm, probes, max_new_tokens=tokens)
        replies = {prompt: response.text for prompt, response in zip(distinct, responses, strict=True)}
        return [replies[prompt] for prompt in prompts]
