"""Is this the model that a run evaluated? Judged by its answers, next to those that the run saved.

The run's transcripts say what the model before and the model after unlearning answered, and how sure they were of every
token. What reaches a user may be either of them, another model, or the right one with its weights rounded. Rounding
moves the log-odds of every token a little, as noise does: it changes an answer only where the model was hardly surer of
its token than of the next best. Another adapter, chat template or picture size also changes answers of which the model
was sure. So what counts is not how many answers differ, but how sure the evaluated model was where they depart.

Where the answers come with log-probabilities, the log-odds of the same tokens are compared as well, which shows
rounding and retraining that change no answer. docs/verify.md has what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from unsee.benchmarks.mmubench_scores import units_of
from unsee.data.sample import Probe, Response
from unsee.metrics import Score
from unsee.metrics.intervals import share
from unsee.metrics.naming import contains

Conclusion = Literal["evaluated", "rounded", "before", "another", "unknown"]
FORGETTING = ("efficacy", "generality")
"""The metrics whose questions ask for what was forgotten."""

ROUNDING = 0.6
"""The largest spread (standard deviation, in nats) of the shifts in log-odds that counts as rounding: eight bits bring
0.02 on the world's models, four bits in blocks 0.2, an adapter trained again 1.2."""
EXACT = {"torch.float32": 0.0, "torch.float16": 0.03, "torch.bfloat16": 0.15}
"""The spread that the same weights show on another machine, by the type that the run computed in: about one rounding of
a logit."""
SMALLEST_MEDIAN = 0.002
"""The largest median change in log-odds (nats) that counts as none."""
_MEDIAN = 0.6745  # of the size of a normal variable with spread 1
_UNLIKELY = 1e-3
FEWEST = 5
"""Fewer questions on which before and after differ tell nothing."""
_FEWEST_TOKENS = 20
# From here on a log-probability in 32 bits no longer holds the odds exactly enough: p above 1 - 1e-3.
_TOO_SURE = 6.9
_ALIKE = 0.8


@dataclass(frozen=True)
class Compared:
    """One question with three answers: before and after unlearning, from the run, and here."""

    probe: Probe
    before: Response
    after: Response
    here: Response

    @property
    def telling(self) -> bool:
        """Whether it tells before from after."""
        return not same(self.before, self.after)

    @property
    def shown(self) -> bool:
        return bool(self.probe.images)

    def evaluated(self, state: Literal["before", "after"]) -> Response:
        return self.before if state == "before" else self.after


@dataclass(frozen=True)
class Closeness:
    """How near the answers here are to those of one state.

    `equal` of `asked` answers are the same. `departures`: for each other answer, the log-odds (nats) of the token at
    which it departs. `risks`: the log-odds of all tokens of the state's answers. `shift`: the median size of the change
    in log-odds over `tokens` tokens of equal answers that the state was not quite sure of, and over those of questions
    with and without a picture; None where there are too few.
    """

    asked: int
    equal: int
    departures: tuple[float, ...]
    risks: tuple[float, ...]
    shift: float | None = None
    shift_with_picture: float | None = None
    shift_without: float | None = None
    tokens: int = 0

    def within(self, spread: float) -> bool:
        """Whether noise of this spread in the log-odds explains all that differs."""
        limit = max(_MEDIAN * spread, SMALLEST_MEDIAN)
        return (self.shift is None or self.shift <= limit) and explained(self.departures, self.risks, spread)

    @property
    def only_pictures(self) -> bool:
        """Whether the log-odds of questions without a picture are the same, and those with one are not."""
        text, shown = self.shift_without, self.shift_with_picture
        return text is not None and shown is not None and text <= SMALLEST_MEDIAN < shown / 10


@dataclass(frozen=True)
class Verification:
    """What was found. `leaks`: the share (percent) of questions for what was forgotten whose answer gives it, by state:
    "before", "after" and "here". `reasons` are parts of sentences: why it cannot be told, or what may be the matter.
    `dtype`: what the run computed in, as torch writes it."""

    conclusion: Conclusion
    compared: Sequence[Compared]
    after: Closeness
    before: Closeness
    leaks: Mapping[str, Score]
    reasons: tuple[str, ...] = ()
    dtype: str = "torch.float32"

    def count(self, state: Literal["before", "after"]) -> tuple[int, int]:
        """How many of the telling answers are those of a state, and how many there are."""
        telling = [one for one in self.compared if one.telling]
        return sum(same(one.here, one.evaluated(state)) for one in telling), len(telling)


