"""The phases of ASRU: states and a solver in stage 1, responses and their likelihood in stage 2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn

from unsee.methods.asru.config import ASRUConfig
from unsee.methods.asru.states import PROMPTS_PER_BATCH
from unsee.methods.asru.sweep import candidates, layers_at_once
from unsee.models.adapters import add_lora, enable_gradient_checkpointing
from unsee.models.collation import EncodedSample
from unsee.models.vlm import VisionLanguageModel
from unsee.sizing.cache import keys_and_values, longest_prompt
from unsee.sizing.fused_head import fused_head, kernels_of
from unsee.sizing.tracing import Traced, decoder_step
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
    change = down.weight.numel() * 4
    if config.stages != "reinforcement":
        phases["steering"] = {
            "vision": vision.working,
            "keys and values": min(PROMPTS_PER_BATCH, len(rows)) * longest_prompt(rows) * keys_and_values(vlm),
            "solver": _solver(vlm, config, down.in_features, change),
            "change": 2 * change,
        }
        depth = len(vlm.decoder_layers)
        tried = len(candidates(depth)) if config.layer_of(depth) is None else 1
        # Once to solve, and once for every layer that is measured.
        flops["steering"] = 2 * weights * sum(len(row.input_ids) for row in rows) * (1 + tried)
    if config.stages == "steering":
        return Stages(phases, 0, 0), flops
    add_lora(vlm, rank=config.lora_rank, alpha=config.lora_alpha, dropout=config.lora_dropout, targets=None, seed=0)
    if config.gradient_checkpointing:
        enable_gradient_checkpointing(vlm)
    vlm.model.train()
    adapter = [weight for weight in vlm.model.parameters() if weight.requires_grad]
    held = sum(weight.nbytes for weight in adapter)
    responses, prompt = config.batch * config.responses, longest_prompt(rows)
    length = prompt + config.longest
    kept = {"adapter": held, "optimiser": 2 * held, "vision": responses * vision.kept, "original weight": change}
    # TRL samples for all the batches of a step at once, pictures included.
    at_once = responses * config.accumulate
    phases["sampling"] = kept | {
        "vision": at_once * vision.kept,
        "keys and values": at_once * length * keys_and_values(vlm),
        "tower": at_once * (vision.working - vision.kept),
        # The widest place of a layer, when all prompts go through it: the gate, what it gates, and their product.
        "activations": at_once * prompt * 3 * down.in_features * vlm.dtype.itemsize,
    }
    step = _step(vlm, config, prompt, on_gpu)
    phases["reinforcement"] = kept | {"gradients": held, "activations": max(0, step.memory.held(on_gpu) - held)}
    # Beside the step: every response is sampled once, and read once more by the reference.
    sampled = 2 * 2 * weights * responses * length
    flops["reinforcement"] = (step.flops + sampled) * config.steps * config.accumulate
    return Stages(phases, sum(weight.numel() for weight in adapter), responses * length), flops


def _step(vlm: VisionLanguageModel, config: ASRUConfig, prompt: int, on_gpu: bool) -> Traced:
    """A step of GRPO on one batch of responses, all of them as long as they may be, to prompts of `prompt` tokens."""

    def loss(hidden: Tensor, head: nn.Module) -> Tensor:
        # On a GPU TRL scores the positions of the responses alone, elsewhere all but the last.
        scored = hidden[:, prompt - 1 : -1] if on_gpu else hidden[:, :-1]
        rows = scored.reshape(-1, hidden.shape[-1])
        return fused_head(rows, cast(nn.Linear, head), config.temperature, bf16=config.bf16).sum()

    with kernels_of(on_gpu):
        shape = (config.batch * config.responses, prompt + config.longest)
        return decoder_step(vlm, shape, loss, bf16=config.bf16)


def _solver(vlm: VisionLanguageModel, config: ASRUConfig, width: int, change: int) -> int:
    """Bytes that the solver of stage 1 takes. width: inputs of the down-projection; change: bytes of its weight."""
    if config.solver == "gradient":
        return 3 * change
    depth = len(vlm.decoder_layers)
    tried = candidates(depth) if config.layer_of(depth) is None else [0]
    square = width * width * 8
    # Of every layer read at once a sum for each of three parts; of the one being solved their means, the system and
    # its factor.
    return (3 * min(len(tried), layers_at_once(width)) + 5) * square
