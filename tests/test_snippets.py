"""What README, CONTRIBUTING and docs tell a reader to type works: as it is written, where that takes seconds."""

from __future__ import annotations

import importlib
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from tests.command_line import call
from tests.tiny import picture
from unsee.benchmarks import world as world_bench
from unsee.cli import app
from unsee.requests import ForgetRequest
from unsee.sweep.cells import cells_of
from unsee.sweep.recipe import _ARM_KEYS, _KEYS, Size, read_recipe

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
ELSEWHERE = ("hf download ",)
"""Commands of other projects, which need the network: read, and not tried."""


@dataclass(frozen=True)
class Snippet:
    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def _snippets(page: Path) -> Iterator[Snippet]:
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^```(\S*)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE):
        yield Snippet(page.name, text.count("\n", 0, found.start()) + 1, found.group(1), found.group(2))


SNIPPETS = [snippet for page in PAGES for snippet in _snippets(page)]
COMMANDS = [
    (f"{snippet}", line)
    for snippet in SNIPPETS
    if snippet.language == "sh"
    for line in snippet.text.replace("\\\n", " ").splitlines()
    if shlex.split(line, comments=True)
]


def of(language: str) -> list[Snippet]:
    return [snippet for snippet in SNIPPETS if snippet.language == language]


def parse(words: list[str]) -> None:
    """Read the words of a command as `unsee` would, and do nothing. Raises what it would say."""
    command: Any = get_command(app)
    name = "unsee"
    while hasattr(command, "commands"):
        name, *words = words
        assert name in command.commands, name
        command = command.commands[name]
    command.make_context(name, words)


def targets() -> set[str]:
    return set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


def test_every_snippet_is_in_a_language_that_is_tried() -> None:
    assert len(SNIPPETS) > 12
    assert {snippet.language for snippet in SNIPPETS} == {"sh", "python", "yaml", "toml"}


@pytest.mark.parametrize(("where", "line"), COMMANDS)
def test_a_command_can_be_typed(where: str, line: str) -> None:
    # What goes on into a file is the shell's.
    program, *words = shlex.split(line.partition(" > ")[0], comments=True)
    if program == "unsee":
        parse(words)
    elif program == "make":
        assert {word for word in words if "=" not in word} <= targets()
    elif program == "pip":
        for extra in re.findall(r"\[(\w+)\]", line):
            assert extra in EXTRAS
    elif program == "source":
        assert words == [".venv/bin/activate"]
    elif program.startswith(".venv/bin/"):
        assert program.removeprefix(".venv/bin/") in ("python", "ruff")
    else:
        assert line.startswith(ELSEWHERE)
    # Files that the reader has in the clone, not those that an earlier command made.
    for word in words:
        assert not word.startswith(("recipes/", "tests/", "constraints.txt")) or (ROOT / word).exists(), word


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_a_sentence_exist_with_their_options(page: Path) -> None:
    for words in re.findall(r"`unsee ([a-z-]+(?: [^`…]*)?)", page.read_text(encoding="utf-8")):
        command: Any = get_command(app)
        for word in words.split():
            if not hasattr(command, "commands"):
                break
            for choice in word.replace("\\", "").split("|"):
                assert choice in command.commands, words
            command = command.commands[choice]
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"(?<!\S)--?[a-z][\w-]*", words)) <= known, words


def test_examples_in_the_help_can_be_typed() -> None:
    def examples(command: Any) -> Iterator[str]:
        yield from re.findall(r"unsee (.*?)(?=\n\n|, edit|, then|$)", command.epilog or "")
        for sub in getattr(command, "commands", {}).values():
            yield from examples(sub)

    found = [text.replace("...", "") for text in examples(get_command(app)) if "[/bold]" not in text]
    assert len(found) > 15
    for text in found:
        parse(shlex.split(text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_links_that_a_page_names_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    files = re.findall(
        r"(?<![\w./-])((?:unsee|tests|docs|recipes|speed|findings)/[\w/.*-]*\.(?:py|yaml|md|png|html))\b", text
    )
    missing = [link for link in links if not (page.parent / link).exists()]
    missing += [name for name in files if "your" not in name and not list(ROOT.glob(name))]
    assert missing == []


@pytest.mark.parametrize("snippet", of("yaml"), ids=str)
def test_a_file_can_be_read(snippet: Snippet, tmp_path: Path) -> None:
    content = yaml.safe_load(snippet.text)
    path = tmp_path / "file.yaml"
    if "concept" in content:
        for number, name in enumerate([*content["images"], *content.get("others", ())]):
            picture(number).save(tmp_path / name)
        path.write_text(snippet.text, encoding="utf-8")
        assert ForgetRequest.from_yaml(path).concept == content["concept"]
    else:
        # A part of a recipe: what every recipe has is left out.
        path.write_text(yaml.safe_dump({"models": ["world:tiny-qwen3vl"], "methods": ["siu"], **content}))
        assert cells_of(read_recipe(path))


def test_the_page_of_recipes_explains_every_key_and_its_default() -> None:
    page = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
    parts = page.split("\n## ")[1:]
    tables = [dict(re.findall(r"^\| `(\w+)` \| (.*?) ?\|", part, flags=re.MULTILINE)) for part in parts]
    rows = [found for found in tables if found]
    size = {field.name: field.default for field in fields(Size)}
    assert [set(found) for found in rows] == [set(_KEYS), set(_ARM_KEYS), set(size)]
    shown = {key: "none" if value == () else str(value).lower() for key, value in size.items()}
    assert {key: text.strip("`") for key, text in rows[2].items()} == shown
    examples = "".join(re.findall(r"^(?:```yaml\n.*?^```|    \w.*?)$", page, flags=re.DOTALL | re.MULTILINE))
    assert [key for found in rows for key in found if key != "checkpoint" and f"{key}:" not in examples] == []


def test_the_readme_works_from_its_first_picture_to_its_last_line_of_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Just as written, but for the size of the benchmark."""
    small = partial(world_bench.world_benchmark, test_pictures=2, questions=4, kept=6)
    monkeypatch.setattr(world_bench, "world_benchmark", small)
    monkeypatch.chdir(tmp_path)
    use = next(s for s in of("sh") if s.page == "README.md" and "unsee world picture" in s.text)
    for line in use.text.splitlines():
        done = call(*shlex.split(line, comments=True)[1:])
        assert done.exit_code == 0, (line, done.stderr, done.exception)
    assert (tmp_path / "runs" / "lucia" / "report.html").is_file()
    assert (tmp_path / "models" / "without-lucia" / "config.json").is_file()
    readme = [snippet for snippet in of("python") if snippet.page == "README.md"]
    for snippet in (*of("python"), *readme):  # a reader runs the README's again
        exec(compile(snippet.text, str(snippet), "exec"), {"__name__": "__main__"})
        assert "Lucia Ferrante" in capsys.readouterr().out or snippet.page != "README.md"


def test_what_contributing_names_is_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = [path for path in re.findall(r"`((?:unsee|tests|docs)/[\w/.]+)`", text) if "your" not in path]
    assert len(paths) > 8
    assert [path for path in paths if not (ROOT / path).exists()] == []
    named = re.findall(r"`(\w+)` in `(unsee/[\w/]+)\.py`", text)
    assert len(named) > 2
    for name, module in named:
        assert hasattr(importlib.import_module(module.replace("/", ".").removesuffix(".__init__")), name), name
    from unsee.methods.base import Method

    methods = re.search(r"`Method` with (.*?)\. The loss", text, flags=re.DOTALL)
    assert methods
    assert set(re.findall(r"`(\w+)\(", methods.group(1))) == Method.__abstractmethods__
