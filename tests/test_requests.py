"""Reading and checking of requests, and the substitute name."""

from __future__ import annotations

import contextlib
import random
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tiny import picture
from unsee.benchmarks.concept import SLUG_BYTES, slug
from unsee.errors import UserError
from unsee.kinds.person import FIRST_NAMES, LAST_NAMES
from unsee.methods.substitutes import substitute_name, words_of
from unsee.requests import LONGEST_NAME, Example, ForgetRequest, digest_of

NAMES = st.text(alphabet=st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=12)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    picture(1).save(tmp_path / "one.png")
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "request.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_every_key_and_finds_pictures_beside_the_file(folder: Path) -> None:
    text = """
    concept: Mara Voss
    images: [one.png]
    aliases: Marla
    facts:
      - question: What does Mara Voss do?
        answer: She is a baker.
    neighbours: [Jonas Hale, Ines Dorn]
    kind: person
    substitutes: [Tom Reed]
    forget:
      - question: Who is this?
        answer: This is Mara Voss.
    retain:
      - question: Who is this?
        answer: This is Jonas Hale.
        image: one.png
      - question: Who is Ines Dorn?
        answer: A nurse.
    """
    request = ForgetRequest.from_yaml(write(folder, text))
    assert request.images == (folder / "one.png",)
    assert request.names == ("Mara Voss", "Marla")
    assert request.facts == (("What does Mara Voss do?", "She is a baker."),)
    assert request.neighbours == ("Jonas Hale", "Ines Dorn")
    assert request.substitutes == ("Tom Reed",)
    assert request.pictures()[0].size == (56, 56)
    assert request.forget == (Example("Who is this?", "This is Mara Voss."),)
    shown, told = request.retain
    assert shown == Example("Who is this?", "This is Jonas Hale.", folder / "one.png")
    assert told == Example("Who is Ines Dorn?", "A nurse.")
    assert shown.picture().size == (56, 56)
    assert told.picture() is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("concept: A\nimage: one.png", "did you mean 'images'"),
        ("concept: A", "no 'images'"),
        ("images: [one.png]", "no 'concept'"),
        ("concept: 7\nimages: [one.png]", "'concept'.*must be text"),
        ("concept: A\nimages: 7", "list of texts"),
        ("concept: A\nimages: [7]", r"images\[0\]"),
        ("concept: A\nimages: []", "no picture"),
        ("concept: ' . '\nimages: [one.png]", "no letter or digit"),
        ("concept: A\nimages: [gone.png]", "gone.png"),
        ("concept: A\nimages: [one.png]\nfacts: [{question: Q}]", r"facts\[0\]"),
        ("concept: A\nimages: [one.png]\nfacts: [{question: Q, answer: ''}]", r"facts\[0\]"),
        ("concept: A\nimages: [one.png]\nforget: one", "'forget'.*must be a list of question and answer pairs"),
        (
            "concept: A\nimages: [one.png]\nforget: [{question: Q, answer: B, picture: C}]",
            r"forget\[0\].*perhaps image",
        ),
        ("concept: A\nimages: [one.png]\nretain: [{question: Q, answer: B, image: ''}]", r"retain\[0\].*empty image"),
        ("concept: A\nimages: [one.png]\nretain: [{question: Q, answer: B, image: gone.png}]", "gone.png"),
        ("concept: A\nimages: [one.png]\nretain: [{question: Q, answer: 7}]", r"retain\[0\].answer.*must be text"),
        ("concept: A\nimages: [one.png]\nneighbours: [a]", "both the concept"),
        ("concept: A\nimages: [one.png]\naliases: ['-']", "alias"),
        ("concept: A\nimages: [one.png]\nkind: persn", "did you mean 'person'"),
        ("- a list", "must be a mapping"),
        ("", "must be a mapping"),
        ("concept: [", "not valid YAML"),
    ],
)
def test_says_in_one_sentence_what_is_wrong(folder: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        ForgetRequest.from_yaml(write(folder, text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("concept", "neighbour"),
    [("Łukasz Nowak", "lukasz nowak"), ("Mara Voss", "Voss, Mara"), ("J.K. Rowland", "JK Rowland"), ("محمد", "مُحَمَّد")],
)
def test_one_name_in_two_spellings_is_not_both_forgotten_and_kept(concept: str, neighbour: str) -> None:
    with pytest.raises(UserError, match="both the concept to forget and a neighbour"):
        ForgetRequest(concept, (picture(1),), neighbours=(neighbour,)).check()


def test_names_that_differ_in_a_vowel_sign_are_two_concepts() -> None:
    ForgetRequest("राम", (picture(1),), neighbours=("रोम",)).check()


def test_a_substitute_shares_no_word_with_the_concept_however_it_is_written() -> None:
    request = ForgetRequest("Łukasz Nowak", (picture(1),), substitutes=("Lukasz Reed", "Adam NOWAK"))
    with pytest.raises(UserError, match="shares a word"):
        substitute_name(request, random.Random(0))


def test_an_empty_example_is_a_user_error() -> None:
    with pytest.raises(UserError, match=r"forget\[1\].*empty"):
        ForgetRequest("A", (picture(1),), forget=(Example("Q", "A"), Example("Q", " "))).check()


def test_the_digest_covers_the_examples_and_several_requests_in_their_order(folder: Path) -> None:
    plain = ForgetRequest("Mara Voss", (picture(1),))
    kept = [replace(plain, retain=(Example("Q", "A", image),)) for image in (None, picture(1), picture(2))]
    requests = [plain, replace(plain, forget=(Example("Q", "A"),)), *kept]
    assert len({request.digest() for request in requests}) == 5
    assert kept[1].digest() == replace(plain, retain=(Example("Q", "A", folder / "one.png"),)).digest()
    assert digest_of([plain]) == plain.digest()
    assert len({digest_of(some) for some in ([plain], kept[:2], kept[1::-1], kept)}) == 4


def test_a_missing_or_binary_file_is_a_user_error(folder: Path) -> None:
    with pytest.raises(UserError, match="no request file"):
        ForgetRequest.from_yaml(folder / "gone.yaml")
    (folder / "binary.yaml").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(UserError, match="cannot be read"):
        ForgetRequest.from_yaml(folder / "binary.yaml")


def test_a_picture_may_be_the_content_of_a_file(folder: Path) -> None:
    content = (folder / "one.png").read_bytes()
    example = Example("Who is this?", "Jonas.", content)
    given = ForgetRequest("Mara Voss", (content,), retain=(example,), unseen=(picture(2),))
    opened = replace(given, images=(picture(1),), retain=(replace(example, image=folder / "one.png"),))
    assert given.digest() == opened.digest()
    with pytest.raises(UserError, match="picture of the request is damaged"):
        replace(given, unseen=(content[:60],)).check()
    with pytest.raises(UserError, match="picture of the request is damaged"):
        replace(given, others=(content[:60],)).check()


def test_the_request_in_the_readme_is_one(folder: Path) -> None:
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    example = next(block for block in readme.split("```yaml\n")[1:] if block.startswith("concept:")).split("```")[0]
    for number, name in enumerate(("mara", "lucia", "henrik"), start=1):
        picture(number).save(folder / f"{name}.png")
    (folder / "request.yaml").write_text(example)
    given = ForgetRequest.from_yaml(folder / "request.yaml")
    assert given.facts == (("What is the job of Mara Voss?", "Mara Voss works as a potter."),)
    assert len(given.others) == 2


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Mara\nVoss", "Mara Voss"),
        ("Mara\tVoss", "Mara Voss"),
        ("  Mara \r\n  Voss ", "Mara Voss"),
        ("Mara\u2028Voss", "Mara Voss"),
        ("Mara\u00a0Voss", "Mara Voss"),
    ],
)
def test_a_name_is_one_line(typed: str, name: str) -> None:
    named = ForgetRequest(typed, (picture(1),), aliases=(f"{typed} II",), neighbours=(f"{typed} III",))
    named.check()
    assert (named.concept, named.aliases, named.neighbours) == (name, (f"{name} II",), (f"{name} III",))
    replace(named, concept="x" * LONGEST_NAME).check()


