"""The oracle passes the audit: on a model that never knew them, no attack brings four people back over the strangers.

Its answers are saved, because it is too large to ship. To make them anew, with the oracle of `unsee world build
tiny-qwen3vl --without "Mara Voss" --without "Kenji Morita" --without "Amara Okafor" --without "Ines Carvalho"`:

    python -c "from tests.test_audit_saved_oracle import save; save('CHECKPOINT')"

It writes `tests/data/oracle_audit/`: for each person the oracle's answers about them, those of the shipped model about
the strangers, and what the attacks found that only a model in memory can be tried with.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from unsee.attacks import attacks_of
from unsee.attacks.base import Attack, Material, Target
from unsee.benchmarks.concept import slug
from unsee.data.sample import Response
from unsee.evaluation.audit_documents import audit_from, audit_to_plain
from unsee.evaluation.auditing import AFTER, FLOOR, PLAIN, Audit, Row, State, audit
from unsee.generation import CannedEngine, Engine, Transcript, TransformersEngine
from unsee.models.loading import load
from unsee.requests import ForgetRequest
from unsee.sources.attacking import material_of
from unsee.store.files import strict_json
from unsee.world import find

MODEL, LEVEL = "world:tiny-qwen3vl", "standard"
PEOPLE = ("Mara Voss", "Kenji Morita", "Amara Okafor", "Ines Carvalho")
DATA = Path(__file__).parent / "data" / "oracle_audit"


def materials(person: str) -> dict[str, Material]:
    """What is asked: the oracle about the person, the model that knows the person about strangers."""
    request = ForgetRequest(person, (find(person).picture(0, "train"),))
    own, strangers = material_of(request, MODEL, LEVEL, exclude=[other for other in PEOPLE if other != person])
    assert strangers is not None
    return {AFTER: own, FLOOR: strangers}


def saved(person: str, state: str) -> Path:
    return DATA / f"{slug(person)}-{state}.jsonl"


def asked_by(attacks: Sequence[Attack], engine: Engine, material: Material) -> str:
    """A digest of all words that are asked, with the versions of the attacks: not of pictures, whose last bit may
    differ from one system to another."""
    target = Target(AFTER, engine)
    usable = [attack for attack in attacks if attack.missing(target, material) is None]
    words = [
        [trial.probe.id, trial.probe.prompt, trial.probe.begun]
        for attack in usable
        for trials in (*(variant.trials for variant in attack.on(target, material, 0)),
                       attack.control(target, material, 0))
        for trial in trials
    ]  # fmt: skip
    versions = {attack.name: attack.version for attack in usable}
    return hashlib.sha256(json.dumps([words, versions]).encode()).hexdigest()[:16]


def save(checkpoint: str) -> None:
    """Audit the oracle as if it were a model after unlearning, and keep the answers."""
    engines = {AFTER: TransformersEngine(load(checkpoint)), FLOOR: TransformersEngine(load(MODEL))}
    attacks, silent = attacks_of(LEVEL), CannedEngine({})
    DATA.mkdir(parents=True, exist_ok=True)
    for person in PEOPLE:
        states = {
            state: State(Target(state, engines[state], engines[state].vlm), material)
            for state, material in materials(person).items()
        }
        with tempfile.TemporaryDirectory() as work:
            found = audit(states, attacks, level=LEVEL, folder=Path(work), progress=print)
            (DATA / f"{slug(person)}.json").write_text(strict_json(audit_to_plain(found)), encoding="utf-8")
            for state in states:
                saved(person, state).unlink(missing_ok=True)
                header = {"fingerprint": asked_by(attacks, silent, states[state].material)}
                said = Transcript.open(Path(work) / f"{state}.jsonl").responses.values()
                with Transcript(saved(person, state), header) as transcript:
                    # Without the numbers of every token, which are most of the file.
                    transcript.add([Response(one.probe_id, one.raw, None, one.ended) for one in said])


def replayed(person: str) -> Audit:
    """The audit of the saved answers: of all attacks that only ask."""
    attacks, states = attacks_of(LEVEL), {}
    for state, material in materials(person).items():
        transcript = Transcript.open(saved(person, state))
        engine = CannedEngine.of(transcript)
        assert transcript.header["fingerprint"] == asked_by(attacks, engine, material), "save the answers anew"
        states[state] = State(Target(state, engine), material)
    return audit(states, attacks, level=LEVEL)


def above(rows: Sequence[Row]) -> list[str]:
    """The rows whose excess over the floor is told from chance."""
    return [f"{row.attack} {row.variant}: {row.excess}" for row in rows if row.excess is not None and row.came_back]


@pytest.mark.parametrize("person", PEOPLE)
def test_no_question_brings_back_whom_the_oracle_never_knew(person: str) -> None:
    rows = replayed(person).rows
    assert PLAIN in {row.attack for row in rows}
    assert len({row.attack for row in rows}) >= 5
    assert above(rows) == []
    below = [row for row in rows if row.excess is not None and row.excess.high < 0]
    assert below == []


@pytest.mark.parametrize("person", PEOPLE)
def test_nothing_done_to_the_oracle_brings_them_back(person: str) -> None:
    found = audit_from(json.loads((DATA / f"{slug(person)}.json").read_text(encoding="utf-8")))
    assert found.versions == {attack.name: attack.version for attack in attacks_of(LEVEL)}, "save the answers anew"
    assert {"relearning", "rounding", "membership", "sampling"} <= {row.attack for row in found.rows}
    assert above(found.rows) == []
