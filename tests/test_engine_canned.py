"""The engine of answers that are there already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tiny import picture
from unsee.data.sample import Likelihood, Probe, Response, Sample
from unsee.errors import UserError
from unsee.generation import CannedEngine, Transcript, ask
from unsee.generation.canned import sample_key

PROBES = [Probe("who", "Who is this?", (picture(1),)), Probe("where", "Where does Mara Voss live?")]
SAID = {
    "who": Response("who", "Mara Voss", (-0.5,), True, (7,), (9,)),
    "where": Response("where", "In Port", None, False),
}


def test_it_says_what_the_mapping_holds_with_all_that_is_known_of_it() -> None:
    assert ask(CannedEngine(SAID), PROBES, progress=False) == [SAID["who"], SAID["where"]]


def test_a_function_answers_by_what_is_asked() -> None:
    engine = CannedEngine(lambda probe: probe.prompt.upper() if probe.images else Response(probe.id, "", ended=False))
    said = ask(engine, PROBES, progress=False)
    assert [(one.text, one.ended) for one in said] == [("WHO IS THIS?", True), ("", False)]


def test_missing_answers_are_counted_and_nothing_is_answered() -> None:
    engine = CannedEngine({"who": SAID["who"]}, name="runs/oracle")
    with pytest.raises(UserError, match=r"in runs/oracle lack 1 of 2 questions, such as 'where'; use the questions"):
        next(engine.answer(PROBES, max_new_tokens=9))
    with pytest.raises(UserError, match="lack 2 of 2 questions"):
        ask(CannedEngine(lambda _: None), PROBES, progress=False)


def test_it_reads_only_what_it_holds_likelihoods_of() -> None:
    likelihood = Likelihood((-1.0, -2.0), (4, 9))
    seen, unseen = (Sample("Who?", "Mara Voss", (picture(i),)) for i in (1, 2))
    assert not CannedEngine(SAID).reads
    with pytest.raises(UserError, match="gives no log-probabilities"):
        CannedEngine(SAID).read([seen])
    engine = CannedEngine(SAID, {sample_key(seen): likelihood})
    assert engine.reads
    assert engine.read([Sample("Who?", "Mara Voss", (picture(1),))]) == [likelihood]
    with pytest.raises(UserError, match="lack 1 of 2 readings, such as 'Mara Voss'"):
        engine.read([seen, unseen])
    by_length = CannedEngine(SAID, lambda sample: Likelihood((-1.0,), (len(sample.answer),)))
    assert by_length.read([seen]) == [Likelihood((-1.0,), (9,))]


def test_a_transcript_answers_and_reads_as_its_engine_did(tmp_path: Path) -> None:
    likelihood = Likelihood((-1.0,), (9,))
    sample = Sample("Who?", "Mara Voss", (picture(1),), tags={"key": "anna/0"})
    path = tmp_path / "before.jsonl"
    with Transcript(path, {"fingerprint": {"weights": "1"}, "vocabulary_size": 420}) as made:
        made.add(list(SAID.values()))
        made.add_likelihoods({"anna/0": likelihood})
    engine = CannedEngine.of(Transcript.open(path))
    assert (engine.name, engine.vocabulary_size, engine.reads) == (str(path), 420, True)
    assert ask(engine, PROBES, progress=False) == list(SAID.values())
    assert engine.read([sample]) == [likelihood]
    with pytest.raises(UserError, match="lack 1 of 1 readings"):
        engine.read([Sample("Who?", "Ben")])


def test_the_fingerprint_is_the_content() -> None:
    def print_of(*arguments: Any, **options: Any) -> dict[str, Any]:
        return CannedEngine(*arguments, **options).fingerprint()

    assert print_of(SAID) == print_of(dict(reversed(SAID.items())), name="elsewhere")
    assert print_of(SAID) != print_of({**SAID, "who": Response("who", "Mara Vos", (-0.5,), True, (7,), (9,))})
    assert print_of(SAID) != print_of(SAID, {("Who?", "Mara"): Likelihood((-1.0,), (4,))})
    assert print_of(str, name="one") != print_of(str, name="two")
