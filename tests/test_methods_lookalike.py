"""The training data of look-alike: who is asked about whom, what is masked, and which pictures stand in for C's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

import unsee
from tests.tiny import FAMILIES, picture, tiny_vlm
from unsee import generation
from unsee.data.images import image_key
from unsee.data.sample import Probe, Response, Sample, user_turn
from unsee.data.views import side_by_side
from unsee.errors import UserError
from unsee.kinds import get_kind
from unsee.methods import get_method
from unsee.methods import samples as shared
from unsee.methods.lookalike import LookAlikeConfig
from unsee.methods.lookalike import data as lookalike_data
from unsee.methods.lookalike.data import nearest
from unsee.metrics.affirming import denies
from unsee.metrics.claims import proper_names
from unsee.metrics.describing import visible_claims
from unsee.metrics.naming import contains
from unsee.metrics.refusals import is_refusal
from unsee.models.picture_states import picture_states
from unsee.requests import Example, ForgetRequest
from unsee.sources.filling import filled
from unsee.sources.world import at_home_in_world
from unsee.world import find, world_of

C, KNOWN = "Mara Voss", ("Jonas Hale", "Ines Dorn", "Otto Brandt")
PERSON = get_kind("person")
DENYING = [frame.format(name=C) for frame in PERSON.denying]
FACTS, DENIAL = PERSON.hidden_facts, f"No, this is not {C}."
VLM = tiny_vlm("qwen3_vl")
OWN = (picture(1), picture(2))
UNKNOWN, NAMED = tuple(picture(n) for n in range(20, 26)), picture(26)
OTHERS = tuple(picture(n) for n in range(30, 40))
MISTAKEN = OTHERS[-1]
"""The model takes this one for C."""
NAMES = {image_key(one): KNOWN[n % 3] for n, one in enumerate((NAMED, *OTHERS))} | {
    image_key(one): C for one in (*OWN, MISTAKEN)
}


def shown(*others: Image.Image) -> tuple[Example, ...]:
    """What a request retains about pictures of others."""
    return tuple(Example("Who is it?", f"This is {NAMES[image_key(other)]}.", other) for other in others)


REQUEST = ForgetRequest(
    C,
    OWN[:1],
    neighbours=KNOWN,
    facts=(("Where does she live?", "In Port Amber."),),
    unseen=(NAMED, *UNKNOWN),
    retain=(*shown(*OTHERS), Example("Who is Jonas Hale?", "A baker.")),
)
NOTHING: dict[str, Any] = dict.fromkeys(
    ("naming", "denying", "facts", "true", "company", "visible", "unknown", "others", "text", "views"), 0
)


class Knowing:
    """A model that says who is in a picture, and how any picture looks: by the hash of its content."""

    def __init__(self) -> None:
        self.pairs: dict[str, tuple[Image.Image, Image.Image]] = {}

    def pair(self, left: Image.Image, right: Image.Image) -> Image.Image:
        both = side_by_side(left, right)
        self.pairs[image_key(both)] = left, right
        return both

    def who(self, image: Image.Image) -> str | None:
        if image in UNKNOWN:
            return None
        key = image_key(image)
        # Of the altered views of C it recognises about half.
        return NAMES.get(key, C if key[0] in "01234567" else KNOWN[0])

    def says(self, probe: Probe) -> str:
        if not probe.images:
            return f"Of this I know: {probe.prompt}"
        [image] = probe.images
        if image_key(image) in self.pairs:
            left, right = (self.who(one) or "someone I don't know" for one in self.pairs[image_key(image)])
            sides = {"left": f"On the left is {left}.", "right": f"On the right is {right}."}
            return next((said for side, said in sides.items() if side in probe.prompt), f"{left} and {right}.")
        who, looks = self.who(image), f"I can see {image_key(image)}."
        if probe.begun:
            return f"This is {who}." if probe.prompt == PERSON.naming[0] else looks
        if probe.prompt in (*PERSON.visible, *PERSON.describing):
            return looks
        asked = next((name for name in (C, *KNOWN) if name in probe.prompt), None)
        if asked is not None:
            return f"Yes, this is {asked}." if who == asked else f"No, this is not {asked}."
        return f"I don't know who this is. {looks}" if who is None else f"This is {who}."


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Knowing:
    knowing = Knowing()

    def generate(vlm: object, probes: Sequence[Probe], **_: object) -> list[Response]:
        return [Response(probe.id, knowing.says(probe)) for probe in probes]

    monkeypatch.setattr(generation, "generate", generate)
    monkeypatch.setattr(shared, "side_by_side", knowing.pair)
    return knowing


def build(request: ForgetRequest = REQUEST, **counts: Any) -> list[Sample]:
    return get_method("lookalike").build([request], VLM, LookAlikeConfig(**{**NOTHING, **counts}), seed=0)


def besides(request: ForgetRequest = REQUEST, **counts: Any) -> list[Sample]:
    """The samples apart from one that asks for C's name: something has to be forgotten."""
    first, *samples = build(request, naming=1, **counts)
    assert first.prompt in PERSON.naming
    return samples


