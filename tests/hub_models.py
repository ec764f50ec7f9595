"""The hub models that have a recipe, as folders on disk: their exact configuration, a processor of their classes with a
small tokenizer trained here, and, cut to a few layers, random weights in sharded safetensors."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from transformers import AutoConfig, AutoModelForImageTextToText

from tests.tiny import END_OF_UTTERANCE, IM, USER_ASSISTANT, made_tokenizer
from unsee.models.processors import image_only

DATA = Path(__file__).parent / "data" / "hub"
HUB_MODELS = ("smolvlm-256m", "qwen3-vl-4b", "llava-1.5-7b")
_TILES = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
_QWEN = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")


def facts(name: str) -> dict[str, Any]:
    """What is known of the model: "model", "source", "parameters", "config", "image_processor", "processor"."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def write_outline(name: str, folder: Path) -> Path:
    """Config and processor, no weights. The token ids of pictures are those of the small tokenizer."""
    known = facts(name)
    processor = _processor(name, known)
    config = copy.deepcopy(known["config"])
    for key, token in _placeholders(name).items():
        config[key] = processor.tokenizer.convert_tokens_to_ids(token)
    config["pad_token_id"] = processor.tokenizer.pad_token_id
    folder.mkdir(parents=True)
    processor.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def write_cut(name: str, folder: Path, *, layers: int = 2) -> Path:
    """The same with `layers` layers of decoder and tower, the vocabulary of the small tokenizer, and random weights.

    Widths, heads and the picture's size stay. The weights are in shards, with their index.
    """
    write_outline(name, folder)
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    vision, text = config["vision_config"], config["text_config"]
    text["num_hidden_layers"] = layers
    text["vocab_size"] = len(hf.AutoTokenizer.from_pretrained(folder))
    vision["depth" if "depth" in vision else "num_hidden_layers"] = layers
    if "deepstack_visual_indexes" in vision:
        vision["deepstack_visual_indexes"] = [0]
    path.write_text(json.dumps(config), encoding="utf-8")
    torch.manual_seed(0)
    whole: Any = AutoModelForImageTextToText
    model = whole.from_config(AutoConfig.from_pretrained(folder), dtype=torch.bfloat16)
    model.generation_config.eos_token_id = hf.AutoTokenizer.from_pretrained(folder).eos_token_id
    model.save_pretrained(folder, max_shard_size="20MB")
    return folder


def _placeholders(name: str) -> dict[str, str]:
    if name == "qwen3-vl-4b":
        keys = ("vision_start_token_id", "vision_end_token_id", "image_token_id", "video_token_id")
        return dict(zip(keys, _QWEN, strict=True))
    return {"image_token_index" if name == "llava-1.5-7b" else "image_token_id": "<image>"}


def _processor(name: str, known: dict[str, Any]) -> Any:
    pictures, further = known["image_processor"], known["processor"]
    if name == "llava-1.5-7b":
        tokenizer = made_tokenizer("<image>", image_token="<image>")
        images = hf.CLIPImageProcessorPil(**pictures)
        return hf.LlavaProcessor(images, tokenizer, chat_template=USER_ASSISTANT, **further)
    if name == "qwen3-vl-4b":
        tokenizer = made_tokenizer("<|im_start|>", "<|im_end|>", *_QWEN, eos="<|im_end|>")
        template = IM.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
        return image_only(hf.Qwen3VLProcessor)(
            hf.Qwen2VLImageProcessorPil(**pictures), tokenizer, chat_template=template, **further
        )
    special = ("<|im_start|>", "<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>")
    tokenizer = made_tokenizer(*special, *_TILES, eos="<end_of_utterance>")
    images = hf.Idefics3ImageProcessorPil(**pictures)
    return hf.Idefics3Processor(images, tokenizer, chat_template=END_OF_UTTERANCE, **further)
