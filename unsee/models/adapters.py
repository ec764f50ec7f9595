"""LoRA on and off: one copy of the weights, the reference model is the adapter switched off.

Adapters are saved in PEFT's own layout, so that plain `PeftModel.from_pretrained(model, folder)` loads them. Beside
them lies `unsee_base.json`, which says for which base model they were trained. What is no low-rank product is saved as
a delta (`unsee.models.deltas`); all that is done to adapters here works on deltas too, and on an adapter that was
trained on top of a delta.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from peft import LoraConfig, PeftConfig, PeftModel, get_peft_model
from safetensors import SafetensorError, safe_open
from transformers import PreTrainedModel

from unsee.errors import UserError
from unsee.models.deltas import is_delta, load_delta, remove_delta, save_delta, without_delta
from unsee.models.finite import check_finite, stored
from unsee.models.provenance import check_base, write_card, write_note
from unsee.models.vlm import VisionLanguageModel


def add_lora(
    vlm: VisionLanguageModel,
    *,
    rank: int,
    alpha: float,
    dropout: float,
    targets: Sequence[str] | None = None,
    seed: int,
) -> None:
    """Attach a new, trainable LoRA adapter; every other weight stays frozen.

    `targets` are names of linear modules as PEFT matches them; by default every linear module of the decoder layers,
    none of the vision tower or the projector. The adapter's initial weights depend on `seed` alone, and it changes no
    output until it is trained.
    """
    if vlm.adapted:
        raise UserError(f"{vlm.name} already carries an adapter; merge it or load the model again.")
    config = lora_config(vlm, rank=rank, alpha=alpha, dropout=dropout, targets=targets)
    devices = [vlm.device] if vlm.device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            vlm.model = cast(PeftModel, get_peft_model(vlm.base, config))
    except ValueError as error:
        raise UserError(f"LoRA cannot be attached to {vlm.name} at {targets}: {error}") from error


def lora_config(
    vlm: VisionLanguageModel, *, rank: int, alpha: float, dropout: float, targets: Sequence[str] | None = None
) -> LoraConfig:
    """PEFT's description of an adapter for this model; `targets` as for `add_lora`."""
    return LoraConfig(
        r=rank,
        lora_alpha=cast(int, alpha),
        lora_dropout=dropout,
        target_modules=list(targets) if targets is not None else vlm.layout.lora_targets,
        task_type="CAUSAL_LM",
        revision=vlm.revision,
    )


def train_all_weights(vlm: VisionLanguageModel, targets: Sequence[str] | None = None) -> None:
    """Make the language model trainable instead of an adapter; the vision tower and the projector stay frozen.

    With `targets`, paths of modules, only these become trainable. There is then no adapter to switch off: whoever needs
    the reference model has to ask it before the first step.
    """
    if vlm.adapted:
        raise UserError(f"{vlm.name} carries an adapter; load the model again to train all weights.")
    if getattr(vlm.base, "is_loaded_in_4bit", False):
        raise UserError(f"{vlm.name} is loaded in 4 bits, which can only train an adapter; load it without.")
    if targets is not None:
        for path in targets:
            vlm.base.get_submodule(path).requires_grad_(True)
        return
    vlm.base.get_submodule(vlm.layout.decoder).requires_grad_(True)
    vlm.base.get_output_embeddings().requires_grad_(True)


@contextmanager
def reference(vlm: VisionLanguageModel) -> Iterator[None]:
    """Within it, `vlm.model` computes what the model computed before unlearning: adapter and delta are switched off.

    Without either the model is its own reference (and no longer is, once all its weights are trained).
    """
    with without_delta(vlm), _without_adapter(vlm):
        yield


@contextmanager
def _without_adapter(vlm: VisionLanguageModel) -> Iterator[None]:
    if not isinstance(vlm.model, PeftModel):
        yield
        return
    # PEFT marks the adapter trainable when it switches it on again, also one that was loaded to be used only.
    flags = [(weight, weight.requires_grad) for weight in vlm.model.parameters()]
    try:
        with vlm.model.disable_adapter():
            yield
    finally:
        for weight, flag in flags:
            weight.requires_grad_(flag)


def enable_gradient_checkpointing(vlm: VisionLanguageModel) -> None:
    """Recompute activations in the backward pass instead of keeping them.

    The kind of checkpointing that re-enters the graph trains nothing under LoRA, because what enters a layer comes from
    frozen embeddings and needs no gradient. The other kind works with such inputs. transformers makes the embeddings'
    outputs need gradients all the same, which would carry the backward pass through the frozen vision tower: undone.
    """
    vlm.base.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
    vlm.base.disable_input_require_grads()


