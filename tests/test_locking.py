"""One run at a time in a folder: the second is refused at once, and what a killed one left behind locks nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_line import call, forget_arguments, left_in, refused
from unsee.errors import UserError
from unsee.store.locking import check_unused, locked

HOLD = """
import sys, pathlib, unsee.store.locking
with unsee.store.locking.locked(pathlib.Path(sys.argv[1])):
    print(flush=True)
    input()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process at work in `out`."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "out")],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
    "command",
    [
        ("forget",),
        ("forget", "--dry-run"),
        ("forget", "--method", "asru", "--sweep-layers"),
        ("forget", "--overwrite"),
        ("demo",),
        ("evaluate", "-m", "anything", "-b", "world", "-c", "Mara Voss"),
        ("build-benchmark", "pictures", "-m", "anything"),
        ("compare", "recipe.yaml"),
        ("world", "build", "tiny-llava"),
        ("export", "-m", "anything", "--adapter", "anything"),
        ("world", "write"),
    ],
)
def test_the_second_run_is_refused_and_told_who_is_at_work(
    command: tuple[str, ...], holder: subprocess.Popen[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.yaml").write_text(
        "models: [world:tiny-qwen3vl]\nmethods: [siu]\nconcepts: [Mara Voss]\nseeds: 1\n"
    )
    if command[0] == "forget":
        arguments = forget_arguments("anything", tmp_path, *command[1:])
        # SIU's settings; the lock is asked for behind the check of the settings.
        arguments = [part for part in arguments if "=" not in str(part) and part != "--set"]
    else:
        arguments = [*command, "--out", tmp_path / "out"]
    assert f"is in use by process {holder.pid}; " in refused(call(*arguments))
    assert not (tmp_path / "out").exists()


def test_a_killed_run_locks_nothing(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"in use by process {holder.pid}"):
        check_unused(tmp_path / "out")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert left_in(tmp_path) == {".out.lock"}
    with locked(tmp_path / "out"), pytest.raises(UserError, match=f"in use by process {os.getpid()}"):
        check_unused(tmp_path / "out")
    assert left_in(tmp_path) == set()


def test_folders_that_were_made_for_the_lock_alone_go_with_it(tmp_path: Path) -> None:
    check_unused(tmp_path / "a" / "b" / "out")
    assert left_in(tmp_path) == set()
    with locked(tmp_path / "a" / "out"):
        (tmp_path / "a" / "out").mkdir()
    assert left_in(tmp_path / "a") == {"out"}


def test_a_name_too_long_for_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is too long for a folder; choose a shorter one"):
        check_unused(tmp_path / ("x" * 300))
