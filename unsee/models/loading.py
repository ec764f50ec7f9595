"""`load`: a world name, a hub id or a local folder becomes a `VisionLanguageModel`."""

from __future__ import annotations

import json
import re
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForImageTextToText, PreTrainedConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

from unsee.errors import SystemFailure, UserError
from unsee.models import names, shipped
from unsee.models.adapters import load_adapter
from unsee.models.base_note import base_of
from unsee.models.finite import check_finite, stored
from unsee.models.layout import find_layout
from unsee.models.processors import load_processor
from unsee.models.quantising import NF4, check_quantiser, quantiser
from unsee.models.shipped import WORLD_PREFIX
from unsee.models.vlm import VisionLanguageModel
from unsee.store.text import read_text
from unsee.terminal import quiet_loading

DTYPES: dict[str, torch.dtype] = {name: getattr(torch, own) for name, own in names.DTYPES.items()}
_SERVED = ("openai:", "vllm:", "http:", "https:")
"""How the names of models begin that only answer (`unsee.generation.engines`)."""
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
# Pickles (*.bin, *.pt) can run code when opened and are never fetched.
_HUB_WEIGHTS = "*.safetensors"
_HUB_FILES = ["*.json", _HUB_WEIGHTS, "*.jinja", "*.model", "*.txt"]
_HUB_DUPLICATES = ["original/*", "consolidated*", "onnx/*", "*/onnx/*"]


def load(
    name: str | Path,
    *,
    dtype: str | torch.dtype = "auto",
    device: str | torch.device = "auto",
    revision: str | None = None,
    load_in_4bit: bool = False,
    rounded: str | None = None,
    trust_remote_code: bool = False,
) -> VisionLanguageModel:
    """Load a vision-language model with its processor, in evaluation mode and with every weight frozen.

    `name`      "world:tiny-qwen3vl", a hub id ("org/model"), a local folder, or the folder of a run of `unsee forget`:
                its base model with the adapter on, which `unsee.models.adapters.reference` switches off
    `dtype`     "auto": that of the checkpoint on a GPU, float32 on a CPU, where half precision is slow and coarse
    `device`    "auto": the GPU where there is one, else the CPU
    `revision`  branch, tag or commit of a hub model; of a run's base model by default the one it was made with
    `load_in_4bit`  keep the linear weights in 4 bits (NF4); needs bitsandbytes
    `rounded`   the same for any way of `unsee.models.quantising`: "int8" or "nf4"
    `trust_remote_code`  run the model code that comes with a hub model; off unless asked for

    Only safetensors are read. Raises `UserError` for a name, folder, architecture or option that cannot work, and
    `SystemFailure` when the hub cannot be reached.
    """
    where = usable_device(device)
    how = NF4 if load_in_4bit else rounded
    if how is not None:
        check_quantiser(how)
    base = base_of(name)
    if base is not None:
        try:
            vlm = load(
                base.name,
                dtype=dtype,
                device=where,
                revision=revision or base.revision,
                rounded=how,
                trust_remote_code=trust_remote_code,
            )
        except UserError as error:
            raise UserError(
                f"The model {base.name}, which the adapter {name} is for, cannot be used: {error}"
            ) from error
        load_adapter(vlm, Path(name).expanduser())
        return vlm
    folder, commit = _find(str(name), revision, trust_remote_code)
    config = _read_config(folder, str(name), trust_remote_code)
    _check_weights(folder, str(name))
    options: dict[str, Any] = {"dtype": _dtype(dtype, config, where)}
    if how is not None:
        with torch.device("meta"):
            layout = find_layout(AutoModelForImageTextToText.from_config(config))
        options["quantization_config"] = quantiser(how, options["dtype"], layout)
        options["device_map"] = {"": where}
    loader: Any = AutoModelForImageTextToText
    try:
        with quiet_loading():
            model, report = loader.from_pretrained(
                folder,
                config=config,
                use_safetensors=True,
                trust_remote_code=trust_remote_code,
                output_loading_info=True,
                **options,
            )
    except (
        OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError, SafetensorError,
    ) as error:  # fmt: skip
        if isinstance(error, torch.OutOfMemoryError):
            raise SystemFailure(
                f"{where} has not enough memory for {name}; try load_in_4bit or a smaller dtype."
            ) from error
        raise UserError(f"The weights in {folder} cannot be loaded: {_first_line(error)}") from error
    if report["missing_keys"]:
        raise UserError(
            f"The weights in {folder} are not whole: {len(report['missing_keys'])} are missing, such as "
            f"{min(report['missing_keys'])}."
        )
    if how is None:
        torch.nn.Module.to(model, where)
    _check_finite(model, folder)
    model.eval().requires_grad_(False)
    # PEFT writes this into an adapter as its base model; the folder in the hub's cache would mean nothing elsewhere.
    model.name_or_path = model.config._name_or_path = str(name)
    processor = load_processor(folder, config, trust_remote_code=trust_remote_code)
    return VisionLanguageModel(model, processor, find_layout(model), str(name), commit)


