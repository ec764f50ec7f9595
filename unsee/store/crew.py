"""Several processes that work on one run: all start the same command, and each takes the work that no other has taken.

The first process locks the run and alone writes its result. The others ("helpers") find it in a hidden folder next to
the run, which all must see: it holds a lock for each piece of work that somebody is at. The system releases the locks
of a process that ends, however it ends, so another takes over its work. Nobody waits for a helper that never came, nor
for long for one that hangs: whoever is at a piece of work gives a sign, as the time of its lock, while it computes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil
from filelock import FileLock, Timeout

from unsee.errors import SystemFailure, UserError
from unsee.store.locking import locked

T = TypeVar("T")
SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_TO_START = 300.0
"""How long a helper waits for the first process to begin."""
SECONDS_WITHOUT_SIGN = 600.0
"""How long one waits for a process that has work in hand and computes nothing."""
SECONDS_BETWEEN_SIGNS = 10.0
_LEAST_USE = 0.005
"""The share of a core below which a process counts as one that computes nothing."""
_PLACE = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
_PARENT = os.getppid()
_ALIVE, _BEGUN, _ENDED = "alive.lock", "begun", "ended"


class _Ended(Exception):
    """The first process has ended the run in good order, or with a sentence of its own."""


@dataclass
class Crew:
    """`number` (from 0, the first) of `count` processes; `folder`: where they meet, None for a process alone; `local`:
    its number on this machine."""

    number: int = 0
    count: int = 1
    folder: Path | None = None
    local: str = "0"

    @property
    def helps(self) -> bool:
        """Whether this process only helps: it prints nothing, judges nothing and writes no result."""
        return self.number > 0

    def turns(
        self,
        items: Sequence[T],
        key: Callable[[T], str],
        done: Callable[[T], bool],
        look: Callable[[], None] = lambda: None,
        *,
        wait: bool = True,
    ) -> Iterator[T]:
        """The pieces of work that this process should do, one at a time, until all are done by somebody.

        key: names a piece alike in every process. done: whether it is done; look: called before, to see what others
        did. wait: False to end as soon as all that is left is in other hands.
        """
        left, signs = list(items), _Signs()
        while left:
            look()
            left = [item for item in left if not done(item)]
            idle = True
            for item in left:
                with self._claimed(key(item)) as mine:
                    if not mine:
                        continue
                    look()
                    if done(item):
                        continue
                    self.check_alive()
                    idle = False
                    yield item
            if idle and left:
                if not wait:
                    return
                self.check_alive()
                signs.check([self._lock(key(item)) for item in left])
                time.sleep(SECONDS_BETWEEN_LOOKS)

    def _lock(self, key: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{_short(key)}.lock"

    @contextmanager
    def _claimed(self, key: str) -> Iterator[bool]:
        """Whether the piece of work is this process's while the block runs."""
        if self.folder is None:
            yield True
            return
        lock = FileLock(self._lock(key))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
        except OSError:
            self.check_alive()
            raise
        try:
            with _giving_signs(self._lock(key)):
                yield True
        finally:
            lock.release()

    def open_gate(self, key: str) -> None:
        """Let the helpers pass `wait_at(key)`."""
        if self.folder is not None and not self.helps:
            (self.folder / f"{_short(key)}.open").touch()

    def wait_at(self, key: str) -> None:
        """Wait until the first process has opened the gate; helpers only."""
        while self.helps and self.folder is not None and not (self.folder / f"{_short(key)}.open").exists():
            self.check_alive()
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def check_alive(self) -> None:
        """In a helper, raises if the first process no longer works on the run."""
        if not self.helps or self.folder is None:
            return
        if os.getppid() != _PARENT:
            raise SystemFailure("What started this process died; what was answered is kept, and can be resumed.")
        if _held(self.folder / _ALIVE):
            return
        if (self.folder / _ENDED).exists() or not (self.folder / _BEGUN).exists():
            raise _Ended
        raise SystemFailure(
            "The first process died before the work was done; what was answered is kept, and the same command resumes."
        )

    def device(self, device: str) -> str:
        """The GPU of this process, where each has its own."""
        if device != "auto" or self.count == 1:
            return device
        import torch

        return f"cuda:{int(self.local) % torch.cuda.device_count()}" if torch.cuda.is_available() else device


class _Signs:
    """What is to be seen of the processes that have the work in hand that is left."""

    def __init__(self) -> None:
        self._last: list[float] = []
        self._since = time.monotonic()

    def check(self, locks: Sequence[Path]) -> None:
        """Raises SystemFailure if none has given a sign for too long."""
        times = []
        for lock in locks:
            with suppress(OSError):
                times.append(lock.stat().st_mtime)
        if times != self._last:
            # Another machine's clock may be wrong, so that only a change counts.
            self._last, self._since = times, time.monotonic()
        if time.monotonic() - self._since > SECONDS_WITHOUT_SIGN:
            raise SystemFailure(
                "Another process has work in hand and has computed nothing for "
                f"{SECONDS_WITHOUT_SIGN / 60:.0f} minutes; end it, and the same command resumes with what was answered."
            )


