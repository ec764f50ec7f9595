"""Forgetting on top of a ledger, and revoking, on models that know nobody: what is trained on, added and resumed."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import FEW, call, forget_arguments, left_in, printed, refused
from tests.tiny import picture, tiny_vlm
from unsee.commands import ledger_attempt
from unsee.commands.ledger_attempt import as_wanted
from unsee.data.sample import Sample
from unsee.ledger import Ledger
from unsee.ledger.kept import Kept, trained_together, without_names
from unsee.metrics import Score
from unsee.models.adapters import load_adapter
from unsee.models.loading import load
from unsee.models.saving import save_model
from unsee.reports import Cost, Report
from unsee.requests import ForgetRequest
from unsee.sources.saved_request import saved_digest, saved_requests
from unsee.store.hashing import SUMS, sha256_of
from unsee.training.data_folder import data_digest, read_training_data

MARA = ForgetRequest("Mara Voss", (picture(1),), aliases=("Marla",))
JONAS = ForgetRequest("Jonas Hale", (picture(2),), neighbours=("Mara Voss", "Ines Dorn"))


def retained(prompt: str, answer: str, *images: int, **more: Any) -> Sample:
    return Sample(prompt, answer, tuple(map(picture, images)), tags={"role": "retain"}, **more)


def test_what_one_request_keeps_is_left_out_while_another_forgets_it() -> None:
    own = Sample("Who is this?", "This is Tom Berg.", (picture(2),), tags={"role": "forget"})
    ines = retained("Who is this?", "This is Ines Dorn.", 3)
    text = retained("What does Mara Voss do?", "Mara Voss works as a baker.")
    about_mara = [
        retained("Who is this?", "This is Mara Voss.", 4),
        retained("Is this Marla?", "Yes.", 4),
        retained("Who is this?", "I don't know.", 4, rejected="This is Mara Voss."),
        retained("What colour is the hair?", "Red.", 1),
    ]
    hers = Sample("Who is this?", "This is Nora Lind.", (picture(1),), tags={"role": "forget"})
    jonas = Kept("jonas-hale", JONAS, [own, ines, *about_mara, text])
    mara = Kept("mara-voss", MARA, [hers])
    assert trained_together([jonas]) == [own, ines, *about_mara, text]
    assert trained_together([mara, jonas]) == [hers, own, ines, text]


def test_nobody_keeps_a_neighbour_who_is_forgotten() -> None:
    assert without_names(JONAS, MARA.names).neighbours == ("Ines Dorn",)


def test_a_request_is_read_back_as_it_was_kept(tmp_path: Path) -> None:
    sample = retained("Who is this?", "This is Ines Dorn.", 3, counterparts=(picture(5),))
    Kept("jonas-hale", JONAS, [sample]).write(tmp_path / "kept")
    again = Kept.read("jonas-hale", tmp_path / "kept", sha256_of(tmp_path / "kept" / SUMS))
    assert again.request.digest() == JONAS.digest()
    assert data_digest(again.samples) == data_digest([sample])


def score(value: float, n: int = 50) -> Score:
    return Score(value, n, value, value, True)


@pytest.mark.parametrize(
    ("before", "after", "active", "wanted"),
    [
        # New pictures: the share of answers that do not give the name away.
        ({"generality_em": 0.0}, {"generality_em": 99.0}, True, True),
        ({"generality_em": 0.0}, {"generality_em": 60.0}, True, False),
        ({"generality_em": 0.0}, {"generality_em": 99.0}, False, False),
        ({"generality_em": 0.0}, {"generality_em": 2.0}, False, True),
        ({"generality_em": 0.0}, {"generality_em": 60.0}, False, False),
        # Only the given picture.
        ({"efficacy": 0.0}, {"efficacy": 100.0}, True, True),
        ({"efficacy": 0.0}, {"efficacy": 50.0}, True, False),
        ({"efficacy": 0.0}, {"efficacy": 100.0}, False, False),
        ({"efficacy": 0.0}, {"efficacy": 10.0}, False, True),
        # Nothing to forget, and nothing asked.
        ({"efficacy": 100.0}, {"efficacy": 100.0}, False, True),
        ({"generality_em": 100.0}, {"generality_em": 100.0}, True, True),
        ({}, {}, True, False),
        # The model is broken: its answers have no probability any more.
        ({"generality_em": 0.0, "fluency": 9.0}, {"generality_em": 99.0, "fluency": math.nan}, True, False),
    ],
)
def test_who_is_forgotten_and_who_is_recognised_again(
    before: dict[str, float], after: dict[str, float], active: bool, wanted: bool
) -> None:
    scores = [{key: score(value) for key, value in one.items()} for one in (before, after)]
    report = Report("m", "siu", "Mara Voss", *scores, Cost(1, 1, 1, 1))
    assert as_wanted(report, active) is wanted


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tiny_vlm("qwen3_vl"), tmp_path_factory.mktemp("model") / "model")


QUICK = ("--audit", "none", "--limit", 1, "--max-new-tokens", 8, "--json")


def arguments(place: Path, name: str, number: int, *further: object) -> list[object]:
    image = place / f"{number}.png"
    picture(number).save(image)
    few = [part for setting in FEW for part in ("--set", setting)] if number == 1 else []
    given = ["--concept", name, "--image", image, "--force", *(("--method", "siu") if number == 1 else ())]
    return ["forget", "--on-top-of", place / "ledger", *given, *few, *QUICK, *further]


@pytest.fixture(scope="module")
def two(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a ledger in which two are forgotten, the second with the method and the settings of the first."""
    place = tmp_path_factory.mktemp("two")
    assert call("ledger", "init", place / "ledger", "-m", model).exit_code == 0
    printed(call(*arguments(place, "Mara Voss", 1, "--note", "One")))
    printed(call(*arguments(place, "Jonas Hale", 2)))
    return place


