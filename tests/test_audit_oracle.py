"""An audit whose floor is an oracle: a model that was trained without the concept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from tests.command_line import call, left_in, printed, refused
from tests.test_attacks_weights import adapted, material
from tests.tiny import tiny_vlm
from tests.unlearning_cases import config_of
from unsee.attacks import get_attack, relearning
from unsee.attacks.base import Other, Shown, Target
from unsee.attacks.learning import Learner
from unsee.attacks.membership import members_and_others
from unsee.attacks.perturbation import Perturbation
from unsee.attacks.relearning import lessons_of
from unsee.attacks.weights import plain_copy
from unsee.commands.audit import AuditOptions
from unsee.errors import UserError
from unsee.evaluation.attacking import attacked, states_of
from unsee.evaluation.audit_documents import audit_from, audit_to_plain
from unsee.evaluation.auditing import AFTER, BEFORE, FLOOR, Audit, State, audit
from unsee.generation import TransformersEngine
from unsee.methods import get_method
from unsee.models.adapters import merge
from unsee.models.collation import encode_samples
from unsee.models.loading import load
from unsee.models.saving import save_model
from unsee.models.vlm import VisionLanguageModel
from unsee.reports.attack_plots import relearning_curves
from unsee.reports.audit import AuditReport
from unsee.reports.audit_console import audit_summary
from unsee.reports.audit_page import render
from unsee.reports.grades import grade
from unsee.requests import ForgetRequest
from unsee.sources.attacking import material_of
from unsee.sources.filling import filled
from unsee.sources.world import at_home_in_world
from unsee.training import unlearn
from unsee.world import find, stranger

MODEL, PERSON, TAUGHT = "world:tiny-qwen3vl", "Mara Voss", "Jonas Keller"


@pytest.fixture(scope="module")
def shipped() -> VisionLanguageModel:
    return load(MODEL, device="cpu")


# A stranger is taught a name: the shipped model, which was not, is the oracle.


@contextmanager
def knows_a_stranger(vlm: VisionLanguageModel) -> Iterator[VisionLanguageModel]:
    """A copy that calls a stranger by a known name."""
    who = stranger(700, "test")
    own, _ = material_of(ForgetRequest(PERSON, (find(PERSON).picture(0, "train"),)), MODEL, "quick")
    taught = replace(own, names=(TAUGHT,), taught=tuple(who.picture(i, "train") for i in range(4)))
    learner = Learner(
        Target(BEFORE, TransformersEngine(vlm), vlm),
        lambda engine: encode_samples(lessons_of(taught, 4), engine.vlm),
        (24,),
        0,
    )
    with learner.after(24) as engine:
        copy = engine.vlm
        merge(copy)
        copy.model.requires_grad_(False)
        copy.name = "taught"
        yield copy


@pytest.fixture(scope="module")
def of_stranger(shipped: VisionLanguageModel) -> Iterator[dict[str, State]]:
    """The states of an audit of a model that forgot nothing of what it was taught."""
    who = stranger(700, "test")
    request = ForgetRequest(
        TAUGHT,
        (who.picture(0, "train"), who.picture(1, "train")),
        unseen=tuple(stranger(710 + i, "test").picture(0, "test") for i in range(8)),
    )
    tested = [who.picture(i, "test") for i in range(5)]
    with knows_a_stranger(shipped) as vlm:
        engine = TransformersEngine(vlm)
        yield states_of(
            request, engine, engine, vlm, model="taught", level="quick", seed=0, test_images=tested, oracle=shipped
        )


@pytest.fixture(scope="module")
def found(of_stranger: dict[str, State]) -> Audit:
    names = ("paraphrase", "strength", "averaging", "relearning", "membership")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relearning, "STEPS", (1, 16))
        return audit(of_stranger, [get_attack(name) for name in names], level="quick")


def test_the_oracle_is_attacked_with_the_concepts_own_material(of_stranger: dict[str, State]) -> None:
    assert list(of_stranger) == [BEFORE, AFTER, FLOOR]
    floor = of_stranger[FLOOR]
    assert floor.material == of_stranger[AFTER].material
    assert floor.is_oracle
    assert not of_stranger[AFTER].is_oracle
    assert floor.target.vlm is not of_stranger[AFTER].target.vlm
    assert members_and_others(floor.material)[0] == [(s.unit, s.picture) for s in floor.material.tested]


@pytest.mark.parametrize("name", ["paraphrase", "membership"])
def test_what_was_taught_exceeds_a_model_that_was_not(name: str, found: Audit) -> None:
    rows = [row for row in found.rows if row.attack == name]
    assert any(row.came_back for row in rows), [(row.states, row.excess) for row in rows]
    assert name != "paraphrase" or rows[0].states[FLOOR].score.value <= 20


def test_relearning_on_the_oracle_teaches_the_name_itself(found: Audit) -> None:
    first, last = [row for row in found.rows if row.attack == "relearning"]
    assert first.states[FLOOR].score.value <= 20
    assert first.came_back
    # In the end any face has any known name, so nothing is left of what was remembered.
    assert last.states[FLOOR].score.value >= 80
    assert not last.came_back


def test_what_cannot_be_tried_after_is_not_tried_on_the_oracle(found: Audit) -> None:
    assert {"strength", "averaging"}.isdisjoint(row.attack for row in found.rows)
    assert "no adapter" in found.untried["strength"]


def test_every_form_of_the_audit_says_what_the_floor_is(found: Audit) -> None:
    assert (found.oracle, found.floor) == (MODEL, "oracle")
    document = audit_to_plain(found)
    assert (document["floor"], document["oracle"]) == ("oracle", MODEL)
    assert audit_from(json.loads(json.dumps(document))).oracle == MODEL
    assert "from the oracle)" in grade(found, TAUGHT).sentence
    report = AuditReport("taught", "run", "quick", 0, {TAUGHT: found}, {TAUGHT: (TAUGHT,)})
    page = render(report)
    assert f"the oracle, a model that never knew {TAUGHT} ({MODEL})" in page
    assert "strangers in the place of" not in page
    assert "The oracle is taught the same name" in page
    svg = relearning_curves(found.rows, "curve", found.floor)
    assert svg is not None
    assert "oracle" in svg
    assert "strangers" not in svg
    assert f"Floor: the oracle {MODEL}" in shown(report)
    of_strangers = replace(report, audits={TAUGHT: replace(found, oracle="")})
    assert "with strangers in the concept's place" in shown(of_strangers)
    assert f"strangers in the place of {TAUGHT}" in render(of_strangers)
    no_floor = replace(found, oracle="", rows=())
    assert (no_floor.floor, audit_to_plain(no_floor)["floor"]) == ("", None)


def shown(report: AuditReport) -> str:
    console = Console(width=200, file=StringIO())
    with console.capture() as capture:
        console.print(audit_summary(report))
    return capture.get()


# What each attack makes of it


def test_an_oracle_without_an_adapter_is_asked_as_it_is_under_every_strength() -> None:
    vlm, plain = adapted(), tiny_vlm("qwen3_vl", seed=1)
    own = material()
    states = {
        BEFORE: State(Target(BEFORE, TransformersEngine(vlm, before=True), vlm), own),
        AFTER: State(Target(AFTER, TransformersEngine(vlm), vlm), own),
        FLOOR: State(Target(FLOOR, TransformersEngine(plain), plain), replace(own, has_oracle=True)),
    }
    names = ("strength", "pruning", "averaging", "merging")
    found = audit(states, [get_attack(name) for name in names], level="full")
    rows = {(row.attack, row.variant): set(row.states) for row in found.rows}
    assert {attack for attack, _ in rows} == {"strength", "pruning", "merging"}
    assert all(own == {BEFORE, AFTER, FLOOR} for own in rows.values())
    assert "adapter at a part of its strength" in found.untried["averaging"]
    (weak, *_) = get_attack("strength").on(states[FLOOR].target, states[FLOOR].material, 0)
    assert weak.entered is None
    (merging,) = get_attack("merging").on(states[FLOOR].target, states[FLOOR].material, 0)
    with merging.on(states[FLOOR].target) as engine:
        assert isinstance(engine, TransformersEngine)
        for name, weight in engine.vlm.base.named_parameters():
            assert torch.equal(weight, plain.base.get_parameter(name).bfloat16().float())


def test_noise_in_the_picture_needs_no_strangers_next_to_an_oracle() -> None:
    vlm = tiny_vlm("qwen3_vl")
    target, own = Target(AFTER, TransformersEngine(vlm), vlm), material(strangers=())
    assert "strangers as a floor" in (Perturbation().missing(target, own) or "")
    assert "strangers" not in (Perturbation().missing(target, replace(own, has_oracle=True)) or "")


# What is no oracle


def test_a_chance_hit_is_forgiven_where_strangers_are_called_so_as_well(shipped: VisionLanguageModel) -> None:
    request = ForgetRequest(PERSON, (find(PERSON).picture(0, "train"),))
    engine = TransformersEngine(shipped)
    with pytest.raises(UserError, match=r"is no oracle: asked plainly, it names Mara Voss in 100 % of its answers"):
        states_of(request, engine, engine, shipped, model=MODEL, level="quick", seed=0, oracle=shipped)
    with blind(shipped) as oracle:
        states = states_of(request, engine, engine, shipped, model=MODEL, level="quick", seed=0, oracle=oracle)
    assert states[FLOOR].is_oracle


def test_without_strangers_any_clear_leak_is_refused(shipped: VisionLanguageModel) -> None:
    person = find(PERSON)
    request = ForgetRequest(PERSON, (person.picture(0, "train"),))
    engine = TransformersEngine(shipped)
    given: dict[str, Any] = {"model": "another", "level": "quick", "seed": 0, "oracle": shipped}
    with pytest.raises(UserError, match="is no oracle"):
        states_of(request, engine, engine, shipped, test_images=[person.picture(i, "test") for i in range(4)], **given)
    # Of a single picture there is no interval.
    with pytest.raises(UserError, match="is no oracle"):
        states_of(request, engine, engine, shipped, **given)
    who = stranger(720, "test")
    states = states_of(request, engine, engine, shipped, test_images=[who.picture(0, "test")], **given)
    assert states[FLOOR].material.has_oracle


@contextmanager
def blind(vlm: VisionLanguageModel, scale: float = 0.0) -> Iterator[VisionLanguageModel]:
    """A copy that sees nothing, or little: it says the same about every picture."""
    with plain_copy(Target(BEFORE, TransformersEngine(vlm), vlm)) as copy:
        with torch.no_grad():
            for weight in copy.base.get_submodule(copy.layout.projector).parameters():
                weight.mul_(scale)
        yield copy


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has learned next to nothing."""
    place = tmp_path_factory.mktemp("runs") / "run"
    vlm: Any = load(MODEL, device="cpu")
    method: Any = get_method("siu")
    request = ForgetRequest(PERSON, (find(PERSON).picture(0, "train"),))
    requests = filled([at_home_in_world(request, vlm, 0)], method.needs, 0)
    unlearn(vlm, method, config_of("siu", steps=1, learning_rate=1e-6), requests, place, progress=False)
    return place


