"""Both stages of ASRU as a run: what is saved, repeated, interrupted, stopped early."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerCallback

from tests.asru_cases import FAMILIES, samples, settings
from tests.tiny import picture, tiny_vlm
from tests.unlearning_cases import logits, weights
from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.methods.asru import ASRU, ASRUConfig, reinforcement
from unsee.methods.asru.reinforcement import data_set
from unsee.methods.asru.watching import STEPS_WITHOUT_VARIATION
from unsee.models.adapters import load_adapter, merge, reference
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import ForgetRequest
from unsee.training import Unlearned, unlearn


def whim(text: str) -> bool:
    """A refusal detector for models that talk nonsense: every other length."""
    return len(text) % 2 == 0


def run(vlm: VisionLanguageModel, out: Path, refuses: Callable[[str], bool] = whim, **changes: Any) -> Unlearned:
    options = {name: changes.pop(name) for name in ("resume", "seed") if name in changes}
    asked = changes.pop("samples", samples())
    config = ASRUConfig(**settings(**changes))
    request = ForgetRequest("Mara Voss", (picture(1),))
    return unlearn(vlm, ASRU(refuses), config, request, out, samples=asked, progress=False, **options)


def log(result: Unlearned) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (result.folder / "training.jsonl").read_text().splitlines()]


class Case:
    def __init__(self, family: str, folder: Path) -> None:
        self.family, self.vlm = family, tiny_vlm(family)
        self.logits_before, self.weights_before = logits(self.vlm), weights(self.vlm)
        self.result = run(self.vlm, folder / "out")
        self.logits_after = logits(self.vlm)


@pytest.fixture(scope="module", params=FAMILIES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(request.param, tmp_path_factory.mktemp("asru"))


def test_a_run_leaves_a_delta_with_an_adapter_on_top_that_loads_switches_off_and_merges(case: Case) -> None:
    manifest = case.result.manifest
    assert manifest["result"] == "delta+adapter"
    fresh = tiny_vlm(case.family)
    load_adapter(fresh, case.result.folder)
    assert torch.equal(logits(fresh), case.logits_after)
    for vlm in (fresh, case.vlm):
        with reference(vlm):
            assert torch.equal(logits(vlm), case.logits_before)
    merge(fresh)
    torch.testing.assert_close(logits(fresh), case.logits_after, rtol=1e-4, atol=1e-5)


def test_the_manifest_and_the_log_tell_both_stages(case: Case) -> None:
    manifest = case.result.manifest
    assert manifest["prompts"] == {"forget": 4, "retain": 7, "unseen": 4, "altered": 0, "lost": 0, "boundary": 4}
    assert manifest["steering"]["layer"] == 1
    assert manifest["steering"]["rank"] == 1
    assert {"missed", "drift", "auc", "fisher", "seconds"} <= manifest["steering"].keys()
    assert manifest["reinforcement"]["steps_taken"] == 3
    assert manifest["libraries"]["trl"]
    entries = log(case.result)
    steps = [entry for entry in entries if "loss" in entry]
    assert [entry["step"] for entry in steps] == [1, 2, 3]
    assert {"reward", "kl", "completions/mean_length", "rewards/forget/mean", "rewards/boundary/mean"} <= set(steps[0])
    validations = [entry for entry in entries if "validation_reward" in entry]
    assert [entry["step"] for entry in validations] == [0, 2, 3]
    assert {
        f"validation_{what}/{role}"
        for what in ("reward", "told", "refused", "words")
        for role in ("forget", "boundary")
    } <= (set(validations[0]))
    assert not (case.result.folder / "checkpoints").exists()


def test_trl_leaves_the_model_as_it_found_it(case: Case) -> None:
    untouched = tiny_vlm(case.family)
    assert "forward" not in vars(case.vlm.base)
    assert case.vlm.tokenizer.padding_side == untouched.tokenizer.padding_side
    assert case.vlm.base.config.to_dict() == untouched.base.config.to_dict()
    assert case.vlm.base.generation_config.to_dict() == untouched.base.generation_config.to_dict()
    assert not any(parameter.requires_grad for parameter in case.vlm.model.parameters())


def test_the_adapter_kept_is_that_of_the_best_validation(case: Case) -> None:
    validations = [entry for entry in log(case.result) if "validation_reward" in entry]
    best = max(entry["validation_reward"] for entry in validations)
    kept = case.result.manifest["reinforcement"]["step_kept"]
    assert kept == [entry["step"] for entry in validations if entry["validation_reward"] == best][-1]


def test_the_same_seed_gives_the_same_result_and_another_seed_another(case: Case, tmp_path: Path) -> None:
    everything = {"validate_every": 100, "samples": samples(validate=False), "steps": 2}
    logs = []
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        vlm = tiny_vlm(case.family)
        result = run(vlm, tmp_path / name, seed=seed, **everything)
        assert result.manifest["reinforcement"]["step_kept"] is None
        logs.append((logits(vlm), [entry["loss"] for entry in log(result) if "loss" in entry]))
    assert torch.equal(logs[0][0], logs[1][0])
    assert logs[0][1] == logs[1][1]
    assert not torch.equal(logs[0][0], logs[2][0])


class PressCtrlC(TrainerCallback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step - 1:
            signal.raise_signal(signal.SIGINT)


def test_interrupted_in_stage_two_it_resumes_to_the_same_result(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = reinforcement.GRPOTrainer

    def pressing(**arguments: Any) -> Any:
        trainer = real(**arguments)
        trainer.add_callback(PressCtrlC(2))
        return trainer

    monkeypatch.setattr(reinforcement, "GRPOTrainer", pressing)
    with pytest.raises(KeyboardInterrupt):
        run(tiny_vlm(case.family), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(reinforcement, "GRPOTrainer", real)
    vlm = tiny_vlm(case.family)
    resumed = run(vlm, tmp_path / "out", resume=True)
    assert resumed.manifest["reinforcement"]["resumed"] is True
    assert resumed.manifest["steering"] == pytest.approx(case.result.manifest["steering"], abs=10)
    assert torch.equal(logits(vlm), case.logits_after)
    keys = ("step", "loss", "reward", "kl", "validation_reward")
    told = [[{key: entry.get(key) for key in keys} for entry in log(r) if "train_runtime" not in entry] for r in
            (resumed, case.result)]  # fmt: skip
    assert told[0] == told[1]


def test_interrupted_in_stage_one_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def press(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("unsee.methods.asru.stages.steer", press)
        with pytest.raises(KeyboardInterrupt):
            run(tiny_vlm("llava"), tmp_path / "out", stages="steering")
    result = run(tiny_vlm("llava"), tmp_path / "out", stages="steering", resume=True)
    assert result.manifest["result"] == "delta"


def test_stage_one_alone_leaves_a_delta(tmp_path: Path) -> None:
    vlm = tiny_vlm("llava")
    before = weights(vlm)
    result = run(vlm, tmp_path / "out", stages="steering")
    assert result.manifest["result"] == "delta"
    assert "reinforcement" not in result.manifest
    assert result.manifest["steps"] == 0
    changed = {name for name, value in weights(vlm).items() if not torch.equal(value, before[name])}
    assert changed == {f"{vlm.layout.decoder_layers}.1.{vlm.layout.mlp_down}.weight"}
    assert log(result) == []


def test_stage_two_alone_leaves_an_adapter(tmp_path: Path) -> None:
    result = run(tiny_vlm("llava"), tmp_path / "out", stages="reinforcement", steps=1)
    assert result.manifest["result"] == "adapter"
    assert "steering" not in result.manifest


def test_a_reward_that_never_varies_is_said_and_ends_the_run(tmp_path: Path) -> None:
    result = run(tiny_vlm("llava"), tmp_path / "out", refuses=lambda text: True, steps=100, validate_every=1000)
    told = result.manifest["reinforcement"]
    assert told["steps_taken"] == STEPS_WITHOUT_VARIATION
    assert "did not vary" in told["stopped"]
    assert result.manifest["notes"] == [told["stopped"]]


def test_without_progress_on_held_out_prompts_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unsee.methods.asru.watching.STEPS_WITHOUT_VARIATION", 1000)
    refuses = {"refuses": lambda text: True, "steps": 50, "validate_every": 1, "patience": 2}
    vlm = tiny_vlm("llava")
    result = run(vlm, tmp_path / "out", **refuses)
    told = result.manifest["reinforcement"]
    assert result.manifest["steps"] == told["steps_taken"]
    assert (told["step_kept"], told["steps_taken"]) == (2, 2)
    assert "No progress on the held-out prompts since step 0" in told["stopped"]


def test_rows_for_trl_hold_prompt_pictures_truth_and_role() -> None:
    rows = data_set([("forget", samples()[0]), ("boundary", Sample("Where is Oslo?", "In Norway."))])
    assert rows[0]["prompt"] == [{"role": "user", "content": samples()[0].prompt}]
    assert rows[0]["images"][0].tobytes() == picture(1).tobytes()
    assert (rows[0]["truth"], rows[0]["role"]) == ("This is Mara Voss.", "forget")
    assert rows[1]["images"] == []


@pytest.mark.parametrize("family", FAMILIES)
def test_trl_reads_prompts_as_the_rest_of_unsee_does(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[int]] = []
    real = reinforcement.GRPOTrainer._tokenize_prompts

    def spy(self: Any, prompts: list[Any]) -> Any:
        found = real(self, prompts)
        seen.extend(list(ids) for ids in found[0])
        return found

    monkeypatch.setattr(reinforcement.GRPOTrainer, "_tokenize_prompts", spy)
    vlm = tiny_vlm(family)
    run(vlm, tmp_path / "out", stages="reinforcement", batch=4, steps=2, boundary=1.0)
    asked = [(sample.prompt_messages(), sample.images) for sample in samples()]
    known = [prompt.input_ids for prompt in vlm.encode_prompt(asked)]
    assert len(seen) == 2 * 4 * 2
    assert all(ids in known for ids in seen)


def test_settings_that_cannot_work_are_refused(tmp_path: Path) -> None:
    for wrong in ({"responses": 1}, {"boundary": 0.0}, {"held_out": 1.0}, {"top_p": 0.0}, {"full": True}):
        with pytest.raises(UserError):
            ASRUConfig(**wrong)
    with pytest.raises(UserError, match="needs the package vllm"):
        run(tiny_vlm("llava"), tmp_path / "out", stages="reinforcement", rollouts="vllm")
    with pytest.raises(UserError, match="layers 0 to 1"):
        run(tiny_vlm("llava"), tmp_path / "out", layer="2")
    mixed = [*samples(), Sample("Who is Mara Voss?", "A baker.", tags={"role": "forget"})]
    with pytest.raises(UserError, match="some of its prompts have a picture"):
        run(tiny_vlm("llava"), tmp_path / "out", stages="reinforcement", samples=mixed)
    alone = [sample for sample in samples() if sample.tags["role"] == "forget"]
    with pytest.raises(UserError, match="prompts to retain"):
        run(tiny_vlm("llava"), tmp_path / "out", stages="reinforcement", samples=alone)
