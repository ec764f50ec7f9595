"""The memory of pictures: pixels and features that are kept, and the working tower."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from unsee.models.collation import EncodedSample
from unsee.models.vision_cache import PICTURES_PER_CALL
from unsee.models.vlm import VisionLanguageModel


@dataclass(frozen=True)
class Vision:
    """kept: bytes of pixels and features of all pictures. working: those and what the tower makes on its way, without
    gradients. flops: operations of the tower over all pictures. tokens: positions that a picture takes in the decoder.
    """

    kept: int
    working: int
    flops: int
    tokens: int

    @classmethod
    def of(cls, vlm: VisionLanguageModel, rows: Sequence[EncodedSample]) -> Vision:
        """For the pictures of these samples."""
        pictures = {row.image_keys: row for row in rows if row.image_keys}
        if not pictures:
            return cls(0, 0, 0, 0)
        tower = vlm.base.get_submodule(vlm.layout.vision_tower)
        size = vlm.dtype.itemsize
        patches = [_patches(row.pixels, vlm.base.config.vision_config) for row in pictures.values()]
        tokens = [sum(t in vlm.layout.image_token_ids for t in row.input_ids) for row in pictures.values()]
        pixels = sum(t.nbytes for row in pictures.values() for t in row.pixels.values())
        levels = 1 + len(getattr(vlm.base.config.vision_config, "deepstack_visual_indexes", None) or ())
        kept = pixels + sum(tokens) * vlm.layout.hidden_size * size * levels
        linears = [module for module in tower.modules() if isinstance(module, nn.Linear)]
        widest = max((linear.out_features for linear in linears), default=vlm.layout.hidden_size)
        narrow = min((linear.in_features for linear in linears), default=vlm.layout.hidden_size)
        at_once = sum(sorted(patches, reverse=True)[:PICTURES_PER_CALL])
        # The widest layer before and after its activation, next to what goes around it.
        working = at_once * (2 * widest + 3 * narrow) * size
        weights = sum(linear.weight.numel() for linear in linears)
        return cls(kept, kept + working, 2 * weights * sum(patches), max(tokens))


def _patches(pixels: Any, config: Any) -> int:
    """Patches of a sample's pictures as the tower sees them."""
    values = pixels["pixel_values"]
    if "image_grid_thw" in pixels:
        return int(values.shape[0])
    height, width = values.shape[-2:]
    patch = config.patch_size if isinstance(config.patch_size, int) else config.patch_size[0]
    return int(values.numel() // (values.shape[-3] * height * width)) * (height // patch) * (width // patch)
