"""An independent reader: a language model that takes no part in any run says how probable answers are as English.

A model's own probabilities are high for anything it repeats, and those of the model before unlearning are low for
everything it would not have said. Gemma 3 270M shares neither weights nor training with the models that unsee ships. It
is downloaded on first use (`unsee.models.pretrained`) under Google's terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from unsee import metrics
from unsee.metrics import Score
from unsee.metrics.intervals import Units
from unsee.models.pretrained import INDEPENDENT_READER, fetch, read_causal_lm
from unsee.terminal import say

_BATCH = 8
"""Of its 262,144 tokens, logits of a few rows take hundreds of megabytes."""


class IndependentReader:
    """Reads answers with a causal language model; each by itself, without the question."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer = model, tokenizer

    def perplexity(self, answers: Sequence[str], *, units: Units | None = None) -> Score:
        """Of all answers together, per token of the reader's; lower is better. `units` say what each is about. Empty
        answers are left out of n; raises `ValueError` if all are empty."""
        # Many are said again and again.
        distinct = sorted({answer.strip() for answer in answers}, key=len)
        rows: dict[str, list[float]] = {}
        for start in range(0, len(distinct), _BATCH):
            rows |= self._read(distinct[start : start + _BATCH])
        logprobs = [rows[answer.strip()] for answer in answers]
        # No token is a name's, so the size of the vocabulary does not matter.
        return metrics.fluency(logprobs, [[False] * len(row) for row in logprobs], 1, units=units)

    @torch.inference_mode()
    def _read(self, texts: list[str]) -> dict[str, list[float]]:
        """log p of every token of each text behind the token that begins a text."""
        begin = self.tokenizer.bos_token_id
        ids = [[begin, *self.tokenizer(text, add_special_tokens=False)["input_ids"]] for text in texts]
        longest = max(map(len, ids))
        # Causal: padding behind a text changes nothing before it.
        given = torch.tensor([row + [begin] * (longest - len(row)) for row in ids], device=self.model.device)
        logits = self.model(input_ids=given, use_cache=False).logits[:, :-1].float()
        found = (logits.gather(-1, given[:, 1:, None])[..., 0] - logits.logsumexp(-1)).tolist()
        return {text: row[: len(own) - 1] for text, row, own in zip(texts, found, ids, strict=True)}


@lru_cache(maxsize=1)
def independent_reader() -> IndependentReader:
    """Gemma 3 270M, kept for the process. Raises as `unsee.models.pretrained.fetch` does."""
    return IndependentReader(*read_causal_lm(fetched_reader()))


def fetched_reader() -> Path:
    """Its file, downloaded unless it is there."""
    return fetch(INDEPENDENT_READER, lambda words: say(f"{words[0].upper()}{words[1:]} …"))
