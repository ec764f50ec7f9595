"""The one trainer, on the `Trainer` of transformers, with its ways to show progress and to be interrupted."""

from __future__ import annotations

import gc
import math
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import DistributedType
from peft import PeftModel
from torch.distributed.tensor import DTensor
from torch.utils.data import Sampler
from tqdm.auto import tqdm
from transformers import (
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from unsee.errors import UserError
from unsee.models.vlm import VisionLanguageModel
from unsee.training.config import TrainingConfig
from unsee.training.objective import is_forget
from unsee.training.order import draw_order
from unsee.training.processes import sum_over_processes
from unsee.training.reference import TrainingSet

SCHEDULES = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}
SECONDS_BETWEEN_CHECKPOINTS = 600.0
DIVERGED = "lower learning_rate, or compute more exactly (bf16=false, a model in float32 or bfloat16)"
"""What to do about a run that has left the finite numbers."""


class UnlearningTrainer(Trainer):
    """Minimises an `Objective` over a `TrainingSet`; all the rest is transformers' own.

    Launched with `accelerate launch` it follows that configuration (several processes, FSDP, DeepSpeed).
    """

    def __init__(
        self, vlm: VisionLanguageModel, training_set: TrainingSet, config: TrainingConfig, folder: Path, seed: int
    ) -> None:
        args = _arguments(config, folder, seed, on_cpu=vlm.device.type == "cpu")
        super().__init__(
            model=vlm.model,
            args=args,
            data_collator=training_set.collate,
            train_dataset=range(len(training_set.units)),
        )
        self.remove_callback(PrinterCallback)
        self.trained = [parameter for parameter in vlm.model.parameters() if parameter.requires_grad]
        self.training_set = training_set
        # The means of our losses are over the whole step already.
        self.loss_is_scaled_for_ga = True

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: torch.device) -> tuple[list[Any], Any]:
        """The batches of a step, and in place of the number of their items that of each kind, which a loss needs."""
        batches, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
        return batches, self.training_set.counts(batches, device)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        batch = self.training_set.token_batch(model, inputs, num_items_in_batch)
        loss = self.training_set.objective(batch)
        return (loss, {"logits": batch.logits}) if return_outputs else loss

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Not counted: it would walk over all parameters at every step for a number that nobody reads."""
        return 0

    def _clip_grad_norm(self, model: Any) -> Any:
        """Over the weights in training alone: walking over all of a small model takes longer than the norm."""
        if self.accelerator.distributed_type != DistributedType.NO:
            return super()._clip_grad_norm(model)
        return self.accelerator.clip_grad_norm_(self.trained, self.args.max_grad_norm)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Load a checkpoint of all weights through `from_pretrained`.

        Transformers' own way matches names in the file with names in the model, which differ for LLaVA, and goes on
        with untrained weights where they do.
        """
        if isinstance(self.model, PeftModel) or self.is_fsdp_enabled or self.is_deepspeed_enabled:
            super()._load_from_checkpoint(resume_from_checkpoint, model)
            return
        assert isinstance(self.model, PreTrainedModel)
        saved = type(self.model).from_pretrained(resume_from_checkpoint, dtype=self.model.dtype)
        self.model.load_state_dict(saved.state_dict())

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        args = self.args
        count = args.max_steps * args.per_device_train_batch_size * args.gradient_accumulation_steps * args.world_size
        forget = [is_forget(self.training_set.rows[unit[0]]) for unit in self.training_set.units]
        return _Fixed(draw_order(forget, count, args.seed))


class _Fixed(Sampler[int]):
    def __init__(self, order: Sequence[int]) -> None:
        self.order = order

    def __iter__(self) -> Iterator[int]:
        return iter(self.order)

    def __len__(self) -> int:
        return len(self.order)


