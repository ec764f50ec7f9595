"""What the tests of methods and of training share: a small request and ways to look into a model."""

from __future__ import annotations

import dataclasses
import json
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tests.tiny import picture
from unsee.data.sample import Sample
from unsee.methods import METHODS, get_method
from unsee.models.collation import EncodedSample, collate, encode_samples
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import ForgetRequest
from unsee.training import TrainingConfig, Unlearned, unlearn
from unsee.training.objective import Objective, SampleSet, TokenBatch

FEW = {
    "unseen": 1, "description": 1, "facts": 1, "others": 1, "forget": 2, "retain": 2, "learnt": 0.0, "views": 1,
    "naming": 2, "denying": 1, "true": 2, "company": 2, "visible": 1, "unknown": 1, "text": 2,
}  # fmt: skip
"""Few samples, for every setting of every method that counts them, and as many steps as are asked for."""


LOSSES = [name for name in METHODS if name != "asru"]
"""Every method that is one loss. The two stages of ASRU have tests of their own."""


def request(**changes: Any) -> ForgetRequest:
    given = {"neighbours": ("Jonas Hale", "Ines Dorn"), "unseen": (picture(11), picture(12, (84, 56))), **changes}
    return ForgetRequest("Mara Voss", (picture(1),), **given)


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


def logits(vlm: VisionLanguageModel, learning: bool = False) -> Tensor:
    """[B, T, V] on two questions, one with a picture."""
    samples = [Sample("Who is this?", "This is Mara Voss.", (picture(1),)), Sample("Who is Mara Voss?", "A baker.")]
    rows = encode_samples(samples, vlm)
    not_for_model = ("labels", "token_mask", "index", "pixels", "image_keys", "tags")
    batch = {k: v for k, v in collate(rows, vlm.pad_token_id).items() if k not in not_for_model}
    vlm.model.eval()
    with torch.set_grad_enabled(learning):
        return vlm.model(**batch, **VisionCache(vlm).inputs(rows)).logits.clone()


def weights(vlm: VisionLanguageModel) -> dict[str, Tensor]:
    """The base model's own weights, by name, without an adapter's."""
    named = vlm.base.named_parameters()
    return {n.replace(".base_layer", ""): p.detach().cpu().clone() for n, p in named if ".lora_" not in n}


def changed_modules(vlm: VisionLanguageModel) -> set[str]:
    """Paths of the modules whose weights an adapter or a delta changes."""
    if vlm.originals is not None:
        changed = {n for n, old in vlm.originals.items() if not torch.equal(vlm.base.get_parameter(n), old)}
        return {name.removesuffix(".weight") for name in changed}
    factors = {n: p for n, p in vlm.base.named_parameters() if ".lora_B." in n}
    return {name.partition(".lora_B.")[0] for name, factor in factors.items() if factor.abs().max() > 0}


def trained_modules(vlm: VisionLanguageModel, method: str) -> set[str]:
    """Paths of the modules that the method is to change: of those that it trains, those that answers depend on.

    LLaVA reads its tower before the last layer.
    """
    objective = get_method(method).objective([request()], vlm, config_of(method))
    trained = set(objective.modules or vlm.layout.language_linears)
    if not trained & {*vlm.layout.vision_linears}:
        return trained
    weights = {path: vlm.base.get_parameter(f"{path}.weight").requires_grad_() for path in trained}
    logits(vlm, learning=True).sum().backward()
    return {path for path, weight in weights.items() if weight.grad is not None}


class Wrapped(Objective):
    """An objective around another one, which it leaves as it is."""

    def __init__(self, inner: Objective) -> None:
        self.inner = inner
        self.reads, self.layer, self.modules, self.learnt = inner.reads, inner.layer, inner.modules, inner.learnt

    def prepare(self, vlm: VisionLanguageModel, training_set: SampleSet, seed: int) -> None:
        self.inner.prepare(vlm, training_set, seed)

    def looks_at(self, sample: EncodedSample, length: int) -> Tensor:
        return self.inner.looks_at(sample, length)

    def compares_at(self, sample: EncodedSample, length: int) -> Tensor:
        return self.inner.compares_at(sample, length)

    def __call__(self, batch: TokenBatch) -> Tensor:
        return self.inner(batch)


class Interrupted(Wrapped):
    """An objective during whose n-th batch Ctrl-C is pressed."""

    def __init__(self, inner: Objective, step: int) -> None:
        super().__init__(inner)
        self.left = step

    def __call__(self, batch: TokenBatch) -> Tensor:
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)
        return self.inner(batch)


class Wrapping:
    """A method whose objective is wrapped; everything else is the method's."""

    def __init__(self, method: str, wrap: Callable[[Objective], Objective]) -> None:
        self.method, self.wrap = method, wrap

    def __getattr__(self, name: str) -> Any:
        return getattr(get_method(self.method), name)

    def objective(self, *args: Any) -> Objective:
        inner = get_method(self.method).objective(*args)
        assert isinstance(inner, Objective)
        return self.wrap(inner)


class Pressing(Wrapping):
    """A method with Ctrl-C in the given step."""

    def __init__(self, step: int, method: str = "siu") -> None:
        super().__init__(method, lambda inner: Interrupted(inner, step))
