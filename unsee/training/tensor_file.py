"""Tensors that stay on the disk until they are needed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor


class TensorFile:
    """A list of tensors, each absent at first, kept in a file without a name that is gone with the object.

    What is read is a copy on the CPU. The file is read and not mapped, so that memory does not grow with what it holds.

    Args:
        length: how many.
        folder: where there is room; None: the system's temporary folder.
    """

    def __init__(self, length: int, folder: Path | None = None) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (open as long as the object)
        self._end = 0
        self._places: list[tuple[int, torch.Size, torch.dtype] | None] = [None] * length

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Tensor | None]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> Tensor | None:
        place = self._places[number]
        if place is None:
            return None
        start, shape, dtype = place
        self._file.seek(start)
        content = bytearray(shape.numel() * dtype.itemsize)
        self._file.readinto(content)
        return torch.frombuffer(content, dtype=dtype).view(shape) if content else torch.empty(shape, dtype=dtype)

    def __setitem__(self, number: int, tensor: Tensor) -> None:
        self._file.seek(self._end)
        self._file.write(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
        self._places[number] = (self._end, tensor.shape, tensor.dtype)
        self._end += tensor.nbytes
