"""Kinds of concepts: each is complete, and no training data speaks of one kind in the words of another."""

from __future__ import annotations

import hashlib
import json
import random
import re
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import unsee.kinds as room
from tests.command_line import call, forget_arguments, left_in, printed, refused
from tests.tiny import picture, tiny_vlm
from unsee import generation
from unsee.benchmarks.concept import ConceptBenchmark, Question
from unsee.benchmarks.recall import recalled
from unsee.commands import forget as forgetting
from unsee.data.images import image_key
from unsee.data.sample import Probe, Response, Sample
from unsee.errors import UserError
from unsee.kinds import KINDS, LANGUAGES, Kind, Spoken, get_kind
from unsee.kinds.general import DESCRIBING, GENERAL
from unsee.methods import METHODS, get_method, kinds, settings_of
from unsee.methods.asru import ASRUConfig
from unsee.methods.recognition import check_recognised, with_others_as_known
from unsee.methods.substitutes import substitute_name
from unsee.metrics.affirming import affirms, denies
from unsee.metrics.refusals import is_refusal
from unsee.models.saving import save_model
from unsee.requests import ForgetRequest
from unsee.sizing.stand_ins import stand_ins
from unsee.store.plugins import Plugins
from unsee.sweep.cells import cells_of
from unsee.sweep.recipe import parse_recipe
from unsee.sweep.units import requests_to_forget

ROOT = Path(__file__).parents[1]
PLUGIN = Path(__file__).parent / "plugin_kind"
SHIP = f"{PLUGIN / 'unsee_ships.py'}:SHIP"
VLM = tiny_vlm("qwen3_vl")
EVERY = (*KINDS, SHIP)

OF_A_PERSON = (
    "face", "faces", "hair", "born", "live", "lives", "living", "home", "job", "who is", "who are", "person", "people",
    "man", "woman", "he", "she", "him", "her", "his", "hers", "parents", "phone", "glasses", "clothes", "work as",
)  # fmt: skip
OF_A_BRAND = ("brand", "brands", "logo", "logos", "founded", "sell")
OF_A_CHARACTER = ("character", "characters", "story", "game", "figure")
OF_A_BUILDING = ("building", "buildings", "roof", "tower", "towers", "built", "stand(?! for)", "landmark", "walls")
OF_A_BREED = ("breed", "breeds", "bred", "coat", "ears", "tail", "animal", "animals", "dog", "cat")
OF_AN_OBJECT = ("object", "objects")
OF_A_STYLE = ("style", "styles", "painting", "painted", "painters", "palette", "brushwork", "strokes")
FOREIGN: dict[str, tuple[str, ...]] = {
    "person": (
        "it(?! true)", "its", "what is this called", *OF_A_BRAND, *OF_A_CHARACTER[:-1], *OF_A_BUILDING, *OF_A_BREED,
        *OF_AN_OBJECT, *OF_A_STYLE,
    ),
    "character": (*OF_A_PERSON, *OF_A_BRAND, *OF_A_BUILDING, *OF_A_BREED, *OF_AN_OBJECT, *OF_A_STYLE),
    "brand": (*OF_A_PERSON, *OF_A_CHARACTER, *OF_A_BUILDING, *OF_A_BREED, *OF_AN_OBJECT, *OF_A_STYLE),
    "building": (*OF_A_PERSON, *OF_A_BRAND, *OF_A_CHARACTER, *OF_A_BREED, *OF_AN_OBJECT, *OF_A_STYLE),
    "breed": (*OF_A_PERSON, *OF_A_BRAND, *OF_A_CHARACTER, *OF_A_BUILDING, *OF_AN_OBJECT, *OF_A_STYLE),
    "object": (*OF_A_PERSON, *OF_A_BRAND, *OF_A_CHARACTER, *OF_A_BUILDING, *OF_A_BREED, *OF_A_STYLE),
    "style": (*OF_A_PERSON, *OF_A_BRAND, *OF_A_CHARACTER, *OF_A_BUILDING, *OF_A_BREED, *OF_AN_OBJECT),
    SHIP: (*OF_A_PERSON, *OF_A_BRAND, *OF_A_CHARACTER, *OF_A_BUILDING, *OF_A_BREED, *OF_A_STYLE),
}  # fmt: skip
"""Words of other kinds. A figure may also be a person's, because what a seed draws for people is not to change."""

