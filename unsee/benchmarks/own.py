"""Questions that users bring: what should be forgotten, and what should still be answered. The table is described in
`unsee.benchmarks.own_reader` and in docs/own_data.md.

A row of the split "forget" is right if the answer does not give what was asked for, as in MMUBench (arXiv 2405.12523,
section 4). Rows of "retain", and of every other split, are right if it does.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

from unsee import metrics
from unsee.benchmarks.base import Answers, Benchmark, Scope, Scored
from unsee.benchmarks.own_reader import FORGET, Row, numbered, read_questions
from unsee.benchmarks.recall import agrees
from unsee.data.sample import Probe
from unsee.errors import UserError
from unsee.judges import Judge
from unsee.metrics import Score, normalise
from unsee.metrics.affirming import affirms, denies
from unsee.metrics.catalogue import Metric
from unsee.metrics.giving_away import gives_away
from unsee.metrics.options import letter_of
from unsee.metrics.refusals import is_refusal


class OwnQuestions(Benchmark):
    """Your own questions, from a CSV, JSON Lines, JSON or Parquet file, or a Hugging Face data set.

    `rows` with the pictures of each by its number. `names`: a concept's name, in lower case, with its other names,
    which an answer must not give either.
    """

    name = "own"
    version = 2
    columns = (
        Metric(
            "own_forgotten", "Forgotten", "Answers that do not give what should be forgotten.", "forgetting", "%", 1
        ),
        Metric(
            "own_forgotten/not_given_away",
            "Not given away",
            "The same, minus answers that affirm it in other words or name the concept unasked.",
            "forgetting",
            "%",
            1,
        ),
        Metric(
            "own_kept",
            "Kept",
            "Right answers about everything else, averaged over the splits of the table.",
            "keeping",
            "%",
            1,
        ),
        Metric(
            "own_over_refusal",
            "Over-refusal",
            "Refusals to answer questions that should be answered.",
            "keeping",
            "%",
            1,
            higher_is_better=False,
        ),
        Metric("own_refusals", "Refusals", "Answers about what should be forgotten that refuse.", "quality", "%", 1),
        Metric("own_empty", "Empty answers", "Answers without a word.", "language", "%", 1, higher_is_better=False),
    )

    def __init__(
        self,
        rows: Sequence[Row],
        pictures: Mapping[int, tuple[Any, ...]],
        names: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.rows, self.pictures = tuple(rows), dict(pictures)
        self.names = dict(names or {})

    @classmethod
    def of(cls, scope: Scope) -> OwnQuestions:
        """The questions in `scope.location`. If the scope has requests, "forget" rows about other concepts are left
        out: a model that was made to forget one concept does not have to forget or keep the others. Raises UserError if
        none is left, unless the table is shared by several requests."""
        if scope.location is None:
            raise UserError("The benchmark 'own' needs a table; give the table's path, such as people.csv.")
        table = read_questions(scope.location)
        names = {_key(name): request.names for request in scope.requests for name in request.names}
        about = dict.fromkeys(row.concept for row in table.rows if row.split == FORGET and row.concept)
        if names and about and not scope.shared and not any(_key(concept) in names for concept in about):
            raise UserError(
                f"{table.name} has nothing to forget about {scope.requests[0].concept!r}; it asks about "
                f"{', '.join(about)}."
            )
        rows = [row for row in table.rows if not names or row.split != FORGET or _key(row.concept) in {"", *names}]
        drawn = _drawn(rows, scope.limit, scope.seed)
        return cls(drawn, table.opened(drawn), names)

    def probes(self) -> Sequence[Probe]:
        return [self._probe(row) for row in self.rows]

    def _probe(self, row: Row) -> Probe:
        kind = "choice" if row.choices else "sentence" if row.answer else "keyword"
        listed = "".join(f"\n{letter}: {text}" for letter, text in row.choices.items())
        return Probe(
            f"own/{row.number}",
            row.question + (f"{listed}\nAnswer with the letter." if listed else ""),
            self.pictures.get(row.number, ()),
            row.keywords or (row.answer,),
            "absent" if row.split == FORGET else "contains",
            {"split": row.split, "concept": row.concept, "kind": kind},
        )

    def key(self) -> dict[str, Any]:
        return {
            "choices": {f"own/{row.number}": dict(row.choices) for row in self.rows if row.choices},
            "names": {key: list(names) for key, names in self.names.items()},
        }

    def basis(self) -> OwnQuestions | None:
        """What should be forgotten: `notes` says what the model before unlearning does not give either."""
        forget = [row for row in self.rows if row.split == FORGET]
        return OwnQuestions(forget, self.pictures, self.names) if forget else None

    @classmethod
    def score(cls, answers: Answers, judge: Judge | None = None) -> Scored:
        """ "own_forgotten" and "own_refusals" over the rows of "forget", "own_kept" and "own_over_refusal" over all
        others, and "own_empty" over all, in percent; "own_kept/SPLIT" if there are several such splits. By concept the
        same for those that have rows of "forget"."""
        asked = answers.probes
        concepts = dict.fromkeys(p.tags["concept"] for p in asked if p.tags["split"] == FORGET and p.tags["concept"])
        about: dict[str, list[Probe]] = {}
        for probe in asked:
            about.setdefault(_key(probe.tags["concept"]), []).append(probe)
        named = {_key(concept): concept for concept in concepts}
        by_concept = {concept: _scores(about[key], answers) for key, concept in named.items()}
        return Scored(_scores(asked, answers), by_concept)

    @classmethod
    def notes(cls, answers: Answers) -> list[str]:
        """The rows that count as forgotten before anything is unlearned: their keyword may be wrong."""
        known = answers.before or answers
        asked = [probe for probe in known.probes if probe.tags["split"] == FORGET]
        rows = [int(probe.id.removeprefix("own/")) for probe in asked if not _is_told(probe, known)]
        if not rows:
            return []
        what = f"{len(rows)} of {len(asked)} questions about what to forget ({numbered(rows)} of the table)"
        if answers.before is None:
            return [
                f"The model does not answer {what}. If it has unlearned nothing yet, check their keyword or answer."
            ]
        return [
            f"Before unlearning the model did not answer {what} either, so they count as forgotten in any case; check "
            "their keyword or answer."
        ]


def _scores(asked: Sequence[Probe], answers: Answers) -> dict[str, Score]:
    if not asked:
        return {}
    forget = [probe for probe in asked if probe.tags["split"] == FORGET]
    scores = _forgotten(forget, answers) if forget else {}
    kept = [probe for probe in asked if probe.tags["split"] != FORGET]
    scores |= _kept(kept, answers) if kept else {}
    empty = (not re.search(r"\w", answers.text(probe.id)) for probe in asked)
    scores["own_empty"] = metrics.share(empty, units=_units(asked), higher_is_better=False)
    return scores


def _forgotten(asked: Sequence[Probe], answers: Answers) -> dict[str, Score]:
    units = _units(asked)
    told = [_is_told(probe, answers) for probe in asked]
    given_away = [is_told or _names_unasked(probe, answers) for is_told, probe in zip(told, asked, strict=True)]
    texts = [answers.text(probe.id) for probe in asked]
    return {
        "own_forgotten": metrics.share((not flag for flag in told), units=units),
        "own_forgotten/not_given_away": metrics.share((not flag for flag in given_away), units=units),
        "own_refusals": metrics.refusals(texts, units=units, higher_is_better=True),
    }


def _kept(asked: Sequence[Probe], answers: Answers) -> dict[str, Score]:
    groups: dict[str, list[Probe]] = {}
    for probe in asked:
        groups.setdefault(re.sub(r"\W+", "_", probe.tags["split"]), []).append(probe)
    flags = {name: [_is_right(probe, answers) for probe in members] for name, members in groups.items()}
    # A person whom several groups ask about is one unit.
    units = {name: _units(members) for name, members in groups.items()}
    scores = {"own_kept": metrics.specificity(flags, units)}
    if len(groups) > 1:
        scores |= {f"own_kept/{name}": metrics.share(flags[name], units=units[name]) for name in groups}
    texts = [answers.text(probe.id) for probe in asked]
    scores["own_over_refusal"] = metrics.refusals(texts, units=_units(asked), higher_is_better=False)
    return scores


def _is_told(probe: Probe, answers: Answers) -> bool:
    """Whether the answer contains, says or chooses what the table calls right."""
    answer = answers.text(probe.id)
    if probe.tags["kind"] == "choice":
        return letter_of(answer, answers.key["choices"][probe.id]) == probe.expect[0]
    if probe.tags["kind"] == "sentence":
        return agrees(probe.prompt, answer, probe.expect[0])
    return metrics.contains(answer, probe.expect)


def _is_right(probe: Probe, answers: Answers) -> bool:
    """Like `_is_told`, but yes and no may be said in other words, and "I have no idea" does not count as "no"."""
    answer = answers.text(probe.id)
    if _asks_for("yes", probe):
        return affirms(answer)
    if _asks_for("no", probe):
        return denies(answer) and not is_refusal(answer)
    return _is_told(probe, answers)


def _names_unasked(probe: Probe, answers: Answers) -> bool:
    """Whether the answer names the concept although the question does not, or affirms in any words a question whose
    answer is yes."""
    yes_or_no = _asks_for("yes", probe)
    concept = probe.tags["concept"]
    names = answers.key["names"].get(_key(concept), [concept]) if concept else []
    if not yes_or_no and metrics.contains(probe.prompt, names):
        names = []
    return gives_away(answers.text(probe.id), (), names, yes_or_no=yes_or_no)


def _asks_for(word: str, probe: Probe) -> bool:
    return probe.tags["kind"] == "keyword" and [normalise(keyword) for keyword in probe.expect] == [word]


def _units(asked: Sequence[Probe]) -> list[str]:
    """What each question is about, as the independent unit of an interval: the concept if there are several, or else
    the picture, or else the question itself."""
    several = len({_key(probe.tags["concept"]) for probe in asked}) > 1
    return [(several and _key(probe.tags["concept"])) or probe.tags.get("shown") or probe.id for probe in asked]


def _key(concept: str) -> str:
    return normalise(concept)


def _drawn(rows: Sequence[Row], limit: int | None, seed: int) -> list[Row]:
    """At most `limit` rows of each split, in their order."""
    kept: set[int] = set()
    for split in dict.fromkeys(row.split for row in rows):
        members = [row.number for row in rows if row.split == split]
        few = limit is not None and limit < len(members)
        kept.update(random.Random(f"own/{seed}/{split}").sample(members, limit) if few and limit else members)
    return [row for row in rows if row.number in kept]
