"""ASRU, in two stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unsee.lazy import exports

if TYPE_CHECKING:
    from unsee.methods.asru.config import ASRUConfig
    from unsee.methods.asru.method import ASRU

__all__ = ["ASRU", "ASRUConfig"]

__getattr__ = exports(__name__, {"ASRU": "unsee.methods.asru.method", "ASRUConfig": "unsee.methods.asru.config"})
