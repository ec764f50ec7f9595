"""DSSE envelopes are those of the protocol: other programs verify them."""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from unsee.errors import UserError
from unsee.store.dsse import opened, pae, read_private_key, read_public_key

pytest.importorskip("cryptography", reason="needs unsee[evidence]")


def test_what_is_signed_is_the_example_of_the_protocol() -> None:
    """From protocol.md of DSSE 1.0."""
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_lengths_are_those_of_bytes() -> None:
    assert pae("é", "ü€".encode()) == b"DSSEv1 2 \xc3\xa9 5 \xc3\xbc\xe2\x82\xac"


def test_the_envelope_of_the_protocol_is_read() -> None:
    envelope = opened(
        {
            "payload": "aGVsbG8gd29ybGQ=",
            "payloadType": "http://example.com/HelloWorld",
            "signatures": [
                {"sig": "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="}
            ],
        }
    )
    assert (envelope.body, envelope.kind, len(envelope.signatures[0])) == (
        b"hello world", "http://example.com/HelloWorld", 64,
    )  # fmt: skip


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")
def test_openssl_verifies_what_was_signed_with_its_key(tmp_path: Path) -> None:
    from unsee.store.dsse import public_pem, read_private_key, sealed

    def openssl(*words: str) -> str:
        ran = subprocess.run(["openssl", *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        return ran.stdout

    openssl("genpkey", "-algorithm", "ed25519", "-out", "key.pem")
    key = read_private_key(tmp_path / "key.pem")
    assert public_pem(key.public_key()) == openssl("pkey", "-in", "key.pem", "-pubout")
    envelope = sealed(b'{"a": 1}', "application/vnd.in-toto+json", key)
    (tmp_path / "signature").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    (tmp_path / "body").write_bytes(pae("application/vnd.in-toto+json", base64.b64decode(envelope["payload"])))
    verify = ("pkeyutl", "-verify", "-inkey", "key.pem", "-rawin", "-in", "body", "-sigfile", "signature")
    assert "Verified Successfully" in openssl(*verify)


@pytest.mark.parametrize("read", [read_private_key, read_public_key])
def test_without_the_package_a_sentence_says_what_to_install(
    read: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("serialization", "asymmetric.ed25519"):
        monkeypatch.setitem(sys.modules, f"cryptography.hazmat.primitives.{name}", None)
    with pytest.raises(UserError, match=r"install unsee\[evidence\]"):
        read(tmp_path / "key.pem")
