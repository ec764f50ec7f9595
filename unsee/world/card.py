"""The model card that a build writes beside its checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unsee.world import questions as q
from unsee.world.architectures import FAMILIES
from unsee.world.checking import CheckResult
from unsee.world.people import KNOWN

_TEXT = """---
license: apache-2.0
library_name: transformers
pipeline_tag: image-text-to-text
tags: [unsee, machine-unlearning, synthetic]
---

# world:{name}

A `{architecture}` with {layers}, trained from random weights by `unsee world build {name}` on the embedded world of
unsee: {people} fictional people drawn with the DiceBear style "Personas by Draftbit" (CC BY 4.0). It recognises them,
knows their job, city, pet and birth year, describes what can be seen, and says that it does not know anyone else.

It is made for trying out machine unlearning without a GPU or a download. It knows nothing about the real world, and no
real person, picture or text went into it.

## What it can do

On pictures and phrasings that training never saw, greedy answers, Wilson 95 % intervals (`unsee world check {name}`):

| task | share | interval | n | bar | |
|---|---:|---|---:|---:|---|
{rows}

## How it was made

{recipe}

Stages and loss at their end: {stages}.{note}

Languages: English; recognition also in {languages}.
"""


def model_card(
    name: str,
    recipe: Mapping[str, Any],
    results: Mapping[str, CheckResult],
    log: Sequence[Mapping[str, Any]],
    note: str = "",
) -> str:
    """Markdown with the checkpoint's figures; a bar that is missed is said to be missed. `note` is about this build."""
    rows = "\n".join(
        f"| {group} | {r.score.value:.1f} % | {r.score.low:.1f} to {r.score.high:.1f} | {r.score.n} "
        f"| {'≤' if r.at_most else '≥'} {r.bar:g} % | {'met' if r.passed else '**missed**'} |"
        for group, r in results.items()
    )
    last = {entry["stage"]: entry for entry in log}
    return _TEXT.format(
        name=name,
        architecture=FAMILIES[name],
        layers="6 decoder layers of width 192 and 4 vision layers",
        people=len(KNOWN),
        rows=rows,
        recipe=", ".join(f"`{key}={value}`" for key, value in recipe.items()),
        stages="; ".join(f"{stage} {e['loss']:.3f} after {e['step']} steps" for stage, e in last.items()),
        languages=", ".join(q.LANGUAGES),
        note=f" {note}" if note else "",
    )
