"""`evidence check`: whether a pack is whole and unchanged, without the model and without the run.

Everything in a pack is foreign: files are hashed as they are found, no path from a file is opened, and JSON that could
be read in two ways is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.errors import UserError
from unsee.evaluation.audit_documents import audit_from
from unsee.reports.evidence import facts
from unsee.reports.evidence.statement import MEDIA_TYPE, PLAIN, SIGNED, Statement, read_statement, result_of, tried
from unsee.reports.grades import grade
from unsee.reports.reading import read
from unsee.store.dsse import Envelope, key_id, opened, read_public_key
from unsee.store.hashing import SUMS, foreign_files, sha256_of, shown, sums_text
from unsee.store.text import strictly_parsed

MOST_FILES, LARGEST = 10_000, 200_000_000
"""The files of a pack, and the bytes of one of them, at most."""
_LARGEST_JSON = 50_000_000
_AGAIN = "ask the sender for the pack again"


@dataclass(frozen=True)
class Checked:
    """A pack that holds. key: SHA-256 (hex) of the key that signed it, "" without a signature. trusted: whether the
    user named that key; else it came with the pack, and whose it is remains open."""

    folder: Path
    statement: Statement
    key: str
    trusted: bool

    def document(self) -> dict[str, Any]:
        return {
            "pack": str(self.folder),
            "files": len(self.statement.pack),
            "signed": bool(self.key),
            "key": self.key or None,
            "trusted": self.trusted,
            "result": self.statement.result,
            **self.statement.says,
            "weights": dict(self.statement.run),
        }


def check_evidence(folder: Path, key: Path | None = None) -> Checked:
    """Check the signature, the statement, the SHA-256 of every file, and that none is missing or was added.

    key: the file of the signer's public key. Without it a signature is checked with the key in the pack.

    Raises UserError, with the first thing that is wrong.
    """
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}; give the folder that unsee evidence make wrote.")
    files = foreign_files(folder, most=MOST_FILES, largest=LARGEST)
    written = [name for name in (PLAIN, SIGNED) if name in files]
    if not written and facts.MANIFEST in files and facts.PAGE not in files:
        raise UserError(f"{folder} is a run and no pack; make one with unsee evidence make {folder} --out PACK.")
    if len(written) != 1:
        which = "two statements, and they could differ" if written else f"neither {PLAIN} nor {SIGNED}"
        raise UserError(f"{folder} holds {which}; {_AGAIN}.")
    [name] = written
    signer = ""
    if name == SIGNED:
        envelope = _envelope(files[name])
        signer = _signer(envelope, files, key, folder)
        found = _statement(envelope.body, files[name])
    elif key is not None:
        raise UserError(f"{folder} is not signed, so {key} cannot have signed it; ask the sender for a signed pack.")
    elif facts.KEY in files:
        raise UserError(f"{folder} has a {facts.KEY} and no signature, so the signature was taken off; {_AGAIN}.")
    else:
        found = _statement(_content(files[name]), files[name])
    _compare(found.pack, {own: path for own, path in files.items() if own != name}, folder)
    _check_sums(found.pack, files, folder)
    _check_grade(found, files)
    _check_result(found, files, folder)
    return Checked(folder, found, signer, trusted=key is not None)


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise UserError(f"{path} has over {_LARGEST_JSON // 10**6} MB, more than it can have; {_AGAIN}.")
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}; check the file.") from error


def _parsed(content: bytes, path: Path) -> Any:
    try:
        return strictly_parsed(content)
    except ValueError as error:
        raise UserError(f"{path} is damaged ({_clause(error)}); {_AGAIN}.") from error


def _envelope(path: Path) -> Envelope:
    document = _parsed(_content(path), path)
    try:
        return opened(document)
    except ValueError as error:
        raise UserError(f"{path} is damaged ({_clause(error)}); {_AGAIN}.") from error


def _statement(content: bytes, path: Path) -> Statement:
    document = _parsed(content, path)
    try:
        return read_statement(document)
    except ValueError as error:
        raise UserError(f"The statement in {path} cannot be used: {_clause(error)}; {_AGAIN}.") from error


def _signer(envelope: Envelope, files: Mapping[str, Path], key: Path | None, folder: Path) -> str:
    """The SHA-256 of the key that signed. Raises UserError if it did not."""
    if envelope.kind != MEDIA_TYPE:
        raise UserError(f"{folder} has a signed text of the type {shown(envelope.kind)!r}, no statement; {_AGAIN}.")
    if key is None and facts.KEY not in files:
        raise UserError(f"{folder} has lost its {facts.KEY}; give the signer's public key with --key.")
    public = read_public_key(files[facts.KEY] if key is None else key)
    if not envelope.is_signed_by(public):
        whose = "the key in it" if key is None else str(key)
        raise UserError(f"The signature of {folder} is not by {whose}, or the statement was changed; do not trust it.")
    return key_id(public)


def _compare(stated: Mapping[str, str], files: Mapping[str, Path], folder: Path) -> None:
    """Raises UserError unless exactly the stated files are there, each unchanged."""
    missing = sorted(stated.keys() - files.keys())
    added = sorted(files.keys() - stated.keys())
    try:
        changed = [name for name in sorted(stated.keys() & files.keys()) if sha256_of(files[name]) != stated[name]]
    except OSError as error:
        raise UserError(f"{folder} cannot be read: {error.strerror or error}; check the folder.") from error
    ways = [
        f"{_listed(names)} {was}"
        for names, was in ((changed, "changed"), (missing, "missing"), (added, "not part of it"))
        if names
    ]
    if ways:
        raise UserError(f"{folder} is not as it was made: {'; '.join(ways)}; {_AGAIN}.")


def _check_sums(stated: Mapping[str, str], files: Mapping[str, Path], folder: Path) -> None:
    """Raises UserError if the list for `sha256sum` says something else than the statement."""
    if SUMS not in files:
        raise UserError(f"{folder} has no {SUMS}; {_AGAIN}.")
    if _content(files[SUMS]) != sums_text({name: stated[name] for name in stated if name != SUMS}).encode():
        raise UserError(f"{SUMS} in {folder} says something else than the statement; {_AGAIN}.")


def _check_grade(found: Statement, files: Mapping[str, Path]) -> None:
    """Raises UserError unless the statement sums up the audit that is in the pack."""
    if facts.AUDIT not in files:
        raise UserError(f"The pack has no {facts.AUDIT}; {_AGAIN}.")
    document = _parsed(_content(files[facts.AUDIT]), files[facts.AUDIT])
    says = found.says
    try:
        audit = document["concepts"][says["concept"]]
        same = (audit["grade"], audit["level"], document["model"]) == (says["grade"], says["level"], says["model"])
    except (LookupError, TypeError):
        same = False
    if not same:
        raise UserError(f"The statement says something else than {facts.AUDIT} in the pack; do not trust it.")


def _check_result(found: Statement, files: Mapping[str, Path], folder: Path) -> None:
    """Raises UserError unless the figures in the pack give the headline and the result of the statement."""
    if facts.REPORT not in files:
        raise UserError(f"The pack has no {facts.REPORT}; {_AGAIN}.")
    concept = found.says["concept"]
    names = [facts.AUDIT, *sorted(name for name in files if name.startswith(f"{facts.FURTHER}/"))]
    try:
        audits = [audit_from(_parsed(_content(files[name]), files[name])["concepts"][concept]) for name in names]
        # Read strictly first, so that no key stands in it twice.
        _parsed(_content(files[facts.REPORT]), files[facts.REPORT])
        report = read(folder)
        graded = grade(audits[0], concept, report.says)
        given = (report.concept, graded.name, graded.headline, result_of(graded, tried(audits)))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise UserError(f"The figures of the pack cannot be read; {_AGAIN}.") from error
    for name, audit in zip(names, audits, strict=True):
        wrong = [row.attack for row in audit.rows if not row.adds_up]
        if wrong:
            raise UserError(
                f"In {shown(name)}, what {shown(wrong[0])} brings over the floor is not what its own shares after and "
                "of the floor give; do not trust it."
            )
    if given != (concept, found.says["grade"], found.says["headline"], found.result):
        raise UserError(
            f"The statement says {shown(found.says['headline'])!r} and {found.result}, but the figures in the pack "
            f"give {shown(given[2])!r} and {given[3]}; do not trust it, unless the version of unsee that wrote it "
            f"({shown(found.says['version'])}) confirms it."
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return f"{', '.join(map(shown, names[:2]))}{more} {'is' if len(names) == 1 else 'are'}"


def _clause(error: ValueError) -> str:
    """What a parser says, short."""
    return shown(" ".join(str(error).split()))
