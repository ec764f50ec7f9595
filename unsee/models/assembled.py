"""`small-llava`: a LLaVA made of a pretrained language model, a pretrained vision tower and what the world taught it.

The package ships what was trained, an adapter and a projector. On first use they are put together with the pretrained
parts, and the result, an ordinary checkpoint, is kept in the user's cache.
"""

from __future__ import annotations

import gc
import hashlib
from pathlib import Path
from typing import Any, cast

import torch
import transformers as hf
from safetensors.torch import load_file

from unsee.errors import SystemFailure
from unsee.models.adapters import load_adapter, merge
from unsee.models.layout import find_layout
from unsee.models.pretrained import (
    LANGUAGE_MODEL,
    VISION_TOWER,
    Progress,
    cache_folder,
    fetch,
    locked,
    read_language_model,
    read_vision_tower,
    unwritable,
)
from unsee.models.saving import write_checkpoint
from unsee.models.vlm import VisionLanguageModel
from unsee.store.new_folder import unlocked_new_folder

NAME = "small-llava"
PICTURE = 98
"""Side of a picture in pixels: seven patches of the tower."""
LEVELS = [4, 8, 12]
"""Layers of the tower that the projector reads, from what is where to what it is."""
IMAGE = "<image>"

_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<image>\\n' }}{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}"
    "{{ '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
_ASSEMBLY = 1
"""To be raised when `joined` or `finish` make something else of the same parts, so that no cache serves the old."""
ADAPTER, PROJECTOR = "adapter", "projector.safetensors"


def pretrained(progress: Progress, seed: int = 0) -> VisionLanguageModel:
    """The two parts with an untrained projector between them: float32, on the CPU. Raises as `fetch` does."""
    tower = read_vision_tower(fetch(VISION_TOWER, progress))
    language_model, tokenizer = read_language_model(fetch(LANGUAGE_MODEL, progress))
    return joined(language_model, tokenizer, tower, seed)


def joined(
    language_model: hf.LlamaForCausalLM, tokenizer: Any, tower: hf.Dinov2Model, seed: int = 0
) -> VisionLanguageModel:
    """A LLaVA of a language model that speaks ChatML and a DINOv2 tower; the projector's weights depend on `seed`."""
    tokenizer.add_special_tokens({"additional_special_tokens": [IMAGE]}, replace_extra_special_tokens=False)
    # SmolLM2 pads with the token that ends a turn, which then could not be told from an end.
    tokenizer.pad_token = tokenizer.unk_token or tokenizer.pad_token
    image_id = tokenizer.convert_tokens_to_ids(IMAGE)
    language_model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    patch = cast(int, tower.config.patch_size)
    side = PICTURE // patch
    config = hf.LlavaConfig(
        vision_config=tower.config,
        text_config=language_model.config,
        image_token_index=image_id,
        image_seq_length=side * side,
        vision_feature_layer=LEVELS,
        vision_feature_select_strategy="default",
        tie_word_embeddings=True,
    )
    torch.manual_seed(seed)
    model = hf.LlavaForConditionalGeneration(config)
    model.model.vision_tower.load_state_dict(tower.state_dict())
    model.model.language_model.load_state_dict(language_model.model.state_dict())
    model.tie_weights()
    model.generation_config = hf.GenerationConfig(
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, do_sample=False
    )
    images = hf.CLIPImageProcessorPil(
        size={"height": PICTURE, "width": PICTURE},
        do_center_crop=False,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    )
    processor = hf.LlavaProcessor(
        images,
        tokenizer,
        patch_size=patch,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token=IMAGE,
        chat_template=_TEMPLATE,
    )
    return VisionLanguageModel(model.eval(), processor, find_layout(model), f"world:{NAME}")


def assembled(trained: Path, progress: Progress) -> Path:
    """The folder of the whole checkpoint, put together now unless it is in the cache.

    trained: folder with the adapter and the projector. Raises as `fetch` does, and `SystemFailure` if the cache
    cannot be written.
    """
    folder = cache_folder() / f"{NAME}-{_digest(trained)[:16]}"
    if folder.is_dir():
        return folder
    try:
        lock = locked(folder).acquire()
    except OSError as error:
        raise SystemFailure(unwritable(folder.parent, error)) from error
    with lock:
        if not folder.is_dir():
            vlm = pretrained(progress)
            progress("putting the parts together")
            finish(vlm, trained)
            with unlocked_new_folder(folder) as work:
                write_checkpoint(vlm, work)
            # Modules refer to each other; without a collection they would stay in memory with the model that is to run.
            del vlm
            gc.collect()
    return folder


def finish(vlm: VisionLanguageModel, trained: Path) -> None:
    """Give the pretrained parts what was trained, and bfloat16, in which that was saved."""
    projector = vlm.base.get_submodule(vlm.layout.projector)
    projector.load_state_dict(load_file(trained / PROJECTOR))
    load_adapter(vlm, trained / ADAPTER)
    merge(vlm)
    vlm.base.to(dtype=torch.bfloat16)  # type: ignore[call-arg]


def _digest(trained: Path) -> str:
    """Of all that the checkpoint is made of."""
    made_of = hashlib.sha256(f"{LANGUAGE_MODEL.sha256} {VISION_TOWER.sha256} {_ASSEMBLY}".encode())
    for path in sorted([*trained.rglob("*.safetensors"), *trained.rglob("adapter_config.json")]):
        made_of.update(path.read_bytes())
    return made_of.hexdigest()
