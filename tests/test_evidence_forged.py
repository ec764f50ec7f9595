"""The check of a pack that somebody changed: it is found, with hashes that fit or without, and with another signature.

What a stranger may send besides is in tests/hostile_packs.py.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.command_line import call, refused
from tests.packs import (
    Packs,
    all_came_back,
    checked_or_refused,
    copied,
    rewrite,
    says,
    scores_hidden,
    signed_beside,
    write_key,
)
from tests.saved_run import audit, row, saved_run
from unsee.commands import evidence_check
from unsee.commands.evidence import EvidenceOptions, make_evidence
from unsee.commands.evidence_check import check_evidence
from unsee.store.text import strictly_parsed


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs")
    return make_evidence(EvidenceOptions(saved_run(folder / "run"), folder / "plain")).folder


@pytest.fixture(scope="module")
def packs(plain: Path) -> Packs:
    pytest.importorskip("cryptography", reason="needs unsee[evidence]")
    return signed_beside(plain)


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


def excess_hidden(document: dict[str, Any]) -> None:
    last = document["concepts"]["Mara Voss"]["rows"][-1]
    last["excess"] = {**last["excess"], "value": 0.0, "low": -5.7, "high": 5.7}


def test_figures_that_were_changed_with_their_hashes_do_not_give_the_result(plain: Path) -> None:
    with copied(plain) as pack:
        rewrite(pack, "audit.json", all_came_back)
        assert "but the figures in the pack give 'Not forgotten'" in says(pack)


@pytest.mark.parametrize("change", [excess_hidden, scores_hidden])
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
    scores_hidden(document)
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
