"""One step of training run without weights: how much memory it takes at most, and how many operations.

Tensors on the meta device have shapes and no content. The model's own modules, the packing and the losses run on them
as they would on real ones; what is counted is the memory of every tensor from when it is made until it is freed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop_count, sdpa_flop_count

from unsee.models.collation import EncodedSample
from unsee.models.vlm import VisionLanguageModel
from unsee.sizing.live_memory import LiveMemory, Most
from unsee.training.objective import Objective
from unsee.training.reference import TrainingSet

META = torch.device("meta")
_FLASH = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_FLASH_BACKWARD = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


@dataclass(frozen=True)
class Traced:
    """What was made on the way. memory: bytes of it, at most. flops: floating-point operations."""

    memory: Most
    flops: int


def trace(run: Callable[[], Any], known: Iterable[Tensor], *, bf16: bool = False) -> Traced:
    """Run something on the meta device. `known` tensors, and views of them, are not counted.

    bf16: as under `torch.autocast`, which torch itself does not follow on the meta device. A weight is cast each time
    it is used; torch would keep the copy of one in training for a second use in the same forward pass.
    """
    live, operations = LiveMemory(known, META), _Operations()
    # On the meta device torch would hold the scores of attention, which the fused kernels never do. A mode would not
    # last into the backward pass, where checkpointed layers are computed anew.
    attention, linear = _flash, functional.linear
    if bf16:
        attention, linear = _in_bfloat16(attention), _in_bfloat16(linear)
    with (
        patch.object(functional, "scaled_dot_product_attention", attention),
        patch.object(functional, "linear", linear),
        operations,
        live,
        _Together(),
    ):
        run()
    return Traced(live.most, operations.count)


class OutlinedSet(TrainingSet):
    """A training set of a model without weights, whose batches go through the decoder alone.

    Pictures are what their tokens take in the decoder; `tower_step` is what they take in a tower that learns. Its masks
    stay on the CPU, for it is their content that says how large other tensors are. bf16: whether the model runs under
    autocast.
    """

    def __init__(
        self, rows: Sequence[EncodedSample], objective: Objective, vlm: VisionLanguageModel, *, bf16: bool = False
    ) -> None:
        super().__init__(rows, objective, vlm)
        self.bf16 = bf16
        self.masks_on = torch.device("cpu")
        self.cache = _NoPictures()  # type: ignore[assignment]
        self.decoder = _Decoder(vlm, to_pictures=self.tower_learns)
        compared = [int(objective.compares_at(row, self.longest).sum()) for row in self.rows]
        size = {"targets": (), "hidden": (vlm.layout.hidden_size,)}.get(
            objective.reads, (vlm.base.get_output_embeddings().weight.shape[0],)
        )
        kinds = {"targets": torch.float32, "hidden": vlm.dtype}
        kind = kinds.get(objective.reads, torch.float16)
        self.references = [torch.empty(n, *size, dtype=kind, device=META) if n else None for n in compared]

    def tokens(self, units: Sequence[int]) -> int:
        """Positions of a batch as it goes through the model, packed where it can be, padding included."""
        rows = [self.rows[row] for unit in units for row in self.units[unit]]
        longest = max(len(row.input_ids) for row in rows)
        if self.packer is None:
            return len(rows) * longest
        wanted = torch.stack([self.objective.looks_at(row, longest) for row in rows])
        if any(bool(asked[len(row.input_ids) :].any()) for row, asked in zip(rows, wanted, strict=True)):
            return len(rows) * longest
        return self.packer.pack(rows, wanted, torch.device("cpu")).inputs["input_ids"].numel()

    def step(self, units: Sequence[int]) -> Traced:
        """A step of training on these samples: forward, loss and backward."""

        def run() -> None:
            self.objective(self.token_batch(self.decoder, self.collate(units))).backward()

        known = [reference for reference in self.references if reference is not None]
        return trace(run, [*known, *self.decoder.tensors()], bf16=self.bf16)

    def tower_step(self, units: Sequence[int]) -> Traced:
        """The pictures of these samples through tower and projector and back, once each, as in a step in which they
        learn."""
        rows = [self.rows[row] for unit in units for row in self.units[unit]]
        pictures = list({row.image_keys: row.pixels for row in rows if row.image_keys}.values())
        model: Any = self.decoder.vlm.base.base_model
        takes = inspect.signature(model.get_image_features).parameters

        def run() -> None:
            if not pictures:
                return
            joined = {name: torch.cat([one[name] for one in pictures]) for name in pictures[0] if name in takes}
            # What says how large other tensors are keeps its content.
            inputs = {n: t.to(META, model.dtype) if t.is_floating_point() else t for n, t in joined.items()}
            with _OnMeta():
                output = model.get_image_features(**inputs, return_dict=True)
            made = [*_tensors(output.pooler_output), *_tensors(getattr(output, "deepstack_features", None))]
            torch.autograd.backward(made, [torch.empty_like(features) for features in made])

        return trace(run, self.decoder.tensors(), bf16=self.bf16)

    def forward(self, units: Sequence[int]) -> Traced:
        """These samples through the model and into distributions, without gradients."""

        def run() -> None:
            with torch.no_grad():
                batch = self.token_batch(self.decoder, self.collate(units))
                functional.log_softmax(batch.logits.float(), dim=-1)

        references, self.references = self.references, [None] * len(self.rows)
        try:
            return trace(run, self.decoder.tensors(), bf16=self.bf16)
        finally:
            self.references = references


class _Decoder:
    """The language model as a training set calls it, from embeddings that have no content."""

    def __init__(self, vlm: VisionLanguageModel, *, to_pictures: bool = False) -> None:
        """to_pictures: whether the backward pass goes on to the features of pictures."""
        self.vlm, self.to_pictures = vlm, to_pictures
        self.decoder = vlm.base.get_submodule(vlm.layout.decoder)
        self.head: nn.Module = vlm.base.get_output_embeddings()

    def tensors(self) -> list[Tensor]:
        return [*self.vlm.model.parameters(), *self.vlm.model.buffers()]

    def __call__(self, *, input_ids: Tensor, logits_to_keep: Tensor, **inputs: Any) -> SimpleNamespace:
        return SimpleNamespace(logits=self.head(self.hidden(input_ids, **inputs)[logits_to_keep]))

    def hidden(self, input_ids: Tensor, **inputs: Any) -> Tensor:
        """What the head reads, [B, T, H]."""
        given = {name: inputs[name].to(META) for name in ("attention_mask", "position_ids") if name in inputs}
        width = self.vlm.layout.hidden_size
        embedded = torch.empty(*input_ids.shape, width, dtype=self.vlm.dtype, device=META)
        embedded.requires_grad_(self.to_pictures and torch.is_grad_enabled())
        return self.decoder(inputs_embeds=embedded, use_cache=False, **given).last_hidden_state


def _tensors(nested: Any) -> list[Tensor]:
    return [one for one in tree_leaves(nested) if isinstance(one, Tensor)]


class _NoPictures:
    def inputs(self, rows: Sequence[Any]) -> Mapping[str, Any]:
        return {}


class _Together(TorchFunctionMode):
    """Indices and targets leave the CPU, where their content is needed, for where the losses compute."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (functional.cross_entropy, Tensor.index_add):
            args = tuple(arg.to(META) if isinstance(arg, Tensor) else arg for arg in args)
        return func(*args, **(kwargs or {}))


