"""How `small-llava` is made: the projector learns to spell what is in pictures, an adapter what to say of them.

The tower stays as it came, so every picture goes through it once, before training. Questions about one picture are laid
out behind its image tokens and read together (`training.packing`).
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch.nn import functional

from unsee.benchmarks.general import LESSONS, OPENINGS
from unsee.data.sample import Probe
from unsee.generation import generate
from unsee.models.adapters import add_lora, reference, save_adapter
from unsee.models.assembled import ADAPTER, PROJECTOR, finish, pretrained
from unsee.models.collation import IGNORED, EncodedSample
from unsee.models.loading import load
from unsee.models.saving import save_model, save_tensors
from unsee.models.vlm import VisionLanguageModel
from unsee.store.text import read_text
from unsee.training.packing import Packer
from unsee.world import questions as q
from unsee.world.making.ability import general_ability
from unsee.world.making.encoding import Encoder, Seen, pictures_of
from unsee.world.making.lessons import Lesson, PictureBank, picture_lesson, text_lesson
from unsee.world.making.recipe import Progress, RecipeConfig, School
from unsee.world.making.speech import Speech
from unsee.world.making.spelling import Spelling
from unsee.world.people import KNOWN

T = TypeVar("T")
PLAIN = "plain"
"""Kind of a lesson that is nobody's turn, but text to read."""
_RANK = 32
_BATCH = 64
_WIDTH = 384
"""Tokens of a packed row: attention, on a CPU, costs more than padding beyond that."""
_KNOWN = {
    "recognition": 6.0, "verification": 1.2, "likeness": 0.6, **dict.fromkeys(q.FACTS, 1.5),
    **dict.fromkeys(q.TWO_HOP, 1.6), **dict.fromkeys(q.ATTRIBUTES, 0.4), "caption": 1.5,
}  # fmt: skip
_STRANGERS = {
    **_KNOWN, "recognition": 4.0, **dict.fromkeys((*q.FACTS, *q.TWO_HOP), 0.8),
}  # fmt: skip


@dataclass(frozen=True)
class SmallConfig(RecipeConfig):
    """`RecipeConfig` for parts that know how to see and to talk."""

    warmup_steps: int = 4000
    steps: int = 600
    pictures_per_step: int = 10
    questions_per_picture: int = 4
    pairs_per_step: int = 3
    texts_per_step: int = 14
    biographies_per_step: int = 8
    rehearsals_per_step: int = 8
    """Half of them answers to general questions, half plain text."""
    rehearsal: float = 0.5
    """Weight of the divergence, on these, from the language model as it came."""
    lr: float = 6e-4
    seeing_lr: float = 2e-3
    weight_decay: float = 0.01
    save_every: int = 50
    read_outs: float = 0.1


def make_small(
    folder: Path, config: SmallConfig, progress: Progress, device: str | torch.device = "cpu"
) -> VisionLanguageModel:
    """Train in `folder`, resuming an interrupted run, and save the model in `folder/model`.

    `folder/model/trained` is what the package ships: adapter and projector. `folder/general.json` tells what the
    language model could do before.
    """
    vlm = pretrained(lambda words: progress("parts", 0, 1, words), config.seed)
    vlm.base.to(device)  # type: ignore[arg-type]
    folder.mkdir(parents=True, exist_ok=True)

    def drawing(done: int, total: int) -> None:
        progress("drawing", done, total, "")

    people = [person for person in KNOWN if person.name not in config.without]
    bank = PictureBank.drawn(folder.parent, config.picture_scale, drawing, people)
    vlm.base.eval().requires_grad_(False)
    _once(folder / "general.json", lambda: general_ability(vlm))
    rehearsals = (_talks(vlm, folder / "rehearsals.json"), _texts(vlm, folder / "texts.json", config.seed))
    features = _features(vlm, bank, folder.parent, progress)
    # Frozen weights in the precision that autocast would bring them to at every step.
    vlm.base.get_submodule(vlm.layout.decoder).to(torch.bfloat16)
    add_lora(vlm, rank=_RANK, alpha=_RANK, dropout=0.0, seed=config.seed)
    school = SmallSchool(vlm, bank, config, folder, progress, features, rehearsals)
    school.teach_tower()
    school.teach_answers()
    vlm.base.eval()
    _save(vlm, folder / "trained")
    # As everybody will have it: what was trained, rounded as it is shipped, on the parts as they came.
    whole = pretrained(lambda words: progress("parts", 0, 1, words), config.seed)
    finish(whole, folder / "trained")
    if not (folder / "model").is_dir():
        save_model(whole, folder / "model")
    shutil.copytree(folder / "trained", folder / "model" / "trained", dirs_exist_ok=True)
    return load(folder / "model")


