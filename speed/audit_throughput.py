"""The questions of a standard audit: all attacks asked together against one question at a time.

    python speed/audit_throughput.py --model world:tiny-qwen3vl

Both sides run in this process on the same model and the same questions: those of every attack that leaves the model as
it is. One question at a time is what a plain script does (`evaluation_throughput.one_at_a_time`); it runs on a sample,
half of it before and half of it after the batched run. Texts of the sample are compared.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence

from evaluation_throughput import one_at_a_time

from unsee import ForgetRequest
from unsee.attacks import attacks_of
from unsee.attacks.base import Target
from unsee.data.sample import MAX_NEW_TOKENS, Probe
from unsee.generation import TransformersEngine, ask
from unsee.models.loading import load
from unsee.models.vlm import VisionLanguageModel
from unsee.sources.attacking import material_of
from unsee.world import find


def questions(vlm: VisionLanguageModel, model: str, name: str, level: str) -> list[Probe]:
    """Every question of the level's attacks that only ask, without given beginnings, which a plain script cannot do."""
    request = ForgetRequest(name, (find(name).picture(0, "train"),))
    material, _ = material_of(request, model, level)
    target = Target("before", TransformersEngine(vlm), vlm)
    variants = [
        variant
        for attack in attacks_of(level)
        if attack.missing(target, material) is None
        for variant in attack.on(target, material, 0)
        if variant.entered is None and variant.measured is None and variant.samples == 1
    ]
    return [trial.probe for variant in variants for trial in variant.trials if not trial.probe.begun]


def timed(vlm: VisionLanguageModel, probes: Sequence[Probe]) -> tuple[list[str], float]:
    started = time.perf_counter()
    texts = [one_at_a_time(vlm, probe, MAX_NEW_TOKENS) for probe in probes]
    return texts, time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="world:tiny-qwen3vl")
    parser.add_argument("--concept", default="Mara Voss")
    parser.add_argument("--level", default="standard")
    parser.add_argument("--sample", type=int, default=80, help="questions that are asked one at a time")
    options = parser.parse_args()
    vlm = load(options.model)
    probes = questions(vlm, options.model, options.concept, options.level)
    sample = random.Random(0).sample(probes, min(options.sample, len(probes)))
    half = len(sample) // 2
    first, before = timed(vlm, sample[:half])
    started = time.perf_counter()
    said = {r.probe_id: r.raw for r in ask(TransformersEngine(vlm, logprobs=False), probes, progress=False)}
    together = time.perf_counter() - started
    second, after = timed(vlm, sample[half:])
    alone = len(sample) / (before + after)
    print(json.dumps({
        "model": options.model,
        "questions": len(probes),
        "together_per_second": round(len(probes) / together, 1),
        "one_at_a_time_per_second": round(alone, 1),
        "ratio": round(len(probes) / together / alone, 1),
        "same_texts": sum(said[p.id] == text for p, text in zip(sample, first + second, strict=True)) / len(sample),
    }, indent=2))  # fmt: skip


if __name__ == "__main__":
    main()
