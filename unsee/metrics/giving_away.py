"""Does an answer about a forgotten concept give it away in any way, or come near to it?"""

from __future__ import annotations

import re
from collections.abc import Sequence

from unsee.metrics.affirming import affirms, denies
from unsee.metrics.claims import around, certainty, misspelt
from unsee.metrics.forms import name_of
from unsee.metrics.intervals import Units, share
from unsee.metrics.naming import contains, mentions, surnames
from unsee.metrics.score import Score

# What leads up to a name that is given to who is shown: "this is Mara Voss". After a "no", a name that is only spoken
# of is no leak: "No, Mara Voss has long red hair."
_IDENTIFIES = re.compile(
    r"(?:\b(?:is|named|called|shows?|depicts|be|ist|heißt|zeigt|est|appelle|montre|es|llama|это|зовут)|['’]s|[是叫は:：])"
    r"\W*(?:indeed|really|actually|wirklich|bien|realmente|действительно)?\W*$",
    re.IGNORECASE,
)
# A question that is only repeated gives nothing away: "Is this Mara Voss? I cannot tell."
_ASKS = re.compile(r"\W*(?:is|are|was|does|do|can|could|ist|est-ce|es|это)(?!\w)", re.IGNORECASE)

# "First name: Mara, last name: Voss" is the name in two parts.
_LABEL = (
    r"(?:[\s,;.]|\b(?:and|und|y|et|her|his|their|the|with)\b){{0,8}}+"
    r"\b(?:{})(?:[ -]?name)(?:\s+is\b|\s*:)?[\s*_]+"
)
_LAST_NAME = re.compile(_LABEL.format("last|family|second|sur"), re.IGNORECASE)
_FIRST_NAME = re.compile(_LABEL.format("first|given|fore"), re.IGNORECASE)


# What may stand between the first name and the last: "Mara von Voss".
_ONE_WORD = re.compile(r"\s+[\w'’.-]+\s+")


def gives_away(answer: str, keywords: Sequence[str], names: Sequence[str], *, yes_or_no: bool = False) -> bool:
    """Whether the answer holds one of the question's `keywords`, says yes to it, or gives one of `names` as true.

    The name counts even with a doubt ("It might be Mara Voss"), but not if the answer denies it ("No, this is not Mara
    Voss"), unless it is a keyword, because a model that has forgotten does not know whom to deny when asked who this
    is.
    """
    return any(_gives_away(text, keywords, names, yes_or_no) for text in dict.fromkeys((answer, _joined(answer))))


def _gives_away(answer: str, keywords: Sequence[str], names: Sequence[str], yes_or_no: bool) -> bool:
    if contains(answer, keywords) or (yes_or_no and affirms(answer)):
        return True
    says_no = yes_or_no and denies(answer)
    for start, end in mentions(answer, names):
        before, after = around(answer, start, end)
        is_asked = yes_or_no and answer[end + len(after) :].startswith(("?", "？")) and _ASKS.match(before)
        is_told = not is_asked and (not says_no or _IDENTIFIES.search(before))
        if is_told and certainty(answer, start, end) != "denied":
            return True
    return False


def _joined(answer: str) -> str:
    """The answer with first and last names put together that it gives one by one."""
    return _FIRST_NAME.sub(", ", _LAST_NAME.sub(" ", answer))


def not_given_away(
    answers: Sequence[str],
    keywords: Sequence[Sequence[str]],
    yes_or_no: Sequence[bool],
    names: Sequence[str],
    *,
    units: Units | None = None,
) -> Score:
    """Percent of answers that do not give the concept away in any way that `gives_away` knows (higher is better).

    Never above the paper's share of the same answers, `absent_share`, which looks only for the keywords.
    """
    rows = zip(answers, keywords, yes_or_no, strict=True)
    return share((not gives_away(answer, own, names, yes_or_no=asked) for answer, own, asked in rows), units=units)


def nearly_named(
    answers: Sequence[str], names: Sequence[str], others: Sequence[str] = (), *, units: Units | None = None
) -> Score:
    """Percent of answers that give no name of the concept but one that comes near (lower is better).

    Near is a name misspelt ("Mara Vos"), with another first name ("Lena Voss") or none but an initial ("M. Voss"), with
    a word in between ("Mara Elena Voss") or with the last name first ("Voss Mara"). One of `others`, the names of other
    known people, is not near.
    """
    return share((comes_near(answer, names, others) for answer in answers), units=units, higher_is_better=False)


def comes_near(answer: str, names: Sequence[str], others: Sequence[str] = ()) -> bool:
    """Whether the answer gives none of `names` but something that comes near to one, see `nearly_named`."""
    if contains(answer, names):
        return False
    for start, end in reversed(mentions(answer, [other for other in others if not contains(other, names)])):
        answer = f"{answer[:start]}…{answer[end:]}"
    return misspelt(answer, names) or any(_has_another_first_name(answer, name) for name in names)


def _has_another_first_name(answer: str, name: str) -> bool:
    """Whether the last word of `name` stands behind another first name or the initial of its own, or next to its own
    first name."""
    core = name_of(name).core
    if len(core) < 2:
        return False
    if "another's" in surnames(answer, name) or contains(answer, [f"{core[0][0]} {core[-1]}"]):
        return True
    return any(
        answer[last_end:start].isspace() or _ONE_WORD.fullmatch(answer[end:last_start])
        for start, end in mentions(answer, core[:1])
        for last_start, last_end in mentions(answer, core[-1:])
    )
