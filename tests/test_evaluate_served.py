"""`unsee evaluate` asks a model behind a server as it asks one that is loaded here."""

from __future__ import annotations

import json
from pathlib import Path

from tests.command_line import call, printed, refused
from tests.servers import completion, serving
from tests.tiny import picture


def table(folder: Path) -> Path:
    picture(3).save(folder / "mara.png")
    (folder / "mine.csv").write_text(
        "picture,question,keyword,concept,split\n"
        "mara.png,Who is this?,Mara Voss,Mara Voss,forget\n"
        ",What is two plus two?,four,,retain\n"
    )
    return folder / "mine.csv"


def test_a_table_is_asked_of_a_server_and_scored_again(tmp_path: Path) -> None:
    def answer(body: dict[str, object]) -> tuple[int, bytes]:
        asked = json.dumps(body["messages"])
        return 200, completion("Four." if "two plus" in asked else "A wall.", reason="stop")

    out = tmp_path / "out"
    with serving(answer) as (url, _):
        arguments = ("evaluate", "-m", f"openai:{url}#model", "-b", table(tmp_path), "--concept", "Mara Voss")
        document = printed(call(*arguments, "--out", out, "--json"))
    assert document["model"] == f"openai:{url}#model"
    assert document["together"]["own_forgotten"]["value"] == document["together"]["own_kept"]["value"] == 100
    # The server is gone; what it said is here.
    assert printed(call("score", out, "--json"))["changed"] == []


def test_the_world_is_asked_of_a_server_without_what_it_does_not_tell(tmp_path: Path) -> None:
    with serving(lambda _: (200, completion("I do not know.", reason="stop"))) as (url, _):
        arguments = ("evaluate", "-m", f"openai:{url}#model", "-b", "world", "-c", "Mara Voss", "--limit", 1, "--json")
        document = printed(call(*arguments, "--out", tmp_path / "out"))
    scores = document["concepts"]["Mara Voss"]
    assert scores["generality_em"]["value"] == scores["refusal_rate"]["value"] == 100
    # No probabilities were told.
    assert not {"c_dis", "fluency", "fluency/reference"} & set(scores)


def test_options_that_a_server_decides_are_refused(tmp_path: Path) -> None:
    said = refused(call("evaluate", "-m", "openai:http://localhost:1/v1#m", "-b", table(tmp_path), "--4bit"))
    assert "load_in_4bit" in said
    assert "server" in said
