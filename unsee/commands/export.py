"""`export`: an adapter merged into its model, as an ordinary checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from unsee.errors import UserError, did_you_mean
from unsee.models.adapters import load_adapter, merge
from unsee.models.change import Change, change_of
from unsee.models.loading import DTYPES, load
from unsee.models.provenance import base_of
from unsee.models.saving import save_model
from unsee.models.trying import load_elsewhere
from unsee.store.locking import locked
from unsee.store.workspace import check_new
from unsee.terminal import working_on


@dataclass(frozen=True)
class Exported:
    """The new folder, how far its weights are from the base model's, and what readers need to load it, in sentences."""

    folder: Path
    change: Change
    notes: tuple[str, ...]


def export(
    model: str | Path,
    adapter: Path | None,
    out: Path,
    *,
    dtype: str = "float32",
    device: str = "auto",
    revision: str | None = None,
    check: bool = True,
) -> Exported:
    """Merge in float32 on `device`, store in `dtype` in the new folder `out`.

    model: the base model of `adapter`; or, without one, the folder of a run, which names its base model itself.
    check: load the result in a process without unsee, which takes the seconds of importing transformers.

    Raises:
        UserError: something given cannot work, or the adapter changes no weight that `dtype` can tell.
        SystemFailure: the disk refuses, or the result does not load with plain transformers.
    """
    with locked(out):
        check_new(out)
        if dtype not in DTYPES:
            raise UserError(f"There is no dtype {dtype!r}{did_you_mean(dtype, DTYPES)}")
        base = base_of(model)
        if base is not None and adapter is not None:
            raise UserError(f"{model} already has its adapter; leave out --adapter, or give {base.name} as the model.")
        merging = f"the adapter of {model}" if adapter is None else f"{adapter} into {model}"
        with working_on(f"Merging {merging}"):
            vlm = load(model, dtype="float32", device=device, revision=revision)
            if adapter is not None:
                load_adapter(vlm, adapter)
            if not vlm.adapted:
                raise UserError(
                    f"{model} has no adapter to merge; give the folder of a run as the model, or --adapter."
                )
            change = change_of(vlm, DTYPES[dtype])
            if not change.parameters:
                raise UserError(
                    f"The adapter {adapter or model} changes no weight of {vlm.name} in {dtype}, so the export would "
                    "equal the base model; export in float32, or another adapter."
                )
            merge(vlm)
            torch.nn.Module.to(vlm.base, DTYPES[dtype])
            folder = save_model(vlm, out)
        del vlm
        with working_on(f"Loading {folder} with plain transformers"):
            return Exported(folder, change, load_elsewhere(folder) if check else ())
