"""Who says the training data in other words: a server, a local model, or nobody."""

from __future__ import annotations

from typing import Any

import pytest

from tests.test_judges_server import completion, serving
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
