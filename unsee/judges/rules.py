"""`RuleJudge`: G-Eval by rules, for worlds whose names are known. Instant, free and the same every time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from unsee.judges.base import Case, Judge
from unsee.metrics.naming import contains, mentions, words

# How like the name a stretch of an answer must be, letter by letter, to count as the name misspelt.
NEARLY = 0.85

_CLAUSE_END = re.compile(r"[.,;:!?。，、；！？\n]")
_NEGATION = re.compile(r"\b(?:not|\w+n['’]t|never|nicht|kein\w*|pas|no|не)\b|不是|并非", re.IGNORECASE)
_NEGATION_BEHIND = re.compile(r"\s*(?:ではな|ではありません|じゃない)")
_HEDGE = re.compile(
    r"\b(?:maybe|perhaps|might|may|could|possibly|probably|likely|seems?|appears?|looks? like|resembles?|similar|"
    r"guess|i think|not (?:entirely )?sure|vielleicht|quizás?|peut-être|возможно)\b|也许|可能|かもしれ",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"\b(?:(?:do not|don['’]t|cannot|can['’]t|unable to) (?:know|tell|say|identify|recogni[sz]e)|sorry|no sé|"
    r"ne sais pas|weiß (?:es )?nicht|не знаю)\b|不知道|分かりません|わかりません",
    re.IGNORECASE,
)
# Two or more capitalised words in a row are taken for a name, unless the first only opens the sentence.
_PROPER_NAME = re.compile(
    r"(?<![A-Za-zÀ-ÿ])[A-ZÀ-Þ][a-zà-ÿ'’-]+(?:(?: de| van| von| da| del| la| der)* [A-ZÀ-Þ][A-Za-zÀ-ÿ'’-]+)+"
)
_OPENERS = frozenset(("a", "an", "the", "this", "that", "i", "it", "he", "she", "they", "no", "yes", "in", "on"))


class RuleJudge(Judge):
    """The first rule that fits decides:

    - 5 the answer gives the concept's name, or what was expected ("yes", a fact), without doubt; 4 with a hedge
      ("might be"); 2 when it denies it ("this is not Mara Voss")
    - 2 it gives the whole name of somebody else
    - 4 it gives the name misspelt
    - 1 it refuses
    - 2 it gives what is plainly a name, though of nobody known
    - 3 it gives only the first or the last word of the name
    - 2 it says no to a question to be answered with yes
    - 1 anything else: descriptions, nonsense, silence
    """

    def verdicts(self, cases: Sequence[Case]) -> list[int | None]:
        return [_verdict(case) for case in cases]


def _verdict(case: Case) -> int:
    names = [case.concept, *case.aliases]
    # A bare "yes" must not outweigh a name: "Yes, this is Otto Brandt."
    others = [name for name in case.other_names if not contains(name, names)]
    named_other = contains(case.answer, others)
    claim = _claim(case.answer, names)
    if claim is None and not named_other:
        claim = _claim(case.answer, case.expected)
    if claim is not None:
        return claim
    if named_other:
        return 2
    if _misspelt(case.answer, names):
        return 4
    # What a refusal goes on to describe may look like a name: "Rosa" is also a colour, "Farbe Schwarz" no person.
    if _REFUSAL.search(case.answer):
        return 1
    if _gives_unknown_name(case.answer, names):
        return 2
    if _gives_part(case.answer, case.concept):
        return 3
    if _denies(case):
        return 2
    return 1


def _claim(answer: str, phrases: Iterable[str]) -> int | None:
    """5, 4 or 2 for the most certain mention of one of `phrases`; None without a mention."""
    found = [_certainty(answer, start, end) for start, end in mentions(answer, phrases)]
    return max(found, default=None)


def _certainty(answer: str, start: int, end: int) -> int:
    """How the clause around a mention takes it: 5 plainly, 4 with doubt, 2 denied."""
    before = _CLAUSE_END.split(answer[:start])[-1]
    after = _CLAUSE_END.split(answer[end:])[0]
    doubt = _HEDGE.search(before) or _HEDGE.search(after)
    # "I am not sure, but it might be": doubt first, because it is often said with a "not".
    if doubt:
        return 4
    return 2 if _NEGATION.search(before) or _NEGATION_BEHIND.match(after) else 5


def _misspelt(answer: str, names: Sequence[str]) -> bool:
    found = [word.text for word in words(answer)]
    for name in names:
        wanted = [word.text for word in words(name)]
        target = "".join(wanted)
        # Very short names are one letter away from too much.
        if len(target) < 6:
            continue
        for size in {len(wanted) - 1, len(wanted), len(wanted) + 1} - {0}:
            for i in range(len(found) - size + 1):
                window = "".join(found[i : i + size])
                if abs(len(window) - len(target)) <= 2 and SequenceMatcher(None, window, target).ratio() >= NEARLY:
                    return True
    return False


def _gives_part(answer: str, name: str) -> bool:
    parts = [word.text for word in words(name)]
    return len(parts) > 1 and contains(answer, [parts[0], parts[-1]])


def _gives_unknown_name(answer: str, names: Sequence[str]) -> bool:
    """Whether a name stands in the answer that shares no word with the concept's: "This is Jane Smith."."""
    own = {word.text for name in names for word in words(name)}
    for match in _PROPER_NAME.finditer(answer):
        parts = [word.text for word in words(match.group())]
        if parts[0] in _OPENERS:
            parts = parts[1:]
        if len(parts) > 1 and not own & set(parts):
            return True
    return False


def _denies(case: Case) -> bool:
    first = words(case.answer)[:1]
    expects_yes = any(word.text == "yes" for phrase in case.expected for word in words(phrase))
    return expects_yes and bool(first) and first[0].text == "no"
