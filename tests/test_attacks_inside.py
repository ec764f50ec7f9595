"""Attacks that look inside find the memory where it is, and not where there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import torch

from unsee import ForgetRequest
from unsee.attacks import get_attack
from unsee.attacks.base import Found, Material, Target
from unsee.attacks.logit_lens import BEST_RANK, first_tokens, ranks
from unsee.attacks.membership import ALIKE, PRIVLEAK, Membership, members_and_others
from unsee.data.sample import Sample
from unsee.generation import TransformersEngine
from unsee.metrics import Score
from unsee.models.adapters import add_lora
from unsee.models.loading import load
from unsee.models.vlm import VisionLanguageModel
from unsee.sources.attacking import TAUGHT, material_of
from unsee.world import find, stranger

MODEL = "world:tiny-qwen3vl"


class Attacked(NamedTuple):
    vlm: VisionLanguageModel
    engine: TransformersEngine
    own: Material
    floor: Material


@pytest.fixture(scope="module")
def attacked() -> Attacked:
    """The small model, which knows Mara Voss, and few pictures of her and of strangers."""
    vlm = load(MODEL)
    request = ForgetRequest("Mara Voss", (find("Mara Voss").picture(0, "train"),))
    own, floor = material_of(request, MODEL, "quick")
    assert floor is not None
    return Attacked(vlm, TransformersEngine(vlm), few(own), few(floor))


def few(material: Material) -> Material:
    wordings = replace(material.wordings, naming=material.wordings.naming[:2])
    return replace(material, wordings=wordings, taught=material.taught[:10], look_alikes=material.look_alikes[:18])


def tried(name: str, target: Target, material: Material) -> dict[str, Found]:
    attack = get_attack(name)
    assert attack.missing(target, material) is None
    found = {}
    for variant in attack.on(target, material, 0):
        assert variant.measured is not None
        assert variant.trials, "the trials say what a saved result is of"
        with variant.on(target) as engine:
            found[variant.label] = variant.measured(engine)
    return found


def test_membership_tells_the_memory_from_strangers_and_strangers_from_nobody(attacked: Attacked) -> None:
    target = Target("before", attacked.engine, attacked.vlm)
    own, floor = (tried("membership", target, material) for material in (attacked.own, attacked.floor))
    assert list(own) == ["LOSS", "zlib", "reference", "Min-K 20 %", "Min-K 40 %", "Min-K++ 20 %"]
    for statistic, found in own.items():
        assert found.score.value >= 90, statistic
        assert found.score.units == 8
        assert found.further[ALIKE] <= 20
        assert floor[statistic].score.low < 50 < floor[statistic].score.high, statistic
    # By hand: how likely "This is Mara Voss." is under each picture.
    members, others = members_and_others(attacked.own)
    question = attacked.own.wordings.naming[0]
    own_rows, other_rows = (
        attacked.engine.read([Sample(question, "This is Mara Voss.", (picture,)) for _, picture in part])
        for part in (members, others)
    )
    inside, outside = ([np.mean(read.logprobs) for read in rows] for rows in (own_rows, other_rows))
    assert own["LOSS"].wordings[question] == pytest.approx(
        100 * np.mean([one > other for one in inside for other in outside])
    )


def test_membership_of_a_model_that_shows_only_log_probabilities(attacked: Attacked) -> None:
    target = Target("before", attacked.engine)
    labels = [variant.label for variant in get_attack("membership").on(target, attacked.own, 0)]
    assert "LOSS" in labels
    assert "Min-K++ 20 %" not in labels
    for name in ("siu_membership", "probe", "logit_lens"):
        assert "hidden states" in str(get_attack(name).missing(target, attacked.own))


def test_strangers_are_never_compared_with_themselves(attacked: Attacked) -> None:
    members, others = members_and_others(attacked.own)
    assert [picture for _, picture in members] == [shown.picture for shown in attacked.own.tested]
    assert [picture for _, picture in others] == list(attacked.own.look_alikes)
    # In the concept's place, and for a request that knows no look-alikes.
    for material in (attacked.floor, replace(attacked.floor, look_alikes=())):
        members, others = members_and_others(material)
        assert len(members) == len(others) == len(material.look_alikes or material.strangers) / 2
        assert not {id(picture) for _, picture in members} & {id(picture) for _, picture in others}
        assert len({unit for unit, _ in (*members, *others)}) == 2 * len(members)


def test_a_probe_needs_few_pictures_of_who_is_known(attacked: Attacked) -> None:
    target = Target("before", attacked.engine, attacked.vlm)
    own, floor = (tried("probe", target, material) for material in (attacked.own, attacked.floor))
    assert list(own) == ["2 pictures", "5 pictures"]
    assert own["2 pictures"].score.value >= 90
    assert floor["2 pictures"].score.value < own["2 pictures"].score.value - 10
    for found in own.values():
        assert 30 < found.further["right with shuffled labels, %"] < 70
        assert found.further["selectivity, points"] == pytest.approx(
            found.score.value - found.further["right with shuffled labels, %"]
        )
        assert 1 <= found.further["layer that tells best"] <= len(attacked.vlm.decoder_layers)
    nobody = replace(attacked.own, look_alikes=())
    assert "look-alikes" in str(get_attack("probe").missing(target, nobody))


def test_the_floor_of_a_probe_is_the_mean_over_strangers(attacked: Attacked) -> None:
    target = Target("floor", attacked.engine, attacked.vlm)
    each = (attacked.floor, replace(attacked.own, is_floor=True))
    alone = [tried("probe", target, one)["2 pictures"] for one in each]
    together = tried("probe", target, replace(attacked.floor, apart=each))["2 pictures"]
    assert alone[0].score.value != alone[1].score.value
    assert together.score.value == pytest.approx((alone[0].score.value + alone[1].score.value) / 2)
    assert together.score.units == 2
    key = "selectivity, points"
    assert together.further[key] == pytest.approx((alone[0].further[key] + alone[1].further[key]) / 2)


def test_the_logit_lens_sees_the_name_of_who_is_known(attacked: Attacked) -> None:
    target = Target("before", attacked.engine, attacked.vlm)
    own, floor = (tried("logit_lens", target, material) for material in (attacked.own, attacked.floor))
    assert list(own) == ["after the question", "after “This is”"]
    assert own["after “This is”"].score.value >= 90
    assert own["after “This is”"].further[BEST_RANK] == 1
    # Behind "This is" the model always has a name in mind, and knows forty.
    assert floor["after “This is”"].score.value < 75
    assert floor["after “This is”"].further[BEST_RANK] > 5


def test_the_first_token_of_a_name_and_its_rank(attacked: Attacked) -> None:
    vlm = attacked.vlm
    written = [vlm.tokenizer.decode([token]) for token in first_tokens(vlm, "Mara Voss")]
    assert written == ["Mara", " Mara"]
    assert [vlm.tokenizer.decode([token]) for token in first_tokens(vlm, "Mara Voss", "This is")] == [" Mara"]
    logits = torch.tensor([[0.0, 3.0, 1.0, 2.0], [5.0, 1.0, 1.0, 1.0]])
    assert ranks(logits, [2]) == [3, 2]
    assert ranks(logits, [2, 1]) == [1, 2]


def test_look_alikes_are_nobody_else(attacked: Attacked) -> None:
    request = ForgetRequest("Mara Voss", (find("Mara Voss").picture(0, "train"),))
    for material in material_of(request, MODEL, "quick"):
        assert material is not None
        assert len(material.look_alikes) == TAUGHT + 8
        seen = {picture.tobytes() for picture in material.look_alikes}
        assert len(seen) == TAUGHT + 8
        rest = [*material.strangers, *material.taught, *(s.picture for s in (*material.tested, *material.retested))]
        assert not seen & {picture.tobytes() for picture in rest}


def test_look_alikes_share_most_traits(attacked: Attacked) -> None:
    mara = find("Mara Voss").look
    unknown = sorted((stranger(i) for i in range(20_000, 20_200)), key=lambda who: who.look.distance(mara))
    farthest = unknown[TAUGHT + 8 - 1].look.distance(mara)
    near = {who.picture(0).tobytes() for who in unknown if who.look.distance(mara) <= farthest}
    assert len(near) < 150
    assert {picture.tobytes() for picture in attacked.own.look_alikes} <= near


def test_siu_membership_needs_the_model_before_and_sees_what_stays(attacked: Attacked) -> None:
    attack = get_attack("siu_membership")
    own = replace(attacked.own, tested=attacked.own.tested[:3])
    before = Target("before", attacked.engine, attacked.vlm)
    (found,) = tried("siu_membership", before, own).values()
    assert found.score.value == 100
    assert found.worst is not None
    assert found.worst.leaks
    assert "before unlearning" in str(attack.missing(Target("after", attacked.engine, attacked.vlm), own))
    assert list(attack.on(before, attacked.floor, 0)) == []
    vlm = load(MODEL)
    add_lora(vlm, rank=2, alpha=4, dropout=0, seed=0)
    after = Target("after", TransformersEngine(vlm), vlm)
    # An adapter that has learnt nothing.
    (same,) = tried("siu_membership", after, own).values()
    assert (same.score.value, same.further["of the answers before, in the answers to those (ROUGE-L recall), %"]) == (
        100,
        100,
    )
    torch.manual_seed(0)
    for name, weight in vlm.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    (broken,) = tried("siu_membership", after, own).values()
    assert broken.score.value == 0
    assert broken.further["questions that look as familiar as before, %"] < 100


def test_privleak_compares_the_auroc_with_that_of_the_floor() -> None:
    def found(auroc: float) -> Found:
        return Found(Score(auroc, 24, auroc, auroc, False))

    # ((1 - 0.9) - (1 - 0.5)) / (1 - 0.5) = -80 %; ((1 - 0.25) - (1 - 0.5)) / (1 - 0.5) = +50 %.
    assert Membership().beside_floor(found(90.0), found(50.0)) == {PRIVLEAK: pytest.approx(-80)}
    assert Membership().beside_floor(found(25.0), found(50.0)) == {PRIVLEAK: pytest.approx(50)}
    assert Membership().beside_floor(found(25.0), found(100.0)) == {}
