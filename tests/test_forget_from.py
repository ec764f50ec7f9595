"""Everybody of a data set's forget split is forgotten at once, with the data set's own forget and retain sets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import call, printed, refused
from tests.tiny import folder_of_pictures, picture, tiny_vlm
from unsee.benchmarks.published import forgetting
from unsee.benchmarks.published.forgetting import requests_of
from unsee.benchmarks.published.question import DataSet, Question
from unsee.benchmarks.world_layouts import write_world
from unsee.commands import forget_from as commands
from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.methods import METHODS, get_method, parse_settings
from unsee.requests import ForgetRequest, Where

MODEL = "world:tiny-qwen3vl"
QUICK = ("--method", "po", "--set", "steps=8", "--set", "forget=4", "--set", "retain=4", "--max-new-tokens", "24")


def question(key: str, part: str, subject: str, shade: int | None = None, **changes: Any) -> Question:
    shown = None if shade is None else picture(shade)
    return Question(key, part, subject, "generation", f"Question {key}?", f"Answer {key}.", shown, **changes)


MARA = picture(1)
DATA = DataSet(
    "forget_5",
    (),
    {"1": "Mara Voss", "2": "Jonas Hale", "3": "Ines Dorn"},
    (
        replace(question("a", "forget", "1"), picture=MARA),
        replace(question("b", "forget", "1"), picture=MARA),
        question("c", "forget", "1"),
        question("d", "forget", "2", 2),
        question("e", "retain", "3", 3),
        question("f", "retain", "3"),
        Question("g", "retain", "3", "cloze", "Ines lives in __.", "Rome"),
    ),
)


def ids(examples: Sequence[Any]) -> set[str]:
    return {example.question.removeprefix("Question ").removesuffix("?") for example in examples}


def test_a_request_for_each_subject_with_the_sets_of_the_data_set() -> None:
    mara, jonas = requests_of(DATA, "Invented").requests
    assert (mara.concept, jonas.concept) == ("Mara Voss", "Jonas Hale")
    assert (mara.where, jonas.where) == ("both", "pictures")
    assert len(mara.images) == 1
    assert ids(mara.forget) == {"a", "b", "c"}
    # The retain set is dealt out, without the cloze, which no method can learn.
    assert ids(mara.retain) | ids(jonas.retain) == {"e", "f"}
    assert mara.neighbours == ("Ines Dorn",)


@pytest.mark.parametrize(
    ("where", "forgotten", "kept", "people"),
    [("pictures", {"a", "b"}, {"c"}, ["Mara Voss", "Jonas Hale"]), ("text", {"c"}, {"a", "b"}, ["Mara Voss"])],
)
def test_what_is_not_to_be_forgotten_in_one_modality_is_kept_there(
    where: Where, forgotten: set[str], kept: set[str], people: list[str]
) -> None:
    made = requests_of(DATA, "Invented", where)
    assert [request.concept for request in made.requests] == people
    assert ids(made.requests[0].forget) == forgotten
    assert ids(made.requests[0].retain) >= kept
    assert made.notes == (() if where == "pictures" else ("1 of 2 subjects have nothing to forget in text.",))


def test_what_cannot_be_forgotten_is_said() -> None:
    in_text = replace(DATA, training=(question("c", "forget", "1"), question("f", "retain", "3")))
    with pytest.raises(UserError, match="is in text only, so nothing can be forgotten in pictures"):
        requests_of(in_text, "Invented", "pictures")
    with pytest.raises(UserError, match="nothing that a method can learn to forget"):
        requests_of(replace(DATA, training=DATA.training[4:]), "Invented")
    (request,) = requests_of(in_text, "Invented").requests
    assert (request.where, request.images) == ("text", ())
    request.check()


def test_a_broken_picture_is_listed_and_not_trained_on() -> None:
    made = requests_of(replace(DATA, training=(*DATA.training, replace(DATA.training[0], picture=b"no"))), "Invented")
    assert len(made.requests[0].forget) == 3
    assert "Not trained on" in made.notes[0]


def test_of_a_large_retain_set_the_seed_draws_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "RETAINED", 4)
    many = replace(DATA, training=(*DATA.training[:4], *(question(f"r{i}", "retain", "3") for i in range(9))))
    first, again, other = (requests_of(many, "Invented", seed=seed) for seed in (0, 0, 1))
    drawn = [set[str]().union(*(ids(request.retain) for request in made.requests)) for made in (first, again, other)]
    assert len(drawn[0]) == 4
    assert drawn[0] == drawn[1] != drawn[2]
    assert first.notes == ("Of 9 questions to retain, 4 are used; the seed draws them.",)


def built(method: str, request: ForgetRequest) -> list[Sample]:
    vlm = tiny_vlm("qwen3_vl")
    return get_method(method).build([request], vlm, parse_settings(method, ("forget=4", "retain=4")), 0)


def test_samples_are_in_the_modality_that_the_request_names() -> None:
    both = next(iter(requests_of(DATA, "Invented").requests))
    for method in ("npo", "po"):
        forget = [sample for sample in built(method, both) if sample.tags["role"] == "forget"]
        assert {bool(sample.images) for sample in forget} == {True, False}
    in_text = next(iter(requests_of(DATA, "Invented", "text").requests))
    samples = built("npo", in_text)
    assert [bool(sample.images) for sample in samples if sample.tags["role"] == "forget"] == [False]


def test_without_a_forget_set_facts_are_forgotten_in_text_and_the_face_is_kept() -> None:
    facts = (("Where does Mara Voss live?", "In Porto."), ("What is her job?", "She is a baker."))
    request = ForgetRequest("Mara Voss", (picture(1),), facts=facts, where="text")
    by_role: dict[str, list[Sample]] = {"forget": [], "retain": []}
    for sample in built("npo", request):
        by_role[sample.tags["role"]].append(sample)
    assert {(sample.prompt, sample.answer) for sample in by_role["forget"]} == set(facts)
    assert any(sample.images for sample in by_role["retain"])
    assert not any(sample.prompt in dict(facts) for sample in by_role["retain"])
    everywhere = built("npo", replace(request, where="both"))
    assert not any(s.prompt in dict(facts) for s in everywhere if s.tags["role"] == "retain")


def test_a_method_says_where_it_can_forget() -> None:
    assert METHODS["npo"].forgets_in == ("pictures", "text", "both")
    request = ForgetRequest("Mara Voss", (picture(1),), where="text")
    with pytest.raises(UserError, match="siu forgets in pictures, not in text"):
        get_method("siu").build([request], tiny_vlm("qwen3_vl"), parse_settings("siu", ()), 0)


@pytest.mark.parametrize("layout", ["mllmu", "clear", "fiubench", "umu", "mlubench"])
def test_the_world_is_forgotten_and_evaluated_from_each_layout(layout: str, tmp_path: Path) -> None:
    folder, out = tmp_path / "data", tmp_path / "out"
    write_world(layout, folder)
    few = ("--limit", "1", "--json")
    done = printed(call("forget", "-m", MODEL, "--from", folder, "--out", out, *QUICK, *few))
    table, before, after = done["split"]["table"], done["before"], done["after"]
    assert before[table["forgotten"]]["value"] < 10
    assert before[table["kept"]]["value"] > 90
    assert after[table["forgotten"]]["value"] > before[table["forgotten"]]["value"]
    assert done["split"]["where"] == ("pictures" if layout in ("fiubench", "mlubench") else "both")
    assert "With pictures and in text" in (out / "report.html").read_text(encoding="utf-8")
    given = ("-m", out, "-b", folder, "--out", tmp_path / "scores", "--max-new-tokens", "24")
    scores = next(iter(printed(call("evaluate", *given, *few))["concepts"].values()))
    assert scores[table["forgotten"]]["value"] == pytest.approx(after[table["forgotten"]]["value"])


def test_the_sixth_layout_has_concepts_which_are_forgotten_one_at_a_time(tmp_path: Path) -> None:
    folder, out = tmp_path / "data", tmp_path / "out"
    write_world("mmubench", folder)
    assert "forgotten one at a time" in refused(call("forget", "-m", MODEL, "--from", folder, "--out", out))
    picture = folder / "concepts" / "amara-okafor" / "train" / "0000.png"
    few = ("--limit", "1", "--json")
    named = ("-c", "Amara Okafor", "-i", picture, "--audit", "none", "--method", "po")
    done = printed(call("forget", "-m", MODEL, *named, "--out", out, *QUICK[-2:], *few))
    assert done["before"]["generality_em"]["value"] < 10
    given = ("-m", out, "-b", folder, "-c", "Amara Okafor", "--out", tmp_path / "scores", "--max-new-tokens", "24")
    scores = printed(call("evaluate", *given, *few))["concepts"]["Amara Okafor"]
    assert scores["generality_em"]["value"] > 50


def test_each_of_a_split_can_be_attacked(tmp_path: Path) -> None:
    folder, out = tmp_path / "data", tmp_path / "out"
    write_world("fiubench", folder)
    few = ("--limit", "1", "--audit", "quick", "--json")
    done = printed(call("forget", "-m", MODEL, "--from", folder, "--out", out, *QUICK, *few))
    found = json.loads((out / "audit" / "audit.json").read_text(encoding="utf-8"))
    (attacked,) = found["concepts"]
    assert attacked in done["concept"]
    assert found["level"] == "quick"
    assert {"before", "after", "floor"} <= set(found["concepts"][attacked]["rows"][0]["states"])
    assert (out / "audit" / "audit.html").is_file()
    (note,) = [note for note in done["notes"] if "Attacked (quick) 1 of 2" in note]
    assert found["concepts"][attacked]["headline"] in note
    assert not any("No attack" in note for note in done["notes"])
    # The same run, finished; and another one with no attack.
    again = ("forget", "-m", MODEL, "--from", folder, "--out", out, *QUICK, "--resume")
    assert "already finished" in call(*again, *few[:-1]).output
    assert "another run (audit)" in refused(call(*again, *few[:2]))


def test_pictures_that_a_method_needs_can_be_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[ForgetRequest] = []

    def stop(bench: Any, requests: list[ForgetRequest], *rest: Any) -> None:
        given.extend(requests)
        raise UserError("far enough")

    monkeypatch.setattr(commands, "_forget", stop)
    strangers, others = (folder_of_pictures(tmp_path / name, count) for name, count in (("unseen", 3), ("others", 2)))
    words = ("--unseen", strangers, "--others", others, "--out", tmp_path / "out")
    assert "far enough" in refused(call("forget", "-m", MODEL, "--from", "mllmu", "--where", "pictures", *words))
    assert len(given) == 2
    assert {(len(one.unseen_pictures()), len(one.others)) for one in given} == {(3, 2)}
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "holds no picture; put pictures of people the model has never seen there" in refused(
        call("forget", "-m", MODEL, "--from", "mllmu", "--unseen", empty)
    )


def test_what_is_wrong_is_one_sentence(tmp_path: Path) -> None:
    out = ("--out", tmp_path / "out")
    given = ("forget", "-m", MODEL, *out)
    assert "no forget split 'forget_6'" in refused(call(*given, "--from", "mllmu", "--split", "forget_6"))
    assert "--where must be" in refused(call(*given, "--from", "mllmu", "--where", "films"))
    assert "--split is for a data set" in refused(call(*given, "--split", "forget_5"))
    assert "--concept is for one concept" in refused(call(*given, "--from", "mllmu", "-c", "Mara Voss"))
    assert "no data set with forget splits" in refused(call(*given, "--from", "general"))
    wanted = ("--from", "mllmu", "--method", "siu", "--limit", "1")
    assert "siu forgets in pictures, not in both" in refused(call(*given, *wanted))
    assert not (tmp_path / "out").exists()
    assert "There is no layout 'mllmo'; did you mean 'mllmu'" in refused(
        call("world", "write", *out, "--layout", "mllmo")
    )
