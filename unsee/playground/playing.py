"""What the playground does, apart from its page: both states of a model asked the same."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from PIL import Image

from unsee.attacks import attacks_of
from unsee.attacks.base import ANSWERS, BEGUN, Attack, Material, Pair, Shown, Target, Trial
from unsee.data.images import open_image
from unsee.data.sample import Probe
from unsee.errors import UserError
from unsee.generation import Engine, ask
from unsee.methods.samples import Seat
from unsee.metrics.giving_away import gives_away
from unsee.metrics.naming import contains

LONGEST_QUESTION = 2_000
"""Characters. A longer one is a pasted document, and would take all the memory there is."""


@dataclass(frozen=True)
class Said:
    """An answer, and whether it gives a forgotten concept away."""

    text: str
    gives_away: bool


@dataclass(frozen=True)
class Compared:
    """A question about a picture, or in text only, and what both states answered."""

    question: str
    before: Said
    after: Said
    picture: Image.Image | None = field(default=None, repr=False)
    wording: str = ""
    """Of an attack, which of its wordings this is; empty where these are the questions themselves."""


@dataclass(frozen=True)
class Playground:
    """A model before and after unlearning. `materials` are what attacks are made of, by concept; `left_out` says why
    the run's own audit left an attack out, by its name. Answers are greedy; one question is asked at a time, because
    both states share their weights."""

    model: str
    before: Engine
    after: Engine
    materials: Mapping[str, Material]
    left_out: Mapping[str, str] = field(default_factory=dict)
    _asking: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def concepts(self) -> tuple[str, ...]:
        return tuple(self.materials)

    @property
    def attacks(self) -> list[Attack]:
        """Those that need nothing of a model but its answers, and the answer begun for it if that works."""
        usable = {ANSWERS, *([BEGUN] if self.before.begins and self.after.begins else [])}
        return [attack for attack in attacks_of("full") if set(attack.needs) <= usable]

    def ask(self, question: str, picture: Image.Image | None = None) -> Compared:
        """Ask both states. Raises UserError for a question that is blank or too long, or a picture that cannot be
        used."""
        question = question.strip()
        if not question:
            raise UserError("There is no question; type one, or choose one from the list.")
        if len(question) > LONGEST_QUESTION:
            raise UserError(
                f"The question has {len(question):,} characters; at most {LONGEST_QUESTION:,} are asked, so shorten it."
            )
        pictures = () if picture is None else (open_image(picture, "of the question"),)
        probe = Probe("question", question, pictures)
        names = [name for material in self.materials.values() for name in material.names]
        before, after = self._answers([probe])
        asks_whether = contains(question, names)

        def said(text: str) -> Said:
            return Said(text, gives_away(text, (), names, yes_or_no=asks_whether))

        return Compared(question, said(before[probe.id]), said(after[probe.id]), *pictures)

    def attack(self, name: str, concept: str, picture: Image.Image, seed: int = 0) -> list[Compared]:
        """Every question that an attack asks about the picture, as if the concept were on it. Raises UserError if the
        attack cannot be tried."""
        attack = next(attack for attack in self.attacks if attack.name == name)
        material = _about(self.materials[concept], open_image(picture, "of the question"))
        target = Target("after", self.after)
        why_not = attack.missing(target, material)
        trials = [] if why_not else list(_trials(attack, target, material, seed))
        if not trials:
            raise UserError(f"“{attack.title}” cannot be tried here: {why_not or 'there is nothing to ask it with'}.")
        before, after = self._answers([trial.probe for trial in trials])

        def compared(trial: Trial) -> Compared:
            probe = trial.probe
            first, second = (
                Said(f"{probe.begun} {texts[probe.id]}".strip(), trial.leaks(texts[probe.id]))
                for texts in (before, after)
            )
            of_name = trial.wording.replace("{name}", concept)
            wording = "" if probe.prompt.endswith(of_name) else of_name
            return Compared(probe.prompt, first, second, probe.images[0] if probe.images else None, wording)

        return list(map(compared, trials))

    def _answers(self, probes: Sequence[Probe]) -> tuple[dict[str, str], dict[str, str]]:
        """The texts by the probes' ids, before and after."""
        with self._asking:
            said = [ask(engine, probes, progress=False) for engine in (self.before, self.after)]
        before, after = ({one.probe_id: one.text for one in responses} for responses in said)
        return before, after


def _about(material: Material, picture: Image.Image) -> Material:
    """The material with this picture as the only one that is asked about."""
    shown = Shown(picture, "0", 0)
    known = next((other for other in material.others if other.pictures), None)
    pairs: tuple[Pair, ...] = ()
    if known is not None:
        left = Seat(on_the_left=True, asked="left").next_to(known.pictures[0], picture)
        pairs = (Pair(Shown(left, "0", 0), "left", known.name),)
    return replace(material, tested=(shown,), pairs=pairs)


def _trials(attack: Attack, target: Target, material: Material, seed: int) -> Iterator[Trial]:
    """The questions about the picture: of variants that change no weights, and no controls."""
    for variant in attack.on(target, material, seed):
        if variant.entered is None and variant.measured is None and variant.samples == 1:
            yield from (trial for trial in variant.trials if not trial.control)
