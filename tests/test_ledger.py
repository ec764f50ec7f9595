"""A ledger: what is in the chain, what is refused, and that nothing can be changed without being found.

What may be wrong with one, case by case, is in tests/hostile_ledgers.py.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.command_line import call, left_in, printed, refused
from tests.hostile_ledgers import entry, linked
from tests.ledgers import five_entries, forgetting, new_ledger, revoking
from unsee.errors import UserError
from unsee.ledger import Ledger, inspect
from unsee.store.locking import locked

NAMES = [f"{number:04d}.json" for number in range(1, 6)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return five_entries(tmp_path_factory.mktemp("whole") / "ledger")


@pytest.fixture
def ledger(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "ledger"))


def test_each_entry_holds_the_hash_of_the_file_before_it(whole: Path) -> None:
    files = [(whole / "entries" / name).read_bytes() for name in NAMES]
    digests = [hashlib.sha256(data).hexdigest() for data in files]
    assert [json.loads(data)["previous"] for data in files] == ["", *digests[:-1]]
    assert json.loads((whole / "head.json").read_text()) == {"number": 5, "sha256": digests[-1]}


def test_what_is_active_is_what_was_forgotten_and_not_revoked(whole: Path) -> None:
    ledger = Ledger.open(whole)
    assert [one.id for one in ledger.active] == ["jonas-hale"]
    assert [one.id for one in ledger.revoked] == ["mara-voss"]
    assert ledger.build is not None
    assert ledger.build.active == ("jonas-hale",)


def test_somebody_can_be_forgotten_again_after_a_revocation_but_not_twice(ledger: Path) -> None:
    found = Ledger.open(ledger)
    again = forgetting(found, "Mara Voss")
    assert [one.id for one in again.active] == ["jonas-hale", "mara-voss-2"]
    assert again.problems() == []
    with pytest.raises(UserError, match="Jonas Hale is forgotten already, by the request jonas-hale"):
        again.new_id("Somebody", ("Somebody", "Hale, Jonas"))


def test_nothing_can_be_revoked_twice(ledger: Path) -> None:
    found = Ledger.open(ledger)
    assert found.active_request("Jonas Hale").id == "jonas-hale"
    with pytest.raises(UserError, match=r"mara-voss in .* is revoked already"):
        found.active_request("Mara Voss")
    with pytest.raises(UserError, match="did you mean 'jonas-hale'"):
        found.active_request("jonas-hal")


def test_verify_passes_what_is_whole(whole: Path) -> None:
    document = printed(call("ledger", "verify", whole, "--json"))
    assert document["verified"]
    assert document["entries"] == 5
    assert document["problems"] == []


def test_a_link_is_found_by_a_relative_path_too(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    linked(ledger)
    monkeypatch.chdir(ledger.parent)
    (sentence,) = Ledger.open(Path("ledger")).problems()
    assert sentence.startswith("ledger/runs/0002-jonas-hale/adapter_model.safetensors is missing")


def test_what_a_desktop_leaves_in_a_request_is_no_damage(ledger: Path) -> None:
    (ledger / "requests" / "mara-voss" / ".DS_Store").write_bytes(b"x")
    assert Ledger.open(ledger).problems() == []


def test_an_entry_that_could_not_be_read_again_is_not_written(ledger: Path) -> None:
    with pytest.raises(UserError, match="more than the 1,000,000 bytes"):
        Ledger.open(ledger).append("note", note="x" * 1_000_000)
    assert len(Ledger.open(ledger).entries) == 5


def test_a_new_history_is_told_by_a_digest_that_was_written_down(whole: Path, tmp_path: Path) -> None:
    known = Ledger.open(whole).entries[2].sha256
    assert printed(call("ledger", "verify", whole, "--contains", known, "--json"))["verified"]
    other = tmp_path / "other"
    forgetting(new_ledger(other), "Jonas Hale")
    done = call("ledger", "verify", other, "--contains", known)
    assert done.exit_code == 1
    assert "it is another history" in done.stdout
    assert "copy all of them" in refused(call("ledger", "verify", whole, "--contains", known[:8]))


def test_a_head_that_is_one_behind_is_a_killed_process_and_no_damage(ledger: Path) -> None:
    behind = (ledger / "head.json").read_bytes()
    found = Ledger.open(ledger).append("note", note="Killed after this")
    (ledger / "head.json").write_bytes(behind)
    assert Ledger.open(ledger).entries == found.entries
    Ledger.open(ledger).append("note", note="And on")
    assert json.loads((ledger / "head.json").read_text())["number"] == 7


def test_what_a_killed_process_left_is_cleared_and_never_in_git(ledger: Path) -> None:
    (ledger / "entries" / ".0006.json.abc").write_text("half")
    assert inspect(ledger)[1] == []
    Ledger.open(ledger).append("note", note="Next")
    assert left_in(ledger / "entries") == {*NAMES, "0006.json"}
    (ledger / "runs" / ".0003-x.unfinished").mkdir()
    (ledger / "runs" / ".0003-x.unfinished" / "half").write_text("")
    git = ["git", "-C", str(ledger)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    held = subprocess.run([*git, "ls-files"], check=True, capture_output=True, text=True).stdout.split()
    assert "entries/0006.json" in held
    assert "head.json" in held
    assert not any("unfinished" in path for path in held)


def test_two_processes_do_not_write_at_once(ledger: Path) -> None:
    with locked(ledger):
        assert f"in use by process {os.getpid()}" in refused(call("ledger", "note", ledger, "Meanwhile"))
        # Looking is free.
        assert printed(call("ledger", "status", ledger, "--json"))["entries"] == 5
    assert len(inspect(ledger)[0]) == 5


def test_a_killed_process_loses_nothing() -> None:
    """Few kills here; `python -m tests.ledger_kills 100` has more."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.ledger_kills", "6"], capture_output=True, text=True, cwd=Path(__file__).parents[1]
    )
    assert done.returncode == 0, done.stderr
    assert "6 kills" in done.stdout
    assert "nothing lost" in done.stdout


