"""The training settings that all methods share, and `key=value` overrides with type checks."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from unsee.errors import UserError, did_you_mean

Config = TypeVar("Config")


def peak_rate(default: float) -> Any:
    """The field `learning_rate`, for a method with a default of its own."""
    return field(default=default, metadata={"help": "peak learning rate of Adam"})


@dataclass(frozen=True)
class TrainingConfig:
    """Training settings shared by all methods; the defaults fit the small models of the embedded world.

    Each method's own were chosen on validation people, pictures and phrasings: SIU's by hand, the learning rates of
    the others (and the layer and strength of RMU) by `recipes/choose_settings.yaml`.

    The setting of the SIU paper and its code for LLaVA-1.5 7B (arXiv 2405.12523): steps=6, batch=4,
    learning_rate=3e-4, schedule=cosine, warmup=0.03, lora_rank=128, lora_alpha=256, lora_dropout=0.05, bf16=true.

    Raises UserError for a value out of range.
    """

    steps: int = field(default=30, metadata={"help": "optimiser steps"})
    batch: int = field(default=4, metadata={"help": "samples per step and device"})
    accumulate: int = field(default=1, metadata={"help": "batches per step, whose gradients are added up"})
    learning_rate: float = peak_rate(1.3e-3)
    schedule: Literal["constant", "linear", "cosine"] = field(
        default="cosine", metadata={"help": "how the learning rate falls after the warm-up"}
    )
    warmup: float = field(default=0.0, metadata={"help": "share of the steps in which the learning rate rises"})
    max_grad_norm: float = field(default=1.0, metadata={"help": "norm to which gradients are clipped; 0: no clipping"})
    lora_rank: int = field(default=8, metadata={"help": "rank of the adapter"})
    lora_alpha: int = field(default=16, metadata={"help": "scale of the adapter, times its rank"})
    lora_dropout: float = field(default=0.0, metadata={"help": "share of the adapter's inputs dropped"})
    full: bool = field(default=False, metadata={"help": "train all weights of the language model, no adapter"})
    gradient_checkpointing: bool = field(default=False, metadata={"help": "less memory, more time"})
    bf16: bool = field(default=False, metadata={"help": "compute in bfloat16 (autocast)"})

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "accumulate", "lora_rank", "lora_alpha"):
            self._require(getattr(self, name) >= 1, name, "at least 1")
        self._require(self.learning_rate > 0, "learning_rate", "above 0")
        self._require(self.max_grad_norm >= 0, "max_grad_norm", "at least 0")
        for name in ("warmup", "lora_dropout"):
            self._require(0 <= getattr(self, name) < 1, name, "between 0 and 1")

    def _require(self, holds: bool, name: str, rule: str) -> None:
        if not holds:
            raise UserError(f"{name}={getattr(self, name)!r} is out of range; it must be {rule}.")


def parse_overrides(config: type[Config], assignments: Iterable[str]) -> Config:
    """Build `config` from texts such as "steps=30" or "token_mask=false".

    Raises UserError for a text without "=", an unknown key or a value of the wrong type.
    """
    types = typing.get_type_hints(config)
    known = [f.name for f in dataclasses.fields(config) if f.init]  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        key, text = key.strip(), text.strip()
        if not equals:
            raise UserError(f"{assignment!r} is not a setting; write it as key=value, such as steps=30.")
        if key not in known:
            raise UserError(f"{key!r} is not a setting of this method{did_you_mean(key, known)}")
        values[key] = _parse(key, text, types[key])
    return config(**values)


def _parse(key: str, text: str, wanted: Any) -> Any:
    if typing.get_origin(wanted) is Literal:
        choices = typing.get_args(wanted)
        if text not in choices:
            raise UserError(f"{key}={text!r} is not one of {', '.join(choices)}{did_you_mean(text, choices)}")
        return text
    if wanted is bool:
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if text.lower() not in words:
            raise UserError(f"{key}={text!r} must be true or false.")
        return words[text.lower()]
    try:
        value = wanted(text)
    except ValueError:
        kind = {int: "a whole number", float: "a number"}.get(wanted, f"a {wanted.__name__}")
        raise UserError(f"{key}={text!r} must be {kind}.") from None
    if isinstance(value, float) and not abs(value) < float("inf"):
        raise UserError(f"{key}={text!r} must be a finite number.")
    return value
