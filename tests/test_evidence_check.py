"""The check of a pack: everything that was changed is found, and nothing that a stranger sends ends in a traceback."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.command_line import call, printed, refused
from tests.saved_run import audit, row, saved_run
from unsee.attacks.scoring import excess
from unsee.commands import evidence_check
from unsee.commands.evidence import EvidenceOptions, make_evidence
from unsee.commands.evidence_check import Checked, check_evidence
from unsee.errors import UserError
from unsee.metrics.score import Score
from unsee.store.hashing import sha256_of, sums_text
from unsee.store.text import strictly_parsed


@dataclass(frozen=True)
class Packs:
    plain: Path
    signed: Path
    key: Path
    public: Path


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs")
    return make_evidence(EvidenceOptions(saved_run(folder / "run"), folder / "plain")).folder


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


@pytest.fixture(scope="module")
def packs(plain: Path) -> Packs:
    pytest.importorskip("cryptography", reason="needs unsee[evidence]")
    key, public = write_key(plain.parent / "key.pem")
    signed = make_evidence(EvidenceOptions(plain.parent / "run", plain.parent / "signed", key)).folder
    return Packs(plain, signed, key, public)


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


def restate(pack: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the statement of an unsigned pack."""
    statement = json.loads((pack / "statement.json").read_text())
    change(statement)
    (pack / "statement.json").write_text(json.dumps(statement))


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


@pytest.mark.parametrize("name", ["evidence.html", "report.json", "audit.json", "manifest.json", "request.yaml",
                                  "bom.cdx.json", "SHA256SUMS"])  # fmt: skip
def test_a_file_that_is_changed_missing_or_added_is_named(plain: Path, name: str) -> None:
    with copied(plain) as pack:
        content = (pack / name).read_bytes()
        (pack / name).write_bytes(content[:-2] + b" \n")
        assert f"{name} is changed" in says(pack)
        (pack / name).unlink()
        assert f"{name} is missing" in says(pack)
        (pack / name).write_bytes(content)
        (pack / "more").mkdir()
        (pack / "more" / name).write_bytes(content)
        assert f"more/{name} is not part of it" in says(pack)


def test_several_files_are_counted(plain: Path) -> None:
    with copied(plain) as pack:
        for name in ("report.json", "audit.json", "manifest.json"):
            (pack / name).unlink()
        assert "audit.json, manifest.json and 1 more are missing" in says(pack)


def _links(pack: Path) -> None:
    (pack / "report.json").unlink()
    (pack / "report.json").symlink_to("audit.json")


def _folder_link(pack: Path) -> None:
    (pack / "deep").symlink_to("/")


def _two(pack: Path) -> None:
    shutil.copy(pack / "statement.json", pack / "statement.dsse.json")


def _sums(pack: Path) -> None:
    """A list that leaves a file out, and a statement that fits it."""
    lines = (pack / "SHA256SUMS").read_text().splitlines(keepends=True)
    (pack / "SHA256SUMS").write_text("".join(lines[1:]))
    restate(pack, lambda s: _subject(s, "SHA256SUMS")["digest"].update(sha256=sha256_of(pack / "SHA256SUMS")))


def _better(pack: Path) -> None:
    restate(pack, lambda s: s["predicate"]["unsee"].update(grade="plain"))


def _subject(statement: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in statement["subject"] if one["name"] == name)


