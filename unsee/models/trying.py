"""Checks the promise of `export`: plain transformers, in a process without unsee, loads the new folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from unsee.errors import SystemFailure

# Weights stay on the meta device: names and shapes are checked, and no memory is taken. Rounded ones are put together
# from several tensors, which needs their values.
_READER = """
import json, sys
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

said = {}
try:
    rounded = hasattr(AutoConfig.from_pretrained(sys.argv[1]), "quantization_config")
    where = "cpu" if rounded else "meta"
    _, report = AutoModelForImageTextToText.from_pretrained(sys.argv[1], device_map=where, output_loading_info=True)
    said["wrong"] = {kind: sorted(map(str, names)) for kind, names in report.items() if names}
except Exception as error:
    said["model"] = f"{type(error).__name__}: {error}"
try:
    AutoProcessor.from_pretrained(sys.argv[1])
except Exception as error:
    said["processor"] = f"{type(error).__name__}: {error}"
print(json.dumps(said))
"""


def load_elsewhere(folder: Path, called: Path | None = None) -> tuple[str, ...]:
    """Load the checkpoint as its readers will; returns what else they need, each in a sentence.

    `called`: what an error calls the folder, if it is to have another name. Raises SystemFailure if it does not load.
    """
    name = called or folder
    said = _read(folder, name)
    wrong = said.get("model") or _listed(said.get("wrong", {}))
    if wrong:
        raise _broken(name, wrong)
    if "processor" not in said:
        return ()
    library = re.search(r"requires the (\w+) library", said["processor"])
    if library is None:
        raise _broken(name, said["processor"])
    needed = library[1].lower()
    return (
        f"AutoProcessor loads it only if {needed} is installed, which is missing here, because this family's processor "
        f"also covers videos. Install the {needed} that fits the reader's torch; unsee.load works without it.",
    )


def _read(folder: Path, name: Path) -> dict[str, Any]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-P", "-c", _READER, str(folder.resolve())]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if ran.returncode:
        raise _broken(name, ran.stderr.strip().rpartition("\n")[2] or f"the reader ended with {ran.returncode}")
    return json.loads(ran.stdout.strip().rpartition("\n")[2])


def _listed(wrong: dict[str, list[str]]) -> str:
    return "; ".join(f"{kind.replace('_', ' ')}: {', '.join(names[:3])}" for kind, names in wrong.items())


def _broken(folder: Path, why: str) -> SystemFailure:
    return SystemFailure(f"{folder} is of no use: plain transformers does not load it ({' '.join(why.split())}).")
