"""Membership inference: is the name likelier under the concept's pictures than under those of strangers?

LOSS, zlib and reference ratio as in Carlini et al. (arXiv 2012.07805), Min-K % (2310.16789), Min-K %++ (2404.02936).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from PIL import Image

from unsee.attacks.base import HIDDEN, LOGPROBS, Attack, Found, Material, Target, Trial, Variant, trial_id
from unsee.data.sample import Probe, Sample
from unsee.generation import Engine
from unsee.metrics.likelihood import min_k
from unsee.metrics.membership import (
    auroc,
    auroc_score,
    false_positive_rate,
    indistinguishable,
    loss,
    min_k_plus_plus,
    privleak,
    reference_ratio,
    true_positive_rate,
    zlib_ratio,
)

LOSS, ZLIB, REFERENCE, MIN_20, MIN_40, MIN_PLUS = (
    "LOSS",
    "zlib",
    "reference",
    "Min-K 20 %",
    "Min-K 40 %",
    "Min-K++ 20 %",
)
# What `further` calls its figures, as the page shows them.
ALIKE = "looks like a stranger (1 − 2 |AUROC − ½|), %"
FALSE = "strangers taken for it where 95 % of its pictures are recognised, %"
TRUE = "its pictures recognised where 5 % of strangers are taken for it, %"
PRIVLEAK = "PrivLeak (0: as on the floor; below: still known; above: shunned), %"
STATISTICS = (LOSS, ZLIB, REFERENCE, MIN_20, MIN_40, MIN_PLUS)


class Membership(Attack):
    """AUROC in percent of the answer "This is NAME." to naming questions: the tested pictures against pictures of
    strangers, under the same name. A variant is a statistic, a wording a question. All texts are equally long when
    compressed, so zlib agrees with LOSS here.

    One half of the strangers cannot be told from the other, so their floor is near 50; an oracle has a floor of its
    own, because a face may resemble somebody whom it knows. The reference of the ratio is the model itself, asked
    without a picture: a model that never saw the members is the floor, and not at hand here. An AUROC far below the
    floor does not bring the name back, but it betrays who was forgotten: `further` has 1 - 2 |AUROC - ½|, which is 100
    where nothing shows, and PrivLeak (arXiv 2407.06460), whose reference is the floor.
    """

    name = "membership"
    version = 1
    title = "How likely the name is (membership inference, AUROC)"
    came_back = "the likelihood of the name was compared with that for strangers"
    needs = (LOGPROBS,)
    source = "2310.16789"

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        members, others = members_and_others(material)
        if min(len(members), len(others)) < 2:
            return
        read = _Read(material, members, others, whole=target.has(HIDDEN))
        for statistic in STATISTICS:
            if statistic != MIN_PLUS or read.whole:
                yield Variant(statistic, read.trials(self.name, statistic), measured=partial(read.found, statistic))

    def beside_floor(self, found: Found, floor: Found) -> Mapping[str, float]:
        leak = privleak(found.score.value / 100, floor.score.value / 100)
        return {PRIVLEAK: leak} if math.isfinite(leak) else {}


Pictures = Sequence[tuple[str, Image.Image]]
"""(unit, picture) of each."""


def members_and_others(material: Material) -> tuple[Pictures, Pictures]:
    """The tested pictures, and those of strangers, who look like the concept where such are known.

    In the concept's place every other stranger counts as a member: the two halves differ in nothing but chance.
    """
    strangers = [(f"stranger {i}", picture) for i, picture in enumerate(material.look_alikes or material.strangers)]
    if material.is_floor:
        return strangers[::2], strangers[1::2]
    return [(shown.unit, shown.picture) for shown in material.tested], strangers


@dataclass
class _Read:
    """The values of every statistic, read once for all variants."""

    material: Material
    members: Pictures
    others: Pictures
    whole: bool
    """Whether the log-probabilities of the whole vocabulary can be had."""
    _tables: dict[int, dict[str, list[list[float]]]] = field(default_factory=dict)

    @property
    def answer(self) -> str:
        return self.material.kind.naming_answers[0].format(name=self.material.name)

    def trials(self, attack: str, statistic: str) -> list[Trial]:
        """What is read, though it is never asked."""
        return [
            Trial(Probe(trial_id(attack, statistic, unit, i, place), question, (picture,), begun=self.answer), unit, "")
            for place, question in enumerate(self.material.wordings.naming)
            for i, (unit, picture) in enumerate([*self.members, *self.others])
        ]

    def found(self, statistic: str, engine: Engine) -> Found:
        """The AUROC of a statistic, and what else the values say."""
        questions = self.material.wordings.naming
        if id(engine) not in self._tables:
            self._tables[id(engine)] = self._table(engine)
        rows = self._tables[id(engine)][statistic]
        inside, outside = rows[: len(self.members)], rows[len(self.members) :]
        score = auroc_score(
            [value for row in inside for value in row],
            [value for row in outside for value in row],
            units=[unit for unit, _ in self.members for _ in questions],
            other_units=[unit for unit, _ in self.others for _ in questions],
        )
        by_question = {
            question: 100 * auroc([row[i] for row in inside], [row[i] for row in outside])
            for i, question in enumerate(questions)
        }
        means = tuple([sum(row) / len(row) for row in part] for part in (inside, outside))
        return Found(
            score,
            by_question,
            further={
                ALIKE: 100 * indistinguishable(score.value / 100),
                FALSE: 100 * false_positive_rate(means[0], means[1]),
                TRUE: 100 * true_positive_rate(means[0], means[1]),
            },
        )

    def _table(self, engine: Engine) -> dict[str, list[list[float]]]:
        """By statistic, for each picture the value of each question; higher for members."""
        questions, answer = self.material.wordings.naming, self.answer
        blind = [read.logprobs for read in engine.read([Sample(question, answer) for question in questions])]
        table: dict[str, list[list[float]]] = {statistic: [] for statistic in STATISTICS}
        # One picture at a time: the whole vocabulary in every place is large.
        for _, picture in [*self.members, *self.others]:
            samples = [Sample(question, answer, (picture,)) for question in questions]
            rows = [read.logprobs for read in engine.read(samples)]
            plain: dict[str, Callable[[tuple[float, ...]], float]] = {
                LOSS: lambda row: -loss(row),
                ZLIB: lambda row: -zlib_ratio(row, answer),
                MIN_20: lambda row: min_k(row, 20),
                MIN_40: lambda row: min_k(row, 40),
            }
            for statistic, value in plain.items():
                table[statistic].append([value(row) for row in rows])
            table[REFERENCE].append([-reference_ratio(row, other) for row, other in zip(rows, blind, strict=True)])
            if self.whole:
                spread = engine.distributions(samples)
                table[MIN_PLUS].append(
                    [min_k_plus_plus(row, other.numpy()) for row, other in zip(rows, spread, strict=True)]
                )
        return table
