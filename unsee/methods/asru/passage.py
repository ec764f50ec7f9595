"""The way from a layer's down-projection to the residual stream: straight in most families, through a norm in Gemma 3.

Stage 1 changes the output of the down-projection in order to change the residual stream. With a norm in between, a
change D x of the output is not a change D x of the stream, and not every change is possible: a norm gives outputs of
one length.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.methods.asru.states import read_states
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import VisionLanguageModel

TOLERANCE = 0.05
"""How much of a change of the residual stream may be other than foretold, rounding aside."""
_SMALL = 1e-3
"""How much of the shift may be missed for a change of the output that is smaller by its own length, squared."""


@dataclass(frozen=True)
class Passage:
    """down: the down-projection. through: copies in float32 of the modules that its output goes through, in order,
    before it is added to the residual stream; none if it is added directly."""

    down: nn.Linear
    through: tuple[nn.Module, ...] = ()

    def moved(self, inputs: Tensor, change: Tensor) -> Tensor:
        """[B, H] what `change` [H, I] of the weight adds to the residual stream for inputs [B, I], in float32."""
        by = inputs @ change.T
        if not self.through:
            return by
        now = self.outputs(inputs)
        return self.added(now + by) - self.added(now)

    def outputs(self, inputs: Tensor) -> Tensor:
        """[B, H] output of the down-projection for inputs [B, I], in float32."""
        bias = None if self.down.bias is None else self.down.bias.float()
        return functional.linear(inputs.float(), self.down.weight.float(), bias)

    def added(self, outputs: Tensor) -> Tensor:
        """[..., H] what outputs [..., H] of the down-projection add to the residual stream."""
        for module in self.through:
            outputs = module(outputs)
        return outputs

    def wanted(self, inputs: Tensor, shift: Tensor) -> Tensor:
        """[B, H] changes of the outputs for inputs [B, I] that move the residual stream by `shift` [H], or as nearly as
        possible (the smallest of equals). With nothing in between, the shift itself."""
        if not self.through:
            return shift.float().expand(len(inputs), -1)
        now = self.outputs(inputs).detach()
        target, size, length = self.added(now) + shift, shift.square().sum(), now.norm(dim=1, keepdim=True)
        # In lengths of the outputs: a norm makes steps of any length look alike, and long ones disturb other prompts.
        by = torch.zeros_like(now, requires_grad=True)
        steps = torch.optim.LBFGS([by], max_iter=300, line_search_fn="strong_wolfe")

        def missed() -> Tensor:
            steps.zero_grad()
            miss = (self.added(now + length * by) - target).square().sum() / size
            loss = miss + _SMALL * by.square().sum()
            loss.backward()
            return loss

        cast(Any, steps).step(missed)
        return (length * by).detach()


def find_passage(vlm: VisionLanguageModel, layer: int, sample: Sample, cache: VisionCache) -> Passage:
    """The passage of a decoder layer, found by following one prompt through it and verified on that prompt.

    Raises UserError if the residual stream changes in another way than the passage says: such a layer cannot be
    steered.
    """
    module = vlm.decoder_layers[layer]
    down = cast(nn.Linear, module.get_submodule(vlm.layout.mlp_down))
    with _following(module, down) as (followed, outputs):
        before = _residual(vlm, layer, sample, cache)
    passage = Passage(down, tuple(copy.deepcopy(one).float().requires_grad_(False) for one in followed))
    output = outputs[-1][0, -1].float().clone()
    # As long as the output itself, so that a norm in between shows.
    drawn = torch.randn(output.shape, generator=torch.Generator().manual_seed(0)).to(output)
    nudge = drawn * (output.norm() / drawn.norm())
    handle = down.register_forward_hook(lambda _, __, given: given + nudge.to(given))
    try:
        measured = _residual(vlm, layer, sample, cache) - before
    finally:
        handle.remove()
    expected = passage.added(output + nudge) - passage.added(output)
    rounding = 4 * torch.finfo(vlm.dtype).eps * before.norm()
    if not (measured - expected).norm() <= TOLERANCE * expected.norm() + rounding:
        raise UserError(
            f"asru cannot steer {vlm.name}: the output of the MLP of layer {layer} reaches the residual stream in an "
            "unknown way; choose another method, or stages=reinforcement."
        )
    return passage


def _residual(vlm: VisionLanguageModel, layer: int, sample: Sample, cache: VisionCache) -> Tensor:
    """[H] after the layer at the last token of the prompt."""
    [(_, states)] = read_states(vlm, [sample], [layer], cache=cache)
    return states[layer].residual[0]


@contextmanager
def _following(layer: nn.Module, down: nn.Module) -> Iterator[tuple[list[nn.Module], list[Tensor]]]:
    """Within it: the modules, in order, that read the output of `down` or of the module before them, and their outputs.

    Of several passes the last one counts.
    """
    followed: list[nn.Module] = []
    given: list[Tensor] = []
    outputs: list[Tensor] = []

    def watch(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        if module is down:
            followed.clear()
            given[:] = outputs[:] = [output]
        elif given and any(argument is given[-1] for argument in arguments):
            followed.append(module)
            given.append(output)

    leaves = [module for module in layer.modules() if not [*module.children()]]
    handles = [module.register_forward_hook(watch) for module in leaves]
    try:
        yield followed, outputs
    finally:
        for handle in handles:
            handle.remove()
