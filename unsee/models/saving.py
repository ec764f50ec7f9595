"""Writing an ordinary checkpoint: what `unsee export` does after merging."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from safetensors import SafetensorError

from unsee.errors import SystemFailure, UserError
from unsee.models.finite import check_finite
from unsee.models.vlm import VisionLanguageModel


def save_model(vlm: VisionLanguageModel, folder: str | Path) -> Path:
    """Write weights (safetensors), config, tokenizer and processor to a new folder that any transformers user can load.

    Written under another name first, so that `folder` exists only once it is whole. Raises `UserError` if it exists,
    the model still carries an adapter, or a weight is not finite; `SystemFailure` if it cannot be written.
    """
    folder = Path(folder)
    if vlm.adapted:
        raise UserError(f"{vlm.name} carries an adapter; merge it before saving the whole model.")
    if folder.exists():
        raise UserError(f"{folder} exists already; choose a new folder.")
    remedy = "store it in a wider dtype (float32, bfloat16), or train again"
    check_finite(vlm.base.named_parameters(), f"{vlm.name}, as it is to be stored,", remedy)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise SystemFailure(f"Cannot write to {folder.parent}: {error.strerror or error}.") from error
    try:
        vlm.base.save_pretrained(work)
        vlm.processor.save_pretrained(work)
        # mkdtemp makes the folder readable by its owner alone.
        work.chmod(0o755)
        work.rename(folder)
    except (OSError, SafetensorError) as error:
        raise SystemFailure(f"Cannot write the model to {folder}: {error}.") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder
