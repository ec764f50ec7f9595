"""`LocalJudge`: any model that unsee can load grades the answers, in text alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unsee.data.sample import Probe
from unsee.generation import generate
from unsee.judges import rubric
from unsee.judges.base import Case, Judge
from unsee.models.vlm import VisionLanguageModel

# Room for "Grade: 4" and for a model that cannot help a short sentence.
_ANSWER_TOKENS = 24


@dataclass(frozen=True)
class LocalJudge(Judge):
    """Asks `vlm` by greedy decoding; a reply without a clear grade gives None."""

    vlm: VisionLanguageModel

    def verdicts(self, cases: Sequence[Case]) -> list[int | None]:
        prompts = [rubric.prompt(case) for case in cases]
        distinct = list(dict.fromkeys(prompts))
        probes = [Probe(str(i), prompt) for i, prompt in enumerate(distinct)]
        responses = generate(self.vlm, probes, max_new_tokens=_ANSWER_TOKENS)
        replies = {prompt: response.text for prompt, response in zip(distinct, responses, strict=True)}
        return [rubric.verdict(replies[prompt]) for prompt in prompts]