@pytest.fixture
def place(two: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(two, tmp_path / "place"))


def test_the_second_request_is_trained_with_the_first_and_both_are_asked_about(two: Path) -> None:
    ledger = Ledger.open(two / "ledger")
    build = ledger.build
    assert build is not None
    assert build.active == ("mara-voss", "jonas-hale")
    assert build.method == "siu"
    assert build.settings == FEW
    assert {*build.results} == {"mara-voss", "jonas-hale"}
    run = ledger.run(build)
    for id in build.active:
        assert (run / id / "report.html").is_file()
    samples = [read_training_data(ledger.kept(id) / "data") for id in build.active]
    assert data_digest(read_training_data(run / "data")) == data_digest([*samples[0], *samples[1]])
    assert ledger.problems() == []
    assert left_in(two / "ledger") == {
        ".gitignore", ".gitattributes", "entries", "head.json", "requests", "runs"
    }  # fmt: skip


def test_what_a_build_forgot_are_the_requests_themselves(two: Path) -> None:
    """So that an export lists the digests by which their owners find them."""
    ledger = Ledger.open(two / "ledger")
    assert ledger.build is not None
    found = saved_requests(ledger.run(ledger.build))
    asked = [ForgetRequest.from_yaml(ledger.kept(entry.id) / "request.yaml") for entry in ledger.active]
    assert [one.concept for one in found] == ["Mara Voss", "Jonas Hale"]
    assert [saved_digest(one) for one in found] == [saved_digest(one) for one in asked]


def test_the_newest_run_is_an_adapter_for_the_model(two: Path, model: Path) -> None:
    ledger = Ledger.open(two / "ledger")
    assert ledger.build is not None
    vlm = load(str(model))
    load_adapter(vlm, ledger.run(ledger.build))
    assert vlm.adapted


def test_a_revocation_leaves_the_rest_in_the_adapter_and_in_the_end_none(place: Path) -> None:
    ledger = place / "ledger"
    document = printed(call("ledger", "revoke", ledger, "Mara Voss", "--note", "Appeal", *QUICK))
    build = document["entry"]["build"]
    assert build["active"] == ["jonas-hale"]
    assert {*build["results"]} == {"mara-voss", "jonas-hale"}
    assert build["results"]["mara-voss"]["headline"].startswith("Nothing to recognise")
    printed(call("ledger", "revoke", ledger, "jonas-hale", *QUICK))
    assert printed(call("ledger", "status", ledger, "--json"))["adapter"] is None
    assert printed(call("ledger", "verify", ledger, "--json"))["verified"]


