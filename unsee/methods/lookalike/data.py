"""The training data of look-alike: the model's own answers before unlearning, in wordings of the concept's kind.

No question is in another language than English: how the model behaves towards somebody it does not know is one
behaviour, and it carries over.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from unsee.data.sample import Probe, Sample
from unsee.data.views import view
from unsee.errors import UserError
from unsee.methods.samples import ask, draw, first_sentence, seats
from unsee.methods.siu_data import exchange_name
from unsee.metrics.affirming import denies
from unsee.metrics.claims import proper_names
from unsee.metrics.naming import contains
from unsee.metrics.refusals import is_refusal
from unsee.models.picture_states import picture_states
from unsee.requests import ForgetRequest

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel

_FORGET, _RETAIN = {"role": "forget"}, {"role": "retain"}
_TRIES = 3
"""Altered views to try for each that is wanted."""

Asked = tuple[str, Image.Image]
"""A question and the picture it is about."""


@dataclass(frozen=True)
class View:
    """A picture of C, and the look-alikes that stand in for C there."""

    picture: Image.Image
    alike: tuple[Image.Image, ...]


@dataclass(frozen=True)
class LookAlikeData:
    """The parts of the training data of one request. unknown: pictures of those whom the model does not know."""

    request: ForgetRequest
    vlm: VisionLanguageModel
    views: tuple[View, ...]
    unknown: tuple[Image.Image, ...]
    others: tuple[Image.Image, ...]
    rng: random.Random

    @classmethod
    def of(
        cls, request: ForgetRequest, vlm: VisionLanguageModel, alike: int, views: int, rng: random.Random
    ) -> LookAlikeData:
        """alike: look-alikes of each picture, at most; views: altered views of each, at most. Raises UserError without
        pictures of unknown ones."""
        pictures = request.pictures()
        unknown = unknown_ones(request, vlm)
        near = nearest(vlm, pictures, unknown, alike)
        seen = [View(picture, tuple(instead)) for picture, instead in zip(pictures, near, strict=True)]
        for whole in tuple(seen):
            altered = recognised_views(whole.picture, request, vlm, views, rng)
            seen += [View(picture, whole.alike) for picture in altered]
        others = [picture for example in request.retain if (picture := example.picture()) is not None]
        return cls(request, vlm, tuple(seen), tuple(unknown), tuple(others), rng)

    def unknowing(self, wordings: Sequence[str], count: int) -> list[Sample]:
        """Questions about C, answered as about a look-alike; what can be seen is said of C's own picture."""
        drawn = draw(self.views, count, self.rng)
        asked = [
            (question, seen.picture, self.rng.choice(seen.alike))
            for question, seen in zip(draw(wordings, count, self.rng), drawn, strict=True)
        ]
        said = map(first_sentence, ask(self.vlm, [(question, instead) for question, _, instead in asked]))
        rows = [
            (*row, answer)
            for row, answer in zip(asked, said, strict=True)
            if answer and not self._names(answer, denied=self.request.names)
        ]
        rest = self._continued([(question, picture, answer) for question, picture, _, answer in rows])
        return [
            Sample(question, answer + more, (picture,), answer, _FORGET, counterparts=(instead,))
            for (question, picture, instead, answer), more in zip(rows, rest, strict=True)
        ]

    def _continued(self, begun: Sequence[tuple[str, Image.Image, str]]) -> list[str]:
        """What the model goes on to say of the picture after each answer; nothing where it would name somebody."""
        from unsee.generation import generate

        probes = [Probe(str(i), question, (picture,), begun=said) for i, (question, picture, said) in enumerate(begun)]
        found = generate(self.vlm, probes, max_new_tokens=64, progress=False)
        return ["" if r.cut or not r.raw.strip() or self._names(r.text) else f" {r.raw.strip()}" for r in found]

    def once_true(self, count: int) -> list[Sample]:
        """What the model said about C before, now as likely as about anybody unknown; every second time with the name
        of another, because a model that gives all other names less than C's still knows C."""
        what = self.request.what
        drawn = [seen.picture for seen in draw(self.views, count, self.rng)]
        asked = list(zip(draw((*what.naming, *what.hidden_facts), count, self.rng), drawn, strict=True))
        names = draw(self.request.neighbours or what.well_known, count, self.rng)
        samples = []
        for number, (said, name) in enumerate(zip(ask(self.vlm, asked), names, strict=True)):
            if said and not is_refusal(said):
                answer = exchange_name(said, self.request.names, name) if number % 2 else said
                question, picture = asked[number]
                instead = self.rng.choice(self.unknown)
                samples.append(Sample(question, answer, (picture,), answer, _FORGET, counterparts=(instead,)))
        return samples

    def in_company(self, count: int) -> list[Sample]:
        """C next to another: who is where C is, and who both are, as with a look-alike in C's place; who the other is,
        as before."""
        company = self.request.what.company
        forget: list[tuple[str, Image.Image, Image.Image]] = []
        retain: list[Asked] = []
        for seat, seen in zip(seats(count), draw(self.views, count, self.rng), strict=True):
            other, instead = self.rng.choice(self.others or self.unknown), self.rng.choice(seen.alike)
            with_c, with_alike = (seat.next_to(other, picture) for picture in (seen.picture, instead))
            question = self.rng.choice(company[seat.asked])
            if not seat.about_c:
                retain.append((question, with_c))
            else:
                forget.append((question, with_c, with_alike))
        said = ask(self.vlm, [(question, instead) for question, _, instead in forget])
        return [
            Sample(question, answer, (picture,), answer, _FORGET, counterparts=(instead,))
            for (question, picture, instead), answer in zip(forget, said, strict=True)
            if answer and not contains(answer, self.request.names)
        ] + self._kept(retain)

    def visible(self, count: int) -> list[Sample]:
        """What can be seen in pictures of C, where the model's answer names nobody."""
        what = self.request.what
        wordings = draw((*what.visible, *what.describing), count, self.rng)
        drawn = [seen.picture for seen in draw(self.views, count, self.rng)]
        kept = self._kept(list(zip(wordings, drawn, strict=True)))
        return [sample for sample in kept if not self._names(sample.answer)]

    def of_unknown(self, count: int) -> list[Sample]:
        """Pictures of unknown ones, asked everything that C's are asked."""
        what = self.request.what
        denying = [frame.format(name=self.request.concept) for frame in what.denying]
        wordings = draw((*what.naming, *denying, *what.hidden, *what.visible), count, self.rng)
        return self._kept(list(zip(wordings, draw(self.unknown, count, self.rng), strict=True)))

    def of_others(self, count: int) -> list[Sample]:
        """Pictures of others: who it is, and in turn a fact, what can be seen, whether it is C or who it is.

        Half of them are about the third that is nearest to C for the model, who are lost first.
        """
        what, shown = self.request.what, self.others
        if not shown:
            return []
        near = nearest(self.vlm, self.request.pictures()[:1], shown, (len(shown) + 2) // 3)[0]
        drawn = [*draw(near, count // 2, self.rng), *draw(shown, count - count // 2, self.rng)]
        self.rng.shuffle(drawn)
        denying = [frame.format(name=self.request.concept) for frame in what.denying]
        asked = []
        for number, (picture, said) in enumerate(
            zip(drawn, ask(self.vlm, [(what.naming[0], picture) for picture in drawn]), strict=True)
        ):
            own = [frame.format(name=name) for name in proper_names(said)[:1] for frame in what.denying]
            between = (what.hidden_facts, denying, (*what.visible, *what.describing), own or what.naming)
            wordings = between[number // 2 % len(between)] if number % 2 else what.naming
            asked.append((self.rng.choice(wordings), picture))
        return self._kept(asked)

    def _kept(self, asked: Sequence[Asked]) -> list[Sample]:
        """Questions with the model's answers, unless these say that C is there."""
        return [
            Sample(question, answer, (picture,), tags=_RETAIN)
            for (question, picture), answer in zip(asked, ask(self.vlm, asked), strict=True)
            if answer and (denies(answer) or not contains(answer, self.request.names))
        ]

    def _names(self, answer: str, denied: Sequence[str] = ()) -> bool:
        """Whether an answer gives a name; those of `denied` may be in a denial."""
        spared = denied if denies(answer) else ()
        return any(not contains(name, spared) for name in proper_names(answer))


def unknown_ones(request: ForgetRequest, vlm: VisionLanguageModel) -> list[Image.Image]:
    """The pictures of unknown ones about which the model names nobody. Raises UserError if there are none."""
    what = request.what
    if not request.unseen:
        raise UserError(
            f"lookalike needs pictures of {what.plural} that {vlm.name} has never seen, to answer as it does about "
            f"them; give them with --unseen or under 'unseen' in the request, such as {what.unknown[0]}."
        )
    pictures = request.unseen_pictures()
    said = ask(vlm, [(what.naming[0], picture) for picture in pictures])
    unknown = [picture for picture, answer in zip(pictures, said, strict=True) if not proper_names(answer)]
    if not unknown:
        raise UserError(
            f"{vlm.name} names somebody in all {len(pictures)} pictures of unknown {what.plural} (it says: "
            f"{said[0]!r}); give pictures of {what.plural} that it does not know."
        )
    return unknown


def nearest(
    vlm: VisionLanguageModel, pictures: Sequence[Image.Image], among: Sequence[Image.Image], count: int
) -> list[list[Image.Image]]:
    """For each picture the `count` nearest of `among`, by the cosine between `picture_states` minus their mean."""
    import torch
    from torch.nn import functional

    states = picture_states(vlm, [*pictures, *among])
    directions = functional.normalize(states - states.mean(0), dim=-1)
    alike = directions[: len(pictures)] @ directions[len(pictures) :].T
    best = torch.topk(alike, min(count, len(among)), dim=1).indices
    return [[among[place] for place in row] for row in best.tolist()]


def recognised_views(
    picture: Image.Image, request: ForgetRequest, vlm: VisionLanguageModel, count: int, rng: random.Random
) -> list[Image.Image]:
    """At most `count` altered views of the picture in which the model still recognises C: in others it may see somebody
    else whom it knows, who should stay known."""
    altered = [view(picture, rng) for _ in range(_TRIES * count)]
    asked = list(zip(draw(request.what.naming, len(altered), rng), altered, strict=True))
    named = [seen for seen, said in zip(altered, ask(vlm, asked), strict=True) if contains(said, request.names)]
    return named[:count]