def save_adapter(vlm: VisionLanguageModel, folder: str | Path) -> Path:
    """Write the adapter as safetensors in PEFT's layout, the delta, or both, with a note of their base model.

    Returns the folder.
    """
    if not vlm.adapted:
        raise UserError(f"{vlm.name} carries no adapter that could be saved.")
    folder = Path(folder)
    if isinstance(vlm.model, PeftModel):
        # "auto" would ask the hub whether the base model's vocabulary changed.
        vlm.model.save_pretrained(str(folder), safe_serialization=True, save_embedding_layers=False)
        write_card(vlm, folder)
    if vlm.originals is not None:
        return save_delta(vlm, folder)
    write_note(vlm, folder)
    return folder


def load_adapter(vlm: VisionLanguageModel, folder: str | Path, *, trainable: bool = False) -> None:
    """Attach a saved adapter, delta, or both.

    `UserError` if it is none, holds pickles, NaN or infinity, or belongs to another base; `vlm` is then as before.
    """
    folder = Path(folder)
    if vlm.adapted:
        raise UserError(f"{vlm.name} already carries an adapter; merge it or load the model again.")
    if is_delta(folder):
        load_delta(vlm, folder)
        if not (folder / "adapter_config.json").is_file():
            return
    elif not (folder / "adapter_config.json").is_file():
        raise UserError(f"{folder} holds no adapter: it has no adapter_config.json.")
    else:
        check_base(vlm, folder)
    try:
        _attach(vlm, folder, trainable)
        tensors = stored(folder / "adapter_model.safetensors")
        check_finite(tensors, f"The adapter {folder}", "so every answer would be an accident: train it again")
    except UserError:
        detach(vlm)
        raise


def _attach(vlm: VisionLanguageModel, folder: Path, trainable: bool) -> None:
    weights = folder / "adapter_model.safetensors"
    if not weights.is_file():
        raise UserError(f"The adapter {folder} has no adapter_model.safetensors; pickles (*.bin) are not read.")
    try:
        config = PeftConfig.from_pretrained(str(folder))
        config.inference_mode = not trainable
        _check_shapes(vlm, folder, config, weights)
        # Known by now to be the same model, perhaps under another path; PEFT would warn of the other name.
        config.base_model_name_or_path = vlm.name
        vlm.model = PeftModel.from_pretrained(vlm.base, str(folder), config=config, is_trainable=trainable)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise UserError(f"The adapter {folder} cannot be loaded: {reason}") from error


def merge(vlm: VisionLanguageModel) -> None:
    """Fold the adapter into the weights; the model is an ordinary transformers model again, without its reference."""
    if not vlm.adapted:
        raise UserError(f"{vlm.name} carries no adapter that could be merged.")
    if not isinstance(vlm.model, PeftModel):
        vlm.originals, vlm.low_rank = None, {}
        return
    if getattr(vlm.base, "is_loaded_in_4bit", False):
        raise UserError(f"{vlm.name} is loaded in 4 bits, where merging loses precision; load it without to merge.")
    vlm.model = cast(PreTrainedModel, cast(Any, vlm.model).merge_and_unload())
    vlm.model.requires_grad_(False)
    vlm.originals, vlm.low_rank = None, {}


def detach(vlm: VisionLanguageModel) -> None:
    """Take the adapter off for good: the model is again what it was before unlearning."""
    if isinstance(vlm.model, PeftModel):
        vlm.model = cast(PreTrainedModel, cast(Any, vlm.model).unload())
        vlm.model.requires_grad_(False)
    remove_delta(vlm)


def _check_shapes(vlm: VisionLanguageModel, folder: Path, config: PeftConfig, weights: Path) -> None:
    """Every LoRA matrix in the file must fit a module of this model."""
    modules = dict(vlm.base.named_modules())
    with safe_open(str(weights), framework="pt") as file:
        keys = file.keys()
        for key in keys:
            path, _, kind = key.removeprefix("base_model.model.").partition(".lora_")
            if kind not in ("A.weight", "B.weight"):
                continue
            module = modules.get(path)
            shape = file.get_slice(key).get_shape()
            side = shape[1] if kind == "A.weight" else shape[0]
            expected = getattr(module, "in_features" if kind == "A.weight" else "out_features", None)
            if side != expected:
                raise UserError(
                    f"The adapter {folder} belongs to another base model ({config.base_model_name_or_path}): "
                    f"its {path} does not fit {vlm.name}."
                )
