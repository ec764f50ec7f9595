"""File modes. Temporary files and folders, and what safetensors writes, are readable by their owner alone; here they
get the mode that the process gives to new files."""

from __future__ import annotations

import os
from pathlib import Path


def ordinary_mode(path: Path) -> None:
    """Give a file, or a folder and everything in it, the mode of new files under this process's umask."""
    mask = _umask()
    for each in (path, *path.rglob("*")) if path.is_dir() else (path,):
        if not each.is_symlink():
            each.chmod((0o777 if each.is_dir() else 0o666) & ~mask)


def _umask() -> int:
    # The system tells the mask only to who sets it.
    mask = os.umask(0)
    os.umask(mask)
    return mask
