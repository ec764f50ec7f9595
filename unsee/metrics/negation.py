"""Does a clause deny the name or the fact in it? Not every "not" does.

Some phrases affirm although they hold a negation: "there is no doubt that", "not only", "I can't deny that". They are
set aside before a negation is looked for. And a negation reaches as far as its opposite: in "not Otto Brandt but Mara
Voss" it denies Otto Brandt alone, in "no one other than Mara Voss" nobody who is named.
"""

from __future__ import annotations

import re

_CAN_NOT = (
    r"(?:(?:can|could|would|will|do|does|did|have|has|is|are|am|was) ?(?:not|n['’]t|never)|can['’]t|won['’]t|never)"
)
# In the languages that separate words, and in Chinese.
_AFFIRMING = (
    r"no (?:\w+ )?(?:shadow of a )?(?:doubt|question|mistake|mistaking|denying|dispute|error|secret|surprise|wonder|"
    r"coincidence|mystery|reason to doubt|trouble|problem|need to (?:ask|guess))(?: (?:about|at) (?:it|that|all))?",
    r"(?:not|n['’]t) (?:(?:a|the|in|any|shadow of|slightest) )*doubt|"
    r"(?:not|n['’]t) (?:be )?(?:untrue|surprised|unlikely|impossible|implausible|unthinkable)",
    r"(?:hard|difficult) to (?:believe|think|deny|doubt) (?:that )?(?:this|it|she|he) (?:is not|isn['’]t)",
    r"(?:without|beyond) (?:(?:a|any|all|the|shadow of|reasonable|slightest) )*(?:doubt|question|dispute)",
    rf"{_CAN_NOT} (?:\w+ )?(?:den(?:y|ied)|doubt(?:ed)?|disput\w+|question(?:ed)?|miss(?:ed)?|mistaken?|forget|"
    r"confused?|overlook(?:ed)?|hesitate|help|lie|agree more|be (?:more (?:certain|sure)|clearer|wrong))",
    r"(?:not|n['’]t) (?:only|just|merely|simply|solely|alone|least|surprisingly|hard|difficult|mistaken|wrong|lying|"
    r"kidding|joking|for nothing)",
    r"(?:can['’]t|can ?not|couldn['’]t|could not) believe|"
    r"(?:impossible|hard|difficult) not to|(?:who|what|why)(?: else)? if not|why not",
    r"no less(?: an? \w+)? than|no matter (?:who|what|how)",
    r"kein(?:e|en|er|erlei)? (?:\w+ )?(?:zweifel|frage|irrtum|wunder|geheimnis|geringere[rs]? als)",
    r"nicht (?:nur|bloß|allein|zuletzt|umsonst|zu (?:leugnen|verwechseln|übersehen|bezweifeln))",
    r"(?:pas|plus|aucun|nul|l['’]ombre d['’]un) (?:(?:de|le|l['’]ombre d['’]un|moindre) ?)*doute",
    r"pas (?:seulement|uniquement|que|d['’]erreur)",
    r"no (?:solo|sólo|solamente|únicamente|es un secreto)|no (?:hay|cabe|tengo) (?:\w+ ){0,3}dudas?",
    r"não (?:só|apenas|há (?:\w+ )?dúvidas?)|non (?:solo|c['’]è (?:\w+ )?dubbio|ho dubbi)",
    r"nie (?:tylko|ma (?:\w+ )?wątpliwości)",
    r"не (?:только|просто)|(?:нет|без) (?:\w+ )?сомнени[йя]|не сомнева\w+|нельзя не",
)
_AFFIRMING_CHINESE = "不仅(?:仅)?是?|不只是?|不但是?|没有疑问|不是别人"
_AFFIRMATION = re.compile(rf"\b(?:{'|'.join(_AFFIRMING)})\b|{_AFFIRMING_CHINESE}", re.IGNORECASE)

_NEGATION = re.compile(
    r"\b(?:not|cannot|\w+n['’]t|(?:is|are|was|were|do|does|did|would|could)nt|never|no|neither|nor|none of|"
    r"hardly|scarcely|unlikely|untrue|far from|nowhere|nothing (?:suggests|says|shows|indicates|points)|"
    r"doubt(?:s|ed|ful)?|den(?:y|ies|ied)|anything but|rather than|instead of|"
    # What is asked, or cannot be told: "I am unable to tell if this is".
    r"(?:unable|impossible|hard|difficult|tough|fail\w*) to (?:\w+ ){1,4}(?:if|whether)|"
    r"(?:unclear|unknown|wonder(?:ing)?|ask(?:ed|ing|s)?(?: me)?) (?:if|whether)|question (?:is|of) whether|"
    r"(?:wrong|false|incorrect|untrue|not true) (?:that|to (?:say|think|assume|claim))|"
    r"nicht|kein\w*|nie|niemals|weder|pas|jamais|aucune?|ni|nunca|jamás|tampoco|не|ни|никогда|"
    r"não|nem|non è|niet|geen|inte|ikke|ليس|ليست|لا)\b"
    r"|不是|并非|不可能是|不会是",
    re.IGNORECASE,
)
# What a negation before it does not reach.
_OPPOSITE = re.compile(
    r"\b(?:but|(?:other|else) than|except(?: for)?|sondern|ander(?:s|er|e|es) als|mais|autre que|sino(?: que)?|"
    r"otr[oa] que|más que|а|но|кроме)\b|而是|正是|就是",
    re.IGNORECASE,
)
# "Anyone but" denies by itself; behind a negation ("cannot be anyone but") it is an opposite.
_ANYONE_BUT = re.compile(r"\b(?:any|some)(?:body|one) (?:but|except(?: for)?|(?:other|else) than)\b", re.IGNORECASE)
_NEGATION_BEHIND = re.compile(
    r"\s*(?:[이가은는]? ?아[니닙]|değil|नहीं|(?:is|was) nowhere|ではな|ではありません|じゃない|"
    r"(?:looks?|is)(?: \w+)? (?:different|unlike|nothing like)\b|differs from\b"
    r"|(?:it )?(?:is|was)(?: not|n['’]t)(?: (?:this|that|the) (?:person|man|woman|one|name)| (?:shown|depicted|"
    r"pictured|seen|here|in (?:this|the) (?:image|picture|photo))|\s*$))",
    re.IGNORECASE,
)


def denied(before: str, after: str) -> bool:
    """Whether the words before or after a name, in its clause, deny it."""
    reached = without_affirmations(before)
    excepted = _ANYONE_BUT.search(reached)
    if excepted and not _NEGATION.search(reached[: excepted.start()]):
        return True
    for opposite in reversed(list(_OPPOSITE.finditer(reached))):
        if _NEGATION.search(reached[: opposite.start()]):
            reached = reached[opposite.end() :]
            break
    return bool(_NEGATION.search(reached) or _NEGATION_BEHIND.match(after))


def negates(text: str) -> bool:
    """Whether there is a negation in `text` that is no part of an affirmation."""
    return bool(_NEGATION.search(without_affirmations(text)))


def without_affirmations(text: str) -> str:
    """`text` without the phrases that affirm with a negation in them."""
    return _AFFIRMATION.sub(" ", text)