def test_status_shows_the_newest_evidence_and_the_notes(whole: Path) -> None:
    document = printed(call("ledger", "status", whole, "--json"))
    (active,), (revoked,) = document["active"], document["revoked"]
    assert active["report"].endswith("runs/0003-mara-voss/jonas-hale/report.html")
    assert active["notes"] == ["Answered."]
    assert revoked["notes"] == ["Letter of May"]
    assert document["adapter"].endswith("runs/0003-mara-voss")


def test_status_shows_what_no_entry_names(ledger: Path) -> None:
    assert printed(call("ledger", "status", ledger, "--json"))["unfinished"] == []
    (ledger / "runs" / ".0004-ines-dorn.unfinished").mkdir()
    (ledger / "runs" / "0004-tom-berg").mkdir()
    found = printed(call("ledger", "status", ledger, "--json"))["unfinished"]
    assert [(Path(one["run"]).name, one["state"]) for one in found] == [
        ("0004-ines-dorn", "interrupted"), ("0004-tom-berg", "trained and not added")
    ]  # fmt: skip
    assert "0004-ines-dorn (interrupted)" in " ".join(call("ledger", "status", ledger).stdout.split())


def test_no_ledger_is_a_slip_and_one_without_entries_was_changed(ledger: Path, tmp_path: Path) -> None:
    assert "is no ledger" in refused(call("ledger", "verify", tmp_path / "nowhere"))
    shutil.rmtree(ledger / "entries")
    assert call("ledger", "verify", ledger).exit_code == 1


def test_programs_get_the_newest_entry(ledger: Path, tmp_path: Path) -> None:
    made = printed(call("ledger", "init", tmp_path / "new", "-m", "world:tiny-qwen3vl", "--json"))
    assert made["entry"]["kind"] == "model"
    noted = printed(call("ledger", "note", ledger, "Heard.", "--json"))
    assert (noted["entry"]["note"], noted["sha256"]) == ("Heard.", Ledger.open(ledger).head)


def test_a_ledger_without_an_active_request_has_no_adapter(ledger: Path) -> None:
    revoking(Ledger.open(ledger), "jonas-hale")
    assert printed(call("ledger", "status", ledger, "--json"))["adapter"] is None


