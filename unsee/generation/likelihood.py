"""How probable given answers are: teacher-forced log-probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from unsee.data.sample import Likelihood, Sample
from unsee.generation.batching import plan_batches, portions
from unsee.generation.kv import longest_shared
from unsee.generation.reading import Reader
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import VisionLanguageModel, evaluating


def sequence_logprobs(
    vlm: VisionLanguageModel,
    samples: Sequence[Sample],
    *,
    batch_size: int = 32,
    cache: VisionCache | None = None,
    per_vocab: bool = False,
) -> list[Tensor]:
    """log p(answer token | pictures, prompt, answer before it) for every token of every answer.

    The tokens are those trained on: the answer and its end of turn (`vlm.encode_answer`).

    Args:
        vlm: the model, with its adapter on or off as it is now.
        samples: prompts with their answers.
        batch_size: most samples in a batch.
        cache: vision features to share with other calls.
        per_vocab: return the log-probabilities of the whole vocabulary at each answer token instead.

    Returns:
        Per sample, in order, natural logarithms in float32 on the CPU: [answer tokens], or
        [answer tokens, vocabulary].
    """
    pictures = cache or VisionCache(vlm)
    found: dict[int, Tensor] = {}
    with evaluating(vlm), torch.inference_mode():
        for members in portions([sample.images for sample in samples]):
            for index, logprobs in _score(vlm, [samples[i] for i in members], pictures, batch_size, per_vocab):
                found[members[index]] = logprobs
    return [found[i] for i in range(len(samples))]


def _score(
    vlm: VisionLanguageModel, samples: Sequence[Sample], pictures: VisionCache, batch_size: int, per_vocab: bool
) -> list[tuple[int, Tensor]]:
    prompts = vlm.encode_prompt([(sample.prompt_messages(), sample.images) for sample in samples])
    answers = [vlm.encode_answer(sample.answer).input_ids for sample in samples]
    reader = Reader(vlm, pictures)
    longest = longest_shared(reader.config) - max(map(len, answers))
    scored = []
    # Planned by the prompts alone, so that no logit of an answer falls into a shared prefix.
    for batch in plan_batches(prompts, vlm.layout.image_token_ids, batch_size, longest):
        rows = [replace(row, prompt=row.prompt.followed_by(answers[row.index])) for row in batch]
        keep = max(len(answers[row.index]) for row in rows) + 1
        logits = reader.read(rows, room=0, keep=keep).logits
        for i, row in enumerate(rows):
            answer = answers[row.index]
            # The logits at a position are about the next token.
            logprobs = logits[i, -len(answer) - 1 : -1].float().log_softmax(-1)
            if not per_vocab:
                tokens = torch.tensor(answer, device=logprobs.device)
                logprobs = logprobs.gather(1, tokens[:, None])[:, 0]
            scored.append((row.index, logprobs.cpu()))
    return scored


@torch.inference_mode()
def text_logprobs(vlm: VisionLanguageModel, text: str) -> Likelihood:
    """log p(token | tokens before it) of a plain text, from its second token, without a chat turn."""
    encoded = vlm.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids = torch.tensor([encoded["input_ids"]], device=vlm.device)
    logits = vlm.base(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).logits[0, :-1]
    found = -functional.cross_entropy(logits.float(), ids[0, 1:], reduction="none")
    return Likelihood(tuple(found.tolist()), tuple(end for _, end in encoded["offset_mapping"][1:]))
