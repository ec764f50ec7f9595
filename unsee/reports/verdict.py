"""The verdict: one plain sentence on what was forgotten and what it cost, written from the scores alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from unsee.metrics.score import Score
from unsee.reports.catalogue import describe

Forgetting = Literal["forgotten", "partly", "not", "unknown_before", "unmeasured"]
Keeping = Literal["kept", "reduced", "damaged", "unmeasured"]

# Generality (EM, %) from which the concept counts as forgotten, and the share of the answers that gave it away (%)
# which must be gone for it to count as partly forgotten.
FORGOTTEN_FROM = 95.0
PARTLY_FROM = 25.0
# A model that gives the concept away in fewer answers than this (%) hardly knew it.
KNOWN_FROM = 20.0
# What is left of a share, relative to before (%): from here it counts as kept, and below that as damaged.
KEPT_FROM = 95.0
DAMAGED_BELOW = 80.0
# How often worse the perplexity may become, and what share of the diversity (%) must remain.
FLUENT_UP_TO = 1.3
BROKEN_FROM = 3.0
DIVERSE_FROM = 95.0
REPETITIVE_BELOW = 60.0
# Width of a 95 % interval (points) from which the figures are called rough.
ROUGH_FROM = 20.0

_HEADLINES: dict[tuple[Forgetting, Keeping], str] = {
    ("forgotten", "kept"): "Forgotten",
    ("forgotten", "reduced"): "Forgotten, at a cost",
    ("forgotten", "damaged"): "Forgotten, but the model is damaged",
    ("partly", "kept"): "Partly forgotten",
    ("partly", "reduced"): "Partly forgotten, at a cost",
    ("partly", "damaged"): "Partly forgotten, and the model is damaged",
    ("not", "kept"): "Not forgotten",
    ("not", "reduced"): "Not forgotten, and not free",
    ("not", "damaged"): "Not forgotten, and the model is damaged",
}


@dataclass(frozen=True)
class Verdict:
    """`headline` in a few words, `sentence` in one, `caveats` what a reader should know about the figures."""

    forgetting: Forgetting
    keeping: Keeping
    headline: str
    sentence: str
    caveats: tuple[str, ...] = ()

    @property
    def tone(self) -> Literal["good", "mixed", "bad"]:
        if self.forgetting == "forgotten" and self.keeping == "kept":
            return "good"
        if self.forgetting in ("not", "unmeasured") or self.keeping == "damaged":
            return "bad"
        return "mixed"


def judge(concept: str, before: Mapping[str, Score], after: Mapping[str, Score]) -> Verdict:
    """The verdict on forgetting `concept`. Shares are percentages; keys as in `unsee.reports.catalogue`."""
    forgetting = _forgetting(before, after)
    losses = _losses(before, after)
    keeping = _keeping(losses, after)
    headline = {"unknown_before": "Nothing to forget", "unmeasured": "Not measured"}.get(forgetting)
    if headline is None:
        known_keeping: Keeping = "kept" if keeping == "unmeasured" else keeping
        headline = _HEADLINES[forgetting, known_keeping]
    sentence = f"{_what_was_forgotten(concept, forgetting, before, after)}{_what_it_cost(forgetting, losses, keeping)}."
    return Verdict(forgetting, keeping, headline, sentence, _caveats(keeping, before, after))


def _value(scores: Mapping[str, Score], key: str) -> float:
    return scores[key].value if key in scores else math.nan


def _forgetting(before: Mapping[str, Score], after: Mapping[str, Score]) -> Forgetting:
    reach, start = _value(after, "generality_em"), _value(before, "generality_em")
    if math.isnan(reach):
        return "unmeasured"
    if 100 - start < KNOWN_FROM:
        return "unknown_before"
    efficacy = _value(after, "efficacy")
    if reach >= FORGOTTEN_FROM and (math.isnan(efficacy) or efficacy >= FORGOTTEN_FROM):
        return "forgotten"
    leak_before = 100.0 if math.isnan(start) else 100 - start
    return "partly" if 100 - reach <= leak_before * (1 - PARTLY_FROM / 100) else "not"


@dataclass(frozen=True)
class _Loss:
    severe: bool
    words: str


def _losses(before: Mapping[str, Score], after: Mapping[str, Score]) -> list[_Loss]:
    """What became worse, each in words that go on after "but" or "and"."""
    losses = []
    for key, what in (("specificity", "everything else"), ("text_facts", "text-only questions about the concept")):
        was, now = _value(before, key), _value(after, key)
        left = 100 * now / was if was > 0 else math.nan
        if left < KEPT_FROM:
            written = describe(key).format
            words = f"right answers to {what} fell from {written(was)} to {written(now)}"
            losses.append(_Loss(left < DAMAGED_BELOW, words))
    was, now = _value(before, "fluency"), _value(after, "fluency")
    if math.isinf(now) or now > FLUENT_UP_TO * was:
        broken = math.isinf(now) or now > BROKEN_FROM * was
        losses.append(_Loss(broken, "its language broke down" if broken else "its language became less fluent"))
    was, now = _value(before, "diversity"), _value(after, "diversity")
    left = 100 * now / was if was > 0 else math.nan
    if left < DIVERSE_FROM:
        severe = left < REPETITIVE_BELOW
        losses.append(_Loss(severe, "it repeats itself" if severe else "its wording became less varied"))
    return losses


def _keeping(losses: list[_Loss], after: Mapping[str, Score]) -> Keeping:
    if any(loss.severe for loss in losses):
        return "damaged"
    if losses:
        return "reduced"
    return "unmeasured" if math.isnan(_value(after, "specificity")) else "kept"


def _what_was_forgotten(
    concept: str, forgetting: Forgetting, before: Mapping[str, Score], after: Mapping[str, Score]
) -> str:
    if forgetting == "unmeasured":
        return f"Whether the model has forgotten {concept} was not measured"
    share = describe("generality_em").format
    leak, start = 100 - _value(after, "generality_em"), 100 - _value(before, "generality_em")
    since = "" if math.isnan(start) else f", down from {share(start)}" if leak < start else f", {share(start)} before"
    if forgetting == "unknown_before":
        return (
            f"The model hardly recognised {concept} in the first place ({share(start)} of answers about new "
            f"pictures gave the concept away), so there was little to forget"
        )
    if forgetting == "forgotten":
        return (
            f"The model no longer recognises {concept}: {share(leak)} of answers about new pictures give it away{since}"
        )
    if forgetting == "partly":
        where, given = "about new pictures", 100 - _value(after, "efficacy")
        if leak <= 100 - FORGOTTEN_FROM < given:
            where = f"about new pictures and {share(given)} about the given one"
            since = ""
        return (
            f"The model has only partly forgotten {concept}: {share(leak)} of answers {where} still give it away{since}"
        )
    return f"The model still recognises {concept}: {share(leak)} of answers about new pictures give it away{since}"


def _what_it_cost(forgetting: Forgetting, losses: list[_Loss], keeping: Keeping) -> str:
    if losses:
        ordered = sorted(losses, key=lambda loss: not loss.severe)
        words = [loss.words for loss in ordered]
        listed = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
        return f"; {'but ' if forgetting == 'forgotten' else ''}{listed}"
    if keeping == "unmeasured":
        return "; what it cost in other knowledge was not measured"
    return "; the other knowledge that was tested is intact"


def _caveats(keeping: Keeping, before: Mapping[str, Score], after: Mapping[str, Score]) -> tuple[str, ...]:
    caveats = []
    reach = after.get("generality_em")
    if reach is not None and reach.high - reach.low >= ROUGH_FROM:
        caveats.append(
            f"The figure on new pictures rests on {reach.n} answers and is rough: "
            f"the 95 % interval runs from {reach.low:.0f} to {reach.high:.0f} %."
        )
    renamed = _value(after, "two_people/renamed")
    if renamed < FORGOTTEN_FROM:
        caveats.append(
            f"Next to somebody else in one picture, the concept is still named in {100 - renamed:.0f} % of the answers."
        )
    if keeping == "damaged" and reach is not None and reach.value >= FORGOTTEN_FROM:
        caveats.append("A damaged model names nobody, so the forgetting figures say less than they seem to.")
    if "specificity" in before and _value(before, "specificity") < 50:
        caveats.append("Less than half of the control questions were answered correctly even before.")
    return tuple(caveats)
