"""Where a run did not forget, or cost too much, the report says what to try next, with the command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.test_audit_grades import row
from tests.test_reports import INFINITE, read_strictly, report, share
from unsee.evaluation.auditing import Audit
from unsee.reports import summary, write
from unsee.reports.advice import advise, against

TRAINED = {"hyperparameters": {"steps": 30, "learning_rate": 0.0013}}
PICTURES = "unsee forget … -i SECOND -i THIRD -i FOURTH -i FIFTH"
STEPS, RATE = "unsee forget … --set steps=60", "unsee forget … --set learning_rate=0.00065"
METHOD = "unsee forget … --method lookalike"
MERGED = "unsee export --model world:tiny-qwen3vl --adapter RUN --out FOLDER"
PLAIN = row("paraphrase", 0.0)


def commands(**changes: Any) -> list[str]:
    """For a run of SIU that forgot, except for these scores after and these other fields."""
    after = {**report().after, **changes.pop("after", {})}
    return [one.command for one in advise(report(**{"after": after, "manifest": TRAINED, **changes}))]


def audit(*rows: Any) -> Audit:
    return Audit("standard", 0, (PLAIN, *rows))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"after": {"generality_em": share(40)}}, [PICTURES, METHOD]),
        ({"after": {"generality_em": share(40)}, "method": "lookalike"}, [PICTURES]),
        ({"after": {"generality_em": share(10), "efficacy": share(20)}}, [STEPS, METHOD]),
        ({"after": {"generality_em": share(10), "efficacy": share(20)}, "manifest": {}}, [METHOD]),
        ({"after": {"generality_em": share(10), "efficacy": share(20)}, "manifest": {"hyperparameters": 1}}, [METHOD]),
        ({"audit": audit(row("languages", 33.0))}, [METHOD]),
        ({"audit": audit(row("languages", 33.0)), "method": "lookalike"}, []),
        ({"audit": audit(row("strength", 90.0))}, [MERGED]),
        ({"audit": audit(row("membership", 90.0), row("relearning", 90.0), row("of_another_package", 90.0))}, []),
        ({"audit": audit(row("languages", 0.0), row("strength", 0.0))}, []),
        ({"after": {"two_people/renamed": share(20)}}, [METHOD]),
        ({"after": {"specificity": share(30)}}, [RATE]),
        ({"after": {"fluency": INFINITE, "generality_em": share(40), "efficacy": share(20)}}, [STEPS, METHOD, RATE]),
        # It hardly knew the concept.
        ({"before": {**report().before, "generality_em": share(95)}}, []),
    ],
)  # fmt: skip
def test_each_failure_has_its_advice(changes: dict[str, Any], expected: list[str]) -> None:
    assert commands(**changes) == expected


@pytest.mark.parametrize(
    ("back", "method", "expected"),
    [
        ((), "siu", []),
        (("sampling", "prefix", "company"), "siu", [METHOD]),
        (("sampling", "strength"), "", [METHOD, MERGED]),
        (("sampling", "pruning"), "lookalike", [MERGED]),
        (("relearning", "membership", "probe"), "siu", []),
    ],
)
def test_what_an_audit_found_has_its_advice(back: tuple[str, ...], method: str, expected: list[str]) -> None:
    assert [one.command for one in against(back, method=method, model="world:tiny-qwen3vl")] == expected


def test_outside_the_embedded_world_the_method_needs_pictures_of_others() -> None:
    (advice,) = advise(report(model="org/model", after={**report().after, "two_people/renamed": share(20)}))
    assert advice.command == f"{METHOD} --unseen FOLDER --others FOLDER"
    assert "pictures of people unknown to the model" in advice.reason


def test_it_is_on_the_page_in_the_file_and_in_the_terminal(tmp_path: Path) -> None:
    failed = report(after={**report().after, "generality_em": share(40)}, manifest=TRAINED)
    document, page = write(failed, tmp_path)
    assert [one["command"] for one in read_strictly(document)["advice"]] == [PICTURES, METHOD]
    assert f"<code>{PICTURES}</code>" in page.read_text(encoding="utf-8")
    console = Console(width=300, record=True)
    with console.capture() as shown:
        console.print(summary(failed))
    assert PICTURES in shown.get()
    _, page = write(report(), tmp_path / "forgotten")
    assert "What to try next" not in page.read_text(encoding="utf-8")
