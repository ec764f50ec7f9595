"""Can the model still talk?"""

from __future__ import annotations

from unsee.metrics.metric import Metric

LANGUAGE: tuple[Metric, ...] = (
    Metric(
        "general_questions",
        "General questions",
        "Right answers to short general questions, without a picture, that have nothing to do with the concepts.",
        "keeping",
        "%",
        1,
    ),
    Metric(
        "general_perplexity",
        "Plain text",
        "Perplexity of plain text that has nothing to do with the concepts.",
        "language",
        higher_is_better=False,
    ),
    Metric(
        "fluency/independent",
        "As an independent model reads them",
        "Perplexity of the same answers under a language model that has no part in this (Gemma 3 270M).",
        "language",
        higher_is_better=False,
    ),
    Metric(
        "fluency/reference",
        "As the model before reads them",
        "Perplexity of the same answers under the model before. It notices word salad, and rises with new names too.",
        "language",
        higher_is_better=False,
    ),
    Metric("empty", "Empty answers", "Answers without a word.", "language", "%", 1, higher_is_better=False),
    Metric(
        "cut",
        "Cut answers",
        "Answers that had not ended at the most tokens allowed; they are scored by what they said up to there.",
        "language",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "cut/concept",
        "Cut, about the concept",
        "The same of the answers about pictures of the concept; what would have followed may be the name.",
        "language",
        "%",
        1,
        higher_is_better=False,
    ),
)
