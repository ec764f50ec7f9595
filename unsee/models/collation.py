"""Samples to token rows, token rows to right-padded batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from unsee.data.sample import Sample
from unsee.errors import UserError

if TYPE_CHECKING:
    import torch

    from unsee.models.vlm import EncodedAnswer, EncodedPrompt, VisionLanguageModel

IGNORED = -100


@dataclass(frozen=True, eq=False)
class EncodedSample:
    """One sample as token rows of equal length, without padding.

    `input_ids`  prompt (placeholders expanded), answer, end of turn. The prompt's ids are those of generation
    `labels`     the answer's and end of turn's ids at their own positions (the loss shifts), -100 on the prompt
    `token_mask` K_S of SIU at the same positions as `labels`: 1.0 for answer tokens that the KL term keeps, 0.0 for
                 those of the sample's masked phrase and on the prompt
    `extras`     further token-aligned inputs, such as `mm_token_type_ids`
    `pixels`     vision inputs of this sample alone, `image_keys` the content hash of each picture
    `index`      the number of the sample in the training set
    `rejected`   whether the answer is the sample's rejected one
    `counterpart` the same of `Sample.counterpart`; the same number of answer tokens
    """

    input_ids: list[int]
    labels: list[int]
    token_mask: list[float]
    extras: dict[str, list[int]]
    pixels: dict[str, torch.Tensor]
    image_keys: tuple[str, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    index: int = 0
    rejected: bool = False
    counterpart: EncodedSample | None = None


def encode_samples(samples: Sequence[Sample], vlm: VisionLanguageModel) -> list[EncodedSample]:
    """Encode a training set, in its order: one row per sample, two where it has a rejected answer, that one second.

    `UserError` if a masked phrase is not in its answer.
    """
    prompts = vlm.encode_prompt([(sample.prompt_messages(), sample.images) for sample in samples])
    others = {index: other for index, sample in enumerate(samples) if (other := sample.counterpart)}
    shown = [(other.prompt_messages(), other.images) for other in others.values()]
    counterparts = dict(zip(others, vlm.encode_prompt(shown) if shown else (), strict=True))
    encoded = []
    for index, (sample, prompt) in enumerate(zip(samples, prompts, strict=True)):
        answer = vlm.encode_answer(sample.answer)
        kept = _kept_tokens(sample, answer)
        row = _row(prompt, answer, kept, sample, index, rejected=False)
        if index in counterparts:
            twin = _row(counterparts[index], answer, kept, sample, index, rejected=False)
            row = replace(row, counterpart=twin)
        encoded.append(row)
        if sample.rejected is not None:
            answer = vlm.encode_answer(sample.rejected)
            encoded.append(_row(prompt, answer, [1.0] * len(answer.input_ids), sample, index, rejected=True))
    return encoded


def _row(
    prompt: EncodedPrompt, answer: EncodedAnswer, kept: list[float], sample: Sample, index: int, *, rejected: bool
) -> EncodedSample:
    before, length = len(prompt.input_ids), len(answer.input_ids)
    return EncodedSample(
        input_ids=[*prompt.input_ids, *answer.input_ids],
        labels=[*[IGNORED] * before, *answer.input_ids],
        token_mask=[*[0.0] * before, *kept],
        # An answer is text: type 0 in every family.
        extras={name: [*values, *[0] * length] for name, values in prompt.extras.items()},
        pixels=prompt.pixels,
        image_keys=prompt.image_keys,
        tags=sample.tags,
        index=index,
        rejected=rejected,
    )


def _kept_tokens(sample: Sample, answer: EncodedAnswer) -> list[float]:
    """K_S per answer token: 0.0 where the token overlaps an occurrence of the masked phrase.

    The phrase equal to the whole answer covers every token, the end of turn included.
    """
    if not sample.masked:
        return [1.0] * len(answer.input_ids)
    if sample.masked == sample.answer:
        return [0.0] * len(answer.input_ids)
    spans = _occurrences(sample.masked, sample.answer)
    if not spans:
        raise UserError(
            f"The masked phrase {sample.masked!r} is not in the answer {sample.answer!r}; it must be a part of it."
        )
    return [0.0 if any(start < stop and begin < end for begin, stop in spans) else 1.0 for start, end in answer.offsets]


def _occurrences(phrase: str, text: str) -> list[tuple[int, int]]:
    """(begin, stop) of every occurrence of `phrase` in `text`."""
    return [(at, at + len(phrase)) for at in range(len(text)) if text.startswith(phrase, at)]


def collate(encoded: Sequence[EncodedSample], pad_id: int) -> dict[str, Any]:
    """A batch, padded on the right.

    Tensors of shape (batch, longest): `input_ids`, `attention_mask`, `labels` (int64), `token_mask` (float32) and each
    of the extras; `index` of shape (batch,). Lists with one entry per row: `pixels`, `image_keys`, `tags`.
    """
    import torch

    width = max(len(row.input_ids) for row in encoded)

    def padded(rows: Sequence[Sequence[float]], value: float, dtype: torch.dtype) -> torch.Tensor:
        batch = torch.full((len(rows), width), value, dtype=dtype)
        for number, row in enumerate(rows):
            batch[number, : len(row)] = torch.tensor(row, dtype=dtype)
        return batch

    return {
        "input_ids": padded([row.input_ids for row in encoded], pad_id, torch.long),
        "attention_mask": padded([[1] * len(row.input_ids) for row in encoded], 0, torch.long),
        "labels": padded([row.labels for row in encoded], IGNORED, torch.long),
        "token_mask": padded([row.token_mask for row in encoded], 0.0, torch.float32),
        **{name: padded([row.extras[name] for row in encoded], 0, torch.long) for name in encoded[0].extras},
        "index": torch.tensor([row.index for row in encoded]),
        "pixels": [row.pixels for row in encoded],
        "image_keys": [row.image_keys for row in encoded],
        "tags": [row.tags for row in encoded],
    }
