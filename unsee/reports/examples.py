"""Which answers the report shows: a few of each kind, chosen by place and not by how they look, and what went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from unsee.benchmarks import recall
from unsee.benchmarks.base import Benchmark
from unsee.benchmarks.own import OwnQuestions
from unsee.data.sample import Probe
from unsee.evaluation.evaluation import Measured
from unsee.evaluation.request_benchmark import RequestBenchmark
from unsee.metrics import contains, right
from unsee.metrics.catalogue import in_order, is_further
from unsee.metrics.giving_away import gives_away
from unsee.reports.report import Example, Section

GROUPS = {
    "efficacy": "The given picture",
    "generality": "New pictures",
    "two_people": "{Two} in one picture",
    "specificity": "Everything else",
    "verification_others": "Is this X? about {others}",
    "text_facts": "Facts in text",
}
"""Titles by the tag "metric", in which `Words.fill` puts in what others are called."""
PER_GROUP = 6
_YES_OR_NO = ("yes_no", "verification")


def examples(asked: RequestBenchmark, before: Mapping[str, str], after: Mapping[str, str]) -> list[Example]:
    """At most `PER_GROUP` per group; where a group has wrong answers after, one of them takes the last place."""
    shown = []
    references = {item.probe.id: item for item in asked.recall}
    for metric, title in GROUPS.items():
        if metric == "generality" and asked.measured_on_given:
            continue
        members = [probe for probe in asked.probes if probe.tags["metric"] == metric]
        good = {
            probe.id: False
            if names_the_forgotten(probe, after[probe.id], asked.bench.names)
            else _good(probe, references.get(probe.id), before, after)
            for probe in members
        }
        chosen = _spread(members)
        wrong = [probe for probe in members if good[probe.id] is False]
        if wrong and not any(probe in wrong for probe in chosen):
            chosen[-1] = wrong[0]
        # By their pictures, those in their own order.
        first: dict[int, int] = {}
        for number, probe in enumerate(members):
            for image in probe.images:
                first.setdefault(id(image), number)
        chosen.sort(key=lambda probe: [first[id(image)] for image in probe.images])
        shown += [
            Example(
                asked.words.fill(title),
                probe.prompt,
                before[probe.id],
                after[probe.id],
                probe.images[0] if probe.images else None,
                good[probe.id],
            )
            for probe in chosen
        ]
    return shown


def sections(asked: Mapping[str, Benchmark], before: Measured, after: Measured) -> tuple[Section, ...]:
    """A section for each further benchmark, by how the user named it: a table's is called by the table."""
    return tuple(_section(spec, bench, before, after) for spec, bench in asked.items())


def _section(spec: str, bench: Benchmark, before: Measured, after: Measured) -> Section:
    is_own = isinstance(bench, OwnQuestions)
    title = f"Your questions ({Path(spec).name})" if is_own else f"Also asked: {bench.name}"
    wholes = {metric.key for metric in bench.columns if is_further(metric.key)}
    keys = tuple(
        key for key in in_order({**before.scores, **after.scores}) if key in wholes or key.rpartition("/")[0] in wholes
    )
    was, now = (one.answers[bench.name].texts for one in (before, after))
    members = list(bench.probes())
    chosen = _spread(members)
    changed = [probe for probe in members if now[probe.id] != was[probe.id]]
    if changed and not any(probe in changed for probe in chosen):
        chosen[-1] = changed[0]
    # Nobody but the benchmark's own scoring knows which answers are right.
    return Section(
        title,
        keys,
        tuple(
            Example(title, probe.prompt, was[probe.id], now[probe.id], probe.images[0] if probe.images else None)
            for probe in chosen
        ),
    )


def names_the_forgotten(probe: Probe, answer: str, names: Sequence[str]) -> bool:
    """Whether the answer gives one of `names`, those of the forgotten concept, to somebody in a picture.

    Such an answer is never as intended, even if the probe's own scorer only looks for another name. A question that
    holds the name itself may be denied by name ("No, this is not Mara Voss"); text alone may be about the concept.
    """
    if not probe.images and "shown" not in probe.tags:
        return False
    if not contains(probe.prompt, names):
        return contains(answer, names)
    return probe.tags.get("kind") in _YES_OR_NO and gives_away(answer, (), names, yes_or_no=True)


def _spread(members: Sequence[Probe]) -> list[Probe]:
    """One probe of each (group, kind, picture) in turn, so that a few show many sides."""
    sides: dict[tuple[str, str], list[Probe]] = {}
    for probe in members:
        group = probe.tags.get("group") or probe.tags.get("split", "")
        sides.setdefault((group, probe.tags.get("kind", "")), []).append(probe)
    chosen: list[Probe] = []
    turn = 0
    while len(chosen) < min(PER_GROUP, len(members)):
        for side in sides.values():
            if turn < len(side) and len(chosen) < PER_GROUP:
                # Evenly over the side, to show other pictures and other questions.
                chosen.append(side[turn * max(1, len(side) // PER_GROUP) % len(side)])
        turn += 1
    return chosen


def _good(
    probe: Probe, recalled: recall.Recalled | None, before: Mapping[str, str], after: Mapping[str, str]
) -> bool | None:
    return right(probe, after[probe.id]) if recalled is None else recalled.kept(before[probe.id], after[probe.id])
