"""Samples of a batch laid end to end in a few long rows; samples about one picture share its tokens.

Nothing is spent on padding, and the tokens of a picture, often more than all the words, are computed once for all its
samples in the batch. A mask keeps the samples apart and positions start anew with each, so that every sample sees
exactly what it would see alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from unsee.models.collation import EncodedSample
from unsee.models.vlm import VisionLanguageModel

_WIDTH_IN_HIDDEN_SIZES = 4
"""Rows grow up to this many times the hidden size: below it, attention costs little next to the linear layers."""


@dataclass(frozen=True)
class Packed:
    """A packed batch of R rows of T positions.

    inputs: `input_ids` [R, T], `attention_mask` [R, 1, T, T] (0 or the lowest number), `position_ids` [R, T] or
    [3, R, T], and further token-aligned inputs [R, T].
    owners: for each prefix with pictures, one sample that has them, in the order of their tokens.
    wanted [R, T] bool: the positions asked for; order [N]: where each asked-for position, sample after sample, is
    among the True of `wanted`.
    """

    inputs: dict[str, Tensor]
    owners: list[EncodedSample]
    wanted: Tensor
    order: Tensor


class Packer:
    """Packs batches for one model."""

    def __init__(self, vlm: VisionLanguageModel, width: int | None = None) -> None:
        """width: how long rows may grow, in tokens."""
        model: Any = vlm.base.base_model
        self._rope: Any = getattr(model, "get_rope_index", None)
        self._rope_takes = set(inspect.signature(self._rope).parameters) if self._rope else set()
        self._width = width or _WIDTH_IN_HIDDEN_SIZES * vlm.layout.hidden_size
        self._pad_id, self._dtype = vlm.pad_token_id, vlm.base.dtype
        self._positions: dict[int, Tensor] = {}

    @staticmethod
    def can_pack(vlm: VisionLanguageModel) -> bool:
        """Whether the model's attention is plainly causal in all layers and takes a mask of ours."""
        text = vlm.base.config.get_text_config()
        plain = set(getattr(text, "layer_types", None) or ["full_attention"]) == {"full_attention"}
        return plain and vlm.base.config._attn_implementation in ("eager", "sdpa")

    def pack(self, rows: Sequence[EncodedSample], wanted: Tensor, device: torch.device) -> Packed:
        """Pack the samples; `wanted` [B, L] bool are the positions asked for, none of them in padding."""
        groups = _groups(rows, wanted)
        lines = _lines(groups, self._width)
        shape = (len(lines), _area(lines) // len(lines))
        ids = torch.full(shape, self._pad_id)
        extras = {name: torch.zeros(shape, dtype=torch.long) for name in rows[0].extras}
        # Each position's group, and its part of the group: 0 is the shared prefix, the others are one sample each.
        group_of, part_of = torch.full(shape, -1), torch.full(shape, -1)
        positions = torch.zeros(*((3,) if self._rope else ()), *shape, dtype=torch.long)
        asked = torch.zeros(shape, dtype=torch.bool)
        places: dict[int, Tensor] = {}
        owners: list[EncodedSample] = []
        for r, line in enumerate(lines):
            start = 0
            for number, group in enumerate(line):
                if rows[group.members[0]].image_keys:
                    owners.append(rows[group.members[0]])
                for part, (member, begin, end) in enumerate(group.parts(rows)):
                    sample, stop = rows[member], start + end - begin
                    here = slice(start, stop)
                    ids[r, here] = torch.tensor(sample.input_ids[begin:end])
                    for name, values in sample.extras.items():
                        extras[name][r, here] = torch.tensor(values[begin:end])
                    group_of[r, here], part_of[r, here] = number, part
                    positions[..., r, here] = self._positions_of(sample)[..., begin:end]
                    if part:
                        chosen = wanted[member, begin:end]
                        asked[r, here] = chosen
                        places[member] = r * shape[1] + start + chosen.nonzero()[:, 0]
                    start = stop
        rank = asked.flatten().cumsum(0) - 1
        order = rank[torch.cat([places[member] for member in range(len(rows))])]
        inputs = {
            "input_ids": ids,
            "attention_mask": self._mask(group_of, part_of),
            "position_ids": positions,
            **extras,
        }
        return Packed({k: v.to(device) for k, v in inputs.items()}, owners, asked.to(device), order.to(device))

    def _mask(self, group: Tensor, part: Tensor) -> Tensor:
        """[R, 1, T, T] additive: a position sees itself, what is before it in its part, and its group's prefix."""
        causal = torch.ones(group.shape[1], group.shape[1], dtype=torch.bool).tril()
        same_group = group[:, :, None] == group[:, None, :]
        within = (part[:, :, None] == part[:, None, :]) | (part[:, None, :] == 0)
        mask = torch.zeros(*causal.shape, dtype=self._dtype).expand_as(same_group)
        return mask.masked_fill(~(causal & same_group & within), torch.finfo(self._dtype).min)[:, None]

    def _positions_of(self, row: EncodedSample) -> Tensor:
        """[length], or [3, length] for models whose picture tokens have places in two dimensions."""
        if id(row) not in self._positions:
            self._positions[id(row)] = self._find_positions(row)
        return self._positions[id(row)]

    def _find_positions(self, row: EncodedSample) -> Tensor:
        length = len(row.input_ids)
        if self._rope is None:
            return torch.arange(length)
        if not row.image_keys:
            return torch.arange(length).expand(3, length)
        aligned = {"input_ids": row.input_ids, **row.extras, "attention_mask": [1] * length}
        given = {name: torch.tensor([values]) for name, values in aligned.items()} | row.pixels
        positions, _ = self._rope(**{name: value for name, value in given.items() if name in self._rope_takes})
        return positions[:, 0]


@dataclass(frozen=True)
class _Group:
    """Samples that share their first `shared` tokens and their pictures; `size` positions in all."""

    members: tuple[int, ...]
    shared: int
    size: int

    def parts(self, rows: Sequence[EncodedSample]) -> list[tuple[int, int, int]]:
        """(sample, begin, end) of the prefix and of what each sample has of its own."""
        own = [(member, self.shared, len(rows[member].input_ids)) for member in self.members]
        return [(self.members[0], 0, self.shared), *own]


def _groups(rows: Sequence[EncodedSample], wanted: Tensor) -> list[_Group]:
    by_pictures: dict[Any, list[int]] = {}
    for number, row in enumerate(rows):
        # Without a picture nothing is shared but a few tokens of the chat template.
        key = (row.image_keys, tuple((n, t.shape) for n, t in row.pixels.items())) if row.image_keys else number
        by_pictures.setdefault(key, []).append(number)
    groups = []
    for members in by_pictures.values():
        shared = 0
        if rows[members[0]].image_keys:
            # What is asked for belongs to one sample, so the prefix ends before.
            first = int(wanted[members].any(0).int().argmax())
            shared = min(first, _common([rows[member].input_ids for member in members]))
        own = sum(len(rows[member].input_ids) - shared for member in members)
        groups.append(_Group(tuple(members), shared, shared + own))
    return groups


def _common(lists: Sequence[Sequence[int]]) -> int:
    """How many leading items all of them have in common."""
    return next((i for i, items in enumerate(zip(*lists, strict=False)) if len(set(items)) > 1), min(map(len, lists)))


def _lines(groups: Sequence[_Group], width: int) -> list[list[_Group]]:
    """The groups in rows no longer than `width` (or the longest group), with as little padding as is found."""
    longest, total = max(group.size for group in groups), sum(group.size for group in groups)
    limit = max(width, longest)
    widths = [min(max(longest, -(-total // count)), limit) for count in range(1, len(groups) + 1)]
    return min((_first_fit(groups, width) for width in widths), key=_area)


def _area(lines: Sequence[Sequence[_Group]]) -> int:
    return len(lines) * max(sum(group.size for group in line) for line in lines)


def _first_fit(groups: Sequence[_Group], width: int) -> list[list[_Group]]:
    """The largest first, each into the first row with room."""
    lines: list[list[_Group]] = []
    for group in sorted(groups, key=lambda g: -g.size):
        line = next((line for line in lines if sum(g.size for g in line) + group.size <= width), None)
        if line is None:
            lines.append([group])
        else:
            line.append(group)
    return lines
