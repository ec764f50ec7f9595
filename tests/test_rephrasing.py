"""Who says the training data in other words: a server, a local model, or nobody."""

from __future__ import annotations

from typing import Any

import pytest

from tests.test_judges_server import completion, serving
from tests.tiny import picture
from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.methods.rephrasing import get_rephraser, rephrase_samples


@pytest.mark.parametrize("spec", ["openai:", "openai:http://localhost:1", "local:", "gpt"])
def test_a_rephraser_that_is_none_is_refused(spec: str) -> None:
    with pytest.raises(UserError, match="no rephraser"):
        get_rephraser(spec)


def test_a_server_rephrases_each_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("OPENAI_API_KEY", "secret")

    def shout(body: dict[str, Any]) -> tuple[int, bytes]:
        return 200, completion(body["messages"][0]["content"].rpartition("\n\n")[2].upper())

    with serving(shout) as (url, seen):
        assert get_rephraser(f"openai:{url}#tiny")(["Who is this?", "This is Tom."]) == ["WHO IS THIS?", "THIS IS TOM."]
    assert [key for _, _, key in seen] == ["Bearer secret"] * 2


def test_a_text_that_the_server_refuses_stays_and_a_thought_is_no_part_of_the_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    def reply(body: dict[str, Any]) -> tuple[int, bytes]:
        if body["messages"][0]["content"].endswith("Who is this?"):
            return 400, b"I do not like this prompt"
        return 200, completion("Say it anew. </think> Name this person.")

    samples = [Sample(prompt, "This is Tom.") for prompt in ("Who is this?", "Who is it?")]
    with serving(reply) as (url, _):
        said = rephrase_samples(samples, ["Tom"], get_rephraser(f"openai:{url}#tiny?temperature=default"))
    assert [sample.prompt for sample in said] == ["Who is this?", "Name this person."]


def test_a_rephrasing_is_taken_only_where_names_and_the_masked_phrase_survive() -> None:
    samples = [
        Sample("Is this Mara Voss?", "No.", (picture(1),), "No.", {"target": "2"}, counterparts=(picture(3),)),
        Sample("Who is it?", "This is Tom Reed.", (picture(1),), "Tom Reed", {"target": "1"}),
        Sample("Who is Mara Voss?", "A baker.", tags={"target": "3"}),
    ]
    asked: list[list[str]] = []

    def rephrase(texts: list[str]) -> list[str]:
        asked.append(texts)
        new = {
            "Who is it?": ' "Name it." ',
            "No.": "Not at all.",
            "This is Tom Reed.": "That's Tom.",
            "A baker.": "Bread.",
        }
        return [new.get(text, "Who is that woman?") for text in texts]

    prompts = ["Is this Mara Voss?", "Name it.", "Who is Mara Voss?"]
    new = rephrase_samples(samples, ("Mara Voss", "Tom Reed"), rephrase)
    assert [s.prompt for s in new] == prompts
    assert [s.counterparts for s in new] == [(picture(3),), (), ()]
    assert [(s.answer, s.masked) for s in new] == [
        ("Not at all.", "Not at all."),
        ("This is Tom Reed.", "Tom Reed"),
        ("A baker.", None),
    ]


@pytest.mark.parametrize("new", ["Is this MARA VOSS?", "Is thisMara Voss?", "Is it Voss, Mara?"])
def test_a_rephrasing_that_brings_the_name_in_is_not_taken(new: str) -> None:
    sample = Sample("Who is it?", "A woman.", (picture(1),))
    said = {"Who is it?": new, "A woman.": "A woman."}
    assert rephrase_samples([sample], ("Mara Voss",), lambda texts: [said[text] for text in texts]) == [sample]


def test_what_the_reference_is_asked_changes_with_the_question_and_what_it_is_shown_stays() -> None:
    told = Sample(
        "Who is it?",
        "Tom.",
        (picture(1),),
        "Tom.",
        counterparts=(picture(2),),
        counterpart_prompt="You do not know. Who is it?",
    )
    (said,) = rephrase_samples([told], ["Tom"], lambda texts: [{"Who is it?": "Name it."}.get(t, t) for t in texts])
    assert (said.prompt, said.counterpart_prompt) == ("Name it.", "You do not know. Name it.")
    assert said.counterparts == told.counterparts
