"""What distinguishes one model from another. `--resume`, the journal of answers and `compare` ask for it, so that no
run continues with another model, picture size or chat template.

`of_files` reads what lies in a folder and needs no model in memory; `of_model` reads the model in memory, with its
adapter. Where the two speak of the same part, they call it by the same name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils.other import AuxiliaryTrainingWrapper

from unsee.errors import UserError
from unsee.models.quantising import plain_values
from unsee.models.shipped import WORLD_PREFIX, checkpoint_path
from unsee.models.vlm import VisionLanguageModel

WEIGHTS_PER_TENSOR = 64
_WRAPPED = ("base_layer", "original_module")
"""What PEFT calls the layer inside an adapter's, and inside one that is trained whole."""
FILES = {
    "weights": ("config.json", "*.safetensors"),
    "generation": ("generation_config.json",),
    "processor": (
        "preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json", "tokenizer*.json",
        "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "vocab.txt", "*.model",
    ),
    "chat_template": ("chat_template.*", "additional_chat_templates/*"),
}  # fmt: skip


def of_files(model: str) -> dict[str, str | None]:
    """SHA-256 (hex) of each of a model's parts (the keys of `FILES`), for one of the world or a local folder; None for
    each part of a hub model, which its commit identifies.

    Raises UserError if the world has no such model, or a file cannot be read.
    """
    folder = _folder(model)
    if folder is None:
        return dict.fromkeys(FILES)
    return {
        part: files_digest({path for pattern in patterns for path in folder.glob(pattern)})
        for part, patterns in FILES.items()
    }


def of_model(vlm: VisionLanguageModel) -> dict[str, Any]:
    """Everything about a model in memory that decides its answers, as plain data.

    `weights` is a digest of a sample of every tensor, because training changes all of a tensor that it changes at all;
    `adapter` says which adapters are on. An adapter that is switched off decides nothing: the model is the one before.
    """
    processor: Any = vlm.processor
    settings = {**processor.to_dict(), **processor.image_processor.to_dict(), "tokenizer": _tokens(vlm.tokenizer)}
    settings.pop("chat_template", None)
    generation = vlm.base.generation_config
    return {
        "model": vlm.name,
        "revision": vlm.revision,
        "dtype": str(vlm.dtype),
        "4bit": bool(getattr(vlm.base, "is_loaded_in_4bit", False)),
        "weights": _weights(vlm),
        "adapter": _digest(_switches(vlm)),
        "generation": _digest(generation.to_diff_dict() if generation else None),
        "processor": _digest(settings),
        "chat_template": _digest([processor.chat_template, vlm.tokenizer.chat_template]),
    }


def files_digest(paths: Iterable[Path]) -> str:
    """SHA-256 (hex) of files with their names, in the order of these. Raises UserError for one that is unreadable."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        try:
            state = path.stat()
            digest.update(path.name.encode() + _content(path, state.st_mtime_ns, state.st_size))
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error
    return digest.hexdigest()


@cache
def _content(path: Path, changed: int, size: int) -> bytes:
    """The digest of a file, which is read anew once it has changed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _folder(model: str) -> Path | None:
    if model.startswith(WORLD_PREFIX):
        return Path(checkpoint_path(model.removeprefix(WORLD_PREFIX)))
    folder = Path(model).expanduser()
    return folder.resolve() if folder.is_dir() else None


@torch.no_grad()
def _weights(vlm: VisionLanguageModel) -> str:
    samples = []
    for _, weight in sorted(_deciding(vlm), key=lambda named: named[0]):
        values = plain_values(weight).flatten()
        samples.append(values[:: max(1, len(values) // WEIGHTS_PER_TENSOR)][:WEIGHTS_PER_TENSOR].float())
    together = torch.cat([sample.to(samples[0].device) for sample in samples]).cpu()
    return hashlib.sha256(together.numpy().tobytes()).hexdigest()


def _deciding(vlm: VisionLanguageModel) -> Iterator[tuple[str, torch.Tensor]]:
    """The weights by name. Of an adapter that is switched off only those of the layers that it wraps, under the names
    that they have without it."""
    off = tuple(f"{name}." for name, module in vlm.base.named_modules() if _is_off(module))
    for name, weight in vlm.base.named_parameters():
        wrapper = next((prefix for prefix in off if name.startswith(prefix)), "")
        part, _, rest = name.removeprefix(wrapper).partition(".")
        if not wrapper:
            yield name, weight
        elif part in _WRAPPED:
            yield wrapper + rest, weight


def _is_off(module: object) -> bool:
    return isinstance(module, (BaseTunerLayer, AuxiliaryTrainingWrapper)) and module.disable_adapters


def _switches(vlm: VisionLanguageModel) -> Iterator[list[Any]]:
    for name, module in vlm.base.named_modules():
        if isinstance(module, BaseTunerLayer) and not _is_off(module):
            yield [name, module.disable_adapters, list(module.active_adapters), list(module.merged_adapters)]


def _tokens(tokenizer: Any) -> Any:
    """The whole of a fast tokenizer except the padding and truncation of its last call."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return sorted(tokenizer.get_vocab().items())
    content = json.loads(backend.to_str())
    return {key: value for key, value in content.items() if key not in ("padding", "truncation")}


def _digest(content: Any) -> str:
    plain = [*content] if isinstance(content, Iterator) else content
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).hexdigest()