def outline(
    name: str | Path,
    *,
    dtype: str | torch.dtype = "auto",
    device: str | torch.device = "auto",
    revision: str | None = None,
) -> tuple[VisionLanguageModel, Path]:
    """The model as `load` would give it on `device` (which need not be there), but every tensor on the meta device; and
    the folder it is from.

    Only the config, the tokenizer and the processor are read, and fetched where `name` is a hub id; weights need not be
    there. Raises as `load` does.
    """
    where = usable_device("auto") if device == "auto" else torch.device(device)
    folder, commit = _find(str(name), revision, trust_remote_code=False, weights=False)
    config = _read_config(folder, str(name), trust_remote_code=False)
    maker: Any = AutoModelForImageTextToText
    with torch.device("meta"):
        model = maker.from_config(config, dtype=_dtype(dtype, config, where))
    model.eval().requires_grad_(False)
    model.name_or_path = model.config._name_or_path = str(name)
    return VisionLanguageModel(model, load_processor(folder, config), find_layout(model), str(name), commit), folder


def _find(name: str, revision: str | None, trust_remote_code: bool, *, weights: bool = True) -> tuple[Path, str | None]:
    """(local folder with the model, commit of a hub model)."""
    if name.startswith(WORLD_PREFIX):
        return Path(shipped.checkpoint_path(name.removeprefix(WORLD_PREFIX))), None
    path = Path(name).expanduser()
    if name and path.is_dir():
        if not (path / "config.json").is_file():
            if (path / "adapter_config.json").is_file():
                raise UserError(
                    f"The folder {name} holds an adapter but no model; give its base model as the model, and the "
                    "folder as its adapter."
                )
            raise UserError(
                f"The folder {name} holds no model: it has no config.json; give the folder with the model's files."
            )
        if (path / "adapter_config.json").is_file():
            raise UserError(
                f"The folder {name} holds a model and an adapter, which transformers would load on top of it; "
                "keep them in two folders."
            )
        return path, None
    if name and path.exists():
        raise UserError(f"{name} is a file; give the folder that holds config.json and the weights.")
    if name.startswith(_SERVED):
        raise UserError(
            f"The served model {name} only answers and cannot be trained or changed; give its weights: a folder or a "
            "hub id (organisation/model)."
        )
    if not _HUB_ID.fullmatch(name):
        raise UserError(
            f"There is no model {name!r}; give an existing folder, a hub id (organisation/model) or a world name (such "
            f"as {WORLD_PREFIX}tiny-qwen3vl)."
        )
    return _download(name, revision, trust_remote_code, weights)


