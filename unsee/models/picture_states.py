"""What a model makes of a picture, whatever is asked: the mean residual stream over the picture's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unsee.data.sample import user_turn
from unsee.models.collation import IGNORED, EncodedSample, collate

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from unsee.models.vlm import VisionLanguageModel

_PICTURES_PER_BATCH = 16


def picture_states(vlm: VisionLanguageModel, pictures: Sequence[Image.Image]) -> Tensor:
    """[pictures, H] float32 on the CPU: the mean over each picture's tokens after the middle decoder layer.

    In every family the pictures come before the words of a turn, so no word is seen there.
    """
    import torch

    from unsee.models.vision_cache import VisionCache
    from unsee.models.vlm import evaluating

    rows = []
    for prompt in vlm.encode_prompt([([user_turn("?", 1)], (picture,)) for picture in pictures]):
        unused = len(prompt.input_ids)
        rows.append(
            EncodedSample(
                prompt.input_ids,
                [IGNORED] * unused,
                [0.0] * unused,
                prompt.extras,
                prompt.pixels,
                prompt.image_keys,
            )
        )
    cache, layer = VisionCache(vlm), vlm.decoder_layers[len(vlm.decoder_layers) // 2]
    placeholders = torch.tensor(sorted(vlm.layout.image_token_ids))
    seen: list[Tensor] = []
    means: list[Tensor] = []
    handle = layer.register_forward_hook(
        lambda module, inputs, output: seen.append(output if isinstance(output, torch.Tensor) else output[0])
    )
    try:
        for start in range(0, len(rows), _PICTURES_PER_BATCH):
            chunk = rows[start : start + _PICTURES_PER_BATCH]
            batch = collate(chunk, vlm.pad_token_id)
            inputs = {name: batch[name].to(vlm.device) for name in ("input_ids", "attention_mask", *chunk[0].extras)}
            with evaluating(vlm), torch.inference_mode():
                vlm.model(**inputs, **cache.inputs(chunk), use_cache=False)
            on_picture = torch.isin(batch["input_ids"], placeholders)
            states = seen.pop().float().cpu()
            means += [state[mask].mean(0) for state, mask in zip(states, on_picture, strict=True)]
    finally:
        handle.remove()
    # Tensors of inference mode could not be computed with outside of it.
    return torch.stack(means).clone()
