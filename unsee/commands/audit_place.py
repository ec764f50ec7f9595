"""Which audit, and where it is written, so that a weaker one does not hide what a stronger one found."""

from __future__ import annotations

from pathlib import Path

from unsee.attacks import LEVELS
from unsee.errors import UserError, did_you_mean
from unsee.store.text import read_json

FOLDER = "audit"
NO_AUDIT = "none"
"""What users write instead of a level."""


def check_level(level: str) -> None:
    """Raises UserError for an unknown level of an audit."""
    if level not in (NO_AUDIT, *LEVELS):
        raise UserError(f"There is no level of an audit {level!r}{did_you_mean(level, (NO_AUDIT, *LEVELS))}")


def place_for(folder: Path, level: str, *, chosen: bool) -> Path:
    """`folder`, or `FOLDER-LEVEL` if an audit of a higher level is in `folder`.

    Raises UserError if the user has `chosen` the folder.
    """
    there = (read_json(folder / "audit.json") or {}).get("level")
    if there not in LEVELS or level not in LEVELS or LEVELS.index(there) <= LEVELS.index(level):
        return folder
    if chosen:
        raise UserError(
            f"{folder} holds an audit of the level {there}, whose findings one of the level {level} would hide; give "
            "another --out."
        )
    return folder.with_name(f"{folder.name}-{level}")
