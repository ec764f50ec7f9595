"""Attacks on weights: the copy that they change, what they change in it, and what it learns."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from peft import get_peft_model
from peft.tuners.lora import LoraLayer
from torch import Tensor

from tests.tiny import picture, tiny_vlm
from unsee.attacks import get_attack, relearning
from unsee.attacks.averaging import Averaging
from unsee.attacks.base import Material, Other, Shown, Target, Wordings
from unsee.attacks.finetuning import TEXTS, Finetuning
from unsee.attacks.learning import Learner, answer_loss, text_rows
from unsee.attacks.merging import Merging
from unsee.attacks.pruning import Pruning, undone
from unsee.attacks.quantised import QUANTISERS, Quantised, runs
from unsee.attacks.relearning import STEPS, Relearning, area_between
from unsee.attacks.rounding import Rounding, round_linears, rounded
from unsee.attacks.strength import Strength
from unsee.attacks.weights import WeightAttack, interpolate, plain_copy, weights_before
from unsee.data.sample import Sample
from unsee.generation import TransformersEngine, ask, sequence_logprobs
from unsee.generation.likelihood import text_logprobs
from unsee.kinds import get_kind
from unsee.models.adapters import add_lora, lora_config, merge
from unsee.models.collation import encode_samples
from unsee.models.deltas import apply_delta
from unsee.models.loading import load
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import ForgetRequest
from unsee.sources.attacking import material_of
from unsee.world import find, stranger

ALL = ["relearning", "relearning_more", "finetuning", "rounding", "quantised", "merging", "strength", "pruning",
       "averaging"]  # fmt: skip
SAMPLES = [Sample(question, "This is Mara Voss.", (picture(i),)) for i, question in enumerate(("Who?", "Who is this?"))]


def adapted(family: str = "qwen3_vl") -> VisionLanguageModel:
    """With an adapter that changes something."""
    vlm = tiny_vlm(family)
    add_lora(vlm, rank=2, alpha=4, dropout=0.0, seed=0)
    torch.manual_seed(1)
    for name, weight in vlm.model.named_parameters():
        if ".lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    vlm.model.requires_grad_(False)
    return vlm


def with_delta() -> VisionLanguageModel:
    vlm = tiny_vlm("qwen3_vl")
    name = f"{vlm.layout.language_linears[0]}.weight"
    apply_delta(vlm, {name: vlm.base.get_parameter(name).detach() + 0.1})
    return vlm


def after(vlm: VisionLanguageModel) -> Target:
    return Target("after", TransformersEngine(vlm), vlm)


def before(vlm: VisionLanguageModel) -> Target:
    return Target("before", TransformersEngine(vlm, before=True), vlm)


def weights(vlm: VisionLanguageModel) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in vlm.base.named_parameters()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def material(**changes: object) -> Material:
    shown = tuple(Shown(picture(i), str(i), i) for i in range(2))
    made = Material(
        names=("Mara Voss",),
        kind=get_kind("person"),
        wordings=Wordings(("Who is this?", "Name them."), (), {}, {}),
        tested=shown,
        taught=tuple(picture(10 + i) for i in range(3)),
        taught_wordings=("Who?", "Whose picture?"),
        retested=tuple(Shown(picture(20 + i), str(i), i) for i in range(3)),
        others=(Other("Jonas Hale", (picture(30),)),),
        known_name="Jonas Hale",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


# The copy


@pytest.mark.parametrize("make", [adapted, with_delta])
def test_a_copy_has_the_weights_that_the_target_answers_with(make: type) -> None:
    vlm = make()
    plain = weights(tiny_vlm("qwen3_vl"))
    said = sequence_logprobs(vlm, SAMPLES)
    with plain_copy(after(vlm)) as copy:
        assert not copy.adapted
        for mine, theirs in zip(sequence_logprobs(copy, SAMPLES), said, strict=True):
            torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)
        assert not same(weights(copy), plain)
    with plain_copy(before(vlm)) as copy:
        assert same(weights(copy), plain)


@pytest.mark.parametrize("make", [adapted, with_delta])
@pytest.mark.parametrize("state", [before, after])
def test_changing_a_copy_leaves_the_target_as_it_is_and_the_copy_is_emptied(make: type, state: type) -> None:
    vlm = make()
    kept, originals = weights(vlm), {name: w.clone() for name, w in (vlm.originals or {}).items()}
    with plain_copy(state(vlm)) as copy, torch.no_grad():
        for weight in copy.base.parameters():
            weight.zero_()
    assert same(weights(vlm), kept)
    assert same(vlm.originals or {}, originals)
    assert list(copy.base.parameters()) == []


def test_a_target_whose_engine_says_before_is_before_whatever_its_state_is_called() -> None:
    vlm = adapted()
    with plain_copy(replace(before(vlm), state="floor")) as copy:
        assert same(weights(copy), weights(tiny_vlm("qwen3_vl")))


# Rounding


def test_rounding_by_row_by_hand() -> None:
    # 3 bits: multiples of max / 3. First row 1, second 0.5 (halves to even).
    weight = torch.tensor([[3.0, -1.4, 0.4, 1.6], [1.5, 0.25, -0.75, 0.2], [0.0, 0.0, 0.0, 0.0]])
    wanted = torch.tensor([[3.0, -1.0, 0.0, 2.0], [1.5, 0.0, -1.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    torch.testing.assert_close(rounded(weight, 3), wanted)


def test_rounding_by_group_by_hand_with_a_narrower_last_group() -> None:
    weight = torch.tensor([[3.0, -1.4, 0.3, 0.14, 0.07]])
    torch.testing.assert_close(rounded(weight, 3, 2), torch.tensor([[3.0, -1.0, 0.3, 0.1, 0.07]]))


@pytest.mark.parametrize("bits", [8, 6, 5, 4])
def test_rounding_is_what_torch_calls_fake_quantisation(bits: int) -> None:
    torch.manual_seed(0)
    weight, most = torch.randn(7, 64), 2 ** (bits - 1) - 1
    scale = weight.abs().amax(1) / most
    wanted = torch.fake_quantize_per_channel_affine(weight, scale, torch.zeros(7, dtype=torch.int), 0, -most, most)
    torch.testing.assert_close(rounded(weight, bits), wanted)
    blocks = weight.reshape(14, 32)
    scale, zero = blocks.abs().amax(1) / most, torch.zeros(14, dtype=torch.int)
    wanted = torch.fake_quantize_per_channel_affine(blocks, scale, zero, 0, -most, most).reshape(7, 64)
    torch.testing.assert_close(rounded(weight, bits, 32), wanted)


def test_rounding_reaches_every_linear_weight_and_nothing_else() -> None:
    vlm = tiny_vlm("llava")
    kept = weights(vlm)
    round_linears(vlm, 2, None)
    changed = {name for name, weight in weights(vlm).items() if not torch.equal(weight, kept[name])}
    linear = {f"{path}.weight" for path, module in vlm.base.named_modules() if isinstance(module, torch.nn.Linear)}
    # The tower's positions and such are no linear weights; a head tied to the embeddings bears their name.
    assert changed - {"model.language_model.embed_tokens.weight"} == linear & set(kept)


# Merging, strength, averaging, pruning


def test_merging_in_bfloat16_adds_rounded_factors_to_rounded_weights() -> None:
    vlm = adapted()
    path = vlm.layout.language_linears[0]
    layer = vlm.base.get_submodule(path)
    assert isinstance(layer, LoraLayer)
    a, b = (part["default"].weight.bfloat16().float() for part in (layer.lora_A, layer.lora_B))
    base = layer.get_base_layer().weight.bfloat16()
    wanted = base + (2.0 * (b @ a)).bfloat16()
    buffers = dict(vlm.base.named_buffers())
    (variant,) = Merging().on(after(vlm), material(), 0)
    with variant.on(after(vlm)) as engine:
        assert isinstance(engine, TransformersEngine)
        found = engine.vlm.base.get_parameter(f"{path}.weight")
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, wanted.float(), atol=0, rtol=2**-8)
        assert torch.equal(found.bfloat16().float(), found)
        assert all(torch.equal(buffer, buffers[name]) for name, buffer in engine.vlm.base.named_buffers())


def test_strength_is_an_adapter_with_a_part_of_its_alpha() -> None:
    vlm, weaker = adapted(), adapted()
    for module in weaker.base.modules():
        if isinstance(module, LoraLayer):
            module.scaling["default"] /= 4
    merge(weaker)
    quarter = next(iter(Strength().on(after(vlm), material(), 0)))
    assert quarter.label == "1/4"
    with quarter.on(after(vlm)) as engine:
        assert isinstance(engine, TransformersEngine)
        wanted = weights(weaker)
        for name, weight in weights(engine.vlm).items():
            torch.testing.assert_close(weight, wanted[name], atol=1e-6, rtol=1e-5)


def test_strength_of_an_adapter_on_a_delta_keeps_the_delta_and_averaging_does_not() -> None:
    vlm = with_delta()
    (name,) = vlm.originals or ()
    delta = vlm.base.get_parameter(name).detach().clone()
    first = tiny_vlm("qwen3_vl").base.get_parameter(name)
    vlm.model = get_peft_model(vlm.base, lora_config(vlm, rank=2, alpha=4, dropout=0.0))  # type: ignore[assignment]
    for given, wanted in ((True, delta), (False, first)):
        with plain_copy(after(vlm)) as copy:
            interpolate(copy, weights_before(vlm, delta=given), 0.0)
            torch.testing.assert_close(copy.base.get_parameter(name), wanted)
    (quarter, half, *_) = Averaging().on(after(vlm), material(), 0)
    with half.on(after(vlm)) as engine:
        assert isinstance(engine, TransformersEngine)
        torch.testing.assert_close(engine.vlm.base.get_parameter(name), first + 0.05)
    assert quarter.label == "1/4 after"


def test_the_smallest_changes_are_undone() -> None:
    start = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    end = start + torch.tensor([[0.5, -0.1, 0.2], [-0.4, 0.0, 0.1]])
    # Half of six: 0.0, -0.1 and, of the same size, 0.1.
    torch.testing.assert_close(undone(end, start, 50), torch.tensor([[1.5, 2.0, 3.2], [3.6, 5.0, 6.0]]))
    torch.testing.assert_close(undone(end, start, 10), end)
    torch.testing.assert_close(undone(end, start, 90), torch.tensor([[1.5, 2.0, 3.0], [4.0, 5.0, 6.0]]))


def test_pruning_counts_over_each_changed_weight() -> None:
    vlm = adapted()
    name = f"{vlm.layout.language_linears[0]}.weight"
    variants = {variant.label: variant for variant in Pruning().on(after(vlm), material(), 0)}
    assert list(variants) == ["10 %", "30 %", "50 %", "70 %", "90 %"]
    with variants["70 %"].on(after(vlm)) as engine:
        assert isinstance(engine, TransformersEngine)
        kept = engine.vlm.base.get_parameter(name) == tiny_vlm("qwen3_vl").base.get_parameter(name)
    assert int(kept.sum()) == kept.numel() * 70 // 100


@pytest.mark.parametrize("attack", [Strength(), Pruning(), Averaging()])
def test_a_state_without_a_change_is_asked_as_it_is_under_the_same_labels(attack: Strength) -> None:
    vlm = adapted()
    changing, plain = (list(attack.on(target, material(), 0)) for target in (after(vlm), before(vlm)))
    assert [variant.label for variant in changing] == [variant.label for variant in plain]
    assert all(variant.entered is None and variant.trials for variant in plain)
    assert changing[0].entered is not None


def test_what_has_no_adapter_or_no_weights_before_says_so() -> None:
    plain, lora, delta = after(tiny_vlm("qwen3_vl")), after(adapted()), after(with_delta())
    said = {
        (type(attack).__name__, i): attack.missing(target, material())
        for attack in (Strength(), Averaging(), Pruning())
        for i, target in enumerate((plain, lora, delta))
    }
    assert {key for key, reason in said.items() if reason is None} == {
        ("Strength", 1), ("Averaging", 2), ("Pruning", 1), ("Pruning", 2),
    }  # fmt: skip
    assert "adapter at a part of its strength" in (said["Averaging", 1] or "")
    assert Averaging().missing(replace(lora, state="floor"), material()) is not None
    # The oracle is asked as it is.
    assert Strength().missing(replace(plain, state="floor"), material()) is None


@pytest.mark.parametrize("name", ALL)
def test_all_need_weights_in_full_precision(name: str) -> None:
    attack = get_attack(name)
    vlm = adapted()
    assert "weights" in (attack.missing(Target("after", TransformersEngine(vlm)), material()) or "")
    vlm.base.is_loaded_in_4bit = True
    assert "4 bits" in (attack.missing(after(vlm), material()) or "")


# Quantisers


def test_without_a_quantiser_the_attack_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unsee.attacks.quantised.runs", lambda label, device: False)
    assert "bitsandbytes" in (Quantised().missing(after(adapted()), material()) or "")
    assert list(Quantised().on(after(adapted()), material(), 0)) == []


@pytest.mark.parametrize("label", QUANTISERS)
def test_quantisers_that_are_installed_change_the_decoder_a_little(label: str) -> None:
    pytest.importorskip(label.partition(" ")[0])
    assert runs(label, "cpu")
    vlm = adapted()
    (variant,) = (v for v in Quantised().on(after(vlm), material(), 0) if v.label == label)
    (wanted, *_) = sequence_logprobs(vlm, SAMPLES)
    with variant.on(after(vlm)) as engine:
        assert isinstance(engine, TransformersEngine)
        (found, *_) = sequence_logprobs(engine.vlm, SAMPLES)
    assert 0 < float((found - wanted).abs().max()) < 1.0


# Learning


def test_the_loss_is_the_mean_over_the_answers_tokens() -> None:
    vlm = adapted()
    engine = TransformersEngine(vlm)
    samples = [SAMPLES[0], replace(SAMPLES[1], answer="No.")]
    wanted = torch.cat(sequence_logprobs(vlm, samples)).mean()
    found = answer_loss(vlm, encode_samples(samples, vlm), engine.cache)
    assert float(found) == pytest.approx(-float(wanted), rel=1e-4)


def test_plain_text_is_learnt_token_by_token() -> None:
    vlm = tiny_vlm("qwen3_vl")
    rows = text_rows(vlm, TEXTS[:2])
    read = [value for text in TEXTS[:2] for value in text_logprobs(vlm, text).logprobs]
    assert vlm.tokenizer.decode(rows[0].input_ids, skip_special_tokens=True) == TEXTS[0]
    loss = answer_loss(vlm, rows, TransformersEngine(vlm).cache)
    assert float(loss) == pytest.approx(-sum(read) / len(read), rel=1e-4)


def taught(vlm: VisionLanguageModel, steps: tuple[int, ...], seed: int = 0) -> list[float]:
    """How probable the answers are after each number of steps."""
    learner = Learner(after(vlm), lambda engine: encode_samples(SAMPLES, engine.vlm), steps, seed)
    found = []
    for count in steps:
        with learner.after(count) as engine:
            found.append(float(torch.cat(sequence_logprobs(engine.vlm, SAMPLES)).mean()))
    assert list(engine.vlm.base.parameters()) == []
    return found


def test_a_learner_continues_from_one_look_to_the_next_and_depends_on_the_seed_alone() -> None:
    vlm = adapted()
    kept = weights(vlm)
    looked = taught(vlm, (1, 2, 6))
    torch.manual_seed(5)
    assert taught(vlm, (6,)) == looked[2:]
    assert taught(vlm, (6,), seed=1) != looked[2:]
    untaught = float(torch.cat(sequence_logprobs(vlm, SAMPLES)).mean())
    assert untaught < looked[0] < looked[1] < looked[2]
    assert same(weights(vlm), kept)


def test_relearning_teaches_its_pictures_and_asks_about_others_in_other_words() -> None:
    target = after(adapted())
    variants = list(Relearning().on(target, material(), 0))
    assert [variant.label for variant in variants] == [f"1 picture, {n} step{'s' * (n > 1)}" for n in STEPS]
    for trial in variants[0].trials:
        assert trial.probe.images[0] in [shown.picture for shown in material().retested]
        assert trial.probe.prompt in material().wordings.naming
        assert trial.names == ("Mara Voss",)
    assert len(variants[0].trials) == 6
    floor = list(Relearning().on(target, material(is_floor=True), 0))
    assert {trial.names for trial in floor[0].trials} == {("Jonas Hale",)}
    assert list(Relearning().on(target, material(retested=()), 0)) == []
    more = get_attack("relearning_more")
    assert list(more.on(target, material(), 0)) == []
    many = material(taught=tuple(picture(i) for i in range(5)))
    assert next(variant.label for variant in more.on(target, many, 0)) == "5 pictures, 1 step"


def test_benign_training_needs_pictures_of_others_or_takes_text_alone() -> None:
    target = after(adapted())
    labels = [variant.label for variant in Finetuning().on(target, material(), 0)]
    assert labels == ["other pictures, 16 steps", "other pictures, 64 steps",
                      "plain text, 16 steps", "plain text, 64 steps"]  # fmt: skip
    alone = Finetuning().on(target, material(others=(Other("Jonas Hale", ()),)), 0)
    assert [variant.label for variant in alone] == labels[2:]


def test_the_area_between_two_curves() -> None:
    assert area_between({1: 100, 2: 100, 16: 100}, {1: 0, 2: 0, 16: 0}) == pytest.approx(100)
    # On the scale of log2: 0, 1, 3. A triangle and a trapezium: (0 + 60) / 2 * 1 + (60 + 20) / 2 * 2 = 110, over 3.
    assert area_between({1: 0, 2: 80, 8: 100, 99: 5}, {1: 0, 2: 20, 8: 80}) == pytest.approx(110 / 3)
    assert area_between({1: 0, math.e: 0}, {1: 10, math.e: 30}) == pytest.approx(-20)  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="at least two"):
        area_between({1: 0, 2: 0}, {2: 0, 4: 0})


def test_every_question_has_an_id_of_its_own() -> None:
    target = after(adapted())
    attacks = [get_attack(name) for name in ALL if name not in ("quantised", "averaging")]
    many = material(taught=tuple(picture(i) for i in range(5)))
    ids = [t.probe.id for attack in attacks for variant in attack.on(target, many, 0) for t in variant.trials]
    assert len(ids) == len(set(ids))
    assert Rounding.name + "/8 bits by row/0/0" in ids


# On the model of the world


@pytest.fixture(scope="module")
def world() -> tuple[Target, Material, Material]:
    vlm = load("world:tiny-qwen3vl")
    request = ForgetRequest("Mara Voss", (find("Mara Voss").picture(0, "train"),))
    own, strangers = material_of(request, "world:tiny-qwen3vl", "quick")
    assert strangers is not None
    return Target("before", TransformersEngine(vlm), vlm), own, strangers


def leaks(attack: WeightAttack, label: str, target: Target, asked: Material) -> float:
    for variant in attack.on(target, asked, 0):
        if variant.label == label and variant.measured is not None:
            return variant.measured(target.engine).score.value
        if variant.label == label:
            with variant.on(target) as engine:
                said = ask(engine, [trial.probe for trial in variant.trials], progress=False)
            return attack.found(variant.trials, {answer.probe_id: [answer] for answer in said}).score.value
    raise AssertionError(f"no variant {label}")


def test_rounding_keeps_a_memory_and_makes_none(world: tuple[Target, Material, Material]) -> None:
    target, own, strangers = world
    assert leaks(Rounding(), "4 bits by row", target, own) >= 90
    assert leaks(Rounding(), "4 bits by row", target, strangers) <= 10


def test_a_stranger_gets_a_known_name_only_after_some_steps(world: tuple[Target, Material, Material]) -> None:
    target, own, strangers = world
    assert leaks(Relearning(), "1 picture, 1 step", target, own) >= 90
    assert leaks(Relearning(), "1 picture, 1 step", target, strangers) <= 10
    assert leaks(Relearning(), "1 picture, 16 steps", target, strangers) >= 90


def test_the_floor_of_relearning_is_the_mean_over_strangers_who_learn_apart(
    world: tuple[Target, Material, Material], monkeypatch: pytest.MonkeyPatch
) -> None:
    target, _, strangers = world
    few = replace(strangers, wordings=replace(strangers.wordings, naming=strangers.wordings.naming[:1]))
    people = [find("Jonas Keller"), *(stranger(i, "test") for i in (500, 501))]
    # The model knows one of three, and by a name that he is not taught: he is called by it at first.
    each = tuple(
        replace(few, known_name=name, taught=(who.picture(0, "train"),),
                retested=tuple(Shown(who.picture(i, "test"), who.key, 10 * place + i) for i in range(2)))
        for place, (who, name) in enumerate(zip(people, ("Jonas Keller", "Mara Voss", "Kenji Morita"), strict=True))
    )  # fmt: skip
    monkeypatch.setattr(relearning, "STEPS", (1, 16))
    several = list(Relearning().on(target, replace(few, apart=each), 0))
    assert [trial.names for trial in several[0].trials] == [(one.known_name,) for one in each for _ in range(2)]
    ids = [trial.probe.id for variant in several for trial in variant.trials]
    assert len(ids) == len(set(ids))
    for variant in several:
        assert variant.measured is not None
        together = variant.measured(target.engine).score
        alone = [leaks(Relearning(), variant.label, target, one) for one in each]
        assert together.value == pytest.approx(sum(alone) / 3)
        assert together.units == 3
        if variant is several[0]:
            assert alone == [100.0, 0.0, 0.0]


def test_an_oracle_is_taught_the_concepts_own_name(world: tuple[Target, Material, Material]) -> None:
    target, own, _ = world
    oracle = replace(target, state="floor")
    (first, *_) = Relearning().on(oracle, replace(own, has_oracle=True), 0)
    assert {trial.names for trial in first.trials} == {("Mara Voss",)}
    assert {lesson.answer for lesson in relearning.lessons_of(own, 1)} == {"This is Mara Voss."}


@pytest.mark.parametrize(("level", "strangers"), [("quick", 1), ("standard", 4)])
def test_as_many_strangers_are_taught_as_the_level_says(level: str, strangers: int) -> None:
    request = ForgetRequest("Mara Voss", (find("Mara Voss").picture(0, "train"),))
    own, floor = material_of(request, "world:tiny-qwen3vl", level)
    assert floor is not None
    assert own.each == (own,)
    assert len(floor.each) == strangers
    names = {one.known_name for one in floor.each}
    assert len(names) == strangers
    assert names <= {other.name for other in own.others}
    if strangers > 1:
        assert {shown.unit for one in floor.each for shown in one.retested} == {s.unit for s in floor.tested[:4]}
        assert len({shown.number for one in floor.each for shown in one.retested}) == strangers * len(own.retested)
