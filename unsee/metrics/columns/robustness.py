"""Does the memory come back? The three columns of MMUBench that attacks give (arXiv 2405.12523, section 4.4)."""

from __future__ import annotations

from unsee.metrics.metric import Metric

ROBUSTNESS: tuple[Metric, ...] = (
    Metric(
        "mia",
        "Membership inference (MIA)",
        "ROUGE-L recall of the answers before in the answers now, over naming questions that look as familiar as "
        "before (Min-K %). Words that any two answers share count too, so a model that forgot is above 0.",
        "forgetting",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "multilingual",
        "Multilingual",
        "Answers that name the concept when asked in Spanish, French, Chinese, German, Japanese and Russian.",
        "forgetting",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "multi_hop",
        "Multi-hop",
        "Answers to questions about a picture that need the concept's identity, such as for a country, which tell "
        "the fact or the name.",
        "forgetting",
        "%",
        1,
        higher_is_better=False,
    ),
)
KEYS: tuple[str, ...] = tuple(metric.key for metric in ROBUSTNESS)
