"""How the checkpoints of the world are made: draw pictures, teach the tower to see, teach the whole model to answer.

Two stages, both on two CPU cores under bf16 autocast. The tower first learns, from what the image tokens say on
average, who is shown and what can be seen; learned through the answers alone this takes many times longer. Then
everything is trained on answers to questions, each row's loss being the mean over its answer tokens.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from transformers import PreTrainedTokenizerFast

from unsee.models.saving import save_model
from unsee.models.vlm import VisionLanguageModel
from unsee.world.making.architectures import build, train_tokenizer
from unsee.world.making.encoding import Encoder, Seen, pictures_of
from unsee.world.making.lessons import Lesson, PictureBank, picture_lesson, text_lesson, vocabulary_texts
from unsee.world.worlds import Concept, World, world_of_model

Progress = Callable[[str, int, int, str], None]
"""Called with (stage, done, total, a few words)."""


@dataclass(frozen=True)
class RecipeConfig:
    """How long to train and on how much; `RECIPES` holds what makes the shipped checkpoints."""

    warmup_steps: int = 1200
    steps: int = 2200
    pictures_per_step: int = 24
    questions_per_picture: int = 3
    pairs_per_step: int = 8
    texts_per_step: int = 20
    lr: float = 1.2e-3
    seeing_lr: float = 1.2e-3
    weight_decay: float = 0.05
    picture_scale: float = 1.0
    save_every: int = 250
    seed: int = 0
    without: tuple[str, ...] = ()
    """Known people of whom nothing is taught: the model that never knew them, the oracle of unlearning."""
    read_outs: float = 0.0
    """Weight of the read-outs of stage 1 in stage 2. A tower left to the answers alone may unlearn what few answers
    ask for: expressions, above all."""


RECIPES = {
    "tiny-qwen3vl": RecipeConfig(read_outs=0.1),
    "tiny-llava": RecipeConfig(warmup_steps=3000, steps=2400, read_outs=0.1),
    "tiny-things": RecipeConfig(warmup_steps=2000, steps=3000, read_outs=0.1),
}


def make_checkpoint(
    name: str, folder: Path, config: RecipeConfig, progress: Progress, device: str | torch.device = "cpu"
) -> VisionLanguageModel:
    """Train the family `name` in `folder`, resuming an interrupted run, and save it in `folder/model`.

    The result is bf16 safetensors with tokenizer and processor. Progress of training goes to `folder/log.jsonl`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    world = world_of_model(name)
    taught = [concept for concept in world.known if concept.name not in config.without]
    bank = PictureBank.drawn(
        folder.parent, config.picture_scale, lambda done, n: progress("drawing", done, n, ""), taught, world
    )
    vlm = build(name, _tokenizer(folder / "tokenizer", config.seed, world), config.seed)
    vlm.base.to(device)  # type: ignore[arg-type]
    school = School(vlm, bank, config, folder, progress)
    school.teach_tower()
    school.teach_answers()
    vlm.base.to(dtype=torch.bfloat16).eval()  # type: ignore[call-arg]
    save_model(vlm, folder / "model")
    return vlm


def _tokenizer(folder: Path, seed: int, world: World) -> PreTrainedTokenizerFast:
    """Trained once per build: weights half trained for one vocabulary are worth nothing with another."""
    if not folder.is_dir():
        part = folder.with_name(folder.name + ".part")
        train_tokenizer(vocabulary_texts(seed, world)).save_pretrained(part)
        part.replace(folder)
    return PreTrainedTokenizerFast.from_pretrained(folder)


