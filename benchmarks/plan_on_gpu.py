"""What `unsee plan` says of Qwen3-VL-4B on a GPU, against what its real shape with random weights took there.

The exact configuration is written to disk with random bfloat16 weights (9 GB) and a small tokenizer, and loaded as a
user would load it. Each case runs in a process of its own, on the stand-in samples that the plan assumes. Memory is
what PyTorch held at most and what the driver took beside it; operations over seconds are the rate that was reached.

    python benchmarks/plan_on_gpu.py --work /tmp/qwen3-vl-4b

Exits with status 1 where a plan is further from the measured peak than the bar (15 %).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForImageTextToText

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.hub_models import write_outline  # noqa: E402
from unsee.benchmarks.builder import questions_about  # noqa: E402
from unsee.data.sample import Probe  # noqa: E402
from unsee.generation import generate  # noqa: E402
from unsee.methods import get_method  # noqa: E402
from unsee.models.loading import load  # noqa: E402
from unsee.pipeline.model_recipe import ModelRecipe  # noqa: E402
from unsee.sizing.stand_ins import request_in_general, stand_ins  # noqa: E402
from unsee.training import parse_overrides, unlearn  # noqa: E402

BAR = 0.15
RECIPE = ROOT / "recipes" / "hub" / "qwen3-vl-4b.yaml"
ASKING = "asking"
CASES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (ASKING, ()),
    ("siu", ()),
    ("siu", ("gradient_checkpointing=true",)),
    ("siu", ("lora_rank=16", "lora_alpha=32", "batch=8")),
    ("ga_kl", ("steps=6",)),
    ("asru", ("steps=2",)),
)


def write_model(folder: Path, layers: int | None) -> None:
    """Configuration, processor and random weights; `layers` cuts the decoder, for a quick look."""
    write_outline("qwen3-vl-4b", folder)
    if layers:
        path = folder / "config.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        content["text_config"]["num_hidden_layers"] = layers
        path.write_text(json.dumps(content), encoding="utf-8")
    whole: Any = AutoModelForImageTextToText
    with torch.device("cuda"):
        torch.manual_seed(0)
        model = whole.from_config(AutoConfig.from_pretrained(folder), dtype=torch.bfloat16)
    model.save_pretrained(folder)


def settings_of(method: str, more: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the recipe, with `more` on top."""
    return (*ModelRecipe.read(RECIPE).settings(method), *more)


def measure(folder: Path, method_name: str, settings: tuple[str, ...], out: Path) -> None:
    """Load, ask or unlearn, and write to `out` what it took."""
    vlm = load(str(folder), dtype="bfloat16")
    started = time.monotonic()
    found: dict[str, Any] = {}
    if method_name == ASKING:
        request = request_in_general()
        asked = questions_about(request.concept)
        probes = [Probe(str(n), question.text, request.pictures()) for n, question in enumerate(asked)]
        generate(vlm, probes, progress=False)
    else:
        method = get_method(method_name)
        config = parse_overrides(method.config, settings_of(method_name, settings))
        samples = stand_ins(method, vlm, config)
        done = unlearn(vlm, method, config, request_in_general(), out.with_suffix(""), samples=samples, progress=False)
        found |= {key: value for key, value in done.manifest.items() if key.startswith("seconds")}
    torch.cuda.synchronize()
    free, total = torch.cuda.mem_get_info()
    held = torch.cuda.memory_reserved()
    found |= {
        "whole_seconds": time.monotonic() - started,
        "allocated": torch.cuda.max_memory_allocated(),
        "reserved": torch.cuda.max_memory_reserved(),
        # Right where nobody else uses the GPU.
        "driver": total - free - held,
        "device": torch.cuda.get_device_name(),
    }
    out.write_text(json.dumps(found), encoding="utf-8")


def planned(folder: Path, method: str, settings: tuple[str, ...]) -> dict[str, Any]:
    command = [sys.executable, "-m", "unsee.cli", "plan", "-m", str(folder), "--recipe", str(RECIPE), "--json"]
    command += ["--method", "siu" if method == ASKING else method]
    command += [part for setting in settings for part in ("--set", setting)]
    return json.loads(subprocess.run(command, check=True, cwd=ROOT, capture_output=True).stdout)


def compared(folder: Path, method: str, settings: tuple[str, ...], work: Path) -> float:
    """Print a row of the table; returns by which share the plan is off."""
    plan = planned(folder, method, settings)
    out = work / ("-".join([method, *settings]) + ".json")
    _in_a_process(work, "--measure", method, str(out), *settings)
    took = json.loads(out.read_text(encoding="utf-8"))
    phase = sum(plan["phases"][ASKING].values()) if method == ASKING else plan["unlearning_mb"]
    measured, tensors = ((took[held] + took["driver"]) / 1e6 for held in ("reserved", "allocated"))
    difference = phase / measured - 1
    seconds = took.get("seconds_training") or took.get("seconds_reinforcement") or took["whole_seconds"]
    tera = plan["flops"].get("training", plan["flops"].get("reinforcement", 0)) / 1e12
    columns = [method, " ".join(settings), f"{phase:,.0f}", f"{measured:,.0f}", f"{difference:+.1%}", f"{tensors:,.0f}"]
    columns += ["–" if method == ASKING else f"{tera:,.1f}", f"{seconds:,.1f}"]
    columns += ["–" if method == ASKING else f"{tera / seconds:,.0f}", took["device"]]
    print("| " + " | ".join(columns) + " |", flush=True)
    return difference


def _in_a_process(work: Path, *arguments: str) -> None:
    """This one never touches the GPU, where it would be counted."""
    subprocess.run([sys.executable, __file__, "--work", str(work), *arguments], check=True, cwd=ROOT)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the checkpoint and the figures")
    parser.add_argument("--layers", type=int, help="cut the decoder to so many layers")
    parser.add_argument("--write", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    folder = arguments.work / "model"
    if arguments.write:
        write_model(folder, arguments.layers)
        return 0
    if arguments.measure:
        method, out, *settings = arguments.measure
        measure(folder, method, tuple(settings), Path(out))
        return 0
    if not folder.is_dir():
        _in_a_process(arguments.work, "--write", *(("--layers", str(arguments.layers)) if arguments.layers else ()))
    told = "settings", "planned MB", "measured MB", "difference", "tensors alone", "TFLOP planned", "seconds", "TFLOP/s"
    print("| | " + " | ".join((*told, "device")) + " |\n|---|---|" + "---:|" * (len(told) - 1) + "---|", flush=True)
    worst = 0.0
    for method, settings in CASES:
        worst = max(worst, abs(compared(folder, method, settings, arguments.work)))
    return int(worst > BAR)


if __name__ == "__main__":
    sys.exit(main())
