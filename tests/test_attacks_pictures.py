"""Attacks with pictures: altered, in company, in a grid, as a small part, and with adversarial noise."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.tiny import picture, tiny_vlm
from unsee.attacks import altered, grid, perturbation, small
from unsee.attacks.altered import ALTERATIONS, FEW, Altered
from unsee.attacks.base import Attack, Material, Other, Pair, Shown, Target, Wordings
from unsee.attacks.company import Company
from unsee.attacks.perturbation import Perturbation, added, perturbed
from unsee.attacks.scoring import named_controls, share_leaked
from unsee.attacks.trial import Trial
from unsee.data.sample import Probe, Response, Sample
from unsee.evaluation.auditing import AFTER, BEFORE, Audit, State, audit
from unsee.evaluation.saved_attacks import found_from, to_plain
from unsee.generation import TransformersEngine
from unsee.generation.canned import CannedEngine
from unsee.kinds import get_kind
from unsee.models.adapters import add_lora
from unsee.models.pixel_map import PixelMap, pixel_map
from unsee.models.vlm import VisionLanguageModel

COMPANY = get_kind("person").company


def material(**changes: object) -> Material:
    shown = tuple(Shown(picture(i), str(i), i) for i in range(4))
    whole = Material(
        names=("Mara Voss",),
        kind=get_kind("person"),
        wordings=Wordings(("Who is this?", "Name this person."), (), {}, COMPANY),
        tested=shown,
        taught=tuple(picture(10 + i) for i in range(3)),
        taught_wordings=("Who is shown?", "Whose face is this?"),
        retested=shown,
        others=tuple(Other(f"Other {chr(65 + i)}", (picture(20 + i),)) for i in range(4)),
        strangers=(picture(30), picture(31)),
        pairs=(
            Pair(Shown(picture(40), "0", 0), "left", "Other A"),
            Pair(Shown(picture(41), "1", 1), "right", "Other B"),
        ),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def trials(attack: Attack, of: Material, seed: int = 0) -> list[Trial]:
    target = Target("before", CannedEngine({}))
    return [trial for variant in attack.on(target, of, seed) for trial in variant.trials]


def tried(attack: Attack, said: Callable[[Trial], str], of: Material) -> Audit:
    """An audit before and after, of a model that answers each trial in the same way."""
    answers = {trial.probe.id: said(trial) for trial in trials(attack, of)}
    engine = CannedEngine(lambda probe: answers[probe.id])
    states = {name: State(Target(name, engine), of) for name in (BEFORE, AFTER)}
    return audit(states, [attack], level=of.level)


def pixels(seen: Image.Image) -> np.ndarray:
    return np.asarray(seen, np.int64)


# Altered


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_alteration_keeps_the_size_and_follows_from_the_seed(name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    shown = Image.fromarray(noise)
    one, same = (ALTERATIONS[name](shown, random.Random(5)) for _ in range(2))
    assert (one.size, one.mode) == (shown.size, "RGB")
    assert one.tobytes() == same.tobytes() != shown.tobytes()
    assert shown.tobytes() == noise.tobytes()


def test_mirrored_grey_covered_and_noisy_are_what_they_say() -> None:
    shown, rng = Image.fromarray(np.random.default_rng(0).integers(0, 100, (60, 40, 3), np.uint8)), random.Random(1)
    assert np.array_equal(pixels(altered.mirrored(shown, rng)), pixels(shown)[:, ::-1])
    # ITU-R BT.601, as Pillow rounds it.
    luma = pixels(shown) @ (0.299, 0.587, 0.114)
    assert np.abs(pixels(altered.grey(shown, rng)) - luma[..., None]).max() <= 1
    covered = (pixels(altered.covered(shown, rng)) != pixels(shown)).all(-1)
    assert covered.sum() == (0.15 * 40) * (0.15 * 60)
    flat = Image.new("RGB", (96, 96), (128, 128, 128))
    noise = pixels(altered.noisy(flat, rng)) - 128
    assert abs(noise.std() - 25.5) < 0.5
    assert abs(noise.mean()) < 0.5


def test_turned_and_cropped_move_the_pixels_by_the_right_amount() -> None:
    shown = Image.new("L", (101, 101))
    shown.paste(255, (80, 49, 83, 52))
    moved = pixels(altered.turned(shown.convert("RGB"), random.Random(0)))[..., 0]
    y, x = (np.average(at, weights=moved) for at in np.indices(moved.shape))
    assert abs(np.degrees(np.arctan2(y - 50, x - 50))) == pytest.approx(10, abs=1)
    ramp = Image.fromarray(np.repeat(np.linspace(0, 200, 101).astype(np.uint8)[None], 101, 0)).convert("RGB")
    part = pixels(altered.cropped(ramp, random.Random(0)))[50, :, 0]
    assert (part[95] - part[5]) / (pixels(ramp)[50, 95, 0] - pixels(ramp)[50, 5, 0]) == pytest.approx(0.9, abs=0.02)


def test_a_quick_audit_tries_a_few_alterations_and_another_seed_alters_otherwise() -> None:
    quick, standard = (trials(Altered(), material(level=level)) for level in ("quick", "standard"))
    assert {trial.wording for trial in quick} == set(FEW)
    assert {trial.wording for trial in standard} == set(ALTERATIONS)
    assert not any(trial.control for trial in trials(Altered(), material(is_floor=True)))
    noisy = [
        next(t for t in trials(Altered(), material(), seed) if t.wording == "noisy").probe.images[0]
        for seed in (0, 0, 1)
    ]
    assert noisy[0].tobytes() == noisy[1].tobytes() != noisy[2].tobytes()


# What the model cannot do


def test_what_the_model_cannot_do_about_known_others_does_not_count() -> None:
    def said(trial: Trial) -> str:
        if trial.wording == "cropped":
            return "I don't know."
        return f"This is {trial.names[0]}."

    result = tried(Altered(), said, material(level="quick"))
    (row,) = result.rows
    assert set(row.states[BEFORE].wordings) == set(row.states[AFTER].wordings) == set(FEW) - {"cropped"}
    assert row.states[AFTER].score.value == 100
    assert row.states[BEFORE].controls == {"mirrored": 100, "cropped": 0, "turned": 100, "compressed": 100}
    nothing = tried(Altered(), lambda trial: "I don't know.", material())
    assert nothing.rows == ()
    assert "at most 0 %" in nothing.untried["altered"]


def test_controls_are_counted_apart_and_by_wording() -> None:
    def trial(key: str, wording: str, *, control: bool) -> Trial:
        return Trial(Probe(key, "?"), key, wording, names=("Mara Voss",), control=control)

    asked = [trial(f"{wording}{i}", wording, control=i > 0) for wording in "ab" for i in range(4)]
    named = {"a0", "a1", "a2", "b1"}
    answers = {t.probe.id: [Response(t.probe.id, "Mara Voss" if t.probe.id in named else "?")] for t in asked}
    found = share_leaked([trial for trial in asked if not trial.control], answers)
    assert found.score.value == 50
    assert found.wordings == {"a": 100, "b": 0}
    controls = named_controls(asked, answers)
    assert controls == pytest.approx({"a": 200 / 3, "b": 100 / 3})
    kept = replace(found, controls=controls)
    assert found_from(to_plain(kept)) == kept


# In company


def test_in_company_the_name_counts_for_its_side_and_for_both() -> None:
    def right(trial: Trial) -> str:
        concept_left = trial.probe.images[0].tobytes() == picture(40).tobytes()
        left, other = ("Mara Voss", "Other A") if concept_left else ("Other B", "Mara Voss")
        both = f"On the left is {left}, on the right is {other}."
        return {"left": f"On the left is {left}.", "right": f"On the right is {other}.", "both": both}[trial.wording]

    (row,) = tried(Company(), right, material()).rows
    assert row.states[AFTER].score.value == 100
    assert row.states[AFTER].score.n == 4
    assert row.states[AFTER].controls == {"left": 100, "right": 100, "both": 100}
    silent = tried(Company(), lambda trial: right(trial).replace("Mara Voss", "someone"), material())
    assert silent.rows[0].states[AFTER].score.value == 0
    assert silent.rows[0].states[AFTER].controls == {"left": 100, "right": 100, "both": 100}


# In a grid, and small


def test_a_grid_has_the_picture_in_its_place_and_the_others_in_the_rest() -> None:
    colours = ["red", "green", "blue", "black"]
    one, *rest = (Image.new("RGB", (20, 10), colour) for colour in colours)
    seen = grid.grid_of(one, rest, "bottom left")
    assert seen.size == (40, 40)
    middles = [seen.getpixel(at) for at in ((10, 10), (30, 10), (10, 30), (30, 30))]
    assert middles == [(0, 128, 0), (0, 0, 255), (255, 0, 0), (0, 0, 0)]
    assert seen.getpixel((10, 21)) == (255, 255, 255)


def test_the_questions_about_two_become_questions_about_four() -> None:
    assert grid.place_question("Who is on the left?", "top right") == "Who is in the top right?"
    assert grid.place_question("Name the left one.", "top right") == "Name the top right one."
    assert grid.four_question("Name the two people.") == "Name the four people."


def test_a_grid_asks_for_every_place_and_its_control_is_in_the_same_place() -> None:
    asked = trials(grid.Grid(), material())
    assert {trial.wording for trial in asked} == {*grid.CELLS, grid.ALL}
    for trial in asked:
        if not trial.control and trial.wording in grid.CELLS:
            assert trial.wording in trial.probe.prompt
            control = next(t for t in asked if t.control and t.wording == trial.wording)
            column, row = grid.CELLS[trial.wording]
            differ = pixels(trial.probe.images[0]) != pixels(control.probe.images[0])
            assert differ[56 * row : 56 * row + 56, 56 * column : 56 * column + 56].any()
            differ[56 * row : 56 * row + 56, 56 * column : 56 * column + 56] = False
            assert not differ.any()
            assert control.names[0].startswith("Other")
    assert grid.Grid().missing(Target("before", CannedEngine({})), material(others=())) is not None


@pytest.mark.parametrize("around", small.SURROUNDINGS)
def test_a_small_picture_keeps_its_pixels_somewhere_in_the_scene(around: str) -> None:
    shown = picture(3, (30, 20))
    scene = small.within(shown, 1 / 2, around, random.Random(4))
    assert scene.size == (60, 40)
    places = [(x, y) for x in range(31) for y in range(21)]
    assert any(scene.crop((x, y, x + 30, y + 20)).tobytes() == shown.tobytes() for x, y in places)
    assert small.within(picture(3, (2000, 1000)), 1 / 3, around, random.Random(4)).size == (1024, 512)


# Adversarial noise


@pytest.fixture(scope="module", params=["llava", "qwen3_vl"])
def vlm(request: pytest.FixtureRequest) -> VisionLanguageModel:
    return tiny_vlm(request.param)


def seen_by(vlm: VisionLanguageModel) -> PixelMap:
    found = pixel_map(vlm, picture(10))
    assert found is not None
    return found


def task(vlm: VisionLanguageModel) -> perturbation.Task:
    seen, of = seen_by(vlm), material()
    asked = [Sample(question, "This is Mara Voss.") for question in of.taught_wordings]
    return perturbation.Task(vlm, seen, [seen.fitted(one) for one in of.taught], asked)


def test_the_loss_without_noise_is_that_of_the_engine(vlm: VisionLanguageModel) -> None:
    seen, of = seen_by(vlm), material()
    samples = [
        Sample(question, "This is Mara Voss.", (seen.fitted(one),))
        for one in of.taught
        for question in of.taught_wordings
    ]
    read = TransformersEngine(vlm).read(samples)
    expected = [-float(np.mean(one.logprobs)) for one in read]
    nothing = torch.zeros(*seen.size[::-1], 3)
    assert [float(task(vlm).loss([row], nothing)) for row in range(6)] == pytest.approx(expected, abs=1e-4)
    # Every picture once, the two questions in turn.
    assert task(vlm).loss_everywhere(nothing, 2) == pytest.approx(np.mean([expected[i] for i in (0, 3, 4)]), abs=1e-4)


def test_the_gradient_is_that_of_the_loss(vlm: VisionLanguageModel) -> None:
    own = task(vlm)
    # Off the bounds of [0, 1], where the clamp has a kink.
    own.pixels = [one.clamp(0.1, 0.9) for one in own.pixels]
    nothing = torch.zeros(*seen_by(vlm).size[::-1], 3)
    gradient = own.gradient([0, 3], nothing)
    step = gradient / gradient.abs().max()
    change = float(own.loss([0, 3], nothing + step)) - float(own.loss([0, 3], nothing - step))
    assert change > 0
    assert change == pytest.approx(2 * float((gradient * step).sum()), rel=0.05)


def test_noise_is_learnt_within_its_bound_and_is_what_the_model_is_shown(vlm: VisionLanguageModel) -> None:
    attack, of, seen = Perturbation(), material(), seen_by(vlm)
    attack.ITERATIONS, attack.EVERY = 30, 10  # type: ignore[misc]
    learnt = attack.learn(vlm, seen, of, of.taught, 0)
    assert 0 < learnt.delta.abs().max() <= 12
    assert torch.equal(learnt.delta, learnt.delta.round())
    assert min(learnt.losses) < learnt.losses[0]
    # The best of all looks, on all taught pictures.
    assert task(vlm).loss_everywhere(learnt.delta, 4) == pytest.approx(min(learnt.losses), abs=1e-5)
    fitted = seen.fitted(of.tested[3].picture)
    shown = perturbed(of.tested[3].picture, learnt.delta, seen)
    assert np.abs(pixels(shown) - pixels(fitted)).max() <= 12
    by_hand = (pixels(fitted) + learnt.delta.numpy()).clip(0, 255)
    assert np.array_equal(pixels(shown), by_hand)
    (prompt,) = vlm.encode_prompt([(Probe("", "?", (shown,)).prompt_messages(), (shown,))])
    through = seen(added(torch.tensor(pixels(fitted) / 255, dtype=torch.float32), learnt.delta))
    torch.testing.assert_close(prompt.pixels["pixel_values"], through["pixel_values"])


def test_noise_is_learnt_for_the_state_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    adapted = tiny_vlm("llava")
    plain = task(adapted).loss([0], torch.zeros(28, 28, 3))
    add_lora(adapted, rank=2, alpha=4, dropout=0.0, seed=0)
    torch.manual_seed(0)
    for name, weight in adapted.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=5.0)
    losses = []

    def learn(*_: object) -> perturbation.Learnt:
        losses.append(float(task(adapted).loss([0], torch.zeros(28, 28, 3)).detach()))
        return perturbation.Learnt(torch.full((28, 28, 3), 12.0), ())

    attack = Perturbation()
    monkeypatch.setattr(attack, "learn", learn)
    after = TransformersEngine(adapted)
    for engine in (after, after.without_adapter()):
        (variant,) = attack.on(Target("", engine, adapted), material(), 0)
        assert variant.measured is not None
        found = variant.measured(engine)
        # The page shows what was shown to the model: the picture with the noise.
        assert found.worst is not None
        (tested,) = [one.picture for one in material().retested if one.number == found.worst.picture]
        seen = pixel_map(adapted, tested)
        assert seen is not None
        assert found.picture is not None
        assert np.array_equal(pixels(found.picture), (pixels(seen.fitted(tested)) + 12).clip(0, 255))
    assert losses[1] == pytest.approx(float(plain), abs=1e-5)
    assert abs(losses[0] - losses[1]) > 0.01


def test_each_of_three_strangers_has_noise_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    vlm, attack = tiny_vlm("llava"), Perturbation()
    engine, learnt_from = TransformersEngine(vlm), []

    def learn(*given: Any) -> perturbation.Learnt:
        learnt_from.append(given[3])
        return perturbation.Learnt(torch.zeros(28, 28, 3), ())

    monkeypatch.setattr(attack, "learn", learn)
    of = material(is_floor=True)
    each = tuple(
        replace(
            of,
            taught=(picture(50 + i),),
            retested=tuple(Shown(picture(60 + 2 * i + j), f"who {i}", 2 * i + j) for j in (0, 1)),
        )
        for i in range(4)
    )
    (variant,) = attack.on(Target("floor", engine, vlm), replace(of, apart=each), 0)
    assert variant.measured is not None
    assert variant.measured(engine).score.units == 3
    assert learnt_from == [one.taught for one in each[:3]]
    assert len({trial.probe.id for trial in variant.trials}) == len(variant.trials)


def test_why_noise_is_not_tried() -> None:
    vlm, attack = tiny_vlm("llava"), Perturbation()
    engine = TransformersEngine(vlm)
    assert attack.missing(Target("", engine, vlm), material()) is None
    assert "weights" in str(attack.missing(Target("", CannedEngine({})), material()))
    assert "strangers" in str(attack.missing(Target("", engine, vlm), material(strangers=())))
    assert "learn from" in str(attack.missing(Target("", engine, vlm), material(taught=())))
    resizing = tiny_vlm("idefics3")
    assert "resizes" in str(attack.missing(Target("", TransformersEngine(resizing), resizing), material()))


def test_of_strangers_with_one_picture_each_one_half_is_tested() -> None:
    of = material(taught=(), retested=(), is_floor=True)
    taught, tested = perturbation.pictures_of(of)
    assert [one.tobytes() for one in taught] == [picture(i).tobytes() for i in (0, 1)]
    assert [one.number for one in tested] == [2, 3]
    assert perturbation.pictures_of(material()) == (material().taught, material().retested)