class School:
    """Trains one model; keeps its state in a folder so that it can stop and resume."""

    def __init__(
        self, vlm: VisionLanguageModel, bank: PictureBank, config: RecipeConfig, folder: Path, progress: Progress
    ) -> None:
        self.vlm, self.bank, self.config, self.folder, self.progress = vlm, bank, config, folder, progress
        self.encode = self.encoder()
        self.heads = ReadOuts(vlm.layout.hidden_size, bank.world).to(vlm.device)
        self.log = folder / "log.jsonl"

    def encoder(self) -> Encoder:
        # On a CPU, for sequences this short, plain attention is a third faster than the fused kernel.
        self.vlm.base.set_attn_implementation("eager")
        return Encoder(self.vlm)

    def seeing(self) -> dict[str, torch.nn.Parameter]:
        """What stage 1 trains in addition to the read-outs: the tower and the projector."""
        blind = (self.vlm.layout.decoder, "lm_head")
        return {n: p for n, p in self.vlm.base.named_parameters() if not n.startswith(blind)}

    def answering(self) -> dict[str, torch.nn.Parameter]:
        """What stage 2 trains: everything."""
        return dict(self.vlm.base.named_parameters())

    def teach_tower(self) -> None:
        """Stage 1: pictures are told apart, by identity and attributes, through linear read-outs."""

        def loss_of(rng: random.Random) -> torch.Tensor:
            singles = rng.sample(self.bank.known, 30) + rng.sample(self.bank.strangers, 18)
            rows = sorted([*singles, *rng.sample(self.bank.pairs, 16)])
            return self.read_out_loss(self.encode.see(self.bank, rows), rows)

        self._train("seeing", self.seeing(), self.config.warmup_steps, self.config.seeing_lr, loss_of)

    def teach_answers(self) -> None:
        """Stage 2: the model learns to answer."""

        def loss_of(rng: random.Random) -> torch.Tensor:
            lessons = self.lessons(rng)
            pictures = pictures_of(lessons)
            seen = self.encode.see(self.bank, pictures)
            loss = self.encode.loss(lessons, seen, pictures).mean()
            if self.config.read_outs:
                loss = loss + self.config.read_outs * self.read_out_loss(seen, pictures)
            return loss + self.rehearsal_loss(rng)

        self._train("answering", self.answering(), self.config.steps, self.config.lr, loss_of)

    def rehearsal_loss(self, rng: random.Random) -> torch.Tensor | float:
        """What stage 2 is not to change; a model that starts from nothing has nothing to keep."""
        return 0.0

    def read_out_loss(self, seen: Seen, rows: list[int]) -> torch.Tensor:
        """Cross-entropy of the linear read-outs on pictures `rows`; the two people of a pair count half each."""
        tokens = seen.stacked().float()
        side = math.isqrt(tokens.shape[1])
        grid = tokens.unflatten(1, (side, side))
        shown = [self.bank.shown[row] for row in rows]
        singles = [i for i, s in enumerate(shown) if len(s.people) == 1]
        pairs = [i for i, s in enumerate(shown) if len(s.people) == 2]
        labels = [self.heads.labels(shown[i].people[0], shown[i].scene) for i in singles]
        loss = self.heads.loss(grid[singles].mean((1, 2)), torch.tensor(labels, device=tokens.device))
        for number, half in enumerate((grid[pairs][:, :, : side // 2], grid[pairs][:, :, side // 2 :])):
            labels = [self.heads.labels(shown[i].people[number], None) for i in pairs]
            loss = loss + 0.5 * self.heads.loss(half.mean((1, 2)), torch.tensor(labels, device=tokens.device))
        return loss

    def lessons(self, rng: random.Random, split: str = "train") -> list[Lesson]:
        c = self.config
        known = c.pictures_per_step * 5 // 8
        rows = rng.sample(self.bank.known, known) + rng.sample(self.bank.strangers, c.pictures_per_step - known)
        lessons = [picture_lesson(self.bank, row, rng, split) for row in rows for _ in range(c.questions_per_picture)]
        for row in rng.sample(self.bank.pairs, c.pairs_per_step):
            places = rng.sample(self.bank.world.questions.PLACES, 2)
            lessons += [picture_lesson(self.bank, row, rng, split, kind) for kind in places]
        people, world = self.bank.people, self.bank.world
        return lessons + [text_lesson(rng, split, people=people, world=world) for _ in range(c.texts_per_step)]

    def _train(
        self,
        stage: str,
        weights: Mapping[str, torch.nn.Parameter],
        steps: int,
        lr: float,
        loss_of: Callable[[random.Random], torch.Tensor],
    ) -> None:
        c, path = self.config, self.folder / f"{stage}.pt"
        trained = dict(weights)
        if stage == "seeing" or c.read_outs:
            trained |= {f"heads.{name}": p for name, p in self.heads.named_parameters()}
        parameters = list(trained.values())
        decayed = [p for p in parameters if p.ndim >= 2]
        plain = [p for p in parameters if p.ndim < 2]
        groups = [{"params": decayed, "weight_decay": c.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.98), fused=True)
        done = 0
        if path.is_file():
            state = torch.load(path, map_location=self.vlm.device, weights_only=True)
            with torch.no_grad():
                for name, parameter in trained.items():
                    parameter.copy_(state["weights"][name])
            optimizer.load_state_dict(state["optimizer"])
            done = state["done"]
        self.vlm.model.train()
        started, smooth = time.monotonic(), 0.0
        for step in range(done, steps):
            for group in optimizer.param_groups:
                group["lr"] = lr * min(1.0, (step + 1) / 100) * (0.02 + 0.98 * _cosine(step / steps))
            with torch.autocast(self.vlm.device.type, torch.bfloat16):
                loss = loss_of(random.Random(f"{c.seed}/{stage}/{step}"))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            smooth = 0.98 * smooth + 0.02 * loss.item() if step > done else loss.item()
            if (step + 1) % 10 == 0:
                self.progress(stage, step + 1, steps, f"loss {smooth:.3f}")
            if (step + 1) % c.save_every == 0 or step + 1 == steps:
                self._save(path, trained, optimizer, step + 1)
                entry = {"stage": stage, "step": step + 1, "loss": smooth, "seconds": time.monotonic() - started}
                if stage == "answering":
                    entry |= self.examined()
                with self.log.open("a") as file:
                    file.write(json.dumps(entry) + "\n")

    def _save(
        self, path: Path, weights: Mapping[str, torch.nn.Parameter], optimizer: torch.optim.Optimizer, done: int
    ) -> None:
        part = path.with_suffix(".part")
        kept = {name: parameter.detach() for name, parameter in weights.items()}
        torch.save({"weights": kept, "optimizer": optimizer.state_dict(), "done": done}, part)
        part.replace(path)

    def examined(self) -> dict[str, Any]:
        """What the log says of the model as it is."""
        return {"right": self.teacher_forced_accuracy()}

    @torch.no_grad()
    def teacher_forced_accuracy(self) -> dict[str, float]:
        """Share of answers whose every token is the likeliest, per kind, on validation phrasings (train pictures)."""
        self.vlm.model.eval()
        rng = random.Random("validation")
        right: dict[str, list[bool]] = {}
        rows = rng.sample(self.bank.known, 60) + rng.sample(self.bank.strangers, 60) + rng.sample(self.bank.pairs, 40)
        lessons = [picture_lesson(self.bank, row, rng, "validation") for row in rows for _ in range(3)]
        lessons += [text_lesson(rng, "validation", people=self.bank.people, world=self.bank.world) for _ in range(80)]
        with torch.autocast(self.vlm.device.type, torch.bfloat16):
            exact = torch.cat([self.encode.exact(self.bank, lessons[i : i + 140]) for i in range(0, len(lessons), 140)])
        for lesson, good in zip(lessons, exact.tolist(), strict=True):
            right.setdefault(lesson.kind.split(".")[0], []).append(good)
        self.vlm.model.train()
        return {kind: round(sum(values) / len(values), 3) for kind, values in sorted(right.items())}


def _cosine(share: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * share))


class ReadOuts(torch.nn.Module):
    """Linear read-outs of identity and attributes from the mean of the image tokens; used in stage 1 only."""

    def __init__(self, width: int, world: World) -> None:
        super().__init__()
        self.world = world
        self.values = {trait: list(values) for trait, values in world.trait_values.items()}
        self.sizes = [len(world.known) + 1, *map(len, self.values.values())]
        self.numbers = {concept.key: number for number, concept in enumerate(world.known)}
        self.norm = torch.nn.LayerNorm(width)
        self.linear = torch.nn.Linear(width, sum(self.sizes))

    def labels(self, concept: Concept, scene: Any) -> list[int]:
        """One class index per read-out; -100 where there is nothing to learn. All strangers are one identity."""
        seen = self.world.traits(concept, scene)
        traits = [values.index(seen[trait]) if trait in seen else -100 for trait, values in self.values.items()]
        return [self.numbers.get(concept.key, len(self.numbers)), *traits]

    def loss(self, features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Sum of the read-outs' mean cross-entropies; features (n, width), labels (n, read-outs)."""
        logits = self.linear(self.norm(features)).float().split(self.sizes, dim=-1)
        terms = [F.cross_entropy(z, y) for z, y in zip(logits, labels.T, strict=True) if (y >= 0).any()]
        return torch.stack(terms).sum()