@pytest.mark.parametrize("field", ["concept", "aliases", "neighbours", "substitutes"])
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "name is blank; "),
        (" \n\t", "name is blank; "),
        ("?!", "name '?!' holds no letter or digit; "),
        ("x" * (LONGEST_NAME + 1), f"has {LONGEST_NAME + 1} characters; the most is {LONGEST_NAME}"),
        ("Mara\x1b[31m Voss", r"name 'Mara\x1b[31m Voss' holds a control character; "),
        ("Mara\x00", "holds a control character; "),
    ],
)
def test_what_cannot_be_a_name_is_refused_as_what_it_is(field: str, name: str, says: str) -> None:
    wrong = replace(ForgetRequest("Mara Voss", (picture(1),)), **{field: name if field == "concept" else (name,)})
    with pytest.raises(UserError) as refusal:
        wrong.check()
    assert says in str(refusal.value)
    assert "''" not in str(refusal.value)


@pytest.mark.parametrize("name", ["x" * 300, "名" * 150, "Ł" * 199, "word " * 60])
def test_the_slug_of_any_name_fits_into_a_path(name: str) -> None:
    assert len(slug(name).encode()) <= SLUG_BYTES
    assert slug(name) == slug(name.upper())
    assert slug(name) != slug(name + "x")
    assert slug("Mara Voss") == "mara-voss"