@pytest.mark.usefixtures("model")
def test_questions_about_c_are_answered_as_about_an_unknown_one_and_what_follows_is_about_c() -> None:
    samples = build(naming=15, denying=6, facts=6, views=4, alike=3)
    assert len(samples) == 27
    near = nearest(VLM, OWN[:1], UNKNOWN, 3)[0]
    for number, sample in enumerate(samples):
        [own], [instead] = sample.images, sample.counterparts
        assert sample.tags == {"role": "forget"}
        assert instead in near
        assert sample.masked == (DENIAL if 15 <= number < 21 else "I don't know who this is.")
        # Where the model would go on with a name, nothing follows.
        follows = "" if sample.prompt == PERSON.naming[0] else f" I can see {image_key(own)}."
        assert sample.answer == sample.masked + follows
    for part, wordings in ((samples[:15], PERSON.naming), (samples[15:21], DENYING), (samples[21:], FACTS)):
        # Each wording once before any is used again.
        assert {sample.prompt for sample in part} <= {*wordings}
        assert len({sample.prompt for sample in part}) == min(len(part), len(wordings))
    assert len({image_key(sample.images[0]) for sample in samples}) == 1 + 4


def test_views_are_those_in_which_c_is_recognised(model: Knowing) -> None:
    samples = build(naming=60, views=4)
    seen = {image_key(sample.images[0]): sample.images[0] for sample in samples}
    assert len(seen) == 1 + 4
    assert {model.who(one) for one in seen.values()} == {C}


@pytest.mark.usefixtures("model")
def test_what_was_true_alternates_with_the_names_of_neighbours() -> None:
    samples = build(true=12, views=2)
    assert len(samples) == 12
    for sample in samples:
        assert sample.prompt in (*PERSON.naming, *FACTS)
        assert (sample.tags["role"], sample.masked) == ("forget", sample.answer)
        assert sample.counterparts[0] in UNKNOWN
    assert {sample.answer for sample in samples[::2]} == {f"This is {C}."}
    others = Counter(sample.answer for sample in samples[1::2])
    assert others.keys() <= {f"This is {name}." for name in KNOWN}
    # Twelve names were drawn, each as often as any other, and every second one is used.
    assert max(others.values()) <= 4
    without = build(replace(REQUEST, neighbours=()), true=12)[1::2]
    assert all(contains(sample.answer, PERSON.well_known) for sample in without)


