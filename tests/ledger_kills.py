"""Kills a process that writes to a ledger, at random moments: `python -m tests.ledger_kills 100`.

After each kill the chain must verify, with the files that it names, and every entry must be there that the process had
been told was written.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.ledgers import forgetting, new_ledger, revoking
from unsee.ledger import Ledger, inspect
from unsee.store.locking import locked

_MOST = 60
"""Entries of one ledger, before the next one is begun: a chain is read whole for each operation."""


def write_on(folder: Path, told: int) -> None:
    """Add entries of every kind for ever, and tell the digest of each that was added."""
    while True:
        with locked(folder):
            ledger = Ledger.open(folder)
            turn = ledger.number % 4
            if turn == 3:
                ledger = revoking(ledger, ledger.active[0].id)
            elif turn == 1:
                ledger = ledger.append("note", note=f"Note {ledger.number}")
            else:
                ledger = forgetting(ledger, f"Person {ledger.number}")
        os.write(told, f"{ledger.head}\n".encode())


def kill_once(folder: Path, rng: random.Random) -> int:
    """Let a process write, kill it, and look. Returns the number of entries; raises AssertionError for a loss."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        try:
            write_on(folder, writing)
        finally:
            os._exit(3)
    os.close(writing)
    time.sleep(rng.uniform(0.0, 0.5))
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    assert os.WIFSIGNALED(status), f"the process ended by itself ({status})"
    with os.fdopen(reading) as lines:
        told = lines.read().split()
    entries, problems = inspect(folder)
    assert problems == []
    assert Ledger(folder, entries).problems() == []
    assert {*told} <= {entry.sha256 for entry in entries}
    return len(entries)


def main(kills: int, seed: int = 0) -> None:
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        number = 0
        folder, total, written = Path(place), 0, _MOST
        for _ in range(kills):
            if written >= _MOST:
                number += 1
                folder = Path(place) / f"ledger-{number}"
                new_ledger(folder)
                written = 1
            before, written = written, kill_once(folder, rng)
            assert written >= before
            total += written - before
        left = sum(1 for path in Path(place).rglob(".*") if path.suffix != ".lock" and not path.name.startswith(".git"))
    print(f"{kills} kills, {total} entries added in {number} ledgers, nothing lost; {left} unfinished files were left.")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100, int(sys.argv[2]) if len(sys.argv) > 2 else 0)
