"""That an adapter or a delta belongs to a loaded model: the note in its folder is written and checked here."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, cast

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils.other import ModulesToSaveWrapper
from transformers import PreTrainedModel

from unsee.errors import UserError
from unsee.models.base_note import BASE_FILE, read_note
from unsee.models.quantising import is_rounded
from unsee.models.vlm import VisionLanguageModel

# Modules inside of PEFT's wrappers, which stand for them.
_PART_OF_ADAPTER = re.compile(r"\.(lora_\w+|base_layer|original_module|modules_to_save)(\.|$)")


def write_note(vlm: VisionLanguageModel, folder: Path, **more: Any) -> None:
    """Write down the base model of what `folder` holds, and `more`. Call it while the base weights are those before
    unlearning."""
    note = {"base": vlm.name, "revision": vlm.revision, **fingerprint(vlm.base), **more}
    (folder / BASE_FILE).write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")


def write_card(vlm: VisionLanguageModel, folder: Path) -> None:
    """The adapter's README.md, as the hub reads it, instead of PEFT's form to fill in."""
    card = f"""---
base_model: {vlm.name}
library_name: peft
pipeline_tag: image-text-to-text
tags: [lora, machine-unlearning]
---

# An adapter for {vlm.name}

A LoRA adapter that unsee trained. `manifest.json` says what should be forgotten and how the adapter was trained;
`report.html` shows what the model answered before and after. `unsee export` merges the adapter into the model:

```sh
unsee export --model {vlm.name} --adapter THIS_FOLDER --out MERGED
```
"""
    (folder / "README.md").write_text(card, encoding="utf-8")


def check_base(vlm: VisionLanguageModel, folder: Path) -> None:
    """Raise UserError if the note says another base model; adapters of other programs have no note."""
    if not (folder / BASE_FILE).is_file():
        return
    note = read_note(folder)
    for key, value in fingerprint(vlm.base).items():
        if None not in (value, note[key]) and value != note[key]:
            raise UserError(
                f"The adapter {folder} belongs to another base model ({note['base']}, {note['architecture']}), "
                f"not to {vlm.name}."
            )


def fingerprint(model: PreTrainedModel) -> dict[str, str | None]:
    """What tells one base model from another: its class and hashes of samples of its weights.

    Hashed in bfloat16, so that it does not depend on the dtype the model was loaded in. The linear weights have no
    hash when they are stored in few bits; `None` then matches anything.
    """
    embeddings, linears = hashlib.sha256(), hashlib.sha256()
    quantised = is_rounded(model)
    _digest(embeddings, "embeddings", cast(torch.Tensor, _without_adapter(model.get_input_embeddings()).weight))
    decoder = model.get_decoder()
    for path, module in decoder.named_modules():
        base = _without_adapter(module)
        if not quantised and isinstance(base, torch.nn.Linear) and not _PART_OF_ADAPTER.search(path):
            _digest(linears, path, base.weight)
    return {
        "architecture": type(model).__name__,
        "embeddings": embeddings.hexdigest()[:16],
        "linears": None if quantised else linears.hexdigest()[:16],
    }


def _without_adapter(module: torch.nn.Module) -> torch.nn.Module:
    """The module that PEFT has wrapped; the same where it has not."""
    if isinstance(module, ModulesToSaveWrapper):
        return cast(torch.nn.Module, module.original_module)
    return cast(torch.nn.Module, module.get_base_layer()) if isinstance(module, BaseTunerLayer) else module


def _digest(digest: Any, path: str, weight: torch.Tensor) -> None:
    """Add the shape and 64 evenly spaced values of `weight`."""
    flat = weight.detach().reshape(-1)
    sample = flat[:: max(1, flat.numel() // 64)].to("cpu", torch.bfloat16)
    digest.update(f"{path}{tuple(weight.shape)}".encode())
    digest.update(sample.view(torch.int16).numpy().tobytes())