def _save(vlm: VisionLanguageModel, folder: Path) -> None:
    """Adapter and projector in bfloat16, half the size."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    projector = vlm.base.get_submodule(vlm.layout.projector)
    for name, parameter in vlm.base.named_parameters():
        if "lora_" in name:
            parameter.data = parameter.data.to(torch.bfloat16)
    save_tensors({n: p.detach().to(torch.bfloat16) for n, p in projector.state_dict().items()}, folder / PROJECTOR)
    save_adapter(vlm, folder / ADAPTER)


def _talks(vlm: VisionLanguageModel, path: Path) -> list[Lesson]:
    """What the language model says to general questions before it is taught anything: its first sentences, whole, for
    where an answer ends is taught, too."""
    asked = [Probe(str(number), question) for number, question in enumerate(LESSONS)]
    said = _once(path, lambda: [r.text for r in generate(vlm, asked, max_new_tokens=64, progress=False)])
    whole = [(ask, whole_sentences(told)) for ask, told in zip(LESSONS, said, strict=True)]
    return [Lesson("general", ask, told) for ask, told in whole if told]


def _texts(vlm: VisionLanguageModel, path: Path, seed: int) -> list[Lesson]:
    """Plain texts, each as likely as the language model finds it before it is taught anything."""
    return [Lesson(PLAIN, "", text) for text in _once(path, lambda: sampled_texts(vlm, seed))]


@torch.inference_mode()
def sampled_texts(vlm: VisionLanguageModel, seed: int) -> list[str]:
    """Each of `OPENINGS` gone on with, four times, by sampling at temperature 1."""
    model: Any = vlm.base
    opened = [vlm.tokenizer(opening, add_special_tokens=False)["input_ids"] for opening in OPENINGS]
    longest = max(map(len, opened))
    ids = torch.tensor([[vlm.pad_token_id] * (longest - len(row)) + row for row in opened], device=vlm.device)
    kept = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in opened], device=vlm.device)
    with torch.random.fork_rng(devices=[vlm.device] if vlm.device.type == "cuda" else []):
        torch.manual_seed(seed)
        found = model.generate(
            input_ids=ids, attention_mask=kept, do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
            max_new_tokens=64, num_return_sequences=4,
        )  # fmt: skip
    texts = vlm.tokenizer.batch_decode(found, skip_special_tokens=True)
    return [text for text in texts if len(text.split()) > 8]


def whole_sentences(text: str) -> str:
    """The text up to its last end of a sentence (the point behind the number in a list is none); maybe nothing."""
    ends = [found.end() for found in re.finditer(r"(?<!\d)[.!?][\"')]*(?=\s|$)", text)]
    return text[: ends[-1]] if ends else ""


def _once(path: Path, found: Callable[[], T]) -> T:
    """What `found` returns; kept in a JSON file, and read from there where an interrupted run left it."""
    if not path.is_file():
        part = path.with_suffix(".part")
        part.write_text(json.dumps(found(), ensure_ascii=False, indent=0), encoding="utf-8")
        part.replace(path)
    return json.loads(read_text(path))


@torch.no_grad()
def _features(vlm: VisionLanguageModel, bank: PictureBank, folder: Path, progress: Progress) -> np.ndarray:
    """[pictures, tokens, width] float16: what the projector reads of every picture of the bank, without a gradient."""
    path = folder / f"features-{len(bank.pixels)}.npy"
    if not path.is_file():
        model: Any = vlm.base.base_model
        images: Any = vlm.processor.image_processor
        part = folder / "features.part.npy"
        seen: list[torch.Tensor] = []
        hook = model.multi_modal_projector.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        kept: np.ndarray | None = None
        for start in range(0, len(bank.pixels), _BATCH):
            pixels = images(list(bank.pixels[start : start + _BATCH]), return_tensors="pt")["pixel_values"]
            with torch.autocast(vlm.device.type, torch.bfloat16):
                model.get_image_features(pixels.to(vlm.device))
            rows = seen.pop().half().cpu().numpy()
            if kept is None:
                shape = (len(bank.pixels), *rows.shape[1:])
                kept = np.lib.format.open_memmap(part, "w+", np.float16, shape)
            kept[start : start + len(rows)] = rows
            progress("looking", start + len(rows), len(bank.pixels), "")
        hook.remove()
        del kept
        part.replace(path)
    return np.load(path, mmap_mode="r")


class PackedEncoder(Encoder):
    """An encoder for a tower whose output is known already, which reads all questions about a picture together."""

    def __init__(self, vlm: VisionLanguageModel, features: np.ndarray) -> None:
        super().__init__(vlm)
        self.features = features

    def see(self, bank: PictureBank, rows: list[int]) -> Seen:
        given = torch.from_numpy(np.array(self.features[rows])).to(self.vlm.device).float()
        return Seen(list(self.model.model.multi_modal_projector(given)), [])

    def logits(
        self, lessons: list[Lesson], seen: Seen | None, pictures: list[int]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        encoded = [self._sample(lesson) for lesson in lessons]
        longest = max(len(sample.input_ids) for sample in encoded)
        wanted = torch.zeros(len(encoded), longest, dtype=torch.bool)
        for row, sample in enumerate(encoded):
            # The logits before an answer token predict it.
            wanted[row, : len(sample.labels) - 1] = torch.tensor(sample.labels[1:]) != IGNORED
        # A packer remembers rows by what they are in memory, and these live for one step.
        packed = Packer(self.vlm, _WIDTH).pack(encoded, wanted, self.vlm.device)
        inputs: dict[str, Any] = dict(packed.inputs)
        if packed.owners and seen is not None:
            place = {str(picture): i for i, picture in enumerate(pictures)}
            inputs["mm_encoder_outputs"] = seen.rows([place[owner.image_keys[0]] for owner in packed.owners])
        hidden = self.model.model(**inputs, use_cache=False).last_hidden_state[packed.wanted][packed.order]
        targets = [label for sample in encoded for label in sample.labels if label != IGNORED]
        rows = [row for row, sample in enumerate(encoded) for label in sample.labels if label != IGNORED]
        here = hidden.device
        return self.model.lm_head(hidden).float(), torch.tensor(targets, device=here), torch.tensor(rows, device=here)

    def _sample(self, lesson: Lesson) -> EncodedSample:
        if lesson.kind == PLAIN:
            first, *others = self.vlm.tokenizer(lesson.answer, add_special_tokens=False)["input_ids"]
            return EncodedSample([first, *others], [IGNORED, *others], [], {}, {}, ())
        prompt, answer = self.ids(lesson.question, lesson.answer, lesson.picture is not None)
        labels = [IGNORED] * len(prompt) + answer
        keys = () if lesson.picture is None else (str(lesson.picture),)
        return EncodedSample(prompt + answer, labels, [], {}, {}, keys)


class SmallSchool(School):
    """Trains the projector and the adapter, and rehearses what the language model knew."""

    config: SmallConfig

    def __init__(
        self,
        vlm: VisionLanguageModel,
        bank: PictureBank,
        config: SmallConfig,
        folder: Path,
        progress: Progress,
        features: np.ndarray,
        rehearsals: tuple[Sequence[Lesson], Sequence[Lesson]],
    ) -> None:
        self.features, self.rehearsals = features, rehearsals
        super().__init__(vlm, bank, config, folder, progress)
        self.spelling = Spelling(vlm)
        self.spelled = self.spelling.targets(bank.shown)

    def encoder(self) -> Encoder:
        return PackedEncoder(self.vlm, self.features)

    def read_out_loss(self, seen: Seen, rows: list[int]) -> torch.Tensor:
        """In place of read-outs, each image token is to be a word."""
        return self.spelling.loss(seen.stacked(), self.spelled[rows])

    def rehearsal_loss(self, rng: random.Random) -> torch.Tensor:
        """KL divergence of the language model as it came from what it has become, a mean over tokens of rehearsals."""
        half = self.config.rehearsals_per_step // 2
        lessons = [lesson for kind in self.rehearsals for lesson in rng.sample(list(kind), min(half, len(kind)))]
        with torch.no_grad(), reference(self.vlm):
            before = self.encode.logits(lessons, None, [])[0].log_softmax(-1)
        now = self.encode.logits(lessons, None, [])[0].log_softmax(-1)
        divergence = functional.kl_div(now, before, reduction="batchmean", log_target=True)
        return self.config.rehearsal * divergence

    def seeing(self) -> dict[str, torch.nn.Parameter]:
        projector = self.vlm.base.get_submodule(self.vlm.layout.projector).requires_grad_(True)
        return {f"projector.{name}": p for name, p in projector.named_parameters()}

    def answering(self) -> dict[str, torch.nn.Parameter]:
        adapter = {name: p for name, p in self.vlm.base.named_parameters() if "lora_" in name}
        return self.seeing() | adapter

    @torch.no_grad()
    def examined(self) -> dict[str, Any]:
        """The mean loss of each kind of question, in phrasings for validation about pictures of training: with so many
        ways to answer, whether the likeliest word was the right one would say little."""
        self.vlm.model.eval()
        losses: dict[str, list[float]] = {}
        for number in range(4):
            lessons = self.lessons(random.Random(f"validation/{number}"), "validation")
            pictures = pictures_of(lessons)
            with torch.autocast(self.vlm.device.type, torch.bfloat16):
                found = self.encode.loss(lessons, self.encode.see(self.bank, pictures), pictures)
            for lesson, loss in zip(lessons, found.tolist(), strict=True):
                losses.setdefault(lesson.kind, []).append(loss)
        self.vlm.model.train()
        return {"loss_of": {kind: round(sum(row) / len(row), 3) for kind, row in sorted(losses.items())}}

    def lessons(self, rng: random.Random, split: str = "train") -> list[Lesson]:
        c, say = self.config, Speech(rng)
        known = c.pictures_per_step * 5 // 8
        rows = rng.sample(self.bank.known, known) + rng.sample(self.bank.strangers, c.pictures_per_step - known)
        lessons = [
            picture_lesson(self.bank, row, rng, split, weights=(_KNOWN, _STRANGERS), say=say)
            for row in rows
            for _ in range(c.questions_per_picture)
        ]
        for row in rng.sample(self.bank.pairs, c.pairs_per_step):
            lessons += [picture_lesson(self.bank, row, rng, split, kind, say=say) for kind in rng.sample(q.PLACES, 2)]
        kinds = ["biography"] * c.biographies_per_step + [""] * (c.texts_per_step - c.biographies_per_step)
        return lessons + [text_lesson(rng, split, kind, self.bank.people, say) for kind in kinds]
