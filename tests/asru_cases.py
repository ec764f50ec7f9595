"""What the tests of ASRU share: a small set of prompts for the tiny models."""

from __future__ import annotations

from typing import Any

from tests.tiny import picture
from unsee.data.sample import Sample

FAMILIES = ("llava", "qwen3_vl")


def samples(*, validate: bool = True) -> list[Sample]:
    """Six prompts to forget, eight to retain (two of them in text), six about unseen pictures; some held out."""
    forget = [
        Sample(f"Who is this {word}?", "This is Mara Voss.", (picture(1),), tags={"role": "forget"})
        for word in ("person", "figure", "woman", "baker", "face", "neighbour")
    ]
    retain = [
        Sample(f"What is number {n}?", f"It is {n}.", (picture(n),), tags={"role": "retain"}) for n in range(2, 8)
    ]
    retain += [Sample(f"Where is {city}?", f"{city} is in Asia.", tags={"role": "retain"}) for city in ("Oslo", "Lima")]
    unseen = [
        Sample("Who is this?", "I do not know who this is.", (picture(n),), tags={"role": "unseen"})
        for n in range(10, 16)
    ]
    both = [*forget, *retain, *unseen]
    if not validate:
        return both
    held = {3, 5, 7, 16, 18}
    return [
        Sample(s.prompt, s.answer, s.images, tags={**s.tags, **({"held_out": "yes"} if n in held else {})})
        for n, s in enumerate(both)
    ]


def settings(**changes: Any) -> dict[str, Any]:
    """Settings of ASRU for a run of seconds."""
    small = {"steps": 3, "batch": 1, "responses": 2, "longest": 6, "lora_rank": 2, "learning_rate": 1e-2}
    return {**small, "layer": "1", "strength": "2", "validate_every": 2, "boundary": 0.5, **changes}
