"""The embedded world: fictional people, their pictures, what can be asked, and small models that know them."""

from __future__ import annotations

import difflib
from pathlib import Path

from unsee.errors import UserError
from unsee.world.people import KNOWN, Person, find, nobody, stranger, together

__all__ = ["CHECKPOINTS", "CREDIT", "KNOWN", "Person", "checkpoint_path", "find", "nobody", "stranger", "together"]

CHECKPOINTS = Path(__file__).parent / "checkpoints"
CREDIT = "Pictures: remix of “Personas by Draftbit” by Draftbit (draftbit.com), licensed under CC BY 4.0."
"""What the licence of the drawings asks to be said wherever they are shown."""


def checkpoint_path(name: str) -> Path:
    """The folder of a shipped checkpoint; `name` is what follows "world:".

    Raises:
        UserError: there is no such checkpoint; names those there are.
    """
    shipped = sorted(folder.name for folder in CHECKPOINTS.iterdir() if folder.is_dir()) if CHECKPOINTS.is_dir() else []
    if name in shipped:
        return CHECKPOINTS / name
    close = difflib.get_close_matches(name, shipped, n=1)
    hint = f"did you mean world:{close[0]}?" if close else f"there are: {', '.join(f'world:{n}' for n in shipped)}."
    raise UserError(f"The world has no checkpoint {name!r}; {hint}")
