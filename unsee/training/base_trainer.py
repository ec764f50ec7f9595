"""The `Trainer` of transformers, imported without `datasets`, which takes 0.6 s and 80 MB.

Where `datasets` is installed, transformers.trainer imports it to ask of a data set whether it is one of its own. None
is, as long as no one has imported `datasets`. So transformers.trainer is given `_datasets_are_there` in place of
`is_datasets_available`, for good: a program that imports `datasets`, before or after, has all that transformers does
with them. If a later transformers asks in another way, it imports `datasets` again, and no more.
"""

from __future__ import annotations

import sys
from typing import Any, cast

from transformers import utils

_NAME = "transformers.trainer"


def _datasets_are_there() -> bool:
    """Whether somebody has imported `datasets`; transformers.trainer then knows it by that name."""
    datasets = sys.modules.get("datasets")
    if datasets is not None:
        cast(Any, sys.modules[_NAME]).datasets = datasets
    return datasets is not None


def _import() -> None:
    if _NAME in sys.modules:
        return
    module = cast(Any, utils)
    asked, module.is_datasets_available = module.is_datasets_available, _datasets_are_there
    try:
        import transformers.trainer  # noqa: F401
    finally:
        module.is_datasets_available = asked


_import()

from transformers.trainer import TRAINER_STATE_NAME, Trainer  # noqa: E402

__all__ = ["TRAINER_STATE_NAME", "Trainer"]
