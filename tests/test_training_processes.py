"""Two processes under `accelerate launch` train as one process with the same global batch does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import tiny_vlm
from tests.unlearning_cases import FEW, LOSSES, config_of, losses, request, run
from unsee.methods import get_method
from unsee.models.adapters import load_adapter
from unsee.training import Unlearned, read_training_data, write_training_data

FAMILY = "qwen3_vl"


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runs of two processes, beside `data`, which all trained on."""
    folder = tmp_path_factory.mktemp("launched")
    vlm = tiny_vlm(FAMILY)
    for name in LOSSES:
        method = get_method(name)
        more = {key: 3 for key in FEW if key != "learnt" and hasattr(method.config, key)}
        write_training_data(method.build([request()], vlm, config_of(name, **more), 0), folder / "data" / name)
    # With --cpu accelerate starts several processes only through MPI; with no GPU in sight this starts them on the CPU.
    command = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--multi_gpu",
        "--num_processes=2",
        "--num_machines=1",
    ]
    command += ["--mixed_precision=no", "--dynamo_backend=no", "--main_process_port=0", "-m", "tests.two_processes"]
    arguments = [str(folder / "out"), str(folder / "data"), FAMILY]
    root, environment = Path(__file__).parents[1], {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [*command, *arguments], cwd=root, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.parametrize("method", LOSSES)
def test_two_processes_have_the_losses_of_one_with_the_same_global_batch(
    method: str, launched: Path, tmp_path: Path
) -> None:
    samples = read_training_data(launched / "data" / method)
    two = Unlearned.open(launched / "out" / method)
    assert two.manifest["processes"] == 2
    assert len({len(sample.answer) for sample in samples}) > 1
    one = run(tiny_vlm(FAMILY), method, tmp_path / "one", samples=samples, steps=2, batch=4)
    assert losses(two) == pytest.approx(losses(one), rel=1e-4, abs=1e-4)
    load_adapter(tiny_vlm(FAMILY), two.folder)


def test_the_main_process_writes_and_what_one_is_told_all_obey(launched: Path) -> None:
    names = sorted(path.name for path in (launched / "out").iterdir())
    assert names == sorted([*LOSSES, "built", "resumed", "whole"])
    resumed, whole = (Unlearned.open(launched / "out" / name) for name in ("resumed", "whole"))
    assert resumed.manifest["resumed"] is True
    assert losses(resumed) == losses(whole)
