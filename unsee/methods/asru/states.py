"""What stage 1 reads of the model: states at the last prompt token, the position that starts the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from unsee.data.sample import Sample
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import VisionLanguageModel, evaluating

if TYPE_CHECKING:
    from unsee.generation.batching import Row


PROMPTS_PER_BATCH = 32


@dataclass(frozen=True)
class States:
    """States of B prompts at a decoder layer, float32.

    inputs [B, I]: what the MLP's down-projection reads at the last token of each prompt. residual [B, H]: the residual
    stream after the layer at that token. answering [P, I]: what the down-projection reads while the answers are said,
    at every token of theirs that another one follows; [0, I] where answers are not read.
    """

    inputs: Tensor
    residual: Tensor
    answering: Tensor


def read_states(
    vlm: VisionLanguageModel,
    samples: Sequence[Sample],
    layers: Sequence[int],
    *,
    answers: bool = False,
    batch_size: int = PROMPTS_PER_BATCH,
    cache: VisionCache | None = None,
) -> Iterator[tuple[list[int], dict[int, States]]]:
    """Read prompts, batch by batch: the numbers of their samples, and their states by layer.

    Nothing is kept between batches. Prompts are padded on the left here, whatever side the processor pads on, so that
    rows end together and every row's last token is known. With `answers`, the samples' answers are read too.
    """
    # Only here: the package of generation comes after that of models, and reads them.
    from unsee.generation.batching import plan_batches, portions
    from unsee.generation.kv import longest_shared
    from unsee.generation.reading import Reader

    pictures = cache or VisionCache(vlm)
    for members in portions([sample.images for sample in samples]):
        prompts = vlm.encode_prompt([(samples[i].prompt_messages(), samples[i].images) for i in members])
        # The last token of an answer ends the turn: nothing follows it.
        said = [vlm.encode_answer(samples[i].answer).input_ids[:-1] if answers else [] for i in members]
        reader = Reader(vlm, pictures)
        longest = longest_shared(reader.config) - max(map(len, said))
        for batch in plan_batches(prompts, vlm.layout.image_token_ids, batch_size, longest):
            rows = [_with_answer(row, said[row.index]) for row in batch]
            with evaluating(vlm), torch.inference_mode(), _watching(vlm, layers) as seen:
                reader.read(rows, room=0)
            lengths = [len(said[row.index]) for row in rows]
            yield [members[row.index] for row in rows], {layer: _states(*seen[layer], lengths) for layer in layers}


def read_residuals(
    vlm: VisionLanguageModel,
    samples: Sequence[Sample],
    layers: Sequence[int],
    *,
    answers: bool = False,
    cache: VisionCache | None = None,
    see: Callable[[dict[int, States]], None] | None = None,
) -> dict[int, Tensor]:
    """[samples, H] by layer: the residual streams of `read_states`, in the order of the samples, on the CPU.

    see: gets the states of every batch as they come.
    """
    order: list[int] = []
    parts: dict[int, list[Tensor]] = {layer: [] for layer in layers}
    for numbers, states in read_states(vlm, samples, layers, answers=answers, cache=cache):
        order += numbers
        for layer, at in states.items():
            parts[layer].append(at.residual.cpu())
        if see is not None:
            see(states)
    back = torch.tensor(order).argsort()
    return {layer: torch.cat(rows)[back] for layer, rows in parts.items()}


def _with_answer(row: Row, answer: list[int]) -> Row:
    prompt = row.prompt
    extras = {name: values + [0] * len(answer) for name, values in prompt.extras.items()}
    return replace(row, prompt=replace(prompt, input_ids=prompt.input_ids + answer, extras=extras))


def _states(inputs: Tensor, residual: Tensor, lengths: Sequence[int]) -> States:
    """From [B, T, I] and [B, T, H], of rows that end together with answers of these lengths.

    Clones, because tensors of inference mode could not be computed with outside of it.
    """
    start = [inputs.shape[1] - 1 - length for length in lengths]
    rows = range(len(lengths))
    answering = [inputs[row, start[row] + 1 :] for row in rows]
    return States(inputs[rows, start].float().clone(), residual[rows, start].float(), torch.cat(answering).float())


@contextmanager
def _watching(vlm: VisionLanguageModel, layers: Sequence[int]) -> Iterator[dict[int, tuple[Tensor, Tensor]]]:
    """Within it, per layer (inputs of the down-projection, residual stream), [B, T, ...], of the latest forward pass.

    A batch with shared prefixes passes twice; the second time is the one with the last tokens.
    """
    inputs: dict[int, Tensor] = {}
    seen: dict[int, tuple[Tensor, Tensor]] = {}
    handles = []

    def watch(number: int, layer: nn.Module) -> None:
        def before_down(module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
            inputs[number] = arguments[0]

        def after_layer(module: nn.Module, arguments: Any, output: Any) -> None:
            seen[number] = inputs[number], output if isinstance(output, Tensor) else output[0]

        handles.append(layer.get_submodule(vlm.layout.mlp_down).register_forward_pre_hook(before_down))
        handles.append(layer.register_forward_hook(after_layer))

    for number in layers:
        watch(number, vlm.decoder_layers[number])
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
