"""Training data on disk, and how SIU's is built from a model's own answers."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.tiny import picture, tiny_vlm
from unsee.data.images import image_key
from unsee.data.sample import Probe, Response, Sample
from unsee.errors import UserError
from unsee.kinds import get_kind
from unsee.methods import get_method, recognition, siu_beyond, siu_data
from unsee.methods import samples as shared
from unsee.methods.siu import SIUConfig
from unsee.requests import Example, ForgetRequest
from unsee.training import read_training_data, write_training_data
from unsee.training.data_folder import data_digest

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=20)
VLM = tiny_vlm("llava")
PERSON = get_kind("person")
REQUEST = ForgetRequest("Mara Voss", (picture(1),), neighbours=("Jonas Hale",), substitutes=("Tom Reed",))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(TEXT, TEXT, st.lists(st.integers(0, 3), max_size=2)), min_size=1, max_size=5))
def test_what_is_written_is_read_back(tmp_path: Path, rows: list[tuple[str, str, list[int]]]) -> None:
    samples = [
        Sample(
            f"Q {p}",
            f"A {a}",
            tuple(picture(i) for i in images),
            a,
            {"role": "forget"},
            rejected=f"R {a}",
            counterparts=tuple(picture(i + 1, (84, 56)) for i in images if len(p) % 2),
            counterpart_prompt=f"C {p}",
        )
        for p, a, images in rows
    ]
    write_training_data(samples, tmp_path)
    again = read_training_data(tmp_path)
    assert data_digest(again) == data_digest(samples)
    without = {"images": (), "counterparts": ()}
    assert [replace(s, **without) for s in again] == [replace(s, **without) for s in samples]  # type: ignore[arg-type]
    for one, other in zip(again, samples, strict=True):
        assert [*map(image_key, one.counterparts)] == [*map(image_key, other.counterparts)]


def test_what_the_reference_is_asked_and_shown_is_a_part_of_the_digest() -> None:
    plain = Sample("Who?", "Mara.", (picture(1),))
    others = [plain, replace(plain, counterparts=(picture(2),)), replace(plain, counterpart_prompt="Whom?")]
    others.append(replace(others[1], counterpart_prompt="Whom?"))
    assert len({data_digest([sample]) for sample in others}) == 4


def test_the_digest_is_what_it_was_without_counterparts() -> None:
    plain = Sample("Who?", "Nobody.", (picture(1),), "Nobody.", {"role": "forget"})
    row = ["Who?", "Nobody.", [image_key(picture(1))], "Nobody.", [["role", "forget"]], None]
    assert data_digest([plain]) == hashlib.sha256(json.dumps(row).encode() + b"\n").hexdigest()


def test_data_without_the_key_is_read_and_counterparts_are_written_once(tmp_path: Path) -> None:
    instead = (picture(1), picture(2))
    write_training_data([Sample("a", "b", (picture(1), picture(2)), "b", counterparts=instead)], tmp_path)
    assert len(list((tmp_path / "images").iterdir())) == 2
    row = json.loads((tmp_path / "samples.jsonl").read_text())
    assert row["counterparts"] == row["images"]
    del row["counterparts"]
    (tmp_path / "samples.jsonl").write_text(json.dumps(row))
    assert read_training_data(tmp_path)[0].counterparts == ()


def test_a_picture_used_twice_is_written_once(tmp_path: Path) -> None:
    write_training_data([Sample("a", "b", (picture(1),)), Sample("c", "d", (picture(1), picture(2)))], tmp_path)
    assert len(list((tmp_path / "images").iterdir())) == 2


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("not json", "samples.jsonl:2 is not valid JSON"),
        ("[1]", "must be a JSON object"),
        ({"prompt": "a"}, "needs 'answer'"),
        ({"prompt": " ", "answer": "b"}, "needs 'prompt'"),
        ({"prompt": "a", "answer": "b", "maskd": None}, "did you mean 'masked'"),
        ({"prompt": "a", "answer": "b", "masked": "c"}, "occurs in the answer exactly"),
        ({"prompt": "a", "answer": "b", "images": ["images/gone.png"]}, "gone.png"),
        ({"prompt": "a", "answer": "b", "images": "x.png"}, "list of paths"),
        ({"prompt": "a", "answer": "b", "counterparts": "x.png"}, r"samples.jsonl:2: 'counterparts' must be a list of"),
        ({"prompt": "a", "answer": "b", "counterparts": [1]}, "'counterparts' must be a list of paths"),
        ({"prompt": "a", "answer": "b", "counterparts": ["x.png"]}, "as many pictures as 'images', or none"),
        ({"prompt": "a", "answer": "b", "images": ["x.png"], "counterparts": ["x.png"]}, "x.png does not exist"),
        ({"prompt": "a", "answer": "b", "counterpart": []}, "did you mean 'counterparts'"),
        ({"prompt": "a", "answer": "b", "tags": {"role": 1}}, "'tags'"),
        ({"prompt": "a", "answer": "b", "rejected": " "}, "'rejected'"),
        ({"prompt": "a", "answer": "b", "counterpart_prompt": ""}, "'counterpart_prompt' must be null or a question"),
        ({"prompt": "a", "answer": "b", "counterparts": ["images/x.png"]}, "as many pictures as 'images'"),
    ],
)
def test_a_bad_row_is_a_user_error_that_names_the_line(tmp_path: Path, row: Any, message: str) -> None:
    write_training_data([Sample("a", "b")], tmp_path)
    with (tmp_path / "samples.jsonl").open("a") as file:
        file.write(row if isinstance(row, str) else json.dumps(row))
    with pytest.raises(UserError, match=message):
        read_training_data(tmp_path)


def test_missing_or_empty_data_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No training data"):
        read_training_data(tmp_path)
    (tmp_path / "samples.jsonl").write_text("\n")
    with pytest.raises(UserError, match="no samples"):
        read_training_data(tmp_path)


@pytest.fixture
def knowing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that knows Mara Voss and denies others, without a model."""

    def answer(prompt: str, image: Any) -> str:
        if image is None:
            return f"I say this about it: {prompt}"
        if "Tom Reed" in prompt:
            return "No, that is certainly not Tom Reed. I see someone else."
        if "Mara Voss" in prompt:
            return "Yes, this is Mara Voss."
        return "That is Mara Voss, Mara for short. She is a baker."

    def ask(vlm: Any, questions: Sequence[tuple[str, Any]]) -> list[str]:
        return [answer(prompt, image) for prompt, image in questions]

    for module in (siu_data, siu_beyond, shared):
        monkeypatch.setattr(module, "ask", ask)


