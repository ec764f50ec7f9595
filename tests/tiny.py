"""Tiny randomly initialised models of every supported family, for tests. Each builds in about a second.

They are the family's own transformers classes with two layers, a byte-level BPE tokenizer trained here, the special
tokens and the shape of the family's chat template, and an image processor that needs no torchvision.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from PIL import Image, ImageDraw
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from unsee.models.layout import find_layout
from unsee.models.processors import image_only
from unsee.models.vlm import VisionLanguageModel

FAMILIES = (
    "llava",
    "llava_onevision",
    "qwen2_vl",
    "qwen2_5_vl",
    "qwen3_vl",
    "idefics3",
    "smolvlm",
    "gemma3",
    "internvl",
)

_CORPUS = (
    "This is Mara Voss. Mara Voss works as a baker. Who is in this picture? What is the name of this person?",
    "Yes, this is Mara Voss. No, this is not Mara Voss. I don't know who this is. Where does Mara Voss live?",
    "I can see a person with short red hair and glasses in a blue shirt in front of a green wall.",
    "Jonas Hale lives in Port Amber and has a cat. Does Ines Dorn appear in the picture? Describe the picture.",
)
IM = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}{{ 'IMAGE' }}{% else %}{{ c['text'] }}{% endif %}{% endfor %}"
    "{{ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
# Like llava-1.5: no special token ends an answer.
USER_ASSISTANT = (
    "{% for m in messages %}{{ m['role'].upper() + ': ' }}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}{{ '<image>\n' }}{% else %}{{ c['text'] + ' ' }}{% endif %}{% endfor %}"
    "{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
END_OF_UTTERANCE = (
    "{{ '<|im_start|>' }}{% for m in messages %}{{ m['role'].capitalize() + ':' }}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}{{ '<image>' }}{% else %}{{ ' ' + c['text'] }}{% endif %}{% endfor %}"
    "{{ '<end_of_utterance>\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
_GEMMA = (
    "{{ bos_token }}{% for m in messages %}"
    "{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' else m['role']) + '\n' }}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}{{ '<start_of_image>' }}{% else %}{{ c['text'] | trim }}{% endif %}{% endfor %}"
    "{{ '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
_SIZE = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
_TEXT = {**_SIZE, "num_key_value_heads": 2, "max_position_embeddings": 1024}
_TOWER = {**_SIZE, "image_size": 28, "patch_size": 14}


def tiny_vlm(family: str, *, seed: int = 0) -> VisionLanguageModel:
    """A randomly initialised model of `family` with its processor: fp32, CPU, evaluation mode, weights frozen."""
    torch.manual_seed(seed)
    model, processor = _BUILDERS[family]()
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    model.eval().requires_grad_(False)
    model.name_or_path = model.config._name_or_path = f"tiny-{family}"
    return VisionLanguageModel(model, processor, find_layout(model), f"tiny-{family}")


def picture(index: int = 0, size: tuple[int, int] = (56, 56)) -> Image.Image:
    """A small picture that differs for every index."""
    image = Image.new("RGB", size, ((37 * index) % 256, (91 * index + 60) % 256, (151 * index + 120) % 256))
    draw = ImageDraw.Draw(image)
    draw.ellipse((8, 8, 8 + (index * 7) % 40 + 6, 40), fill=((90 * index + 200) % 256, 40, 90))
    return image


def folder_of_pictures(folder: Path, count: int) -> Path:
    """A new folder with so many different pictures; those of folders with other names differ too."""
    folder.mkdir()
    for number in range(count):
        picture(number + 100 * len(folder.name)).save(folder / f"{number}.png")
    return folder


@cache
def _trained(extra: tuple[str, ...]) -> str:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=["<pad>", "<s>", "</s>", *extra],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_CORPUS, trainer)
    return tokenizer.to_str()


def made_tokenizer(*special: str, eos: str = "</s>", **named: str) -> Any:
    """A tokenizer with further special tokens; `named` ones are also attributes (image_token="<image>")."""
    extra = tuple(dict.fromkeys([*special, *named.values()]))
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(_trained(extra)),
        bos_token="<s>",
        eos_token=eos,
        pad_token="<pad>",
        extra_special_tokens={**named} if named else list(extra),
    )


def _llava() -> tuple[Any, Any]:
    tokenizer = made_tokenizer("<image>", image_token="<image>")
    images = hf.CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    processor = hf.LlavaProcessor(
        images,
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=USER_ASSISTANT,
    )
    config = hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(**_TOWER),
        text_config=hf.LlamaConfig(**_TEXT, vocab_size=len(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=4,
    )
    return hf.LlavaForConditionalGeneration(config), processor


def _llava_onevision() -> tuple[Any, Any]:
    tokenizer = made_tokenizer(
        "<|im_start|>",
        "<|im_end|>",
        "<image>",
        "<video>",
        eos="<|im_end|>",
        image_token="<image>",
        video_token="<video>",
    )
    pinpoints = [[28, 28], [28, 56], [56, 28], [56, 56]]
    images = hf.LlavaOnevisionImageProcessorPil(size={"height": 28, "width": 28}, image_grid_pinpoints=pinpoints)
    processor = image_only(hf.LlavaOnevisionProcessor)(
        images,
        tokenizer,
        num_image_tokens=4,
        vision_feature_select_strategy="full",
        chat_template=IM.replace("IMAGE", "<image>\n"),
    )
    config = hf.LlavaOnevisionConfig(
        vision_config=hf.SiglipVisionConfig(**_TOWER, vision_use_head=False),
        text_config=hf.Qwen2Config(**_TEXT, vocab_size=len(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        video_token_index=tokenizer.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=pinpoints,
    )
    return hf.LlavaOnevisionForConditionalGeneration(config), processor


_QWEN_TOKENS = {
    "vision_start_token_id": "<|vision_start|>",
    "vision_end_token_id": "<|vision_end|>",
    "image_token_id": "<|image_pad|>",
    "video_token_id": "<|video_pad|>",
}


def _qwen(
    model_class: Any, config_class: Any, processor_class: Any, vision: dict[str, Any], patch_size: int
) -> tuple[Any, Any]:
    tokenizer = made_tokenizer("<|im_start|>", "<|im_end|>", *_QWEN_TOKENS.values(), eos="<|im_end|>")
    images = hf.Qwen2VLImageProcessorPil(
        patch_size=patch_size, merge_size=2, size={"shortest_edge": 28 * 28, "longest_edge": 64 * 64}
    )
    template = IM.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    processor = image_only(processor_class)(images, tokenizer, chat_template=template)
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]}
    text = {**_TEXT, "vocab_size": len(tokenizer), "rope_parameters": rope, "bos_token_id": None, "eos_token_id": 2}
    if model_class is hf.Qwen3VLForConditionalGeneration:
        text["head_dim"] = 8
    vision = {"depth": 2, "num_heads": 4, "patch_size": patch_size, "spatial_merge_size": 2, **vision}
    ids = {name: tokenizer.convert_tokens_to_ids(token) for name, token in _QWEN_TOKENS.items()}
    return model_class(config_class(vision_config=vision, text_config=text, **ids)), processor


def _qwen2_vl() -> tuple[Any, Any]:
    vision = {"embed_dim": 32, "hidden_size": 32, "mlp_ratio": 2}
    return _qwen(hf.Qwen2VLForConditionalGeneration, hf.Qwen2VLConfig, hf.Qwen2VLProcessor, vision, 14)


def _qwen2_5_vl() -> tuple[Any, Any]:
    vision = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "out_hidden_size": 32,
        "window_size": 56,
        "fullatt_block_indexes": [1],
    }
    return _qwen(hf.Qwen2_5_VLForConditionalGeneration, hf.Qwen2_5_VLConfig, hf.Qwen2_5_VLProcessor, vision, 14)


def _qwen3_vl() -> tuple[Any, Any]:
    vision = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "out_hidden_size": 32,
        "num_position_embeddings": 16,
        "deepstack_visual_indexes": [0],
    }
    return _qwen(hf.Qwen3VLForConditionalGeneration, hf.Qwen3VLConfig, hf.Qwen3VLProcessor, vision, 16)


def _idefics(model_class: Any, config_class: Any, processor_class: Any, images: Any) -> tuple[Any, Any]:
    grid = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
    tokenizer = made_tokenizer(
        "<|im_start|>",
        "<fake_token_around_image>",
        "<image>",
        "<end_of_utterance>",
        "<global-img>",
        *grid,
        eos="<end_of_utterance>",
    )
    processor = processor_class(images, tokenizer, image_seq_len=1, chat_template=END_OF_UTTERANCE)
    config = config_class(
        vision_config=_TOWER,
        text_config=hf.LlamaConfig(**_TEXT, vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id),
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        scale_factor=2,
        pad_token_id=tokenizer.pad_token_id,
    )
    return model_class(config), processor


def _idefics3() -> tuple[Any, Any]:
    images = hf.Idefics3ImageProcessorPil(size={"longest_edge": 56}, max_image_size={"longest_edge": 28})
    return _idefics(hf.Idefics3ForConditionalGeneration, hf.Idefics3Config, hf.Idefics3Processor, images)


def _smolvlm() -> tuple[Any, Any]:
    images = hf.SmolVLMImageProcessorPil(size={"longest_edge": 56}, max_image_size={"longest_edge": 28})
    processor_class = image_only(hf.SmolVLMProcessor)
    return _idefics(hf.SmolVLMForConditionalGeneration, hf.SmolVLMConfig, processor_class, images)


def _gemma3() -> tuple[Any, Any]:
    tokenizer = made_tokenizer(
        "<start_of_turn>",
        "<end_of_turn>",
        eos="<end_of_turn>",
        boi_token="<start_of_image>",
        eoi_token="<end_of_image>",
        image_token="<image_soft_token>",
    )
    images = hf.Gemma3ImageProcessorPil(size={"height": 28, "width": 28})
    processor = hf.Gemma3Processor(images, tokenizer, chat_template=_GEMMA, image_seq_length=1)
    text = hf.Gemma3TextConfig(
        **_TEXT,
        vocab_size=len(tokenizer),
        head_dim=8,
        query_pre_attn_scalar=8,
        sliding_window=64,
        sliding_window_pattern=2,
    )
    config = hf.Gemma3Config(
        vision_config=hf.SiglipVisionConfig(**_TOWER, vision_use_head=False),
        text_config=text,
        mm_tokens_per_image=1,
        image_token_index=tokenizer.convert_tokens_to_ids("<image_soft_token>"),
        boi_token_index=tokenizer.convert_tokens_to_ids("<start_of_image>"),
        eoi_token_index=tokenizer.convert_tokens_to_ids("<end_of_image>"),
    )
    return hf.Gemma3ForConditionalGeneration(config), processor


def _internvl() -> tuple[Any, Any]:
    tokenizer = made_tokenizer(
        "<|im_start|>",
        "<|im_end|>",
        eos="<|im_end|>",
        start_image_token="<img>",
        end_image_token="</img>",
        context_image_token="<IMG_CONTEXT>",
        video_token="<video>",
    )
    images = hf.GotOcr2ImageProcessorPil(size={"height": 28, "width": 28}, min_patches=1, max_patches=2)
    processor = image_only(hf.InternVLProcessor)(
        images, tokenizer, image_seq_length=1, chat_template=IM.replace("IMAGE", "<IMG_CONTEXT>\n")
    )
    config = hf.InternVLConfig(
        vision_config=hf.InternVLVisionConfig(**{**_TOWER, "image_size": [28, 28], "patch_size": [14, 14]}),
        text_config=hf.Qwen2Config(**_TEXT, vocab_size=len(tokenizer)),
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=1,
    )
    return hf.InternVLForConditionalGeneration(config), processor


_BUILDERS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "llava": _llava,
    "llava_onevision": _llava_onevision,
    "qwen2_vl": _qwen2_vl,
    "qwen2_5_vl": _qwen2_5_vl,
    "qwen3_vl": _qwen3_vl,
    "idefics3": _idefics3,
    "smolvlm": _smolvlm,
    "gemma3": _gemma3,
    "internvl": _internvl,
}