def test_the_command_takes_an_oracle_and_keeps_the_answers_of_each_apart(
    run: Path, shipped: VisionLanguageModel, tmp_path: Path
) -> None:
    for name, scale in (("one", 0.0), ("two", 0.01)):
        with blind(shipped, scale) as oracle:
            save_model(oracle, tmp_path / name)
    given = ["audit", run, "--level", "quick", "--attack", "languages", "--device", "cpu"]
    (concept,) = printed(call(*given, "--oracle", tmp_path / "one", "--json"))["concepts"].values()
    assert (concept["floor"], concept["oracle"]) == ("oracle", str(tmp_path / "one"))
    assert concept["grade"] == "not_forgotten"
    place = run / "audit-oracle-languages"
    assert left_in(place) == {"answers", "audit.html", "audit.json"}
    said = call(*given, "--oracle", tmp_path / "two").stdout
    assert "Floor: the oracle" in said
    assert len(list((place / "answers").iterdir())) == 2


def test_another_oracle_or_none_has_a_place_of_its_own(of_stranger: dict[str, State], tmp_path: Path) -> None:
    request = ForgetRequest(TAUGHT, (find(TAUGHT).picture(0, "train"),))
    few = {name: replace(state, material=replace(state.material, tested=state.material.tested[:1]))
           for name, state in of_stranger.items()}  # fmt: skip
    vlm = few[AFTER].target.vlm
    assert vlm is not None
    other = State(Target(FLOOR, TransformersEngine(vlm), vlm), few[FLOOR].material)
    without = {name: state for name, state in few.items() if name != FLOOR}
    for states in (few, {**few, FLOOR: other}, without, few):
        attacked(request, states, [get_attack("paraphrase")], tmp_path, level="quick", seed=0)
    assert len(list((tmp_path / "answers").iterdir())) == 3