class _OnMeta(TorchFunctionMode):
    """What a tower derives from the sizes of pictures, whose content is known, meets tensors without content."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = (args, kwargs or {})
        if func is not Tensor.__getitem__ and any(one.is_meta for one in _tensors(given)):
            given = tree_map_only(Tensor, lambda one: one.to(META), given)
        return func(*given[0], **given[1])


def _flash(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    if enable_gqa:
        groups = query.shape[-3] // key.shape[-3]
        key, value = key.repeat_interleave(groups, -3), value.repeat_interleave(groups, -3)
    return _FLASH(query, key, value, dropout_p, is_causal, attn_mask=attn_mask, scale=scale)[0]


def _flash_flops(query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any) -> int:
    return sdpa_flop_count(query.shape, key.shape, value.shape)


def _flash_backward_flops(
    grad_out: Tensor, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any
) -> int:
    return sdpa_backward_flop_count(grad_out.shape, query.shape, key.shape, value.shape)


_COUNTED: dict[Any, Callable[..., int]] = {
    **flop_registry, _FLASH: _flash_flops, _FLASH_BACKWARD: _flash_backward_flops
}  # fmt: skip


class _Operations(TorchDispatchMode):
    """Adds up floating-point operations by torch's own formulas.

    torch's counter of them also watches modules, by hooks that hold on to what checkpointed layers compute anew.
    """

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if formula := _COUNTED.get(func.overloadpacket):
            self.count += formula(*args, **(kwargs or {}), out_val=result)
        return result


def _in_bfloat16(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function on what it is given in float32 cast to bfloat16; the backward pass holds the copies it needs."""

    def half(value: Any) -> Any:
        return value.bfloat16() if isinstance(value, Tensor) and value.dtype == torch.float32 else value

    def cast(*args: Any, **kwargs: Any) -> Tensor:
        return function(*map(half, args), **{name: half(value) for name, value in kwargs.items()})

    return cast


def decoder_step(
    vlm: VisionLanguageModel, shape: tuple[int, int], loss: Callable[[Tensor, nn.Module], Tensor], *, bf16: bool
) -> Traced:
    """Forward, loss and backward of padded rows [B, T]. The loss reads hidden states [B, T, H] and the head.

    bf16: whether the model runs under autocast.
    """
    decoder = _Decoder(vlm)
    rows, length = shape
    ids, mask = torch.zeros(shape, dtype=torch.long), torch.zeros(rows, 1, length, length, dtype=vlm.dtype)
    return trace(
        lambda: loss(decoder.hidden(ids, attention_mask=mask), decoder.head).backward(), decoder.tensors(), bf16=bf16
    )
