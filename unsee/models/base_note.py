"""Which base model an adapter or a delta belongs to, by the note in its folder. Needs no torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.errors import UserError
from unsee.store.text import read_text

BASE_FILE = "unsee_base.json"


@dataclass(frozen=True)
class Base:
    """The model that an adapter or a delta belongs to: what the user called it, and the commit of a hub model."""

    name: str
    revision: str | None = None


def base_of(folder: str | Path) -> Base | None:
    """The base model of the adapter or delta that `folder` holds, if unsee wrote it; None for everything else: a
    model of any kind, an adapter of another program, a folder that is not there.

    Raises UserError if the note is damaged.
    """
    place = Path(folder).expanduser()
    if not (place / BASE_FILE).is_file() or (place / "config.json").is_file():
        return None
    note = read_note(place)
    return Base(note["base"], note["revision"])


def read_note(folder: Path) -> dict[str, Any]:
    """The note in `folder`, which has one. Raises UserError if it is damaged."""
    path = folder / BASE_FILE
    try:
        note = json.loads(read_text(path))
        return {key: note[key] for key in ("base", "revision", "architecture", "embeddings", "linears")}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is damaged, so the adapter's base model cannot be checked; copy the adapter again."
        ) from error