def _deep(pack: Path) -> None:
    (pack / "statement.json").write_text("[" * 100_000)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (_links, "report.json in"),
        (_folder_link, "deep in"),
        (lambda pack: os.mkfifo(pack / "pipe"), "pipe in"),
        (_two, "two statements, and they could differ"),
        (lambda pack: (pack / "statement.json").unlink(), "neither statement.json nor"),
        (_sums, "SHA256SUMS in"),
        (lambda pack: restate(pack, lambda s: s["predicate"].update(result="FAILED")), "but the figures in the pack"),
        (lambda pack: restate(pack, lambda s: s["predicate"]["unsee"].update(headline="Gone")), "figures in the pack"),
        (_better, "says something else than audit.json"),
        (_deep, "nested too deeply"),
        (lambda pack: (pack / "statement.json").write_bytes(b"\xff\xfe"), "statement.json is damaged"),
        (lambda pack: (pack / "statement.json").write_text('{"_type": 1, "_type": 2}'), "a key stands in it twice"),
        (lambda pack: (pack / "statement.json").write_text('{"a": NaN}'), "NaN is no JSON"),
        (lambda pack: (pack / "statement.json").write_text("1" * 10_000), "statement.json is damaged"),
        (lambda pack: (pack / "statement.json").write_text("[]"), "no in-toto statement of version 1"),
        (lambda pack: restate(pack, lambda s: s.update(_type="https://in-toto.io/Statement/v0.1")), "version 1"),
        (lambda pack: restate(pack, lambda s: s.update(predicateType="x")), "states no test result"),
        (lambda pack: restate(pack, lambda s: s["predicate"].update(result="GREAT")), "has no result"),
        (lambda pack: restate(pack, lambda s: s["predicate"]["unsee"].update(schema="x")), "not of this version"),
        (lambda pack: restate(pack, lambda s: s["predicate"]["unsee"].pop("level")), "does not say what was tested"),
        (lambda pack: restate(pack, lambda s: s.update(subject=[])), "has no subjects"),
        (lambda pack: restate(pack, lambda s: s["subject"].append(s["subject"][0])), "stands in it twice"),
        (lambda pack: restate(pack, lambda s: s["subject"].append(7)), "no name that is a path inside the pack"),
    ],
)  # fmt: skip
def test_a_hostile_pack_gets_one_sentence(plain: Path, spoil: Callable[[Path], Any], expected: str) -> None:
    with copied(plain) as pack:
        spoil(pack)
        assert expected in refused(call("evidence", "check", pack))


@pytest.mark.parametrize("digest", [
    {"sha256": "abc"}, {"sha256": "A" * 64}, {"sha256": "g" * 64}, {"sha256": ""}, {"sha256": None}, {}, "0" * 64,
    {"sha1": "0" * 40}, {"sha256": "0" * 64, "md5": "0" * 32}, {"SHA256": "0" * 64}, {"sha256": "0" * 63 + "\n"},
])  # fmt: skip
def test_only_whole_sha256_digests_count(plain: Path, digest: Any) -> None:
    with copied(plain) as pack:
        restate(pack, lambda s: _subject(s, "audit.json").update(digest=digest))
        assert "is no whole SHA-256" in says(pack)


@pytest.mark.parametrize("name", ["", ".", "..", "../run/report.json", "/etc/passwd", "a/../b", "./audit.json", "a//b",
                                  "audit.json/", None, 3])  # fmt: skip
def test_no_subject_names_a_path_outside_the_pack(plain: Path, name: Any) -> None:
    with copied(plain) as pack:
        restate(pack, lambda s: _subject(s, "audit.json").update(name=name))
        assert "no name that is a path inside the pack" in says(pack)


def test_a_pack_of_too_many_or_too_large_files_is_refused(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_check, "MOST_FILES", 3)
    assert "more than 3 files" in says(plain)
    monkeypatch.setattr(evidence_check, "MOST_FILES", 1000)
    monkeypatch.setattr(evidence_check, "LARGEST", 2_000_000)
    with copied(plain) as pack:
        with (pack / "report.json").open("ab") as file:
            file.truncate(3_000_000_000)
        assert "report.json in" in says(pack)
        assert "over 2 MB" in says(pack)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    assert "There is no folder" in refused(call("evidence", "check", tmp_path / "none"))
    assert "neither statement.json nor" in refused(call("evidence", "check", tmp_path))


def test_a_run_is_no_pack(plain: Path) -> None:
    assert "is a run and no pack" in refused(call("evidence", "check", plain.parent / "run"))


