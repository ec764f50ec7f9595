"""The two ways a command can fail: through the user's input, or through the machine."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something in the user's input is wrong. The text is one sentence: what, where, what to do.

    The command line prints it without a traceback and exits with status 2.
    """


class SystemFailure(Exception):
    """The machine got in the way (no disk left, no network). Exit status 1."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of an error message: the nearest known word, or the list of all."""
    words = list(known)
    nearest = difflib.get_close_matches(word, words, n=1)
    return f"; did you mean {nearest[0]!r}?" if nearest else f"; known are {', '.join(words)}."
