"""Bytes of tensors from when they are made until they are freed, and what a process holds for them."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

SMALL = 32 * 2**20
"""Bytes: what is smaller lies on the heap of a CPU process. glibc maps larger blocks one by one and unmaps them again;
below, it raises its threshold to the size of what has been freed, up to this."""
HOLES = 0.5
"""By how much the heap outgrows what lies on it at most. Tensors are aligned, and glibc takes a hole for one only if
the hole is some 100 bytes larger: what was freed between two tensors that are held is lost to its like. What that comes
to depends on the order of everything and is measured, not derived: 0.4 to 0.5 in the second to fifth step of GRPO on
small-llava."""


@dataclass(frozen=True)
class Most:
    """Most bytes at once: of all tensors (peak), of those below `SMALL`, of the others."""

    peak: int
    small: int
    large: int

    def held(self, on_gpu: bool) -> int:
        """Bytes that a process holds for them. On a CPU its heap has holes, and stays as large as it was once."""
        return self.peak if on_gpu else int((1 + HOLES) * self.small) + self.large


class LiveMemory(TorchDispatchMode):
    """Within it the storages of tensors on `device` are added up while they live; those of `known` tensors, and views
    of them, are left out. `most` tells the maxima so far."""

    def __init__(self, known: Iterable[Tensor], device: torch.device) -> None:
        super().__init__()
        self.device = device
        self._all, self._small, self._large = _Sum(), _Sum(), _Sum()
        self._seen: Any = WeakIdKeyDictionary()
        for tensor in known:
            self._seen[tensor.untyped_storage()] = 0

    @property
    def most(self) -> Most:
        return Most(self._all.peak, self._small.peak, self._large.peak)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for made in tree_leaves(result):
            if isinstance(made, Tensor) and made.device.type == self.device.type:
                self._count(made.untyped_storage())
        return result

    def _count(self, storage: Any) -> None:
        if storage in self._seen:
            return
        size = storage.nbytes()
        self._seen[storage] = size
        self._add(size, size)
        weakref.finalize(storage, self._add, size, -size)

    def _add(self, size: int, change: int) -> None:
        self._all.add(change)
        (self._small if size < SMALL else self._large).add(change)


@dataclass
class _Sum:
    now: int = 0
    peak: int = 0

    def add(self, change: int) -> None:
        self.now += change
        self.peak = max(self.peak, self.now)
