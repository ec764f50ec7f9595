"""Stage 2: the boundary between what to refuse and what to answer, by GRPO with TRL's trainer.

An adapter is trained on top of the steered model; switched off, it is the reference of the KL term. Prompts are
forget and boundary prompts, rewards those of `unsee.methods.asru.rewards`. The loss is that of GRPO (arXiv 2402.03300):
advantages are rewards minus their mean over the responses to a prompt, divided by their deviation; the KL is the
estimator of low variance, r - log r - 1 with r = p_ref / p.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from datasets import Dataset, Features, Image, List, Value
from peft import PeftModel
from transformers import PrinterCallback
from transformers.trainer_utils import get_last_checkpoint
from trl import GRPOConfig, GRPOTrainer

from unsee.data.images import open_image
from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.methods.asru.config import ASRUConfig
from unsee.methods.asru.held_out import HeldOut
from unsee.methods.asru.rewards import BOUNDARY, FORGET, BoundaryReward, ForgetReward
from unsee.methods.asru.watching import Constant, Validation
from unsee.models.adapters import lora_config
from unsee.models.vlm import VisionLanguageModel
from unsee.training.processes import on_main
from unsee.training.trainer import SCHEDULES, Checkpoints, Finite, Progress


def reinforce(
    vlm: VisionLanguageModel,
    forget: Sequence[Sample],
    boundary: Sequence[Sample],
    held_out: HeldOut,
    config: ASRUConfig,
    work: Path,
    seed: int,
    progress: bool,
) -> dict[str, Any]:
    """Train an adapter, which `vlm` carries afterwards as it was at the best validation. Returns what the manifest
    says.

    held_out: prompts for validation, and what the rewards use: the refusal detector and the secrets.

    A checkpoint in `work / "checkpoints"` is resumed. Leaves `training.jsonl` in `work`. Raises KeyboardInterrupt
    after Ctrl-C, with a checkpoint; UserError for prompts that cannot be asked together, and at the first loss or
    gradient that is not finite.
    """
    started = time.monotonic()
    folder = work / "checkpoints"
    checkpoint = get_last_checkpoint(str(folder)) if folder.is_dir() else None
    if len({bool(sample.images) for sample in (*forget, *boundary)}) > 1:
        raise UserError(
            "Stage 2 of asru asks either about pictures or in text, but only some of its prompts have a picture; give "
            "all prompts to forget a picture, or none."
        )
    rows = [(FORGET, sample) for sample in forget] + [(BOUNDARY, sample) for sample in boundary]
    checkpoints, constant = Checkpoints(), Constant()
    with _lent_to_trl(vlm):
        trainer = GRPOTrainer(
            model=cast(Any, vlm.base),
            reward_funcs=[reward(held_out.is_refusal, held_out.secrets) for reward in (ForgetReward, BoundaryReward)],
            args=_arguments(vlm, config, folder, seed),
            train_dataset=data_set(rows),
            processing_class=vlm.processor,
            peft_config=lora_config(vlm, rank=config.lora_rank, alpha=config.lora_alpha, dropout=config.lora_dropout),
        )
        vlm.model = cast(PeftModel, trainer.model)
        trainer.remove_callback(PrinterCallback)
        validation = Validation(vlm, held_out, config, folder)
        for callback in (Finite(), checkpoints, constant, validation, *([Progress("asru")] if progress else [])):
            trainer.add_callback(callback)
        checkpoints.train(trainer, checkpoint)
    validation.restore_best()
    vlm.model.requires_grad_(False)
    vlm.model.eval()
    lines = [json.dumps(entry) + "\n" for entry in (*trainer.state.log_history, *validation.log)]
    on_main(lambda: (work / "training.jsonl").write_text("".join(lines), encoding="utf-8"))
    return {
        "resumed": checkpoint is not None,
        "steps_taken": trainer.state.global_step,
        "step_kept": validation.best_step,
        "stopped": constant.reason or validation.reason,
        "seconds_reinforcement": round(time.monotonic() - started, 3),
    }


def data_set(rows: Sequence[tuple[str, Sample]]) -> Dataset:
    """Prompts as TRL takes them, with the question in text, the ground truth and the role for the rewards.

    The prompt is plain text; TRL puts the pictures before it, as unsee does everywhere.
    """
    features = Features(
        {
            "prompt": List({"role": Value("string"), "content": Value("string")}),
            "images": List(Image()),
            "question": Value("string"),
            "truth": Value("string"),
            "role": Value("string"),
        }
    )
    content = [
        {
            "prompt": [{"role": "user", "content": sample.prompt}],
            "images": [open_image(image) for image in sample.images],
            "question": sample.prompt,
            "truth": sample.answer,
            "role": role,
        }
        for role, sample in rows
    ]
    return Dataset.from_list(content, features=features)


def _arguments(vlm: VisionLanguageModel, config: ASRUConfig, folder: Path, seed: int) -> GRPOConfig:
    on_cpu, with_vllm = vlm.device.type == "cpu", _with_vllm(vlm, config)
    return GRPOConfig(
        output_dir=str(folder),
        max_steps=config.steps,
        # TRL counts responses.
        per_device_train_batch_size=config.batch * config.responses,
        gradient_accumulation_steps=config.accumulate,
        num_generations=config.responses,
        max_completion_length=config.longest,
        temperature=config.temperature,
        top_p=config.top_p,
        beta=config.beta,
        # Sampling from a NaN score would fail inside PyTorch; the loss reports it a moment later.
        generation_kwargs=None if with_vllm else {"remove_invalid_values": True},
        loss_type="grpo",
        use_bias_correction_kl=False,
        learning_rate=config.learning_rate,
        lr_scheduler_type=SCHEDULES[config.schedule],
        warmup_steps=config.warmup,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        gradient_checkpointing=config.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        bf16=config.bf16,
        use_cpu=on_cpu,
        dataloader_pin_memory=not on_cpu,
        use_vllm=with_vllm,
        logging_steps=1,
        save_strategy="no",
        save_total_limit=1,
        report_to="none",
        disable_tqdm=True,
        seed=seed,
    )


def _with_vllm(vlm: VisionLanguageModel, config: ASRUConfig) -> bool:
    """Whether vLLM samples the responses. Raises UserError if the settings ask for it and it is not installed."""
    installed = importlib.util.find_spec("vllm") is not None
    if config.rollouts == "vllm" and not installed:
        raise UserError("rollouts=vllm needs the package vllm; install it, or leave rollouts out.")
    if config.rollouts != "auto":
        return config.rollouts == "vllm"
    # vLLM loads the model by its name, so only hub models and folders work.
    return installed and vlm.device.type == "cuda" and not vlm.name.startswith("world:")


@contextmanager
def _lent_to_trl(vlm: VisionLanguageModel) -> Iterator[None]:
    """Within it the processor pads on the left, as TRL expects. Afterwards it pads as before, and the changes of TRL
    and the `Trainer` to the model are undone: a forward with a fused head, and special tokens in its configs."""
    base, side = vlm.base, vlm.tokenizer.padding_side
    config, text, generation = base.config, base.config.get_text_config(), copy.deepcopy(base.generation_config)
    kept = {id(part): dict(vars(part)) for part in (config, text)}
    vlm.tokenizer.padding_side = "left"
    try:
        yield
    finally:
        vlm.tokenizer.padding_side = side
        vars(base).pop("forward", None)
        base.generation_config = generation
        for part in (config, text):
            vars(part).clear()
            vars(part).update(kept[id(part)])
