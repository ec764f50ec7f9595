"""What the tests of evidence packs share: packs, keys, and the ways to change a pack with and without its hashes."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from unsee.attacks.scoring import excess
from unsee.commands.evidence import EvidenceOptions, make_evidence
from unsee.commands.evidence_check import Checked, check_evidence
from unsee.errors import UserError
from unsee.metrics.score import Score
from unsee.store.hashing import sha256_of, sums_text


@dataclass(frozen=True)
class Packs:
    """A pack of one run, plain and signed."""

    plain: Path
    signed: Path
    key: Path
    public: Path


def signed_beside(plain: Path) -> Packs:
    """The same pack again, signed with a new key. Its run is next to it."""
    key, public = write_key(plain.parent / "key.pem")
    signed = make_evidence(EvidenceOptions(plain.parent / "run", plain.parent / "signed", key)).folder
    return Packs(plain, signed, key, public)


def write_key(path: Path, key: Any = None) -> tuple[Path, Path]:
    """A new key pair as `openssl` writes it: the private and the public file."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = key or Ed25519PrivateKey.generate()
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip
    public = path.with_suffix(".pub.pem")
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )  # fmt: skip
    return path, public


@contextmanager
def copied(pack: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield shutil.copytree(pack, Path(folder) / "pack")


def says(pack: Path, key: Path | None = None) -> str:
    with pytest.raises(UserError) as raised:
        check_evidence(pack, key)
    return str(raised.value)


def checked_or_refused(pack: Path, key: Path | None = None) -> Checked | None:
    """None where the pack was refused, in a sentence."""
    checked, sentence = None, "."
    try:
        checked = check_evidence(pack, key)
    except UserError as error:
        sentence = str(error)
    assert sentence.endswith(".")
    return checked


def subject(statement: dict[str, Any], name: str) -> dict[str, Any]:
    """What a statement says about a file."""
    return next(one for one in statement["subject"] if one["name"] == name)


def restate(pack: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the statement of an unsigned pack."""
    statement = json.loads((pack / "statement.json").read_text())
    change(statement)
    (pack / "statement.json").write_text(json.dumps(statement))


def rehash(pack: Path, *names: str) -> None:
    """Put the SHA-256 of files that were changed into the list and the statement of an unsigned pack."""
    new = dict(line.split("  ")[::-1] for line in (pack / "SHA256SUMS").read_text().splitlines())
    new |= {name: sha256_of(pack / name) for name in names}
    (pack / "SHA256SUMS").write_text(sums_text(new))
    for name in (*names, "SHA256SUMS"):
        digest = sha256_of(pack / name)
        restate(pack, lambda s, n=name, d=digest: subject(s, n)["digest"].update(sha256=d))


def rewrite(pack: Path, name: str, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change a JSON file of an unsigned pack so that every hash still fits."""
    document = json.loads((pack / name).read_text())
    change(document)
    (pack / name).write_text(json.dumps(document))
    rehash(pack, name)


def all_came_back(document: dict[str, Any]) -> None:
    """An audit.json in which every attack brings the concept back."""
    for one in document["concepts"]["Mara Voss"]["rows"]:
        states = one["states"]
        states["after"]["score"] = states["before"]["score"]
        one["excess"] = excess(*(Score.read(states[key]["score"]) for key in ("after", "floor"))).to_dict()


def scores_hidden(document: dict[str, Any]) -> None:
    """One in which the last attack's share after is said to be that of the floor."""
    states = document["concepts"]["Mara Voss"]["rows"][-1]["states"]
    states["after"]["score"] = states["floor"]["score"]
