"""Prompts into the model: padding on the left, token positions, pictures from the cache, shared prefixes."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache

from unsee.generation.batching import Row
from unsee.generation.kv import LayerStates, cache_from_prefixes, empty_cache, states_of_row
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import EncodedPrompt, VisionLanguageModel


@dataclass
class Reading:
    """A batch whose prompts the model has read.

    `logits`     [rows, kept positions, vocabulary] of the last positions
    `cache`      keys and values of all prompt tokens; rows of unequal length have holes, which `mask` closes
    `mask`       [rows, padded prompt + room] 1 where there is (or will be) a token
    `length`     padded length of the prompts
    `positions`  [rows] position of the next token
    """

    logits: Tensor
    cache: Cache
    mask: Tensor
    length: int
    positions: Tensor


class Reader:
    """Reads prompts with one model. Positions are always given to the model, so that it keeps no state of its own.

    (Qwen-VL otherwise remembers `rope_deltas` of the last call.)
    """

    def __init__(self, vlm: VisionLanguageModel, pictures: VisionCache) -> None:
        self.model = vlm.base
        self.config = self.model.config.get_text_config(decoder=True)
        self.device = vlm.device
        self._pad = vlm.pad_token_id if vlm.pad_token_id not in vlm.layout.image_token_ids else 0
        self._pictures = pictures
        self._accepted = set(inspect.signature(self.model.forward).parameters)
        self._rope_index = getattr(self.model.base_model, "get_rope_index", None)
        self._prefixes: dict[int, tuple[list[LayerStates], int]] = {}
        self._window = -1

    def read(self, rows: Sequence[Row], room: int, keep: int = 1) -> Reading:
        """Read the prompts of a batch, in which either all rows share a prefix with others or none does.

        Args:
            rows: rows of one group stand next to each other.
            room: tokens to come after the prompts.
            keep: positions at the end of the prompts to compute logits for.
        """
        if rows[0].shared:
            return self._continue(rows, room, keep)
        # Rows that share nothing come last: the prefixes of the last window are in the way.
        self._window, self._prefixes = -1, {}
        tokens = [row.prompt.input_ids for row in rows]
        ids, mask = self._pad_left(tokens)
        positions = [self._positions(row.prompt) for row in rows]
        cache = empty_cache(self.config, ids.shape[1] + room)
        return self._forward(rows, ids, mask, positions, cache, room, keep, first=True)

    def step(self, tokens: Tensor, cache: Cache, mask: Tensor, positions: Tensor) -> Tensor:
        """Logits [rows, vocabulary] after one more token per row. `mask` includes the new token."""
        return self.model(
            input_ids=tokens[:, None],
            attention_mask=mask,
            position_ids=self._shaped(positions[:, None, None]),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]

    def hidden(self, prompt: EncodedPrompt, layers: Sequence[int]) -> Tensor:
        """[layers, width] the residual stream behind each of `layers` at the last token of a prompt, on the CPU."""
        ids, mask = self._pad_left([prompt.input_ids])
        width = ids.shape[1]
        inputs = self._pictures.inputs([prompt]) | self._token_aligned([Row(0, prompt)], [width], width)
        states = self.model(
            input_ids=ids,
            attention_mask=mask.long(),
            position_ids=self._shaped(self._positions(prompt)[None].to(self.device)),
            use_cache=False,
            output_hidden_states=True,
            logits_to_keep=1,
            **{name: value for name, value in inputs.items() if name in self._accepted},
        ).hidden_states
        return torch.stack([states[layer][0, -1].float().cpu() for layer in layers])

    def _continue(self, rows: Sequence[Row], room: int, keep: int) -> Reading:
        groups = [list(members) for _, members in groupby(rows, key=lambda row: row.group)]
        self._read_prefixes([members[0] for members in groups])
        longest = max(row.shared for row in rows)
        ids, mask = self._pad_left([row.prompt.input_ids[row.shared :] for row in rows])
        lengths = torch.tensor([row.shared for row in rows], device=self.device)
        before = torch.arange(longest, device=self.device) >= longest - lengths[:, None]
        positions = []
        for row in rows:
            # After the pictures there is only text, which counts on by one.
            start = self._prefixes[row.group][1]
            positions.append(torch.arange(start, start + row.remaining)[None])
        cache = cache_from_prefixes(
            [self._prefixes[members[0].group][0] for members in groups],
            [len(members) for members in groups],
            longest,
            longest + ids.shape[1] + room,
        )
        return self._forward(rows, ids, torch.cat([before, mask], 1), positions, cache, room, keep, first=False)

    def _read_prefixes(self, rows: Sequence[Row]) -> None:
        """Have the prefix of the group of each row in `_prefixes`, and those of no other window."""
        if rows[0].window != self._window:
            self._window, self._prefixes = rows[0].window, {}
        rows = [row for row in rows if row.group not in self._prefixes]
        if not rows:
            return
        ids, mask = self._pad_left([row.prompt.input_ids[: row.shared] for row in rows])
        positions = [self._positions(row.prompt)[:, : row.shared] for row in rows]
        cache = empty_cache(self.config, ids.shape[1])
        reading = self._forward(rows, ids, mask, positions, cache, 0, 1, first=True)
        for i, row in enumerate(rows):
            self._prefixes[row.group] = states_of_row(cache, i, row.shared), int(reading.positions[i])

    def _forward(
        self,
        rows: Sequence[Row],
        ids: Tensor,
        mask: Tensor,
        positions: Sequence[Tensor],
        cache: Cache,
        room: int,
        keep: int,
        *,
        first: bool,
    ) -> Reading:
        width = ids.shape[1]
        placed = torch.zeros(len(rows), max(p.shape[0] for p in positions), width, dtype=torch.long)
        for i, own in enumerate(positions):
            placed[i, :, width - own.shape[1] :] = own
        inputs: dict[str, Any] = {}
        if first:
            inputs = self._pictures.inputs([row.prompt for row in rows])
            inputs |= self._token_aligned(rows, [p.shape[1] for p in positions], width)
        output = self.model(
            input_ids=ids,
            attention_mask=mask.long(),
            position_ids=self._shaped(placed.to(self.device)),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=keep,
            **{name: value for name, value in inputs.items() if name in self._accepted},
        )
        following = torch.tensor([int(p.max()) + 1 for p in positions], device=self.device)
        mask = torch.cat([mask, mask.new_ones(len(rows), room)], 1).long()
        return Reading(output.logits, cache, mask, mask.shape[1] - room, following)

    def _pad_left(self, tokens: Sequence[list[int]]) -> tuple[Tensor, Tensor]:
        """Token ids and mask (bool), both [rows, longest]."""
        width = max(map(len, tokens))
        ids = torch.tensor([[self._pad] * (width - len(own)) + own for own in tokens], device=self.device)
        lengths = torch.tensor([len(own) for own in tokens], device=self.device)
        return ids, torch.arange(width, device=self.device) >= width - lengths[:, None]

    def _positions(self, prompt: EncodedPrompt) -> Tensor:
        """Positions of all tokens of a prompt: [1, tokens], or [3, tokens] (time, height, width) where the model's
        rotary embedding sees pictures as grids."""
        if self._rope_index is None or not prompt.image_keys:
            return torch.arange(len(prompt.input_ids))[None]
        wanted = inspect.signature(self._rope_index).parameters
        inputs = {name: tensor for name, tensor in prompt.pixels.items() if name in wanted}
        inputs |= {name: torch.tensor([values]) for name, values in prompt.extras.items() if name in wanted}
        positions, _ = self._rope_index(torch.tensor([prompt.input_ids]), **inputs)
        return positions[:, 0]

    def _shaped(self, positions: Tensor) -> Tensor:
        """From [rows, 1 or 3, tokens] to what the model takes: [rows, tokens], or [3, rows, tokens]."""
        if self._rope_index is None:
            return positions[:, 0]
        return positions.transpose(0, 1).expand(3, -1, -1)

    def _token_aligned(self, rows: Sequence[Row], lengths: Sequence[int], width: int) -> dict[str, Tensor]:
        """Inputs such as `token_type_ids`, [rows, width], padded with 0 on the left."""
        names = {name for row in rows for name in row.prompt.extras} & self._accepted
        padded: dict[str, Tensor] = {}
        for name in names:
            values = torch.zeros(len(rows), width, dtype=torch.long)
            for i, (row, length) in enumerate(zip(rows, lengths, strict=True)):
                values[i, width - length :] = torch.tensor(row.prompt.extras[name][:length])
            padded[name] = values.to(self.device)
        return padded