def test_a_new_ledger_knows_its_model_and_takes_no_place_that_is_taken(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    assert call("ledger", "init", folder, "-m", "world:tiny-qwen3vl", "--note", "From \udcff").exit_code == 0
    model = Ledger.open(folder).model
    assert model["model"] == "world:tiny-qwen3vl"
    assert len(model["files"]["weights"]) == 64
    assert "already exists" in refused(call("ledger", "init", folder, "-m", "world:tiny-qwen3vl"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("status", "nowhere"), "nowhere is no ledger; make one with unsee ledger init"),
        (("note", "LEDGER", " "), "The note is empty"),
        (("note", "LEDGER", "x", "--about", "mara-vos"), "did you mean 'mara-voss'"),
        (("revoke", "LEDGER", "mara-voss"), "is revoked already"),
        (("revoke", "LEDGER", "nobody"), "has no request 'nobody'"),
        (("revoke", "LEDGER", "jonas-hale"), "tiny-qwen3vl is another one (weights"),
        (("revoke", "LEDGER", "jonas-hale", "--audit", "hard"), "There is no level of an audit 'hard'"),
    ],
)
def test_a_slip_is_refused_in_a_sentence(words: tuple[str, ...], says: str, ledger: Path) -> None:
    given = [str(ledger) if word == "LEDGER" else word for word in words]
    assert says in refused(call("ledger", *given))
    assert len(inspect(ledger)[0]) == 5


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        yield Path(place)


def spoiled(whole: Path, scratch: Path, number: int, data: bytes) -> list[str]:
    """The problems of the ledger with these bytes in the place of an entry."""
    folder = scratch / "ledger"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole / "entries", folder / "entries")
    shutil.copy(whole / "head.json", folder)
    entry(folder, number).write_bytes(data)
    return inspect(folder)[1]


def check_sentences(problems: list[str]) -> None:
    assert problems
    assert all(sentence.endswith(".") and "\n" not in sentence and len(sentence) < 600 for sentence in problems)


@given(number=st.integers(1, 5), where=st.floats(0, 1), new=st.binary(max_size=4), cut=st.integers(0, 8))
@settings(max_examples=200, deadline=None)
def test_no_byte_of_an_entry_can_be_another(
    whole: Path, scratch: Path, number: int, where: float, new: bytes, cut: int
) -> None:
    data = entry(whole, number).read_bytes()
    start = int(where * len(data))
    changed = data[:start] + new + data[start + cut :]
    problems = spoiled(whole, scratch, number, changed)
    if changed == data:
        assert problems == []
    else:
        check_sentences(problems)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


FIELDS = ["number", "previous", "time", "kind", "id", "build", "content"]
INNER = ["", "request", "results", "weights", "active", "files", "base", "seed"]


@given(number=st.integers(1, 5), key=st.sampled_from(FIELDS), inner=st.sampled_from(INNER), value=JSON)
@settings(max_examples=200, deadline=None)
def test_no_field_of_an_entry_can_hold_something_else(
    whole: Path, scratch: Path, number: int, key: str, inner: str, value: object
) -> None:
    document = json.loads(entry(whole, number).read_text())
    was = json.dumps(document)
    place = document[key] if isinstance(document[key], dict) and inner in document[key] else document
    place[inner if place is not document else key] = value
    if json.dumps(document) != was:
        text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        check_sentences(spoiled(whole, scratch, number, text.encode("utf-8", "surrogatepass")))


def test_a_deep_value_in_an_entry_is_a_sentence(whole: Path, scratch: Path) -> None:
    document = json.loads(entry(whole, 2).read_text())
    text = json.dumps(document).replace('"base": {', '"base": {"deep": ' + "[" * 900 + "]" * 900 + ", ")
    check_sentences(spoiled(whole, scratch, 2, text.encode()))


@given(paths=st.lists(st.text(max_size=20) | st.sampled_from(["../x", "/etc/passwd", "a/../../x", "C:\\x", "."])))
@settings(max_examples=100, deadline=None)
def test_a_list_of_checksums_leads_nowhere_else(scratch: Path, paths: list[str]) -> None:
    from unsee.ledger.checksums import changed_files
    from unsee.store.hashing import SUMS, sha256_of

    folder = scratch / "listed"
    folder.mkdir(exist_ok=True)
    text = "".join(f"{'0' * 64}  {path}\n" for path in paths)
    (folder / SUMS).write_bytes(text.encode("utf-8", "replace"))
    problems = changed_files(folder, sha256_of(folder / SUMS))
    if paths:
        check_sentences(problems)
