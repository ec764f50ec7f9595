"""Who says the training data in other words: a server, a local model, or nobody."""

from __future__ import annotations

from typing import Any

import pytest

from tests.test_judges_server import completion, serving
from unsee.errors import UserError
from unsee.methods.rephrasing import get_rephraser


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
