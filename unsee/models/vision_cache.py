"""`VisionCache`: the frozen vision tower runs once per distinct picture.

The models of transformers accept `mm_encoder_outputs={"image": ...}` instead of `pixel_values`: the output of their own
`get_image_features`, put together here from features kept per picture.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

import torch
from torch import Tensor

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel

PICTURES_PER_CALL = 16


class HasPictures(Protocol):
    """A row of a batch: `EncodedPrompt` or `EncodedSample`."""

    @property
    def image_keys(self) -> tuple[str, ...]: ...

    @property
    def pixels(self) -> dict[str, Tensor]: ...


@dataclass(frozen=True)
class _Picture:
    """The vision inputs of one picture (or of one row whose pictures cannot be told apart), and its cache key."""

    key: tuple[Any, ...]
    pixels: dict[str, Tensor]


@dataclass(frozen=True)
class _Features:
    """Projected features of one picture: [tokens, hidden] or [tiles, tokens, hidden]; deepstack: one per level."""

    pooled: Tensor
    deepstack: tuple[Tensor, ...] | None

    @property
    def nbytes(self) -> int:
        return sum(t.nbytes for t in (self.pooled, *(self.deepstack or ())))


class VisionCache:
    """Features of pictures, by the content of the picture; the least recently used go first.

    Args:
        vlm: the model. Its tower and projector must be frozen for features to be kept and used: while they can learn or
            carry an adapter, every call runs them again.
        max_bytes: memory for kept features, in bytes.

    `runs` counts the pictures that went through the tower. Features may be used in training; they are detached, unless
    tower or projector are to learn.
    """

    def __init__(self, vlm: VisionLanguageModel, max_bytes: int = 1 << 30) -> None:
        self._model = cast(Any, vlm.base.base_model)
        self._wanted = set(inspect.signature(self._model.get_image_features).parameters)
        rope: Any = getattr(self._model, "get_rope_index", None)
        self._for_positions = set(inspect.signature(rope).parameters) if rope else set()
        self._vision = [
            vlm.base.get_submodule(path) for path in (vlm.layout.vision_tower, vlm.layout.projector) if path
        ]
        self._max_bytes = max_bytes
        self._kept: OrderedDict[tuple[Any, ...], _Features] = OrderedDict()
        self._bytes = 0
        self._output_type: type | None = None
        self._pooled_is_tensor = False
        self.runs = 0

    def inputs(self, rows: Sequence[HasPictures]) -> dict[str, Any]:
        """What the model's forward needs to know of the pictures of these rows, in the order of the rows.

        Returns:
            `mm_encoder_outputs`, and what the model derives token positions from (`image_grid_thw`) where it does.
            Empty when no row has a picture.
        """
        pictures = [picture for row in rows for picture in _split(row.image_keys, row.pixels)]
        if not pictures:
            return {}
        features = self._features(pictures)
        found = [features[picture.key] for picture in pictures]
        pooled: Any = [f.pooled for f in found]
        output = {"pooler_output": torch.cat(pooled) if self._pooled_is_tensor else pooled}
        if found[0].deepstack is not None:
            levels = zip(*(f.deepstack or () for f in found), strict=True)
            output["deepstack_features"] = [list(level) for level in levels]
        assert self._output_type is not None
        inputs: dict[str, Any] = {"mm_encoder_outputs": {"image": self._output_type(**output)}}
        for name in self._for_positions & set(pictures[0].pixels):
            inputs[name] = torch.cat([p.pixels[name] for p in pictures]).to(found[0].pooled.device)
        return inputs

    def release(self, rows: Sequence[HasPictures]) -> None:
        """Give back the pixels of rows that will be read again, if the features of all their pictures are kept.

        Their shapes stay, on the meta device. Nothing else may be read with this cache from then on, or features could
        be dropped that nobody can compute again.
        """
        pictures = [picture for row in rows for picture in _split(row.image_keys, row.pixels)]
        if all(picture.key in self._kept for picture in pictures):
            for row in rows:
                if "pixel_values" in row.pixels:
                    row.pixels["pixel_values"] = row.pixels["pixel_values"].to("meta")

    def clear(self) -> None:
        """Forget all features: after the tower or the projector has changed."""
        self._kept.clear()
        self._bytes = 0

    def frozen(self) -> bool:
        """Whether tower and projector can neither learn nor carry an adapter, so that features are kept."""
        from peft.tuners.tuners_utils import BaseTunerLayer

        return not any(
            isinstance(module, BaseTunerLayer) or any(p.requires_grad for p in module.parameters(recurse=False))
            for part in self._vision
            for module in part.modules()
        )

    def _features(self, pictures: Sequence[_Picture]) -> dict[tuple[Any, ...], _Features]:
        found: dict[tuple[Any, ...], _Features] = {}
        missing: dict[tuple[Any, ...], list[_Picture]] = {}
        # An adapter may have come since features were kept, and what is kept is not what it makes of a picture.
        frozen = self.frozen()
        for picture in {p.key: p for p in pictures}.values():
            if frozen and picture.key in self._kept:
                self._kept.move_to_end(picture.key)
                found[picture.key] = self._kept[picture.key]
            else:
                # Only tensors that agree in all but the first dimension can share a call of the tower.
                shapes = tuple(sorted((name, tuple(t.shape[1:])) for name, t in picture.pixels.items()))
                missing.setdefault(shapes, []).append(picture)
        for alike in missing.values():
            for start in range(0, len(alike), PICTURES_PER_CALL):
                chunk = alike[start : start + PICTURES_PER_CALL]
                for picture, features in zip(chunk, self._encode(chunk), strict=True):
                    found[picture.key] = features
                    if frozen:
                        self._keep(picture.key, features)
        return found

    def _keep(self, key: tuple[Any, ...], features: _Features) -> None:
        self._kept[key] = features
        self._bytes += features.nbytes
        while self._bytes > self._max_bytes and self._kept:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= dropped.nbytes

    def _encode(self, pictures: Sequence[_Picture]) -> list[_Features]:
        parameter = next(self._model.parameters())
        names = [name for name in pictures[0].pixels if name in self._wanted]
        inputs = {name: torch.cat([p.pixels[name] for p in pictures]).to(parameter.device) for name in names}
        inputs = {n: t.to(self._model.dtype) if t.is_floating_point() else t for n, t in inputs.items()}
        learns = torch.is_grad_enabled() and self._learns()
        # Tensors made in inference mode could never be used in training again.
        with torch.inference_mode(False), torch.set_grad_enabled(learns):
            output = self._model.get_image_features(**inputs, return_dict=True)
        self.runs += len(pictures)
        self._output_type = type(output)
        pooled, deepstack = output.pooler_output, getattr(output, "deepstack_features", None)
        self._pooled_is_tensor = isinstance(pooled, Tensor)
        if self._pooled_is_tensor:
            pooled = pooled.split([p.pixels["pixel_values"].shape[0] for p in pictures])
        if len(pooled) != len(pictures):
            raise RuntimeError(
                f"{type(self._model).__name__} gave {len(pooled)} features for {len(pictures)} pictures."
            )

        def own(features: Tensor) -> Tensor:
            # Clones: a slice would keep the features of the whole call in memory.
            return features if learns else features.detach().clone()

        return [
            _Features(own(pooled[i]), None if deepstack is None else tuple(own(level[i]) for level in deepstack))
            for i in range(len(pictures))
        ]

    def _learns(self) -> bool:
        return any(weight.requires_grad for part in self._vision for weight in part.parameters())


def _split(keys: tuple[str, ...], pixels: Mapping[str, Tensor]) -> list[_Picture]:
    """The pictures of one row. A row stays whole where its tensors do not show which picture they belong to."""
    if not keys:
        return []
    count = len(keys)
    values = pixels["pixel_values"]
    parts: list[dict[str, Tensor]]
    if count > 1 and "image_grid_thw" in pixels:
        grids = pixels["image_grid_thw"]
        patches = values.split(grids.prod(-1).tolist())
        parts = [{"pixel_values": patches[i], "image_grid_thw": grids[i : i + 1]} for i in range(count)]
    elif count > 1 and values.shape[0] == count:
        parts = [{n: t[i : i + 1] if t.shape[0] == count else t for n, t in pixels.items()} for i in range(count)]
    else:
        shape = tuple(values.shape)
        return [_Picture((keys, shape), dict(pixels))]
    # LLaVA-OneVision cuts a picture into tiles only when it is alone, so that the content does not settle the shape.
    return [_Picture(((key,), tuple(part["pixel_values"].shape)), part) for key, part in zip(keys, parts, strict=True)]