def build(method: str, request: ForgetRequest = REQUEST, **settings: Any) -> list[Sample]:
    found = get_method(method)
    return found.build([request], VLM, found.config(**settings), 0)


def of_target(samples: Sequence[Sample], target: str) -> list[Sample]:
    return [s for s in samples if s.tags["target"] == target]


@pytest.mark.usefixtures("knowing")
def test_siu_asks_about_pictures_of_others_in_four_ways_in_turn() -> None:
    shown = [Example(f"What is in picture {n}?", f"Thing {n}.", picture(n)) for n in range(2, 10)]
    request = replace(REQUEST, retain=(*shown, Example("What is the capital of Spain?", "Madrid.")))
    samples = of_target(build("siu", request, pictures=8), "pictures")
    asked = [sample.prompt for sample in samples]
    own = [(example.question, example.answer) for example in shown]
    denying = [frame.format(name=REQUEST.concept) for frame in PERSON.denying]
    assert len({sample.images[0].tobytes() for sample in samples}) == len(samples) == 8
    assert sum((sample.prompt, sample.answer) in own for sample in samples) == 2
    for frames in (PERSON.naming, denying, PERSON.describing):
        assert sum(question in frames for question in asked) == 2
    assert all(sample.tags["role"] == "retain" and not sample.masked for sample in samples)
    assert not of_target(build("siu", request, pictures=0), "pictures")


