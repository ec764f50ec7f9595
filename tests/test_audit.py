"""`unsee audit`: the memory is found where it is, a sabotaged method is found out, and the command keeps its word."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import unsee
from tests.command_line import call, forget_arguments, left_in, printed, refused
from tests.tiny import picture, tiny_vlm
from tests.unlearning_cases import FEW, config_of
from unsee.attacks import PLUGINS, attacks_of, get_attack
from unsee.attacks.base import Attack, Found, Material, Target, Variant, Worst
from unsee.commands import audit as auditing
from unsee.commands.audit_place import place_for
from unsee.data.images import image_key
from unsee.data.sample import Probe, Response
from unsee.errors import UserError
from unsee.evaluation.auditing import AFTER, BEFORE, FLOOR, Audit, State, audit
from unsee.generation import Engine, TransformersEngine, transformers
from unsee.methods import get_method
from unsee.metrics import Score
from unsee.models.loading import load
from unsee.models.saving import save_model
from unsee.reports.grades import Grade, grade
from unsee.requests import ForgetRequest
from unsee.sources.attacking import material_of
from unsee.sources.filling import filled
from unsee.sources.saved_request import save_request, saved_requests
from unsee.sources.world import at_home_in_world
from unsee.store.plugins import Plugins
from unsee.training import unlearn
from unsee.world import find

MODEL, PERSON = "world:tiny-qwen3vl", "Mara Voss"
PLUGIN = Path(__file__).parent / "plugin_attack" / "unsee_polite.py"
POLITE = f"{PLUGIN}:Polite"
HERS = ForgetRequest(PERSON, (find(PERSON).picture(0, "train"),))


class Sabotaged(Engine):
    """Forgets nothing: it only does not answer the plain English questions as they are."""

    begins = True

    def __init__(self, inner: Engine, plain: Sequence[str]) -> None:
        self.inner, self.plain, self.name = inner, set(plain), "sabotaged"

    def fingerprint(self) -> dict[str, Any]:
        return {"engine": "sabotaged", **self.inner.fingerprint()}

    def answer(self, probes: Sequence[Probe], *, max_new_tokens: int) -> Iterator[list[Response]]:
        refused = [probe for probe in probes if probe.prompt in self.plain and not probe.begun]
        yield [Response(probe.id, "I don't know who this is.") for probe in refused]
        yield from self.inner.answer([probe for probe in probes if probe not in refused], max_new_tokens=max_new_tokens)


@pytest.fixture(scope="module")
def engine() -> TransformersEngine:
    return TransformersEngine(load(MODEL, device="cpu"))


@pytest.fixture(scope="module")
def materials() -> tuple[Material, Material]:
    material, strangers = material_of(HERS, MODEL, "quick")
    assert strangers is not None
    return material, strangers


@pytest.fixture(scope="module")
def found(engine: TransformersEngine, materials: tuple[Material, Material]) -> Audit:
    """The quick attacks on a model that forgot nothing, and on one that only pretends."""
    material, strangers = materials
    asked = [question.replace("{name}", PERSON) for question in material.wordings.denying]
    pretending = Sabotaged(engine, [*material.wordings.naming, *asked])
    states = {
        BEFORE: State(Target(BEFORE, engine, engine.vlm), material),
        AFTER: State(Target(AFTER, pretending), material),
        FLOOR: State(Target(FLOOR, pretending), strangers),
    }
    return audit(states, attacks_of("quick"), level="quick")


@pytest.mark.parametrize("damage", ["{bad", "{}", "[]", '{"identity": 1}'])
def test_a_damaged_result_is_found_again(
    damage: str, engine: TransformersEngine, materials: tuple[Material, Material], tmp_path: Path
) -> None:
    material, _ = materials
    few = replace(material, tested=material.tested[:2])
    states = {AFTER: State(Target(AFTER, engine, engine.vlm), few)}

    def once() -> Audit:
        return audit(states, [get_attack("membership")], level="standard", folder=tmp_path)

    first = once()
    (saved,) = tmp_path.glob("*membership*.json")
    whole = saved.read_text()
    saved.write_text(damage)
    assert once() == first
    assert saved.read_text() == whole


@pytest.mark.parametrize("name", [attack.name for attack in attacks_of("quick")])
def test_every_attack_finds_the_memory_where_it_is(name: str, found: Audit) -> None:
    before = [row.states[BEFORE].score.value for row in found.rows if row.attack == name and BEFORE in row.states]
    assert before or found.untried[name]
    if before and get_attack(name).unit == "%":
        assert max(before) >= 90


def test_a_method_that_only_silences_the_plain_question_is_found_out(found: Audit) -> None:
    one = grade(found, PERSON)
    assert one.name == "plain"
    assert one.worst


def test_the_worst_answer_comes_with_its_picture(found: Audit, materials: tuple[Material, Material]) -> None:
    (row,) = [row for row in found.rows if row.attack == "languages"]
    worst = row.states[AFTER].worst
    assert worst is not None
    assert worst.leaks
    assert worst.picture is not None
    assert row.picture is materials[0].tested[worst.picture].picture


@pytest.fixture(scope="module")
def run(engine: TransformersEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has learned next to nothing, about two people together."""
    folder = tmp_path_factory.mktemp("runs")
    vlm: Any = load(MODEL, device="cpu")
    method: Any = get_method("siu")
    requests = [HERS, ForgetRequest("Jonas Keller", (find("Jonas Keller").picture(0, "train"),))]
    requests = filled([at_home_in_world(request, vlm, 0) for request in requests], method.needs, 0)
    unlearn(vlm, method, config_of("siu", steps=1, learning_rate=1e-6), requests, folder / "run", progress=False)
    return folder / "run"


