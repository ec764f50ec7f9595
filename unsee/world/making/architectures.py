"""The two small families of the world: transformers' own classes, sized for two CPU cores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
import transformers as hf
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from unsee.models.layout import find_layout
from unsee.models.processors import image_only
from unsee.models.vlm import VisionLanguageModel
from unsee.world.looks import SIZE

FAMILIES = {
    "tiny-qwen3vl": "Qwen3VLForConditionalGeneration",
    "tiny-llava": "LlavaForConditionalGeneration",
    "tiny-things": "Qwen3VLForConditionalGeneration",
}
VOCABULARY = 2048

_HIDDEN, _LAYERS, _HEADS, _MLP = 192, 6, 6, 512
_VISION_LAYERS, _VISION_MLP = 4, 768
_QWEN_PATCH, _LLAVA_PATCH = 12, 16
_MEAN = _STD = [0.5, 0.5, 0.5]
_SPECIAL = ("<|pad|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>",
            "<|video_pad|>")  # fmt: skip
# ChatML, as Qwen uses it; the LLaVA model speaks it too, so that both families answer the same prompts.
_CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<|vision_start|><|image_pad|><|vision_end|>' }}"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}{{ '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def train_tokenizer(texts: Iterable[str]) -> hf.PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of `VOCABULARY` tokens; digits stand alone, so that years are spelled."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\d"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|pad|>",
        eos_token="<|im_end|>",
        extra_special_tokens=list(_SPECIAL[1:]),
        model_max_length=2048,
    )


def build(name: str, tokenizer: Any, seed: int = 0) -> VisionLanguageModel:
    """An untrained model of a family of `FAMILIES` with its processor: fp32, on the CPU."""
    torch.manual_seed(seed)
    make = {"Qwen3VLForConditionalGeneration": _qwen3_vl, "LlavaForConditionalGeneration": _llava}[FAMILIES[name]]
    model, processor = make(tokenizer)
    model.generation_config = hf.GenerationConfig(
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, do_sample=False
    )
    return VisionLanguageModel(model, processor, find_layout(model), f"world:{name}")


def _token(tokenizer: Any, text: str) -> int:
    return int(tokenizer.convert_tokens_to_ids(text))


def _qwen3_vl(tokenizer: Any) -> tuple[Any, Any]:
    side = SIZE * SIZE
    images = hf.Qwen2VLImageProcessorPil(
        patch_size=_QWEN_PATCH,
        merge_size=2,
        size={"shortest_edge": side, "longest_edge": side},
        image_mean=_MEAN,
        image_std=_STD,
    )
    processor = image_only(hf.Qwen3VLProcessor)(images, tokenizer, chat_template=_CHAT_TEMPLATE)
    config = hf.Qwen3VLConfig(
        vision_config={
            "depth": _VISION_LAYERS,
            "hidden_size": _HIDDEN,
            "intermediate_size": _VISION_MLP,
            "num_heads": _HEADS,
            "patch_size": _QWEN_PATCH,
            "spatial_merge_size": 2,
            "out_hidden_size": _HIDDEN,
            "num_position_embeddings": (SIZE // _QWEN_PATCH) ** 2,
            "deepstack_visual_indexes": [1],
        },
        text_config={
            "vocab_size": VOCABULARY,
            "hidden_size": _HIDDEN,
            "intermediate_size": _MLP,
            "num_hidden_layers": _LAYERS,
            "num_attention_heads": _HEADS,
            "num_key_value_heads": _HEADS,
            "head_dim": _HIDDEN // _HEADS,
            "max_position_embeddings": 2048,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10000.0,
                "mrope_section": [6, 5, 5],
                "mrope_interleaved": True,
            },
            "tie_word_embeddings": True,
            "pad_token_id": tokenizer.pad_token_id,
            "eos_token_id": tokenizer.eos_token_id,
        },
        image_token_id=_token(tokenizer, "<|image_pad|>"),
        video_token_id=_token(tokenizer, "<|video_pad|>"),
        vision_start_token_id=_token(tokenizer, "<|vision_start|>"),
        vision_end_token_id=_token(tokenizer, "<|vision_end|>"),
        tie_word_embeddings=True,
    )
    return hf.Qwen3VLForConditionalGeneration(config), processor


def _llava(tokenizer: Any) -> tuple[Any, Any]:
    square = {"height": SIZE, "width": SIZE}
    images = hf.CLIPImageProcessorPil(size=square, do_center_crop=False, image_mean=_MEAN, image_std=_STD)
    processor = hf.LlavaProcessor(
        images,
        tokenizer,
        patch_size=_LLAVA_PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token="<|image_pad|>",
        chat_template=_CHAT_TEMPLATE,
    )
    config = hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(
            hidden_size=_HIDDEN,
            intermediate_size=_VISION_MLP,
            num_hidden_layers=_VISION_LAYERS,
            num_attention_heads=_HEADS,
            image_size=SIZE,
            patch_size=_LLAVA_PATCH,
            projection_dim=_HIDDEN,
        ),
        text_config=hf.LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=_HIDDEN,
            intermediate_size=_MLP,
            num_hidden_layers=_LAYERS,
            num_attention_heads=_HEADS,
            num_key_value_heads=_HEADS,
            max_position_embeddings=2048,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            tie_word_embeddings=True,
        ),
        image_token_index=_token(tokenizer, "<|image_pad|>"),
        image_seq_length=(SIZE // _LLAVA_PATCH) ** 2,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=True,
    )
    return hf.LlavaForConditionalGeneration(config), processor
