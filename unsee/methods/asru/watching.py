"""What watches over stage 2: validation on held-out prompts, and a reward that never varies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from unsee.methods.asru.config import ASRUConfig
from unsee.methods.asru.held_out import HeldOut, reward_of
from unsee.models.vlm import VisionLanguageModel
from unsee.store.text import read_text
from unsee.training.processes import process_number

STEPS_WITHOUT_VARIATION = 10
_BEST, _STATE = "best.safetensors", "validation.json"


class Constant(TrainerCallback):
    """Ends training when for ten steps all responses to a prompt earned the same: nothing can be learned from that."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self._in_a_row = 0

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        logs = kwargs.get("logs") or {}
        if "frac_reward_zero_std" not in logs:
            return control
        self._in_a_row = self._in_a_row + 1 if logs["frac_reward_zero_std"] == 1 else 0
        if self._in_a_row >= STEPS_WITHOUT_VARIATION:
            self.reason = (
                f"The reward did not vary: for {STEPS_WITHOUT_VARIATION} steps all responses to a prompt earned the "
                f"same ({logs['reward']:.2f} on average), so stage 2 had nothing to learn from and ended at step "
                f"{state.global_step}."
            )
            control.should_training_stop = True
        return control


class Validation(TrainerCallback):
    """Asks held-out prompts now and then, greedily as users will; keeps the best adapter, and ends without progress.

    What counts is the mean of the rewards on forget and on boundary prompts, each role weighing the same. Of equals the
    latest is kept: what it has learned may show on other pictures. The first validation is of the model that stage 2
    began with. `log` has one entry for each: "step", "validation_reward", and per role what `Said` tells, such as
    "validation_refused/forget".
    """

    def __init__(self, vlm: VisionLanguageModel, held_out: HeldOut, config: ASRUConfig, folder: Path) -> None:
        self.vlm, self.held_out, self.config, self.folder = vlm, held_out, config, folder
        self.log: list[dict[str, Any]] = []
        self.reason: str | None = None

    @property
    def best_step(self) -> int | None:
        """The step whose adapter is the best so far; None without prompts to validate with."""
        return self._best_steps()[-1] if self.log else None

    def _best_steps(self) -> list[int]:
        """The steps of the highest reward so far, in order."""
        best = max(entry["validation_reward"] for entry in self.log)
        return [entry["step"] for entry in self.log if entry["validation_reward"] == best]

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        if state.global_step and (self.folder / _STATE).is_file():
            known = json.loads(read_text(self.folder / _STATE))
            self.log = [entry for entry in known if entry["step"] <= state.global_step]
        if self.held_out and not self.log:
            self._validate(state.global_step, control)
        return control

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        due = state.global_step % self.config.validate_every == 0 or state.global_step == state.max_steps
        if self.held_out and due:
            self._validate(state.global_step, control)
        return control

    def restore_best(self) -> None:
        """Give the adapter the weights it had at the best validation."""
        if self.log and (self.folder / _BEST).is_file():
            best = load_file(self.folder / _BEST)
            for name, parameter in self._adapter().items():
                parameter.data.copy_(best[name])

    def _validate(self, step: int, control: TrainerControl) -> None:
        said = self.held_out.ask(self.vlm)
        entry: dict[str, Any] = {"step": step, "validation_reward": reward_of(said)}
        for role, at in said.items():
            entry |= {f"validation_{what}/{role}": value for what, value in vars(at).items()}
        self.log.append(entry)
        if self.best_step == step and process_number() == 0:
            self.folder.mkdir(parents=True, exist_ok=True)
            kept = {name: weight.detach().cpu().contiguous() for name, weight in self._adapter().items()}
            save_file(kept, self.folder / f".{_BEST}")
            (self.folder / f".{_BEST}").replace(self.folder / _BEST)
        if process_number() == 0:
            (self.folder / _STATE).write_text(json.dumps(self.log), encoding="utf-8")
        reached = self._best_steps()[0]
        if sum(entry["step"] > reached for entry in self.log) >= self.config.patience:
            perfect = max(entry["validation_reward"] for entry in self.log) == 1
            why = "The held-out prompts earn the full reward" if perfect else "No progress on the held-out prompts"
            self.reason = f"{why} since step {reached}, so stage 2 ended at step {step}."
            control.should_training_stop = True

    def _adapter(self) -> dict[str, Tensor]:
        return {name: weight for name, weight in self.vlm.model.named_parameters() if ".lora_" in name}