def same(one: Response, other: Response) -> bool:
    """Whether two answers are the same but for white space, which servers trim in their own ways."""
    return one.text.split() == other.text.split()


def chosen(
    after: Mapping[str, Response], before: Mapping[str, Response], probes: Sequence[Probe], limit: int
) -> list[Probe]:
    """At most `limit` of `probes` to ask again: in turn one about what was forgotten, another one that tells before
    from after, one that does not, and one that does not and has no picture; in each group those first of whose answer
    the model after was least sure, because these change first."""

    def sureness(probe: Probe) -> float:
        return min(log_odds(after[probe.id]), default=math.inf)

    groups: dict[str, list[Probe]] = {"forget": [], "telling": [], "alike": [], "text": []}
    for probe in sorted(probes, key=sureness):
        tells = not same(after[probe.id], before[probe.id])
        about = "telling" if tells else "alike" if probe.images else "text"
        groups["forget" if probe.tags.get("metric") in FORGETTING else about].append(probe)
    longest = max(map(len, groups.values()))
    return [group[place] for place in range(longest) for group in groups.values() if place < len(group)][:limit]


def log_odds(response: Response) -> list[float]:
    """log p / (1 - p) of each token of an answer; infinite where p is 1. Empty without log-probabilities."""
    return [_odds(value) for value in response.token_logprobs or ()]


def explained(departures: Sequence[float], risks: Sequence[float], spread: float) -> bool:
    """Whether normal noise of `spread` in the log-odds of tokens may bring these departures.

    A token of log-odds r leads the next best by r at least, so noise overturns it with a probability of at most
    Φ(-r / spread). If for some k at least k departures at tokens as sure as the k-th surest of them are as unlikely as
    one in a thousand (Poisson, with the sum of these probabilities as its mean), the noise does not explain them.
    """
    from scipy.stats import norm, poisson

    if not departures or spread <= 0:
        return not departures
    sure = np.asarray(risks, dtype=np.float64)
    overturned: npt.NDArray[np.float64] = norm.sf(sure / spread)
    return all(
        poisson.sf(count - 1, float(overturned[sure >= surest].sum())) >= _UNLIKELY
        for count, surest in enumerate(sorted(departures, reverse=True), 1)
    )


def closeness(compared: Sequence[Compared], state: Literal["before", "after"], *, believed: bool) -> Closeness:
    """How near the answers here are to those of a state. `believed`: their log-probabilities count."""
    pairs = [(one, one.evaluated(state)) for one in compared]
    equal = [same(one.here, was) for one, was in pairs]
    shifts = {True: list[float](), False: list[float]()}
    for (one, was), alike in zip(pairs, equal, strict=True):
        if alike and believed:
            shifts[one.shown] += _shifts(was, one.here)
    return Closeness(
        len(pairs),
        sum(equal),
        tuple(_departure(was, one.here) for (one, was), alike in zip(pairs, equal, strict=True) if not alike),
        tuple(odds for _, was in pairs for odds in log_odds(was)),
        _median([*shifts[True], *shifts[False]]),
        _median(shifts[True]),
        _median(shifts[False]),
        len(shifts[True]) + len(shifts[False]),
    )


def believable(responses: Sequence[Response]) -> bool:
    """Whether the answers come with log-probabilities that can be real: finite, none above 0, for every token, and not
    all alike. A server that decodes greedily may write 0 for every token that it chose."""
    values = [value for response in responses for value in response.token_logprobs or ()]
    every = all(response.token_ends is not None for response in responses if response.text)
    return every and all(math.isfinite(value) and value <= 1e-6 for value in values) and len(set(values)) > 2


def leaking(probes: Sequence[Probe], answer: Callable[[str], Response]) -> Score | None:
    """The share (percent) of the questions for what was forgotten whose answer gives it; None without a question."""
    asked = [probe for probe in probes if probe.tags.get("metric") in FORGETTING]
    if not asked:
        return None
    said = [contains(answer(probe.id).text, probe.expect) for probe in asked]
    return share(said, units=units_of(asked), higher_is_better=False)


