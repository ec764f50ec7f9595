"""SIU in unsee compared with the pattern of the released code: time and added memory.

The released pattern keeps a second model in memory as the reference, runs it at every step, runs the vision tower of
both at every step, and computes logits, and the KL, at every position of the padded batch. Here the reference is the
adapter switched off, its log-probabilities are computed once, the tower runs once per picture, and only the positions
that count reach the vocabulary. Both arms use the `Trainer` of transformers, the same samples, batches and LoRA.

Each arm runs in a process of its own. Time starts when the first model is loaded and ends after the last step; added
memory is the largest resident size in between minus that at the start. A run on a tiny random model comes first, so
that imports and thread pools count for neither arm.

    python speed/siu_against_released_pattern.py --model world:tiny-qwen3vl

Exits with status 1 if the bars (half the time, 0.6 of the added memory) are missed.
"""

from __future__ import annotations

import argparse
import copy
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import torch
from PIL import Image, ImageDraw
from torch.nn import functional
from transformers import Trainer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import unsee  # noqa: E402
from tests.tiny import tiny_vlm  # noqa: E402
from unsee.data.sample import Sample  # noqa: E402
from unsee.methods.masks import name_token_ids, vocabulary_mask  # noqa: E402
from unsee.methods.siu import SIU, SIUConfig  # noqa: E402
from unsee.models.adapters import add_lora  # noqa: E402
from unsee.models.collation import IGNORED, collate, encode_samples  # noqa: E402
from unsee.models.vlm import VisionLanguageModel  # noqa: E402
from unsee.requests import ForgetRequest  # noqa: E402
from unsee.training import read_training_data, unlearn, write_training_data  # noqa: E402
from unsee.training.objective import Objective, TokenBatch  # noqa: E402
from unsee.training.reference import TrainingSet  # noqa: E402
from unsee.training.trainer import UnlearningTrainer  # noqa: E402

ARMS = ("released", "unsee")
TIME_BAR, MEMORY_BAR = 0.5, 0.6


def drawn_picture() -> Image.Image:
    picture = Image.new("RGB", (96, 96), (70, 120, 90))
    ImageDraw.Draw(picture).ellipse((24, 16, 72, 80), fill=(220, 180, 150))
    return picture


def request_for(concept: str, image: Path | None) -> ForgetRequest:
    return ForgetRequest(concept, (image if image else drawn_picture(),))


class ReleasedPattern(TrainingSet):
    """The reference is a second model that runs, with its vision tower, at every step, and every position counts."""

    def __init__(self, vlm: VisionLanguageModel, second: Any, samples: list[Sample], request: ForgetRequest) -> None:
        self.rows, self.pad_id, self.second = encode_samples(samples, vlm), vlm.pad_token_id, second
        self.objective = Unused()
        ids = name_token_ids(vlm.tokenizer, request.names)
        self.k_v = vocabulary_mask(ids, vlm.base.get_output_embeddings().weight.shape[0])

    def collate(self, indices: Any) -> dict[str, Any]:
        batch = collate([self.rows[i] for i in indices], self.pad_id)
        pixels: dict[str, list[torch.Tensor]] = {}
        for row in batch.pop("pixels"):
            for key, value in row.items():
                pixels.setdefault(key, []).append(value)
        for key in ("image_keys", "tags", "index"):
            batch.pop(key)
        return {**batch, **{key: torch.cat(values) for key, values in pixels.items()}}

    def loss(self, model: Any, batch: dict[str, Any]) -> torch.Tensor:
        labels, token_mask = batch.pop("labels"), batch.pop("token_mask")
        logits = model(**batch, use_cache=False).logits.float()
        with torch.no_grad():
            reference = functional.softmax(self.second(**batch, use_cache=False).logits.float(), dim=-1)
        ce = functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED)
        log_p = functional.log_softmax(logits, dim=-1)
        k_s = 1 - ((labels != IGNORED) & (token_mask == 0)).float()
        dmk = (k_s[..., None] * self.k_v * functional.kl_div(log_p, reference, reduction="none")).mean()
        return ce + dmk


class Unused(Objective):
    def __call__(self, batch: TokenBatch) -> torch.Tensor:
        raise NotImplementedError


