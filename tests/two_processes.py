"""Run by `accelerate launch` in the tests: every method in several processes, into the folder given."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest
import torch

from tests.tiny import tiny_vlm
from tests.unlearning_cases import LOSSES, Pressing, config_of, request
from unsee.errors import UserError
from unsee.methods import get_method
from unsee.training import read_training_data, unlearn
from unsee.training.processes import number_of_processes, process_number


def main(out: Path, data: Path, family: str) -> None:
    assert number_of_processes() == 1
    for name in LOSSES:
        samples = read_training_data(data / name)
        config = config_of(name, steps=2, batch=2)
        unlearn(tiny_vlm(family), get_method(name), config, request(), out / name, samples=samples, progress=False)
    assert number_of_processes() == 2
    build(out, family)
    interrupt(out, family)


def build(out: Path, family: str) -> None:
    """Without samples: the main process builds them, the other one gets them. Then the folder is there."""
    result = unlearn(tiny_vlm(family), get_method("siu"), config_of("siu"), request(), out / "built", progress=False)
    assert result.manifest["processes"] == 2
    with pytest.raises(UserError, match="exists"):
        unlearn(tiny_vlm(family), get_method("siu"), config_of("siu"), request(), out / "built", progress=False)


def interrupt(out: Path, family: str) -> None:
    """Ctrl-C reaches one process alone; both stop, and both resume."""
    config = config_of("npo")
    method = Pressing(2, "npo") if process_number() == 1 else get_method("npo")
    with pytest.raises(KeyboardInterrupt):
        unlearn(tiny_vlm(family), method, config, request(), out / "resumed", progress=False)
    unlearn(tiny_vlm(family), get_method("npo"), config, request(), out / "resumed", progress=False, resume=True)
    unlearn(tiny_vlm(family), get_method("npo"), config, request(), out / "whole", progress=False)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
    # A thread of the process group that is still there at the end of the interpreter can abort the process.
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
