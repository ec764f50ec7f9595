"""The command line of the processes that help with a run."""

from __future__ import annotations

import sys

from unsee.store.crew import place_of_process


def command_of_helper() -> list[str]:
    """The arguments with which a helper does what this process does: the same, without `--workers`."""
    given, kept = iter(sys.argv[1:]), list[str]()
    for argument in given:
        if argument == "--workers":
            next(given, None)
        elif not argument.startswith("--workers="):
            kept.append(argument)
    return kept


def is_helper() -> bool:
    """Whether another process does what only the first may."""
    return place_of_process()[0] > 0
