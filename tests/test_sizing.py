"""`unsee plan`: figures from the configuration alone agree with those of a model that is really there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import unsee
from tests.command_line import call, printed, refused
from tests.tiny import tiny_vlm
from unsee.errors import UserError
from unsee.methods import METHODS
from unsee.models.adapters import add_lora, enable_gradient_checkpointing
from unsee.models.collation import encode_samples
from unsee.models.loading import outline
from unsee.models.recipe import ModelRecipe
from unsee.models.saving import save_model
from unsee.sizing import plan_run
from unsee.sizing.fused_head import fused_head, kernels_of
from unsee.sizing.live_memory import HOLES, SMALL, LiveMemory, Most
from unsee.sizing.stand_ins import request_in_general, stand_ins
from unsee.sizing.tracing import META, OutlinedSet, Traced, trace
from unsee.training import parse_overrides
from unsee.training.reference import TrainingSet

LLAVA = "world:tiny-llava"
ASRU = ("batch=1", "responses=2", "longest=8")


@pytest.mark.parametrize("name", METHODS)
def test_every_method_can_be_planned(name: str) -> None:
    plan = plan_run(LLAVA, name, ASRU if name == "asru" else ("steps=2",), device_memory=4)
    assert 0 < plan.trained < plan.parameters
    assert plan.samples > 0
    assert plan.fits
    assert plan.advice == ()
    assert plan.phases[plan.largest]["weights"] > 4e6
    assert sum(plan.flops.values()) > 1e9
    assert {"loading", "asking", "reinforcement" if name == "asru" else "training"} <= set(plan.phases)


def test_pictures_of_others_are_planned_as_further_samples() -> None:
    alone = plan_run(LLAVA, "siu", ("steps=2", "confirmed=4"))
    beside = plan_run(LLAVA, "siu", ("steps=2", "confirmed=4"), others=True)
    assert beside.samples == alone.samples + 6 + 4 + 8
    assert beside.flops["vision"] == alone.flops["vision"] * 19
    shown = stand_ins(METHODS["npo"], outline(LLAVA, device="cpu")[0], METHODS["npo"].config(), others=True)
    assert any(sample.images for sample in shown if sample.tags["role"] == "retain")


def test_asking_is_planned_with_its_cache_and_what_reading_takes() -> None:
    tiny, wide = (plan_run(name, "ga").phases["asking"] for name in (LLAVA, "world:tiny-qwen3vl"))
    for asking in (tiny, wide):
        assert asking["keys and values"] > 1e7
        assert asking["activations"] > 1e7
    # On a GPU no heap has holes.
    assert plan_run(LLAVA, "ga", device_memory=4).phases["asking"]["activations"] < tiny["activations"]


def test_parameters_and_weights_are_those_of_the_loaded_model() -> None:
    plan, vlm = plan_run(LLAVA, "ga"), unsee.load(LLAVA, device="cpu")
    weights = list(vlm.base.parameters())
    assert plan.parameters == sum(weight.numel() for weight in weights)
    buffers = sum(buffer.nbytes for buffer in vlm.base.buffers())
    assert plan.phases["loading"]["weights"] == pytest.approx(sum(w.nbytes for w in weights) + buffers, rel=1e-3)
    add_lora(vlm, rank=8, alpha=16, dropout=0.0, seed=0)
    assert plan.trained == sum(w.numel() for w in vlm.model.parameters() if w.requires_grad)


@pytest.mark.parametrize("name", ["siu", "npo", "rmu"])
def test_what_the_reference_stores_is_planned_exactly(name: str, tmp_path: Path) -> None:
    method, real = METHODS[name], tiny_vlm("qwen3_vl")
    config = parse_overrides(method.config, ["forget=2", "retain=2"] if name != "siu" else ["facts=2", "others=2"])
    planned, _ = outline(save_model(real, tmp_path / "model"), device="cpu")
    sets = []
    for vlm, kind in ((planned, OutlinedSet), (real, TrainingSet)):
        objective: Any = method.objective([request_in_general()], vlm, config)
        sets.append(kind(encode_samples(stand_ins(method, vlm, config), vlm), objective, vlm))
    sets[1].remember_reference(real.model, real.device, 4)
    assert [None if r is None else r.nbytes for r in sets[0].references] == [
        None if r is None else r.nbytes for r in sets[1].references
    ]


def test_operations_of_a_forward_pass_are_two_for_each_weight_and_token() -> None:
    vlm, _ = outline(LLAVA, device="cpu")
    method = METHODS["ga"]
    training_set = OutlinedSet(
        encode_samples(stand_ins(method, vlm, method.config()), vlm),
        method.objective([request_in_general()], vlm, method.config()),
        vlm,
    )
    linear = sum(vlm.base.get_submodule(path).weight.numel() for path in vlm.layout.language_linears)  # type: ignore[misc, union-attr]
    traced = training_set.forward([0])
    # Attention and the head come on top.
    assert 1 < traced.flops / (2 * linear * training_set.tokens([0])) < 1.3


def test_what_is_made_and_freed_counts_once_at_its_largest() -> None:
    kept = torch.empty(1000, device=META)

    def run() -> None:
        for _ in range(3):
            kept.add_(kept * 2)

    traced = trace(run, [kept])
    assert traced.memory.peak == 4000


def test_more_of_anything_takes_more_memory() -> None:
    def taken(*settings: str, phase: str = "training") -> int:
        return sum(plan_run(LLAVA, "ga", settings, device_memory=4).phases[phase].values())

    usual = taken("batch=2")
    assert taken("batch=8") > usual
    assert taken("batch=2", "lora_rank=64") > usual
    assert taken("batch=2", "full=true") > usual
    assert taken("batch=2", "gradient_checkpointing=true") < usual


def test_a_run_that_does_not_fit_is_told_with_advice() -> None:
    planned = printed(call("plan", "--model", LLAVA, "--device-memory", "0.2", "--set", "batch=8", "--json"))
    assert not planned["fits"]
    assert planned["advice"][0].startswith("This run does not fit")
    assert planned["peak_mb"] == pytest.approx(sum(planned["phases"][planned["peak_phase"]].values()), abs=1)
    assert planned["memory_mb"] == pytest.approx(214.7, abs=0.1)


def test_the_table_names_phases_parts_and_operations() -> None:
    result = call("plan", "--model", LLAVA, "--method", "npo", "--device-memory", "24", "--set", "steps=3")
    assert result.exit_code == 0, (result.stderr, result.exception)
    for word in ("npo on world:tiny-llava", "training", "optimiser", "3 steps", "TFLOP", "of 25,770 MB on the GPU"):
        assert word in result.stdout, word


def test_a_recipe_brings_model_dtype_and_settings_and_options_win(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(
        f"model: {LLAVA}\ndtype: bfloat16\nset: {{batch: 2, lora_rank: 4}}\nmethods: {{ga: {{steps: 7}}}}\n",
        encoding="utf-8",
    )
    assert ModelRecipe.read(path).settings("ga") == ("batch=2", "lora_rank=4", "steps=7")
    planned = printed(call("plan", "--recipe", path, "--method", "ga", "--set", "lora_rank=2", "--json"))
    assert (planned["steps"], planned["dtype"]) == (7, "bfloat16")
    assert planned["settings"]["batch"] == 2
    assert planned["settings"]["lora_rank"] == 2


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("set: {batch: 2}", "needs the key 'model'"),
        ("model: a/b\nsett: {}", "unknown key"),
        ("- 1", "must be a mapping"),
    ],
)
def test_a_recipe_that_does_not_fit_is_refused(content: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=complaint):
        ModelRecipe.read(path)


def test_a_plan_needs_a_model_and_no_weights(tmp_path: Path) -> None:
    assert "--model is missing" in refused(call("plan"))
    folder = save_model(tiny_vlm("smolvlm"), tmp_path / "model")
    for path in folder.glob("*.safetensors"):
        path.unlink()
    assert json.loads(call("plan", "--model", folder, "--set", "steps=1", "--json").stdout)["parameters"] > 0


@pytest.mark.parametrize(("bf16", "checkpointed"), [(False, False), (True, False), (False, True)])
def test_a_step_takes_what_tensors_of_a_real_one_do(bf16: bool, checkpointed: bool, tmp_path: Path) -> None:
    method, real = METHODS["ga_diff"], tiny_vlm("qwen3_vl")
    config = parse_overrides(method.config, ["forget=4", "retain=4"])
    outlined, _ = outline(save_model(real, tmp_path / "model"), device="cpu")
    sets: list[Any] = []
    for vlm, kind in ((outlined, OutlinedSet), (real, TrainingSet)):
        add_lora(vlm, rank=4, alpha=8, dropout=0.0, seed=0)
        if checkpointed:
            enable_gradient_checkpointing(vlm)
        vlm.model.train()
        objective: Any = method.objective([request_in_general()], vlm, config)
        more = {"bf16": bf16} if kind is OutlinedSet else {}
        sets.append(kind(encode_samples(stand_ins(method, vlm, config), vlm), objective, vlm, **more))
    units = list(range(8))
    sets[1].see_pictures()
    known = [*real.model.parameters(), *real.model.buffers()]
    with LiveMemory(known, torch.device("cpu")) as live:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = sets[1].objective(sets[1].token_batch(real.model, sets[1].collate(units)))
        loss.backward()
    assert sets[0].step(units).memory.peak == pytest.approx(live.most.peak, rel=0.05)


@pytest.mark.parametrize("bf16", [False, True])
def test_the_head_of_stage_2_takes_what_trl_takes(bf16: bool) -> None:
    from trl.kernels import ChunkedLogProbFunction

    hidden, head = torch.randn(40, 16, requires_grad=True), torch.nn.Linear(16, 300, bias=False).requires_grad_(False)
    targets = torch.zeros(40, dtype=torch.long)
    with LiveMemory([hidden, head.weight, targets], torch.device("cpu")) as live:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            found = ChunkedLogProbFunction.apply(
                hidden, head.weight, None, targets, 1.5, 32768, None, 1.0, ("log_probs", "entropy")
            )
        found[0].sum().backward()
    taken = [_head_alone(bf16, on_gpu).memory.peak for on_gpu in (False, True)]
    # The targets are made on the way here.
    assert taken[0] == pytest.approx(live.most.peak, rel=0.01)
    # Without copies of the tile what is left is the tile, as wide as TRL makes it.
    assert taken[1] < taken[0]
    assert taken[1] == pytest.approx(40 * 32768 * (2 if bf16 else 4), rel=0.05)


def _head_alone(bf16: bool, on_gpu: bool) -> Traced:
    hidden, head = torch.randn(40, 16, device=META, requires_grad=True), torch.nn.Linear(16, 300, False, META)
    head.requires_grad_(False)
    with kernels_of(on_gpu):
        return trace(lambda: fused_head(hidden, head, 1.5, bf16=bf16).sum().backward(), [hidden, head.weight])


def test_on_a_cpu_the_heap_has_holes_and_stays_as_large_as_it_was() -> None:
    live = LiveMemory([], torch.device("cpu"))
    with live:
        small = torch.empty(1000, dtype=torch.uint8)
        del small
        large = torch.empty(SMALL, dtype=torch.uint8)
    assert live.most == Most(peak=SMALL, small=1000, large=SMALL)
    assert live.most.held(on_gpu=True) == large.nbytes
    assert live.most.held(on_gpu=False) == 1000 * (1 + HOLES) + SMALL


@pytest.mark.parametrize(("dtype", "beside"), [("float32", 0), ("bfloat16", 1)])
def test_loading_holds_the_file_beside_weights_of_another_dtype_only(dtype: str, beside: int, tmp_path: Path) -> None:
    vlm = tiny_vlm("llava")
    vlm.model.to(getattr(torch, dtype))
    vlm.base.config.dtype = getattr(torch, dtype)
    folder = save_model(vlm, tmp_path / "model")
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    assert plan_run(str(folder), "ga").phases["loading"]["checkpoint file"] == beside * size


def test_choosing_a_layer_takes_the_sums_of_all_that_are_tried() -> None:
    def solver(*settings: str) -> int:
        return plan_run(LLAVA, "asru", (*ASRU, "stages=steering", *settings)).phases["steering"]["solver"]

    assert solver() > solver("layer=0.5") > solver("layer=0.5", "solver=gradient")


def test_sampling_holds_keys_and_values_of_all_responses() -> None:
    def cache(responses: int) -> int:
        settings = ("batch=1", f"responses={responses}", "longest=8")
        return plan_run(LLAVA, "asru", settings).phases["sampling"]["keys and values"]

    assert cache(8) == 2 * cache(4)


def test_a_tower_that_learns_is_planned_with_its_backward_pass() -> None:
    still, learning = (plan_run(LLAVA, "lookalike", ("steps=4", f"where={w}")) for w in ("decoder", "both"))
    assert learning.trained > still.trained
    assert learning.flops["training"] > still.flops["training"]
    assert learning.phases["training"]["activations"] > still.phases["training"]["activations"]
