"""What `unsee play` checks before it loads the libraries, which takes seconds."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from unsee.errors import UserError

# As `training/manifest.py` and `models/provenance.py` call them, which import torch.
_OF_A_RUN = ("manifest.json", "unsee_base.json")


def check(run: Path) -> None:
    """Raises UserError if Gradio is missing, or the folder is not there or holds no run."""
    if importlib.util.find_spec("gradio") is None:
        raise UserError("The playground needs Gradio; install it with: pip install 'unsee[play]'.")
    if not run.is_dir():
        raise UserError(f"There is no folder {run}; give the folder of a run of unsee forget.")
    if not any((run / name).is_file() for name in _OF_A_RUN):
        raise UserError(f"{run} holds no run; give the folder of a run of unsee forget.")
