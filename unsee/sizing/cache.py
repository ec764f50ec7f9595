"""Keys and values that are held while a model generates."""

from __future__ import annotations

from collections.abc import Sequence

from unsee.models.collation import EncodedSample
from unsee.models.vlm import VisionLanguageModel


def keys_and_values(vlm: VisionLanguageModel) -> int:
    """Bytes of the keys and values of one position, over all layers."""
    text = vlm.base.config.get_text_config()
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return 2 * text.num_hidden_layers * heads * width * vlm.dtype.itemsize


def longest_prompt(rows: Sequence[EncodedSample]) -> int:
    """Tokens of the longest prompt of these samples."""
    return max(len(row.input_ids) - sum(label >= 0 for label in row.labels) for row in rows)
