"""The memory of this machine, and what the libraries take of it before any model is loaded."""

from __future__ import annotations

import psutil
import torch

CUDA_CONTEXT = 0.8e9
"""Bytes that a process takes on a GPU for kernels and workspaces, without its tensors: 0.74e9 to 0.94e9 on an H100."""
AT_WORK = 65e6
"""Bytes that kernels, threads and the trainer take on a CPU once they are used: the peak of a run of the smallest model
of the world, less all that a plan accounts for."""


def framework_memory(on_gpu: bool) -> int:
    """Bytes of the libraries; on a CPU what this process holds now, which has imported what a run does, and a bit."""
    return int(CUDA_CONTEXT) if on_gpu else int(psutil.Process().memory_info().rss + AT_WORK)


def memory_of(on_gpu: bool, gigabytes: float | None) -> int:
    """Bytes of the device: as given in GiB, else of the GPU here, else the RAM here."""
    if gigabytes is not None:
        return int(gigabytes * 2**30)
    if on_gpu:
        return int(torch.cuda.get_device_properties(0).total_memory)
    return int(psutil.virtual_memory().total)