def rehash(pack: Path, *names: str) -> None:
    """Put the SHA-256 of files that were changed into the list and the statement of an unsigned pack."""
    new = dict(line.split("  ")[::-1] for line in (pack / "SHA256SUMS").read_text().splitlines())
    new |= {name: sha256_of(pack / name) for name in names}
    (pack / "SHA256SUMS").write_text(sums_text(new))
    for name in (*names, "SHA256SUMS"):
        digest = sha256_of(pack / name)
        restate(pack, lambda s, n=name, d=digest: _subject(s, n)["digest"].update(sha256=d))


def rewrite(pack: Path, name: str, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change a JSON file of an unsigned pack so that every hash still fits."""
    document = json.loads((pack / name).read_text())
    change(document)
    (pack / name).write_text(json.dumps(document))
    rehash(pack, name)


def _all_came_back(document: dict[str, Any]) -> None:
    for one in document["concepts"]["Mara Voss"]["rows"]:
        states = one["states"]
        states["after"]["score"] = states["before"]["score"]
        one["excess"] = excess(*(Score.read(states[key]["score"]) for key in ("after", "floor"))).to_dict()


def _excess_hidden(document: dict[str, Any]) -> None:
    last = document["concepts"]["Mara Voss"]["rows"][-1]
    last["excess"] = {**last["excess"], "value": 0.0, "low": -5.7, "high": 5.7}


def _scores_hidden(document: dict[str, Any]) -> None:
    states = document["concepts"]["Mara Voss"]["rows"][-1]["states"]
    states["after"]["score"] = states["floor"]["score"]


def test_figures_that_were_changed_with_their_hashes_do_not_give_the_result(plain: Path) -> None:
    with copied(plain) as pack:
        rewrite(pack, "audit.json", _all_came_back)
        assert "but the figures in the pack give 'Not forgotten'" in says(pack)


@pytest.mark.parametrize("change", [_excess_hidden, _scores_hidden])
def test_the_excess_over_the_floor_is_computed_again(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Either of the two is changed to look better than it is, and the other left."""
    run = saved_run(tmp_path / "run", audit(row("paraphrase", 0.0), row("languages", 0.0), row("facts", 90.0)))
    pack = make_evidence(EvidenceOptions(run, tmp_path / "pack")).folder
    assert check_evidence(pack).statement.result == "FAILED"
    rewrite(pack, "audit.json", change)
    assert "In audit.json, what facts brings over the floor is not what" in says(pack)


def test_a_run_whose_excess_was_changed_gets_no_pack(tmp_path: Path) -> None:
    run = saved_run(tmp_path / "run")
    path = run / "audit" / "audit.json"
    document = json.loads(path.read_text())
    _scores_hidden(document)
    document["concepts"]["Mara Voss"]["rows"][-1]["states"]["after"]["score"]["value"] = 2.0
    path.write_text(json.dumps(document))
    assert "was changed: what it says of the floor" in refused(call("evidence", "make", run, "--out", tmp_path / "p"))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value in a JSON document."""
    yield path
    if isinstance(document, (dict, list)):
        for key, value in document.items() if isinstance(document, dict) else enumerate(document):
            yield from places(value, (*path, key))


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[path[0]] = replaced(document[path[0]], path[1:], value)
    return copy


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_statement_of_anything_is_read_or_refused_in_one_sentence(plain: Path, data: st.DataObject) -> None:
    statement = json.loads((plain / "statement.json").read_text())
    path = data.draw(st.sampled_from(list(places(statement))))
    wild = data.draw(st.one_of(values.map(lambda value: json.dumps(replaced(statement, path, value)).encode()),
                               st.binary(max_size=60)))  # fmt: skip
    with copied(plain) as pack:
        (pack / "statement.json").write_bytes(wild)
        checked = checked_or_refused(pack)
        if checked is not None:
            # What it says of the files is still true.
            assert checked.statement.pack == check_evidence(plain).statement.pack


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_file_of_any_name_that_was_added_is_found(plain: Path, data: st.DataObject) -> None:
    alphabet = st.characters(exclude_characters="/\0", exclude_categories=())
    name = data.draw(st.text(alphabet, min_size=1, max_size=20).filter(lambda name: name not in (".", "..")))
    with copied(plain) as pack:
        try:
            path = pack / name
            if path.exists():
                return
            path.write_bytes(b"x")
        except (OSError, UnicodeEncodeError, ValueError):
            return
        sentence = refused(call("evidence", "check", pack))
        assert "not part of it" in sentence or "two statements" in sentence


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


def test_another_key_and_no_signature_are_not_taken(packs: Packs, tmp_path: Path) -> None:
    _, other = write_key(tmp_path / "other.pem")
    assert "is not by" in says(packs.signed, other)
    assert "is not signed, so" in says(packs.plain, packs.public)


def test_a_pack_that_was_made_again_with_another_key_is_not_the_first_signers(packs: Packs, tmp_path: Path) -> None:
    """Whoever changes a pack and signs it anew passes only where nobody names the first key."""
    key, _ = write_key(tmp_path / "thief.pem")
    forged = make_evidence(EvidenceOptions(packs.plain.parent / "run", tmp_path / "forged", key)).folder
    assert check_evidence(forged).trusted is False
    assert "is not by" in says(forged, packs.public)


def test_a_changed_statement_breaks_the_signature(packs: Packs) -> None:
    with copied(packs.signed) as pack:
        path = pack / "statement.dsse.json"
        envelope = json.loads(path.read_text())
        statement = base64.b64decode(envelope["payload"]).replace(b"PASSED", b"FAILED", 1)
        path.write_text(json.dumps({**envelope, "payload": base64.b64encode(statement).decode()}))
        assert "the statement was changed" in says(pack)


def test_a_signed_pack_without_its_envelope_is_no_pack(packs: Packs) -> None:
    """Taking the signature off must not make an unsigned pack that holds."""
    with copied(packs.signed) as pack:
        envelope = json.loads((pack / "statement.dsse.json").read_text())
        (pack / "statement.json").write_bytes(base64.b64decode(envelope["payload"]))
        assert "two statements" in says(pack)
        (pack / "statement.dsse.json").unlink()
        assert "the signature was taken off" in says(pack)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"payloadType": "application/json"}, "of the type 'application/json'"),
        ({"payloadType": 3}, "no DSSE envelope"),
        ({"signatures": []}, "no DSSE envelope"),
        ({"signatures": [3]}, "a signature in it is damaged"),
        ({"signatures": [{"sig": "?"}]}, "a signature is no base64"),
        ({"signatures": [{}]}, "a signature is missing"),
        ({"signatures": [{"sig": ""}]}, "the statement was changed"),
        ({"payload": "é"}, "its payload is no base64"),
        ({"payload": None}, "its payload is missing"),
    ],
)
def test_a_damaged_envelope_gets_one_sentence(packs: Packs, change: dict[str, Any], expected: str) -> None:
    with copied(packs.signed) as pack:
        path = pack / "statement.dsse.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
        assert expected in refused(call("evidence", "check", pack))


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


@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_any_changed_byte_of_a_signed_pack_is_found(packs: Packs, data: st.DataObject) -> None:
    names = sorted(path.name for path in packs.signed.iterdir())
    name = data.draw(st.sampled_from(names))
    content = bytearray((packs.signed / name).read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    with copied(packs.signed) as pack:
        (pack / name).write_bytes(content)
        checked = checked_or_refused(pack, packs.public)
        if checked is not None:
            # Spaces and the hint of the key are not signed; they decide nothing.
            assert name == "statement.dsse.json"
            assert checked.statement == check_evidence(packs.signed, packs.public).statement
            assert strictly_parsed(bytes(content))["payloadType"] == "application/vnd.in-toto+json"


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
