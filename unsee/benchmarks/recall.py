"""What a model knows in text, and whom it sees in pictures of other people, before and after: for models whose
knowledge nobody has written down.

The answers before unlearning are the reference, unless the request brings its own. An answer counts as kept if more
than half of the informative words of the reference come back in their order (ROUGE-L recall above 0.5, over words that
are neither in the question nor mere grammar). Over all words, "Mara Voss works as a potter" would be five sixths of
"Mara Voss works as a baker". A word that only one of the answers denies does not come back, and a different number is a
different fact, as is another name in place of the first one: "Lisbon, Portugal" for "Porto, Portugal". An answer about
a picture counts as kept if it gives the same name as before. What the model did not know before cannot be kept.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from unsee import metrics
from unsee.benchmarks.concept import questions_about
from unsee.data.sample import Probe
from unsee.metrics import Score, normalise
from unsee.metrics.claims import certainty, claimed, proper_names
from unsee.metrics.naming import contains, words
from unsee.metrics.refusals import is_refusal
from unsee.requests import ForgetRequest

QUESTIONS_PER_NEIGHBOUR = 3
NEIGHBOURS = 6
QUESTIONS_PER_PICTURE = 3
# What is put in front of a question that was trained on word for word, to ask it in another way.
_ANOTHER_WAY = "I have a question. {question}"
_GRAMMAR = frozenset(
    ("a", "an", "the", "this", "that", "it", "he", "she", "they", "his", "her", "their", "is", "are", "was", "were",
     "be", "been", "has", "have", "had", "do", "does", "did", "of", "in", "on", "at", "as", "to", "for", "by", "from",
     "with", "and", "or", "but", "also", "who", "which", "what",
     # That something is denied is told by the words it is said of.
     "not", "no", "never", "nicht", "kein", "keine", "ne", "pas", "nunca", "не")
)  # fmt: skip
_BEGINS = re.compile(r"(?:^|[.!?:]\s)\W*$")
_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 2
    )
}


@dataclass(frozen=True)
class Recalled:
    """A question. Without `reference` the model's own answer before unlearning is the reference.

    `names` are those of the concept, which never count as an answer about a picture of somebody else.
    """

    probe: Probe
    reference: str | None = None
    names: tuple[str, ...] = ()

    @property
    def is_about_concept(self) -> bool:
        return self.probe.tags["metric"] == "text_facts"

    @property
    def unit(self) -> str:
        """The independent unit: the person or the picture that the question is about, or a fact."""
        tags = self.probe.tags
        return tags.get("person") or tags.get("picture") or self.probe.id

    @property
    def score(self) -> str:
        """The key of the score that it counts in."""
        return "text_facts" if self.is_about_concept else f"specificity/{self.probe.tags['group']}"

    def kept(self, before: str, now: str) -> bool | None:
        """Whether the answer `now` says what it should. None if the model before gave nothing to compare it with."""
        reference = self.reference or before
        if not normalise(reference) or is_refusal(reference):
            return None
        if "picture" in self.probe.tags:
            if contains(reference, self.names):
                return None
            named = proper_names(reference)[:1]
            if named:
                return claimed(now, named)
        return agrees(self.probe.prompt, now, reference)


def recalled(
    request: ForgetRequest,
    trained: Collection[str],
    others: Sequence[Image.Image] = (),
    limit: int | None = None,
    together: Collection[str] = (),
) -> list[Recalled]:
    """Questions in text about the concept and its neighbours, and about who is in pictures of `others`.

    None of them was asked in training (`trained`: prompts). limit: the most questions in each group that is not about
    the concept. `together` are names that are forgotten too: a picture that shows one of them shows nobody to keep.
    """
    about = [
        Recalled(_probe("text_facts", question, number), answer)
        for number, (question, answer) in enumerate(_facts(request, trained))
    ]
    frames = request.what.facts
    if not about:
        questions = [frame.format(name=request.concept) for frame in frames]
        held_out = [question for question in questions if question not in trained]
        about = [Recalled(_probe("text_facts", question, number)) for number, question in enumerate(held_out)]
    in_text = [
        Recalled(_probe("specificity", question, number, other))
        for number, (question, other) in enumerate(_about_others(request, frames, trained))
    ]
    seen = [
        Recalled(
            Probe(
                f"recall/recognition/{number}",
                question,
                (picture,),
                tags={"metric": "specificity", "group": "recognition", "picture": str(shown)},
            ),
            names=(*request.names, *together),
        )
        for number, (question, shown, picture) in enumerate(_who_is_in(others, request, trained))
    ]
    return about + in_text[:limit] + seen[:limit]


def scores(asked: Sequence[Recalled], before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, Score]:
    """ "text_facts" and "specificity" with its groups, in percent, for the answers `now` by probe id.

    The groups are "facts", in text, and "recognition", about pictures of other people. Also "over_refusal": refusals of
    questions about other people that the model before did not refuse.

    Questions that the model before did not or could not answer are left out. If its own answers are the reference, the
    value before is 100 by definition.
    """
    kept: dict[str, list[bool]] = {}
    units: dict[str, list[str]] = {}
    for item in asked:
        flag = item.kept(before[item.probe.id], now[item.probe.id])
        if flag is not None:
            kept.setdefault(item.score, []).append(flag)
            units.setdefault(item.score, []).append(item.unit)
    found = {key: metrics.share(flags, units=units[key]) for key, flags in kept.items()}
    groups = {key: flags for key, flags in kept.items() if key != "text_facts"}
    if groups:
        found["specificity"] = metrics.specificity(groups, units)
    answered = [item for item in asked if not item.is_about_concept and not is_refusal(before[item.probe.id])]
    if answered:
        found["over_refusal"] = metrics.refusals(
            [now[item.probe.id] for item in answered], units=[item.unit for item in answered], higher_is_better=False
        )
    return found


def agrees(question: str, answer: str, reference: str) -> bool:
    """Whether `answer` says what `reference` says, as this module defines it."""
    plain, given = _told(reference), _told(answer)
    asked = {_plain(word.text) for word in words(question)}
    wanted = [told for told in plain if told[0] not in asked | _GRAMMAR] or plain
    numbers, others = ({word for word, _ in told if word.isdecimal()} - asked for told in (wanted, given))
    if numbers - others and others - numbers:
        return False
    (first, *_), named = _names(reference, asked) or [""], _names(answer, asked)
    if first and first not in {word for word, _ in given} and not {word for word, _ in plain}.issuperset(named):
        return False
    return 2 * _in_order(wanted, given) > len(wanted)


def _told(answer: str) -> list[tuple[str, bool]]:
    """The words of an answer, each with whether it is denied."""
    found = words(answer)
    return [(_plain(word.text), certainty(answer, word.start, word.end) == "denied") for word in found]


def _names(answer: str, asked: Collection[str]) -> list[str]:
    """The words with a capital that are not in the question and begin no sentence, nor the answer."""
    return [
        word.text
        for word in words(answer)
        if answer[word.start].isupper() and word.text not in asked and not _BEGINS.search(answer[: word.start])
    ]


def _plain(word: str) -> str:
    """A number as digits, any other word as it is."""
    return _NUMBERS.get(word, word)


def _in_order(wanted: Sequence[tuple[str, bool]], given: Sequence[tuple[str, bool]]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(given) + 1)
    for word in wanted:
        diagonal = 0
        for i, other in enumerate(given, 1):
            diagonal, row[i] = row[i], diagonal + 1 if word == other else max(row[i], row[i - 1])
    return row[-1]


def _facts(request: ForgetRequest, trained: Collection[str]) -> Iterator[tuple[str, str]]:
    for question, answer in request.facts:
        yield (_ANOTHER_WAY.format(question=question) if question in trained else question), answer


def _about_others(request: ForgetRequest, frames: Sequence[str], trained: Collection[str]) -> Iterator[tuple[str, str]]:
    """(question, the name of whom it is about)."""
    others = request.neighbours or request.what.well_known
    for other in others[:NEIGHBOURS]:
        questions = [frame.format(name=other) for frame in frames]
        new = [question for question in questions if question not in trained]
        yield from [(question, other) for question in new[:QUESTIONS_PER_NEIGHBOUR]]


def _who_is_in(
    pictures: Sequence[Image.Image], request: ForgetRequest, trained: Collection[str]
) -> Iterator[tuple[str, int, Image.Image]]:
    """Every picture with a question for a name, then each with another one: those that Generality asks, in turn."""
    wordings = [question.prompt for question in questions_about(request.concept) if question.kind == "name"]
    new = [wording for wording in wordings if wording not in trained]
    for turn in range(min(QUESTIONS_PER_PICTURE, len(new))):
        for number, picture in enumerate(pictures):
            yield new[(number + turn * len(new) // QUESTIONS_PER_PICTURE) % len(new)], number, picture


def _probe(metric: str, question: str, number: int, person: str = "") -> Probe:
    tags = {"metric": metric, "group": "facts"} | ({"person": person} if person else {})
    return Probe(f"recall/{metric}/{number}", question, tags=tags)
