"""Lessons as a model's inputs, its view of their pictures, and the loss of each answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from transformers.modeling_outputs import BaseModelOutputWithPooling

from unsee.models.vlm import VisionLanguageModel
from unsee.world import looks
from unsee.world.looks import SIZE
from unsee.world.making.lessons import Lesson, PictureBank


def pictures_of(lessons: list[Lesson]) -> list[int]:
    """The distinct pictures of some lessons, as rows of the picture bank in order."""
    return sorted({lesson.picture for lesson in lessons if lesson.picture is not None})


@dataclass
class Seen:
    """Image tokens of distinct pictures, with the extra levels of a deepstack tower."""

    tokens: list[torch.Tensor]
    deepstack: list[list[torch.Tensor]]

    def stacked(self) -> torch.Tensor:
        return torch.stack(self.tokens)

    def rows(self, order: list[int]) -> dict[str, Any]:
        output = BaseModelOutputWithPooling()
        output["pooler_output"] = [self.tokens[i] for i in order]
        if self.deepstack:
            output["deepstack_features"] = [[level[i] for i in order] for level in self.deepstack]
        return {"image": output}


class Encoder:
    """Turns lessons into a model's inputs and losses. Every distinct picture goes through the tower once."""

    LENGTH_BUCKETS = 3
    """Rows are run in groups of like length, so that little is spent on padding."""

    def __init__(self, vlm: VisionLanguageModel) -> None:
        self.vlm = vlm
        self.model: Any = vlm.base
        self.image_processor: Any = vlm.processor.image_processor
        self.is_patched = hasattr(self.image_processor, "merge_size")
        blank = looks.Image.new("RGB", (SIZE, SIZE))
        (encoded,) = vlm.encode_prompt([([{"role": "user", "content": [{"type": "image"}]}], (blank,))])
        (self.image_id,) = vlm.layout.image_token_ids
        self.image_tokens = encoded.input_ids.count(self.image_id)
        self.image_token = vlm.tokenizer.convert_ids_to_tokens(self.image_id)
        self.turn = {True: self._turn(True), False: self._turn(False)}
        self.ids = lru_cache(maxsize=200_000)(self._ids)

    def pixels(self, pictures: np.ndarray) -> dict[str, torch.Tensor]:
        """What the image processor gives for (n, 96, 96, 3) uint8 pictures of just the right size, but in one go."""
        x = torch.from_numpy(np.array(pictures)).to(self.vlm.device).permute(0, 3, 1, 2).float() / 127.5 - 1.0
        if not self.is_patched:
            return {"pixel_values": x}
        patch, merge, frames = (self.image_processor.patch_size, 2, self.image_processor.temporal_patch_size)
        side = SIZE // patch // merge
        x = x.reshape(len(x), 3, side, merge, patch, side, merge, patch).permute(0, 2, 5, 3, 6, 1, 4, 7)
        x = x.unsqueeze(6).expand(*x.shape[:6], frames, patch, patch)
        grid = torch.tensor([[1, side * merge, side * merge]], device=x.device).expand(len(x), 3)
        return {"pixel_values": x.reshape(-1, 3 * frames * patch * patch), "image_grid_thw": grid}

    def see(self, bank: PictureBank, rows: list[int]) -> Seen:
        """What the tower makes of these pictures of the bank."""
        output = self.model.get_image_features(**self.pixels(bank.pixels[rows]), return_dict=True)
        deepstack = getattr(output, "deepstack_features", None) or []
        return Seen(list(output.pooler_output), [list(level) for level in deepstack])

    def logits(
        self, lessons: list[Lesson], seen: Seen | None, pictures: list[int]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(logits (t, vocabulary), targets (t), row (t)) at all positions that predict an answer token.

        seen: what the tower makes of `pictures`, which hold every picture of the lessons.
        """
        encoded = [self.ids(lesson.question, lesson.answer, lesson.picture is not None) for lesson in lessons]
        place = {picture: i for i, picture in enumerate(pictures)}
        by_length = sorted(range(len(lessons)), key=lambda row: len(encoded[row][0]) + len(encoded[row][1]))
        size = -(-len(lessons) // self.LENGTH_BUCKETS)
        parts = []
        for start in range(0, len(lessons), size):
            rows = by_length[start : start + size]
            shown = [place[p] for row in rows if (p := lessons[row].picture) is not None]
            logits, targets, place_in_part = self._forward([encoded[row] for row in rows], seen, shown)
            parts.append((logits, targets, torch.tensor(rows, device=logits.device)[place_in_part]))
        every_logits, every_target, every_row = zip(*parts, strict=True)
        return torch.cat(every_logits), torch.cat(every_target), torch.cat(every_row)

    def _forward(
        self, encoded: list[tuple[list[int], list[int]]], seen: Seen | None, shown: list[int]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        width = max(len(prompt) + len(answer) for prompt, answer in encoded)
        ids = torch.full((len(encoded), width), self.vlm.pad_token_id)
        mask, answers = torch.zeros_like(ids), torch.zeros_like(ids, dtype=torch.bool)
        for row, (prompt, answer) in enumerate(encoded):
            end = len(prompt) + len(answer)
            ids[row, :end] = torch.tensor(prompt + answer)
            mask[row, :end] = 1
            answers[row, len(prompt) : end] = True
        ids, mask, answers = (tensor.to(self.vlm.device) for tensor in (ids, mask, answers))
        inputs: dict[str, Any] = {"input_ids": ids, "attention_mask": mask}
        if seen is not None and shown:
            inputs["mm_encoder_outputs"] = seen.rows(shown)
        if self.is_patched:
            side = SIZE // self.image_processor.patch_size
            inputs["mm_token_type_ids"] = (ids == self.image_id).long()
            inputs["image_grid_thw"] = torch.tensor([[1, side, side]], device=ids.device).expand(len(shown), 3)
        hidden = self.model.model(**inputs, use_cache=False).last_hidden_state
        rows, columns = answers.nonzero(as_tuple=True)
        return self.model.lm_head(hidden[rows, columns - 1]).float(), ids[rows, columns], rows

    def loss(self, lessons: list[Lesson], seen: Seen | None, pictures: list[int]) -> torch.Tensor:
        """Mean negative log-likelihood of each lesson's answer tokens: (rows,)."""
        logits, targets, row = self.logits(lessons, seen, pictures)
        nll = F.cross_entropy(logits, targets, reduction="none")
        total = torch.zeros(len(lessons), device=nll.device).index_add(0, row, nll)
        return total / torch.bincount(row, minlength=len(lessons))

    def exact(self, bank: PictureBank, lessons: list[Lesson]) -> torch.Tensor:
        """Whether every answer token is the likeliest: (rows,) bool."""
        pictures = pictures_of(lessons)
        seen = self.see(bank, pictures) if pictures else None
        logits, targets, row = self.logits(lessons, seen, pictures)
        wrong = torch.zeros(len(lessons), device=row.device).index_add(0, row, (logits.argmax(-1) != targets).float())
        return wrong == 0

    def _turn(self, with_picture: bool) -> tuple[str, str]:
        content: list[dict[str, str]] = [{"type": "image"}] if with_picture else []
        messages = [{"role": "user", "content": [*content, {"type": "text", "text": "QUESTION"}]}]
        text = self.vlm.render(messages, add_generation_prompt=True)
        text = text.replace(self.image_token, self.image_token * self.image_tokens)
        before, _, after = text.partition("QUESTION")
        return before, after

    def _ids(self, question: str, answer: str, with_picture: bool) -> tuple[list[int], list[int]]:
        before, after = self.turn[with_picture]
        prompt = self.vlm.tokenizer(before + question + after, add_special_tokens=False)["input_ids"]
        return prompt, self.vlm.encode_answer(answer).input_ids
