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
        "Under an independent model",
        "Perplexity of the same answers under a language model that took no part in this (Gemma 3 270M).",
        "language",
        higher_is_better=False,
    ),
    Metric(
        "fluency/reference",
        "Under the model before",
        "Perplexity of the same answers under the model before unlearning. It shows word salad, and also rises with "
        "new names.",
        "language",
        higher_is_better=False,
    ),
    Metric("empty", "Empty answers", "Answers without a word.", "language", "%", 1, higher_is_better=False),
    Metric(
        "cut",
        "Cut answers",
        "Answers that reached the token limit before they ended; they are scored by what they said until then.",
        "language",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "cut/concept",
        "Cut, about the concept",
        "The same for answers about pictures of the concept; the missing part may hold the name.",
        "language",
        "%",
        1,
        higher_is_better=False,
    ),
)
