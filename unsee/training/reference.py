"""Forward passes that compute only what a loss looks at, and what the reference model gives there.

The training set is fixed, so the reference runs once over it, before training, and never again: one copy of the
weights is enough, even where all of them are trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from unsee.models.collation import IGNORED, EncodedSample, collate
from unsee.models.vision_cache import PICTURES_PER_CALL, VisionCache
from unsee.models.vlm import VisionLanguageModel
from unsee.training.objective import Counts, Objective, TokenBatch, is_forget, next_labels
from unsee.training.packing import Packer
from unsee.training.processes import number_of_processes, sum_over_processes
from unsee.training.tensor_file import TensorFile

# What `collate` adds for the loss, or for the vision cache, and a model's forward does not take.
_NOT_FOR_THE_MODEL = ("labels", "token_mask", "image_keys", "pixels", "tags", "index")


class TrainingSet:
    """The encoded samples, the features of their pictures and what the reference model says of them.

    References are kept on the disk. Distributions in float16: log-probabilities near 0, which weigh most in a KL, are
    where float16 is most precise. Size: 2 bytes * V for each compared position. Probabilities of targets in float32,
    hidden states in the model's own dtype.

    folder: where the references lie while the object lives; None: the system's temporary folder.
    """

    def __init__(
        self,
        rows: Sequence[EncodedSample],
        objective: Objective,
        vlm: VisionLanguageModel,
        folder: Path | None = None,
    ) -> None:
        self.rows, self.objective, self.pad_id = list(rows), objective, vlm.pad_token_id
        # What the reference alone reads stands behind the rows to train on.
        twins = [(number, row.counterpart) for number, row in enumerate(self.rows) if row.counterpart is not None]
        self._every = [*self.rows, *(twin for _, twin in twins)]
        self._twins = {number: len(self.rows) + place for place, (number, _) in enumerate(twins)}
        self.cache = VisionCache(vlm)
        # Asked now, because while the reference is read nothing is to learn.
        self.tower_learns = self.cache.learns()
        self.packer = Packer(vlm) if Packer.can_pack(vlm) else None
        self.layer = None if objective.layer is None else vlm.decoder_layers[objective.layer]
        self.longest = max(len(row.input_ids) for row in self._every)
        self.references: TensorFile | list[Tensor | None] = TensorFile(len(self.rows), folder)
        # Where masks and targets of a batch lie; None: next to its logits. A model without weights has no such place.
        self.masks_on: torch.device | None = None

    def see_pictures(self) -> None:
        """Run the tower over all pictures and give their pixels back, unless the tower is to learn, or the features are
        too many to be kept."""
        if self.tower_learns:
            return
        for start in range(0, len(self.rows), PICTURES_PER_CALL):
            self.cache.inputs(self.rows[start : start + PICTURES_PER_CALL])
        self.cache.release(self.rows)

    @cached_property
    def units(self) -> list[list[int]]:
        """Per sample its rows, which always share a batch: one, or the preferred and the rejected answer's."""
        units: dict[int, list[int]] = {}
        for number, row in enumerate(self.rows):
            units.setdefault(row.index, []).append(number)
        return list(units.values())

    def collate(self, units: Sequence[int]) -> dict[str, Any]:
        """Tensors of a batch of samples, without what the training set holds already (pictures, masks)."""
        return self._batch([row for unit in units for row in self.units[unit]])

    def _batch(self, numbers: Sequence[int]) -> dict[str, Any]:
        batch = collate([self._every[i] for i in numbers], self.pad_id)
        inputs = {key: value for key, value in batch.items() if key not in _NOT_FOR_THE_MODEL}
        return {**inputs, "index": torch.tensor(list(numbers))}

    def _read(self, model: Any, batch: dict[str, Any], wanted: Tensor) -> tuple[Tensor, Tensor | None]:
        """Logits [N, V] at the positions of `wanted` [B, T]; or none, and hidden states [N, H].

        Nothing else of vocabulary size is computed.
        """
        inputs, keep, order = self._laid_out(batch, wanted)
        if self.layer is None:
            return model(**inputs, logits_to_keep=keep, use_cache=False).logits[order], None
        with _output_of(self.layer) as seen:
            nothing = model(**inputs, logits_to_keep=torch.zeros_like(keep), use_cache=False).logits
        return nothing, seen[0][keep][order]

    def _laid_out(self, batch: dict[str, Any], wanted: Tensor) -> tuple[dict[str, Any], Tensor, Tensor | slice]:
        """The model's inputs, where `wanted` is in them, and the order that brings it back; packed where possible."""
        rows = [self._every[i] for i in batch["index"].tolist()]
        device = batch["input_ids"].device
        in_padding = any(bool(asked[len(row.input_ids) :].any()) for row, asked in zip(rows, wanted, strict=True))
        if self.packer is None or in_padding:
            inputs = {key: value for key, value in batch.items() if key != "index"}
            return inputs | self.cache.inputs(rows), wanted.to(device), slice(None)
        packed = self.packer.pack(rows, wanted, device)
        return packed.inputs | self.cache.inputs(packed.owners), packed.wanted, packed.order

    def token_batch(self, model: Any, batch: dict[str, Any], of_step: Counts | None = None) -> TokenBatch:
        """Run the model on a batch and lay out what the loss sees. of_step: see `TokenBatch`."""
        wanted, compared, masks = self._masks(batch)
        logits, hidden = self._read(model, batch, wanted)
        beside = self.masks_on or logits.device
        return TokenBatch(
            logits=logits,
            **{name: mask.to(beside) for name, mask in masks.items()},
            reference=self._references(batch["index"].tolist(), compared, logits if hidden is None else hidden),
            hidden=hidden,
            of_step=of_step,
        )

    def counts(self, batches: Sequence[dict[str, Any]], device: torch.device) -> Counts:
        """What the batches of an optimiser step hold together, over all processes; every process must ask for it."""
        each = [list(vars(Counts.of(**self._masks(batch)[2])).values()) for batch in batches]
        total = torch.tensor(each, dtype=torch.float64).sum(0).float().to(device)
        return Counts(*(sum_over_processes(total) / number_of_processes()).tolist())

    def _masks(self, batch: dict[str, Any]) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Where the loss looks and compares, [B, T] bool, and the fields of `TokenBatch` that need no model, [N]."""
        length = batch["input_ids"].shape[1]
        rows = [self.rows[i] for i in batch["index"].tolist()]
        wanted = torch.stack([self.objective.looks_at(row, length) for row in rows])
        compared = torch.stack([self.objective.compares_at(row, length) for row in rows])

        def spread(per_row: Sequence[int | bool]) -> Tensor:
            return torch.tensor(per_row)[:, None].expand_as(wanted)[wanted]

        masks = {
            "targets": torch.stack([next_labels(row, length) for row in rows])[wanted],
            "sample": spread(range(len(rows))),
            "forget": spread([is_forget(row) for row in rows]),
            "rejected": spread([row.rejected for row in rows]),
            "compared": compared[wanted],
        }
        return wanted, compared, masks

    @torch.no_grad()
    def remember_reference(self, model: Any, device: torch.device, batch_size: int) -> None:
        """Run the model before unlearning over the whole set and keep what the loss compares with.

        At the tokens of a masked phrase it reads the counterpart of a sample that has one.
        """
        model.eval()
        needed = [i for i, row in enumerate(self.rows) if self.objective.compares_at(row, self.longest).any()]
        masked = {i: self._masked(i) for i in needed if i in self._twins}
        # With the masked phrase covering all that is compared, nothing of the sample's own pictures is looked at.
        alone = {i for i, of_phrase in masked.items() if of_phrase.all()}
        for i, part in self._referred([i for i in needed if i not in alone], model, device, batch_size):
            self.references[i] = part
        sources = {self._twins[i]: i for i, of_phrase in masked.items() if of_phrase.any()}
        for twin, part in self._referred(list(sources), model, device, batch_size):
            i = sources[twin]
            own = part if i in alone else self.references[i]
            assert own is not None
            own[masked[i]] = part[self._masked(twin)]
            self.references[i] = own

    def _masked(self, number: int) -> Tensor:
        """[M] bool: which of the positions compared in a row predict a token of its masked phrase."""
        row = self._every[number]
        of_phrase = torch.zeros(self.longest, dtype=torch.bool)
        # A prompt has no phrase: its labels are ignored, and its mask is 0 too.
        after = [label != IGNORED and kept == 0 for label, kept in zip(row.labels[1:], row.token_mask[1:], strict=True)]
        of_phrase[: len(after)] = torch.tensor(after)
        return of_phrase[self.objective.compares_at(row, self.longest)]

    def _referred(
        self, numbers: Sequence[int], model: Any, device: torch.device, batch_size: int
    ) -> Iterator[tuple[int, Tensor]]:
        """What the reference gives for each of these rows, where the loss compares with it."""
        for start in range(0, len(numbers), batch_size):
            chunk = numbers[start : start + batch_size]
            batch = self._padded({key: value.to(device) for key, value in self._batch(chunk).items()})
            compared = torch.stack([self.objective.compares_at(self._every[i], self.longest) for i in chunk])
            kept = self._to_keep(*self._read(model, batch, compared), chunk, compared).cpu()
            yield from zip(chunk, kept.split(compared.sum(1).tolist()), strict=True)

    def _to_keep(self, logits: Tensor, hidden: Tensor | None, numbers: Sequence[int], compared: Tensor) -> Tensor:
        """[M, V], [M] or [M, H], as the objective reads."""
        if hidden is not None:
            return hidden
        log_p = functional.log_softmax(logits.float(), dim=-1)
        if self.objective.reads == "distributions":
            return log_p.half()
        targets = torch.stack([next_labels(self._every[i], self.longest) for i in numbers])[compared]
        return log_p.gather(1, targets[:, None].to(log_p.device))[:, 0]

    def _references(self, numbers: Sequence[int], compared: Tensor, like: Tensor) -> Tensor:
        """[M, ...] float32. A sample's reference may run on into padding that this batch does not have."""
        counts = compared.sum(1).tolist()
        parts = [r[:n] for i, n in zip(numbers, counts, strict=True) if (r := self.references[i]) is not None]
        if parts:
            return torch.cat(parts).to(like.device).float()
        empty = like.new_zeros(0, *([] if self.objective.reads == "targets" else [like.shape[-1]]))
        return empty.float()

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


@contextmanager
def _output_of(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Within it, what `layer` puts out is appended to the list: [B, T, H] per forward pass."""
    seen: list[Tensor] = []
    handle = layer.register_forward_hook(
        lambda module, inputs, output: seen.append(output if isinstance(output, Tensor) else output[0])
    )
    try:
        yield seen
    finally:
        handle.remove()