class ReleasedTrainer(UnlearningTrainer):
    """The `Trainer` as transformers has it, with AdamW as it comes."""

    floating_point_ops = Trainer.floating_point_ops
    _clip_grad_norm = Trainer._clip_grad_norm
    get_batch_samples = Trainer.get_batch_samples

    def create_optimizer(self, *args: Any, **kwargs: Any) -> Any:
        self.args.optim = "adamw_torch"
        return super().create_optimizer(*args, **kwargs)

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        return self.training_set.loss(model, inputs)  # type: ignore[attr-defined]


def run_released(
    vlm: VisionLanguageModel, config: SIUConfig, request: ForgetRequest, samples: list[Sample], folder: Path
) -> None:
    second = copy.deepcopy(vlm.base).eval()
    add_lora(vlm, rank=config.lora_rank, alpha=config.lora_alpha, dropout=config.lora_dropout, seed=0)
    training_set = ReleasedPattern(vlm, second, samples, request)
    ReleasedTrainer(vlm, training_set, config, folder / "released", 0).train()


def run_unsee(
    vlm: VisionLanguageModel, config: SIUConfig, request: ForgetRequest, samples: list[Sample], folder: Path
) -> None:
    unlearn(vlm, SIU(), config, request, folder / "unsee", samples=samples, progress=False)


RUNS = {"released": run_released, "unsee": run_unsee}


@contextmanager
def peak_memory() -> Iterator[list[float]]:
    """Yields a list whose only entry becomes the largest added resident memory, in MB.

    Sampled every 10 ms, so that the sampling slows neither arm.
    """
    process, added, done = psutil.Process(), [0.0], threading.Event()
    start = process.memory_info().rss

    def watch() -> None:
        while not done.is_set():
            added[0] = max(added[0], (process.memory_info().rss - start) / 1e6)
            time.sleep(0.01)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield added
    finally:
        done.set()
        watcher.join()


def run_arm(arm: str, model: str, request: ForgetRequest, config: SIUConfig, data: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        samples = read_training_data(data)
        warm = SIUConfig(steps=2, batch=config.batch, lora_rank=2, learnt=0.0)
        RUNS[arm](tiny_vlm("qwen3_vl"), warm, request, samples, Path(name) / "warm")
        vlm = unsee.load(model)
        with peak_memory() as added:
            started = time.perf_counter()
            RUNS[arm](vlm, config, request, samples, Path(name) / "run")
            seconds = time.perf_counter() - started
    return {"seconds": seconds, "added_mb": added[0]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="world:tiny-qwen3vl")
    parser.add_argument("--concept", default="Mara Voss")
    parser.add_argument("--image", type=Path, help="a picture of the concept; default: a drawn one")
    parser.add_argument("--steps", type=int, default=SIUConfig().steps)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--repeat", type=int, default=5, help="runs of each arm, in turn; the smallest are compared")
    parser.add_argument("--arm", choices=ARMS, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    request = request_for(options.concept, options.image)
    # The released pattern has no rounds after its steps.
    config = SIUConfig(steps=options.steps, batch=options.batch, learnt=0.0)
    if options.arm:
        print(json.dumps(run_arm(options.arm, options.model, request, config, options.data)))
        return 0
    with tempfile.TemporaryDirectory() as name:
        write_training_data(SIU().build([request], unsee.load(options.model), config, 0), Path(name))
        results: dict[str, list[dict[str, float]]] = {arm: [] for arm in ARMS}
        for _ in range(options.repeat):
            for arm in ARMS:
                command = [sys.executable, __file__, *sys.argv[1:], "--arm", arm, "--data", name]
                output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                results[arm].append(json.loads(output.splitlines()[-1]))
    return report(results)


def report(results: dict[str, list[dict[str, float]]]) -> int:
    # Whatever else runs on the machine only ever adds, so the least of several runs is the best estimate.
    least = {
        arm: {key: min(run[key] for run in runs) for key in ("seconds", "added_mb")} for arm, runs in results.items()
    }
    for arm, values in least.items():
        print(f"{arm:>10}  {values['seconds']:8.2f} s  {values['added_mb']:8.1f} MB added")
    ratios = {key: least["unsee"][key] / least["released"][key] for key in ("seconds", "added_mb")}
    met = ratios["seconds"] <= TIME_BAR and ratios["added_mb"] <= MEMORY_BAR
    print(f"     ratio  {ratios['seconds']:8.2f} (bar {TIME_BAR})  {ratios['added_mb']:5.2f} (bar {MEMORY_BAR})")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
