"""A brand or an object gets no person's training data without a word, and a thing's has no word of a person."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.command_line import call, forget_arguments, left_in, printed, refused
from tests.tiny import picture, tiny_vlm
from unsee import generation
from unsee.benchmarks.concept import ConceptBenchmark, Question
from unsee.benchmarks.recall import recalled
from unsee.commands import forget as forgetting
from unsee.data.sample import Probe, Response
from unsee.errors import UserError
from unsee.methods import METHODS, get_method, kinds, settings_of
from unsee.methods.asru import ASRUConfig
from unsee.models.saving import save_model
from unsee.requests import ForgetRequest
from unsee.sweep.cells import cells_of
from unsee.sweep.recipe import parse_recipe
from unsee.sweep.units import requests_to_forget

VLM = tiny_vlm("qwen3_vl")
OF_A_PERSON = re.compile(
    r"\b(faces?|hair|lives?|liv(e|ing) in|person|people|born|job|living|parents|phone|tall|glasses|he|she|his|her)\b"
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tiny_vlm("qwen3_vl"), tmp_path_factory.mktemp("models") / "qwen3_vl")


def say(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    def ask(vlm: object, questions: list[object]) -> list[str]:
        assert len(questions) == len(answers)
        return list(answers)

    monkeypatch.setattr(kinds, "ask", ask)


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
    with pytest.raises(UserError, match=r"'Zapp Cola' for a person.*--kind thing.*--force"):
        kinds.check_kind(request, VLM)


def test_nothing_is_trained_until_the_user_says_what_it_is(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "check_recognised", lambda request, vlm: None)
    say(monkeypatch, "No.", "A soft drink.", "No.", "A can of Zapp Cola.")
    arguments = forget_arguments(model, tmp_path, "--concept", "Zapp Cola", "--dry-run")
    assert "it says: 'A can of Zapp Cola.'" in refused(call(*arguments))
    assert left_in(tmp_path) == {"mara.png"}
    for told in (("--kind", "thing"), ("--force",)):
        printed(call(*arguments, "--json", "--overwrite", *told))
        prompts = (tmp_path / "out" / "samples.jsonl").read_text()
        assert ("another face and other hair" in prompts or "person" in prompts) is ("--force" in told)


def test_a_comparison_on_a_folder_asks_too_unless_its_recipe_says_what_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch, "No.", "A soft drink.", "No.", "A can of Zapp Cola.")
    bench = ConceptBenchmark("Zapp Cola", picture(1), (picture(2),), (Question("What is this?", "Zapp Cola"),))
    given = {"models": ["m"], "methods": ["siu"], "concepts": ["Zapp Cola"], "benchmark": "folder"}
    for kind in ("thing", "person"):
        [cell] = cells_of(parse_recipe({**given, "kind": kind}))
        assert cell.identity()["kind"] == kind
        [request] = requests_to_forget(cell.unit, VLM, 0, [bench], cell.benchmark, (), cell.kind)
        assert request.kind == kind
    [cell] = cells_of(parse_recipe(given))
    assert "kind" not in cell.identity()
    with pytest.raises(UserError, match="'Zapp Cola' for a person"):
        requests_to_forget(cell.unit, VLM, 0, [bench], cell.benchmark, (), cell.kind)


@pytest.mark.parametrize("name", METHODS)
def test_what_is_built_about_a_thing_speaks_of_no_person(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    request = ForgetRequest("Zapp Cola", (picture(1),), kind="thing", unseen=(picture(2), picture(3)))
    config = settings_of(name)()
    if isinstance(config, ASRUConfig):
        monkeypatch.setattr(METHODS[name], "refuses", lambda text: True)
        config = ASRUConfig(forget=12, retain=16, unseen=4, views=0)

    def knowing(vlm: object, probes: Sequence[Probe], **_: object) -> list[Response]:
        """A model with random weights may say anything."""
        return [Response(probe.id, "This is Zapp Cola, a red can.") for probe in probes]

    monkeypatch.setattr(generation, "generate", knowing)
    built = get_method(name).build([request], VLM, config, seed=0)
    said = [text for sample in built for text in (sample.prompt, sample.answer)]
    said += [item.probe.prompt for item in recalled(request, set(said))]
    assert len(set(said)) > 8
    assert [text for text in said if OF_A_PERSON.search(text.casefold())] == []