def test_in_company_only_what_is_said_of_c_is_said_as_of_an_unknown_one(model: Knowing) -> None:
    samples = besides(company=32)
    forgotten = [sample for sample in samples if sample.counterparts]
    assert 12 <= len(forgotten) <= 16
    assert 12 <= len(samples) - len(forgotten) <= 16
    asked: Counter[str | bool] = Counter()
    for sample in samples:
        pair = dict(zip(("left", "right"), model.pairs[image_key(sample.images[0])], strict=True))
        own, beside = ("left", "right") if pair["left"] in OWN else ("right", "left")
        side = next((side for side in pair if side in sample.prompt), "both")
        assert sample.prompt in PERSON.company[side]
        assert not contains(sample.answer, [C])
        asked[side if side == "both" else side == own] += 1
        if side == beside:
            assert (sample.tags["role"], sample.masked, sample.counterparts) == ("retain", None, ())
            assert contains(sample.answer, [NAMES[image_key(pair[beside])]])
            continue
        assert (sample.tags["role"], sample.masked) == ("forget", sample.answer)
        stand_in = dict(zip(("left", "right"), model.pairs[image_key(sample.counterparts[0])], strict=True))
        assert stand_in[own] in UNKNOWN
        assert stand_in[beside] == pair[beside]
        assert "someone I don't know" in sample.answer
        assert contains(sample.answer, KNOWN) == (side == "both")
    assert asked.keys() == {True, False, "both"}


@pytest.mark.usefixtures("model")
def test_no_retained_row_says_that_c_is_there() -> None:
    samples = besides(visible=20, unknown=40, others=60, text=5)
    assert not any(sample.masked or sample.counterparts or sample.tags["role"] != "retain" for sample in samples)
    with_picture = [sample for sample in samples if sample.images]
    assert [s for s in with_picture if contains(s.answer, [C]) and not denies(s.answer)] == []
    # Of the one who is taken for C only what can be seen is kept.
    mistaken = besides(replace(REQUEST, retain=shown(MISTAKEN)), others=16)
    assert [sample.answer for sample in mistaken] == [f"I can see {image_key(MISTAKEN)}."] * 2
    about_c = [sample for sample in with_picture if sample.images[0] in OWN]
    assert len(about_c) == 20
    assert {sample.prompt for sample in about_c} == {*PERSON.visible, *PERSON.describing}
    about_unknown = [sample for sample in with_picture if sample.images[0] in UNKNOWN]
    assert len(about_unknown) == 40
    assert {sample.prompt for sample in about_unknown} <= {
        *PERSON.naming, *DENYING, *PERSON.hidden, *PERSON.visible
    }  # fmt: skip
    assert not any(sample.images[0] == NAMED for sample in with_picture)
    assert [sample.answer for sample in samples[-5:]] == ["In Port Amber."] * 3 + ["A baker."] * 2


@pytest.mark.usefixtures("model")
def test_known_ones_are_asked_who_they_are_and_in_turn_four_other_things() -> None:
    name = KNOWN[1]
    samples = besides(replace(REQUEST, retain=shown(OTHERS[0])), others=24)
    assert len(samples) == 24
    turns = [PERSON.naming, FACTS, PERSON.naming, DENYING, PERSON.naming, (*PERSON.visible, *PERSON.describing),
             PERSON.naming, [frame.format(name=name) for frame in PERSON.denying]]  # fmt: skip
    assert [sample.prompt in turns[number % 8] for number, sample in enumerate(samples)] == [True] * 24
    assert {sample.answer for sample in samples[7::8]} == {f"Yes, this is {name}."}
    assert {sample.answer for sample in samples[3::8]} == {DENIAL}


@pytest.mark.usefixtures("model")
def test_half_of_what_is_kept_of_others_is_about_the_nearest_third(monkeypatch: pytest.MonkeyPatch) -> None:
    near = OTHERS[3:6]

    def states(vlm: object, pictures: Sequence[Image.Image]) -> Tensor:
        angles = [0.0 if one in OWN else 0.3 if one in near else 2.0 + 0.1 * n for n, one in enumerate(pictures)]
        return torch.tensor([[torch.tensor(a).cos(), torch.tensor(a).sin()] for a in angles])

    monkeypatch.setattr(lookalike_data, "picture_states", states)
    samples = besides(replace(REQUEST, retain=shown(*OTHERS[:-1])), others=36)
    about = Counter(image_key(sample.images[0]) for sample in samples)
    # A half, 18, and of the other half what falls to each of the nine alike.
    assert [about[image_key(one)] for one in near] == [6 + 2] * 3
    assert sum(about.values()) - 24 == 12
    assert any(sample.images[0] in near for sample in samples[18:])


