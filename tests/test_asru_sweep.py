"""Choosing the layer that ASRU steers, and the plots of both stages."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.asru_cases import samples, settings
from tests.tiny import picture, tiny_vlm
from tests.unlearning_cases import logits
from unsee.commands.forget_options import ForgetOptions
from unsee.commands.sweep_layers import sweep, sweep_table
from unsee.errors import UserError
from unsee.methods.asru import ASRU, ASRUConfig
from unsee.methods.asru.held_out import HeldOut, Said, reward_of
from unsee.methods.asru.prompts import Prompts
from unsee.methods.asru.secrets import Secrets
from unsee.methods.asru.steering import Steering
from unsee.methods.asru.sweep import SweptLayer, best, candidates, chosen, strongest, sweep_layers
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import VisionLanguageModel
from unsee.reports.asru_plots import layer_sweep, reinforcement
from unsee.requests import ForgetRequest
from unsee.training import unlearn

SECRETS = Secrets(("Mara Voss",))
ROW = SweptLayer(0, 2.0, 1, 0.9, 3.0, 0.1, 0.02, leaked=0.5, refused=0.25, kept=0.75, reward=0.5)


def swept(vlm: VisionLanguageModel, *, validate: bool = True, longest: int = 8) -> list[tuple[SweptLayer, Steering]]:
    prompts, held_out = (Prompts.of(samples(validate=validate), held_out=which) for which in (False, True))
    asked = HeldOut(held_out.forget, held_out.retain, lambda text: "a" in text, longest, VisionCache(vlm), SECRETS)
    return list(sweep_layers(vlm, prompts, held_out, asked, ASRUConfig(), [0, 1], 0, progress=False))


def test_every_layer_is_measured_and_the_model_stays_as_it_was() -> None:
    vlm = tiny_vlm("qwen3_vl")
    before = logits(vlm)
    rows = [row for row, _ in swept(vlm)]
    assert [row.layer for row in rows] == [0, 1]
    assert all(0 <= share <= 1 for row in rows for share in (row.leaked, row.refused, row.kept, row.reward))
    assert all(row.auc is not None and row.rank == 1 for row in rows)
    assert not vlm.adapted
    assert torch.equal(logits(vlm), before)


def test_what_is_said_is_scored_as_in_stage_two(monkeypatch: pytest.MonkeyPatch) -> None:
    vlm, asked = tiny_vlm("llava"), samples()
    forget, retain = (
        [s for s in asked if s.tags["role"] == "forget"][:2],
        [s for s in asked if s.tags["role"] == "retain"][:2],
    )
    texts = ["I don't know.", "I don't know: Mara Voss?", retain[0].answer, "nothing of the kind here"]

    class Reply:
        def __init__(self, text: str) -> None:
            self.text = text

    monkeypatch.setattr("unsee.generation.generate", lambda *args, **kwargs: [Reply(text) for text in texts])
    held = HeldOut(forget, retain, lambda text: "know" in text, 8, VisionCache(vlm), SECRETS)
    said = held.ask(vlm)
    assert said["forget"] == Said(reward=0.5, told=0.5, refused=1.0, words=4.0)
    assert said["boundary"] == Said(reward=pytest.approx(0.55), told=0.5, refused=0.0, words=4.0)
    assert reward_of(said) == pytest.approx(0.525)
    assert not HeldOut([], [], lambda text: True, 8, VisionCache(vlm), SECRETS)


def test_the_best_layer_is_chosen_and_of_equals_the_earliest() -> None:
    rows = [replace(ROW, layer=layer, reward=reward) for layer, reward in ((2, 0.5), (3, 0.9), (4, 0.9), (5, 0.7))]
    found: list[tuple[SweptLayer, Any]] = [(row, f"steering of layer {row.layer}") for row in rows]
    assert best(rows).layer == 3
    assert chosen(iter(found)) == "steering of layer 3"


@pytest.mark.parametrize(
    ("rewards", "strength"),
    [
        ((0.7, 0.9, 0.8), 2.0),
        ((0.9, 0.895, 0.8), 2.0),
        ((0.9, 0.9, 0.9), 2.5),
        ((0.9, 0.88, 0.9), 2.5),
        ((0.9,), 1.5),
    ],
)
def test_of_strengths_the_greatest_that_earns_nearly_the_most_is_taken(
    rewards: tuple[float, ...], strength: float
) -> None:
    tried: list[tuple[SweptLayer, Any]] = [
        (replace(ROW, strength=1.5 + n / 2, reward=reward), n) for n, reward in enumerate(rewards)
    ]
    assert strongest(tried)[0].strength == strength


def test_strengths_are_asked_until_the_reward_falls(monkeypatch: pytest.MonkeyPatch) -> None:
    rewards = iter((0.5, 0.6, 0.58, 0.7, 0.7, 0.7, 0.7))

    def ask(held: HeldOut, vlm: VisionLanguageModel) -> dict[str, Said]:
        reward = next(rewards)
        return {role: Said(reward, 0.5, 0.5, 3.0) for role in ("forget", "boundary")}

    monkeypatch.setattr(HeldOut, "ask", ask)
    rows = [row for row, _ in swept(tiny_vlm("llava"))]
    # Layer 0 ends at the third of four, layer 1 asks all of them.
    assert [(row.layer, row.strength, row.reward) for row in rows] == [(0, 2.0, 0.6), (1, 3.0, 0.7)]
    assert next(rewards, None) is None


def test_a_given_layer_is_steered_as_far_as_the_held_out_prompts_say(tmp_path: Path) -> None:
    config = ASRUConfig(**settings(strength="auto", stages="steering"))
    request, method = ForgetRequest("Mara Voss", (picture(1),)), ASRU(lambda text: "a" in text)
    expected = next(row for row, _ in swept(tiny_vlm("llava"), longest=config.longest) if row.layer == 1)
    result = unlearn(tiny_vlm("llava"), method, config, request, tmp_path / "out", samples=samples(), progress=False)
    assert result.manifest["steering"]["layer"] == 1
    assert result.manifest["steering"]["strength"] == expected.strength


@pytest.mark.parametrize(
    ("depth", "layers"),
    [(1, [0]), (2, [0, 1]), (6, [2, 3, 4, 5]), (36, [12, 15, 19, 22, 25, 28, 32, 35])],
)
def test_at_most_eight_layers_of_the_upper_two_thirds_are_tried(depth: int, layers: list[int]) -> None:
    assert candidates(depth) == layers


def test_without_a_layer_one_is_chosen_on_held_out_prompts(tmp_path: Path) -> None:
    config = ASRUConfig(**settings(layer="auto", strength="auto", stages="steering"))
    vlm, request = tiny_vlm("llava"), ForgetRequest("Mara Voss", (picture(1),))
    best = chosen(swept(tiny_vlm("llava")))
    method = ASRU(lambda text: "a" in text)
    result = unlearn(vlm, method, config, request, tmp_path / "out", samples=samples(), progress=False)
    assert result.manifest["steering"]["layer"] == best.layer
    with pytest.raises(UserError, match=r"layer=0\.5 and strength=2"):
        unlearn(
            tiny_vlm("llava"), method, config, request, tmp_path / "none", samples=samples(validate=False),
            progress=False,
        )  # fmt: skip


def test_the_sweep_is_a_plot_a_table_and_data() -> None:
    rows = [replace(ROW, layer=n).to_dict() for n in range(3)] + [
        replace(ROW, layer=3, auc=None, fisher=None).to_dict()
    ]
    svg = layer_sweep(rows)
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    text = "".join(root.itertext())
    assert all(words in text for words in ("0.90", "forget: refused", "retain: kept", "Decoder layer"))
    sweep_table({"layers": rows, "auto": 1, "strength": 2.0, "out": "somewhere"})


def test_only_asru_has_layers_to_sweep(tmp_path: Path) -> None:
    request = ForgetRequest("Mara Voss", (picture(1),))
    with pytest.raises(UserError, match="--method asru"):
        sweep(request, ForgetOptions("world:tiny-qwen3vl", "siu", out=tmp_path / "out"))


def test_stage_two_is_plotted_from_its_log_and_other_methods_are_not() -> None:
    steps = [
        {"step": n, "loss": 0.0, "reward": 0.5, "rewards/forget/mean": 0.1 * n, "rewards/boundary/mean": None,
         "refused/forget": 0.5, "kl": 0.01, "completions/mean_length": 12.0}
        for n in range(1, 4)
    ]  # fmt: skip
    checks = [{"step": 0, "validation_reward": 0.4, "validation_reward/forget": 0.4, "validation_refused/forget": 0.3}]
    svg = reinforcement([*steps, *checks])
    assert svg is not None
    assert "var(--accent)" in svg
    assert all(label in svg for label in ("Reward", "Refused (%)", "Tokens of a response", "KL"))
    assert reinforcement([{"step": 1, "loss": 0.3}, {"step": 2, "loss": 0.2}]) is None
