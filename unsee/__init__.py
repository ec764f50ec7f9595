"""unsee: machine unlearning for vision-language models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unsee.lazy import exports

if TYPE_CHECKING:
    from unsee.models.loading import load
    from unsee.pipeline.forgetting import ForgetOptions, forget
    from unsee.requests import ForgetRequest

__version__ = "0.1.0"
__all__ = ["ForgetOptions", "ForgetRequest", "forget", "load"]

__getattr__ = exports(
    __name__,
    {
        "ForgetOptions": "unsee.pipeline.forgetting",
        "ForgetRequest": "unsee.requests",
        "forget": "unsee.pipeline.forgetting",
        "load": "unsee.models.loading",
    },
)
