"""The training data of look-alike: all of it the model's own answers before unlearning."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from unsee.data.sample import Probe, Sample
from unsee.data.views import side_by_side, view
from unsee.errors import UserError
from unsee.methods.siu_data import exchange_name
from unsee.methods.samples import ask, draw, facts_of_others, first_sentence, text_facts
from unsee.metrics.affirming import denies
from unsee.metrics.claims import claimed, proper_names
from unsee.metrics.naming import contains
from unsee.metrics.refusals import is_refusal
from unsee.requests import ForgetRequest

if TYPE_CHECKING:
    from unsee.methods.lookalike import LookAlikeConfig
    from unsee.models.vlm import VisionLanguageModel

_FORGET, _RETAIN = {"role": "forget"}, {"role": "retain"}
_TRIES = 3
Asked = tuple[str, Image.Image]


def training_data(
    request: ForgetRequest, vlm: VisionLanguageModel, config: LookAlikeConfig, rng: random.Random
) -> list[Sample]:
    """All samples of one request. Raises UserError without pictures of unknown ones."""
    unknown = unknown_ones(request, vlm)
    pictures = request.pictures()
    alike = nearest(vlm, pictures, unknown, config.lookalikes)
    shown = [(p, near) for p, near in zip(pictures, alike, strict=True)]
    shown += [(seen, near) for p, near in shown for seen in recognised_views(p, request, vlm, config.views, rng)]
    data = _Data(request, vlm, shown, unknown, rng)
    found = [
        *data.refused(request.what.naming, config.naming),
        *data.refused([q.format(name=request.concept) for q in request.what.denying], config.denying),
        *data.refused(request.what.hidden, config.hidden),
        *data.true(config.true),
        *data.visible(config.visible),
        *data.of_unknown(unknown, config.strangers),
        *data.of_others(config.others),
        *text_facts(request, vlm, config.facts - config.facts // 2, rng),
        *facts_of_others(request, vlm, config.facts // 2, rng),
    ]
    if config.company:
        beside = [example.picture() for example in request.retain if example.image is not None] or unknown
        found += data.company([p for p in beside if p is not None], config.company)
    return found


def recognised_views(
    picture: Image.Image, request: ForgetRequest, vlm: VisionLanguageModel, count: int, rng: random.Random
) -> list[Image.Image]:
    """At most `count` altered views of the picture in which the model still recognises C: in the others it may see
    somebody else whom it knows, who should stay known."""
    altered = [view(picture, rng) for _ in range(_TRIES * count)]
    asked = list(zip(draw(request.what.naming, len(altered), rng), altered, strict=True))
    named = [seen for seen, said in zip(altered, ask(vlm, asked), strict=True) if contains(said, request.names)]
    return named[:count]


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
    unknown = [picture for picture, answer in zip(pictures, said, strict=True) if not _names(answer)]
    if not unknown:
        raise UserError(
            f"{vlm.name} names somebody in all {len(pictures)} pictures of unknown {what.plural} (it says: "
            f"{said[0]!r}); give pictures that it does not know."
        )
    return unknown


def nearest(
    vlm: VisionLanguageModel, pictures: Sequence[Image.Image], unknown: Sequence[Image.Image], count: int
) -> list[list[Image.Image]]:
    """For each picture the `count` of `unknown` that are nearest: by the cosine between the mean residual streams over
    the tokens of the picture, after the middle layer, minus the mean of all."""
    import torch
    from torch.nn import functional

    states = _picture_states(vlm, [*pictures, *unknown])
    states = functional.normalize(states - states.mean(0), dim=-1)
    own, others = states[: len(pictures)], states[len(pictures) :]
    best = torch.topk(own @ others.T, min(count, len(unknown)), dim=1).indices
    return [[unknown[i] for i in row] for row in best.tolist()]


def _picture_states(vlm: VisionLanguageModel, pictures: Sequence[Image.Image]):
    import torch

    from unsee.data.sample import user_turn
    from unsee.models.collation import collate, EncodedSample
    from unsee.models.vision_cache import VisionCache
    from unsee.models.vlm import evaluating

    prompts = vlm.encode_prompt([([user_turn("?", 1)], (picture,)) for picture in pictures])
    rows = [
        EncodedSample(p.input_ids, [-100] * len(p.input_ids), [0.0] * len(p.input_ids), p.extras, p.pixels, p.image_keys)
        for p in prompts
    ]
    cache, layer = VisionCache(vlm), vlm.decoder_layers[len(vlm.decoder_layers) // 2]
    found, seen = [], []
    handle = layer.register_forward_hook(
        lambda module, inputs, output: seen.append(output if isinstance(output, torch.Tensor) else output[0])
    )
    try:
        for start in range(0, len(rows), 16):
            chunk = rows[start : start + 16]
            batch = collate(chunk, vlm.pad_token_id)
            names = ["input_ids", "attention_mask", *chunk[0].extras]
            with evaluating(vlm), torch.inference_mode():
                seen.clear()
                vlm.model(**{n: batch[n].to(vlm.device) for n in names}, **cache.inputs(chunk), use_cache=False)
            ids = batch["input_ids"]
            on_picture = torch.isin(ids, torch.tensor(sorted(vlm.layout.image_token_ids)))
            for state, mask in zip(seen[0].float().cpu(), on_picture, strict=True):
                found.append(state[mask].mean(0))
    finally:
        handle.remove()
    return torch.stack(found).clone()


@dataclass(frozen=True)
class _Data:
    request: ForgetRequest
    vlm: VisionLanguageModel
    shown: Sequence[tuple[Image.Image, Sequence[Image.Image]]]
    unknown: Sequence[Image.Image]
    rng: random.Random

    def refused(self, wordings: Sequence[str], count: int) -> list[Sample]:
        """Questions about views of C, answered as about a look-alike; what can be seen is said of the view itself."""
        drawn = draw(self.shown, count, self.rng)
        pairs = [(seen, self.rng.choice(near)) for seen, near in drawn]
        questions = draw(wordings, count, self.rng)
        said = ask(self.vlm, [(q, instead) for q, (_, instead) in zip(questions, pairs, strict=True)])
        rows = []
        for question, (seen, instead), answer in zip(questions, pairs, said, strict=True):
            answer = first_sentence(answer)
            if answer and not _names(answer, but=self.request.names if denies(answer) else ()):
                rows.append((question, seen, instead, answer))
        more = self._continued([(question, seen, answer) for question, seen, _, answer in rows])
        return [
            Sample(question, answer + rest, (seen,), answer, _FORGET, counterparts=(instead,))
            for (question, seen, instead, answer), rest in zip(rows, more, strict=True)
        ]

    def _continued(self, begun: Sequence[tuple[str, Image.Image, str]]) -> list[str]:
        """What the model says of the picture itself after it has refused; "" where it would name somebody."""
        from unsee.generation import generate

        probes = [Probe(str(i), q, (seen,), begun=answer) for i, (q, seen, answer) in enumerate(begun)]
        said = generate(self.vlm, probes, max_new_tokens=64, progress=False)
        return ["" if _names(r.text) or r.cut or not r.raw.strip() else f" {r.raw.strip()}" for r in said]

    def true(self, count: int) -> list[Sample]:
        """What the model said before about views of C, to become as unlikely as it is about a look-alike."""
        what = self.request.what
        drawn = draw(self.shown, count, self.rng)
        asked = [(q, seen) for q, (seen, _) in zip(draw([*what.naming, *what.hidden[2:4]], count, self.rng), drawn)]
        said = ask(self.vlm, asked)
        # Every second one with another's name: a model that gives all other names less than C's still knows C.
        names = draw(self.request.neighbours or what.well_known, count, self.rng)
        said = [
            exchange_name(answer, self.request.names, name) if n % 2 else answer
            for n, (answer, name) in enumerate(zip(said, names, strict=True))
        ]
        return [
            Sample(q, answer, (seen,), answer, _FORGET, counterparts=(self.rng.choice(self.unknown),))
            for (q, seen), answer in zip(asked, said, strict=True)
            if answer and not is_refusal(answer)
        ]

    def visible(self, count: int) -> list[Sample]:
        """What can be seen in views of C, where the model's answer names nobody."""
        what = self.request.what
        asked = [(q, seen) for q, (seen, _) in zip(draw([*what.visible, *what.describing], count, self.rng), draw(self.shown, count, self.rng))]
        return self._kept(asked)

    def of_unknown(self, unknown: Sequence[Image.Image], count: int) -> list[Sample]:
        what = self.request.what
        named = [q.format(name=self.request.concept) for q in what.denying]
        wordings = draw([*what.naming, *named, *what.hidden, *what.visible], count, self.rng)
        return self._kept([*zip(wordings, draw(unknown, count, self.rng), strict=True)], names=True)

    def of_others(self, count: int) -> list[Sample]:
        """Pictures of others in `request.retain`: who it is, whether it is C or itself, facts, what can be seen."""
        what = self.request.what
        shown = [picture for e in self.request.retain if (picture := e.picture()) is not None]
        if not shown or not count:
            return []
        # Who is near to C is lost first: half of the samples are about the nearest third.
        near = nearest(self.vlm, self.request.pictures()[:1], shown, (len(shown) + 2) // 3)[0]
        drawn = [*draw(near, count // 2, self.rng), *draw(shown, count - count // 2, self.rng)]
        self.rng.shuffle(drawn)
        said = ask(self.vlm, [(what.naming[0], picture) for picture in drawn])
        other = [q.format(name=self.request.concept) for q in what.denying]
        asked = []
        for n, (picture, answer) in enumerate(zip(drawn, said, strict=True)):
            names = proper_names(answer)
            own = [q.format(name=names[0]) for q in what.denying] if names else what.naming
            kinds = (what.naming, what.naming, what.hidden[2:], what.naming, other, what.naming, (*what.visible, *what.describing), own)
            asked.append((self.rng.choice(kinds[n % len(kinds)]), picture))
        return [s for s in self._kept(asked, names=True) if not contains(s.answer, self.request.names) or denies(s.answer)]

    def company(self, beside: Sequence[Image.Image], count: int) -> list[Sample]:
        """C next to somebody else: who is where C is, and who both are, as with a look-alike in C's place; and who the
        other one is, as before."""
        what = self.request.what
        forget, retain = [], []
        for n, (seen, near) in enumerate(draw(self.shown, count, self.rng)):
            other, instead = self.rng.choice(beside), self.rng.choice(near)
            sides = ("left", "right") if n % 2 else ("right", "left")
            with_c, with_s = (side_by_side(*((x, other) if n % 2 else (other, x))) for x in (seen, instead))
            place = (sides[0], sides[1], "both", sides[1])[n // 2 % 4]
            question = self.rng.choice(what.company[place])
            if place == sides[1]:
                retain.append((question, with_c))
            else:
                forget.append((question, with_c, with_s))
        said = ask(self.vlm, [(question, instead) for question, _, instead in forget])
        samples = [
            Sample(question, answer, (picture,), answer, _FORGET, counterparts=(instead,))
            for (question, picture, instead), answer in zip(forget, said, strict=True)
            if answer and not contains(answer, self.request.names)
        ]
        kept = self._kept(retain, names=True)
        return samples + [sample for sample in kept if not contains(sample.answer, self.request.names)]

    def _kept(self, asked: Sequence[Asked], names: bool = False) -> list[Sample]:
        said = ask(self.vlm, asked)
        return [
            Sample(q, answer, (picture,), tags=_RETAIN)
            for (q, picture), answer in zip(asked, said, strict=True)
            if answer and (names or not _names(answer))
        ]


def _names(answer: str, but: Sequence[str] = ()) -> bool:
    """Whether an answer gives a name, except for those of `but`."""
    return any(not contains(name, but) if but else True for name in proper_names(answer))