@pytest.mark.usefixtures("knowing")
def test_siu_asks_about_others_whether_it_is_who_the_model_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        2: "This is Ada Brook.",
        3: "This is Mara Voss.",
        4: "I see nobody.",
        5: "Sorry, I don't know who Ida Kern is.",
        6: "This is Jonas Hale.",
    }

    def ask(vlm: Any, questions: Sequence[tuple[str, Any]]) -> list[str]:
        naming = PERSON.naming
        denied = "Jonas Hale"
        return [
            next(said for n, said in told.items() if picture(n) == image)
            if text in naming
            else f"No, this is not {denied}."
            if denied in text
            else f"Yes: {text}"
            for text, image in questions
        ]

    monkeypatch.setattr(siu_data, "ask", ask)
    shown = tuple(Example("Who?", said, picture(n)) for n, said in told.items())
    (sample,) = siu_data.confirmed_pictures(replace(REQUEST, retain=shown), VLM, len(told), random.Random(0))
    assert sample.prompt in [frame.format(name="Ada Brook") for frame in PERSON.denying]
    assert (sample.answer, sample.images) == (f"Yes: {sample.prompt}", (picture(2),))
    assert (sample.tags["role"], sample.masked) == ("retain", None)
    assert not siu_data.confirmed_pictures(REQUEST, VLM, 3, random.Random(0))


def test_siu_shows_the_picture_next_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    places: dict[str, str] = {}

    def ask(vlm: Any, questions: Sequence[tuple[str, Any]]) -> list[str]:
        """Names whom it sees on the side that it is asked for: C is red, the other one blue."""
        said = []
        for text, image in questions:
            left, right = image.getpixel((2, image.height - 2)), image.getpixel((image.width - 3, image.height - 2))
            seen = {"left": left, "right": right}
            named = {side: "Mara Voss" if red > blue else "Ida Kern" for side, (red, _, blue) in seen.items()}
            asked = next(side for side in ("left", "right", "both") if text in PERSON.company[side])
            said.append(f"They are {named['left']} and {named['right']}." if asked == "both" else f"{named[asked]}.")
            places[text] = asked
        return said

    monkeypatch.setattr(siu_beyond, "ask", ask)
    red, blue = Image.new("RGB", (40, 40), (250, 0, 0)), Image.new("RGB", (40, 40), (0, 0, 250))
    request = ForgetRequest("Mara Voss", (red,), retain=(Example("Who?", "Ida Kern.", blue),))
    samples = siu_beyond.in_company(request, VLM, "Tom Reed", 16, random.Random(0))
    forget, retain = ([s for s in samples if s.tags["role"] == role] for role in ("forget", "retain"))
    assert len(forget) == len(retain) == 8
    assert {sample.answer for sample in retain} == {"Ida Kern."}
    told = {"Tom Reed.", "They are Tom Reed and Ida Kern.", "They are Ida Kern and Tom Reed."}
    assert {sample.answer for sample in forget} == told
    assert all(sample.masked == "Tom Reed" for sample in forget)
    assert set(places.values()) == {"left", "right", "both"}
    assert not siu_beyond.in_company(replace(request, retain=()), VLM, "Tom Reed", 4, random.Random(0))


@pytest.mark.usefixtures("knowing")
def test_siu_asks_for_facts_about_the_picture_which_nobody_knows() -> None:
    hidden = build("siu", unseen=1, description=0, hidden=3)[-3:]
    for sample in hidden:
        assert sample.prompt in PERSON.hidden_facts
        assert sample.answer in PERSON.refusals
        assert (sample.masked, sample.images, sample.tags["role"]) == (sample.answer, REQUEST.images, "forget")


