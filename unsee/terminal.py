"""How all commands print: prose and errors to standard error, results to standard output."""

from __future__ import annotations

import errno
import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from rich.console import Console, RenderableType
from rich.text import Text

from unsee.errors import SystemFailure, UserError
from unsee.store.crew import crew

# Escape sequences in a name or a path must not reach the terminal.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


_spinning: Console | None = None
"""The console whose spinner is turning: lines printed meanwhile go above it."""


def say(text: str, style: str = "") -> None:
    """A line of prose on standard error, where it does not mix with results."""
    (_spinning or Console(stderr=True)).print(Text(_CONTROL.sub("�", text), style=style), soft_wrap=True)


def show(what: RenderableType | str) -> None:
    """A result for people, on standard output."""
    if isinstance(what, str):
        Console().print(Text(_CONTROL.sub("�", what)), soft_wrap=True)
    else:
        Console().print(what)


def print_json(document: Mapping[str, Any]) -> None:
    """A result for programs: one JSON object on standard output."""
    from unsee.store.files import strict_json

    sys.stdout.write(strict_json(json.loads(json.dumps(document, default=str))))


@contextmanager
def working_on(what: str) -> Iterator[None]:
    """A spinner on standard error while the block runs, if that is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal or crew().helps:
        yield
        return
    global _spinning
    outer, _spinning = _spinning, console
    try:
        with console.status(what):
            yield
    finally:
        _spinning = outer


def quiet_libraries() -> None:
    """No banners and progress bars of the libraries: unsee prints its own."""
    import warnings

    # What a new version of a library will remove is ours to know.
    warnings.filterwarnings("ignore", category=FutureWarning)
    # PEFT asks the hub whether an adapter's base has more words than it once had; unsee adds none.
    warnings.filterwarnings("ignore", message="Could not find a config file")
    with working_on("Starting"):
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()


def quiet_quantisers() -> None:
    """Where they are installed, they tell when they are imported which of their kernels this machine has not."""
    import logging

    for name in ("torchao", "bitsandbytes", "torch.utils._pytree"):
        logging.getLogger(name).setLevel(logging.ERROR)


@contextmanager
def quiet_loading() -> Iterator[None]:
    """While the block runs, transformers shows no bars and no advice; then it does as before.

    PEFT's use of a deprecated name is not reported afterwards either.
    """
    import warnings

    from transformers.utils import logging

    warnings.filterwarnings("ignore", message="`is_gradient_checkpointing`", category=FutureWarning)
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def at_a_terminal() -> bool:
    """Whether standard error is a terminal: progress bars are shown only there."""
    return Console(stderr=True).is_terminal


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn errors into one sentence and a status: 2 for the user's mistake, 1 for the machine's, 130 for Ctrl-C.

    Any other error is a bug of unsee and keeps its traceback.
    """
    try:
        yield
    except UserError as error:
        _leave(str(error), 2, error)
    except SystemFailure as error:
        _leave(str(error), 1, error)
    except KeyboardInterrupt as error:
        _leave(str(error) or "Interrupted; nothing was written.", 130, error)
    except MemoryError as error:
        _leave("There is not enough memory; use a smaller model or a larger machine.", 1, error)
    except RuntimeError as error:
        # torch.OutOfMemoryError on a GPU, and the allocator's own words on a CPU.
        if type(error).__name__ != "OutOfMemoryError" and "DefaultCPUAllocator" not in str(error):
            raise
        _leave("There is not enough memory; use a smaller model or a smaller batch, or load in 4 bits.", 1, error)
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            _leave("The disk is full; free some space and run again.", 1, error)
        if error.errno == errno.ENAMETOOLONG:
            _leave(f"The path {str(error.filename)[:40]}… is too long for this system; choose a shorter one.", 2, error)
        where = f" ({error.filename})" if error.filename else ""
        _leave(f"The system refused: {error.strerror or error}{where}.", 1, error)


def _leave(sentence: str, status: int, error: BaseException) -> NoReturn:
    say(" ".join(sentence.split()), "bold yellow" if status == 130 else "bold red")
    raise typer.Exit(status) from error
