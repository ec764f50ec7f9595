"""Weights must be numbers: one NaN spreads to every answer, which then names nobody, as if everything were
forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from unsee.errors import UserError
from unsee.models.quantising import plain_values


def check_finite(tensors: Iterable[tuple[str, Tensor]], what: str, remedy: str) -> None:
    """Raise UserError that names the first of `tensors` with NaN or infinity in it.

    what: the beginning of the sentence, such as "The adapter runs/mara"; remedy: what to do, its end. Tensors without
    values (meta) and of whole numbers (4-bit weights) pass.
    """
    for name, tensor in tensors:
        if tensor.is_meta or not tensor.is_floating_point() or not tensor.numel():
            continue
        # Both are NaN where one value is; nothing of the tensor's size is made, unless it is stored in int8.
        bad = [float(value) for value in plain_values(tensor).aminmax() if not value.isfinite()]
        if bad:
            raise UserError(f"{what} holds {bad[0]} in {name}; {remedy}.")


def stored(path: Path) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a safetensors file by name, one in memory at a time."""
    with safe_open(str(path), framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 (the file is no mapping)
            yield name, file.get_tensor(name)
