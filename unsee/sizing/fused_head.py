"""The head of TRL's GRPO: log-probabilities of tokens by tiles of logits, which are never there all at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn


def fused_head(hidden: Tensor, head: nn.Linear, temperature: float, *, bf16: bool) -> Tensor:
    """Log-probabilities [N] of N tokens from hidden states [N, H] on the meta device, by TRL's own function.

    bf16: as under autocast, which that function asks for, and which does not know the meta device.
    """
    # Only here: TRL takes seconds to import.
    from trl.kernels import ChunkedLogProbFunction
    from trl.trainer.utils import _CHUNKED_LOGPROB_CHUNK_SIZE

    targets = torch.zeros(len(hidden), dtype=torch.long, device=hidden.device)
    width, outputs = _CHUNKED_LOGPROB_CHUNK_SIZE, ("log_probs", "entropy")
    with (
        patch.object(torch, "is_autocast_enabled", lambda device: bf16),
        patch.object(torch, "get_autocast_dtype", lambda device: torch.bfloat16),
    ):
        found: Any = ChunkedLogProbFunction.apply(
            hidden, head.weight, head.bias, targets, temperature, width, None, 1.0, outputs
        )
    return found[0]


@contextmanager
def kernels_of(on_gpu: bool) -> Iterator[None]:
    """Within it a tile takes what it takes on that device: on a GPU kernels work in the tile itself and add up in
    float32 on their own; elsewhere TRL computes with whole copies of it in float32."""
    from trl.kernels import chunked_logprob

    in_place: dict[str, Callable[..., None]] = {"_forward_tile": _nothing, "_backward_tile": _nothing}
    with ExitStack() as stack:
        for name, kernel in (in_place | {"_addmm_fp32": _add_product}).items() if on_gpu else ():
            stack.enter_context(patch.object(chunked_logprob, name, kernel))
        yield


def _nothing(*args: Any, **kwargs: Any) -> None:
    """A kernel that needs no memory of its own."""


def _add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    """`total` += `left` @ `right`, whose operations count; the product itself is as small as the hidden states."""
    total.add_(left @ right)