@contextmanager
def _giving_signs(lock: Path) -> Iterator[None]:
    """While the block runs and this process computes, the time of `lock` moves on."""
    over = threading.Event()

    def give() -> None:
        used = time.process_time()
        while not over.wait(SECONDS_BETWEEN_SIGNS):
            before, used = used, time.process_time()
            if used - before >= _LEAST_USE * SECONDS_BETWEEN_SIGNS:
                with suppress(OSError):
                    os.utime(lock)

    # A daemon, because a process that is to end must not wait for it.
    thread = threading.Thread(target=give, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


_current = Crew()


def crew() -> Crew:
    """That of this process; a crew of one, if it works alone."""
    return _current


def place_of_process() -> tuple[int, int]:
    """The number of this process and how many there are, as `torchrun` and others put them into the environment.

    Raises UserError for a place that cannot be.
    """
    rank, size = os.environ.get("RANK"), os.environ.get("WORLD_SIZE")
    if size is None or size == "1":
        return 0, 1
    if rank is None or not rank.isdecimal() or not size.isdecimal() or int(rank) >= int(size):
        raise UserError(
            f"The environment says WORLD_SIZE={size} and RANK={rank}, which is no process of a group; start the "
            "processes with torchrun, or unset both."
        )
    return int(rank), int(size)


@contextmanager
def working_in(out: Path, result: Path, tell: Callable[[str], None] = lambda line: None) -> Iterator[Crew]:
    """While the block runs, this process works in the folder `out` of a run, alone or with others.

    The first process holds the lock of `out`. In a helper the block does the same work, and a SystemExit follows it:
    nothing is left to say. result: the file that the first process writes last. `tell` hears who did not come.

    Raises:
        UserError: another run uses `out`; or the first process does not begin, or its folder is not this one.
        SystemFailure: the first process died.
    """
    number, count = place_of_process()
    if count == 1:
        with locked(out):
            yield crew()
        return
    own = Crew(number, count, out.parent / f".{out.name}.workers", os.environ.get("LOCAL_RANK", "0"))
    with _place_hidden(), _as_current(own):
        if number == 0:
            with locked(out), _leading(own, tell):
                yield own
            return
        with suppress(_Ended):
            if _joined(own, out, result):
                yield own
        raise SystemExit(0)


@contextmanager
def _leading(own: Crew, tell: Callable[[str], None]) -> Iterator[None]:
    """While the block runs, the helpers find the first process at work."""
    folder = own.folder
    assert folder is not None
    shutil.rmtree(folder, ignore_errors=True)
    try:
        # A helper may be looking into what an earlier run left.
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SystemFailure(f"The folder {folder} cannot be made: {error.strerror or error}.") from error
    try:
        with FileLock(folder / _ALIVE):
            (folder / _BEGUN).touch()
            try:
                yield
            finally:
                (folder / _ENDED).touch()
        absent = [str(number) for number in range(1, own.count) if not _came(folder, number).exists()]
        if absent:
            tell(
                f"Of the {own.count} processes, number {', '.join(absent)} did not come in time; the work was done "
                "without it."
            )
    finally:
        # First: what is being deleted must not look like the run of a process that died.
        (folder / _BEGUN).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _came(folder: Path, number: int) -> Path:
    return folder / f"came-{number}"


def _joined(own: Crew, out: Path, result: Path) -> bool:
    """Wait for the first process to begin. False if it has ended by then. Raises UserError if it does not begin."""
    assert own.folder is not None
    since = psutil.Process().create_time()
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and os.getppid() == _PARENT:
        if (own.folder / _BEGUN).exists() and _held(own.folder / _ALIVE):
            with suppress(OSError):
                _came(own.folder, own.number).touch()
                return True
        with suppress(OSError):
            if result.stat().st_mtime >= since:
                return False
        time.sleep(SECONDS_BETWEEN_LOOKS)
    raise UserError(
        f"Process {own.number} of {own.count} found no process 0 at work on {out} within {SECONDS_TO_START:.0f} "
        "seconds; start them together, with the same settings and in a folder that all of them see."
    )


def _held(path: Path) -> bool:
    """Whether another process holds a lock that is there. One helper looks at a time, because looking holds it, too."""
    if not path.exists():
        return False
    try:
        with FileLock(path.with_name("look.lock")), FileLock(path, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False


@contextmanager
def _as_current(own: Crew) -> Iterator[None]:
    global _current
    before, _current = _current, own
    try:
        yield
    finally:
        _current = before


@contextmanager
def _place_hidden() -> Iterator[None]:
    """Without the place of the process in the environment: accelerate would wait for all the others at the first
    training of an attack, which one process does alone."""
    hidden = {key: os.environ.pop(key) for key in _PLACE if key in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)


def _short(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:20]