class Checkpoints(TrainerCallback):
    """Saves a checkpoint every ten minutes, and on Ctrl-C after the step in progress, where training then ends."""

    def __init__(self) -> None:
        self.interrupted = False
        self._last = time.monotonic()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        # Processes must agree: one that stops, or saves, alone would leave the others waiting.
        due = time.monotonic() - self._last > SECONDS_BETWEEN_CHECKPOINTS
        votes = sum_over_processes(torch.tensor([self.interrupted, due], dtype=torch.float32, device=args.device))
        self.interrupted, due = (votes > 0).tolist()
        if self.interrupted:
            control.should_training_stop = True
        if self.interrupted or due:
            control.should_save = True
            self._last = time.monotonic()
        return control

    def train(self, trainer: Trainer, checkpoint: str | None) -> None:
        """Train to the end, from `checkpoint` if there is one. Raises KeyboardInterrupt after Ctrl-C."""
        # What lives now lives on: the collections that the trainer asks for need not walk over it.
        gc.freeze()
        try:
            with self._listening():
                trainer.train(resume_from_checkpoint=checkpoint)
        finally:
            gc.unfreeze()
        if self.interrupted:
            raise KeyboardInterrupt

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """While inside, the first Ctrl-C asks for an end and the second ends at once.

        Signals reach only the main thread; elsewhere nothing is changed.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)

        def ask_to_stop(number: int, frame: Any) -> None:
            self.interrupted = True
            signal.signal(signal.SIGINT, before)

        signal.signal(signal.SIGINT, ask_to_stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


class Finite(TrainerCallback):
    """Ends training at the first gradient or loss that is no finite number; a gradient, before a weight has it."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._trained = [weight for weight in kwargs["model"].parameters() if weight.requires_grad]

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        gradients = [weight.grad for weight in self._trained if weight.grad is not None]
        # Of weights that are spread over processes each looks at its own part.
        parts = [grad.to_local() if isinstance(grad, DTensor) else grad for grad in gradients]
        norm = torch.nn.utils.get_total_norm(parts).to(args.device)
        # Processes must agree: one that raises alone would leave the others waiting.
        if sum_over_processes(norm.isfinite().logical_not().float()):
            raise _diverged("gradient", float(norm), state.global_step + 1)

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        for name in ("loss", "grad_norm"):
            value = float((kwargs.get("logs") or {}).get(name, 0.0))
            if not math.isfinite(value):
                raise _diverged(name.replace("grad_norm", "gradient"), value, state.global_step)


def _diverged(what: str, value: float, step: int) -> UserError:
    return UserError(f"Training stopped at step {step}, where the {what} is {value}; {DIVERGED}.")


class Progress(TrainerCallback):
    """One bar over the steps, with the loss."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bar: Any = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if state.is_world_process_zero:
            self._bar = tqdm(total=state.max_steps, initial=state.global_step, desc=self._name, unit="step")

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self._bar is not None:
            self._bar.update(state.global_step - self._bar.n)

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        loss = (kwargs.get("logs") or {}).get("loss")
        if self._bar is not None and loss is not None:
            self._bar.set_postfix(loss=f"{float(loss):.3f}")

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self._bar is not None:
            self._bar.close()


def _arguments(config: TrainingConfig, folder: Path, seed: int, on_cpu: bool) -> TrainingArguments:
    args = TrainingArguments(
        output_dir=str(folder),
        max_steps=config.steps,
        per_device_train_batch_size=config.batch,
        gradient_accumulation_steps=config.accumulate,
        learning_rate=config.learning_rate,
        lr_scheduler_type=SCHEDULES[config.schedule],
        warmup_steps=config.warmup,
        max_grad_norm=config.max_grad_norm,
        weight_decay=0.0,
        optim="adamw_torch_fused",
        activation_checkpointing=config.gradient_checkpointing,
        # Reentrant checkpoints would find no input that needs a gradient where the embeddings are frozen.
        activation_checkpointing_kwargs={"use_reentrant": False},
        bf16=config.bf16,
        use_cpu=on_cpu,
        dataloader_pin_memory=not on_cpu,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="no",
        save_total_limit=1,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        label_names=[],
        seed=seed,
    )
    if torch.cuda.device_count() > 1 and args.n_gpu > 1:
        # One process with several GPUs: DataParallel would cut the batch apart from its pictures. Use one GPU here and
        # `accelerate launch` for more.
        args._n_gpu = 1
    return args
