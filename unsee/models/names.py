"""What a user may call a device or a type of weights; checked before torch, which knows them all, is imported."""

from __future__ import annotations

from difflib import get_close_matches

from unsee.errors import UserError, did_you_mean

DTYPES = {
    "float32": "float32",
    "bfloat16": "bfloat16",
    "float16": "float16",
    "fp32": "float32",
    "bf16": "bfloat16",
    "fp16": "float16",
}
"""Torch's name for each name of a type of weights."""
_DEVICES = ("auto", "cpu", "cuda", "mps", "xpu", "hpu", "npu", "mtia", "maia", "xla", "vulkan", "privateuseone")


def check_device(device: str) -> None:
    """Raises UserError for what is no name of a device. Whether it is there, `unsee.models.loading` finds out."""
    kind, colon, number = device.partition(":")
    if kind not in _DEVICES:
        close = get_close_matches(kind, _DEVICES, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "use --device cpu."
        raise UserError(f"The device {device} cannot be used here: there is no device {kind!r}; {hint}")
    if colon and not number.isdecimal():
        raise UserError(f"The device {device} cannot be used here: {number!r} is no number; use one such as {kind}:0.")


def check_dtype(dtype: str) -> None:
    """Raises UserError for what is no name of a type of weights."""
    if dtype not in DTYPES:
        raise UserError(f"There is no dtype {dtype!r}{did_you_mean(dtype, DTYPES)}")
