"""The manifest: what a reader needs to know, or to repeat, a run."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unsee.errors import UserError
from unsee.store.hashing import digests_in, sha256_of
from unsee.store.text import read_text

if TYPE_CHECKING:
    import torch

SCHEMA = "unsee.manifest/1"
MANIFEST = "manifest.json"
_LIBRARIES = (
    "unsee", "torch", "transformers", "peft", "trl", "accelerate", "tokenizers", "safetensors", "pillow", "numpy",
)  # fmt: skip


_DAMAGED = "is damaged; copy it from the original run, or unlearn again with --overwrite"
_NEEDED: Mapping[str, type] = {"hyperparameters": dict, "model": str}
"""What readers take for granted, with its type."""


def describe_run(
    *, method: str, config: Any, request: str, data: str, base: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """What identifies a run before it starts. `request` and `data` are SHA-256 hashes, `base` is the model before (see
    `unsee.models.identity.of_model`)."""
    return {
        "schema": SCHEMA,
        "method": method,
        "hyperparameters": dataclasses.asdict(config),
        "request_sha256": request,
        "data_sha256": data,
        "model": base["model"],
        "model_revision": base["revision"],
        "base": dict(base),
        "seed": seed,
    }


def result_files(folder: Path) -> dict[str, str]:
    """SHA-256 (hex) by name of the files that training leaves in the folder of a run: the weights, their
    configuration and the log. The training data has its own digest in the manifest, and the card is there to be
    edited. Raises OSError."""
    return digests_in(folder, without=("data", "checkpoints", "run.json", "README.md", MANIFEST))


def library_versions(*further: str) -> dict[str, str]:
    """The versions of Python, of what unsee is built on, and of `further` packages."""
    versions = {"python": platform.python_version()}
    for name in (*_LIBRARIES, *further):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            # unsee run from a checkout is not installed.
            from unsee.version import __version__

            versions[name] = __version__ if name == "unsee" else "missing"
    return versions


def git_commit() -> str | None:
    """Commit of the checkout unsee runs from, with "-dirty" where files differ; None outside a checkout."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(folder), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def peak_rss_mb() -> float:
    """Largest resident memory of this process so far, in MB (10^6 bytes)."""
    # Where it is told, Linux's own figure: getrusage begins with the largest size of the process that started this one.
    status = Path("/proc/self/status")
    told = re.search(r"^VmHWM:\s*(\d+) kB", read_text(status), re.M) if status.is_file() else None
    if told:
        return int(told[1]) * 1024 / 1e6
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def peak_gpu_mb(device: torch.device) -> dict[str, float]:
    """{"peak_gpu_mb": the most that tensors took on this GPU so far, in MB (10^6 bytes)}; nothing on a CPU.

    What PyTorch keeps for tensors to come, and what the driver takes for the process, are not in there.
    """
    if device.type != "cuda":
        return {}
    # Here, because a manifest is read without it.
    import torch

    return {"peak_gpu_mb": round(torch.cuda.max_memory_allocated(device) / 1e6, 1)}


@dataclass(frozen=True)
class Unlearned:
    """The result of a run: a folder with the adapter (or a delta, or, trained in full, the model) and the manifest.

    The folder holds `manifest.json`, `training.jsonl` (one line per step), `data/` (the training data) and at its top
    an adapter in PEFT's layout, so that both `peft` and `unsee` load the folder itself. `manifest["result"]` says what
    it is: "adapter", "delta" (see `unsee.models.deltas`), "delta+adapter" (the one on top of the other) or "model".
    """

    folder: Path
    manifest: dict[str, Any]

    @classmethod
    def open(cls, folder: Path) -> Unlearned:
        """Raises UserError if the folder holds no finished run."""
        path = folder / MANIFEST
        try:
            manifest = json.loads(read_text(path))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UserError(
                f"{folder} holds no finished run: it has no {MANIFEST}; give the folder that unsee forget wrote."
            ) from error
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror or error}; check the file.") from error
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path} {_DAMAGED}.") from error
        if not isinstance(manifest, dict):
            raise UserError(f"{path} {_DAMAGED}.")
        if manifest.get("schema") != SCHEMA:
            raise UserError(f"{path} is not a manifest of this version of unsee ({SCHEMA}).")
        if any(not isinstance(manifest.get(key), kind) for key, kind in _NEEDED.items()):
            raise UserError(f"{path} {_DAMAGED}.")
        return cls(folder, manifest)

    @property
    def files(self) -> dict[str, str]:
        """SHA-256 (hex) of the files that training wrote, by name; empty for a run of a version that noted none.

        Raises UserError if the manifest is damaged here.
        """
        noted = self.manifest.get("files", {})
        if not isinstance(noted, dict) or not all(isinstance(digest, str) for digest in noted.values()):
            raise UserError(f"{self.folder / MANIFEST} {_DAMAGED}.")
        return dict(noted)

    def check_files(self) -> None:
        """Raise UserError for a file that is missing, or is no longer the one that training wrote."""
        for name, digest in self.files.items():
            path = self.folder / name
            try:
                same = sha256_of(path) == digest
            except OSError as error:
                raise UserError(f"{path} cannot be read: {error.strerror or error}; restore it.") from error
            if not same:
                raise UserError(
                    f"{path} was changed after training: its SHA-256 is not that in {MANIFEST}; restore it, or unlearn "
                    "again."
                )

    @property
    def full(self) -> bool:
        """True where all weights were trained: the folder is a model, not an adapter."""
        return bool(self.manifest["hyperparameters"]["full"])
