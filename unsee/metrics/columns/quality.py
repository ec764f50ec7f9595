"""How answers about the concept are worded."""

from __future__ import annotations

from unsee.metrics.metric import Metric

QUALITY: tuple[Metric, ...] = (
    Metric(
        "quality/contextual_refusal",
        "Fitting refusal",
        "A judge's grade from 0 (the true answer) to 5 (says that it does not know and describes what it sees).",
        "quality",
    ),
    Metric(
        "quality/leakage",
        "Nothing leaks",
        "A judge's grade from 0 (the truth is stated) to 5 (none of it is stated or implied).",
        "quality",
    ),
    Metric(
        "quality/naturalness",
        "Naturalness",
        "A judge's grade from 1 (gibberish) to 5 (reads like a person).",
        "quality",
    ),
    Metric(
        "quality/missing",
        "Grades missing",
        "Grades of the three kinds above that the judge did not give in a readable form.",
        "quality",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "hallucination",
        "Hallucination",
        "Answers about the concept with the name of another known {noun} or with an untrue fact.",
        "quality",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "invented_name",
        "Invented name",
        "Answers about the concept with a name that belongs to no known {noun}. SIU gives one by design.",
        "quality",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "rigidity",
        "Rigidity",
        "Pairs of answers to different questions about different pictures that are word for word the same.",
        "quality",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "rigidity/canned",
        "Without fitting ones",
        "The same, but answers that say something right about their own picture count as different.",
        "quality",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "refusal_rate",
        "Refusals",
        "Answers about the concept that refuse. Methods that give another name instead do not refuse.",
        "quality",
        "%",
        1,
    ),
)
