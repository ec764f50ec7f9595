"""The one trainer, on the `Trainer` of transformers, with its ways to show progress and to be interrupted."""

from __future__ import annotations

import gc
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import torch
from accelerate.utils import DistributedType
from peft import PeftModel
from torch.distributed.tensor import DTensor
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import Sampler
from tqdm.auto import tqdm
from transformers import (
    PreTrainedModel,
    PrinterCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from unsee.errors import UserError
from unsee.models.collation import IGNORED
from unsee.models.vlm import VisionLanguageModel
from unsee.training.base_trainer import TRAINER_STATE_NAME, Trainer
from unsee.training.config import TrainingConfig
from unsee.training.objective import is_forget
from unsee.training.order import draw_order
from unsee.training.processes import sum_over_processes
from unsee.training.reference import TrainingSet

SCHEDULES = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}
SECONDS_BETWEEN_CHECKPOINTS = 600.0
DIVERGED = "lower learning_rate, or compute more precisely (bf16=false, a model in float32 or bfloat16)"
"""What to do about a run whose numbers are no longer finite."""


class UnlearningTrainer(Trainer):
    """Minimises an `Objective` over a `TrainingSet`; all the rest is transformers' own.

    Launched with `accelerate launch` it follows that configuration (several processes, FSDP, DeepSpeed).
    """

    def __init__(
        self, vlm: VisionLanguageModel, training_set: TrainingSet, config: TrainingConfig, folder: Path, seed: int
    ) -> None:
        self.rounds = rounds(config.steps, training_set.objective.learnt)
        args = _arguments(config, folder, seed, on_cpu=vlm.device.type == "cpu")
        args.max_steps = self.rounds[-1]
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
        self.add_callback(UntilLearnt(self))

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """The schedule of the settings over their steps; each round after them falls from half the peak to nothing."""
        scheduler = cast(LambdaLR, super().create_scheduler(self.rounds[0], optimizer))
        scheduler.lr_lambdas = [partial(self._rate, planned) for planned in scheduler.lr_lambdas]
        return scheduler

    def _rate(self, planned: Callable[[int], float], step: int) -> float:
        """The rate after `step` steps, as a share of the peak."""
        if step < self.rounds[0]:
            return planned(step)
        start, end = next(((a, b) for a, b in pairwise(self.rounds) if step < b), (0, 0))
        return 0.25 * (1 + math.cos(math.pi * (step - start) / (end - start))) if end else 0.0

    def ended_with(self, checkpoint: str) -> bool:
        """Whether training was over with this checkpoint; if so, its weights and its log are loaded."""
        state = TrainerState.load_from_json(str(Path(checkpoint, TRAINER_STATE_NAME)))
        if state.global_step not in self.rounds[:-1]:
            return False
        self._load_from_checkpoint(checkpoint)
        if not self.has_learnt():
            return False
        self.state = state
        return True

    @torch.no_grad()
    def has_learnt(self) -> bool:
        """Whether every token of every forget sample's answer is as probable as the objective asks."""
        # In training it is spread over the processes of FSDP, and only its wrapper can be called.
        model = cast(PreTrainedModel, self.model_wrapped)
        model.eval()
        forget = [i for i, unit in enumerate(self.training_set.units) if is_forget(self.training_set.rows[unit[0]])]
        for start in range(0, len(forget), self.args.per_device_train_batch_size):
            inputs = self.training_set.collate(forget[start : start + self.args.per_device_train_batch_size])
            with self.compute_loss_context_manager():
                batch = self.training_set.token_batch(model, self._prepare_inputs(inputs))
            answer = batch.targets != IGNORED
            losses = functional.cross_entropy(batch.logits[answer].float(), batch.targets[answer], reduction="none")
            if (losses > -math.log(self.training_set.objective.learnt)).any():
                return False
        return True

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: torch.device) -> tuple[list[Any], Any]:
        """The batches of a step, and, instead of their number of items, the number of each kind, which a loss needs."""
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

        Transformers' own way matches names in the file with names in the model. For LLaVA these differ, and it would
        continue with untrained weights.
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


def rounds(steps: int, learnt: float) -> list[int]:
    """The steps after which training may end: those of the settings, and with `Objective.learnt` above 0, where the
    samples to forget may ask for more, up to as many again in thirds."""
    if learnt == 0:
        return [steps]
    third = math.ceil(steps / 3)
    return [steps, *range(steps + third, 2 * steps, third), 2 * steps]


class _Fixed(Sampler[int]):
    def __init__(self, order: Sequence[int]) -> None:
        self.order = order

    def __iter__(self) -> Iterator[int]:
        return iter(self.order)

    def __len__(self) -> int:
        return len(self.order)


class UntilLearnt(TrainerCallback):
    """Ends training after the first round in which everything to forget was learnt.

    A fixed number of steps ends for some names before the new answer has overtaken every way to write the old one: on
    a small LLaVA the name without the space before it, second in the model's own order, came first instead.
    """

    def __init__(self, trainer: UnlearningTrainer) -> None:
        self._trainer = trainer

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        if state.global_step in self._trainer.rounds[:-1] and self._trainer.has_learnt():
            control.should_training_stop = True
        return control


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
    """One bar over the steps, with the loss. With `rounds` it goes to the end of the first, and grows with the next."""

    def __init__(self, name: str, rounds: Sequence[int] = ()) -> None:
        self._name = name
        self._rounds = rounds
        self._bar: Any = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if state.is_world_process_zero:
            self._bar = tqdm(total=self._end(state), initial=state.global_step, desc=self._name, unit="step")

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self._bar is not None:
            self._bar.total = self._end(state)
            self._bar.update(state.global_step - self._bar.n)

    def _end(self, state: TrainerState) -> int:
        return next((end for end in self._rounds if end >= state.global_step), state.max_steps)

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
