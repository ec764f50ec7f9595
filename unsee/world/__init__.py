"""The embedded world: fictional people, their pictures, what can be asked, and small models that know them."""

from __future__ import annotations

import difflib
from pathlib import Path

from unsee.errors import UserError
from unsee.world.people import KNOWN, Person, find, nobody, stranger, together

__all__ = ["CHECKPOINTS", "CREDIT", "KNOWN", "Person", "checkpoint_path", "find", "nobody", "stranger", "together"]

CHECKPOINTS = Path(__file__).parent / "checkpoints"
TRAINED = Path(__file__).parent / "trained"
"""What was trained of the models whose other parts are fetched on first use."""
CREDIT = "Pictures: remix of “Personas by Draftbit” by Draftbit (draftbit.com), licensed under CC BY 4.0."
"""What the licence of the drawings asks to be said wherever they are shown."""


def checkpoint_path(name: str) -> Path:
    """The folder of a checkpoint of the world; `name` is what follows "world:".

    One that is made of pretrained parts is put together on first use, in the user's cache.

    Raises:
        UserError: there is no such checkpoint (names those there are), or its extra is not installed.
        SystemFailure: its parts cannot be fetched, or the cache cannot be written.
    """
    whole, in_parts = ({path.name: path for path in _folders(place)} for place in (CHECKPOINTS, TRAINED))
    if name in whole:
        return whole[name]
    if name in in_parts:
        # Only here: it brings in transformers.
        from unsee.terminal import say
        from unsee.world.small import assembled

        return assembled(in_parts[name], lambda words: say(f"{words[0].upper()}{words[1:]} …"))
    known = sorted({**whole, **in_parts})
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean world:{close[0]}?" if close else f"there are: {', '.join(f'world:{n}' for n in known)}."
    raise UserError(f"The world has no checkpoint {name!r}; {hint}")


def _folders(place: Path) -> list[Path]:
    return sorted(path for path in place.iterdir() if path.is_dir()) if place.is_dir() else []
