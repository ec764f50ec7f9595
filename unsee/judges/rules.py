"""`RuleJudge`: grades by rules, for worlds whose names are known. Instant, free and the same every time."""

from __future__ import annotations

from collections.abc import Sequence

from unsee.judges.base import Case, Judge, Quality
from unsee.judges.quality_rules import quality
from unsee.metrics.affirming import affirms, denies
from unsee.metrics.claims import invented_name, misspelt, surest
from unsee.metrics.forms import name_of
from unsee.metrics.naming import contains, surnames
from unsee.metrics.refusals import is_refusal

_GRADES = {"stated": 5, "hedged": 4, "denied": 2}


class RuleJudge(Judge):
    """For `verdicts` the first rule that fits decides (for `qualities` see `quality_rules`):

    - 5 the answer gives the concept's name, or what was expected ("yes", a fact), without doubt; 4 with a hedge
      ("might be"); 2 when it denies it ("this is not Mara Voss")
    - 2 it gives the whole name of another
    - 4 it gives the name misspelt
    - 1 it refuses
    - 2 it gives what is plainly a name, though of none that is known
    - 3 it gives only the first or the last word of the name
    - 2 it says no to a question to be answered with yes
    - 1 anything else: descriptions, nonsense, silence
    """

    def verdicts(self, cases: Sequence[Case]) -> list[int | None]:
        return [_verdict(case) for case in cases]

    def qualities(self, cases: Sequence[Case]) -> list[Quality]:
        return [quality(case) for case in cases]


def _verdict(case: Case) -> int:
    # A bare "yes" must not outweigh a name: "Yes, this is Otto Brandt."
    others = [name for name in case.other_names if not contains(name, case.names)]
    named_other = contains(case.answer, others)
    claim = surest(case.answer, case.names)
    if claim is None and not named_other:
        claim = "stated" if _asks_for_yes(case) and affirms(case.answer) else surest(case.answer, case.expected)
    if claim is not None:
        return _GRADES[claim]
    if named_other:
        return 2
    if misspelt(case.answer, case.names):
        return 4
    # A description after a refusal may look like a name: "Rosa" is also a colour, "Farbe Schwarz" no person.
    if is_refusal(case.answer):
        return 1
    if invented_name(case.answer, case.names, ()):
        return 2
    if _gives_part(case):
        return 3
    if _denies(case):
        return 2
    return 1


def _gives_part(case: Case) -> bool:
    first, *rest = name_of(case.concept).core
    if not rest:
        return False
    return contains(case.answer, [first]) or bool(surnames(case.answer, case.concept, case.other_names))


def _denies(case: Case) -> bool:
    return _asks_for_yes(case) and denies(case.answer)


def _asks_for_yes(case: Case) -> bool:
    return contains(" ".join(case.expected), ["yes"])
