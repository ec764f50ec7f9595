"""Asking an engine and scoring its answers, in the same way for every command."""

from unsee.evaluation.evaluation import Evaluation, Measured
from unsee.evaluation.saved import Saved

__all__ = ["Evaluation", "Measured", "Saved"]
