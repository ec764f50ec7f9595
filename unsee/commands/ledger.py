"""`ledger init`, `note`, `status` and `verify`: what needs no model in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unsee.errors import UserError
from unsee.ledger import Build, Entry, Ledger, inspect
from unsee.ledger.chain import ENTRIES, HEAD, REQUESTS, RUNS
from unsee.store.hashing import is_sha256
from unsee.store.locking import locked


def init(
    folder: Path, model: str, *, revision: str | None = None, load_in_4bit: bool = False, note: str = ""
) -> Ledger:
    """A new ledger about a model. Raises UserError if `folder` exists, or the model is itself an adapter."""
    from unsee.models.base_note import base_of
    from unsee.models.identity import of_files

    base = base_of(model)
    if base is not None:
        raise UserError(f"{model} is an adapter for {base.name}; give that as the model.")
    content = {"model": model, "revision": revision, "4bit": load_in_4bit, "files": of_files(model)}
    return Ledger.create(folder, content, note)


def add_note(folder: Path, text: str, id: str = "") -> Ledger:
    """Add a note on a request, active or revoked, or on the ledger as a whole. Raises UserError."""
    if not text.strip():
        raise UserError("The note is empty; say something.")
    with locked(folder):
        ledger = Ledger.open(folder)
        return ledger.append("note", ledger.request(id).id if id else "", text)


def status(folder: Path) -> dict[str, Any]:
    """What a ledger is about, its active and revoked requests with their newest evidence, and its newest digest.

    Raises UserError if its chain is damaged; the folders are left to `verify`.
    """
    ledger = Ledger.open(folder)
    return {
        "ledger": str(folder),
        "model": ledger.model["model"],
        "revision": ledger.model["revision"],
        "entries": len(ledger.entries),
        "sha256": ledger.head,
        "adapter": _adapter(ledger),
        "active": [_request(ledger, entry) for entry in ledger.active],
        "revoked": [_request(ledger, entry) for entry in ledger.revoked],
        "unfinished": _unfinished(ledger),
    }


def verify(folder: Path, known: str | None = None) -> dict[str, Any]:
    """Whether every entry follows from the one before it, and every file that they name is as it was.

    known: a digest of the newest entry that somebody wrote down elsewhere; the chain must still contain it. Whoever can
    write the whole folder can write a new chain, and only this tells.

    Raises UserError if `folder` is no ledger at all, or `known` no digest.
    """
    if known is not None and not is_sha256(known):
        raise UserError(f"{known[:64]!r} is no SHA-256, which has 64 digits (0 to 9, a to f); copy all of them.")
    if not any((folder / name).exists() for name in (ENTRIES, HEAD, REQUESTS, RUNS)):
        raise UserError(f"{folder} is no ledger; make one with unsee ledger init.")
    entries, problems = inspect(folder)
    if not problems:
        problems = Ledger(folder, entries).problems()
    if known is not None and known not in {entry.sha256 for entry in entries}:
        problems.append(f"{folder} does not contain the entry with the SHA-256 {known}; it is another history.")
    return {
        "ledger": str(folder),
        "verified": not problems,
        "entries": len(entries),
        "sha256": entries[-1].sha256 if entries else None,
        "problems": problems,
    }


def _adapter(ledger: Ledger) -> str | None:
    """The folder of the adapter to serve; None while nothing is forgotten."""
    return str(ledger.run(ledger.build)) if ledger.build and ledger.build.active else None


def _unfinished(ledger: Ledger) -> list[dict[str, str]]:
    """The attempts that no entry names: interrupted, or trained and not added because of what the reports said."""
    known = {entry.build.run for entry in ledger.entries if entry.build}
    place, end = ledger.folder / RUNS, ".unfinished"
    try:
        names = sorted(path.name for path in place.iterdir() if path.is_dir())
    except OSError:
        return []
    interrupted = [name[1:].removesuffix(end) for name in names if name.startswith(".") and name.endswith(end)]
    finished = [name for name in names if not name.startswith(".") and name not in known | {*interrupted}]
    said = [(name, "interrupted") for name in interrupted] + [(name, "trained and not added") for name in finished]
    return [{"run": str(place / name), "state": state} for name, state in sorted(said)]


def _request(ledger: Ledger, entry: Entry) -> dict[str, Any]:
    """A request with what its newest report says."""
    newest = next(other for other in reversed(ledger.entries) if other.build and entry.id in other.build.results)
    build: Build | None = newest.build
    assert build is not None
    result = build.results[entry.id]
    notes = [other.note for other in ledger.entries if other.id == entry.id and other.note]
    return {
        "id": entry.id,
        "concept": entry.concept,
        "since": entry.time,
        "headline": result.headline,
        "sentence": result.sentence,
        "grade": result.grade or None,
        "asked": newest.time,
        "report": str(ledger.run(build) / result.report),
        "notes": notes,
    }
