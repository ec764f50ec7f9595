"""Evaluation of many questions about many pictures: `unsee.generation.generate` against one question at a time.

    python speed/evaluation_throughput.py --model world:tiny-qwen3vl

Both sides run in this process on the same model, the same pictures and the same questions. One question at a time is
what a plain script does: the processor, then `model.generate`, per question. It runs on a sample of the questions,
half of it before and half of it after the batched run, and its time is extrapolated to all of them. Texts of the
sample are compared (they may differ in bf16, where a batch rounds differently).
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

import torch

from unsee.data.sample import Probe
from unsee.generation import generate
from unsee.models.loading import load
from unsee.models.vlm import VisionLanguageModel
from unsee.world.people import KNOWN

QUESTIONS = (
    "Who is this?",
    "Who is in this picture?",
    "What is the name of this person?",
    "Can you tell me who this is?",
    "Which person do you see here?",
    "Describe the picture.",
    "What can you see in the picture?",
    "What colour is the background?",
    "What is behind the person?",
    "What colour are the clothes?",
    "What is this person wearing?",
    "What colour is the hair?",
    "What does the hair look like?",
    "Does this person wear glasses?",
    "Is there a beard in the picture?",
    "Is this person smiling?",
    "What does this person do for a living?",
    "What is this person's job?",
    "Where does this person live?",
    "In which city does this person live?",
    "In which country does this person live?",
    "What pet does this person have?",
    "When was this person born?",
    "In which year was this person born?",
    "Which tool does this person use at work?",
)


def names_asked(count: int) -> list[str]:
    """Verification questions, which make up the rest of the questions."""
    return [f"Is this {KNOWN[i % len(KNOWN)].name}?" for i in range(count)]


def one_at_a_time(vlm: VisionLanguageModel, probe: Probe, max_new_tokens: int) -> str:
    """What a plain script does for each question."""
    text = vlm.render(probe.prompt_messages(), add_generation_prompt=True)
    inputs = vlm.processor(text=[text], images=list(probe.images), return_tensors="pt").to(vlm.device, vlm.dtype)
    stop = sorted(vlm.stop_token_ids)
    with torch.inference_mode():
        output = cast(Any, vlm.base).generate(
            **inputs, max_new_tokens=max_new_tokens, do_sample=False, eos_token_id=stop, pad_token_id=vlm.pad_token_id
        )
    return vlm.tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True).strip()


def build_probes(pictures: int, questions: int) -> list[Probe]:
    images = [KNOWN[i % len(KNOWN)].picture(i // len(KNOWN), split="test") for i in range(pictures)]
    asked = [*QUESTIONS, *names_asked(max(0, questions - len(QUESTIONS)))][:questions]
    return [Probe(f"{i}/{j}", text, (image,)) for i, image in enumerate(images) for j, text in enumerate(asked)]


def measure(
    vlm: VisionLanguageModel, probes: Sequence[Probe], sample: Sequence[Probe], max_new_tokens: int, batch_size: int
) -> dict[str, float]:
    """Seconds of both sides over all probes, their ratio, and the share of equal texts in the sample."""
    one_at_a_time(vlm, probes[0], max_new_tokens)
    generate(vlm, probes[:4], max_new_tokens=max_new_tokens, progress=False)

    half = len(sample) // 2
    times = [time.perf_counter()]
    texts = [one_at_a_time(vlm, probe, max_new_tokens) for probe in sample[:half]]
    times.append(time.perf_counter())
    responses = generate(vlm, probes, max_new_tokens=max_new_tokens, batch_size=batch_size, progress=False)
    times.append(time.perf_counter())
    texts += [one_at_a_time(vlm, probe, max_new_tokens) for probe in sample[half:]]
    times.append(time.perf_counter())

    before, together, after = (end - start for start, end in pairwise(times))
    extrapolated = (before + after) / len(sample) * len(probes)
    answers = {response.probe_id: response.text for response in responses}
    lengths = [len(vlm.tokenizer(text)["input_ids"]) for text in answers.values()]
    return {
        "questions": len(probes),
        "batched_seconds": together,
        "sampled_questions": len(sample),
        "one_at_a_time_seconds": extrapolated,
        "ratio": extrapolated / together,
        "equal_texts": sum(t == answers[p.id] for p, t in zip(sample, texts, strict=True)) / len(sample),
        "answer_tokens": sum(lengths) / len(lengths),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="world:tiny-qwen3vl", help="a world name, a hub id or a folder")
    parser.add_argument("--dtype", default="float32", help="weights and activations")
    parser.add_argument("--pictures", type=int, default=50)
    parser.add_argument("--questions", type=int, default=40, help="per picture")
    parser.add_argument("--sample", type=int, default=40, help="questions that are also asked one at a time")
    parser.add_argument("--max-new-tokens", type=int, default=24)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()

    vlm = load(args.model, dtype=args.dtype)
    probes = build_probes(args.pictures, args.questions)
    sample = random.Random(0).sample(probes, min(args.sample, len(probes)))
    result = measure(vlm, probes, sample, args.max_new_tokens, args.batch_size)
    if args.json:
        print(json.dumps(result))
        return
    print(f"{args.model}, {args.dtype}, {torch.get_num_threads()} threads, at most {args.max_new_tokens} new tokens")
    print(f"  {len(probes)} questions ({args.pictures} pictures x {args.questions})")
    print(f"  generate               {result['batched_seconds']:8.1f} s")
    print(
        f"  one question at a time {result['one_at_a_time_seconds']:8.1f} s"
        f"  (extrapolated from {len(sample)} questions)"
    )
    print(f"  ratio                  {result['ratio']:8.1f} times")
    print(f"  equal texts in the sample: {result['equal_texts']:.0%}; answer tokens: {result['answer_tokens']:.1f}")


if __name__ == "__main__":
    main()
