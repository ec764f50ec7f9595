"""Deltas: weights that replace those of a base model, for results that are no adapter.

A folder with a delta holds `delta.safetensors` and the note of its base model. The file has the new values of the
changed weights under the names of the model's parameters, exactly as they were computed; or, where the change is known
to be a product of few columns and rows, its factors NAME.left [H, k] and NAME.right [k, I] in float32, which are added
to the base's weight. The weights before stay in memory, so that the reference model is the same model with the two
exchanged. An adapter may lie on top of a delta.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from unsee.errors import UserError
from unsee.models.base_note import BASE_FILE
from unsee.models.finite import check_finite
from unsee.models.provenance import check_base, write_note
from unsee.models.saving import save_tensors
from unsee.models.vlm import VisionLanguageModel
from unsee.store.text import read_text

DELTA = "delta.safetensors"
LEFT, RIGHT = ".left", ".right"

Factors = tuple[Tensor, Tensor]


def is_delta(folder: Path) -> bool:
    return (folder / DELTA).is_file()


def apply_delta(vlm: VisionLanguageModel, weights: Mapping[str, Tensor]) -> None:
    """Replace the parameters of these names with `weights`; the old values are kept as the reference."""
    vlm.originals = dict(weights)
    _exchange(vlm)


def apply_low_rank(vlm: VisionLanguageModel, factors: Mapping[str, Factors]) -> None:
    """Add left @ right to the parameters of these names. The delta is saved as these factors, which takes little."""
    vlm.low_rank = {name: (left.cpu().float(), right.cpu().float()) for name, (left, right) in factors.items()}
    apply_delta(vlm, {name: _sum(_parameter(vlm, name), *factors) for name, factors in vlm.low_rank.items()})


def remove_delta(vlm: VisionLanguageModel) -> None:
    """Put the weights before unlearning back for good; nothing happens without a delta."""
    if vlm.originals is not None:
        _exchange(vlm)
        vlm.originals, vlm.low_rank = None, {}


@contextmanager
def without_delta(vlm: VisionLanguageModel) -> Iterator[None]:
    """Within it, the weights are those before unlearning."""
    _exchange(vlm)
    try:
        yield
    finally:
        _exchange(vlm)


def save_delta(vlm: VisionLanguageModel, folder: Path) -> Path:
    """Write the changed weights as safetensors, with a note of their base model. Returns the folder."""
    if vlm.originals is None:
        raise UserError(f"{vlm.name} carries no delta to save; train one first.")
    folder.mkdir(parents=True, exist_ok=True)
    changed = {name: _parameter(vlm, name).detach() for name in vlm.originals if name not in vlm.low_rank}
    for name, (left, right) in vlm.low_rank.items():
        changed |= {name + LEFT: left, name + RIGHT: right}
    save_tensors(changed, folder / DELTA)
    with without_delta(vlm):
        write_note(vlm, folder, delta=sorted(vlm.originals))
    return folder


def load_delta(vlm: VisionLanguageModel, folder: Path) -> None:
    """Apply a saved delta. `UserError` if it is damaged, not whole, or belongs to another base model."""
    if getattr(vlm.base, "is_loaded_in_4bit", False):
        raise UserError(
            f"{vlm.name} is loaded in 4 bits, whose weights a delta cannot replace; load it in full precision."
        )
    if not (folder / BASE_FILE).is_file():
        raise UserError(f"The delta {folder} has no {BASE_FILE}, so its base model cannot be checked; copy it too.")
    check_base(vlm, folder)
    try:
        weights = load_file(folder / DELTA)
    except (OSError, SafetensorError) as error:
        raise UserError(f"The delta {folder} cannot be loaded: {error}") from error
    check_finite(weights.items(), f"The delta {folder}", "train it again, because every answer would be meaningless")
    low_rank = _factors(folder, weights)
    parameters = dict(vlm.base.named_parameters())
    shapes = {name: weight.shape for name, weight in weights.items()}
    shapes |= {name: torch.Size([len(left), right.shape[-1]]) for name, (left, right) in low_rank.items()}
    for name, shape in shapes.items():
        if name not in parameters or parameters[name].shape != shape:
            raise UserError(f"The delta {folder} belongs to another base model: its {name} does not fit {vlm.name}.")
    _check_whole(folder, {*shapes})
    vlm.low_rank = low_rank
    changed = {name: _sum(parameters[name], *factors) for name, factors in low_rank.items()}
    apply_delta(vlm, {name: weight.to(parameters[name]) for name, weight in weights.items()} | changed)


def _factors(folder: Path, weights: dict[str, Tensor]) -> dict[str, Factors]:
    """Take the pairs of factors out of `weights`. `UserError` if one of a pair is missing."""
    sides: dict[str, dict[str, Tensor]] = {LEFT: {}, RIGHT: {}}
    for key in [*weights]:
        name, dot, side = key.rpartition(".")
        if dot + side in sides:
            sides[dot + side][name] = weights.pop(key)
    for one, other in ((LEFT, RIGHT), (RIGHT, LEFT)):
        alone = sorted(sides[one].keys() - sides[other].keys())
        if alone:
            raise UserError(f"The delta {folder} is not whole: {DELTA} has {alone[0]}{one} without its {other[1:]}.")
    return {name: (left, sides[RIGHT][name]) for name, left in sides[LEFT].items()}


def _check_whole(folder: Path, have: set[str]) -> None:
    """`have` are the weights that the file changes; the note says which were changed, except in early deltas."""
    wanted = json.loads(read_text(folder / BASE_FILE)).get("delta", ())
    missing = sorted({*wanted} - have)
    if missing:
        raise UserError(
            f"The delta {folder} is not whole: of the {len(wanted)} weights that it changed, {len(missing)} are "
            f"missing from {DELTA}, such as {missing[0]}."
        )
    if not have:
        raise UserError(f"The delta {folder} is empty: {DELTA} holds no weights.")


@torch.no_grad()
def _exchange(vlm: VisionLanguageModel) -> None:
    for name in vlm.originals or ():
        parameter = _parameter(vlm, name)
        assert vlm.originals is not None
        parameter.data, vlm.originals[name] = vlm.originals[name].to(parameter.device), parameter.data


def _parameter(vlm: VisionLanguageModel, name: str) -> torch.nn.Parameter:
    """A parameter of the base model by its name there, also where PEFT has wrapped its module."""
    path, _, leaf = name.rpartition(".")
    module = vlm.base.get_submodule(path)
    return getattr(module, "base_layer", module).get_parameter(leaf)


def _sum(weight: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """weight + left @ right, added in float32."""
    change = left.to(weight.device) @ right.to(weight.device)
    return (weight.detach().float() + change).to(weight.dtype)
