"""DSSE envelopes: a body, its type, and ed25519 signatures over both.

Source: DSSE protocol 1.0 (secure-systems-lab/dsse), the envelope in which in-toto and Sigstore sign. Nothing here goes
to the network. A key is a PEM file as `openssl genpkey -algorithm ed25519` writes it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unsee.errors import UserError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_LARGEST_KEY = 65_536
_MAKE = "openssl genpkey -algorithm ed25519 -out key.pem"


@dataclass(frozen=True)
class Envelope:
    """What an envelope holds, not yet verified."""

    body: bytes
    kind: str
    signatures: tuple[bytes, ...]

    def is_signed_by(self, key: Ed25519PublicKey) -> bool:
        """Whether one of the signatures is this key's. The hint `keyid` decides nothing, as the protocol says."""
        from cryptography.exceptions import InvalidSignature

        for signature in self.signatures:
            try:
                key.verify(signature, pae(self.kind, self.body))
            except InvalidSignature:
                continue
            return True
        return False


def pae(kind: str, body: bytes) -> bytes:
    """The bytes that are signed: the pre-authentication encoding of a body and its type."""
    name = kind.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(body), body)


def sealed(body: bytes, kind: str, key: Ed25519PrivateKey) -> dict[str, Any]:
    """The envelope of `body`, signed with `key`. The same body and key give the same envelope."""
    signature = key.sign(pae(kind, body))
    return {
        "payload": base64.b64encode(body).decode(),
        "payloadType": kind,
        "signatures": [{"keyid": key_id(key.public_key()), "sig": base64.b64encode(signature).decode()}],
    }


def opened(document: Any) -> Envelope:
    """An envelope from its parsed JSON. Raises ValueError, with a clause, for anything else."""
    if not isinstance(document, dict):
        raise ValueError("it is no DSSE envelope")
    kind, signatures = document.get("payloadType"), document.get("signatures")
    if not isinstance(kind, str) or not isinstance(signatures, list) or not signatures:
        raise ValueError("it is no DSSE envelope with a type and signatures")
    if not all(isinstance(one, dict) for one in signatures):
        raise ValueError("a signature in it is damaged")
    found = tuple(_decoded(one.get("sig"), "a signature") for one in signatures)
    return Envelope(_decoded(document.get("payload"), "its payload"), kind, found)


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Raises UserError if the file is no ed25519 private key, or needs a password."""
    private, _ = _key_types()
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    def load(content: bytes) -> Any:
        try:
            return load_pem_private_key(content, password=None)
        except TypeError as error:
            raise UserError(
                f"The key {path} is locked with a password; unlock a copy with openssl pkey -in {path.name} -out COPY."
            ) from error

    return _key(path, load, private, f"make one with {_MAKE}")


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Raises UserError if the file is no ed25519 public key."""
    _, public = _key_types()
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    def load(content: bytes) -> Any:
        if b"PRIVATE KEY-----" in content:
            raise UserError(
                f"{path} is a private key, which only the signer needs; give the public one, which openssl pkey -in "
                f"{path.name} -pubout writes."
            )
        return load_pem_public_key(content)

    return _key(path, load, public, "give the signer's public key (openssl pkey -pubout writes it)")


def public_pem(key: Ed25519PublicKey) -> str:
    """The text of the file of a public key."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def key_id(key: Ed25519PublicKey) -> str:
    """SHA-256 (hex) of the key as DER, by which people compare keys: `openssl pkey -pubin -outform DER | sha256sum`."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _key_types() -> tuple[Any, Any]:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    except ImportError as error:
        raise UserError("Signatures need the package cryptography; install unsee[evidence].") from error
    return Ed25519PrivateKey, Ed25519PublicKey


def _key(path: Path, load: Callable[[bytes], Any], wanted: Any, advice: str) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        if path.stat().st_size > _LARGEST_KEY:
            raise ValueError("it is too large")
        found = load(path.read_bytes())
    except OSError as error:
        raise UserError(f"The key {path} cannot be read: {error.strerror or error}; check the path.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UserError(f"{path} is no such key in PEM form; {advice}.") from error
    if not isinstance(found, wanted):
        raise UserError(f"{path} is a key of another kind than ed25519; {advice}.")
    return found


def _decoded(text: object, what: str) -> bytes:
    """Base64 in the standard or the URL-safe alphabet: verifiers must take either. Raises ValueError."""
    if not isinstance(text, str):
        raise ValueError(f"{what} is missing")
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/").encode("ascii"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{what} is no base64") from error
