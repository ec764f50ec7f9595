"""The checkpoints of the embedded world that come with the package: `world:NAME` as a folder."""

from __future__ import annotations

import difflib
from pathlib import Path

from unsee.errors import UserError
from unsee.terminal import say

WORLD_PREFIX = "world:"
_WORLD = Path(__file__).parents[1] / "world"
CHECKPOINTS = _WORLD / "checkpoints"
TRAINED = _WORLD / "trained"
"""What was trained of the models whose other parts are fetched on first use."""


def checkpoint_path(name: str) -> Path:
    """The folder of a checkpoint of the world; `name` is what follows "world:".

    One that is made of pretrained parts is put together on first use, in the user's cache.

    Raises:
        UserError: there is no such checkpoint (names those there are), or its extra is not installed.
        SystemFailure: its parts cannot be fetched, or the cache cannot be written.
    """
    check_checkpoint(name)
    if (CHECKPOINTS / name).is_dir():
        return CHECKPOINTS / name
    # Only here: it brings in transformers.
    from unsee.models.assembled import assembled

    return assembled(TRAINED / name, lambda words: say(f"{words[0].upper()}{words[1:]} …"))


def check_checkpoint(name: str) -> None:
    """Raises UserError if the world has no checkpoint of that name; names those there are. Makes and reads none."""
    known = sorted(path.name for place in (CHECKPOINTS, TRAINED) for path in _folders(place))
    if name in known:
        return
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean world:{close[0]}?" if close else f"choose from {', '.join(f'world:{n}' for n in known)}."
    raise UserError(f"The world has no checkpoint {name!r}; {hint}")


def _folders(place: Path) -> list[Path]:
    return sorted(path for path in place.iterdir() if path.is_dir()) if place.is_dir() else []
