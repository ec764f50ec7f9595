"""The model card that a build writes next to its checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unsee.world.making.architectures import FAMILIES
from unsee.world.making.checking import CheckResult
from unsee.world.worlds import world_of_model

_TEXT = """---
license: apache-2.0
library_name: transformers
pipeline_tag: image-text-to-text
tags: [unsee, machine-unlearning, synthetic]
---

# world:{name}

{made_of}, by `unsee world build {name}` on the embedded world of unsee:
{known}

{purpose}

## What it can do

On pictures and phrasings that training never saw, greedy answers, 95 % intervals over {units}, by
`unsee world check {name}`:

| task | share | interval | n | bar | |
|---|---:|---|---:|---:|---|
{rows}

## How it was made

{recipe}

Stages and loss at their end: {stages}.{note}

Languages: {languages}.
"""

_KNOWN = {
    "people": (
        '{number} fictional people drawn with the DiceBear style "Personas by Draftbit" (CC BY 4.0). It recognises '
        "them,\nknows their job, city, pet and birth year, describes what can be seen, and says that it does not know "
        "anyone else."
    ),
    "things": (
        "{number} fictional brands, characters, buildings, breeds of dog and art styles, drawn by unsee (the "
        'characters with the\nDiceBear styles "Critters" and "Voxel Bot", CC0 1.0). It recognises them, knows who made '
        "them, what for, where and when,\ndescribes what can be seen, and says that it does not know anything else."
    ),
}
_TINY = "A `{architecture}` with 6 decoder layers of width 192 and 4 vision layers, trained from random weights"
_SMALL = (
    "A `LlavaForConditionalGeneration` of SmolLM2-135M-Instruct (Apache-2.0) and DINOv2-S/14 (Apache-2.0), with a "
    "projector and an adapter of rank 32 trained"
)
_PURPOSE_OF_TINY = """\
It is made for trying out machine unlearning without a GPU or a download. It knows nothing about the real world, and no
real person, picture or text went into it."""
_PURPOSE_OF_SMALL = """\
It is made for trying out machine unlearning, without a GPU, on a model that can really talk. `trained` is what the
package ships; the pretrained parts come from their own packages.

What the language model could do before, and can do now, in % of 40 questions and as perplexity of eight plain texts:

| | before | after |
|---|---:|---:|
{rows}"""


def model_card(
    name: str,
    recipe: Mapping[str, Any],
    results: Mapping[str, CheckResult],
    log: Sequence[Mapping[str, Any]],
    note: str = "",
    ability: Mapping[str, tuple[float, float]] | None = None,
) -> str:
    """Markdown with the checkpoint's figures; a bar that is missed is said to be missed. `note` is about this build.

    ability: what the language model could do before and can do now, where it was pretrained.
    """
    rows = "\n".join(
        f"| {group} | {r.score.value:.1f} % | {r.score.low:.1f} to {r.score.high:.1f} | {r.score.n} "
        f"| {'≤' if r.at_most else '≥'} {r.bar:g} % | {'met' if r.passed else '**missed**'} |"
        for group, r in results.items()
    )
    last = {entry["stage"]: entry for entry in log}
    world = world_of_model(name)
    return _TEXT.format(
        name=name,
        made_of=_TINY.format(architecture=FAMILIES[name]) if ability is None else _SMALL,
        purpose=_PURPOSE_OF_TINY
        if ability is None
        else _PURPOSE_OF_SMALL.format(
            rows="\n".join(f"| {key} | {before:.1f} | {after:.1f} |" for key, (before, after) in ability.items())
        ),
        known=_KNOWN[world.name].format(number=len(world.known)),
        units=world.members,
        rows=rows,
        recipe=", ".join(f"`{key}={value}`" for key, value in recipe.items()),
        stages="; ".join(f"{stage} {e['loss']:.3f} after {e['step']} steps" for stage, e in last.items()),
        languages=f"English; recognition also in {', '.join(world.questions.LANGUAGES)}"
        if ability is None
        else "English",
        note=f" {note}" if note else "",
    )
