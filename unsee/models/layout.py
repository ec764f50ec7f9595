"""Where the parts of a vision-language model are, found from its config and its module tree.

Nothing here looks at a model's name. The paths are those of the bare transformers model (no PEFT wrapper), so
`model.get_submodule(layout.vision_tower)` gives the tower.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from unsee.errors import UserError

# Attribute names under which the supported families keep the module that maps vision features to text embeddings.
PROJECTOR_NAMES = ("multi_modal_projector", "connector", "merger", "projector", "aligner")
_SEES = re.compile(rf"(?:^|\.)(?:vis(?:ion|ual)\w*|{'|'.join(PROJECTOR_NAMES)})(?:\.|$)")


@dataclass(frozen=True)
class Layout:
    """Module paths of one model, relative to the transformers model.

    `decoder`          the language model without its head
    `decoder_layers`   the `ModuleList` of its layers
    `vision_tower`     the picture encoder
    `projector`        vision features to text embeddings; may lie inside the tower (Qwen-VL's merger)
    `mlp`              the linear modules of the MLP, relative to a layer, e.g. ("mlp.gate_proj", ...)
    `mlp_down`         the one of `mlp` that maps back to the hidden size
    `language_linears` every linear module of the decoder layers, the targets of LoRA
    `vision_linears`   every linear module of the vision tower and the projector
    `image_token_ids`  the placeholder tokens whose embeddings are replaced by vision features
    `hidden_size`      width of the residual stream of the decoder
    """

    decoder: str
    decoder_layers: str
    vision_tower: str
    projector: str
    mlp: tuple[str, ...]
    mlp_down: str
    language_linears: tuple[str, ...]
    vision_linears: tuple[str, ...]
    image_token_ids: frozenset[int]
    hidden_size: int

    @cached_property
    def lora_targets(self) -> str:
        """`language_linears` as the regular expression that PEFT matches against whole module paths."""
        prefix = re.escape(self.decoder_layers)
        inside = {re.sub(rf"^{prefix}\.\d+\.", "", path) for path in self.language_linears}
        return rf"{prefix}\.\d+\.({'|'.join(re.escape(name) for name in sorted(inside))})"


def is_of_vision(name: str) -> bool:
    """Whether a module or a weight of this name is of a vision tower or a projector, where no model is at hand to say
    so: as the supported families name theirs."""
    return _SEES.search(name) is not None


def find_layout(model: PreTrainedModel) -> Layout:
    """Find the parts of `model`; `UserError` that names what was looked for when one is missing."""
    kind = type(model).__name__
    paths = {id(module): path for path, module in model.named_modules()}

    decoder = model.get_decoder()
    layers = getattr(decoder, "layers", None)
    if decoder is model or not isinstance(layers, nn.ModuleList) or len(layers) == 0:
        raise _unknown(kind, "a language model with a ModuleList called 'layers' (through get_decoder())")

    tower = model.get_encoder(modality="image")
    if tower is model or id(tower) not in paths:
        raise _unknown(kind, "a vision tower (through get_encoder(modality='image'))")

    projector = _find_projector(model)
    if projector is None:
        raise _unknown(kind, f"a projector (a module called {', '.join(PROJECTOR_NAMES)})")

    text_config = model.config.get_text_config()
    mlp, down = _find_mlp(layers[0], text_config.hidden_size)
    if down is None:
        raise _unknown(kind, "an MLP in a decoder layer that widens the hidden size and maps back to it")

    layers_path = paths[id(layers)]
    return Layout(
        decoder=paths[id(decoder)],
        decoder_layers=layers_path,
        vision_tower=paths[id(tower)],
        projector=projector,
        mlp=mlp,
        mlp_down=down,
        language_linears=tuple(f"{layers_path}.{path}" for path, _ in _linears(layers)),
        vision_linears=tuple(
            dict.fromkeys(
                f"{part}.{path}" if path else part
                for part in (paths[id(tower)], projector)
                for path, _ in _linears(model.get_submodule(part))
            )
        ),
        image_token_ids=_image_tokens(kind, model.config),
        hidden_size=text_config.hidden_size,
    )


def _find_projector(model: nn.Module) -> str | None:
    for name in PROJECTOR_NAMES:
        for path, _ in model.named_modules():
            if path.rpartition(".")[2] == name:
                return path
    return None


def _find_mlp(layer: nn.Module, hidden_size: int) -> tuple[tuple[str, ...], str | None]:
    """The linears of the layer's MLP and the one that maps back to the hidden size.

    The projections of the attention can have the same shapes as those of the MLP, so modules that call themselves
    attention are left out; among the rest, the MLP is the parent with linears both from and to the hidden size.
    """
    families: dict[str, list[tuple[str, nn.Linear]]] = {}
    for path, linear in _linears(layer):
        parent = path.rpartition(".")[0]
        if "attn" not in parent and "attention" not in parent:
            families.setdefault(parent, []).append((path, linear))
    for members in families.values():
        down = [path for path, linear in members if linear.out_features == hidden_size]
        up = [path for path, linear in members if linear.in_features == hidden_size]
        if up and down:
            return tuple(path for path, _ in members), down[-1]
    return (), None


def _linears(module: nn.Module) -> Iterator[tuple[str, nn.Linear]]:
    """Linear modules below `module` by path; 4-bit linears of bitsandbytes are subclasses of `nn.Linear`."""
    for path, child in module.named_modules():
        if isinstance(child, nn.Linear):
            yield path, child


def _image_tokens(kind: str, config: Any) -> frozenset[int]:
    for name in ("image_token_id", "image_token_index"):
        token = getattr(config, name, None)
        if isinstance(token, int):
            return frozenset({token})
    raise _unknown(kind, "the picture's placeholder token in the config (image_token_id or image_token_index)")


def _unknown(kind: str, missing: str) -> UserError:
    return UserError(
        f"{kind} is an architecture that unsee does not know: looked for {missing} and found none; "
        "CONTRIBUTING says how to add a family."
    )
