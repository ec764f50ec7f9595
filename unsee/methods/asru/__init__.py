"""ASRU, in two stages."""

from unsee.methods.asru.config import ASRUConfig
from unsee.methods.asru.method import ASRU

__all__ = ["ASRU", "ASRUConfig"]