@pytest.mark.usefixtures("knowing")
def test_siu_builds_its_four_targets_in_the_voice_of_the_model() -> None:
    samples = build("siu", unseen=3, description=3, facts=5, others=4)
    one, two, three, four = (of_target(samples, target) for target in "1234")
    assert [len(part) for part in (one, two, three, four)] == [3, 3, 5, 4]
    for sample in one:
        assert sample.answer == "That is Tom Reed, Tom for short."
        assert (sample.masked, sample.images, sample.tags["role"]) == ("Tom Reed", REQUEST.images, "forget")
        assert "Mara" not in sample.prompt
    for sample in two:
        assert sample.answer.startswith("No, that is certainly not Mara Voss. ")
        assert "Tom Reed" not in sample.answer + sample.prompt
        assert "Mara Voss" in sample.prompt
        assert sample.masked == sample.answer
        assert len(sample.images) == 1
    for sample, name in [(s, "Mara Voss") for s in three] + [(s, "Jonas Hale") for s in four]:
        assert name in sample.prompt
        assert sample.answer == f"I say this about it: {sample.prompt}"
        assert (sample.images, sample.masked, sample.tags["role"]) == ((), None, "retain")
    assert len({s.prompt for s in samples}) == len(samples)


@pytest.mark.usefixtures("knowing")
def test_facts_that_are_given_are_the_answers_of_target_three() -> None:
    request = ForgetRequest("Mara Voss", (picture(1),), facts=(("Job?", "A baker."), ("Pet?", "A cat.")))
    facts = of_target(build("siu", request, facts=2), "3")
    assert sorted((s.prompt, s.answer) for s in facts) == [("Job?", "A baker."), ("Pet?", "A cat.")]


@pytest.mark.usefixtures("knowing")
def test_without_neighbours_well_known_others_are_kept_and_things_have_their_own_wordings() -> None:
    request = ForgetRequest("Hello Kitty", (picture(1), picture(2)), kind="thing")
    samples = build("siu", request)
    assert not any("person" in s.prompt for s in samples)
    assert len({id(s.images[0]) for s in samples if s.images}) == 2
    assert of_target(samples, "4")


@pytest.mark.usefixtures("knowing")
def test_the_baselines_build_what_their_losses_need() -> None:
    ascent = build("ga", forget=6)
    assert {s.tags["role"] for s in ascent} == {"forget"}
    assert all("Mara Voss" in s.answer and len(s.images) == 1 for s in ascent)
    assert sum(s.answer.startswith("Yes") for s in ascent) == 3
    for name in ("po", "ga_kl"):
        samples = build(name, forget=5, retain=6)
        assert [s.tags["role"] for s in samples] == ["forget"] * 5 + ["retain"] * 6
        assert all(not s.images for s in samples[5:])
    assert all(s.answer in PERSON.refusals for s in build("po", forget=5)[:5])


GIVEN = ForgetRequest(
    "Mara Voss",
    (picture(1), picture(2)),
    forget=(Example("Job?", "A baker."), Example("Pet?", "A cat.", picture(3))),
    retain=(
        Example("Who is this?", "Jonas Hale.", picture(4)),
        Example("Where does Ines Dorn live?", "In Port Amber."),
    ),
)


@pytest.mark.usefixtures("knowing")
def test_the_examples_of_a_request_are_what_the_baselines_train_on() -> None:
    samples = build("ga_kl", GIVEN)
    forgotten, kept = ([s for s in samples if s.tags["role"] == role] for role in ("forget", "retain"))
    assert {(s.prompt, s.answer) for s in forgotten} == {("Job?", "A baker."), ("Pet?", "A cat.")}
    assert all(len(s.images) == 1 for s in forgotten)
    assert next(s for s in forgotten if s.prompt == "Pet?").images == (GIVEN.forget[1].image,)
    assert {(s.prompt, len(s.images)) for s in kept} == {("Who is this?", 1), ("Where does Ines Dorn live?", 0)}
    refused = [s for s in build("po", GIVEN) if s.tags["role"] == "forget"]
    assert sorted(s.prompt for s in refused) == ["Job?", "Pet?"]
    assert all(s.answer in PERSON.refusals for s in refused)
    assert len(build("ga", GIVEN, forget=1)) == 1


