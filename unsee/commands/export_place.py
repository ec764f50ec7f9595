"""What can be said of an export before torch is imported: where it goes, and what it holds."""

from __future__ import annotations

from pathlib import Path

from unsee.errors import UserError
from unsee.models.names import DTYPES, check_dtype
from unsee.models.quantising import check_quantiser
from unsee.store.locking import check_unused
from unsee.store.workspace import check_new


def check_place(out: Path) -> None:
    """Raise UserError if another run uses `out`, or something is there."""
    check_unused(out)
    if (out / "adapter_config.json").is_file():
        raise UserError(
            f"The output folder {out} holds an adapter, which would load on top of merged weights in the same folder; "
            "choose a new folder."
        )
    check_new(out)


def check_kind(dtype: str, rounding: str | None, adapter_only: bool) -> None:
    """Raise UserError for weights that cannot be written."""
    check_dtype(dtype)
    if rounding is not None:
        check_quantiser(rounding)
    if adapter_only and (rounding is not None or DTYPES[dtype] != "float32"):
        raise UserError("An adapter by itself is stored as it was trained; leave the dtype and the rounding out.")
