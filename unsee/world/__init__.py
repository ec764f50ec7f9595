"""The embedded world: fictional people, their pictures, what can be asked, and what is true of them."""

from __future__ import annotations

from unsee.world.people import KNOWN, Person, find, nobody, stranger, together

__all__ = ["CREDIT", "KNOWN", "Person", "find", "nobody", "stranger", "together"]

CREDIT = "Pictures: remix of “Personas by Draftbit” by Draftbit (draftbit.com), licensed under CC BY 4.0."
"""What the licence of the drawings asks to be said wherever they are shown."""