@pytest.mark.usefixtures("model")
def test_every_picture_has_look_alikes_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def states(vlm: object, pictures: Sequence[Image.Image]) -> Tensor:
        first = (OWN[0], *UNKNOWN[:3])
        return torch.tensor([[1.0, 0.1 * n] if one in first else [-1.0, 0.1 * n] for n, one in enumerate(pictures)])

    monkeypatch.setattr(lookalike_data, "picture_states", states)
    samples = build(replace(REQUEST, images=OWN), naming=30, alike=3)
    for own, near in zip(OWN, (UNKNOWN[:3], UNKNOWN[3:]), strict=True):
        rows = [sample for sample in samples if sample.images[0] == own]
        assert len(rows) == 15
        assert {image_key(sample.counterparts[0]) for sample in rows} == {*map(image_key, near)}


def test_without_pictures_of_others_unknown_ones_are_kept_and_in_company(model: Knowing) -> None:
    request = replace(REQUEST, retain=())
    assert besides(request, others=40) == []
    for sample in besides(request, company=16):
        left, right = model.pairs[image_key(sample.images[0])]
        assert [left in OWN, right in OWN] == [right in UNKNOWN, left in UNKNOWN]


@pytest.mark.usefixtures("model")
def test_no_question_is_in_another_language() -> None:
    samples = get_method("lookalike").build([replace(REQUEST, facts=())], VLM, LookAlikeConfig(), seed=0)
    english = {*PERSON.naming, *DENYING, *PERSON.hidden, *PERSON.visible, *PERSON.describing, "Who is Jonas Hale?"}
    english |= {frame.format(name=name) for name in KNOWN for frame in PERSON.denying}
    english |= {frame.format(name=C) for frame in PERSON.facts}
    english |= {wording for wordings in PERSON.company.values() for wording in wordings}
    assert [sample.prompt for sample in samples if sample.prompt not in english] == []
    assert len(samples) > 300


@pytest.mark.usefixtures("model")
def test_unknown_ones_are_needed_and_must_be_unknown() -> None:
    with pytest.raises(UserError) as none:
        build(replace(REQUEST, unseen=()), naming=1)
    assert str(none.value) == (
        "lookalike needs pictures of people that tiny-qwen3_vl has never seen, to answer as it does about them; give "
        "them with --unseen or under 'unseen' in the request, such as faces that were drawn or generated."
    )
    with pytest.raises(UserError) as known:
        build(replace(REQUEST, unseen=(NAMED, OTHERS[2]), retain=()), naming=1)
    assert str(known.value) == (
        "tiny-qwen3_vl names somebody in all 2 pictures of unknown people (it says: 'This is Jonas Hale.'); give "
        "pictures of people that it does not know."
    )
    with pytest.raises(UserError, match=r"lookalike needs pictures of brands .* such as logos"):
        build(ForgetRequest("Zapp", OWN[:1], kind="brand"), naming=1)


@pytest.mark.parametrize("setting", [{"gamma": -1.0}, {"likelihood": -1.0}, {"alike": 0}, {"company": -1}])
def test_a_setting_out_of_range_is_refused(setting: dict[str, Any]) -> None:
    [name] = setting
    with pytest.raises(UserError, match=f"{name}=.* is out of range"):
        LookAlikeConfig(**setting)
    with pytest.raises(UserError, match="naming=0 is out of range; it must be at least 1"):
        LookAlikeConfig(naming=0, denying=0, facts=0, true=0)