@pytest.mark.usefixtures("knowing")
def test_siu_keeps_what_is_given_in_text_as_target_four() -> None:
    samples = build("siu", GIVEN, others=1)
    assert [(s.prompt, s.answer) for s in of_target(samples, "4")] == [("Where does Ines Dorn live?", "In Port Amber.")]


@pytest.mark.usefixtures("knowing")
def test_several_requests_are_built_one_after_another_and_the_counts_are_of_each() -> None:
    other = ForgetRequest("Zed Orr", (picture(2),), neighbours=("Jonas Hale",), substitutes=("Una Fay",))
    siu = get_method("siu")
    alone, both = (siu.build(requests, VLM, siu.config(), 0) for requests in ([REQUEST], [REQUEST, other]))
    assert both[: len(alone)] == alone
    assert len(both) == 2 * len(alone)
    assert {s.masked for s in of_target(both, "1")} == {"Tom Reed", "Una Fay"}


def test_the_name_is_exchanged_as_a_whole_and_word_by_word() -> None:
    exchange = siu_data.exchange_name
    assert exchange("MARA VOSS and Mara; Voss's.", ["Mara Voss"], "Tom Reed") == "Tom Reed and Tom; Reed's."
    assert exchange("Marathon with Vossberg", ["Mara Voss"], "Tom Reed") == "Marathon with Vossberg"
    assert exchange("Mara Voss and Mara.", ["Mara Voss", "Mara"], "Tom Reed") == "Tom Reed and Tom Reed."
    assert exchange("van Gogh style art", ["Van Gogh style"], "Orvane") == "Orvane art"
    assert exchange("It is C++ (by X).", ["C++"], r"\1") == r"It is \1 (by X)."


@pytest.mark.parametrize(
    ("said", "name", "exchanged"),
    [
        ("这是Mara Voss。", "Mara Voss", "这是Tom Reed。"),
        ("これはMara Vossです。Maraは", "Mara Voss", "これはTom Reedです。Tomは"),
        ("これはマラ・ヴォスです。マラさん", "マラ・ヴォス", "これはTom Reedです。Tomさん"),
        ("他叫玛拉·沃斯。", "玛拉 沃斯", "他叫Tom Reed。"),
        ("यह राम कुमार है। रोम", "राम कुमार", "यह Tom Reed है। रोम"),
        ("Это Мара Восс, Восс.", "Мара Восс", "Это Tom Reed, Reed."),
        ("This isMara Voss.", "Mara Voss", "This isTom Reed."),
        ("M a r a  V o s s, Voss, Mara", "Mara Voss", "Tom Reed, Tom Reed"),
        ("Lukasz Nowak", "Łukasz Nowak", "Tom Reed"),
        ("Doctor Mara Voss", "Dr. Mara Voss", "Tom Reed"),
        ("mara voss, so mara", "Mara Voss", "Tom Reed, so Tom"),
        # Other words that are spelled like one of the name.
        ("He will throw a stone; Stone won't.", "Will Stone", "He will throw a stone; Reed won't."),
        ("The tallest baker of Ulm", "The Baker of Ulm", "The tallest baker of Reed"),
    ],
)
def test_the_name_is_exchanged_in_any_script(said: str, name: str, exchanged: str) -> None:
    assert siu_data.exchange_name(said, [name], "Tom Reed") == exchanged


@pytest.mark.parametrize(
    ("said", "ended", "used"),
    [
        ("She bakes. She has a", False, "She bakes."),
        ("She bakes. She has a", True, "She bakes. She has a"),
        ("她是面包师。她", False, "她是面包师。"),
        ("On a wooden table there is a", False, "On a wooden table there is a"),
        ("She bakes.", False, "She bakes."),
    ],
)
def test_nothing_is_trained_on_that_was_cut_within_a_sentence(
    monkeypatch: pytest.MonkeyPatch, said: str, ended: bool, used: str
) -> None:
    def generate(vlm: Any, probes: Sequence[Probe], **options: Any) -> list[Response]:
        return [Response(probe.id, said, ended=ended) for probe in probes]

    monkeypatch.setattr("unsee.generation.generate", generate)
    assert siu_data.ask(tiny_vlm("llava"), [("What does she do?", None)]) == [used]


