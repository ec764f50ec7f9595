"""Key-value caches with room for the answer, that can begin with prefixes computed earlier."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedConfig
from transformers.cache_utils import Cache, DynamicLayer, DynamicSlidingWindowLayer

LayerStates = tuple[Tensor, Tensor]

ATTENTION = (DynamicLayer, DynamicSlidingWindowLayer)


class RoomyLayer(DynamicLayer):
    """A cache layer of transformers that writes into memory reserved in advance.

    `DynamicLayer` copies all keys and values for every new token. Keys and values: [rows, heads, tokens, head_dim].
    Layers with a sliding window also keep everything here; the attention mask confines them to the window.
    """

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room
        self._buffers: LayerStates | None = None
        self._length = 0

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> LayerStates:
        if self._buffers is None:
            self.begin(key_states.shape[0], key_states, value_states)
        assert self._buffers is not None
        end = self._length + key_states.shape[-2]
        for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[:, :, self._length : end] = states
        return self._show(end)

    def begin(self, rows: int, key_like: Tensor, value_like: Tensor, length: int = 0) -> LayerStates:
        """Reserve memory for so many rows, `length` tokens of it in use and zero. Returns the two buffers to fill."""
        self.lazy_initialization(key_like, value_like)
        keys, values = (
            like.new_empty(rows, like.shape[1], self._room, like.shape[3]) for like in (key_like, value_like)
        )
        # Zeros, because what is masked is still multiplied by an attention weight of 0, and 0 times NaN is NaN.
        keys[:, :, :length] = 0
        values[:, :, :length] = 0
        self._buffers = keys, values
        self._show(length)
        return self._buffers

    def move(self, sources: Sequence[int], places: Sequence[int], count: int) -> None:
        """Have the rows `sources` in `places`, and keep only the first `count` rows, without another buffer."""
        assert self._buffers is not None
        for buffer in self._buffers if sources else ():
            used = buffer[:, :, : self._length]
            used[list(places)] = used[list(sources)]
        keys, values = (buffer[:count] for buffer in self._buffers)
        self._buffers = keys, values
        self._show(self._length)

    def _show(self, length: int) -> LayerStates:
        assert self._buffers is not None
        self._length = length
        self.keys, self.values = (buffer[:, :, :length] for buffer in self._buffers)
        return self.keys, self.values


def longest_shared(config: PreTrainedConfig) -> float:
    """The padded length (prompt and answer, in tokens) up to which prefixes may be shared without changing a result.

    This is the one place that decides it, from the kinds of layers that the config asks for:

    - full attention everywhere (LLaVA, LLaVA-OneVision, Qwen-VL, Idefics3, SmolVLM, InternVL): no limit;
    - sliding windows (Gemma 3): the window, because a prefix and a continuation that are padded apart have holes
      between them, and a window counts the holes;
    - anything else, such as recurrent layers: 0, never.
    """
    layers = DynamicCache(config=config).layers
    if not all(type(layer) in ATTENTION for layer in layers):
        return 0
    windows = [layer.sliding_window for layer in layers if isinstance(layer, DynamicSlidingWindowLayer)]
    return min(windows, default=math.inf)


def empty_cache(config: PreTrainedConfig, room: int) -> Cache:
    """A cache for `room` tokens; for layers other than attention, transformers' own."""
    cache = DynamicCache(config=config)
    if all(type(layer) in ATTENTION for layer in cache.layers):
        return Cache(layers=[RoomyLayer(room) for _ in cache.layers])
    return cache


def cache_from_prefixes(prefixes: list[list[LayerStates]], counts: list[int], length: int, room: int) -> Cache:
    """A cache that begins with prefixes, each padded on the left to `length` tokens.

    Args:
        prefixes: per prefix and layer, keys and values [heads, prefix tokens, head_dim].
        counts: how many consecutive rows begin with each prefix.
        length: tokens of the longest prefix.
        room: tokens to reserve per row, `length` included.
    """
    layers: list[Any] = []
    for states in zip(*prefixes, strict=True):
        layer = RoomyLayer(room)
        buffers = layer.begin(sum(counts), states[0][0][None], states[0][1][None], length)
        row = 0
        for pair, count in zip(states, counts, strict=True):
            for buffer, state in zip(buffers, pair, strict=True):
                buffer[row : row + count, :, length - state.shape[-2] : length] = state
            row += count
        layers.append(layer)
    return Cache(layers=layers)


def states_of_row(cache: Cache, row: int, length: int) -> list[LayerStates]:
    """Keys and values [heads, length, head_dim] of the last `length` tokens of one row, per layer."""
    layers: list[Any] = cache.layers
    return [(layer.keys[row, :, -length:], layer.values[row, :, -length:]) for layer in layers]


def keep_rows(cache: Cache, rows: Sequence[int]) -> list[int]:
    """Keep only these rows (ascending) of the cache. Returns them in the order in which they are there now: the last
    ones fill the places that become free, so that as little as possible is copied."""
    layers: list[Any] = cache.layers
    count, kept = len(rows), set(rows)
    free = [place for place in range(count) if place not in kept]
    sources = list(rows[count - len(free) :])
    order = list(range(count))
    for place, row in zip(free, sources, strict=True):
        order[place] = row
    for layer in layers:
        if isinstance(layer, RoomyLayer):
            layer.move(sources, free, count)
        else:
            layer.reorder_cache(torch.tensor(order))
    return order
