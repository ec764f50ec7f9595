"""Look-alike, a method of our own."""

from unsee.methods.lookalike.config import LookAlikeConfig
from unsee.methods.lookalike.method import LookAlike, LookAlikeLoss

__all__ = ["LookAlike", "LookAlikeConfig", "LookAlikeLoss"]
