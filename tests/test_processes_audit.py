"""An audit by two processes writes what one process writes."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.unlearning_cases import config_of
from unsee.methods import get_method
from unsee.models.loading import load
from unsee.requests import ForgetRequest
from unsee.sources.filling import filled
from unsee.sources.world import at_home_in_world
from unsee.training import unlearn
from unsee.world import find

ROOT = Path(__file__).parents[1]
MODEL, PERSON = "world:tiny-qwen3vl", "Mara Voss"


def compared() -> Any:
    """`speed/workers.py`, which says what two audits have in common."""
    spec = importlib.util.spec_from_file_location("workers", ROOT / "speed" / "workers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def audited(run: Path, out: Path, workers: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "unsee", "audit", run, "--level", "quick", "--attack", "languages"]
    done = subprocess.run(
        [*command, "--device", "cpu", "--out", out, "--workers", str(workers)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return compared().content(out)


def test_two_processes_write_the_audit_that_one_writes(tmp_path: Path) -> None:
    vlm: Any = load(MODEL, device="cpu")
    method: Any = get_method("siu")
    request = ForgetRequest(PERSON, (find(PERSON).picture(0, "train"),))
    requests = filled([at_home_in_world(request, vlm, 0)], method.needs, 0)
    unlearn(vlm, method, config_of("siu", steps=1, learning_rate=1e-6), requests, tmp_path / "run", progress=False)
    workers = compared()
    one, two = (audited(tmp_path / "run", tmp_path / str(count), count) for count in (1, 2))
    assert one.keys() == two.keys()
    assert {name for name in one if name.endswith(".jsonl")}
    for name, said in one.items():
        assert workers.same(two[name], said), name
