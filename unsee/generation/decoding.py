"""Decoding of a batch whose prompts have been read: the likeliest tokens, or drawn ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from unsee.errors import UserError
from unsee.generation.batching import Row
from unsee.generation.kv import keep_rows
from unsee.generation.reading import Reader, Reading


@dataclass
class Answer:
    """Tokens of one answer, the stop token included where it came, and their log-probabilities if asked for.

    `ended`: whether the stop token came before there was no more room.
    """

    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    ended: bool = False


class Penalties:
    """What a model's own `generation_config` does to greedy decoding: a repetition penalty and tokens never said.

    Some checkpoints ship with these (Qwen2.5-VL: a penalty of 1.05), and `model.generate` applies them. As there, the
    penalty counts the tokens of the prompt.
    """

    def __init__(self, generation_config: Any) -> None:
        self.repetition = float(getattr(generation_config, "repetition_penalty", None) or 1.0)
        banned = set(getattr(generation_config, "suppress_tokens", None) or ())
        phrases = getattr(generation_config, "bad_words_ids", None) or ()
        self.banned = sorted(banned | {phrase[0] for phrase in phrases if len(phrase) == 1})

    def seen_in(self, rows: Sequence[Row], vocabulary: int, device: torch.device) -> Tensor | None:
        """[rows, vocabulary] which tokens each prompt contains; None where it does not matter."""
        if self.repetition == 1.0:
            return None
        seen = torch.zeros(len(rows), vocabulary, dtype=torch.bool)
        for i, row in enumerate(rows):
            # A placeholder of a picture may lie beyond the vocabulary.
            seen[i, [token for token in set(row.prompt.input_ids) if token < vocabulary]] = True
        return seen.to(device)

    def apply(self, scores: Tensor, seen: Tensor | None) -> Tensor:
        """Scores [rows, vocabulary] with the penalties in them."""
        if seen is not None:
            lowered = torch.where(scores < 0, scores * self.repetition, scores / self.repetition)
            scores = torch.where(seen, lowered, scores)
        if self.banned:
            scores = scores.index_fill(1, torch.tensor(self.banned, device=scores.device), -torch.inf)
        return scores


@dataclass(frozen=True)
class Drawing:
    """Tokens drawn from softmax(scores / temperature), each by one number of its own row.

    `numbers` [rows, tokens], float64 in [0, 1): the place in the cumulative distribution that each token is taken from.
    Whatever else is in the batch, a row thus gets the same tokens.
    """

    temperature: float
    numbers: Tensor

    def choose(self, scores: Tensor, rows: Sequence[int], step: int) -> Tensor:
        """[rows] the tokens that come next; `scores` [rows, vocabulary] are those of `rows`."""
        # MPS has no float64.
        precise = torch.float32 if scores.device.type == "mps" else torch.float64
        reached = (scores.to(precise) / self.temperature).softmax(-1).cumsum(-1)
        places = self.numbers[list(rows), step].to(scores.device, precise)[:, None] * reached[:, -1:]
        # A token of probability 0 ends where it begins, so that no place is within it.
        return torch.searchsorted(reached, places, right=True)[:, 0].clamp(max=scores.shape[-1] - 1)


def decode(
    reader: Reader,
    rows: Sequence[Row],
    reading: Reading,
    *,
    max_new_tokens: int,
    stop: frozenset[int],
    logprobs: bool,
    drawing: Drawing | None = None,
) -> list[Answer]:
    """The most probable token, or a drawn one, again and again, for each row until a stop token or `max_new_tokens`.

    Log-probabilities are those of the model itself, before penalties and temperature. Raises UserError where a score
    is NaN or infinite: the token would be an accident.
    """
    answers = [Answer() for _ in rows]
    penalties = Penalties(reader.model.generation_config)
    scores, mask, positions = reading.logits[:, -1], reading.mask, reading.positions
    seen = penalties.seen_in(rows, scores.shape[-1], scores.device)
    live = list(range(len(rows)))  # row of the batch -> answer
    for step in range(max_new_tokens):
        scores = scores.float()
        penalised = penalties.apply(scores, seen)
        best, chosen = penalised.max(-1)
        if not bool(best.isfinite().all()):
            raise UserError(
                "The model cannot answer: the score of its next word is not a finite number; load it in a wider dtype "
                "(bfloat16, float32), or, if it was trained, train it again with a lower learning rate."
            )
        if drawing is not None:
            chosen = drawing.choose(penalised, live, step)
        found: list[float] = []
        if logprobs:
            found = scores.log_softmax(-1).gather(1, chosen[:, None])[:, 0].tolist()
        for i, token in enumerate(chosen.tolist()):
            answer = answers[live[i]]
            if answer.ended:
                continue
            answer.tokens.append(token)
            if logprobs:
                answer.logprobs.append(found[i])
            answer.ended = token in stop
        going = [i for i, row in enumerate(live) if not answers[row].ended]
        if not going or step == max_new_tokens - 1:
            break
        if len(going) < len(live):
            going = keep_rows(reading.cache, going)
            kept = torch.tensor(going, device=chosen.device)
            chosen, mask, positions = chosen[kept], mask[kept], positions[kept]
            seen = None if seen is None else seen[kept]
            live = [live[i] for i in going]
        if seen is not None:
            seen.scatter_(1, chosen[:, None], True)
        scores = reader.step(chosen, reading.cache, mask[:, : reading.length + step + 1], positions)
        positions = positions + 1
    return answers
