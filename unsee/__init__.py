"""unsee: machine unlearning for vision-language models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unsee.models.loading import load as load

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # torch and transformers take seconds to import; `import unsee` and `unsee --help` do without them.
    if name == "load":
        from unsee.models.loading import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