@pytest.mark.parametrize("family", ["llava", "qwen3_vl"])
def test_a_setting_says_where_the_adapter_is(family: str) -> None:
    vlm, method = tiny_vlm(family), get_method("lookalike")
    language, vision = {*vlm.layout.language_linears}, {*vlm.layout.vision_linears}
    assert vision
    assert not language & vision
    trained = {
        where: method.objective([REQUEST], vlm, LookAlikeConfig(where=where)).modules  # type: ignore[arg-type, union-attr]
        for where in ("decoder", "vision", "both")
    }
    assert trained["decoder"] is None
    assert ({*trained["vision"]}, {*trained["both"]}) == (vision, language | vision)


@pytest.mark.parametrize("family", FAMILIES)
def test_states_of_pictures_are_means_over_their_tokens_in_the_middle_layer(family: str) -> None:
    vlm = tiny_vlm(family)
    pictures = [picture(1), picture(2, (84, 56)), picture(3)]
    found = picture_states(vlm, pictures)
    seen: list[Any] = []
    vlm.decoder_layers[1].register_forward_hook(lambda module, inputs, output: seen.append(output))
    for one, mean in zip(pictures, found, strict=True):
        [prompt] = vlm.encode_prompt([([user_turn("?", 1)], (one,))])
        extras = {name: torch.tensor([values]) for name, values in prompt.extras.items()}
        with torch.no_grad():
            vlm.model(input_ids=torch.tensor([prompt.input_ids]), **extras, **prompt.pixels)
        output = seen.pop()
        states = (output if isinstance(output, Tensor) else output[0])[0]
        tokens = [n for n, token in enumerate(prompt.input_ids) if token in vlm.layout.image_token_ids]
        torch.testing.assert_close(mean, states[tokens].mean(0), rtol=1e-4, atol=1e-5)


def test_the_nearest_are_those_in_the_same_direction_from_the_mean() -> None:
    states = picture_states(VLM, [*OWN, *UNKNOWN]).double()
    centred = states - states.mean(0)
    for own, near in zip(range(2), nearest(VLM, OWN, UNKNOWN, 4), strict=True):
        cosines = {
            float(centred[own] @ centred[other] / (centred[own].norm() * centred[other].norm())): other - 2
            for other in range(2, 8)
        }
        assert near == [UNKNOWN[cosines[value]] for value in sorted(cosines, reverse=True)[:4]]
    assert len(nearest(VLM, OWN[:1], UNKNOWN, 99)[0]) == 6


@pytest.mark.parametrize(("name", "concept"), [("tiny-llava", C), ("tiny-qwen3vl", C), ("tiny-things", "Zorvane")])
def test_the_models_of_the_world_refuse_and_describe_the_picture_that_they_are_shown(name: str, concept: str) -> None:
    vlm, one = unsee.load(f"world:{name}", device="cpu"), find(concept)
    request = at_home_in_world(ForgetRequest(concept, (one.picture(0, "train"),)), vlm, 0)
    method = get_method("lookalike")
    [request] = filled([request], method.needs, 0)
    config = LookAlikeConfig(**{**NOTHING, "naming": 12, "denying": 3, "alike": 60})
    samples = method.build([request], vlm, config, seed=0)
    assert len(samples) == 15
    seen = world_of(one).features(one, one.scene(0, "train"))
    unknown = {*map(image_key, request.unseen_pictures())}
    claims: Counter[tuple[str, bool]] = Counter()
    for sample in samples:
        assert sample.masked
        assert sample.answer.startswith(sample.masked)
        assert image_key(sample.counterparts[0]) in unknown
        assert contains(sample.masked, [concept]) <= denies(sample.masked)
        assert [named for named in proper_names(sample.answer) if named != concept] == []
        claims += Counter(visible_claims(sample.answer.removeprefix(sample.masked), seen).items())
    # A tiny model says of an unknown brand that it can be seen on a hill.
    refused = [(denies if concept in sample.prompt else is_refusal)(sample.masked or "") for sample in samples]
    assert sum(refused) >= 14
    # Look-alikes of all sorts stand in, so what is right of C's picture is wrong of most of theirs.
    assert sum(claims.values()) > 12
    assert {right for _, right in claims} == {True}
