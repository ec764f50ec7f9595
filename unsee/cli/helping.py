"""The processes that `--workers` starts to help with a run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

from unsee.errors import UserError
from unsee.store.crew import place_of_process
from unsee.terminal import say

SECONDS_TO_END = 10.0
"""How long a process that hangs has to end by itself."""


@contextmanager
def helped_by(workers: int) -> Iterator[None]:
    """While the block runs, `workers` processes do this command: this one is the first of them, as with `torchrun`.

    Enter it before torch is imported: then all processes load at the same time, each with its part of the cores. A
    process that died gets one sentence, with the last line that it said.
    """
    count = place_of_process()[1]
    if workers > 1 and count > 1:
        raise UserError(f"{count} processes were started already; leave out --workers, which starts processes itself.")
    if workers == 1:
        yield
        return
    threads = str(max(1, (os.cpu_count() or 1) // workers))
    shared = {"WORLD_SIZE": str(workers), "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", threads)}
    with ExitStack() as ending:
        children = []
        for number in range(1, workers):
            said = ending.enter_context(tempfile.TemporaryFile())
            place = {"RANK": str(number), "LOCAL_RANK": str(number)}
            child = subprocess.Popen(
                [sys.executable, "-m", "unsee", *_without_workers(sys.argv[1:])],
                env={**os.environ, **shared, **place},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
            )
            ending.callback(_end, child)
            children.append((child, said))
        before = dict(os.environ)
        os.environ.update(shared, RANK="0", LOCAL_RANK="0")
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
        for number, (child, said) in enumerate(children, 1):
            if child.poll():
                say(f"Process {number} died, and the others did its work. {_last_line(said)}".rstrip(), "yellow")


def is_helper() -> bool:
    """Whether another process does what only the first may."""
    return place_of_process()[0] > 0


def _without_workers(given: list[str]) -> list[str]:
    arguments, kept = iter(given), list[str]()
    for argument in arguments:
        if argument == "--workers":
            next(arguments, None)
        elif not argument.startswith("--workers="):
            kept.append(argument)
    return kept


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
    try:
        child.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _last_line(file: IO[bytes]) -> str:
    file.seek(0)
    lines = file.read().decode(errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return f"It said: {said[-1]}" if said else ""