OF_A_REQUEST = (
    "naming", "denying", "likeness", "facts", "describing", "hidden", "visible", "naming_answers", "denials",
    "differences", "refusals",
)  # fmt: skip
NAMED = {"denying", "likeness", "facts", "naming_answers", "denials", "differences", "confirmation", "described"}
"""Fields whose every text holds the name."""

# Of the data that each method built for a person, and of what `recalled` asks, before there were other kinds.
DATA_OF_A_PERSON = {
    "siu": "7f62e622bed1411c", "po": "b396e2beddb1f58d", "dpo": "018c4ef9a727b413", "ga": "36425cdf8ab4b9ab",
    "ga_diff": "88d4b569d90bb991", "ga_kl": "88d4b569d90bb991", "npo": "88d4b569d90bb991",
    "simnpo": "88d4b569d90bb991", "rmu": "88d4b569d90bb991", "mmunlearner": "88d4b569d90bb991",
    "asru": "0cced0c0746fe1de", "vgid": "9b797b85e8f431bf", "lookalike": "c03b9b8496336d62",
    "retain_only": "1ca27ecfcee1c06c",
}  # fmt: skip

Answers = Callable[[Probe], str]
ZAPP = "This is Zapp."


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tiny_vlm("qwen3_vl"), tmp_path_factory.mktemp("models") / "qwen3_vl")


