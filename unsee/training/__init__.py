"""Training: settings, losses' view of a batch, the trainer, and `unlearn`."""

from unsee.training.config import TrainingConfig, parse_overrides
from unsee.training.data_folder import read_training_data, write_training_data
from unsee.training.manifest import Unlearned
from unsee.training.unlearning import unlearn

__all__ = ["TrainingConfig", "Unlearned", "parse_overrides", "read_training_data", "unlearn", "write_training_data"]