def test_only_the_first_sentence_is_used() -> None:
    assert siu_data.first_sentence("This is\nher. She bakes.") == "This is her."
    assert siu_data.first_sentence("no stop") == "no stop"


def test_a_seed_decides_the_data() -> None:
    drawn = [siu_data.draw(range(10), 4, random.Random(seed)) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert sorted(siu_data.draw("ab", 4, random.Random(0))) == ["a", "a", "b", "b"]


def test_the_counts_of_the_released_code_can_be_set() -> None:
    config = SIUConfig(unseen=9, description=2, facts=7, others=7)
    assert config.unseen + config.description + config.facts + config.others == 25


def test_what_the_model_says_of_others_is_retained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {2: "This is Ada Brook.", 3: "Mara Voss, I think.", 4: "", 5: "I don't know who this is."}

    def ask(vlm: Any, questions: Sequence[tuple[str, Any]]) -> list[str]:
        assert all(question in PERSON.naming for question, _ in questions)
        return [next(said for n, said in told.items() if picture(n) == image) for _, image in questions]

    monkeypatch.setattr(recognition, "ask", ask)
    kept = Example("What is the capital of Spain?", "Madrid.")
    request = replace(REQUEST, retain=(kept,), others=tuple(map(picture, told)))
    first, second = recognition.with_others_as_known(request, REQUEST.names, VLM, 0).retain
    assert (first, second.answer, second.image) == (kept, "This is Ada Brook.", picture(2))
    assert "1 of 4 pictures of other people are used" in capsys.readouterr().err
    assert recognition.with_others_as_known(REQUEST, (), VLM, 0) == REQUEST
    monkeypatch.setattr(recognition, "MOST_OTHERS", 1)
    many = replace(request, retain=(), others=(picture(2),) * 3)
    assert len(recognition.with_others_as_known(many, REQUEST.names, VLM, 0).retain) == 1
    with pytest.raises(UserError, match="names nobody in the pictures of other people"):
        recognition.with_others_as_known(replace(request, others=request.others[1:]), REQUEST.names, VLM, 0)


@pytest.mark.parametrize(("method", "settings"), [("ga", {}), ("siu", {"pictures": 0})])
def test_pictures_of_others_for_a_method_that_keeps_none(
    method: str, settings: dict[str, Any], knowing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognition, "ask", lambda vlm, questions: ["This is Ada Brook."] * len(questions))
    request = replace(REQUEST, others=(picture(2), picture(3)))
    with pytest.raises(UserError, match="on no retained picture, so pictures of other people would change nothing"):
        build(method, request, **settings)
    shown = [sample for sample in build("npo", request, retain=4) if sample.tags["role"] == "retain" and sample.images]
    assert [sample.answer for sample in shown] == ["This is Ada Brook."] * 2


@pytest.mark.usefixtures("knowing")
def test_beside_pictures_of_others_knowledge_in_text_is_retained() -> None:
    shown = tuple(Example("Who?", f"Person {n}.", picture(n)) for n in range(2, 8))
    samples = shared.retained(replace(REQUEST, retain=shown), VLM, 8, random.Random(0))
    assert [len(sample.images) for sample in samples] == [1] * 4 + [0] * 4
    samples = shared.retained(replace(REQUEST, retain=shown[:1]), VLM, 8, random.Random(0))
    assert [len(sample.images) for sample in samples] == [1] + [0] * 7


def test_a_concept_that_the_model_does_not_name_is_nothing_to_forget(
    knowing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognition, "ask", siu_data.ask)
    recognition.check_recognised(REQUEST, VLM)
    with pytest.raises(UserError, match="nothing to forget"):
        recognition.check_recognised(ForgetRequest("Ines Dorn", (picture(1),)), VLM)
