"""The check of a pack that is as it was made: it holds, wherever it lies, and with a signature it names the key."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

from tests.command_line import call, printed, refused
from tests.packs import Packs, copied, signed_beside, write_key
from tests.saved_run import saved_run
from unsee.commands.evidence import EvidenceOptions, make_evidence
from unsee.commands.evidence_check import check_evidence
from unsee.store.hashing import sha256_of, sums_text


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs")
    return make_evidence(EvidenceOptions(saved_run(folder / "run"), folder / "plain")).folder


@pytest.fixture(scope="module")
def packs(plain: Path) -> Packs:
    pytest.importorskip("cryptography", reason="needs unsee[evidence]")
    return signed_beside(plain)


def test_a_pack_holds_as_it_was_made(plain: Path) -> None:
    done = printed(call("evidence", "check", plain, "--json"))
    assert (done["signed"], done["key"], done["trusted"]) == (False, None, False)
    assert (done["result"], done["grade"], done["concept"], done["files"]) == ("PASSED", "holds", "Mara Voss", 7)
    run = plain.parent / "run"
    assert done["weights"]["adapter_model.safetensors"] == sha256_of(run / "adapter_model.safetensors")
    told = call("evidence", "check", plain)
    assert "The pack is whole: 7 files" in told.stdout
    assert "not signed" in told.stderr


def test_a_pack_can_be_moved_and_needs_no_run(plain: Path) -> None:
    with copied(plain) as pack:
        assert check_evidence(pack).statement == check_evidence(plain).statement


def test_a_signed_pack_holds_and_names_its_key(packs: Packs) -> None:
    done = printed(call("evidence", "check", packs.signed, "--key", packs.public, "--json"))
    assert (done["signed"], done["trusted"]) == (True, True)
    assert (packs.signed / "key.pub.pem").read_bytes() == packs.public.read_bytes()
    der = base64.b64decode("".join(packs.public.read_text().splitlines()[1:-1]))
    assert done["key"] == hashlib.sha256(der).hexdigest()
    assert done["key"] in (packs.signed / "evidence.html").read_text("utf-8")
    own = call("evidence", "check", packs.signed)
    assert (own.exit_code, "which came with it" in own.stderr) == (0, True)


def test_signing_again_gives_the_same_bytes(packs: Packs, tmp_path: Path) -> None:
    again = make_evidence(EvidenceOptions(packs.plain.parent / "run", tmp_path / "again", packs.key)).folder
    name = "statement.dsse.json"
    assert (again / name).read_bytes() == (packs.signed / name).read_bytes()


def test_url_safe_base64_and_further_signatures_are_read_as_the_protocol_says(packs: Packs) -> None:
    with copied(packs.signed) as pack:
        path = pack / "statement.dsse.json"
        envelope = json.loads(path.read_text())
        for part in (envelope, envelope["signatures"][0]):
            for key in ("payload", "sig"):
                if key in part:
                    part[key] = part[key].replace("+", "-").replace("/", "_")
        envelope["signatures"].insert(0, {"keyid": "somebody", "sig": base64.b64encode(b"1" * 64).decode()})
        path.write_text(json.dumps(envelope))
        assert check_evidence(pack, packs.public).trusted


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "no such key in PEM form"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no such key in PEM form"),
        (b"x" * 100_000, "no such key in PEM form"),
    ],
)
def test_a_key_that_is_none_gets_one_sentence(packs: Packs, content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    run = packs.plain.parent / "run"
    assert expected in refused(call("evidence", "make", run, "--out", tmp_path / "pack", "--key", path))
    private = b"PRIVATE KEY" in content
    assert ("is a private key" if private else expected) in refused(
        call("evidence", "check", packs.signed, "--key", path)
    )
    assert not (tmp_path / "pack").exists()


def test_keys_of_other_kinds_and_with_passwords_are_refused(packs: Packs, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    run, out = packs.plain.parent / "run", tmp_path / "pack"
    curve, public = write_key(tmp_path / "curve.pem", ec.generate_private_key(ec.SECP256R1()))
    assert "another kind than ed25519" in refused(call("evidence", "make", run, "--out", out, "--key", curve))
    assert "another kind than ed25519" in refused(call("evidence", "check", packs.signed, "--key", public))
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    assert "is locked with a password" in refused(call("evidence", "make", run, "--out", out, "--key", locked))
    assert "cannot be read: No such file" in refused(
        call("evidence", "make", run, "--out", out, "--key", tmp_path / "no")
    )
    assert "no such key in PEM form" in refused(call("evidence", "make", run, "--out", out, "--key", packs.public))


def test_the_private_key_is_nowhere_in_the_pack(packs: Packs) -> None:
    secret = packs.key.read_text().splitlines()[1].encode()
    assert not any(secret in path.read_bytes() for path in packs.signed.iterdir())


def test_sums_are_in_the_order_of_names() -> None:
    assert sums_text({"b": "2", "a/c": "1"}) == "1  a/c\n2  b\n"
