"""The phases of ASRU: states and a solver in stage 1, responses and their likelihood in stage 2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import nn
from torch.nn import functional

from unsee.data.collation import EncodedSample
from unsee.methods.asru.config import ASRUConfig
from unsee.models.adapters import add_lora, enable_gradient_checkpointing
from unsee.models.vlm import VisionLanguageModel
from unsee.sizing.tracing import META, decoder_step
from unsee.sizing.vision import Vision


@dataclass(frozen=True)
class Stages:
    """Phases with their parts in bytes; the weights that stage 2 trains, and the positions of one of its steps."""

    phases: dict[str, dict[str, int]]
    trained: int
    tokens: int


def asru_phases(
    vlm: VisionLanguageModel, config: ASRUConfig, rows: Sequence[EncodedSample], vision: Vision, on_gpu: bool
) -> tuple[Stages, dict[str, int]]:
    """Both stages, or the one that the settings ask for, and their operations."""
    phases: dict[str, dict[str, int]] = {}
    flops = {"vision": vision.flops}
    weights = sum(w.numel() for w in vlm.base.get_submodule(vlm.layout.decoder).parameters())
    down = cast(nn.Linear, vlm.decoder_layers[0].get_submodule(vlm.layout.mlp_down))
    width, change = down.in_features, down.weight.numel() * 4
    if config.stages != "reinforcement":
        # The ridge solver works in float64, on the products of the inputs and a copy or two of them.
        solver = 3 * width * width * 8 if config.solver == "ridge" else 3 * change
        phases["steering"] = {"vision": vision.working, "solver": solver, "change": 2 * change}
        flops["steering"] = 2 * weights * sum(len(row.input_ids) for row in rows)
    if config.stages == "steering":
        return Stages(phases, 0, 0), flops
    add_lora(vlm, rank=config.lora_rank, alpha=config.lora_alpha, dropout=config.lora_dropout, targets=None, seed=0)
    if config.gradient_checkpointing:
        enable_gradient_checkpointing(vlm)
    vlm.model.train()
    adapter = [weight for weight in vlm.model.parameters() if weight.requires_grad]
    held = sum(weight.nbytes for weight in adapter)
    responses = config.batch * config.responses
    prompt = max(len(row.input_ids) - sum(label >= 0 for label in row.labels) for row in rows)
    length = prompt + config.longest
    keep = torch.zeros(responses, length, dtype=torch.bool)
    # TRL's head scores the responses alone only where it has its kernels for a GPU.
    keep[:, prompt - 1 if on_gpu else 0 : -1] = True

    def loss(logits: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(
            logits / config.temperature, torch.zeros(len(logits), dtype=torch.long, device=META)
        )

    step = decoder_step(vlm, (responses, length), keep, loss)
    pictures = responses * (vision.working - vision.kept)
    phases["reinforcement"] = {
        "adapter": held,
        "gradients": held,
        "optimiser": 2 * held,
        "vision": vision.kept + pictures,
        "activations": max(0, step.peak - held),
        "original weight": change,
    }
    # Beside the step: every response is sampled once, and read once more by the reference.
    sampled = 2 * 2 * weights * responses * length
    flops["reinforcement"] = (step.flops + sampled) * config.steps * config.accumulate
    return Stages(phases, sum(weight.numel() for weight in adapter), responses * length), flops
