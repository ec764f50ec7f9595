"""The report as one self-contained HTML page: no script, no request to anywhere, everything foreign escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from PIL import Image

from unsee.metrics.catalogue import describe
from unsee.reports import asru_plots, plots
from unsee.reports.advice import advise
from unsee.reports.attack_lines import lines_of
from unsee.reports.by_modality import MODALITIES, by_modality
from unsee.reports.rendering import data_uri, inline, marked, render_template
from unsee.reports.report import Example, Report
from unsee.reports.score_rows import families, rows


@dataclass(frozen=True)
class _Figure:
    """One of the large figures under the verdict, ready to print; `before` is empty where there is none."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class _Card:
    """Questions about one picture (or about none), in a row."""

    picture: Image.Image | None
    examples: tuple[Example, ...]


def render(report: Report) -> str:
    """The whole page as text."""
    verdict = report.verdict
    names = _names(report)
    return render_template(
        "report.html",
        report=report,
        verdict=verdict,
        advice=advise(report),
        attacks=[] if report.audit is None else lines_of(report.audit),
        grade=report.grade,
        figures=_figures(report),
        modalities=list(MODALITIES.values()),
        by_modality=by_modality(report),
        groups=[(group, list(_cards(examples))) for group, examples in _grouped(report.examples)],
        families=list(families(report)),
        sections=[
            (section.title, rows(report, section.keys, describe), list(_cards(section.examples)))
            for section in report.also
        ],
        plane=inline(plots.forgetting_against_keeping(report.before, report.after)),
        training=inline(plots.training_loss(report.training_log)),
        reinforcement=inline(asru_plots.reinforcement(report.training_log)),
        manifest=list(_flat(report.manifest)),
        picture=data_uri,
        marked=lambda text: marked(text, names),
    )


def _names(report: Report) -> list[str]:
    return sorted({name for name in (report.concept, *report.aliases) if name.strip()}, key=len, reverse=True)


def _figures(report: Report) -> list[_Figure]:
    """Recognition on new pictures (the complement of EM, which reads more plainly), then what was kept."""
    figures = []
    for key, label, complement in (
        ("generality_em", "recognised on new pictures", True),
        ("specificity", "everything else answered correctly", False),
        ("text_facts", "facts in text kept", False),
    ):
        before, after = (
            describe(key).format(100 - scores[key].value if complement else scores[key].value) if key in scores else ""
            for scores in (report.before, report.after)
        )
        if after:
            figures.append(_Figure(label, before, after))
    return figures


def _grouped(examples: Iterable[Example]) -> Iterator[tuple[str, list[Example]]]:
    """Examples by group, groups in the order of their first example."""
    groups: dict[str, list[Example]] = {}
    for example in examples:
        groups.setdefault(example.group, []).append(example)
    yield from groups.items()


def _cards(examples: Iterable[Example]) -> Iterator[_Card]:
    for _, run in groupby(examples, key=lambda example: id(example.picture) if example.picture else None):
        members = tuple(run)
        yield _Card(members[0].picture, members)


def _flat(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested entries as ("versions.torch", "2.13.0")."""
    for key, value in mapping.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, (list, tuple)):
            yield f"{prefix}{key}", ", ".join(map(str, value)) or "–"
        else:
            yield f"{prefix}{key}", "–" if value is None else str(value)
