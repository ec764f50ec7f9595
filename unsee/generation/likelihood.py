"""How probable given answers and prompts are: teacher-forced log-probabilities, and what layers alone would say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from unsee.data.sample import Likelihood, Probe, Sample
from unsee.generation.batching import Row, plan_batches, portions
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


def prompt_logprobs(
    vlm: VisionLanguageModel, probes: Sequence[Probe], *, cache: VisionCache | None = None
) -> list[Tensor]:
    """log p(token | everything before it) of the tokens of each prompt: those after its pictures, or all but the first.

    Per probe, in order, [tokens], natural logarithms in float32 on the CPU. Tokens of the chat template count too.
    """
    found = []
    pictures = cache or VisionCache(vlm)
    with evaluating(vlm), torch.inference_mode():
        for probe in probes:
            (prompt,) = vlm.encode_prompt([(probe.prompt_messages(), probe.images)])
            ids = torch.tensor(prompt.input_ids)
            shown = torch.isin(ids, torch.tensor(sorted(vlm.layout.image_token_ids))).nonzero()
            # The first token after a picture is the template's, and follows from it.
            first = int(shown.max()) + 2 if len(shown) else 1
            keep = len(ids) - first + 1
            logits = Reader(vlm, pictures).read([Row(0, prompt)], room=0, keep=keep).logits[0, :-1]
            tokens = ids[first:].to(logits.device)
            found.append(-functional.cross_entropy(logits.float(), tokens, reduction="none").cpu())
    return found


@torch.inference_mode()
def unembed(vlm: VisionLanguageModel, states: Tensor, *, normalised: bool = False) -> Tensor:
    """The logits [..., vocabulary] of `states` [..., width] in the residual stream, by the decoder's last norm (unless
    they are `normalised`) and the head, in float32 on the CPU."""
    states = states.to(vlm.device, vlm.dtype)
    if not normalised:
        decoder = vlm.base.get_submodule(vlm.layout.decoder)
        # Families name it differently: norm, final_layernorm, ln_f.
        states = [child for child in decoder.children() if "norm" in type(child).__name__.casefold()][-1](states)
    head = cast(nn.Module, vlm.base.get_output_embeddings())
    return cast(Tensor, head(states)).float().cpu()


@torch.inference_mode()
def text_logprobs(vlm: VisionLanguageModel, text: str) -> Likelihood:
    """log p(token | tokens before it) of a plain text, from its second token, without a chat turn."""
    encoded = vlm.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids = torch.tensor([encoded["input_ids"]], device=vlm.device)
    logits = vlm.base(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).logits[0, :-1]
    found = -functional.cross_entropy(logits.float(), ids[0, 1:], reduction="none")
    return Likelihood(tuple(found.tolist()), tuple(end for _, end in encoded["offset_mapping"][1:]))
