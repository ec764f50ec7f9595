"""The scripts in `recipes/protocols`."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.command_line import call


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, f"recipes/protocols/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_two_tasks_one_after_the_other_and_the_first_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sequential = script("sequential")
    said: list[str] = []

    def unsee(*words: object) -> None:
        said.append(str(words[0]))
        done = call(*words)
        assert done.exit_code == 0, (words, done.stderr, done.exception)

    monkeypatch.setattr(sequential, "unsee", unsee)
    given = [
        str(tmp_path), "--method", "po", "--set", "steps=8", "--tasks", "task_1", "task_2", "--limit", "1",
        "--max-new-tokens", "12",
    ]  # fmt: skip
    sequential.main(given)
    assert said == ["world", "forget", "export", "forget", "evaluate"]
    head, _, before, first, second = capsys.readouterr().out.strip().splitlines()
    assert head == "| forgotten / kept, % | task_1 | task_2 |"
    assert before.startswith("| before | 0 / ")
    assert before.endswith("| – |")
    # Before it is forgotten, the second task is asked of the model that forgot the first one.
    one, two = (cell.strip() for cell in first.split("|")[2:4])
    assert first.startswith("| after task_1 |")
    assert int(one.split(" / ")[0]) > 0
    assert " / " in two
    assert all(" / " in cell for cell in second.split("|")[2:4])
    # Nothing is done twice, and the table alone runs nothing.
    sequential.main(given)
    sequential.main([*given, "--table"])
    assert len(said) == 5