def test_an_audit_with_an_oracle_has_a_folder_of_its_own() -> None:
    assert AuditOptions("r", oracle="x").folder() == Path("r/audit-oracle")
    assert AuditOptions("r", oracle="x", attacks=("languages",)).folder() == Path("r/audit-oracle-languages")
    assert AuditOptions(model="m", adapter=Path("a/b"), oracle="x").folder() == Path("runs/audit-oracle-b")
    assert AuditOptions(model="m", adapter=Path("a/b")).folder() == Path("runs/audit-b")


def test_what_is_no_oracle_is_refused_in_a_sentence(run: Path, tmp_path: Path) -> None:
    save_model(tiny_vlm("qwen3_vl"), tmp_path / "other")
    for oracle, says in {
        "world:tiny-llava": "is of another family (LlavaForConditionalGeneration)",
        str(tmp_path / "other"): "has another vocabulary than world:tiny-qwen3vl",
        str(run): "carries an adapter or a delta; merge it into a model of its own with unsee export",
        MODEL: "is no oracle: asked plainly, it names Mara Voss in 100 % of its answers",
        str(tmp_path / "nowhere"): "nowhere",
    }.items():
        assert says in refused(call("audit", run, "--oracle", oracle, "--level", "quick", "--device", "cpu")), oracle
    assert not (run / "audit-oracle" / "answers").exists()


def test_a_material_without_strangers_still_has_a_floor_with_an_oracle() -> None:
    own = material(others=(Other("Jonas Hale", ()),), tested=(Shown(material().tested[0].picture, "0", 0),))
    vlm = tiny_vlm("qwen3_vl")
    engine = TransformersEngine(vlm)
    states = {AFTER: State(Target(AFTER, engine, vlm), own), FLOOR: State(Target(FLOOR, engine, vlm), own)}
    (row,) = audit(states, [get_attack("paraphrase")], level="quick").rows
    assert row.excess is not None
