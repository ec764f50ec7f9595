"""The pages of a pack: plain language, self-contained, no script, everything foreign escaped; prints well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from unsee.evaluation.auditing import AFTER, Audit
from unsee.reports.attack_lines import Line, lines_of
from unsee.reports.console import not_measured
from unsee.reports.evidence.facts import Evidence, Pack
from unsee.reports.evidence.limits import LAW, LIMITS, NO_ADVICE
from unsee.reports.grades import worst_of
from unsee.reports.rendering import data_uri, render_template
from unsee.reports.score_rows import Row, families


@dataclass(frozen=True)
class PackFile:
    """A file of the pack and what it is, for the list on the page."""

    name: str
    what: str


def render(evidence: Evidence, files: Mapping[str, str], *, is_part: bool = False) -> str:
    """The page about one concept as text; `files` says what each file of the pack is, by its name. is_part: another
    page is about the whole pack (`render_whole`)."""
    report = evidence.report
    return render_template(
        "evidence.html",
        evidence=evidence,
        is_part=is_part,
        report=report,
        verdict=report.verdict,
        grade=evidence.grade,
        lines=_main(evidence.audit),
        tried=len({row.attack for row in evidence.audit.rows if AFTER in row.states}),
        families=[(title, _telling(rows)) for title, rows in families(report)],
        further=[(one, _main(one.audit)) for one in evidence.further],
        unanswered=list(_unanswered(evidence)),
        settings=list(_settings(evidence)),
        files=[PackFile(name, what) for name, what in files.items()],
        limits=LIMITS,
        law=LAW,
        no_advice=NO_ADVICE,
        picture=data_uri,
    )


def render_whole(pack: Pack, files: Mapping[str, str]) -> str:
    """The page about all concepts of a run that forgot several: how each came out, with a link to its own."""
    return render_template(
        "evidence_whole.html",
        evidence=pack.first,
        report=pack.first.report,
        parts=pack.parts,
        outcome=pack.outcome,
        worst=worst_of(one.grade for one in pack.parts.values()),
        settings=list(_settings(pack.first)),
        files=[PackFile(name, what) for name, what in files.items()],
    )


def _main(audit: Audit) -> list[Line]:
    """The attacks, each with its worst variant: the others are in the file."""
    return [line for line in lines_of(audit) if not line.is_part]


def _telling(rows: Sequence[Row]) -> list[Row]:
    """The scores, with those of their parts that got worse."""
    return [row for row in rows if not row.metric.is_part or row.outcome == "worse"]


def _unanswered(evidence: Evidence) -> Iterator[str]:
    """What no test of any run asks, and what this run did not ask."""
    report, words = evidence.report, evidence.report.words
    if report.new_pictures:
        shown = f"{report.new_pictures:,} new picture{'' if report.new_pictures == 1 else 's'}"
        yield f"Pictures other than the {shown} that were asked about and those that the attacks made from them."
    else:
        yield "New pictures: only the given ones were asked about, which training has seen."
    yield "Wordings and languages other than those of the questions and attacks in the tables."
    yield (
        f"Effects on {words.others} and on abilities other than those in the table of scores; those in it are samples."
    )
    if evidence.delivered is None:
        yield "Whether the model that is served to users is this one: a server can ignore an adapter without a word."
    else:
        yield (
            f"Whether the model that users get is still the one that was asked on {evidence.delivered.created[:10]}."
        )
    yield "Other models, and other copies of this one, that hold the same concept."
    yield from not_measured(report.unmeasured)
    if evidence.audit.floor == "":
        yield "A floor: there is none, so it is not known what guessing alone would give."


def _settings(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """What a reader needs to repeat the run, in the order of the manifest."""
    for key, value in dict(evidence.manifest.get("hyperparameters", {})).items():
        yield key.replace("_", " "), str(value).lower() if isinstance(value, bool) else str(value)
