"""What the tests of methods and of training share: a small request and ways to look into a model."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tests.tiny import picture
from unsee.data.collation import collate, encode_samples
from unsee.data.sample import Sample
from unsee.methods import get_method
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import ForgetRequest
from unsee.training import TrainingConfig, Unlearned, unlearn

FEW = {"unseen": 1, "description": 1, "facts": 1, "others": 1, "forget": 2, "retain": 2}
"""Few samples, for every setting of every method that counts them."""


def request(**changes: Any) -> ForgetRequest:
    return ForgetRequest("Mara Voss", (picture(1),), neighbours=("Jonas Hale", "Ines Dorn"), **changes)


def config_of(method: str, **changes: Any) -> TrainingConfig:
    kind = get_method(method).config
    known = {f.name for f in dataclasses.fields(kind)}
    few = {name: count for name, count in FEW.items() if name in known}
    return kind(**{"steps": 3, "batch": 2, "lora_rank": 4, **few, **changes})


def run(
    vlm: VisionLanguageModel,
    method: str,
    out: Path,
    seed: int = 0,
    samples: Sequence[Sample] | None = None,
    **changes: Any,
) -> Unlearned:
    config = config_of(method, **changes)
    return unlearn(vlm, get_method(method), config, request(), out, samples=samples, seed=seed, progress=False)


def losses(result: Unlearned) -> list[float]:
    lines = (result.folder / "training.jsonl").read_text().splitlines()
    return [entry["loss"] for entry in map(json.loads, lines) if "loss" in entry]


def logits(vlm: VisionLanguageModel) -> Tensor:
    """[B, T, V] on two questions, one with a picture."""
    samples = [Sample("Who is this?", "This is Mara Voss.", (picture(1),)), Sample("Who is Mara Voss?", "A baker.")]
    rows = encode_samples(samples, vlm)
    not_for_model = ("labels", "token_mask", "index", "pixels", "image_keys", "tags")
    batch = {k: v for k, v in collate(rows, vlm.pad_token_id).items() if k not in not_for_model}
    vlm.model.eval()
    with torch.no_grad():
        return vlm.model(**batch, **VisionCache(vlm).inputs(rows)).logits.clone()


def weights(vlm: VisionLanguageModel) -> dict[str, Tensor]:
    """The base model's own weights, by name, without an adapter's."""
    named = vlm.base.named_parameters()
    return {n.replace(".base_layer", ""): p.detach().clone() for n, p in named if ".lora_" not in n}


def adapter_weights(vlm: VisionLanguageModel) -> dict[str, Tensor]:
    return {n: p.detach().clone() for n, p in vlm.base.named_parameters() if ".lora_" in n}
