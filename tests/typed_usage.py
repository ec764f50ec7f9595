"""unsee from Python, as a typed program writes it: mypy checks this file, and tests/test_python_api.py runs it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import assert_type

from PIL import Image

import unsee
from unsee.commands.evaluate import Evaluated
from unsee.commands.forget_run import Forgotten
from unsee.generation import Engine
from unsee.metrics import Score
from unsee.models.vlm import VisionLanguageModel


def forget(model: str, picture: Image.Image, out: Path, *settings: str, resume: bool = False) -> Forgotten:
    request = unsee.ForgetRequest("Mara Voss", images=(picture,))
    options = unsee.ForgetOptions(
        model=model, out=out, settings=settings, limit=1, force=True, resume=resume, max_new_tokens=8
    )
    run = unsee.forget(request, options)
    assert_type(run.folder, Path)
    assert_type(run.report.verdict.sentence, str)
    assert_type(run.report.after, Mapping[str, Score])
    return run


def ask(run: Path, question: str, picture: Path) -> tuple[str, str]:
    """What the model says after and before unlearning."""
    engine = assert_type(unsee.get_engine(run), Engine)
    before = engine.without_adapter()
    assert before is not None
    return assert_type(engine.ask(question, picture), str), before.ask(question, str(picture))


def load(run: Path) -> VisionLanguageModel:
    return assert_type(unsee.load(run), VisionLanguageModel)


def evaluate(run: Path, table: Path, out: Path) -> Evaluated:
    found = unsee.evaluate(unsee.EvaluateOptions(run, str(table), out=str(out)))
    assert_type(found.scores, Mapping[str, Score])
    return found


def evaluate_in_memory(engine: unsee.Engine, table: Path) -> Mapping[str, Score]:
    evaluation = unsee.Evaluation([unsee.get_benchmark(str(table))], progress=False)
    return assert_type(evaluation.of(engine, "unlearned").scores, Mapping[str, Score])


def audit(run: Path) -> str:
    found = unsee.audit(unsee.AuditOptions(run, level="quick"))
    assert_type(found.folder, Path)
    return assert_type(found.grade.headline, str)
