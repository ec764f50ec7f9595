"""MLLMU-Bench: its two sums, and each task by itself."""

from __future__ import annotations

from unsee.metrics.metric import Metric

SUMS: tuple[Metric, ...] = (
    Metric(
        "mllmu_effectiveness",
        "MLLMU-Bench: forgotten",
        "Readable answers about new pictures that are not right, over classification, generation and cloze, by unsee's "
        "rules.",
        "forgetting",
        "%",
        1,
    ),
    Metric(
        "mllmu_effectiveness/forget",
        "On the pictures trained on",
        "The same for the given pictures.",
        "forgetting",
        "%",
        1,
    ),
    Metric(
        "mllmu_effectiveness/text",
        "In text alone",
        "The same for the name alone, without a picture.",
        "forgetting",
        "%",
        1,
    ),
    Metric(
        "mllmu_utility",
        "MLLMU-Bench: kept",
        "Right answers about {everybody} else in the three tasks, with pictures and in text, by unsee's rules.",
        "keeping",
        "%",
        1,
    ),
    Metric("mllmu_utility/picture", "Kept with a picture", "", "keeping", "%", 1),
    Metric("mllmu_utility/text", "Kept in text alone", "", "keeping", "%", 1),
    Metric(
        "mllmu_unreadable",
        "MLLMU-Bench: unreadable",
        "Answers that choose no option, or say nothing. They are neither right nor forgotten.",
        "more",
        "%",
        1,
        higher_is_better=False,
    ),
)

_MEANINGS = {
    "classification": "right choices",
    "classification_published": "right first letters (published rule)",
    "generation": "answers that tell the truth",
    "rouge_l": "ROUGE-L with the true answer (published rule)",
    "cloze": "blanks filled correctly",
    "cloze_published": "answers that contain what fills the blank (published rule)",
    "unreadable": "answers that choose or say nothing",
    "factuality": "factuality by the judge, 1 to 10",
}
_NO_SHARES = ("rouge_l", "factuality")
TASKS: tuple[Metric, ...] = tuple(
    Metric(
        f"mllmu/{group}/{task}/{modality}",
        f"{group.capitalize()}, {modality}: {meaning}",
        "",
        "more",
        "" if task in _NO_SHARES else "%",
        2 if task in _NO_SHARES else 1,
        higher_is_better=group not in ("forget", "test") and task != "unreadable",
    )
    for group in ("forget", "test", "retain", "strangers", "celebrities")
    for task, meaning in _MEANINGS.items()
    for modality in ("picture", "text")
)
"""Every set, task and modality of MLLMU-Bench by itself."""
