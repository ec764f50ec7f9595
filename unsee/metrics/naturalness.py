"""Does an answer read as if a person had written it? Counts what no person writes, without a language model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

# Mean surprise in nats per token from which an independent model says "word salad". Sentences that are good English but
# nothing like what the world's models say reach 12.2 under them, shuffled words 13.3 and more.
SALAD = 12.5

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]*)*|[.!?。！？…,;:，；：]")
_SENTENCE_MARK = re.compile(r"[.!?。！？…]")
_FINISHED = re.compile(r"[.!?。！？…][\"”»')]*\s*$")
_LATIN = re.compile(r"[A-Za-zÀ-ÿ]")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_VOWEL = re.compile(r"[aeiouyà-ÿ]", re.IGNORECASE)
_STRETCHED = re.compile(r"([^\W\d_])\1\1|([^\W\d_]{1,3})\2{3}", re.IGNORECASE)
_SHORT_FORM = re.compile(r"(?:s|t|re|ve|ll|d|m|em)?$", re.IGNORECASE)
_ELISION = re.compile(r"(?:[cdjlmnst]|qu|o)['’][aeiouyhà-ÿ]\w*$", re.IGNORECASE)
_CAPITAL_INSIDE = re.compile(r"(?<!\bMc)(?<!\bMac)(?<=[a-zà-ÿ])[A-ZÀ-Þ]")
_TORN = re.compile(r"[^\W_]['’] (?:d|t|s|m|re|ve|ll)\b")
_TWO_CAPITALS = frozenset(("AI", "TV", "OK", "ID", "UK", "US", "DJ", "EU"))
_ABBREVIATIONS = frozenset(("mr", "mrs", "ms", "dr", "st", "hmm", "hm", "tv", "nr", "sr", "km", "cm"))

# Pairs of English words that no sentence has, first word to second.
_ARTICLES = frozenset(("a", "an", "the"))
_PREPOSITIONS = frozenset(("of", "in", "on", "at", "with", "from"))
_VERBS = frozenset(("is", "are", "was", "works", "lives", "has", "looks", "wears", "does"))
_LINKS = frozenset(("and", "or", "but", "who", "to", "by", "as", "for"))
_IMPOSSIBLE = (
    (_ARTICLES, _ARTICLES | _PREPOSITIONS | _VERBS | _LINKS | frozenset((".", "not", "i"))),
    (_PREPOSITIONS, _PREPOSITIONS | _VERBS | frozenset(("and", "or"))),
    (_VERBS, _VERBS | frozenset(("of",)) - frozenset(("is", "was"))),
    (frozenset(("i", "he", "she", "they")), _ARTICLES | _PREPOSITIONS),
)
_MAY_REPEAT = frozenset(("that", "had", "very", "really", "so", "no", "ha", "bye"))
# Without one of these, five words of a language in Latin letters are a list and no sentence.
_GLUE_WORDS = """
a an the this that is are was were i it he she they you we me his her your my in on of with and or not no yes to for as
do does did have has be can could would will works lives looks who what doesn don re ve
el la lo los un una es son sé su con de en que ni más sea por
je ne il elle ce c est n le les une des du à où sa m ses d et sur pas
ich das ist die der den dem eine ein er sie mir als keine nicht und wie wer im
"""
_GLUE = frozenset(_GLUE_WORDS.split())


def naturalness(answer: str, surprise: float | None = None) -> int:
    """How natural an answer reads, 1 to 5. The lowest level whose condition holds:

    - 1 gibberish: no word at all; a third of the words or more at fault; or the same word four times in a row
    - 2 badly broken: two faults; a sixth of the words at fault; a phrase of three words three times; five or more words
      and none that holds a sentence together; or `surprise` of `SALAD` and more
    - 3 noticeably odd: one fault; the same sentence twice; or a sentence of words in different scripts
    - 4 unfinished: breaks off without a mark at its end
    - 5 reads like a person

    At fault is a word that stands twice in a row, that cannot be one ("iifff", "I'f", "IreneNo", "IA"), that is torn
    ("I' d"), or that cannot follow the word before it ("the of"). `surprise`: the mean of -log p (nats) of the answer's
    tokens under a model other than the one that gave it.
    """
    tokens = _TOKEN.findall(answer)
    spoken = [token for token in tokens if token[0].isalnum()]
    letters = [token for token in spoken if not token.isdigit()]
    if not spoken or (len(spoken) > 3 and not letters):
        return 1
    faults = _faults(tokens) + len(_TORN.findall(answer))
    share = faults / len(spoken)
    if share >= 1 / 3 or _longest_run(tokens) >= 4:
        return 1
    plain = [part for token in spoken for part in re.split("['’]", token.casefold())]
    holds = not _GLUE.isdisjoint(plain) or len(plain) < 5 or ":" in tokens or not all(map(_LATIN.match, letters))
    if faults > 1 or share >= 1 / 6 or _most_repeated_phrase(plain) >= 3 or not holds:
        return 2
    if surprise is not None and surprise >= SALAD:
        return 2
    sentences = [" ".join(part.split()).casefold() for part in _SENTENCE_MARK.split(answer) if part.strip()]
    if faults or len(set(sentences)) < len(sentences) or _mixes_scripts(spoken):
        return 3
    return 5 if _FINISHED.search(answer) else 4


def _faults(tokens: Sequence[str]) -> int:
    found = 0
    for i, token in enumerate(tokens):
        word, before = token.casefold(), tokens[i - 1].casefold() if i else ""
        stutters = word == before and word not in _MAY_REPEAT and word[0].isalpha()
        misplaced = any(before in first and word in second for first, second in _IMPOSSIBLE)
        # "I Bruno Conti looks sad"
        misplaced = misplaced or (before == "i" and token[0].isupper() and token != "I")
        found += stutters or misplaced or _broken(token)
    return found


def _broken(token: str) -> bool:
    """Whether a token in Latin letters cannot be a word of a language written in them."""
    if not _LATIN.match(token):
        return False
    if _CYRILLIC.search(token) or _STRETCHED.search(token) or _CAPITAL_INSIDE.search(token):
        return True
    stem, *tails = re.split(r"['’]", token)
    if tails and not (len(tails) == 1 and _SHORT_FORM.match(tails[0])) and not _ELISION.match(token):
        # Names such as O'Neill, and forms as in "rock 'n' roll", are taken for whole.
        return not tails[0][:1].isupper()
    if len(stem) == 2 and stem.isupper() and stem.isascii():
        return stem not in _TWO_CAPITALS
    is_word = _VOWEL.search(stem) or len(stem) < 2 or stem.isupper() or stem.casefold() in _ABBREVIATIONS
    return not (is_word or any(character.isdigit() for character in stem) or _UNSPACED.search(token))


def _longest_run(tokens: Sequence[str]) -> int:
    longest = run = 0
    for i, token in enumerate(tokens):
        run = run + 1 if i and token.casefold() == tokens[i - 1].casefold() else 1
        longest = max(longest, run if token[0].isalnum() else 0)
    return longest


def _most_repeated_phrase(plain: Sequence[str]) -> int:
    counts = Counter(zip(plain, plain[1:], plain[2:], strict=False))
    return max(counts.values(), default=0)


def _mixes_scripts(spoken: Sequence[str]) -> bool:
    """Whether words in Latin letters that are no names stand among words in other letters."""
    other = any(_CYRILLIC.search(token) or _UNSPACED.search(token) for token in spoken)
    return other and any(_LATIN.match(token) and token[0].islower() for token in spoken)
