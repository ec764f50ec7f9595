"""Writing weights: an ordinary checkpoint (what `unsee export` does after merging), or some tensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor
from transformers.conversion_mapping import get_model_conversion_mapping

from unsee.errors import SystemFailure, UserError
from unsee.models.finite import check_finite
from unsee.models.vlm import VisionLanguageModel
from unsee.store.modes import ordinary_mode
from unsee.store.new_folder import new_folder


def save_model(vlm: VisionLanguageModel, folder: str | Path) -> Path:
    """Write a checkpoint to a new folder that any transformers user can load (see `write_checkpoint`).

    Raises as `new_folder` and `write_checkpoint` do.
    """
    folder = Path(folder)
    with new_folder(folder) as work:
        write_checkpoint(vlm, work)
    return folder


def write_checkpoint(vlm: VisionLanguageModel, folder: Path) -> None:
    """Write weights (safetensors), config, tokenizer and processor into `folder`.

    The weights have the names of the hub's checkpoints of this family, whatever names they were loaded with: the names
    that vLLM and llama.cpp's converter read (see docs/export.md).

    Raises UserError if the model still carries an adapter or a weight is not finite; OSError or SystemFailure if it
    cannot be written.
    """
    if vlm.adapted:
        raise UserError(f"{vlm.name} carries an adapter; merge it before saving the whole model.")
    remedy = "store it in a wider dtype (float32, bfloat16), or train again"
    check_finite(vlm.base.named_parameters(), f"{vlm.name}, as it is to be stored,", remedy)
    model: Any = vlm.base
    # By default transformers writes the names it read; for a model made here, it leaves out a prefix of vision towers.
    model._weight_conversions = get_model_conversion_mapping(model, add_legacy=False)
    try:
        model.save_pretrained(folder)
    except SafetensorError as error:
        raise SystemFailure(f"Cannot write the model to {folder}: {error}.") from error
    vlm.processor.save_pretrained(folder)


def save_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors under their names as safetensors. Raises OSError, SafetensorError."""
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(on_cpu, path, metadata={"format": "pt"})
    ordinary_mode(path)
