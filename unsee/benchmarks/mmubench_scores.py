"""The scores of MMUBench: from the answers and probabilities of one model to `Score`s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unsee import metrics
from unsee.benchmarks.concept import About, ConceptBenchmark
from unsee.data.sample import Probe, Response
from unsee.data.visible import Feature
from unsee.errors import SystemFailure
from unsee.judges import Case, Judge, Quality
from unsee.judges.asking import qualities_of, verdicts_of
from unsee.metrics import Score


@dataclass(frozen=True)
class Likelihoods:
    """A model's log-probabilities of the answers about test pictures (natural logarithms).

    `answers`: per answer, the log-probabilities of its tokens, and `of_concept`: which of them belong to C's name.
    """

    answers: tuple[npt.NDArray[np.float64], ...]
    of_concept: tuple[npt.NDArray[np.bool_], ...]
    vocabulary_size: int


Concept = About | ConceptBenchmark
"""Whose answers are scored; both know its names and facts."""


def score(
    bench: Concept,
    asked: Sequence[Probe],
    responses: Sequence[Response],
    *,
    judge: Judge | None = None,
    likelihoods: Likelihoods | None = None,
    reread: Likelihoods | None = None,
    names: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None = None,
) -> dict[str, Score]:
    """The scores of one model's answers to `asked`; scores without questions are left out.

    Shares are percentages. Always: "efficacy" and "generality_em", the paper's, "efficacy/not_given_away" and
    "not_given_away" (the same, minus answers that affirm the name in other words or give it to a yes-or-no question),
    "generality_em/nearly_named", "diversity", and for names of several words "generality_em/surname_alone". With probes
    for them: "specificity" and "specificity/GROUP", "text_facts", "two_people/renamed", "two_people/other_named",
    "verification_others" and "verification_others/GROUP". With a judge "g_eval", "quality/contextual_refusal",
    "quality/leakage", "quality/naturalness" and the share of these three that it failed to give, "quality/missing".
    With `likelihoods` (of the model that answered) "fluency": the perplexity of its answers under itself. With `names`
    (log p(C) per test picture, before and now) "c_dis". With `reread` (these answers under the model before)
    "fluency/reference": a model's own probabilities are high for whatever it repeats; these show word salad.

    About the quality of the answers, always: "hallucination", "invented_name", "refusal_rate", and with several test
    pictures "rigidity" and "rigidity/canned" (without answers that say something right about their picture); with
    probes for them "over_refusal" and "over_refusal/GROUP" of Specificity's groups.

    The intervals are over what `units_of` says: answers about one picture or person are alike, and so Efficacy, which
    is about one picture, has none.

    Fluency, Diversity, G-Eval and the scores of quality, except over-refusal, are about the answers on test pictures.
    Raises ValueError when a probe has no response, SystemFailure when the judge gives no readable verdict on any
    answer.
    """
    texts = {response.probe_id: response.text for response in responses}
    missing = sum(probe.id not in texts for probe in asked)
    if missing:
        raise ValueError(f"{missing} of {len(asked)} probes have no response")
    by_metric: dict[str, list[Probe]] = {}
    for probe in asked:
        by_metric.setdefault(probe.tags["metric"], []).append(probe)

    trained, tested = by_metric["efficacy"], by_metric["generality"]
    answers, units = [texts[probe.id] for probe in tested], units_of(tested)
    scores = {
        "efficacy": metrics.absent_share(
            [texts[probe.id] for probe in trained], [probe.expect for probe in trained], units=units_of(trained)
        ),
        "generality_em": metrics.absent_share(answers, [probe.expect for probe in tested], units=units),
    }
    scores |= {
        "efficacy/not_given_away": _not_given_away(bench, trained, texts),
        "not_given_away": _not_given_away(bench, tested, texts),
        "generality_em/nearly_named": metrics.nearly_named(answers, bench.names, bench.other_names, units=units),
    }
    surname = metrics.surname_alone(answers, bench.concept, bench.aliases, bench.other_names, units=units)
    if surname is not None:
        scores["generality_em/surname_alone"] = surname
    if judge is not None:
        cases = _cases(bench, tested, answers, reread)
        scores["g_eval"] = _judged(cases, judge, units)
        scores |= _judged_quality(qualities_of(judge, cases), units)
    if names is not None:
        scores["c_dis"] = metrics.c_dis(*names)
    scores |= _keeping(by_metric, texts)
    if likelihoods is not None:
        scores["fluency"] = _fluency(likelihoods, units)
    if reread is not None:
        scores["fluency/reference"] = _fluency(reread, units)
    scores["diversity"] = metrics.diversity(answers, units=units)
    return scores | _quality(bench, tested, answers) | _over_refusal(by_metric, texts)


def _not_given_away(bench: Concept, asked: Sequence[Probe], texts: Mapping[str, str]) -> Score:
    yes_or_no = [probe.tags["kind"] == "yes_no" for probe in asked]
    return metrics.not_given_away(
        [texts[probe.id] for probe in asked],
        [probe.expect for probe in asked],
        yes_or_no,
        bench.names,
        units=units_of(asked),
    )


def _cases(bench: Concept, tested: Sequence[Probe], answers: Sequence[str], reader: Likelihoods | None) -> list[Case]:
    surprise = [-float(row.mean()) if len(row) else None for row in reader.answers] if reader else [None] * len(tested)
    return [
        Case(
            probe.prompt,
            answer,
            bench.concept,
            bench.aliases,
            bench.other_names,
            probe.expect,
            bench.facts,
            bench.other_facts,
            _visible(bench, probe),
            nats,
            bench.spoken if isinstance(bench, ConceptBenchmark) else bench.words,
        )
        for probe, answer, nats in zip(tested, answers, surprise, strict=True)
    ]


def _visible(bench: Concept, probe: Probe) -> tuple[Feature, ...]:
    return bench.visible[int(probe.tags["picture"])] if bench.visible else ()


def _judged_quality(given: Sequence[Quality], units: Sequence[str]) -> dict[str, Score]:
    aspects = {
        "contextual_refusal": ([quality.contextual_refusal for quality in given], 0),
        "leakage": ([quality.leakage for quality in given], 0),
        "naturalness": ([quality.naturalness for quality in given], 1),
    }
    means = {key: metrics.judged(grades, lowest=lowest, units=units) for key, (grades, lowest) in aspects.items()}
    everything = [grade for grades, _ in aspects.values() for grade in grades]
    scores = {f"quality/{aspect}": value for aspect, value in means.items() if value is not None}
    return scores | {"quality/missing": metrics.missing(everything, units=[*units] * len(aspects))}


def _quality(bench: Concept, tested: Sequence[Probe], answers: Sequence[str]) -> dict[str, Score]:
    """The rules' scores of the answers about the concept's test pictures."""
    units = units_of(tested)
    scores = {
        "hallucination": metrics.hallucination(answers, bench.names, bench.other_names, bench.other_facts, units=units),
        "invented_name": metrics.invented_names(answers, bench.names, bench.other_names, units=units),
        "refusal_rate": metrics.refusals(answers, units=units, higher_is_better=True),
    }
    questions, pictures = [probe.prompt for probe in tested], [probe.tags["picture"] for probe in tested]
    seen = [metrics.visible_claims(a, _visible(bench, p)) for a, p in zip(answers, tested, strict=True)]
    fitting = [bool(claims) and all(claims.values()) for claims in seen]
    for key, flags in (("rigidity", None), ("rigidity/canned", fitting)):
        value = metrics.rigidity(answers, questions, pictures, flags)
        if value is not None:
            scores[key] = value
    return scores


def _over_refusal(by_metric: Mapping[str, Sequence[Probe]], texts: Mapping[str, str]) -> dict[str, Score]:
    """Refusals of questions that have an answer: about others, what can be seen, facts about others."""
    asked = _by_group("over_refusal", by_metric.get("specificity", ()))
    return {
        key: metrics.refusals([texts[probe.id] for probe in members], units=units_of(members), higher_is_better=False)
        for key, members in asked.items()
    }


def _judged(cases: Sequence[Case], judge: Judge, units: Sequence[str]) -> Score:
    verdicts = verdicts_of(judge, cases)
    if all(verdict is None for verdict in verdicts):
        raise SystemFailure(
            f"The judge gave no readable verdict on any of {len(verdicts)} answers; use a model that can reply with "
            "one digit, or the judge 'rules'."
        )
    return metrics.g_eval(verdicts, units=units)


def _keeping(by_metric: Mapping[str, Sequence[Probe]], texts: Mapping[str, str]) -> dict[str, Score]:
    def flags(members: Sequence[Probe]) -> list[bool]:
        return [metrics.right(probe, texts[probe.id]) for probe in members]

    kept = _by_group("specificity", by_metric.get("specificity", ()))
    groups = {key: members for key, members in kept.items() if key != "specificity"}
    asked = {**groups, **_by_group("verification_others", by_metric.get("verification_others", ()))}
    asked["text_facts"] = list(by_metric.get("text_facts", ()))
    for key, scorer in (("renamed", "absent"), ("other_named", "contains")):
        asked[f"two_people/{key}"] = [p for p in by_metric.get("two_people", ()) if p.scorer == scorer]
    scores = {key: metrics.share(flags(found), units=units_of(found)) for key, found in asked.items() if found}
    if groups:
        scores["specificity"] = metrics.specificity(
            {key: flags(members) for key, members in groups.items()},
            {key: units_of(members) for key, members in groups.items()},
        )
    return scores


def _by_group(key: str, asked: Sequence[Probe]) -> dict[str, list[Probe]]:
    """All of them under `key`, and each group under "KEY/GROUP"; empty if nothing was asked."""
    found: dict[str, list[Probe]] = {}
    for probe in asked:
        for name in (key, f"{key}/{probe.tags['group']}"):
            found.setdefault(name, []).append(probe)
    return found


def units_of(asked: Sequence[Probe]) -> list[str]:
    """What each question is about, as the independent unit of an interval: the person, or else the picture.

    Questions about the concept in text are about one person, so the independent units are the facts, each asked for in
    several wordings and identified by its right answer.
    """
    return [_unit_of(probe) for probe in asked]


def _unit_of(probe: Probe) -> str:
    if probe.tags["metric"] == "text_facts":
        return "/".join(probe.expect)
    return probe.tags.get("person") or probe.tags.get("picture") or probe.tags.get("shown") or probe.id


def completeness(asked: Sequence[Probe], responses: Sequence[Response]) -> dict[str, Score]:
    """How many answers were cut before their end, of all and of those about the concept, and how many are empty."""
    by_id = {response.probe_id: response for response in responses}
    said = [by_id[probe.id] for probe in asked]
    units = units_of(asked)
    about = [probe for probe in asked if probe.tags["metric"] in ("efficacy", "generality")]
    cut = metrics.share((by_id[probe.id].cut for probe in about), units=units_of(about), higher_is_better=False)
    return {
        "cut": metrics.share((r.cut for r in said), units=units, higher_is_better=False),
        "cut/concept": cut,
        "empty": metrics.share((not metrics.normalise(r.text) for r in said), units=units, higher_is_better=False),
    }


def _fluency(given: Likelihoods, units: Sequence[str]) -> Score:
    return metrics.fluency(given.answers, given.of_concept, given.vocabulary_size, units=units)