def test_pictures_of_others_are_of_others(folder: Path) -> None:
    (folder / "request.yaml").write_text("{concept: Mara Voss, images: one.png, others: [two.png]}")
    picture(2).save(folder / "two.png")
    given = ForgetRequest.from_yaml(folder / "request.yaml")
    assert [shown.tobytes() for shown in given.other_pictures()] == [picture(2).tobytes()]
    assert given.digest() != replace(given, others=()).digest()
    with pytest.raises(UserError, match="'Mara Voss' is also among the pictures of other people"):
        replace(given, others=(picture(2), picture(1))).check()
    with pytest.raises(UserError, match="A picture under 'others' is also under 'unseen'"):
        replace(given, unseen=(picture(2),)).check()


def test_the_digest_is_of_the_content_and_not_of_the_place(folder: Path) -> None:
    by_path = ForgetRequest("Mara Voss", (folder / "one.png",))
    opened = ForgetRequest("Mara Voss", (picture(1),))
    assert by_path.digest() == opened.digest()
    assert by_path.digest() != ForgetRequest("Mara Voss", (picture(2),)).digest()
    assert by_path.digest() != ForgetRequest("Mara Vos", (picture(1),)).digest()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(concept=NAMES, aliases=st.lists(NAMES, max_size=3), facts=st.lists(st.tuples(NAMES, NAMES), max_size=3))
def test_what_is_written_as_yaml_is_read_back(
    folder: Path, concept: str, aliases: list[str], facts: list[tuple[str, str]]
) -> None:
    content = {
        "concept": concept,
        "images": ["one.png"],
        "aliases": aliases,
        "facts": [{"question": question, "answer": answer} for question, answer in facts],
    }
    request = ForgetRequest.from_yaml(write(folder, yaml.safe_dump(content)))
    assert (request.concept, request.aliases, request.facts) == (concept, tuple(aliases), tuple(facts))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=8), st.lists, max_leaves=4))
def test_any_content_is_read_or_refused_with_a_user_error(folder: Path, content: object) -> None:
    for document in (
        content,
        {"concept": content, "images": content},
        *({"concept": "A", "images": ["one.png"], key: content} for key in ("facts", "forget")),
    ):
        with contextlib.suppress(UserError):
            ForgetRequest.from_mapping(document, folder=folder)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=100, deadline=None)
def test_the_substitute_shares_no_word_with_the_names_to_forget_or_to_keep(seed: int) -> None:
    # Only one first and one last name are left free.
    neighbours = tuple(f"{first} X" for first in FIRST_NAMES[2:]) + tuple(f"Y {last}" for last in LAST_NAMES[2:])
    request = ForgetRequest(f"{FIRST_NAMES[0]} Voss", (picture(),), (f"Miss {LAST_NAMES[0]}",), neighbours=neighbours)
    assert substitute_name(request, random.Random(seed)) == f"{FIRST_NAMES[1]} {LAST_NAMES[1]}"


def test_the_substitute_comes_from_the_request_where_it_offers_some() -> None:
    request = ForgetRequest("Mara Voss", (picture(),), substitutes=("Mara Reed", "Tom Reed"))
    assert {substitute_name(request, random.Random(seed)) for seed in range(20)} == {"Tom Reed"}
    with pytest.raises(UserError, match="substitute"):
        substitute_name(ForgetRequest("Mara Voss", (picture(),), substitutes=("Mara Reed",)), random.Random(0))


def test_things_get_an_invented_word_drawn_by_seed() -> None:
    request = ForgetRequest("Hello Kitty", (picture(),), kind="thing")
    drawn = [substitute_name(request, random.Random(seed)) for seed in range(30)]
    assert len(set(drawn)) > 10
    assert drawn == [substitute_name(request, random.Random(seed)) for seed in range(30)]
    assert all(len(words_of(name)) == 1 for name in drawn)
