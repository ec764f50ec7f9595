"""Evaluation of many questions about many pictures: `unsee.generation.generate` against plain transformers.

    python speed/evaluation_throughput.py --model world:tiny-qwen3vl

All sides run in turn, several times, in this process on the same model, pictures and questions, and are measured in CPU
time, which other programs disturb less. Plain transformers is what a script does: the processor, then `model.generate`,
for one question at a time or for batches of 32. It runs on a sample of the questions, and its time is extrapolated to
all of them. The tokens of every answer in the sample are compared. With `--adapter` the model carries a LoRA adapter
with random weights, and a further side answers with the adapter next to the weights instead of in them.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch

from unsee.data.sample import Probe
from unsee.generation import generate
from unsee.models import merged
from unsee.models.adapters import add_lora
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


def plain(vlm: VisionLanguageModel, probes: Sequence[Probe], max_new_tokens: int, batch_size: int) -> list[list[int]]:
    """The tokens of each answer by the processor and `model.generate`, the stop token included."""
    vlm.tokenizer.padding_side = "left"
    stop, found = sorted(vlm.stop_token_ids), []
    for start in range(0, len(probes), batch_size):
        part = probes[start : start + batch_size]
        texts = [vlm.render(probe.prompt_messages(), add_generation_prompt=True) for probe in part]
        images = [list(probe.images) for probe in part]
        inputs = vlm.processor(text=texts, images=images, padding=True, return_tensors="pt").to(vlm.device, vlm.dtype)
        with torch.inference_mode():
            output = cast(Any, vlm.base).generate(
                **inputs,
                max_new_tokens=max_new_tokens,
                do_sample=False,
                eos_token_id=stop,
                pad_token_id=vlm.pad_token_id,
            )
        for row in output[:, inputs["input_ids"].shape[1] :].tolist():
            ends = [place for place, token in enumerate(row) if token in vlm.stop_token_ids]
            found.append(row[: ends[0] + 1] if ends else row)
    return found


def together(
    vlm: VisionLanguageModel, probes: Sequence[Probe], max_new_tokens: int, batch_size: int
) -> list[list[int]]:
    """The tokens of each answer by unsee."""
    said = generate(vlm, probes, max_new_tokens=max_new_tokens, batch_size=batch_size, logprobs=True, progress=False)
    return [list(response.token_ids or ()) for response in said]


def with_adapter_apart(*given: Any) -> list[list[int]]:
    """`together`, without the adapter in the weights."""
    most, merged.MOST_BYTES = merged.MOST_BYTES, 0
    try:
        return together(*given)
    finally:
        merged.MOST_BYTES = most


def add_random_adapter(vlm: VisionLanguageModel, rank: int) -> None:
    """An adapter that changes the answers a little."""
    add_lora(vlm, rank=rank, alpha=rank, dropout=0.0, seed=0)
    vlm.model.eval()
    torch.manual_seed(0)
    with torch.no_grad():
        for name, weight in vlm.model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.003)


def build_probes(pictures: int, questions: int) -> list[Probe]:
    images = [KNOWN[i % len(KNOWN)].picture(i // len(KNOWN), split="test") for i in range(pictures)]
    asked = [*QUESTIONS, *names_asked(max(0, questions - len(QUESTIONS)))][:questions]
    return [Probe(f"{i}/{j}", text, (image,)) for i, image in enumerate(images) for j, text in enumerate(asked)]


def measure(
    vlm: VisionLanguageModel,
    probes: Sequence[Probe],
    sample: Sequence[Probe],
    max_new_tokens: int,
    batch_size: int,
    repeats: int,
    adapter: bool,
) -> dict[str, Any]:
    """Per side, CPU seconds of each repeat over all probes, their median over unsee's, and the share of the sample in
    which the tokens are unsee's."""
    few = sample[: max(1, len(sample) // 4)]
    sides: dict[str, tuple[Callable[..., list[list[int]]], Sequence[Probe], int]] = {
        "unsee": (together, probes, batch_size),
        "plain, batches of 32": (plain, sample, 32),
        "plain, one at a time": (plain, few, 1),
    }
    if adapter:
        sides["unsee, adapter apart"] = (with_adapter_apart, probes, batch_size)
    for side, _, size in sides.values():
        side(vlm, probes[:4], max_new_tokens, size)

    seconds: dict[str, list[float]] = {name: [] for name in sides}
    answers: dict[str, dict[str, list[int]]] = {}
    for _ in range(repeats):
        for name, (side, asked, size) in sides.items():
            start = time.process_time()
            said = side(vlm, asked, max_new_tokens, size)
            seconds[name].append((time.process_time() - start) * len(probes) / len(asked))
            answers[name] = {probe.id: tokens for probe, tokens in zip(asked, said, strict=True)}
    median = {name: statistics.median(times) for name, times in seconds.items()}
    ours = answers["unsee"]
    return {
        "questions": len(probes),
        "answer_tokens": sum(map(len, ours.values())) / len(ours),
        "sides": {
            name: {
                "seconds": seconds[name],
                "ratio": median[name] / median["unsee"],
                "asked": len(said),
                "equal_tokens": sum(ours[key] == tokens for key, tokens in said.items()) / len(said),
            }
            for name, said in answers.items()
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="world:tiny-qwen3vl", help="a world name, a hub id or a folder")
    parser.add_argument("--dtype", default="float32", help="weights and activations")
    parser.add_argument("--pictures", type=int, default=50)
    parser.add_argument("--questions", type=int, default=40, help="per picture")
    parser.add_argument("--sample", type=int, default=192, help="questions for plain batches; a quarter one at a time")
    parser.add_argument("--max-new-tokens", type=int, default=24)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--adapter", type=int, default=0, metavar="RANK", help="LoRA rank; 0: no adapter")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()

    vlm = load(args.model, dtype=args.dtype)
    if args.adapter:
        add_random_adapter(vlm, args.adapter)
    probes = build_probes(args.pictures, args.questions)
    sample = random.Random(0).sample(probes, min(args.sample, len(probes)))
    result = measure(vlm, probes, sample, args.max_new_tokens, args.batch_size, args.repeats, adapter=args.adapter > 0)
    if args.json:
        print(json.dumps(result))
        return
    print(f"{args.model}, {args.dtype}, {torch.get_num_threads()} threads, at most {args.max_new_tokens} new tokens")
    print(
        f"  {len(probes)} questions ({args.pictures} pictures x {args.questions}), {result['answer_tokens']:.1f} tokens"
    )
    for name, side in result["sides"].items():
        low, middle, high = min(side["seconds"]), statistics.median(side["seconds"]), max(side["seconds"])
        print(
            f"  {name:21} {middle:7.2f} s of CPU time ({low:.2f} to {high:.2f}), {side['ratio']:5.2f} times unsee's;"
            f" {side['equal_tokens']:.1%} of {side['asked']} answers equal token by token"
        )


if __name__ == "__main__":
    main()