def verified(compared: Sequence[Compared], dtype: str, reasons: Sequence[str] = ()) -> Verification:
    """The conclusion from answers. dtype: what the run computed in. With `reasons` why it cannot be told, it is not."""
    believed = believable([one.here for one in compared])
    after, before = (closeness(compared, state, believed=believed) for state in ("after", "before"))
    by_id = {one.probe.id: one for one in compared}
    probes = [one.probe for one in compared]
    leaks = {
        "before": leaking(probes, lambda key: by_id[key].before),
        "after": leaking(probes, lambda key: by_id[key].after),
        "here": leaking(probes, lambda key: by_id[key].here),
    }
    found = Verification(
        "unknown", compared, after, before, {k: v for k, v in leaks.items() if v}, tuple(reasons), dtype
    )
    if reasons:
        return found
    conclusion, why = _concluded(found)
    return replace(found, conclusion=conclusion, reasons=why)


def _concluded(found: Verification) -> tuple[Conclusion, tuple[str, ...]]:
    (as_after, telling), (as_before, _) = found.count("after"), found.count("before")
    if telling < FEWEST:
        return "unknown", (
            f"the models before and after answered alike in all but {telling} of {len(found.compared)} questions, so "
            "ask more of them, and look in the report at what the run changed",
        )
    is_after = found.after.within(ROUNDING) and not found.after.only_pictures
    is_before = found.before.within(ROUNDING) and not found.before.only_pictures
    if is_after and is_before and not _more(as_after, as_before) and not _more(as_before, as_after):
        return "unknown", (
            f"{as_after} of the {telling} answers that tell the two apart are those after, and {as_before} those "
            "before, and rounding would explain either, so ask more questions",
        )
    if is_after and (not is_before or as_after > as_before):
        return ("evaluated" if found.after.within(EXACT.get(found.dtype, 0.0)) else "rounded"), ()
    return ("before", ()) if is_before else ("another", _hints(found))


def _more(many: int, few: int) -> bool:
    """Whether one of two counts is larger beyond chance (two-sided sign test)."""
    from scipy.stats import binomtest

    return many > few and float(binomtest(many, many + few).pvalue) < 0.01


def _hints(found: Verification) -> tuple[str, ...]:
    """What may be the matter with a model that is neither."""
    alike = {
        shown: [same(one.here, one.after) for one in found.compared if not one.telling and one.shown is shown]
        for shown in (True, False)
    }
    # Without a question of a kind, nothing speaks against it.
    shares = {shown: sum(flags) / len(flags) if flags else 1.0 for shown, flags in alike.items()}
    if found.after.only_pictures or (alike[False] and shares[False] == 1 and shares[True] < _ALIKE):
        return ("it agrees where no picture is shown, so look at how pictures are prepared (size, crop, colours)",)
    if min(shares.values()) < _ALIKE:
        return (
            "it differs even where the models before and after agree, so look at the chat template, the picture size "
            "and the base model",
        )
    return (
        "it agrees where the models before and after agree, as another adapter of the same base would, such as an "
        "older one",
    )


def _odds(logprob: float) -> float:
    left = -math.expm1(min(logprob, 0.0))
    return math.inf if left <= 0 else logprob - math.log(left)


def _departure(was: Response, here: Response) -> float:
    """The log-odds of the token of `was` at which `here` departs from it; infinite if they are not known."""
    begin = was.raw.rfind(was.text)
    place = begin + next((i for i, (a, b) in enumerate(zip(was.text, here.text, strict=False)) if a != b), 0)
    if all(a == b for a, b in zip(was.text, here.text, strict=False)):
        place = begin + min(len(was.text), len(here.text))
    odds = zip(was.token_ends or (), log_odds(was), strict=False)
    return next((value for end, value in odds if end > place), math.inf)


def _shifts(was: Response, here: Response) -> list[float]:
    """By how much the log-odds of the tokens of an answer differ, where the state was not quite sure of them. Nothing
    if the two cut the answer into tokens in other ways."""
    mine, theirs = (dict(zip(one.token_ends or (), log_odds(one), strict=False)) for one in (was, here))
    length = len(was.raw)
    if {end for end in mine if end <= length} != {end for end in theirs if end <= length}:
        return []
    return [abs(theirs[end] - odds) for end, odds in mine.items() if odds < _TOO_SURE and end in theirs]


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if len(values) >= _FEWEST_TOKENS else None
