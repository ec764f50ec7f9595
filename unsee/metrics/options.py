"""Which of several lettered options does an answer choose?

Read as a person would, from the surest sign to the weakest: the whole answer is an option's text, a letter is called
the answer (the last one, since models correct themselves), it stands at the beginning, it ends a clause or is named as
an option, or one option's text is given as true. What names several, or a letter with the text of another, chooses
none. An article is no letter ("A baker"), nor is a part of a word ("D'accord", "B-52").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from itertools import filterfalse

from unsee.metrics.claims import certainty, fact_claimed
from unsee.metrics.folding import is_invisible
from unsee.metrics.naming import contains, normalise, words
from unsee.metrics.rendering import rendered

_BOXES = re.compile(
    r"\\boxed\s*\{([^{}]+)\}|<answer>(.+?)(?:</answer>|$)|<\|begin_of_box\|>(.+?)(?:<\|end_of_box\|>|$)",
    re.IGNORECASE | re.DOTALL,
)
_BRACKETED = re.compile(r"\s*<([A-Za-z])>[\s.]*")
_LATEX = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mathit)\s*\{([^{}]*)\}")
_MARKUP = re.compile(r"""^\s*[-+*•·>|]+(?=\s)|[*`$"“”„«»「」『』|]|(?<!\w)['‘’_]+|['‘’_]+(?!\w)""", re.MULTILINE)

_IN_WORD = "A-Za-zÀ-ɏ0-9"
_LETTER = (
    rf"(?:[(\[]\s*|(?<![{_IN_WORD}'’])(?<![{_IN_WORD}]-)(?<!\b[{_IN_WORD}]\.))"
    rf"[A-Za-z](?![{_IN_WORD}]|['’][{_IN_WORD}]|[-.][{_IN_WORD}]|[+#])(?:\s*[)\]])?"
)
_AND = r"(?:\b(?:n?or|and|und|oder|ou|et|y|o)\b|[&/或和])"
_SEVERAL = re.compile(
    rf"{_LETTER}(?:\s*,\s*{_LETTER})*+\s*,?\s*{_AND}\s*{_LETTER}|{_LETTER}(?:\s*[,;]\s*{_LETTER})++(?=\s*(?:[.!?]|$))",
    re.IGNORECASE,
)
# What may stand between "answer" and its letter: no "not".
_BETWEEN = (
    r"\W{0,9}+(?:(?:is|was|are|be|would|should|must|definitely|clearly|probably|likely|therefore|thus|here|the|correct|"
    r"right|option|choice|letter|ist|lautet|est|la|es|это|是|は|为|為|選項|选项)(?:\b\W{0,9}+|(?=[A-Za-z])))*+"
)
_ANSWER = (
    r"(?:\b(?:answer|solution|antwort|lösung|réponse|respuesta|resposta|risposta|ответ)\b|答案|答え|正解|"
    r"\b(?:correct|right|best|final) (?:option|choice|letter|one)\b)"
)
_FINAL = (
    re.compile(rf"{_ANSWER}{_BETWEEN}(?P<letter>{_LETTER})", re.IGNORECASE),
    re.compile(
        rf"(?P<letter>{_LETTER})(?= (?:is|seems|looks|(?:would|must) be) (?:the )?(?:correct|right|best|answer)\b)",
        re.IGNORECASE,
    ),
    # "A. No, B."
    re.compile(
        rf"(?:\b(?:no|wait|actually|sorry|correction|rather|nein|non)\b|不对|不是)\s*[,.:;!?…—–-]{_BETWEEN}"
        rf"(?P<letter>{_LETTER})(?=\s*(?:[.,;:!]|$)| (?:because|since|is (?:right|correct)))",
        re.IGNORECASE,
    ),
)
_LEADING = (re.compile(rf"\A\s*(?P<letter>{_LETTER})"),)
_WEAK = (
    re.compile(
        r"(?:\b(?:option|choice|letter|opción|choose|pick|select|say|guess|take|with|is|be|it['’]s|that['’]s|ist|est|es|"
        r"probably|likely|maybe|perhaps|definitely|certainly|clearly|leaves|but|so|hence)"
        rf"\b|选择?|選擇?|是|は|[,:;.!?=—–\n]){_BETWEEN}(?P<letter>{_LETTER})",
        re.IGNORECASE,
    ),
)
_CLAUSE_END = re.compile(r"\W*?(?:[.,;!?\n]|$)")
# Behind a letter that is chosen stands a mark or one of these; "A person" is no choice of A.
_GOES_ON = re.compile(r"(?:because|since|as|for|is|was|seems|looks|would|must|weil|denn|parce|car|porque)\b")
_DISMISSED = re.compile(
    r"\W*(?:is|was|seems|looks|can|does|would)\b[^.,;!?\n]{0,20}?"
    r"(?:\bnot\b|n['’]t\b|\bwrong\b|\bincorrect\b|\bfalse\b|\bunlikely\b|\bimplausible\b|\bruled out\b)",
    re.IGNORECASE,
)


def letter_of(answer: str, options: Mapping[str, str]) -> str | None:
    """The letter of the option that an answer chooses; None where it cannot be read.

    `options` are texts by their letters, in capitals. Raises nothing, whatever the answer holds.
    """
    said = _unwrapped(answer)
    whole = _said_whole(said, options)
    if whole:
        return whole[0] if len(whole) == 1 else None
    said = _SEVERAL.sub(lambda several: " " * len(several.group()), said)
    final = _letters(_FINAL, said, options)
    if final:
        return final[-1] or None
    if _lists_options(said, options):
        return None
    leading = _letters(_LEADING, said, options)
    found = leading or _letters(_WEAK, said, options) or _given_as_true(said, options)
    return found[0] or None if len(set(found)) == 1 else None


def final_part(answer: str) -> str:
    """What an answer gives as its result: the text in its last box, such as "\\boxed{B}", or else all of it."""
    plain = _LATEX.sub(r"\1", answer)
    boxes = [content for box in _BOXES.findall(plain) for content in box if content.strip()]
    return boxes[-1] if boxes else plain


def _unwrapped(answer: str) -> str:
    """The final part without quotes, bullets and markup; full-width letters become plain."""
    final = final_part(unicodedata.normalize("NFKC", answer))
    # A letter in brackets looks like a tag.
    final = _BRACKETED.sub(r"\1", final) if _BRACKETED.fullmatch(final) else final
    shown = "".join(filterfalse(is_invisible, rendered(final)))
    said = re.sub(r"[^\S\n]+", " ", _MARKUP.sub("", shown))
    return re.sub(r" ?\n[ \n]*", "\n", said).strip()


def _said_whole(said: str, options: Mapping[str, str]) -> list[str]:
    """The options whose text is the whole answer, with or without their own letter; without an article where no
    option has this one."""
    texts = {letter: normalise(text) for letter, text in options.items()}
    # The option "B" of a question about blood groups: somebody who says "B" means the letter.
    texts = {letter: text for letter, text in texts.items() if text and text.upper() not in options}
    whole = normalise(said)
    exact = [letter for letter, text in texts.items() if whole in (text, f"{letter.lower()} {text}")]
    # "A: pilot" is no pilot with an article.
    bare = _bare(whole) if re.match(r"\W*(?:an?|the) ", said, re.IGNORECASE) else whole
    return exact or [letter for letter, text in texts.items() if bare == _bare(text)]


def _bare(text: str) -> str:
    return re.sub(r"^(?:an?|the) (?=.)", "", text)


def _letters(patterns: tuple[re.Pattern[str], ...], said: str, options: Mapping[str, str]) -> list[str]:
    """The letters that are chosen where a pattern finds one, in their order; "" for one with the text of another."""
    found: dict[int, str] = {}
    for pattern in patterns:
        for match in pattern.finditer(said):
            start, end = match.span("letter")
            letter = said[start:end].strip("()[] \t\n").upper()
            rest = said[end:]
            is_marked = said[start:end].rstrip().endswith((")", "]"))
            if (
                letter in options
                and (_chosen(rest) or (is_marked and not _DISMISSED.match(rest)))
                and certainty(said, start, end) != "denied"
            ):
                found[start] = "" if _tells_another(rest, letter, options) else letter
    return [found[start] for start in sorted(found)]


def _chosen(rest: str) -> bool:
    """Whether what stands behind a letter lets it be a choice: no noun to which it is an article, no dismissal."""
    if _DISMISSED.match(rest):
        return False
    rest = rest.lstrip(" ")
    no_word = not rest or not rest[0].isalnum() or ord(rest[0]) > 0x2E7F
    return no_word or bool(_GOES_ON.match(rest))


def _tells_another(rest: str, letter: str, options: Mapping[str, str]) -> bool:
    """Whether the text behind a letter, to the end of a clause, is that of another option."""
    behind = words(rest)
    if len(behind) > 1 and behind[0].text in ("a", "an", "the"):
        behind = behind[1:]
    told = {}
    for key, text in options.items():
        wanted = _bare(normalise(text)).split()
        is_there = bool(wanted) and [word.text for word in behind[: len(wanted)]] == wanted
        if is_there and _CLAUSE_END.match(rest, behind[len(wanted) - 1].end):
            told[key] = len(wanted)
    # Of "March 5" and "March 5, 1971" the longer one is meant.
    return bool(told) and told.get(letter) != max(told.values())


def _lists_options(said: str, options: Mapping[str, str]) -> bool:
    """Whether the answer repeats several options with their letters."""
    plain = f" {normalise(said)} "
    return sum(f" {letter.lower()} {normalise(text)} " in plain for letter, text in options.items()) > 1


def _given_as_true(said: str, options: Mapping[str, str]) -> list[str]:
    """The options whose text is given as true, without those whose text is only a part of another's that is."""
    given = {letter: text for letter, text in options.items() if normalise(text) not in ("", *map(str.lower, options))}
    # "A pilot" is also said in "works as pilot".
    given = {letter: t for letter, t in given.items() if fact_claimed(said, [t, _bare(normalise(t))])}
    return [
        letter
        for letter, text in given.items()
        if not any(other != text and contains(other, [text]) for other in given.values())
    ]
