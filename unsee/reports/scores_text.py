"""Saved answers, or a log, scored again: a page of text alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unsee.metrics.catalogue import describe, in_order, knows
from unsee.metrics.score import Score


def scores_page(document: Mapping[str, Any], oracle: str = "") -> str:
    """What `unsee score` found, as Markdown: a table for each state, and what each score means. oracle: where the
    answers of the model that never knew are from, if it was compared with one."""
    versions = (f"{name} {version['now']}" for name, version in document["versions"].items())
    lead = f"`{document['folder']}`, scored by {', '.join(versions)}, judge: {document['judge']}."
    parts = ["# Scores", f"{lead} Compared with the oracle `{oracle}`." if oracle else lead]
    parts += document["left_out"]
    for state, scores in document["states"].items():
        lines = ["| score | | 95 % | n | independent |", "|---|---:|---:|---:|---:|"]
        meanings: dict[str, None] = {}
        for key in in_order(scores):
            score = Score.read(scores[key])
            metric = describe(key, score.higher_is_better)
            arrow = "↑" if metric.higher_is_better else "↓"
            units = "–" if score.units is None else f"{score.units:,}"
            cells = (metric.format(score.value), metric.format_interval(score), f"{score.n:,}", units)
            lines.append(f"| {metric.label} {arrow} | {' | '.join(cells)} |")
            if knows(key) and metric.meaning:
                meanings[f"- **{metric.label}**: {metric.meaning}"] = None
        parts += [f"## {state.capitalize()}", "\n".join(lines), "\n".join(meanings)]
    return "\n\n".join(part for part in parts if part) + "\n"
