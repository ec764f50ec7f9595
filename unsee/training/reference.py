"""Forward passes that compute only the logits a loss looks at, and the reference model's log-probabilities.

The training set is fixed, so the reference runs once over it, before training, and never again: one copy of the
weights is enough, even where all of them are trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from unsee.data.collation import EncodedSample, collate
from unsee.models.vision_cache import VisionCache
from unsee.training.objective import Objective, TokenBatch, is_forget, next_labels

# What `collate` adds for the loss, or for the vision cache, and a model's forward does not take.
_NOT_FOR_THE_MODEL = ("labels", "token_mask", "image_keys", "pixels", "tags", "index")


class TrainingSet:
    """The encoded samples, the features of their pictures and the reference log-probabilities.

    References are kept on the CPU in float16: log-probabilities near 0, which weigh most in a KL, are where float16 is
    most precise. Size: 2 bytes * V for each compared position.
    """

    def __init__(self, rows: Sequence[EncodedSample], objective: Objective, cache: VisionCache, pad_id: int) -> None:
        self.rows, self.objective, self.cache, self.pad_id = list(rows), objective, cache, pad_id
        self.longest = max(len(row.input_ids) for row in self.rows)
        self.references: list[Tensor | None] = [None] * len(self.rows)

    def collate(self, indices: Sequence[int]) -> dict[str, Any]:
        """Tensors of a batch, without what the training set holds already (pictures, masks)."""
        batch = collate([self.rows[i] for i in indices], self.pad_id)
        inputs = {key: value for key, value in batch.items() if key not in _NOT_FOR_THE_MODEL}
        return {**inputs, "index": torch.tensor(list(indices))}

    def forward(self, model: Any, batch: dict[str, Any], wanted: Tensor) -> Tensor:
        """[N, V] logits at the positions of `wanted` [B, T]; nothing else of vocabulary size is computed."""
        rows = [self.rows[i] for i in batch["index"].tolist()]
        inputs = {key: value for key, value in batch.items() if key != "index"}
        inputs |= self.cache.inputs(rows)
        return model(**inputs, logits_to_keep=wanted.to(inputs["input_ids"].device), use_cache=False).logits

    def token_batch(self, model: Any, batch: dict[str, Any]) -> TokenBatch:
        """Run the model on a batch and lay out what the loss sees."""
        length = batch["input_ids"].shape[1]
        indices = batch["index"].tolist()
        rows = [self.rows[i] for i in indices]
        wanted = torch.stack([self.objective.looks_at(row, length) for row in rows])
        compared = torch.stack([self.objective.compares_at(row, length) for row in rows])
        logits = self.forward(model, batch, wanted)
        device = logits.device
        return TokenBatch(
            logits=logits,
            targets=torch.stack([next_labels(row, length) for row in rows])[wanted].to(device),
            forget=torch.tensor([is_forget(row) for row in rows])[:, None].expand_as(wanted)[wanted].to(device),
            compared=compared[wanted].to(device),
            reference=self._references(indices, compared, logits),
        )

    @torch.no_grad()
    def remember_reference(self, model: Any, device: torch.device, batch_size: int) -> None:
        """Run the model before unlearning over the whole set and keep its log-probabilities where the loss compares."""
        model.eval()
        needed = [i for i, row in enumerate(self.rows) if self.objective.compares_at(row, self.longest).any()]
        for start in range(0, len(needed), batch_size):
            indices = needed[start : start + batch_size]
            batch = self._padded({key: value.to(device) for key, value in self.collate(indices).items()})
            compared = torch.stack([self.objective.compares_at(self.rows[i], self.longest) for i in indices])
            log_p = functional.log_softmax(self.forward(model, batch, compared).float(), dim=-1).half().cpu()
            for i, part in zip(indices, log_p.split(compared.sum(1).tolist()), strict=True):
                self.references[i] = part.clone()

    def _references(self, indices: Sequence[int], compared: Tensor, logits: Tensor) -> Tensor:
        """[M, V] float32. A sample's reference may run on into padding that this batch does not have."""
        counts = compared.sum(1).tolist()
        parts = [r[:n] for i, n in zip(indices, counts, strict=True) if (r := self.references[i]) is not None]
        return torch.cat(parts).to(logits.device).float() if parts else logits.new_zeros(0, logits.shape[-1]).float()

    def _padded(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The batch padded on to the longest sample of the set, for losses that look at padding."""
        gap = self.longest - batch["input_ids"].shape[1]
        if gap == 0:
            return batch
        fill = {"input_ids": self.pad_id}
        return {
            key: value if key == "index" else functional.pad(value, (0, gap), value=fill.get(key, 0))
            for key, value in batch.items()
        }