def _download(name: str, revision: str | None, trust_remote_code: bool, weights: bool) -> tuple[Path, str]:
    """Fetch a hub model, or all of it but the weights, into the hub's own cache (or find it there).

    Returns (folder, commit).
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    # The hub client has changed its HTTP library more than once; the base of its own errors says which it is now.
    transport_error: Any = next(kind for kind in HfHubHTTPError.__mro__ if kind.__name__ == "HTTPError")
    patterns = [*_HUB_FILES, "*.py"] if trust_remote_code else _HUB_FILES
    if not weights:
        patterns = [pattern for pattern in patterns if pattern != _HUB_WEIGHTS]
    try:
        folder = Path(
            snapshot_download(name, revision=revision, allow_patterns=patterns, ignore_patterns=_HUB_DUPLICATES)
        )
    except GatedRepoError as error:
        raise UserError(f"{name} is gated: accept its terms on the hub and log in with `hf auth login`.") from error
    except RepositoryNotFoundError as error:
        raise UserError(
            f"There is no model {name} on the hub that you may read, and no local folder of that name."
        ) from error
    except RevisionNotFoundError as error:
        raise UserError(
            f"The hub model {name} has no revision {revision!r}; check the branch, tag or commit."
        ) from error
    except HFValidationError as error:
        raise UserError(f"{name} is neither a local folder nor a valid hub id: {_first_line(error)}") from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, transport_error) as error:
        raise SystemFailure(
            f"There is no folder {name}. Cannot fetch {name}: it is not in the hub's local cache, and the hub cannot "
            "be reached; check the path, or check the network."
        ) from error
    except OSError as error:
        raise SystemFailure(f"Cannot store {name}: {_first_line(error)}") from error
    if not (folder / "config.json").is_file():
        raise UserError(f"The hub model {name} has no config.json, so it is not a transformers model; choose another.")
    return folder, folder.name


def cached_commit(name: str, revision: str | None = None) -> str | None:
    """The commit of a hub model that `load` would take without the network; None where it is not in the hub's cache, or
    no hub model. `revision` as for `load`."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    if name.startswith(WORLD_PREFIX) or Path(name).expanduser().exists() or not _HUB_ID.fullmatch(name):
        return None
    try:
        return Path(snapshot_download(name, revision=revision, local_files_only=True)).name
    except (HFValidationError, LocalEntryNotFoundError):
        return None


def _read_config(folder: Path, name: str, trust_remote_code: bool) -> PreTrainedConfig:
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)
    except (OSError, ValueError, KeyError, TypeError) as error:
        try:
            kind = json.loads(read_text(folder / "config.json")).get("model_type")
        except (ValueError, AttributeError):
            raise UserError(f"The config.json of {name} is not valid JSON: {_first_line(error)}") from error
        raise UserError(
            f"The config.json of {name} (model_type {kind!r}) is none that transformers reads: {_first_line(error)}"
        ) from error
    known = type(config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
    remote = trust_remote_code and "AutoModelForImageTextToText" in getattr(config, "auto_map", {})
    if not known and not remote:
        raise UserError(
            f"{name} is a {config.model_type!r} model, which takes no pictures: looked for its config among those of "
            "AutoModelForImageTextToText and did not find it."
        )
    return config


def _check_weights(folder: Path, name: str) -> None:
    if any(folder.glob("*.safetensors")):
        return
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix in (".bin", ".pt", ".pth"))
    if pickles:
        raise UserError(
            f"The weights of {name} are pickles ({pickles[0]}), which can run code when opened; convert them to "
            "safetensors first."
        )
    raise UserError(f"{name} has no weights: there is no *.safetensors file in {folder}.")


def _check_finite(model: torch.nn.Module, folder: Path) -> None:
    """Weights in 4 bits no longer show what they were made of, so those are looked up in the files."""
    in_4bit = bool(getattr(model, "is_loaded_in_4bit", False))
    files = sorted(folder.glob("*.safetensors")) if in_4bit else []
    tensors = chain.from_iterable(map(stored, files)) if in_4bit else model.named_parameters()
    remedy = "download the weights again, or load them in a wider dtype (float32)"
    check_finite(tensors, f"The model in {folder}", remedy)


def usable_device(device: str | torch.device) -> torch.device:
    """The device asked for; "auto": the GPU where there is one, else the CPU. `UserError` for one that is not there."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        where = torch.device(device)
        torch.empty(0, device=where)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UserError(
            f"The device {device!s} cannot be used here ({_first_line(error).rstrip('.')}); use --device cpu."
        ) from error
    return where


def _dtype(dtype: str | torch.dtype, config: PreTrainedConfig, where: torch.device) -> torch.dtype:
    if isinstance(dtype, torch.dtype):
        return dtype
    if dtype == "auto":
        if where.type == "cpu":
            return torch.float32
        # Composite configs may name the dtype only in their text part.
        saved = config.dtype or config.get_text_config().dtype
        return saved if isinstance(saved, torch.dtype) else torch.bfloat16
    if dtype not in DTYPES:
        raise UserError(f"There is no dtype {dtype!r}; choose auto, {', '.join(DTYPES)}.")
    return DTYPES[dtype]


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).partition("\n")[0].rstrip(".") + "."