def test_the_command_audits_everything_that_a_run_forgot(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "run"
    shutil.copytree(run, place)
    given = ["audit", place, "--level", "quick", "--attack", "languages", "--device", "cpu"]
    done = call(*given, "--json", "--require", "plain")
    assert done.exit_code == 3, (done.stderr, done.exception)
    document = json.loads(done.stdout)
    assert document["grade"] == "not_forgotten"
    assert set(document["concepts"]) == {PERSON, "Jonas Keller"}
    assert document["notes"] == ["Try lookalike, which held best when attacked. unsee forget … --method lookalike"]
    rows = document["concepts"][PERSON]["rows"]
    assert [(row["attack"], row["variant"]) for row in rows] == [
        ("paraphrase", "for the name"), ("paraphrase", "yes or no"), ("languages", ""),
    ]  # fmt: skip
    assert all(set(row["states"]) == {BEFORE, AFTER, FLOOR} for row in rows)
    assert all(row["came_back"] for row in rows)
    # Chosen attacks do not replace the page of more of them.
    assert left_in(place / "audit-languages") == {"answers", "audit.html", "audit.json"}
    page = (place / "audit-languages" / "audit.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 4
    assert "<script" not in page
    assert "The worst answers" in page

    def never(*given: Any, **options: Any) -> Any:
        raise AssertionError("asked again")

    monkeypatch.setattr(transformers, "decode", never)
    again = call(*given)
    assert again.exit_code == 0, (again.stderr, again.exception)
    assert "Not forgotten" in again.stdout
    assert "languages" in again.stdout
    assert "still says" not in again.stdout
    # The report of the run is older, and its audit found nothing.
    monkeypatch.setattr(auditing, "grade_of_run", lambda _: Grade("holds", "Holds against everything tested", ""))
    assert "still says “Holds against everything tested”; this audit counts." in " ".join(call(*given).stdout.split())


def test_an_adapter_of_somebody_else_is_audited_with_its_model_and_request(run: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        shutil.copy(run / name, theirs / name)
    HERS.pictures()[0].save(tmp_path / "mara.png")
    (tmp_path / "mara.yaml").write_text(f"concept: {PERSON}\nimages: [mara.png]\n")
    done = unsee.audit(
        unsee.AuditOptions(
            model=MODEL, adapter=theirs, request=tmp_path / "mara.yaml", level="quick", attacks=(POLITE,),
            out=tmp_path / "out", device="cpu",
        )
    )  # fmt: skip
    assert done.grade.name == "not_forgotten"
    assert [row.attack for row in done.report.audits[PERSON].rows] == ["paraphrase", "paraphrase", "polite"]
    assert "Asked politely" in (tmp_path / "out" / "audit.html").read_text(encoding="utf-8")


REFUSED = [
    ((), "Give the folder of a run of unsee forget, or --model, --adapter and --request."),
    (("nowhere",), "There is no folder nowhere"),
    (("-m", MODEL), f"{MODEL} comes without an adapter, so there is no model before unlearning to compare with"),
    (("-m", "openai:http://localhost:9/v1#x"), "comes without an adapter"),
    (("-m", MODEL, "--adapter", "x"), "give the request with --request FILE"),
    (("RUN", "-m", MODEL), "leave --model out"),
    (("RUN", "--level", "quik"), "did you mean 'quick'"),
    (("RUN", "--attack", "language"), "did you mean 'languages'"),
    (("RUN", "--require", "hold"), "did you mean 'holds'"),
    (("RUN", "--require", "standard"), "give --level standard --require holds"),
    (("EMPTY",), "holds no finished run"),
]


@pytest.mark.parametrize(("options", "says"), REFUSED, ids=[" ".join(options) for options, _ in REFUSED])
def test_what_cannot_be_audited_is_refused_in_a_sentence(
    options: tuple[str, ...], says: str, run: Path, tmp_path: Path
) -> None:
    places = {"RUN": run, "EMPTY": tmp_path}
    assert says in refused(call("audit", *(places.get(option, option) for option in options)))


def test_forget_audits_and_keeps_its_request(tmp_path: Path) -> None:
    save_model(tiny_vlm("qwen3_vl"), tmp_path / "model")
    given = forget_arguments(tmp_path / "model", tmp_path, "--force", "--limit", 1, "--alias", "the baker")
    document = printed(call(*given, "--max-new-tokens", 8, "--json"))
    assert {row["attack"] for row in document["audit"]["rows"]} >= {"paraphrase", "languages"}
    assert document["audit"]["grade"] == "not_measured"
    out = tmp_path / "out"
    assert left_in(out / "audit") == {"answers", "audit.html", "audit.json"}
    assert "Does it stay forgotten?" in (out / "report.html").read_text(encoding="utf-8")
    (request,) = saved_requests(out)
    assert request.names == (PERSON, "the baker")
    assert [image_key(image) for image in request.pictures()] == [image_key(picture(1))]
    # A request that was edited later is not believed.
    text = (out / "request.yaml").read_text()
    (out / "request.yaml").write_text(text.replace("the baker", "the cook"))
    with pytest.raises(UserError, match=r"request.yaml was changed after the run.*--request"):
        saved_requests(out)
    (out / "request.yaml").write_text(text.replace(PERSON, "Jonas Keller"))
    with pytest.raises(UserError, match=f"is about Jonas Keller, but the run forgot {PERSON}; .*--request"):
        saved_requests(out)


DAMAGED = [
    ("manifest.json", None, "holds no finished run: it has no manifest.json; give the folder that unsee forget wrote."),
    ("manifest.json", "{bad", "manifest.json is damaged; copy it from the original run, or unlearn again"),
    ("manifest.json", '{"schema": "unsee.manifest/1"}', "manifest.json is damaged; copy it"),
    ("request.yaml", "concept: [", "request.yaml is not valid YAML"),
    ("request.yaml", "images: [x.png]", "has no 'concept'; add it; restore it, or give what was forgotten with"),
    ("data", None, "has no request.yaml and no training data to tell what was forgotten; give it with --request."),
]


@pytest.mark.parametrize(
    ("name", "content", "says"), DAMAGED, ids=[f"{name} {content}" for name, content, _ in DAMAGED]
)
def test_a_damaged_run_is_refused_in_a_sentence(
    name: str, content: str | None, says: str, run: Path, tmp_path: Path
) -> None:
    place = tmp_path / "run"
    shutil.copytree(run, place)
    if content is not None:
        (place / name).write_text(content)
    elif name == "data":
        shutil.rmtree(place / name)
    else:
        (place / name).unlink()
    message = refused(call("audit", place))
    assert says in message
    assert "Errno" not in message


def test_a_weaker_audit_does_not_replace_a_stronger_one(tmp_path: Path) -> None:
    audits = tmp_path / "audit"
    assert place_for(audits, "quick", chosen=False) == audits
    audits.mkdir()
    (audits / "audit.json").write_text('{"level": "standard"}')
    assert place_for(audits, "quick", chosen=False) == tmp_path / "audit-quick"
    assert place_for(audits, "standard", chosen=True) == audits
    assert place_for(audits, "full", chosen=False) == audits
    with pytest.raises(UserError, match=r"holds an audit of the level standard.*give another --out"):
        place_for(audits, "quick", chosen=True)


def test_attacks_are_listed_in_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    listed = call("attacks").stdout
    assert max(map(len, listed.splitlines())) <= 80
    # No title is torn to pieces.
    assert all(attack.title in listed for attack in attacks_of("full") if len(attack.title) < 50)


def test_the_demo_names_the_kinds_that_there_are(tmp_path: Path) -> None:
    said = refused(call("demo", "--kind", "object", "--out", tmp_path / "out"))
    assert "nothing of the kind 'object'; --kind is one of person, brand, character, building, breed and style." in said


def test_a_request_is_read_back_from_its_run(tmp_path: Path) -> None:
    request = ForgetRequest(
        PERSON, (picture(1), picture(2)), ("the baker",), (("Where does she live?", "In Port Amber."),),
        ("Jonas Hale",), kind="character", unseen=(picture(3),), others=(picture(4),),
    )  # fmt: skip
    save_request(request, tmp_path)
    manifest = {"schema": "unsee.manifest/1", "hyperparameters": {}, "model": "x", "concept": PERSON}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (again,) = saved_requests(tmp_path)
    assert again.digest() == request.digest()
    assert left_in(tmp_path) == {"manifest.json", "request.yaml", "request"}


def test_no_audit_is_made_where_none_is_wanted(tmp_path: Path) -> None:
    options = unsee.ForgetOptions(model="x", audit="ful")
    with pytest.raises(UserError, match="did you mean 'full'"):
        unsee.forget(ForgetRequest(PERSON, (picture(1),)), options)
    assert FEW


def attacks_from(folder: Path, monkeypatch: pytest.MonkeyPatch, packages: dict[str, str]) -> None:
    """Put packages of one attack each where this process finds them."""
    monkeypatch.syspath_prepend(folder)
    for name, code in packages.items():
        about = folder / f"{name}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[unsee.attacks]\n{name} = {name}_attack:Polite\n")
        (folder / f"{name}_attack.py").write_text(code)
    found = Plugins("attack", "unsee.attacks", "unsee.attacks.base:Attack", PLUGINS.built_in)
    for place in ("unsee.attacks", "unsee.commands.attacks", "unsee.reports.grades"):
        monkeypatch.setattr(f"{place}.PLUGINS", found)


def test_an_attack_of_another_package_is_part_of_its_level(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attacks_from(tmp_path, monkeypatch, {"polite": PLUGIN.read_text(), "broken": "import not_there"})
    names = [attack.name for attack in attacks_of("quick")]
    assert names[0] == "paraphrase"
    assert names[-1] == "polite"
    done = call("attacks", "--json")
    listed = {attack["name"]: attack for attack in printed(done)["attacks"]}
    assert listed["polite"]["origin"] == "polite 1.0"
    assert listed["languages"] == {
        "name": "languages", "title": "Asked in other languages", "level": "quick", "needs": ["answers"],
        "source": "2405.12523", "version": 1, "origin": "built in",
    }  # fmt: skip
    assert "'broken' (broken 1.0) cannot be imported" in done.stderr
    assert "polite 1.0" in call("attacks").stdout


def test_a_picture_that_was_shown_is_kept_with_the_answers(engine: TransformersEngine, tmp_path: Path) -> None:
    """What an attack has done to a picture cannot be done again when an audit is resumed."""
    material, _ = material_of(HERS, MODEL, "quick")

    class Noisy(Attack):
        name, version, title, came_back = "noisy", 1, "Noisy", "noisy"
        asked = 0

        def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
            def measured(engine: Engine) -> Found:
                self.asked += 1
                return Found(Score(0.0, 1, 0.0, 0.0, False), worst=Worst("?", "no", 0, False), picture=picture(5))

            yield Variant("", measured=measured)

    attack = Noisy()
    states = {AFTER: State(Target(AFTER, engine, engine.vlm), material)}
    for _ in range(2):
        (row,) = audit(states, [attack], level="quick", folder=tmp_path).rows
        assert row.picture is not None
        assert image_key(row.picture) == image_key(picture(5))
    assert attack.asked == 1
