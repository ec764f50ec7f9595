"""LoRA on and off: one copy of the weights, the reference model is the adapter switched off.

Adapters are saved in PEFT's own layout, so that plain `PeftModel.from_pretrained(model, folder)` loads them. The file
`unsee_base.json` next to them names the base model they were trained for. Changes that are not a low-rank product are
saved as a delta (`unsee.models.deltas`). Everything here that works on adapters also works on deltas, and on an adapter
that was trained on top of a delta.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, cast

import torch
from peft import LoraConfig, PeftConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from peft.utils.other import ModulesToSaveWrapper
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import PreTrainedModel

from unsee.errors import UserError
from unsee.models.deltas import is_delta, load_delta, remove_delta, save_delta, without_delta
from unsee.models.finite import check_finite, stored
from unsee.models.provenance import check_base, write_card, write_note
from unsee.models.quantising import is_rounded
from unsee.models.tying import ties_settled
from unsee.models.vlm import VisionLanguageModel
from unsee.store.modes import ordinary_mode

ADAPTER = "adapter_model.safetensors"


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

    With `targets`, paths of modules, only these become trainable. There is then no adapter to switch off, so the
    reference model must be asked before the first step.
    """
    if vlm.adapted:
        raise UserError(f"{vlm.name} carries an adapter; load the model again to train all weights.")
    if getattr(vlm.base, "is_loaded_in_4bit", False):
        raise UserError(f"{vlm.name} is loaded in 4 bits, which can only train an adapter; load it in full precision.")
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
        raise UserError(f"{vlm.name} carries no adapter to save; train or load one first.")
    folder = Path(folder)
    if isinstance(vlm.model, PeftModel):
        # "auto" would ask the hub whether the base model's vocabulary changed.
        vlm.model.save_pretrained(str(folder), safe_serialization=True, save_embedding_layers=False)
        ordinary_mode(folder / ADAPTER)
        write_card(vlm, folder)
    if vlm.originals is not None:
        return save_delta(vlm, folder)
    write_note(vlm, folder)
    return folder


def load_adapter(vlm: VisionLanguageModel, folder: str | Path, *, trainable: bool = False) -> None:
    """Attach a saved adapter, delta, or both.

    `UserError` if it is not one, holds pickles, NaN or infinity, belongs to another base, or lacks weights that its
    config names; `vlm` is then unchanged.
    """
    folder = Path(folder)
    if vlm.adapted:
        raise UserError(f"{vlm.name} already carries an adapter; merge it or load the model again.")
    if is_delta(folder):
        load_delta(vlm, folder)
        if not (folder / "adapter_config.json").is_file():
            return
    elif not (folder / "adapter_config.json").is_file():
        raise UserError(
            f"{folder} holds no adapter: it has no adapter_config.json; give a folder that `unsee forget` wrote."
        )
    else:
        check_base(vlm, folder)
    try:
        _attach(vlm, folder, trainable)
        tensors = chain(stored(folder / ADAPTER), _scalings(vlm))
        check_finite(tensors, f"The adapter {folder}", "train it again, because every answer would be meaningless")
    except UserError:
        detach(vlm)
        raise


def _scalings(vlm: VisionLanguageModel) -> Iterator[tuple[str, Tensor]]:
    """What each low-rank product is multiplied by, which comes from the config: alpha over rank."""
    for path, module in vlm.base.named_modules():
        if isinstance(module, LoraLayer):
            yield from ((f"the scaling of {path}", torch.tensor(value)) for value in module.scaling.values())


