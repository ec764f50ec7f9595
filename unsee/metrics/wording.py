"""Metrics over the words of answers: Diversity, ROUGE-L and BLEU."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from unsee.metrics.intervals import Units, mean
from unsee.metrics.naming import words
from unsee.metrics.score import Score

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer
    from rouge_score.tokenizers import DefaultTokenizer


def diversity(answers: Sequence[str], *, units: Units | None = None) -> Score:
    """Diversity: 100 × unique words / words of an answer, averaged over answers; higher is better.

    Per answer, not pooled: over a thousand short answers to alike questions nearly every word repeats, and the
    paper's 97 could not be reached. Words are compared without case and punctuation. An answer without a word counts
    0: a model that has fallen silent is no more diverse than one that repeats itself.
    """
    values = []
    for answer in answers:
        found = [word.text for word in words(answer)]
        values.append(100 * len(set(found)) / len(found) if found else 0.0)
    return mean(values, units=units, higher_is_better=True, scale=(0, 100))


def rouge_l(answers: Sequence[str], references: Sequence[str], *, higher_is_better: bool = False) -> Score:
    """Mean ROUGE-L F1 with stemming, 0 to 1, between two lists of answers (Lin 2004, by `rouge-score`).

    Lower is better by default, as in the membership inference of the paper, where it measures how alike the answers
    before and after unlearning still are. English words are stemmed as the library does it; words of other scripts are
    compared as `words` finds and folds them, where there are no spaces character by character.
    """
    values = [rouge_l_f(answer, reference) for answer, reference in zip(answers, references, strict=True)]
    return mean(values, higher_is_better=higher_is_better, scale=(0, 1))


def rouge_l_f(answer: str, reference: str) -> float:
    """ROUGE-L of one answer, the F-measure with stemming, 0 to 1."""
    return float(_scorer().score(reference, answer)["rougeL"].fmeasure)


def rouge_l_recall(answer: str, reference: str) -> float:
    """ROUGE-L of one answer, the recall with stemming, 0 to 1: how much of the reference is in it, in order."""
    return float(_scorer().score(reference, answer)["rougeL"].recall)


def rouge_l_recall_of_ascii(answer: str, reference: str) -> float:
    """`rouge_l_recall` as published scripts have it: the library's own tokenizer splits words at every letter
    other than a to z, so that "Garcia" shares no word with "García"."""
    return float(_library_scorer().score(reference, answer)["rougeL"].recall)


def rouge_l_precision(answer: str, reference: str) -> float:
    """ROUGE-L of one answer, the precision with stemming, 0 to 1: how much of it is in the reference, in order."""
    return float(_scorer().score(reference, answer)["rougeL"].precision)


def bleu(answer: str, reference: str) -> float:
    """BLEU-4 of one answer, 0 to 1 (Papineni et al. 2002, by `nltk`), as OFFSIDE's script has it: lower case, and a
    count of 0.1 for n-grams of which none is found (NLTK's "method1").

    A short answer cannot reach 1, because it has no n-gram of four words: a right one of a single word has 0.18. Words
    are split by NLTK's tokenizer without its model for sentences, which would have to be downloaded, so a full stop
    before the last one stays with its word.
    """
    from nltk.tokenize import NLTKWordTokenizer
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    split = NLTKWordTokenizer().tokenize
    smooth = SmoothingFunction().method1
    return float(sentence_bleu([split(reference.lower())], split(answer.lower()), smoothing_function=smooth))


def stems(text: str) -> list[str]:
    """The words of `text` as ROUGE compares them: those of English without their endings.

    The library's own tokenizer drops every letter but a to z, so that two equal Russian answers share no word.
    """
    found = [word.text for word in words(text)]
    return [stem for word in found for stem in (_stemmed(word) if word.isascii() else (word,))]


@lru_cache(1 << 16)
def _stemmed(word: str) -> tuple[str, ...]:
    return tuple(_english().tokenize(word))


@cache
def _english() -> DefaultTokenizer:
    from rouge_score.tokenizers import DefaultTokenizer

    return DefaultTokenizer(use_stemmer=True)


class _AnyScript:
    """`stems` as the library wants it."""

    def tokenize(self, text: str) -> list[str]:
        return stems(text)


@cache
def _scorer() -> RougeScorer:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rougeL"], tokenizer=_AnyScript())


@cache
def _library_scorer() -> RougeScorer:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rougeL"], use_stemmer=True)
