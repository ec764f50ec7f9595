"""Training: settings, losses' view of a batch, the trainer, and `unlearn`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unsee.lazy import exports

if TYPE_CHECKING:
    from unsee.training.config import TrainingConfig, parse_overrides
    from unsee.training.data_folder import read_training_data, write_training_data
    from unsee.training.manifest import Unlearned
    from unsee.training.unlearning import unlearn

__all__ = ["TrainingConfig", "Unlearned", "parse_overrides", "read_training_data", "unlearn", "write_training_data"]

# The settings are checked before torch is imported.
__getattr__ = exports(
    __name__,
    {
        "TrainingConfig": "unsee.training.config",
        "Unlearned": "unsee.training.manifest",
        "parse_overrides": "unsee.training.config",
        "read_training_data": "unsee.training.data_folder",
        "unlearn": "unsee.training.unlearning",
        "write_training_data": "unsee.training.data_folder",
    },
)
