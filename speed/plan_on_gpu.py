"""The plan of `unsee plan` for Qwen3-VL-4B on a GPU, compared with a run of its real shape with random weights.

The exact configuration with random bfloat16 weights and a small tokenizer unlearns and answers, on the stand-in samples
that the plan assumes. Measured memory is the peak of the tensors plus what the driver took. PyTorch keeps more for
later tensors as long as there is room ("with what is kept"). The rate is planned operations over measured seconds.

    python speed/plan_on_gpu.py --figures runs/gpu.json    # measures on a GPU, unless the file is there already

Exits with status 1 if a plan is further from the measured peak than the bar (15 %).
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForImageTextToText

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.hub_models import write_outline  # noqa: E402
from unsee.benchmarks.concept import questions_about  # noqa: E402
from unsee.data.sample import Probe  # noqa: E402
from unsee.generation import generate  # noqa: E402
from unsee.methods import get_method  # noqa: E402
from unsee.models.deltas import remove_delta  # noqa: E402
from unsee.models.loading import outline  # noqa: E402
from unsee.models.recipe import ModelRecipe  # noqa: E402
from unsee.models.vlm import VisionLanguageModel  # noqa: E402
from unsee.sizing import plan_run  # noqa: E402
from unsee.sizing.stand_ins import request_in_general, stand_ins  # noqa: E402
from unsee.training import parse_overrides, unlearn  # noqa: E402

WHERE = "cuda"
BAR = 0.15
NAME = "qwen3-vl-4b"
RECIPE = ModelRecipe.read(ROOT / "recipes" / "hub" / f"{NAME}.yaml")
ASKING = "asking"
CASES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (ASKING, ()),
    ("siu", ()),
    ("siu", ("gradient_checkpointing=true",)),
    ("ga_kl", ("steps=6", "gradient_checkpointing=true")),
    ("asru", ("stages=steering",)),
    ("asru", ("stages=reinforcement", "steps=2")),
)


def measured(work: Path, layers: int | None) -> dict[str, Any]:
    """Run all cases on the GPU; by case, its figures. `layers` cuts the decoder, for a quick look."""
    folder = write_outline(NAME, work / NAME)
    if layers:
        content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        content["text_config"]["num_hidden_layers"] = layers
        (folder / "config.json").write_text(json.dumps(content), encoding="utf-8")
    vlm, _ = outline(folder, dtype="bfloat16", device="cuda")
    maker: Any = AutoModelForImageTextToText
    torch.manual_seed(0)
    with torch.device(WHERE):
        vlm.model = maker.from_config(vlm.base.config, dtype=torch.bfloat16).eval().requires_grad_(False)
    found: dict[str, Any] = {"device": torch.cuda.get_device_name(), "layers": layers}
    for method, settings in CASES:
        # Memory that an earlier case kept for later tensors would count as this one's.
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        started = monotonic()
        told = _asked(vlm) if method == ASKING else _unlearned(vlm, method, settings, work)
        torch.cuda.synchronize()
        free, total = torch.cuda.mem_get_info()
        found[_key(method, settings)] = {
            **told,
            "whole_seconds": monotonic() - started,
            "allocated": torch.cuda.max_memory_allocated(),
            "reserved": torch.cuda.max_memory_reserved(),
            # Right where nobody else uses the GPU.
            "driver": total - free - torch.cuda.memory_reserved(),
        }
        print(_key(method, settings), found[_key(method, settings)], file=sys.stderr, flush=True)
    return found


def _asked(vlm: VisionLanguageModel) -> dict[str, float]:
    request = request_in_general()
    asked = questions_about(request.concept)
    generate(vlm, [Probe(str(n), one.prompt, request.pictures()) for n, one in enumerate(asked)], progress=False)
    return {}


def _unlearned(vlm: VisionLanguageModel, name: str, settings: tuple[str, ...], work: Path) -> dict[str, float]:
    """The seconds that the manifest tells. The model is as before afterwards."""
    method = get_method(name)
    config = parse_overrides(method.config, (*RECIPE.settings(name), *settings))
    samples = stand_ins(method, vlm, config)
    out = work / _key(name, settings)
    done = unlearn(vlm, method, config, request_in_general(), out, samples=samples, progress=False)
    remove_delta(vlm)
    if isinstance(vlm.model, PeftModel):
        vlm.model = vlm.model.unload()
    return {key: value for key, value in done.manifest.items() if key.startswith("seconds")} | {
        f"{stage}_seconds": done.manifest[stage].get("seconds") or done.manifest[stage].get("seconds_reinforcement")
        for stage in ("steering", "reinforcement")
        if stage in done.manifest
    }


def _key(method: str, settings: tuple[str, ...]) -> str:
    return " ".join((method, *settings))


def row(folder: Path, method: str, settings: tuple[str, ...], took: dict[str, Any], device: str) -> tuple[str, float]:
    """A line of the table, and by which share the plan is off."""
    asking = method == ASKING
    chosen = "siu" if asking else method
    plan = plan_run(
        str(folder), chosen, (*RECIPE.settings(chosen), *settings), dtype="bfloat16", device_memory=80.0
    ).document()
    planned = sum(plan["phases"][ASKING].values()) if asking else plan["unlearning_mb"]
    kept, tensors = ((took[held] + took["driver"]) / 1e6 for held in ("reserved", "allocated"))
    stages = ("seconds_training", "steering_seconds", "reinforcement_seconds")
    seconds = next((took[key] for key in stages if key in took), took["whole_seconds"])
    tera = sum(plan["flops"].get(phase, 0) for phase in ("training", "steering", "reinforcement")) / 1e12
    work = ["–", f"{seconds:,.1f}", "–"] if asking else [f"{tera:,.0f}", f"{seconds:,.1f}", f"{tera / seconds:,.0f}"]
    columns = [method, " ".join(settings), f"{planned:,.0f}", f"{tensors:,.0f}", f"{planned / tensors - 1:+.1%}"]
    return "| " + " | ".join([*columns, f"{kept:,.0f}", *work, device]) + " |", abs(planned / tensors - 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figures", type=Path, required=True, help="file with what was measured; made if missing")
    parser.add_argument("--layers", type=int, help="cut the decoder to so many layers")
    parser.add_argument("--no-table", action="store_true", help="measure only")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        if not arguments.figures.is_file():
            arguments.figures.write_text(json.dumps(measured(Path(work), arguments.layers), indent=1))
    if arguments.no_table:
        return 0
    found = json.loads(arguments.figures.read_text(encoding="utf-8"))
    told = (
        "settings",
        "planned MB",
        "measured MB",
        "difference",
        "with what is kept",
        "TFLOP planned",
        "seconds",
        "TFLOP/s",
    )
    print("| | " + " | ".join((*told, "device")) + " |\n|---|---|" + "---:|" * (len(told) - 1) + "---|")
    worst = 0.0
    with tempfile.TemporaryDirectory() as work:
        folder = write_outline(NAME, Path(work) / NAME)
        for method, settings in CASES:
            line, off = row(folder, method, settings, found[_key(method, settings)], found["device"])
            worst = max(worst, off)
            print(line, flush=True)
    return int(worst > BAR)


if __name__ == "__main__":
    sys.exit(main())
