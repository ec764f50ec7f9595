"""Peak memory of one cell, not of all the cells that a process has run."""

from __future__ import annotations

import ctypes
from pathlib import Path

import torch

_RESET = Path("/proc/self/clear_refs")


def reset_peak() -> None:
    """Count the peaks from here. If the system has no such switch, the process's own peak still counts."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    if not _RESET.exists():
        return
    try:
        # What earlier cells freed is handed back first, or it would count as this one's.
        ctypes.CDLL(None).malloc_trim(0)
        # 5 resets the high-water mark of resident memory: proc(5).
        _RESET.write_text("5")
    except (OSError, AttributeError):
        return
