"""One question of an attack, and what a variant of it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from PIL import Image

from unsee.data.sample import Probe
from unsee.metrics import Score
from unsee.metrics.giving_away import gives_away


@dataclass(frozen=True)
class Trial:
    """One question of an attack. `secret` are the words that give the concept away in the answer, `names` the names
    that do. `unit` is what the answer counts for in intervals, `wording` what it is grouped by to find the worst.

    `yes_or_no`: the question holds the name itself, so only an answer that confirms it counts. `control`: asked in the
    same wording about a known other, whose `names` should come, to see whether the model can do this at all.
    """

    probe: Probe
    unit: str
    wording: str
    secret: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    yes_or_no: bool = False
    control: bool = False

    def leaks(self, answer: str) -> bool:
        """Whether the answer gives the concept away (`unsee.metrics.gives_away`)."""
        return gives_away(self.probe.begun + " " + answer if self.probe.begun else answer, self.secret, self.names,
                          yes_or_no=self.yes_or_no)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What one variant of an attack found in one state.

    score: in `unit`; for answers the percent that leak. wordings: the same for each wording. worst: the question and
    the answer that show it best, with the number of the picture. controls: for wordings with controls, the percent of
    known others that are named. further: other figures, by their names; those that end in "%" are percentages.
    scores: other scores, by names of the attack's. picture: what was shown for the worst answer, if it is no picture of
    the trials.
    """

    score: Score
    wordings: Mapping[str, float] = field(default_factory=dict)
    worst: Worst | None = None
    controls: Mapping[str, float] = field(default_factory=dict)
    further: Mapping[str, float] = field(default_factory=dict)
    scores: Mapping[str, Score] = field(default_factory=dict)
    picture: Image.Image | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Worst:
    """An answer to look at."""

    question: str
    answer: str
    picture: int | None = None
    leaks: bool = True
