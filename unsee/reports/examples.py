"""Which answers the report shows: a few of each kind, chosen by place and not by how they look, and what went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unsee.benchmarks import recall
from unsee.data.sample import Probe
from unsee.evaluation.request_benchmark import RequestBenchmark
from unsee.metrics import contains, right
from unsee.metrics.giving_away import gives_away
from unsee.reports.report import Example

GROUPS = {
    "efficacy": "The given picture",
    "generality": "New pictures",
    "two_people": "Two people in one picture",
    "specificity": "Everything else",
    "text_facts": "Facts in text",
}
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
                title,
                probe.prompt,
                before[probe.id],
                after[probe.id],
                probe.images[0] if probe.images else None,
                good[probe.id],
            )
            for probe in chosen
        ]
    return shown


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
        sides.setdefault((probe.tags.get("group", ""), probe.tags.get("kind", "")), []).append(probe)
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