def _attach(vlm: VisionLanguageModel, folder: Path, trainable: bool) -> None:
    if not (folder / ADAPTER).is_file():
        raise UserError(
            f"The adapter {folder} has no {ADAPTER}; pickles (*.bin) are not read, so save it as safetensors."
        )
    attached: PeftModel | None = None
    base_of_adapter = None
    try:
        config = PeftConfig.from_pretrained(str(folder))
        config.inference_mode = not trainable
        base_of_adapter = config.base_model_name_or_path
        # Known by now to be the same model, perhaps under another path; PEFT would warn of the other name.
        config.base_model_name_or_path = None
        attached = cast(PeftModel, get_peft_model(vlm.base, config))
        found = attached.load_adapter(str(folder), "default", is_trainable=trainable)
        _check_whole(folder, attached, found)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError, UserError) as error:
        if attached is not None:
            _unload(attached)
        if isinstance(error, UserError):
            raise
        raise UserError(_not_loaded(folder, base_of_adapter, vlm.name, error)) from error
    vlm.model = attached


def _check_whole(folder: Path, attached: PeftModel, found: Any) -> None:
    """Every weight that the adapter's config calls for came from its file, and every weight of the file was used."""
    if found.missing_keys:
        prefix = cast(Any, attached.base_model).prefix
        wanted = sum(prefix in name for name, _ in attached.named_parameters())
        raise UserError(
            f"The adapter {folder} is not whole: of the {wanted} weights that its adapter_config.json calls for, "
            f"{len(found.missing_keys)} are missing from {ADAPTER}, such as {_saved_name(found.missing_keys)}."
        )
    if found.unexpected_keys:
        raise UserError(
            f"The adapter {folder} does not match: {len(found.unexpected_keys)} of its weights belong to no module "
            f"that its adapter_config.json names in {attached.name_or_path}, such as "
            f"{_saved_name(found.unexpected_keys)}."
        )


def _saved_name(keys: Sequence[str]) -> str:
    """The first of them, as it is called in the file, where the adapter has no name."""
    return min(keys).replace(".default", "")


def _not_loaded(folder: Path, base_of_adapter: str | None, name: str, error: Exception) -> str:
    said = str(error).strip()
    other = f"The adapter {folder} belongs to another base model ({base_of_adapter})"
    mismatch = re.search(r"size mismatch for ([\w.]+)", said)
    if mismatch:
        return f"{other}: its {_saved_name([mismatch[1]])} does not fit {name}."
    if "not found in the base model" in said:
        return f"{other}: {name} has none of the modules that it names."
    if isinstance(error, KeyError):
        return f"The adapter {folder} is not whole: {error.args[0]} is missing from {ADAPTER}."
    return f"The adapter {folder} cannot be loaded: {said.partition(chr(10))[0]}"


def merge(vlm: VisionLanguageModel) -> None:
    """Fold the adapter into the weights; the model is an ordinary transformers model again, without its reference."""
    if not vlm.adapted:
        raise UserError(f"{vlm.name} carries no adapter to merge; load one first.")
    if not isinstance(vlm.model, PeftModel):
        vlm.originals, vlm.low_rank = None, {}
        return
    if is_rounded(vlm.base):
        bits = "4 bits" if getattr(vlm.base, "is_loaded_in_4bit", False) else "few bits"
        raise UserError(f"{vlm.name} is loaded in {bits}, where merging loses precision; load it in full precision.")
    with ties_settled(vlm.base), warnings.catch_warnings():
        # PEFT warns of what is settled here.
        warnings.filterwarnings("ignore", message=r".*(tie_word_embeddings|no longer tied)")
        vlm.model = cast(PreTrainedModel, cast(Any, vlm.model).merge_and_unload())
    vlm.model.requires_grad_(False)
    vlm.originals, vlm.low_rank = None, {}


def detach(vlm: VisionLanguageModel) -> None:
    """Remove the adapter: the model is again what it was before unlearning."""
    if isinstance(vlm.model, PeftModel):
        vlm.model = _unload(vlm.model)
    remove_delta(vlm)


def _unload(model: PeftModel) -> PreTrainedModel:
    """The base model without the adapter."""
    base = model.get_base_model()
    for path, module in [*base.named_modules()]:
        if isinstance(module, ModulesToSaveWrapper):
            # PEFT leaves the trained module where the base's was.
            base.set_submodule(path, cast(nn.Module, module.original_module))
    return cast(PreTrainedModel, cast(Any, model).unload().requires_grad_(False))