def say(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    def ask(vlm: object, questions: list[object]) -> list[str]:
        assert len(questions) == len(answers)
        return list(answers)

    monkeypatch.setattr(kinds, "ask", ask)


def knows(monkeypatch: pytest.MonkeyPatch, answer: Answers) -> None:
    """A model with random weights may say anything; this one says what `answer` does."""

    def generate(vlm: object, probes: Sequence[Probe], **_: object) -> list[Response]:
        return [Response(probe.id, answer(probe)) for probe in probes]

    monkeypatch.setattr(generation, "generate", generate)


def texts_of(kind: Kind) -> Iterator[tuple[str, str]]:
    """Every text with where it stands."""
    for field in OF_A_REQUEST:
        yield from ((field, text) for text in getattr(kind, field))
    yield from (("confirmation", kind.confirmation), ("described", kind.described))
    for side, texts in kind.company.items():
        yield from ((f"company.{side}", text) for text in texts)
    for language, spoken in kind.spoken.items():
        for field in fields(Spoken):
            yield from ((f"{language}.{field.name}", text) for text in getattr(spoken, field.name))


@pytest.mark.parametrize("name", EVERY)
def test_every_field_is_filled(name: str) -> None:
    kind = get_kind(name)
    for field in fields(Kind):
        assert getattr(kind, field.name), field.name
    assert set(kind.company) == {"left", "right", "both"}
    assert all(side in text for side in ("left", "right") for text in kind.company[side])
    assert len(kind.naming) >= (4 if name == SHIP else 10)
    assert len(kind.well_known) >= 4
    assert kind.one in (f"a {kind.noun}", f"an {kind.noun}")


@pytest.mark.parametrize("name", KINDS)
def test_six_languages_are_complete(name: str) -> None:
    spoken = get_kind(name).spoken
    assert tuple(spoken) == LANGUAGES
    for language, said in spoken.items():
        assert (len(said.naming) >= 4, len(said.denying) >= 3, len(said.facts) >= 3, len(said.likeness) >= 2) == (
            True, True, True, True,
        ), language  # fmt: skip
        latin = re.compile(r"[A-Za-z]{2}")
        texts = [text.replace("{name}", "") for field in fields(Spoken) for text in getattr(said, field.name)]
        assert all((latin.search(text) is None) == (language in ("zh", "ja", "ru")) for text in texts), language


@pytest.mark.parametrize("name", EVERY)
def test_placeholders_stand_where_they_belong_and_nothing_is_said_twice(name: str) -> None:
    seen: dict[str, set[str]] = {}
    for where, text in texts_of(get_kind(name)):
        found = {field for _, field, _, _ in string.Formatter().parse(text) if field}
        field = where.rpartition(".")[2]
        wanted = {"name"} if field in NAMED else set()
        assert found == (wanted | {"description"} if where == "described" else wanted), (where, text)
        assert text.casefold() not in seen.setdefault(where, set()), (where, text)
        seen[where].add(text.casefold())
        assert text == text.strip()
        assert text[-1] in ".?。？", (where, text)


@pytest.mark.parametrize("name", EVERY)
def test_what_is_to_be_forgotten_is_not_asked_as_what_is_to_be_kept(name: str) -> None:
    kind = get_kind(name)
    assert not set(kind.hidden) & {*kind.visible, *kind.describing}
    assert not {*kind.naming, *kind.denying} & {*kind.visible, *kind.describing}
    assert not {*GENERAL} & {text for _, text in texts_of(kind)}
    assert {*DESCRIBING} <= {*kind.describing}


@pytest.mark.parametrize("name", EVERY)
def test_answers_are_read_as_what_they_are(name: str) -> None:
    kind = get_kind(name)
    assert all(map(is_refusal, kind.refusals))
    assert affirms(kind.confirmation.format(name="Velmora"))
    denials = [text.format(name="Velmora") for text in kind.denials]
    assert all(map(denies, denials))
    assert not any(map(is_refusal, [*denials, *(text.format(name="Velmora") for text in kind.naming_answers)]))
    assert kind.spoken_of(f"This is {kind.one}.")


@pytest.mark.parametrize("name", KINDS)
def test_a_refusal_is_read_as_one_in_the_words_of_every_kind(name: str) -> None:
    noun = get_kind(name).noun
    refusing = (
        f"I don't know which {noun} this is.", f"This is an unknown {noun}.", f"The {noun} is unknown.",
        f"I can't tell which {noun} this is. I can see a red shape.", f"An unidentified {noun}.",
        f"This {noun} is unfamiliar to me.", f"There is no {noun} called Zapp.",
    )  # fmt: skip
    assert [text for text in refusing if not is_refusal(text)] == []
    assert not is_refusal("I can see a woman holding an unknown object.")
    part = get_kind(name).parts[0]
    assert not is_refusal(f"I can see a red {part}.")


@pytest.mark.parametrize("name", EVERY)
def test_an_invented_name_is_drawn_by_seed_and_shares_no_word_with_the_concept(name: str) -> None:
    invented = get_kind(name).invented
    concept = " ".join(words[0] for words in invented)
    request = ForgetRequest(concept, (picture(1),), kind=name)
    drawn = [substitute_name(request, random.Random(seed)) for seed in range(40)]
    assert len(set(drawn)) > 10
    assert all(len(one.split()) == len(invented) and not {*one.split()} & {*concept.split()} for one in drawn)
    assert not {*get_kind(name).well_known} & {*drawn}


def data_of(method: str, request: ForgetRequest, monkeypatch: pytest.MonkeyPatch, **counts: int) -> list[Sample]:
    config = settings_of(method)()
    if isinstance(config, ASRUConfig):
        monkeypatch.setattr(METHODS[method], "refuses", lambda text: True)
        config = ASRUConfig(**counts)  # type: ignore[arg-type]
    return get_method(method).build([request], VLM, config, seed=3)


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_draws_for_a_person_what_it_always_drew(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    request = ForgetRequest("Mara Voss", (picture(1), picture(4)), unseen=tuple(picture(n) for n in range(20, 26)))
    unknown = {*map(image_key, request.unseen_pictures())} if method == "lookalike" else set()

    def answer(probe: Probe) -> str:
        who = "somebody" if {*map(image_key, probe.images)} & unknown else "Mara Voss"
        return f"This is {who}, a potter with red hair {len(probe.prompt)}."

    knows(monkeypatch, answer)
    built = data_of(method, request, monkeypatch, forget=24, retain=40, unseen=6, views=2)
    rows: list[Any] = [
        [s.prompt, s.answer, s.masked, s.rejected, dict(s.tags), [image_key(image) for image in s.images],
         *([[image_key(image) for image in s.counterparts]] if s.counterparts else [])]
        for s in built
    ]  # fmt: skip
    rows += [item.probe.prompt for item in recalled(request, set())]
    assert hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:16] == DATA_OF_A_PERSON[method]


def foreign(name: str, texts: Sequence[str]) -> list[str]:
    words = re.compile(rf"\b({'|'.join(FOREIGN[name])})\b")
    return [text for text in texts if words.search(text.casefold())]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("method", METHODS)
def test_no_training_data_speaks_of_another_kind(method: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = () if method == "ga" else (picture(4), picture(5))
    request = ForgetRequest("Zapp", (picture(1),), kind=name, unseen=(picture(2), picture(3)), others=shown)
    named = {image_key(one): "This is Yondo." for one in request.other_pictures()}
    named |= {image_key(one): "I cannot say." for one in request.unseen_pictures()}
    # What the model says in its own words is not what is tested.
    knows(monkeypatch, lambda probe: next((named[key] for key in map(image_key, probe.images) if key in named), ZAPP))
    built = data_of(method, request, monkeypatch, forget=12, retain=16, unseen=4, views=0)
    said = [text for sample in built for text in (sample.prompt, sample.answer, sample.rejected or "")]
    said += [item.probe.prompt for item in recalled(request, set(said))]
    said += [text for s in stand_ins(get_method(method), VLM, settings_of(method)(), True, name) for text in
             (s.prompt, s.answer)]  # fmt: skip
    assert len(set(said)) > 8
    # General questions are about anything.
    assert foreign(name, [text for text in said if text not in GENERAL]) == []


@pytest.mark.parametrize("name", EVERY)
def test_no_wording_of_a_kind_speaks_of_another(name: str) -> None:
    assert foreign(name, [text for where, text in texts_of(get_kind(name)) if where[:2] not in LANGUAGES]) == []


@pytest.mark.parametrize(
    ("answers", "a_person"),
    [
        # Is NAME a person? Who or what is NAME? Is this a person? What is shown in this picture?
        (("Yes.", "An actor. He was born in 1971.", "Yes", "A man in a suit."), True),
        (("No.", "I don't know.", "Yes, this is a person.", "A woman with red hair."), True),
        (("Yes", "I don't know.", "I cannot tell.", "A drawing."), True),
        (("No", "Zapp Cola is a soft drink.", "No", "A can of Zapp Cola."), False),
        (("No", "Zapp Cola is a soft drink.", "No", "A man holds a can of Zapp Cola."), False),
        (("No.", "A video game character.", "No, it is a cartoon.", "A plumber in blue overalls."), False),
        (("This is Zapp Cola.", "This is Zapp Cola.", "This is Zapp Cola.", "This is Zapp Cola."), False),
        (("", "", "", ""), False),
    ],
)
def test_whether_the_model_takes_it_for_a_person(
    answers: tuple[str, ...], a_person: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch, *answers)
    request = ForgetRequest("Zapp Cola", (picture(1),))
    if a_person:
        kinds.check_kind(request, VLM)
        return
    with pytest.raises(UserError, match=r"'Zapp Cola' for a person.*--kind .*--force"):
        kinds.check_kind(request, VLM)


@pytest.mark.parametrize(
    ("answers", "better"),
    [
        (("No", "Zapp is a company.", "No", "A red logo."), "brand"),
        (("No", "Zapp is a cartoon character.", "No", "A drawing."), "character"),
        (("No", "I don't know.", "No", "An old church with a tower."), "building"),
        (("No", "Zapp is a dog.", "No", "A brown dog."), "breed"),
        (("No", "I don't know.", "No", "A painting."), "style"),
        (("No", "A kitchen tool.", "No", "A bottle."), "object"),
        (("No", "Zapp.", "No", "Zapp."), "brand, character, building, breed, object or style"),
    ],
)
def test_the_kind_that_fits_best_is_advised(
    answers: tuple[str, ...], better: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch, *answers)
    with pytest.raises(UserError, match=f"give --kind {better} "):
        kinds.check_kind(ForgetRequest("Zapp", (picture(1),)), VLM)


def test_a_kind_that_the_user_gave_is_only_hinted_at(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    say(monkeypatch, "No.", "Zapp is a company.", "No.", "A red logo.")
    kinds.check_kind(ForgetRequest("Zapp", (picture(1),), kind="building"), VLM)
    told = " ".join(capsys.readouterr().err.split())
    assert "does not seem to take 'Zapp' for a building (it says: 'A red logo.')" in told
    assert "walls, a roof" in told
    assert "give --kind brand" in told
    kinds.check_kind(ForgetRequest("Zapp", (picture(1),), kind="person"), VLM)
    assert "as --kind person asks" in " ".join(capsys.readouterr().err.split())
    say(monkeypatch, "Yes.", "Zapp is a company.", "No.", "A red logo.")
    kinds.check_kind(ForgetRequest("Zapp", (picture(1),), kind="brand"), VLM)
    assert capsys.readouterr().err == ""


def test_nothing_is_trained_until_the_user_says_what_it_is(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "check_recognised", lambda request, vlm: None)
    say(monkeypatch, "No.", "A soft drink.", "No.", "A can of Zapp Cola.")
    arguments = forget_arguments(model, tmp_path, "--concept", "Zapp Cola", "--dry-run")
    told = refused(call(*arguments))
    assert "it says: 'A can of Zapp Cola.'" in told
    assert "give --kind" in told
    assert left_in(tmp_path) == {"mara.png"}
    for given in (("--kind", "brand"), ("--kind", "person"), ("--kind", "thing"), ("--force",)):
        printed(call(*arguments, "--json", "--overwrite", *given))
        prompts = (tmp_path / "out" / "samples.jsonl").read_text()
        of_a_person = "another face and other hair" in prompts or "person" in prompts
        assert of_a_person is (given in (("--kind", "person"), ("--force",)))


def test_what_it_is_taken_for_is_said(model: Path, tmp_path: Path) -> None:
    arguments = forget_arguments(model, tmp_path, "--dry-run", "--force")
    told = " ".join(call(*arguments).stdout.split())
    others = ", ".join(name for name in KINDS if name != "person")
    assert f"Kind: person (default; --kind {others} for something else)" in told
    told = call(*arguments, "--overwrite", "--kind", "style").stdout
    assert "Kind: style\n" in told


def test_a_comparison_on_a_folder_asks_too_unless_its_recipe_says_what_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    say(monkeypatch, "No.", "A soft drink.", "No.", "A can of Zapp Cola.")
    bench = ConceptBenchmark("Zapp Cola", picture(1), (picture(2),), (Question("What is this?", "Zapp Cola"),))
    given = {"models": ["m"], "methods": ["siu"], "concepts": ["Zapp Cola"], "benchmark": "folder"}
    for kind, now in (("thing", "object"), ("person", "person"), ("brand", "brand")):
        [cell] = cells_of(parse_recipe({**given, "kind": kind}))
        assert cell.identity()["kind"] == now
        [request] = requests_to_forget(cell.unit, VLM, 0, [bench], cell.benchmark, (), cell.kind)
        assert request.kind == now
    [cell] = cells_of(parse_recipe(given))
    assert "kind" not in cell.identity()
    with pytest.raises(UserError, match="'Zapp Cola' for a person"):
        requests_to_forget(cell.unit, VLM, 0, [bench], cell.benchmark, (), cell.kind)


def test_a_request_without_a_kind_is_that_of_a_person() -> None:
    plain, told = ForgetRequest("A", (picture(1),)), ForgetRequest("A", (picture(1),), kind="person")
    assert plain.kind is None
    assert plain.what is told.what is get_kind("person")
    assert plain.digest() == told.digest() != ForgetRequest("A", (picture(1),), kind="brand").digest()


def test_a_thing_of_an_old_request_is_an_object(tmp_path: Path) -> None:
    picture(1).save(tmp_path / "one.png")
    file = tmp_path / "request.yaml"
    file.write_text("concept: A\nimages: [one.png]\nkind: thing")
    assert ForgetRequest.from_yaml(file).kind == "object"
    assert get_kind("thing") is get_kind("object")


def test_errors_speak_of_the_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    knows(monkeypatch, lambda probe: "I don't know.")
    request = ForgetRequest("Zapp", (picture(1),), kind="brand", others=(picture(2),))
    with pytest.raises(UserError, match="names nothing in the pictures of other brands"):
        with_others_as_known(request, ["Zapp"], VLM, 0)
    nowhere = ("forget", "-m", "x", "-c", "Zapp", "-i", "a.png", "--kind", "brand", "--others", "nowhere")
    assert "give one with pictures of other brands" in refused(call(*nowhere))
    with pytest.raises(UserError, match="does not recognise 'Zapp'"):
        check_recognised(request, VLM)
    with pytest.raises(UserError, match="pictures of other brands"):
        ForgetRequest("Zapp", (picture(1),), kind="brand", others=(picture(1),)).check()
    with pytest.raises(UserError, match=r"needs pictures of brands.*such as logos"):
        data_of("asru", ForgetRequest("Zapp", (picture(1),), kind="brand"), monkeypatch)


def test_an_unknown_kind_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"There is no kind 'brnd'; did you mean 'brand'\?"):
        get_kind("brnd")


@pytest.fixture
def ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example of CONTRIBUTING.md where this process finds it, as pip would put it there."""
    about = tmp_path / "unsee_ships-0.3.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: unsee-ships\nVersion: 0.3\n")
    (about / "entry_points.txt").write_text("[unsee.kinds]\nship = unsee_ships:SHIP\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(PLUGIN)
    found = Plugins("kind", "unsee.kinds", "unsee.kinds.base:Kind", room.PLUGINS.built_in, instances=True)
    for module in ("unsee.kinds", "unsee.commands.kinds", "unsee.cli.forget"):
        monkeypatch.setattr(f"{module}.PLUGINS", found)
    return tmp_path


@pytest.mark.usefixtures("ships")
def test_a_kind_of_another_package_is_listed_and_used(model: Path, tmp_path: Path) -> None:
    listed: Mapping[str, Any] = {one["name"]: one for one in printed(call("kinds", "--json"))["kinds"]}
    assert list(listed) == [*KINDS, "ship"]
    assert listed["ship"]["origin"] == "unsee-ships 0.3"
    assert {listed[name]["origin"] for name in KINDS} == {"built in"}
    assert "A ship or a boat." in call("kinds").stdout
    arguments = forget_arguments(model, tmp_path, "--dry-run", "--force", "--kind", "ship")
    assert "Kind: ship" in call(*arguments).stdout
    assert "ship" in (tmp_path / "out" / "samples.jsonl").read_text()


def test_two_kinds_of_one_name_are_an_error_that_names_both(ships: Path) -> None:
    points = ships / "unsee_ships-0.3.dist-info" / "entry_points.txt"
    points.write_text("[unsee.kinds]\nbrand = unsee_ships:SHIP\n")
    with pytest.raises(UserError, match=r"Two kinds are named 'brand': unsee.kinds.brand:KIND \(built in\) and"):
        room.PLUGINS.find("brand")


def test_what_is_no_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("MINE = 3")
    with pytest.raises(UserError, match=r"is not a kind; it must be an object of unsee.kinds.base.Kind"):
        get_kind(f"{tmp_path / 'mine.py'}:MINE")
    assert "is not a kind" in refused(
        call("forget", "-m", "x", "-c", "A", "-i", "a.png", "--kind", f"{tmp_path / 'mine.py'}:MINE")
    )


def test_contributing_shows_the_kind_that_is_installed_here() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```(?:toml|python)\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    assert (PLUGIN / "unsee_ships.py").read_text(encoding="utf-8") in shown


def test_no_other_room_asks_whether_it_is_a_person() -> None:
    asks = re.compile(r"kind\s*[!=]=\s*(\"person\"|PERSON)")
    files = [path for path in (ROOT / "unsee").rglob("*.py") if "world" not in path.parts]
    assert [str(path) for path in files if asks.search(path.read_text(encoding="utf-8"))] == []
