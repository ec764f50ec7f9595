"""`export`: an adapter merged into its model, as an ordinary checkpoint."""

from __future__ import annotations

from pathlib import Path

import torch

from unsee.errors import UserError
from unsee.models.adapters import load_adapter, merge
from unsee.models.loading import DTYPES, load
from unsee.models.saving import save_model
from unsee.pipeline.workspace import check_new
from unsee.requests import did_you_mean
from unsee.terminal import working_on


def export(
    model: str, adapter: Path, out: Path, *, dtype: str = "float32", device: str = "auto", revision: str | None = None
) -> Path:
    """Merge in float32 on `device`, store in `dtype`; returns the new folder `out`. Raises UserError, SystemFailure."""
    check_new(out)
    if dtype not in DTYPES:
        raise UserError(f"There is no dtype {dtype!r}{did_you_mean(dtype, DTYPES)}")
    with working_on(f"Merging {adapter} into {model}"):
        vlm = load(model, dtype="float32", device=device, revision=revision)
        load_adapter(vlm, adapter)
        merge(vlm)
        torch.nn.Module.to(vlm.base, DTYPES[dtype])
        return save_model(vlm, out)
