"""`Ledger`: the chain of entries in a folder. Entries are added at its end; nothing is ever changed or removed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unsee.benchmarks.concept import slug
from unsee.errors import SystemFailure, UserError, did_you_mean
from unsee.ledger.checksums import changed_files
from unsee.ledger.entries import LARGEST, Build, Entry, Kind, read_entry
from unsee.metrics.naming import same_name
from unsee.store.files import strict_json, write_together
from unsee.store.hashing import sha256_of
from unsee.store.new_folder import new_folder
from unsee.store.text import parsed

ENTRIES, REQUESTS, RUNS, HEAD = "entries", "requests", "runs", "head.json"
_FILE = re.compile(r"[0-9]{4,9}\.json")
_OURS = {
    # Nothing that a killed process leaves behind belongs to the ledger.
    ".gitignore": ".*\n!.gitignore\n!.gitattributes\n",
    # The digests are those of the bytes, so git must not turn line feeds into anything.
    ".gitattributes": "* -text\n",
}
_ADVICE = "restore it from a copy, such as an earlier commit"


@dataclass(frozen=True)
class Ledger:
    """A ledger whose chain is whole. `entries` begin with the one about the model."""

    folder: Path
    entries: tuple[Entry, ...]

    @classmethod
    def create(cls, folder: Path, content: Mapping[str, Any], note: str = "") -> Ledger:
        """A new ledger about the model in `content` (see `Entry`). Raises UserError if `folder` exists."""
        first = Entry(1, "", _now(), "model", note=_plain(note), content=content)
        with new_folder(folder) as work:
            write_together(work, _OURS)
            _write(work, first)
        return cls(folder, (first,))

    @classmethod
    def open(cls, folder: Path) -> Ledger:
        """Raises UserError for the first thing that is wrong with its chain."""
        entries, problems = inspect(folder)
        if problems:
            raise UserError(problems[0])
        return cls(folder, entries)

    def append(
        self,
        kind: Kind,
        id: str = "",
        note: str = "",
        build: Build | None = None,
        content: Mapping[str, Any] | None = None,
    ) -> Ledger:
        """The ledger with one more entry, which is on the disk when this returns. Hold the ledger's lock.

        Raises SystemFailure if the disk refuses; the chain is whole then, with the entry or without it.
        """
        entry = Entry(self.number, self.head, _now(), kind, id, _plain(note), build, content or {})
        # What is written must be readable.
        read_entry(entry.text.encode(), "The new entry")
        # Left behind by a process that was killed.
        for left in (*(self.folder / ENTRIES).glob(".*.json.*"), *self.folder.glob(f".{HEAD}.*")):
            left.unlink(missing_ok=True)
        _write(self.folder, entry)
        return replace(self, entries=(*self.entries, entry))

    @property
    def number(self) -> int:
        """That of the next entry."""
        return len(self.entries) + 1

    @property
    def head(self) -> str:
        """The SHA-256 of the newest entry: whoever knows it can tell whether anything before it was changed."""
        return self.entries[-1].sha256

    @property
    def model(self) -> Mapping[str, Any]:
        """Which model the ledger is about (see `Entry`)."""
        return self.entries[0].content

    @property
    def active(self) -> tuple[Entry, ...]:
        """The entries of the requests that were not revoked, in order."""
        revoked = {entry.id for entry in self.entries if entry.kind == "revoke"}
        return tuple(entry for entry in self.entries if entry.kind == "forget" and entry.id not in revoked)

    @property
    def revoked(self) -> tuple[Entry, ...]:
        """The entries of the requests that were revoked, in order."""
        active = self.active
        return tuple(entry for entry in self.entries if entry.kind == "forget" and entry not in active)

    @property
    def build(self) -> Build | None:
        """The newest build; None while nothing was trained."""
        return next((entry.build for entry in reversed(self.entries) if entry.build), None)

    def run(self, build: Build) -> Path:
        """The folder of a build."""
        return self.folder / RUNS / build.run

    def kept(self, id: str) -> Path:
        """The folder with what is kept of a request."""
        return self.folder / REQUESTS / id

    def keep(self, id: str, folder: Path) -> None:
        """Move the folder with a request into the ledger, in place of what an attempt without an entry left there."""
        place = self.kept(id)
        place.parent.mkdir(exist_ok=True)
        shutil.rmtree(place, ignore_errors=True)
        folder.rename(place)

    def next_run(self, name: str) -> Path:
        """The folder of the next build, which is called after its number and `name`."""
        number = 1 + sum(entry.build is not None for entry in self.entries)
        return self.folder / RUNS / f"{number:04d}-{name}"

    def request(self, id: str) -> Entry:
        """The newest request with this id or of this name, active or not. Raises UserError."""
        for entry in reversed(self.entries):
            if entry.kind == "forget" and (id == entry.id or same_name(id, entry.concept)):
                return entry
        ids = [entry.id for entry in self.entries if entry.kind == "forget"]
        if not ids:
            raise UserError(f"{self.folder} has no request yet.")
        raise UserError(f"The ledger {self.folder} has no request {id!r}{did_you_mean(id, ids)}")

    def active_request(self, id: str) -> Entry:
        """The same, if it is active. Raises UserError."""
        entry = self.request(id)
        if entry not in self.active:
            raise UserError(f"The request {entry.id} in {self.folder} is revoked already.")
        return entry

    def new_id(self, concept: str, names: Sequence[str]) -> str:
        """An id for a request: its name, with a number if that was forgotten before. Raises UserError if an active
        request has one of its `names`."""
        for entry in self.active:
            own = (entry.concept, *entry.content["request"]["aliases"])
            if any(same_name(name, other) for name in names for other in own):
                raise UserError(
                    f"{entry.concept} is forgotten already, by the request {entry.id} in {self.folder}; revoke that "
                    "first if its pictures or settings are to change."
                )
        taken = {entry.id for entry in self.entries}
        wanted = slug(concept)
        return next(id for n in range(1, len(taken) + 2) if (id := wanted if n == 1 else f"{wanted}-{n}") not in taken)

    def problems(self) -> list[str]:
        """What is wrong with the folders that the entries name, in a sentence each; reads every file of them."""
        found = []
        for entry in self.entries:
            if entry.kind == "forget":
                found += changed_files(self.kept(entry.id), entry.content["sums"], closed=True)
            if entry.build is not None:
                run = self.run(entry.build)
                changed = changed_files(run, entry.build.sums)
                found += changed or _other_weights(run, entry.build)
        return found


def inspect(folder: Path) -> tuple[tuple[Entry, ...], list[str]]:
    """The entries as far as they can be read, and what is wrong with the chain, in a sentence each.

    The last entries leave no gap when they are removed, so `head.json` remembers the newest. It is written after the
    entry: a process that was killed in between leaves it one behind, which is no damage.
    """
    place = folder / ENTRIES
    if not place.is_dir():
        return (), [f"{folder} is no ledger; make one with unsee ledger init."]
    head = _head(folder / HEAD)
    try:
        names = sorted((path.name for path in place.iterdir() if path.name[0] != "."), key=lambda n: (len(n), n))
    except OSError as error:
        return (), [f"{place} cannot be read: {error.strerror or error}; check the folder."]
    entries: list[Entry] = []
    problems = [f"{place / name} is no entry of a ledger; remove it." for name in names if not _FILE.fullmatch(name)]
    for name in filter(_FILE.fullmatch, names):
        path = place / name
        try:
            entry = read_entry(_content(path), str(path))
        except UserError as error:
            problems.append(f"{str(error).removesuffix('.')}; {_ADVICE}.")
            # What follows cannot be checked against it.
            return tuple(entries), problems
        wrong = _out_of_place(entry, path, entries)
        if wrong:
            return tuple(entries), [*problems, wrong]
        entries.append(entry)
    return tuple(entries), [*problems, *_not_the_head(folder, head, entries)]


def _out_of_place(entry: Entry, path: Path, before: Sequence[Entry]) -> str:
    """What is wrong with an entry after those `before`; nothing if it continues them."""
    number = len(before) + 1
    if path.name != _name(number):
        return f"The entry {path.parent / _name(number)} is missing; {_ADVICE}."
    if entry.number != number:
        return f"{path} is the entry {entry.number} in the place of {number}; put the entries back in their order."
    if entry.previous != (before[-1].sha256 if before else ""):
        return f"{path} does not continue the entry before it, so one of the two was changed; {_ADVICE}."
    if (entry.kind == "model") != (number == 1):
        return f"{path} is damaged: only the first entry is about the model; {_ADVICE}."
    known = {other.id for other in before if other.kind == "forget"}
    gone = {other.id for other in before if other.kind == "revoke"}
    fits = {"model": not entry.id, "forget": entry.id not in known, "revoke": entry.id in known - gone}
    if not fits.get(entry.kind, not entry.id or entry.id in known):
        return f"{path} is damaged: the request {entry.id} is not one that it can be about; {_ADVICE}."
    active = [other.id for other in before if other.kind == "forget" and other.id not in gone]
    active = [*active, entry.id] if entry.kind == "forget" else [id for id in active if id != entry.id]
    asked = {*active, entry.id}
    if entry.build is not None and (list(entry.build.active) != active or set(entry.build.results) != asked):
        return f"{path} is damaged: its build is not about the active requests {', '.join(active)}; {_ADVICE}."
    return ""


def _head(path: Path) -> tuple[int, str] | None:
    """The number and the digest of the newest entry; None if the file does not say."""
    try:
        head = parsed(_content(path))
        number, digest = head["number"], head["sha256"]
    except (UserError, ValueError, KeyError, TypeError):
        return None
    return (number, digest) if type(number) is int and number > 0 and isinstance(digest, str) else None


def _not_the_head(folder: Path, head: tuple[int, str] | None, entries: Sequence[Entry]) -> list[str]:
    if head is None:
        return [f"{folder / HEAD} is missing or damaged, so nobody can tell whether entries are missing; {_ADVICE}."]
    number, digest = head
    if number > len(entries):
        return [f"The entry {folder / ENTRIES / _name(len(entries) + 1)} is missing; {_ADVICE}."]
    if entries[number - 1].sha256 != digest:
        return [f"The entry {number} is not the one that {folder / HEAD} names; {_ADVICE}."]
    return []


def _other_weights(run: Path, build: Build) -> list[str]:
    """The entry names the weights itself: a run whose list was made anew does not pass either."""
    found = []
    for name, digest in build.weights.items():
        try:
            same = sha256_of(run / name) == digest
        except OSError:
            same = False
        if not same:
            found.append(f"{run / name} is not what the ledger's entry names; {_ADVICE}.")
    return found


def _content(path: Path) -> bytes:
    """The bytes of a file, at most one more than an entry may have. Raises UserError for what is no file."""
    try:
        if path.is_symlink() or not path.is_file():
            raise UserError(f"{path} is no file.")
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error


def _write(folder: Path, entry: Entry) -> None:
    """The entry first: a head without its entry would look like a loss."""
    write_together(folder / ENTRIES, {_name(entry.number): entry.text})
    _to_disk(folder / ENTRIES)
    write_together(folder, {HEAD: strict_json({"number": entry.number, "sha256": entry.sha256})})
    _to_disk(folder)


def _to_disk(folder: Path) -> None:
    """A new name is safe from a power cut once its folder is on the disk. Windows has no such call."""
    if os.name == "nt":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            # Some network file systems know no such call for folders either.
            with suppress(OSError):
                os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise SystemFailure(f"{folder} cannot be written: {error.strerror or error}.") from error


def _name(number: int) -> str:
    return f"{number:04d}.json"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _plain(note: str) -> str:
    """A note from the command line may hold lone surrogates, which UTF-8 cannot say."""
    return note.encode("utf-8", "replace").decode()
