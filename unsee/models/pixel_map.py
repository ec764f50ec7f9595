"""From pixels to vision inputs, as the model's own image processor does it, but with a gradient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from unsee.data.images import open_image
from unsee.models.vlm import VisionLanguageModel

_MESSAGES = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "?"}]}]
_NEAR = 1e-3
"""Of the way from black to white: how far a processor's float32 may lie from ours. A value of 8 bits is 4e-3 wide."""


@dataclass(frozen=True, eq=False)
class Places:
    """input[k] = scale[k] * pixels.flatten()[source[k]] + shift[k], with pixels in [0, 1]; all of one input's shape."""

    source: Tensor
    scale: Tensor
    shift: Tensor


@dataclass(frozen=True, eq=False)
class PixelMap:
    """Where in the vision inputs of a picture of `size` (width, height) its pixels are, and how they are scaled.

    Found from what the image processor does, not from how its family is known to work. It exists for a size of which
    the processor only rescales, normalises, cuts, repeats and pads: not where it resizes.
    """

    size: tuple[int, int]
    places: dict[str, Places]

    def __call__(self, pixels: Tensor) -> dict[str, Tensor]:
        """The vision inputs of one picture, [height, width, 3] in [0, 1] (red, green, blue), with a gradient."""
        flat = pixels.flatten()
        return {name: flat[at.source] * at.scale + at.shift for name, at in self.places.items()}

    def fitted(self, picture: Image.Image) -> Image.Image:
        """The picture in this size: scaled, and what is too long cut off evenly at both ends. Of the right size it is
        returned as it is."""
        picture = open_image(picture)
        return picture if picture.size == self.size else ImageOps.fit(picture, self.size, Image.Resampling.BICUBIC)


def pixel_map(vlm: VisionLanguageModel, picture: Image.Image) -> PixelMap | None:
    """The map for pictures such as this one, of its own size if the processor leaves that as it is, else of a size that
    its settings name. None if the processor resizes all of these."""
    for size in dict.fromkeys(_sizes(vlm, open_image(picture))):
        found = _map_of(vlm, size)
        if found is not None:
            return found
    return None


def pixels_of(picture: Image.Image) -> Tensor:
    """[height, width, 3] in [0, 1], float32."""
    return torch.from_numpy(np.array(open_image(picture), np.float32)) / 255


def _sizes(vlm: VisionLanguageModel, picture: Image.Image) -> Iterator[tuple[int, int]]:
    yield picture.size
    images = vlm.processor.image_processor
    grid = _encoded(vlm, picture).get("image_grid_thw")
    if grid is not None and getattr(images, "patch_size", None):
        _, rows, columns = grid[0].tolist()
        yield columns * images.patch_size, rows * images.patch_size
        return
    for name in ("crop_size", "size"):
        setting = getattr(images, name, None)
        height, width, shortest = (getattr(setting, side, None) for side in ("height", "width", "shortest_edge"))
        if height and width:
            yield width, height
        elif shortest:
            yield shortest, shortest


def _map_of(vlm: VisionLanguageModel, size: tuple[int, int]) -> PixelMap | None:
    width, height = size
    count = width * height * 3

    def shown(values: np.ndarray) -> dict[str, Tensor]:
        pixels = values.astype(np.uint8).reshape(height, width, 3)
        inputs = _encoded(vlm, Image.fromarray(pixels))
        return {name: tensor.float() for name, tensor in inputs.items() if tensor.is_floating_point()}

    numbers = np.arange(count)
    black, white = shown(numbers * 0), shown(numbers * 0 + 255)
    # The number of a pixel's value, digit by digit: one picture for each.
    digits = [shown(numbers // 256**place % 256) for place in range((count.bit_length() + 7) // 8)]
    noise = np.random.default_rng(0).integers(0, 256, count)
    test = shown(noise)
    places = {}
    for name, shift in black.items():
        scale = white[name] - shift
        if any(other[name].shape != shift.shape for other in (white, test, *digits)):
            return None
        used = torch.where(scale == 0, 1, scale)
        source = torch.zeros(shift.shape, dtype=torch.long)
        for place, digit in enumerate(digits):
            source += ((digit[name] - shift) / used * 255).round().long() * 256**place
        source = torch.where(scale == 0, 0, source)
        if int(source.min()) < 0 or int(source.max()) >= count:
            return None
        at = Places(source, scale, shift)
        expected = torch.from_numpy(noise).float()[source] / 255 * scale + shift
        if not torch.allclose(test[name], expected, rtol=0, atol=_NEAR * float(scale.abs().max())):
            return None
        places[name] = at
    return PixelMap(size, places)


def _encoded(vlm: VisionLanguageModel, picture: Image.Image) -> dict[str, Tensor]:
    (prompt,) = vlm.encode_prompt([(_MESSAGES, (picture,))])
    return prompt.pixels
