"""Weights rounded to few bits: int8 by torchao, NF4 in 4 bits by bitsandbytes (QLoRA, arXiv 2305.14314).

Both through transformers' own configurations, which are saved with the checkpoint, so that plain transformers reads it
again exactly. Only the linear modules of the language model are rounded: the vision tower is small, and what it sees
must not blur. An adapter is merged before, because a change smaller than a step of the grid is lost in rounded weights.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from unsee.errors import UserError, did_you_mean

if TYPE_CHECKING:
    # `check_quantiser` does without.
    import torch
    from transformers import PreTrainedModel

    from unsee.models.layout import Layout

INT8, NF4 = "int8", "nf4"
LIBRARIES = {INT8: "torchao", NF4: "bitsandbytes"}
"""What each way of rounding needs."""
EXTRAS = {INT8: "int8", NF4: "quantize"}


def check_quantiser(how: str) -> None:
    """Raise UserError for an unknown way of rounding, or one whose library is not installed."""
    if how not in LIBRARIES:
        raise UserError(f"Weights cannot be rounded to {how!r}{did_you_mean(how, LIBRARIES)}")
    if importlib.util.find_spec(LIBRARIES[how]) is None:
        bits = "4 bits" if how == NF4 else how
        raise UserError(
            f"Loading in {bits} needs {LIBRARIES[how]}, which is not installed: pip install 'unsee[{EXTRAS[how]}]', "
            "or keep the weights in full precision."
        )


def quantiser(how: str, dtype: torch.dtype, layout: Layout) -> Any:
    """The `quantization_config` for `from_pretrained`, of a way that `check_quantiser` passes; `dtype` is that of the
    activations."""
    from transformers import BitsAndBytesConfig, TorchAoConfig

    kept = [layout.vision_tower, layout.projector, "lm_head"]
    if how == NF4:
        return BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
            llm_int8_skip_modules=kept,
        )
    ao: Any = importlib.import_module("torchao.quantization")
    return TorchAoConfig(ao.Int8WeightOnlyConfig(), modules_to_not_convert=kept)


def is_rounded(model: PreTrainedModel) -> bool:
    """Whether some weights are stored in few bits, by whatever quantiser of transformers."""
    return getattr(model, "hf_quantizer", None) is not None


def plain_values(weight: torch.Tensor) -> torch.Tensor:
    """The numbers that a weight of torchao's own tensor types stands for; any other weight itself, so that those of
    bitsandbytes stay whole numbers."""
    if type(weight).__module__.startswith("torchao"):
        import torch

        with torch.no_grad():
            return weight.dequantize()
    return weight.detach()
