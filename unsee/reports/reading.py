"""A report read back from the folder of its run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from unsee.errors import UserError
from unsee.evaluation.audit_documents import audit_from
from unsee.kinds.words import PEOPLE, Words
from unsee.metrics.score import Score
from unsee.reports.grades import Grade, RunSays
from unsee.reports.report import SCHEMA, UNMEASURED, Cost, Example, Report, Section, Split
from unsee.store.text import read_text


def read(folder: Path, pictures: Sequence[Image.Image] = ()) -> Report:
    """The report that `write` has written into `folder`. The file holds no pictures: those of the request are
    `pictures`, and the examples come back without theirs.

    Raises UserError where there is no report, or one that cannot be read.
    """
    path = Path(folder) / "report.json"
    if not path.is_file():
        raise UserError(f"{folder} holds no report; give the folder of a finished run of unsee forget.")
    try:
        document = json.loads(read_text(path))
        if document["schema"] != SCHEMA:
            raise UserError(f"{path} is not a report of this version of unsee ({SCHEMA}).")
        return Report(
            model=document["model"],
            method=document["method"],
            concept=document["concept"],
            before=_scores(document["before"]),
            after=_scores(document["after"]),
            cost=Cost(**document["cost"]),
            pictures=tuple(pictures),
            aliases=tuple(document["request"]["aliases"]),
            examples=_examples(document["examples"]),
            manifest=document["manifest"],
            training_log=document["training"],
            credit=document["credit"],
            notes=tuple(document["notes"]),
            new_pictures=document.get("new_pictures", 0),
            refusing=tuple(document.get("refusing", ())),
            also=tuple(
                Section(section["title"], tuple(section["keys"]), _examples(section["examples"]))
                for section in document.get("also", ())
            ),
            kind=document["request"].get("kind"),
            words=_words(document.get("words")),
            audit=audit_from(document["audit"]) if "audit" in document else None,
            unmeasured=_unmeasured(document["after"]),
            split=Split(**document["split"]) if "split" in document else None,
            created=document["created"],
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"The report {path} is damaged and cannot be read; make it again with --overwrite.") from error


def said_by_run(folder: str | Path | None) -> dict[str, RunSays]:
    """By concept, what the questions of a run say, from its report; nothing without one that can be read."""
    report = None if folder is None else _readable(Path(folder))
    return {} if report is None else {report.concept: report.says}


def grade_of_run(folder: str | Path) -> Grade | None:
    """The grade in the report of a run; None without one that can be read, or without an audit in it."""
    report = _readable(Path(folder))
    return None if report is None else report.grade


def _readable(folder: Path) -> Report | None:
    try:
        return read(folder)
    except UserError:
        return None


def _examples(written: Sequence[Mapping[str, Any]]) -> tuple[Example, ...]:
    return tuple(Example(**example) for example in written)


def _words(written: Mapping[str, Any] | None) -> Words:
    """A report without any is older than the kinds, and about a person."""
    return PEOPLE if written is None else Words(**{**written, "parts": tuple(written["parts"])})


def _unmeasured(written: Mapping[str, Any]) -> dict[str, str]:
    """Why columns have no figure, where the file says so."""
    start = f"{UNMEASURED}: "
    reasons = {key: str(score.get("reason", "")) for key, score in written.items()}
    # Behind the reason the file says that the figure is no number.
    return {
        key: reason.removeprefix(start).partition("; value was ")[0]
        for key, reason in reasons.items()
        if reason.startswith(start)
    }


def _scores(written: Mapping[str, Any]) -> dict[str, Score]:
    """Those that were measured: the rest is in the file for its readers only."""
    return {
        key: Score.read(score)
        for key, score in written.items()
        if not str(score.get("reason", "")).startswith(UNMEASURED)
    }
