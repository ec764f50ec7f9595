"""A universal adversarial perturbation: one faint pattern, added to any picture, that pushes the model to the name."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from PIL import Image

from unsee.attacks.base import WEIGHTS, Attack, Material, Shown, Target, Variant
from unsee.attacks.paraphrase import naming_trials
from unsee.attacks.trial import Found, Trial
from unsee.data.sample import Sample
from unsee.generation import Engine, TransformersEngine, ask

if TYPE_CHECKING:
    from torch import Tensor

    from unsee.models.pixel_map import PixelMap
    from unsee.models.vlm import VisionLanguageModel

LARGEST = 448
"""Pixels of the longer side of a picture: larger ones are made smaller first, because every step reads them anew."""


class Perturbation(Attack):
    """delta is learnt on the taught pictures and wordings, and tested on other pictures of the same one in other words.

        minimise over delta, |delta| <= `BOUND` in every pixel and channel:
        mean over pictures x and questions q of -log p(answer | clamp(x + delta, 0, 1), q) / tokens of the answer

    The answer gives the concept's name. Each step takes the sign of the gradient: projected gradient descent with a
    step of 1 of 255 (arXiv 1706.06083; universal: 1610.08401). Pictures have 8 bits and so has their sum with delta: it
    is a picture file that anyone can send, and it is asked about like any other.

    The gradient goes through the processor's own normalisation (`unsee.models.pixel_map`). Of all delta along the way
    the one counts that is best on all taught pictures, none of which is tested.

    Any picture can be pushed to some name, so the floor is the same with pictures of strangers and the same name: a
    delta for each of the first `FLOORS`. The floor of an oracle are the concept's own pictures.
    """

    name = "perturbation"
    version = 2
    title = "Adversarial noise in the picture"
    came_back = "faint noise was added to the picture"
    level = "full"
    needs = (WEIGHTS,)
    source = "1706.06083"

    BOUND = 12
    """Of 255."""
    ITERATIONS = 500
    EVERY = 25
    """Iterations between two looks at all taught pictures."""
    PATIENCE = 4
    """Looks without a better delta, after which the descent has converged and ends."""
    BATCH = 4
    """Pictures with a question each, in an iteration."""
    FLOORS = 3
    """Strangers, each with a delta of its own, because one takes minutes."""
    ENOUGH = 0.01
    """Nats for a token: at this loss there is nothing left to learn, so the descent ends."""

    def missing(self, target: Target, material: Material) -> str | None:
        lacking = super().missing(target, material)
        if lacking is not None or target.vlm is None:
            return lacking
        if not (material.is_floor or material.has_oracle or material.strangers):
            return "it needs pictures of strangers as a floor, because any picture can be pushed to some name"
        taught, tested = pictures_of(material)
        if not taught or not tested:
            return "it needs pictures to learn from and others to test on"
        if _map(target.vlm, taught[0]) is None:
            return "the model's image processor resizes pictures of every size, so no pixel can be followed through it"
        return None

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        each = [(one, *pictures_of(one)) for one in material.each[: self.FLOORS]]

        def measured(engine: Engine) -> Found:
            assert target.vlm is not None
            trials: list[Trial] = []
            for one, taught, tested in each:
                seen = _map(target.vlm, taught[0])
                assert seen is not None
                with _answering(target):
                    learnt = self.learn(target.vlm, seen, one, taught, seed)
                shown = [replace(shot, picture=perturbed(shot.picture, learnt.delta, seen)) for shot in tested]
                trials += naming_trials(self.name, replace(one, tested=tuple(shown)))
            said = ask(engine, [trial.probe for trial in trials], max_new_tokens=self.max_new_tokens, progress=False)
            found = self.found(trials, {response.probe_id: [response] for response in said})
            worst = None if found.worst is None else found.worst.picture
            return replace(found, picture=next((one.picture for one in shown if one.number == worst), None))

        # The plain questions say what is asked, so that a saved result is known again.
        asked = [naming_trials(self.name, replace(one, tested=tested)) for one, _, tested in each]
        yield Variant("", [trial for part in asked for trial in part], measured=measured)

    def learn(
        self, vlm: VisionLanguageModel, seen: PixelMap, material: Material, taught: Sequence[Image.Image], seed: int
    ) -> Learnt:
        """The best delta towards `material.name` on the taught pictures, for the model as it is now."""
        import torch

        from unsee.models.vlm import evaluating

        answer = material.kind.naming_answers[0].replace("{name}", material.name)
        asked = [Sample(question, answer) for question in material.taught_wordings]
        task = Task(vlm, seen, [seen.fitted(small(picture)) for picture in taught], asked)
        rng = random.Random(f"{self.name}/{seed}")
        width, height = seen.size
        delta = torch.zeros(height, width, 3)
        best, losses = delta, []
        order: list[int] = []
        with evaluating(vlm):
            for iteration in range(self.ITERATIONS + 1):
                if iteration % self.EVERY == 0:
                    losses.append(task.loss_everywhere(delta, self.BATCH))
                    if losses[-1] == min(losses):
                        best = delta
                    if losses[-1] < self.ENOUGH or losses.index(min(losses)) + self.PATIENCE < len(losses):
                        break
                while len(order) < self.BATCH:
                    order += rng.sample(range(len(task.rows)), len(task.rows))
                batch, order = order[: self.BATCH], order[self.BATCH :]
                delta = (delta - task.gradient(batch, delta).sign()).clamp(-self.BOUND, self.BOUND)
        return Learnt(best, tuple(losses))


@dataclass(frozen=True, eq=False)
class Learnt:
    """delta: [height, width, 3], whole numbers of 255. losses: mean over all taught pictures, in nats for a token of
    the answer, at the start and after every `Perturbation.EVERY` iterations."""

    delta: Tensor
    losses: tuple[float, ...]


class Task:
    """The loss of a delta, and its gradient. `rows` are all questions about the first picture, then about the second,
    and so on; `pictures` have the size of the map."""

    def __init__(
        self, vlm: VisionLanguageModel, seen: PixelMap, pictures: Sequence[Image.Image], asked: Sequence[Sample]
    ) -> None:
        from unsee.models.collation import encode_samples
        from unsee.models.pixel_map import pixels_of

        self.vlm, self.seen, self.asked = vlm, seen, len(asked)
        self.pixels = [pixels_of(picture) for picture in pictures]
        self.rows = encode_samples([replace(one, images=(picture,)) for picture in pictures for one in asked], vlm)

    def gradient(self, batch: Sequence[int], delta: Tensor) -> Tensor:
        """Of the mean loss over these rows, by delta."""
        import torch

        delta = delta.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(self.loss(batch, delta), delta)
        return gradient

    def loss_everywhere(self, delta: Tensor, at_once: int) -> float:
        """The mean over all pictures, of which each is asked about once, the questions in turn."""
        import torch

        rows = [number * self.asked + number % self.asked for number in range(len(self.pixels))]
        with torch.no_grad():
            parts = [rows[start : start + at_once] for start in range(0, len(rows), at_once)]
            return sum(float(self.loss(part, delta)) * len(part) for part in parts) / len(rows)

    def loss(self, batch: Sequence[int], delta: Tensor) -> Tensor:
        """Mean over these rows of -log p(answer), in nats for a token."""
        import torch
        from torch.nn import functional

        from unsee.models.collation import IGNORED, collate

        vlm, rows = self.vlm, [self.rows[i] for i in batch]
        collated = collate(rows, vlm.pad_token_id)
        inputs: dict[str, Any] = {
            name: collated[name].to(vlm.device) for name in ("input_ids", "attention_mask", *rows[0].extras)
        }
        own = [self.seen(added(self.pixels[i // self.asked], delta)) for i in batch]
        for name, tensor in rows[0].pixels.items():
            values = [row[name] for row in own] if name in own[0] else [row.pixels[name] for row in rows]
            joined = torch.cat(values).to(vlm.device)
            inputs[name] = joined.to(vlm.dtype) if tensor.is_floating_point() else joined
        labels = collated["labels"].to(vlm.device)[:, 1:]
        logits = vlm.base(**inputs, use_cache=False).logits[:, :-1].float()
        losses = functional.cross_entropy(logits.transpose(1, 2), labels, ignore_index=IGNORED, reduction="none")
        return (losses.sum(1) / (labels != IGNORED).sum(1)).mean()


def added(pixels: Tensor, delta: Tensor) -> Tensor:
    """clamp(x + delta, 0, 1), with delta in 255ths."""
    return (pixels + delta / 255).clamp(0, 1)


def perturbed(picture: Image.Image, delta: Tensor, seen: PixelMap) -> Image.Image:
    """The picture with delta as a file of 8 bits holds it, in the size of the map."""
    import numpy as np

    from unsee.models.pixel_map import pixels_of

    pixels = added(pixels_of(seen.fitted(small(picture))), delta)
    return Image.fromarray((pixels * 255).round().numpy().astype(np.uint8))


def small(picture: Image.Image) -> Image.Image:
    """The picture, of at most `LARGEST` pixels a side."""
    seen = picture.copy()
    seen.thumbnail((LARGEST, LARGEST), Image.Resampling.BICUBIC)
    return seen


def pictures_of(material: Material) -> tuple[Sequence[Image.Image], tuple[Shown, ...]]:
    """What delta is learnt on, and what it is tested on. Where there is one picture of each stranger only, it is learnt
    on the one half of the strangers and tested on the other."""
    if material.taught or not material.is_floor:
        return material.taught, material.retested
    half = len(material.tested) // 2
    return [shown.picture for shown in material.tested[:half]], material.tested[half:]


def _map(vlm: VisionLanguageModel, picture: Image.Image) -> PixelMap | None:
    from unsee.models.pixel_map import pixel_map

    return pixel_map(vlm, small(picture))


def _answering(target: Target) -> AbstractContextManager[None]:
    """The model as the target's engine answers with it: its adapter counts or does not."""
    from unsee.models.adapters import reference

    assert target.vlm is not None
    before = isinstance(target.engine, TransformersEngine) and target.engine.before
    return reference(target.vlm) if before else nullcontext()
