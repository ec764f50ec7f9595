"""Processors that work without torchvision and without video libraries.

unsee shows only pictures to a model. The stock processors of Qwen-VL, LLaVA-OneVision, InternVL and SmolVLM also need a
video processor, which needs torchvision (and, for SmolVLM, num2words). Here the same classes are loaded without it.
What they save still names the stock class and carries the video settings, so that plain `AutoProcessor` loads it
wherever torchvision is installed.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from transformers import AutoProcessor, PreTrainedConfig, ProcessorMixin, SmolVLMProcessor
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

from unsee.errors import UserError
from unsee.store.text import read_text

# The video processor that each stock class expects to find in its saved settings. (transformers empties its own
# table of these where torchvision is missing.)
VIDEO_PROCESSORS = {
    "Qwen2VLProcessor": "Qwen2VLVideoProcessor",
    "Qwen2_5_VLProcessor": "Qwen2VLVideoProcessor",
    "Qwen3VLProcessor": "Qwen3VLVideoProcessor",
    "LlavaOnevisionProcessor": "LlavaOnevisionVideoProcessor",
    "InternVLProcessor": "InternVLVideoProcessor",
    "SmolVLMProcessor": "SmolVLMVideoProcessor",
}


def load_processor(folder: Path, config: PreTrainedConfig, *, trust_remote_code: bool = False) -> ProcessorMixin:
    """The processor saved in `folder`, its class found from the files there and the model's `config`.

    Raises `UserError` when the folder has no usable processor.
    """
    stock: Any = PROCESSOR_MAPPING.get(type(config), None)
    try:
        if stock is not None and "video_processor" in stock.get_attributes():
            processor = image_only(stock).from_pretrained(folder)
            processor.video_settings = _video_settings(folder) or processor.video_settings
        else:
            processor = AutoProcessor.from_pretrained(folder, trust_remote_code=trust_remote_code)
    except (OSError, ValueError, KeyError, ImportError, AttributeError, TypeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise UserError(
            f"The processor in {folder} cannot be loaded ({reason}); the folder needs the tokenizer and the image "
            "processor that belong to the model."
        ) from error
    if getattr(processor, "tokenizer", None) is None or getattr(processor, "image_processor", None) is None:
        raise UserError(
            f"{folder} holds no processor with a tokenizer and an image processor, found a {type(processor).__name__}; "
            "add the files preprocessor_config.json and tokenizer.json of the model."
        )
    _check_area(processor.image_processor, folder)
    return processor


def _check_area(images: Any, folder: Path) -> None:
    """Raise `UserError` when the image processor of a Qwen-VL model shrinks every picture to fewer than four tokens.

    Its `size["longest_edge"]` is an area. Where somebody wrote an edge, the model sees next to nothing and "does not
    know" anybody (findings/qwen_longest_edge_is_an_area.sh).
    """
    merge, patch = getattr(images, "merge_size", None), getattr(images, "patch_size", None)
    area = (getattr(images, "size", None) or {}).get("longest_edge")
    if isinstance(merge, int) and isinstance(patch, int) and area and area < 4 * (merge * patch) ** 2:
        raise UserError(
            f"The image processor in {folder} shrinks every picture to {area} pixels in all, less than four tokens: "
            f'its size "longest_edge" is the area of a picture, not an edge; for {area} pixels a side write {area**2}.'
        )


@cache
def image_only(stock: type[ProcessorMixin]) -> type[Any]:
    """A subclass of a stock processor class that has an image processor and a tokenizer, and no video processor.

    It keeps the stock class's name, because that is the name written into what it saves.
    """

    def get_attributes(cls: type[ProcessorMixin]) -> list[str]:
        return ["image_processor", "tokenizer"]

    def to_dict(self: Any) -> dict[str, Any]:
        settings = stock.to_dict(self)
        if self.video_settings:
            settings["video_processor"] = dict(self.video_settings)
        return settings

    known = VIDEO_PROCESSORS.get(stock.__name__)
    body: dict[str, Any] = {
        "__doc__": f"{stock.__name__} for pictures only.",
        "__module__": __name__,
        "get_attributes": classmethod(get_attributes),
        "to_dict": to_dict,
        "video_settings": {"video_processor_type": known} if known else None,
    }
    if issubclass(stock, SmolVLMProcessor):
        body["__init__"] = _init_smolvlm
        # The stock method reads frame rates from the video processor.
        body["apply_chat_template"] = ProcessorMixin.apply_chat_template
    return type(stock.__name__, (stock,), body)


def _init_smolvlm(
    self: Any, image_processor: Any, tokenizer: Any, image_seq_len: int = 169, chat_template: Any = None, **_: Any
) -> None:
    """What `SmolVLMProcessor.__init__` does for pictures; the original refuses to start without num2words."""
    self.fake_image_token = getattr(tokenizer, "fake_image_token", "<fake_token_around_image>")
    self.image_token = getattr(tokenizer, "image_token", "<image>")
    self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
    self.end_of_utterance_token = getattr(tokenizer, "end_of_utterance_token", "<end_of_utterance>")
    self.global_image_token = getattr(tokenizer, "global_image_token", "<global-img>")
    self.video_token = getattr(tokenizer, "video_token", "<video>")
    self.image_seq_len = image_seq_len
    ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)


def _video_settings(folder: Path) -> dict[str, Any] | None:
    """The settings of the video processor that is left out, as the folder has them."""
    nested = _read_json(folder / "processor_config.json").get("video_processor")
    return nested or _read_json(folder / "video_preprocessor_config.json") or None


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content = json.loads(read_text(path))
    return content if isinstance(content, dict) else {}
