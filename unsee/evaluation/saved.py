"""Reads what an evaluation saved: scoring again needs no model and no picture."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unsee.benchmarks.base import Answers, Benchmark, without_pictures
from unsee.data.sample import Probe
from unsee.errors import UserError
from unsee.generation import Transcript
from unsee.store.files import write_together
from unsee.store.text import json_lines

SCHEMA = "unsee.questions/1"
QUESTIONS = "questions.jsonl"
BEFORE, BASIS = "before", "basis"
"""The states of the model before unlearning: asked everything, or only what others are compared with."""


@dataclass(frozen=True)
class Saved:
    """The answers of every state to one benchmark, from a folder that an `Evaluation` wrote."""

    benchmark: str
    version: int
    answers: Mapping[str, Answers]

    @classmethod
    def open(cls, folder: Path, asked: Path | None = None) -> Saved:
        """Read the folder of one benchmark. `asked` is the folder with its questions and the answers of the model
        before unlearning, if that is another. Raises UserError if a file is missing, damaged or from another version
        of unsee."""
        path = (asked or folder) / QUESTIONS
        try:
            header, *rows = json_lines(path)
            if header["schema"] != SCHEMA:
                raise ValueError(f"it is not {SCHEMA}")
            questions = [_question(row) for row in rows]
            name, version, key = str(header["benchmark"]), int(header["version"]), dict(header["key"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"The questions in {path} cannot be read: {error}.") from error
        files = {file.stem: file for place in (asked or folder, folder) for file in sorted(place.glob("*.jsonl"))}
        states = {
            state: _answers(Transcript.open(file), questions, key, partly=state == BASIS)
            for state, file in files.items()
            if file.name != QUESTIONS
        }
        basis = states.pop(BASIS, None)
        before = states.get(BEFORE, basis)
        return cls(
            name,
            version,
            {state: one if state == BEFORE else replace(one, before=before) for state, one in states.items()},
        )


def folders_in(folder: Path) -> list[Path]:
    """The folders of benchmarks below a folder, or the folder itself."""
    return sorted(path.parent for path in folder.rglob(QUESTIONS))


def save_questions(bench: Benchmark, questions: Sequence[Probe], key: Mapping[str, Any], folder: Path) -> None:
    """Write the questions of a benchmark, unless the folder already holds exactly these."""
    header = {"schema": SCHEMA, "benchmark": bench.name, "version": bench.version, "key": key}
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in (header, *map(_row, questions)))
    path = folder / QUESTIONS
    if not path.is_file() or path.read_bytes() != lines.encode():
        write_together(folder, {QUESTIONS: lines})


def identity_of(bench: Benchmark) -> tuple[int, str]:
    """What tells a benchmark about one scope from that about another: its version and the digest of its questions."""
    return bench.version, digest_of(without_pictures(bench.probes()))


def digest_of(questions: Sequence[Probe]) -> str:
    """SHA-256 (hex) of all questions with their pictures, but not of how the answers are scored."""
    digest = hashlib.sha256()
    for probe in questions:
        asked = [probe.id, probe.prompt, probe.tags.get("shown", ""), probe.begun]
        digest.update(json.dumps(asked).encode())
    return digest.hexdigest()


def as_saved(bench: Benchmark) -> tuple[list[Probe], dict[str, Any]]:
    """The questions and the key of a benchmark as they will be read back, so that saved answers get the same scores as
    new ones. Raises UserError if they cannot be saved."""
    try:
        rows, key = json.loads(json.dumps([[*map(_row, without_pictures(bench.probes()))], bench.key()]))
    except (TypeError, ValueError, RecursionError) as error:
        raise UserError(
            f"The questions or the key of the benchmark {bench.name!r} cannot be saved ({error})."
        ) from error
    return [*map(_question, rows)], key


def _row(probe: Probe) -> dict[str, Any]:
    row = {"id": probe.id, "prompt": probe.prompt, "expect": list(probe.expect), "scorer": probe.scorer}
    return {**row, "tags": dict(probe.tags), **({"begun": probe.begun} if probe.begun else {})}


def _question(row: Mapping[str, Any]) -> Probe:
    return Probe(
        str(row["id"]),
        str(row["prompt"]),
        (),
        tuple(map(str, row["expect"])),
        str(row["scorer"]),
        {str(key): str(value) for key, value in row["tags"].items()},
        str(row.get("begun", "")),
    )


def _answers(
    transcript: Transcript, questions: Sequence[Probe], key: Mapping[str, Any], *, partly: bool = False
) -> Answers:
    """partly: only some of the questions were asked."""
    if partly:
        questions = [probe for probe in questions if probe.id in transcript.responses]
    missing = sum(probe.id not in transcript.responses for probe in questions)
    if missing:
        raise UserError(
            f"{transcript.path} lacks the answers to {missing} of {len(questions)} questions: the run was interrupted; "
            "resume it first."
        )
    return Answers(
        questions,
        transcript.responses,
        key,
        transcript.likelihoods,
        transcript.rereads,
        transcript.header.get("vocabulary_size"),
    )
