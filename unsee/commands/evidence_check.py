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
from unsee.reports.evidence.delivered import Delivered, read_delivered
from unsee.reports.evidence.outcome import Told, outcome_of
from unsee.reports.evidence.statement import MEDIA_TYPE, PLAIN, SIGNED, Statement, read_statement
from unsee.reports.grades import ORDER, grade
from unsee.reports.reading import read
from unsee.store.dsse import Envelope, key_id, opened, read_public_key
from unsee.store.hashing import SUMS, foreign_files, sha256_of, shown, sums_text
from unsee.store.text import strictly_parsed

MOST_FILES, LARGEST = 10_000, 200_000_000
"""The files of a pack, and the bytes of one of them, at most."""
_LARGEST_JSON = 50_000_000
_OF_A_PART = (facts.REPORT, facts.AUDIT, facts.REQUEST, facts.PAGE)
_AGAIN = "ask the sender for the pack again"


@dataclass(frozen=True)
class Checked:
    """A pack that holds. key: SHA-256 (hex) of the key that signed it, "" without a signature. trusted: whether the
    user named that key; else it came with the pack, and whose it is remains open. delivered: what the pack says about
    the model that users get, if that was asked."""

    folder: Path
    statement: Statement
    key: str
    trusted: bool
    delivered: Delivered | None = None

    def document(self) -> dict[str, Any]:
        return {
            "pack": str(self.folder),
            "files": len(self.statement.pack),
            "signed": bool(self.key),
            "key": self.key or None,
            "trusted": self.trusted,
            "result": self.statement.result,
            **self.statement.says,
            "delivered": None if self.delivered is None else self.delivered.conclusion,
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
    delivered = _delivered(found, files)
    _check_result(found, delivered, files, folder)
    return Checked(folder, found, signer, trusted=key is not None, delivered=delivered)


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


def _check_result(found: Statement, delivered: Delivered | None, files: Mapping[str, Path], folder: Path) -> None:
    """Raises UserError unless the figures in the pack give what the statement says."""
    told = _told(files, folder)
    says = found.says
    try:
        given = outcome_of([one for one, _, _ in told], None if delivered is None else delivered.conclusion)
        saved = max((grade for _, grade, _ in told), key=ORDER.index)
    except ValueError as error:
        raise UserError(f"The figures of the pack cannot be read; {_AGAIN}.") from error
    about = (given.concept, saved, given.level, {model for _, _, model in told})
    if about != (says["concept"], says["grade"], says["level"], {says["model"]}):
        raise UserError(f"The statement says something else than {facts.AUDIT} in the pack; do not trust it.")
    if (given.grade, given.headline, given.result) != (says["grade"], says["headline"], found.result):
        raise UserError(
            f"The statement says {shown(says['headline'])!r} and {found.result}, but the figures in the pack "
            f"give {shown(given.headline)!r} and {given.result}; do not trust it, unless the version of unsee that "
            f"wrote it ({shown(says['version'])}) confirms it."
        )


def _told(files: Mapping[str, Path], folder: Path) -> list[tuple[Told, str, str]]:
    """What the files say about each concept, in the order of the manifest, with the grade and the model as written.
    Raises UserError if something is missing, or a concept that the run forgot is left out."""
    parts = [""] if facts.REPORT in files else sorted(
        name.removesuffix(facts.REPORT) for name in files if name.endswith(f"/{facts.REPORT}") and name.count("/") == 1
    )  # fmt: skip
    for name in (facts.MANIFEST, *(f"{part}{name}" for part in parts or [""] for name in _OF_A_PART)):
        if name not in files:
            raise UserError(f"The pack has no {shown(name)}; {_AGAIN}.")
    found = {}
    for part in parts:
        one = _of_a_part(part, files, folder)
        found[one[0].concept] = one
    written = _parsed(_content(files[facts.MANIFEST]), files[facts.MANIFEST])
    concept = written.get("concept") if isinstance(written, dict) else None
    # A manifest of an old run does not name it.
    names = concept if isinstance(concept, list) else [concept] if concept is not None else [*found][:1]
    if len(found) != len(parts) or len(names) != len(parts) or not all(name in found for name in map(str, names)):
        raise UserError(
            f"{facts.MANIFEST} in the pack names {len(names)} concepts that the run forgot, and the pack does not have "
            "one report about each of them; do not trust it."
        )
    return [found[str(name)] for name in names]


def _of_a_part(part: str, files: Mapping[str, Path], folder: Path) -> tuple[Told, str, str]:
    """What the files that begin with `part` say about a concept, with the grade and the model as written."""
    names = [f"{part}{facts.AUDIT}", *sorted(name for name in files if name.startswith(f"{part}{facts.FURTHER}/"))]
    try:
        # Read strictly first, so that no key stands in it twice.
        _parsed(_content(files[f"{part}{facts.REPORT}"]), files[f"{part}{facts.REPORT}"])
        report = read(folder / part)
        documents = [_parsed(_content(files[name]), files[name]) for name in names]
        audits = [audit_from(document["concepts"][report.concept]) for document in documents]
        graded = grade(audits[0], report.concept, report.says)
        saved = (str(documents[0]["concepts"][report.concept]["grade"]), str(documents[0]["model"]))
        wrong = [(name, row.attack) for name, audit in zip(names, audits, strict=True) for row in audit.rows
                 if not row.adds_up]  # fmt: skip
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise UserError(f"The figures of the pack cannot be read; {_AGAIN}.") from error
    for name, attack in wrong[:1]:
        raise UserError(
            f"In {shown(name)}, what {shown(attack)} brings over the floor is not what its own shares after and of the "
            "floor give; do not trust it."
        )
    return Told(report.concept, graded, audits), *saved


def _delivered(found: Statement, files: Mapping[str, Path]) -> Delivered | None:
    """What is in the pack about the model that users get. Raises UserError if it contradicts itself, or is about other
    weights than the statement."""
    if facts.VERIFIED not in files:
        return None
    document = _parsed(_content(files[facts.VERIFIED]), files[facts.VERIFIED])
    try:
        delivered = read_delivered(document)
    except ValueError as error:
        raise UserError(f"{facts.VERIFIED} in the pack cannot be used: {_clause(error)}; do not trust it.") from error
    if delivered.weights != found.run:
        raise UserError(f"{facts.VERIFIED} in the pack is about other weights than the statement; do not trust it.")
    return delivered


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return f"{', '.join(map(shown, names[:2]))}{more} {'is' if len(names) == 1 else 'are'}"


def _clause(error: ValueError) -> str:
    """What a parser says, short."""
    return shown(" ".join(str(error).split()))
