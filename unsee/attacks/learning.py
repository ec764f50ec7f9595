"""A plain copy of a model that learns: a short loop of AdamW on a fresh LoRA adapter."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import cast

import torch
from peft import PeftModel
from torch import Tensor
from torch.nn import functional

from unsee.attacks.base import Target
from unsee.attacks.weights import engine_of, plain_copy
from unsee.data.sample import user_turn
from unsee.errors import SystemFailure
from unsee.generation import TransformersEngine
from unsee.models.adapters import add_lora
from unsee.models.collation import IGNORED, EncodedSample, collate
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import VisionLanguageModel, evaluating

RATE, RANK, ALPHA, BATCH, MAX_NORM = 1e-3, 8, 16, 8, 1.0
"""Constant learning rate of AdamW, rank and alpha of the adapter, samples of a step, norm to which gradients are
clipped."""

Lessons = Callable[[TransformersEngine], list[EncodedSample]]
"""What to learn, encoded for the engine's model, which may be asked before it learns."""


class Learner:
    """Learns once and is looked at after several numbers of steps, which must be asked for in rising order.

    The copy is made when it is first looked at and is gone after the look at the last of `steps`. What it learns
    depends on `seed` alone.
    """

    def __init__(self, target: Target, lessons: Lessons, steps: Sequence[int], seed: int) -> None:
        self.target, self.lessons, self.steps, self.seed = target, lessons, sorted(steps), seed
        self._stack = ExitStack()
        self._run: _Run | None = None

    @contextmanager
    def after(self, steps: int) -> Iterator[TransformersEngine]:
        """The engine of the copy after that many steps of training in all."""
        with ExitStack() as on_error:
            on_error.callback(self._close)
            if self._run is None or self._run.taken > steps:
                self._close()
                copy = self._stack.enter_context(plain_copy(self.target))
                self._run = _Run(copy, self.target, self.lessons, self.seed)
            self._run.train(steps)
            yield self._run.engine
            if steps < self.steps[-1]:
                on_error.pop_all()

    def _close(self) -> None:
        self._run = None
        self._stack.close()


class _Run:
    """A training in progress."""

    def __init__(self, copy: VisionLanguageModel, target: Target, lessons: Lessons, seed: int) -> None:
        self.vlm, self.taken = copy, 0
        self.rows = lessons(engine_of(copy, target))
        add_lora(copy, rank=RANK, alpha=ALPHA, dropout=0.0, seed=seed)
        # After the adapter, so that the cache sees which parts are frozen.
        self.engine = engine_of(copy, target)
        self.batches = _batches(self.rows, random.Random(f"learner/{seed}"))
        self.weights = [weight for weight in copy.model.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.AdamW(self.weights, lr=RATE, weight_decay=0.0)

    def train(self, steps: int) -> None:
        """Go on until that many steps have been taken in all. Raises SystemFailure if numbers are no longer finite."""
        with evaluating(self.vlm), torch.enable_grad():
            for batch in self.batches if self.taken < steps else ():
                loss = answer_loss(self.vlm, batch, self.engine.cache)
                loss.backward()
                norm = torch.nn.utils.clip_grad_norm_(self.weights, MAX_NORM)
                if not torch.isfinite(loss) or not torch.isfinite(norm):
                    raise SystemFailure(
                        f"Training {self.vlm.name} again gave numbers that are not finite; load the model in float32 "
                        "or bfloat16."
                    )
                self.optimizer.step()
                self.optimizer.zero_grad()
                self.taken += 1
                if self.taken == steps:
                    break


def _batches(rows: Sequence[EncodedSample], rng: random.Random) -> Iterator[list[EncodedSample]]:
    """Batches without end, from all rows shuffled anew in every round; all rows at once where they are few."""

    def drawn() -> Iterator[EncodedSample]:
        while True:
            yield from rng.sample(rows, len(rows))

    stream = drawn()
    while True:
        yield [next(stream) for _ in range(min(BATCH, len(rows)))]


def answer_loss(vlm: VisionLanguageModel, rows: Sequence[EncodedSample], cache: VisionCache) -> Tensor:
    """Mean negative log-likelihood, in nats per token, of the answers' tokens; only their logits are computed."""
    batch = collate(rows, vlm.pad_token_id)
    labels: Tensor = batch["labels"][:, 1:]
    # Logits at a position are about the next token.
    keep = (labels != IGNORED).any(0).nonzero()[:, 0]
    names = ["input_ids", "attention_mask", *rows[0].extras]
    inputs = {name: batch[name].to(vlm.device) for name in names}
    model = cast(PeftModel, vlm.model)
    output = model(**inputs, **cache.inputs(rows), logits_to_keep=keep.to(vlm.device), use_cache=False)
    targets = labels[:, keep].to(output.logits.device)
    return functional.cross_entropy(output.logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORED)


def text_rows(vlm: VisionLanguageModel, texts: Sequence[str]) -> list[EncodedSample]:
    """Plain texts, without a chat turn, to learn every token of."""
    (turn,) = vlm.encode_prompt([([user_turn("?", 0)], ())])
    rows = []
    for ids in vlm.tokenizer(list(texts))["input_ids"]:
        # Text is of type 0 in every family.
        extras = {name: [0] * len(ids) for name in turn.extras}
        rows.append(EncodedSample(ids, list(ids), [1.0] * len(ids), extras, {}, ()))
    return rows
