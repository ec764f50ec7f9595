"""`plan_run`: what a run takes, before any weight is loaded."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from transformers import AutoConfig

from unsee.benchmarks.concept import questions_about
from unsee.data.sample import MAX_NEW_TOKENS, Sample
from unsee.generation.batching import ROWS_PER_GROUP
from unsee.generation.transformers import BATCH_SIZE
from unsee.kinds import PERSON
from unsee.methods import Method, get_method
from unsee.methods.asru.config import ASRUConfig
from unsee.methods.mmunlearner import MMUnlearnerConfig
from unsee.models.adapters import add_lora, enable_gradient_checkpointing, train_all_weights
from unsee.models.collation import encode_samples
from unsee.models.loading import WORLD_PREFIX, outline, usable_device
from unsee.models.masking import mask_training
from unsee.models.vlm import VisionLanguageModel
from unsee.sizing.advice import advice
from unsee.sizing.asru import asru_phases
from unsee.sizing.cache import keys_and_values, longest_prompt
from unsee.sizing.live_memory import HOLES
from unsee.sizing.machine import framework_memory, memory_of
from unsee.sizing.plan import Parts, RunPlan
from unsee.sizing.stand_ins import request_in_general, stand_ins
from unsee.sizing.tracing import META, OutlinedSet
from unsee.sizing.vision import Vision
from unsee.training.config import TrainingConfig, parse_overrides
from unsee.training.objective import is_forget
from unsee.training.order import draw_order
from unsee.training.trainer import rounds

FOUR_BITS = 0.53
"""Bytes of a weight in NF4, its doubly quantised scales included."""
_BATCHES_TRIED = 24
_TOLD = ("batch", "accumulate", "lora_rank", "full", "bf16", "gradient_checkpointing")


def plan_run(
    model: str,
    method_name: str = "siu",
    settings: Sequence[str] = (),
    *,
    dtype: str = "auto",
    device_memory: float | None = None,
    revision: str | None = None,
    load_in_4bit: bool = False,
    others: bool = False,
    kind: str = PERSON,
) -> RunPlan:
    """Plan a run of `unsee forget` with these arguments.

    dtype: what the model is loaded in, as for `load`. device_memory: GiB of a GPU to plan for; by default
    the run is planned for this machine. others: the request has pictures of others of its `kind`.

    Raises UserError and SystemFailure as `load` and `parse_overrides` do.
    """
    method = get_method(method_name)
    config = parse_overrides(method.config, settings)
    on_gpu = device_memory is not None or usable_device("auto").type == "cuda"
    vlm, folder = outline(model, dtype=dtype, device="cuda" if on_gpu else "cpu", revision=revision)
    samples = stand_ins(method, vlm, config, others, kind)
    run = _Run(vlm, folder, method, config, samples, on_gpu, load_in_4bit, model.startswith(WORLD_PREFIX), kind)
    phases, flops = run.phases()
    memory = memory_of(on_gpu, device_memory)
    plan = RunPlan(
        model=model,
        method=method.name,
        device="gpu" if on_gpu else "cpu",
        dtype=str(vlm.dtype).removeprefix("torch.") + (" (4 bits)" if load_in_4bit else ""),
        parameters=run.parameters,
        trained=run.trained,
        samples=run.samples,
        steps=config.steps,
        most_steps=rounds(config.steps, getattr(config, "learnt", 0.0))[-1],
        tokens=run.tokens,
        settings={key: getattr(config, key) for key in _TOLD},
        phases=phases,
        flops=flops,
        memory=memory,
    )
    return replace(plan, advice=advice(plan))


class _Run:
    """Phases of a run, each with its parts in bytes and its operations."""

    def __init__(
        self,
        vlm: VisionLanguageModel,
        folder: Path,
        method: Method[Any],
        config: TrainingConfig,
        samples: Sequence[Sample],
        on_gpu: bool,
        load_in_4bit: bool,
        of_the_world: bool,
        kind: str,
    ) -> None:
        self.of_the_world, self.kind = of_the_world, kind
        self.vlm, self.folder, self.method, self.config = vlm, folder, method, config
        self.on_gpu, self.load_in_4bit = on_gpu, load_in_4bit
        weights = list({id(w): w for w in (*vlm.base.parameters(), *vlm.base.buffers())}.values())
        self.parameters = sum(w.numel() for w in vlm.base.parameters())
        self.weights = sum(w.nbytes for w in weights)
        linears = [cast(nn.Linear, vlm.base.get_submodule(path)) for path in vlm.layout.language_linears]
        self.linear = sum(linear.weight.numel() for linear in linears)
        self.widest = max(linear.weight.numel() for linear in linears)
        if load_in_4bit:
            self.weights -= int(self.linear * (vlm.dtype.itemsize - FOUR_BITS))
        self.encoded = encode_samples(samples, vlm)
        self.samples = len({row.index for row in self.encoded})
        self.vision = Vision.of(vlm, self.encoded)
        self.trained = self.tokens = 0

    def phases(self) -> tuple[dict[str, Parts], dict[str, int]]:
        if isinstance(self.config, ASRUConfig):
            # What stage 2 needs of TRL is a part of the libraries.
            importlib.import_module("unsee.methods.asru.reinforcement")
        held = {"weights": self.weights, "framework": framework_memory(self.on_gpu)}
        phases: dict[str, Parts] = {"loading": held | {"checkpoint file": self._mapped()}}
        flops: dict[str, int] = {}
        phases["asking"] = held | {"vision": self.vision.working} | self._asking()
        if isinstance(self.config, ASRUConfig):
            more, operations = asru_phases(self.vlm, self.config, self.encoded, self.vision, self.on_gpu)
            self.trained, self.tokens = more.trained, more.tokens
            return phases | {name: held | parts for name, parts in more.phases.items()}, operations
        training_set = self._training_set()
        batches = self._batches(training_set)
        largest = max(batches, key=training_set.tokens)
        self.tokens = training_set.tokens(largest)
        compared = [unit for unit, rows in enumerate(training_set.units) if self._is_compared(training_set, rows)]
        adapter = 0 if self.config.full else sum(w.nbytes for w in self._trained_weights())
        kept = {"adapter": adapter, "vision": self.vision.kept}
        if compared:
            # As `unlearn` does: four times the batch, without gradients.
            first = training_set.forward(compared[: 4 * self.config.batch])
            flops["reference"] = first.flops * -(-len(compared) // (4 * self.config.batch))
            phases["reference"] = (
                held | kept | {"vision": self.vision.working, "activations": first.memory.held(self.on_gpu)}
            )
        if isinstance(self.config, MMUnlearnerConfig):
            # A score in float32 and the mask of each weight; gradients of one module at a time.
            passing = {"scores and masks": self.linear * 5, "gradients": self.widest * 4}
            phases["saliency"] = held | kept | passing
            if not self.on_gpu:
                # Measured: the heap of a CPU process does not shrink again before training.
                kept["not handed back"] = sum(passing.values())
            kept["masks"] = self.linear
        step = training_set.step(largest)
        towers = [training_set.tower_step(batch) for batch in batches] if training_set.tower_learns else []
        of_tower = max((tower.memory.held(self.on_gpu) for tower in towers), default=0)
        sizes = [w.numel() * w.element_size() for w in self._trained_weights()]
        gradients = sum(sizes)
        phases["training"] = (
            held
            | kept
            | {
                "gradients": gradients,
                "optimiser": 2 * gradients,
                # What the tower made for its backward pass is there until that of the decoder is over.
                "activations": max(0, step.memory.held(self.on_gpu) + of_tower - gradients),
            }
        )
        if isinstance(self.config, MMUnlearnerConfig) and not self.config.full:
            phases["settling"] = held | kept | {"weights before": self.linear * self.vlm.dtype.itemsize}
        positions = sum(training_set.tokens(batch) for batch in batches)
        steps = self.config.steps * self.config.accumulate
        flops["training"] = int(step.flops / self.tokens * positions / len(batches) * steps)
        flops["training"] += sum(tower.flops for tower in towers) * steps // len(batches)
        flops["vision"] = self.vision.flops
        return phases, flops

    def _training_set(self) -> OutlinedSet:
        vlm, config = self.vlm, self.config
        objective: Any = self.method.objective([request_in_general(self.kind)], vlm, config)
        if config.full:
            train_all_weights(vlm, objective.modules)
        else:
            rank, alpha, dropout = config.lora_rank, config.lora_alpha, config.lora_dropout
            add_lora(vlm, rank=rank, alpha=alpha, dropout=dropout, targets=objective.modules, seed=0)
        training_set = OutlinedSet(self.encoded, objective, vlm, bf16=config.bf16)
        if isinstance(config, MMUnlearnerConfig):
            linears = {path: cast(nn.Linear, vlm.base.get_submodule(path)) for path in vlm.layout.language_linears}
            mask_training(vlm, {path: _mask_of(linear) for path, linear in linears.items()})
        else:
            objective.prepare(vlm, training_set, 0)
        if config.gradient_checkpointing:
            enable_gradient_checkpointing(vlm)
        vlm.model.train()
        self.trained = sum(w.numel() for w in self._trained_weights())
        return training_set

    def _trained_weights(self) -> list[torch.Tensor]:
        return [weight for weight in self.vlm.model.parameters() if weight.requires_grad]

    def _batches(self, training_set: OutlinedSet) -> list[list[int]]:
        """The first batches of training, as the trainer draws them."""
        roles = [is_forget(training_set.rows[rows[0]]) for rows in training_set.units]
        size = self.config.batch
        count = min(self.config.steps * self.config.accumulate, _BATCHES_TRIED)
        order = draw_order(roles, count * size, seed=0)
        return [order[start : start + size] for start in range(0, len(order), size)]

    @staticmethod
    def _is_compared(training_set: OutlinedSet, rows: Sequence[int]) -> bool:
        return any(training_set.references[row] is not None for row in rows)

    def _mapped(self) -> int:
        """Bytes of the weights on disk that a CPU's memory holds as well as the model while it is loaded: none if the
        model is loaded in the dtype on disk, because its weights then stay in the mapped file."""
        # Read anew: the config of an outline names the dtype that it was made in.
        config = AutoConfig.from_pretrained(self.folder)
        saved = config.dtype or config.get_text_config().dtype
        if self.on_gpu or saved == self.vlm.dtype:
            return 0
        sizes = [path.stat().st_size for path in self.folder.glob("*.safetensors")]
        return sum(sizes) or self.parameters * (saved if isinstance(saved, torch.dtype) else torch.bfloat16).itemsize

    def _asking(self) -> Parts:
        """One batch of an evaluation: keys and values of its questions and answers, and what a layer of the decoder
        holds when it reads prompts.

        Questions about the same picture share it; so many pictures as share a window are read at once. The benchmark of
        the world has pictures, too, about which a single question is asked, and those fill whole batches.
        """
        rows, longest = min(BATCH_SIZE, len(questions_about("anyone"))), longest_prompt(self.encoded)
        read = BATCH_SIZE // ROWS_PER_GROUP * longest
        if self.of_the_world:
            rows = BATCH_SIZE
            read = rows * longest
        text = self.vlm.base.config.get_text_config()
        # The two halves of the MLP and their product; the residual, what is normed, and what comes out.
        activations = read * 3 * (text.intermediate_size + text.hidden_size) * self.vlm.dtype.itemsize
        return {
            "keys and values": rows * (longest + MAX_NEW_TOKENS) * keys_and_values(self.vlm),
            "activations": activations if self.on_gpu else int((1 + HOLES) * activations),
        }


def _mask_of(linear: nn.Linear) -> torch.Tensor:
    return torch.empty(linear.weight.shape, dtype=torch.bool, device=META)