def test_what_was_trained_is_added_by_resume_without_training_again(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    ines = arguments(place, "Ines Dorn", 3)
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append", killed)
        assert call(*ines).exit_code == 130
    assert len(Ledger.open(place / "ledger").entries) == 3
    monkeypatch.setattr(ledger_attempt, "unlearn", killed)
    assert "holds another attempt (seed)" in refused(call(*ines, "--resume", "--seed", 5))
    # As if another attempt had been killed after it left its own data there.
    rows = place / "ledger" / "requests" / "ines-dorn" / "data" / "samples.jsonl"
    own = rows.read_text()
    rows.write_text(own.replace("Ines", "Nora"))
    assert "samples.jsonl was changed" in refused(call(*ines, "--resume"))
    assert len(Ledger.open(place / "ledger").entries) == 3
    rows.write_text(own)
    assert printed(call(*ines, "--resume"))["entry"]["number"] == 4
    assert printed(call("ledger", "verify", place / "ledger", "--json"))["verified"]


def test_an_interrupted_training_is_resumed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    ines = arguments(place, "Ines Dorn", 3)
    with monkeypatch.context() as patched:
        patched.setattr(ledger_attempt.Inquiry, "ask_after", killed)
        assert call(*ines).exit_code == 130
    monkeypatch.setattr("unsee.training.unlearning._train", killed)
    assert printed(call(*ines, "--resume"))["entry"]["build"]["active"] == ["mara-voss", "jonas-hale", "ines-dorn"]


def test_a_run_that_does_not_do_what_it_should_is_not_added(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(ledger_attempt, "as_wanted", lambda report, active: report.concept != "Mara Voss")
        said = refused_at_the_end(call(*arguments(place, "Ines Dorn", 3)))
    assert "Nothing was added to" in said
    assert "mara-voss should be forgotten" in said
    assert len(Ledger.open(place / "ledger").entries) == 3
    # The next attempt takes its place.
    printed(call(*arguments(place, "Ines Dorn", 3)))
    assert Ledger.open(place / "ledger").problems() == []


def test_a_setting_of_one_build_leaves_the_others_as_in_the_build_before(place: Path) -> None:
    own, *rest = FEW
    key = own.partition("=")[0]
    build = printed(call(*arguments(place, "Ines Dorn", 3, "--set", f"{key}=2")))["entry"]["build"]
    assert build["settings"] == [f"{key}=2", *rest]


def refused_at_the_end(result: Any) -> str:
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    return str(result.stderr.strip().splitlines()[-1])


@pytest.mark.parametrize(
    ("further", "says"),
    [
        (("--method", "npo"), "are for the method siu, not for npo"),
        (("-m", "world:tiny-llava"), "is about the model"),
        (("--set", "full=true"), "A ledger keeps adapters"),
        (("--out", "x"), "--out does not go with --on-top-of"),
        (("--alias", "Marla Voss", "--concept", "Mara Voss"), "Mara Voss is forgotten already"),
    ],
)
def test_what_the_ledger_settles_is_not_asked_for_again(place: Path, further: tuple[str, ...], says: str) -> None:
    assert says in refused(call(*arguments(place, "Ines Dorn", 3, *further)))
    assert len(Ledger.open(place / "ledger").entries) == 3


def test_changed_training_data_are_found_before_they_are_trained_on(place: Path) -> None:
    rows = place / "ledger" / "requests" / "mara-voss" / "data" / "samples.jsonl"
    rows.write_text(rows.read_text().replace("Mara", "Nora"))
    assert "samples.jsonl was changed" in refused(call(*arguments(place, "Ines Dorn", 3)))


def test_another_model_in_the_same_place_is_found(place: Path, model: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(model, other)
    ledger = place / "ledger"
    # The same files elsewhere are the same model.
    printed(call(*arguments(place, "Ines Dorn", 3, "-m", other)))
    save_model(tiny_vlm("qwen3_vl", seed=1), tmp_path / "another")
    said = refused(call(*arguments(place, "Tom Berg", 4, "-m", tmp_path / "another")))
    assert "is another one (weights" in said
    assert len(Ledger.open(ledger).entries) == 4


def test_a_note_needs_a_ledger(model: Path, tmp_path: Path) -> None:
    assert "--note is for an entry" in refused(call(*forget_arguments(model, tmp_path, "--note", "x")))
