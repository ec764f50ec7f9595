"""`Feature`: something visible in a picture, and what a wrong answer might say about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Feature:
    """One visible feature of a picture, as plain words.

    `right` are words that say what is there, `wrong` words that say what is not ("red" against "black", "blue").
    `nouns` are what such a word must stand next to ("hair"), because a colour alone says nothing; without nouns the
    word itself is the claim ("glasses", "happy").
    """

    name: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    nouns: tuple[str, ...] = ()
