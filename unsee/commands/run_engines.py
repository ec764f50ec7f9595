"""The model of a run, before and after unlearning, ready to be asked."""

from __future__ import annotations

from pathlib import Path

from unsee.errors import UserError
from unsee.generation import Engine, TransformersEngine
from unsee.models.base_note import base_of
from unsee.models.loading import load
from unsee.models.vlm import VisionLanguageModel
from unsee.training.manifest import MANIFEST, Unlearned


def engines_of_run(
    folder: Path, device: str
) -> tuple[Engine, Engine | None, VisionLanguageModel, VisionLanguageModel | None]:
    """The engines after and before, the weights, and those before if they are a model of their own.

    Raises UserError if the folder does not say what model it belongs to, or a model cannot be loaded.
    """
    if not is_full(folder) and base_of(folder) is None:
        raise UserError(
            f"{folder} does not say what model it belongs to; give it as --adapter, with its --model and --request."
        )
    manifest = Unlearned.open(folder).manifest if (folder / MANIFEST).is_file() else {}
    in_4bit = bool(manifest.get("base", {}).get("4bit"))
    vlm = load(str(folder), device=device, load_in_4bit=in_4bit)
    if is_full(folder):
        original = load(manifest["model"], device=device, revision=manifest["model_revision"], load_in_4bit=in_4bit)
        return TransformersEngine(vlm), TransformersEngine(original), vlm, original
    engine = TransformersEngine(vlm)
    return engine, engine.without_adapter(), vlm, None


def is_full(folder: Path) -> bool:
    """Whether the folder holds a run that trained all weights."""
    return (folder / MANIFEST).is_file() and Unlearned.open(folder).full
