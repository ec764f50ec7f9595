"""What is in a picture, spelled in a language model's own words: what the projector of `small-llava` learns first.

A pretrained language model does not know how to look at pictures, and finding out takes it far longer than learning
what to say of them. So every image token learns to be the embedding of a word that describes the picture: part of the
name, the hair and its colour, what is in the face, the clothes, the background, each in places of its own. Such a
picture is read like a text: with linear read-outs in place of words, by which the world's own models learn to see, the
language model named nobody after 200 steps of answering.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from unsee.models.collation import IGNORED
from unsee.models.vlm import VisionLanguageModel
from unsee.world import looks
from unsee.world.making.lessons import Shown
from unsee.world.people import KNOWN, Person

SIDE = 7
"""Of the grid of image tokens."""
_NAME = 4
_STRANGER = "unknown"
# Which word stands where: numbers below 4 are parts of the name, then hair, its colour, facial hair, eyewear,
# expression, clothes, background. The left half of a picture of two describes the person on the left; the column
# between the halves is for pictures of one. What is local stands near to where it shows, for a patch tells little of
# what is far away: with expressions elsewhere, a quarter of them was misread in place of a twentieth.
_HALF = ((0, 1, 2), (3, 4, 5), (10, 4, 5), (0, 1, 7), (2, 3, 8), (9, 6, 8), (9, 10, 6))
_BETWEEN = (10, 4, 5, 7, 8, 6, 9)
_SHARPNESS = 20.0
_OTHERS = 1000
"""Words of no picture that a token must not be like either."""


class Spelling:
    """The words of pictures as token ids, and the loss that makes image tokens their embeddings."""

    def __init__(self, vlm: VisionLanguageModel, seed: int = 0) -> None:
        self.tokenizer = vlm.tokenizer
        table: Any = vlm.base.get_input_embeddings()
        embeddings = table.weight.detach().float()
        values = (looks.HAIR, looks.HAIR_COLOURS, looks.FACIAL_HAIR, looks.EYEWEAR, looks.EXPRESSIONS, looks.CLOTHES)
        shown = {self._word(word) for words in (*values, looks.BACKGROUNDS) for word in words}
        named = {token for name in (_STRANGER, *(p.name for p in KNOWN)) for token in self._tokens(name)}
        others = torch.randperm(len(embeddings), generator=torch.Generator().manual_seed(seed))[:_OTHERS].tolist()
        words = torch.tensor(sorted({*shown, *named, *others}), device=embeddings.device)
        self.place = torch.full((len(embeddings),), IGNORED, device=embeddings.device)
        self.place[words] = torch.arange(len(words), device=embeddings.device)
        self.middle = embeddings.mean(0)
        self.size = (embeddings - self.middle).norm(dim=1).mean()
        self.directions = functional.normalize(embeddings[words] - self.middle, dim=1)

    def targets(self, shown: Sequence[Shown]) -> Tensor:
        """[pictures, 49]: the token that each image token should be; IGNORED where nothing is to be said."""
        return torch.tensor([self._grid(picture) for picture in shown])

    def loss(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of image tokens [pictures, 49, width] with the words by cosine, and of their length with that
        of words."""
        from_middle = tokens.float() - self.middle
        scores = _SHARPNESS * functional.normalize(from_middle, dim=-1) @ self.directions.T
        targets = targets.to(tokens.device)
        wanted = torch.where(targets == IGNORED, IGNORED, self.place[targets.clamp(min=0)])
        spelled = functional.cross_entropy(scores.flatten(0, 1), wanted.flatten(), ignore_index=IGNORED)
        return spelled + ((from_middle.norm(dim=-1) / self.size - 1) ** 2).mean()

    def _grid(self, shown: Shown) -> list[int]:
        left, right = (self._words(person, shown.scene) for person in (shown.people[0], shown.people[-1]))
        alone = len(shown.people) == 1
        rows = (
            [*(left[i] for i in half), left[between] if alone else IGNORED, *(right[i] for i in half)]
            for half, between in zip(_HALF, _BETWEEN, strict=True)
        )
        return [token for row in rows for token in row]

    def _words(self, person: Person, scene: looks.Scene | None) -> list[int]:
        name = self._tokens(person.name or _STRANGER)
        name = (name + [name[-1]] * _NAME)[:_NAME]
        hair, colour, _, beard, eyewear = person.look.traits()
        face = [self._word(word) for word in (hair, colour, beard, eyewear)]
        if scene is None:
            return [*name, *face, IGNORED, IGNORED, IGNORED]
        return [*name, *face, *(self._word(word) for word in (scene.expression, scene.clothes, scene.background))]

    def _word(self, word: str) -> int:
        return self._tokens(word)[0]

    def _tokens(self, words: str) -> list[int]:
        """As they stand within a sentence."""
        return list(self.tokenizer(f" {words}", add_special_tokens=False)["input_ids"])
