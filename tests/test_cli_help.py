"""What the help shows, and how soon a slip is refused."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from tests.command_line import call
from tests.tiny import picture
from unsee.cli import app
from unsee.methods import METHODS, settings_of

STYLE = re.compile(r"(?<!\\)\[/?(?:bold|dim)\]")
LOADS_A_MODEL = {
    "forget", "demo", "audit", "evaluate", "export", "verify", "build-benchmark", "compare", "world build",
    "world check", "ledger revoke", "play",
}  # fmt: skip


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, sub in getattr(command, "commands", {}).items():
        yield from commands(sub, (*words, name))


FORGET = ("forget", "-m", "x", "-c", "Mara", "-i", "mara.png")
ALL = list(commands(get_command(app)))


@pytest.mark.parametrize(("words", "command"), ALL, ids=[" ".join(words) or "unsee" for words, _ in ALL])
def test_the_help_shows_every_word_that_was_written(
    words: tuple[str, ...], command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    monkeypatch.setenv("TERMINAL_WIDTH", "1000")
    shown = " ".join(call(*words, "--help").stdout.split())
    written = [command.help, command.epilog, *(getattr(parameter, "help", None) for parameter in command.params)]
    for text in filter(None, written):
        for part in inspect.cleandoc(STYLE.sub("", text)).replace("\\[", "[").splitlines():
            assert " ".join(part.split()) in shown


def test_the_help_names_the_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert "needs unsee[small]" in " ".join(call("demo", "--help").stdout.split())
    assert "needs unsee[ray]" in " ".join(call("compare", "--help").stdout.split())


def test_every_command_that_loads_a_model_can_be_told_where() -> None:
    told = {" ".join(words) for words, command in ALL if any("--device" in p.opts for p in command.params)}
    assert told == LOADS_A_MODEL


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("forget", "-m", "x", "-c", "Mara", "-i", "mara.png", "--method", "sui"), "did you mean 'siu'?"),
        (("forget", "-m", "x", "-c", "Mara", "-i", "mara.png", "--set", "step=3"), "did you mean 'steps'?"),
        (("forget", "-m", "x", "-c", "Mara", "-i", "mara.png", "--method", "asru", "--set", "layer=many"), "layer="),
        (("forget", "-m", "x", "-c", "Mara", "-i", "mara.png", "--kind", "brnd"), "did you mean 'brand'?"),
        (("forget", "-m", "x", "-c", "M" * 300, "-i", "mara.png"), "has 300 characters"),
        (("forget", "-m", "x", "-c", " ", "-i", "mara.png"), "The concept name is blank"),
        (("forget", "-m", "x", "-c", "Mara", "-i", "mara.png", "--out", "o" * 300), "too long for a folder"),
        ((*FORGET, "--also", "nothere.csv"), "There is no file nothere.csv"),
        ((*FORGET, "--also", "worl"), "did you mean 'world'?"),
        ((*FORGET, "--judge", "strict"), "There is no judge 'strict'"),
        ((*FORGET, "--out", "."), "already exists"),
        ((*FORGET, "--dry-run", "--resume", "--out", "."), "already exists"),
        (("evaluate", "-m", "openai:http://localhost:8000/v1", "-b", "world"), "openai:URL#MODEL"),
        (("evaluate", "-m", "x", "-b", "nothere.csv"), "There is no file nothere.csv"),
        (("evaluate", "-m", "x", "-b", "world", "--judge", "rule"), "did you mean 'rules'?"),
        (("evaluate", "-m", "x", "-b", "world", "--out", "."), "already exists"),
        (("score", "runs", "--out", "."), "cannot be in ."),
        (("score", "x", "--out", "mara.png"), "already exists"),
        (("score", "x", "--judge", "openai:http://localhost"), "openai:URL#MODEL"),
        (("forget", "--on-top-of", "x", "-c", "Mara", "-i", "mara.png"), "x is no ledger"),
        (("forget", "--on-top-of", "x", "-c", "Mara", "-i", "mara.png", "--out", "o"), "--out does not go with"),
        ((*FORGET, "--note", "By letter"), "--note is for an entry of a ledger"),
        (("ledger", "revoke", "x", "mara"), "x is no ledger"),
        (("ledger", "status", "x"), "x is no ledger"),
        (("ledger", "note", "x", "y"), "x is no ledger"),
        (("plan", "-m", "x", "--method", "gaa"), "There is no method 'gaa'"),
        (("plan", "-m", "x", "--set", "steps=0"), "must be at least 1"),
        ((*FORGET, "--audit", "quik"), "did you mean 'quick'?"),
        (("forget", "-m", "world:tiny-qwen3v", *FORGET[3:]), "did you mean world:tiny-qwen3vl?"),
        (("demo", "--method", "sui"), "did you mean 'siu'?"),
        (("demo", "--model", "world:tiny-qwen3v"), "did you mean world:tiny-qwen3vl?"),
        (("audit", "x", "--level", "quik"), "did you mean 'quick'?"),
        (("audit", "x", "--attack", "paraphras"), "did you mean 'paraphrase'?"),
        (("evaluate", "-m", "world:tiny-qwen3v", "-b", "world"), "did you mean world:tiny-qwen3vl?"),
        (("export", "-m", "world:tiny-qwen3v", "--out", "o"), "did you mean world:tiny-qwen3vl?"),
        (("plan", "-m", "world:tiny-qwen3v"), "did you mean world:tiny-qwen3vl?"),
        (("ledger", "init", "l", "-m", "world:tiny-qwen3v"), "did you mean world:tiny-qwen3vl?"),
        (("report", "diff", "x", "y"), "x holds no report"),
        (("evidence", "make", "x", "--out", "o"), "x holds no finished run"),
        ((*FORGET, "--device", "cdua"), "did you mean 'cuda'?"),
        (("evaluate", "-m", "x", "-b", "world", "-c", "Mara Voss", "--device", "cuda:O"), "'O' is no number"),
        (("evaluate", "-m", "x", "-b", "world", "-c", "Mora"), "Nobody in the world has the name 'Mora'"),
        (("evaluate", "-m", "x", "-b", "world", "-c", "Mara Voss", "--limit", "0"), "--limit must be at least 1"),
        (("evaluate", "-m", "x", "-b", "world"), "needs --concept"),
        (("export", "-m", "x", "--out", "o", "--dtype", "bfloat61"), "did you mean 'bfloat16'?"),
        (("export", "-m", "x", "--out", "mara.png"), "already exists"),
        (("verify", "--run", "x"), "Give what to verify"),
        (("verify", "--run", "x", "--file", "y"), "x holds no"),
        (("compare", "nothere.yaml"), "nothere.yaml"),
        (("compare", "nothere.yaml", "--engine", "rey"), "did you mean 'ray'?"),
        (("compare", "nothere.yaml", "--audit", "quik"), "did you mean 'quick'?"),
        (("world", "build", "tiny-lava", "--out", "o"), "did you mean 'tiny-llava'?"),
        (("world", "build", "tiny-llava", "--out", "o", "--without", "Mora"), "has the name 'Mora'"),
        (("world", "check", "tiny-lava"), "did you mean world:tiny-llava?"),
        (("world", "picture", "Mora", "--out", "mora.png"), "Nobody in the world has the name 'Mora'"),
    ],
)
def test_a_slip_is_refused_before_the_libraries_are_there(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    picture(1).save(tmp_path / "mara.png")
    code = (
        f"import sys; sys.argv = ['unsee', *{words!r}]\n"
        "from unsee.cli import main\n"
        "try:\n    main()\nfinally:\n    assert not {'torch', 'transformers', 'dicebear'} & set(sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"mara.png"}


def test_methods_and_their_settings_are_listed_before_the_libraries_are_there() -> None:
    code = (
        "import sys; sys.argv = ['unsee', 'methods', '--json']\n"
        "from unsee.cli import main\n"
        "try:\n    main()\nfinally:\n    assert not {'torch', 'transformers', 'scipy'} & set(sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert {method["name"] for method in json.loads(ran.stdout)["methods"]} >= set(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_known_by_the_name_it_gives_itself(name: str) -> None:
    assert METHODS[name].name == name
    assert settings_of(name) is METHODS[name].config
