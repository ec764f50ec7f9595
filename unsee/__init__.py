"""unsee: machine unlearning for vision-language models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unsee.lazy import exports
from unsee.version import __version__

if TYPE_CHECKING:
    from unsee.commands.forget import ForgetOptions, forget
    from unsee.models.loading import load
    from unsee.requests import ForgetRequest

__all__ = ["ForgetOptions", "ForgetRequest", "__version__", "forget", "load"]

__getattr__ = exports(
    __name__,
    {
        "ForgetOptions": "unsee.commands.forget",
        "ForgetRequest": "unsee.requests",
        "forget": "unsee.commands.forget",
        "load": "unsee.models.loading",
    },
)
