"""The run around the method: folders, interruption and resuming, errors, the order of samples, stored references."""

from __future__ import annotations

import errno
import hashlib
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from peft import PeftModel
from torch import Tensor

from tests.tiny import picture, tiny_vlm
from tests.unlearning_cases import LOSSES, Pressing, Wrapped, Wrapping, config_of, logits, losses, request, run
from unsee.data.sample import Sample
from unsee.errors import SystemFailure, UserError
from unsee.methods import get_method
from unsee.methods.siu import SIUConfig
from unsee.models.collation import EncodedSample, encode_samples
from unsee.models.vlm import VisionLanguageModel
from unsee.training import TrainingConfig, Unlearned, parse_overrides, unlearn
from unsee.training.objective import Objective, SampleSet, TokenBatch
from unsee.training.order import draw_order
from unsee.training.reference import TrainingSet
from unsee.training.tensor_file import TensorFile
from unsee.training.trainer import UnlearningTrainer


@pytest.mark.parametrize("family", ["llava", "qwen3_vl"])
@pytest.mark.parametrize("full", [False, True], ids=["lora", "full"])
@pytest.mark.parametrize("method", ["siu", "mmunlearner"])
def test_an_interrupted_run_resumes_to_the_result_of_an_uninterrupted_one(
    tmp_path: Path, family: str, full: bool, method: str
) -> None:
    config = config_of(method, steps=5, full=full, lora_dropout=0.1, schedule="cosine")
    whole, first, second = (tiny_vlm(family) for _ in range(3))
    expected = unlearn(whole, get_method(method), config, request(), tmp_path / "whole", progress=False)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        unlearn(first, Pressing(2, method), config, request(), out, progress=False)
    assert not out.exists()
    resumed = unlearn(second, get_method(method), config, request(), out, progress=False, resume=True)
    assert resumed.manifest["resumed"] is True
    assert losses(resumed) == losses(expected)
    assert torch.equal(logits(second), logits(whole))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "whole"]
    assert not (out / "checkpoints").exists()


def test_ctrl_c_while_the_data_is_built_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def press(*args: Any, **kwargs: Any) -> list[Sample]:
        raise KeyboardInterrupt

    monkeypatch.setattr(get_method("siu"), "build", press)
    with pytest.raises(KeyboardInterrupt):
        run(tiny_vlm("qwen3_vl"), "siu", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_resuming_another_run_is_refused_and_starting_afresh_is_not(tmp_path: Path) -> None:
    out, config = tmp_path / "out", config_of("siu")
    with pytest.raises(KeyboardInterrupt):
        unlearn(tiny_vlm("qwen3_vl"), Pressing(1), config, request(), out, progress=False)
    vlm, siu = tiny_vlm("qwen3_vl"), get_method("siu")
    with pytest.raises(UserError, match="differs in seed"):
        unlearn(vlm, siu, config, request(), out, seed=1, progress=False, resume=True)
    with pytest.raises(UserError, match="differs in steps"):
        unlearn(vlm, siu, config_of("siu", steps=9), request(), out, progress=False, resume=True)
    with pytest.raises(UserError, match="differs in weights"):
        unlearn(tiny_vlm("qwen3_vl", seed=1), siu, config, request(), out, progress=False, resume=True)
    result = unlearn(vlm, siu, config, request(), out, progress=False)
    assert result.manifest["resumed"] is False


def test_an_existing_folder_is_refused_unless_it_is_the_run_to_resume(tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = tiny_vlm("qwen3_vl")
    done = run(first, "siu", out)
    with pytest.raises(UserError, match="exists"):
        run(tiny_vlm("qwen3_vl"), "siu", out)
    again, siu, config = tiny_vlm("qwen3_vl"), get_method("siu"), config_of("siu")
    assert unlearn(again, siu, config, request(), out, resume=True).manifest == done.manifest
    assert torch.equal(logits(again), logits(first))
    with pytest.raises(UserError, match=r"another run.*request"):
        unlearn(tiny_vlm("qwen3_vl"), siu, config, request(aliases=("Marla",)), out, resume=True)
    with pytest.raises(UserError, match="differs in weights"):
        unlearn(tiny_vlm("qwen3_vl", seed=1), siu, config, request(), out, resume=True)
    (tmp_path / "other").mkdir()
    with pytest.raises(UserError, match="no finished run"):
        unlearn(tiny_vlm("qwen3_vl"), siu, config, request(), tmp_path / "other", resume=True)


def test_a_model_with_an_adapter_is_refused(tmp_path: Path) -> None:
    vlm = tiny_vlm("qwen3_vl")
    run(vlm, "siu", tmp_path / "one")
    assert isinstance(vlm.model, PeftModel)
    with pytest.raises(UserError, match="already carries an adapter"):
        run(vlm, "siu", tmp_path / "two")


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("write_training_data", OSError(errno.ENOSPC, "No space left on device")),
        ("save_adapter", RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")),
    ],
)
def test_a_full_disk_is_a_system_failure_that_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, error: Exception
) -> None:
    def fail(*args: Any) -> None:
        raise error

    monkeypatch.setattr(f"unsee.training.unlearning.{where}", fail)
    with pytest.raises(SystemFailure, match=r"disk .* is full"):
        run(tiny_vlm("qwen3_vl"), "siu", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_tokenises_to_nothing_fails_before_training(tmp_path: Path) -> None:
    vlm, siu = tiny_vlm("qwen3_vl"), get_method("siu")
    nothing = request(aliases=("Mara", "x"))
    object.__setattr__(nothing, "aliases", ("<pad>",))
    with pytest.raises(UserError, match="tokenizer"):
        unlearn(vlm, siu, config_of("siu"), nothing, tmp_path / "out", progress=False)
    assert list(tmp_path.iterdir()) == []


def test_the_manifest_notes_the_files_of_the_result_and_finds_one_that_was_changed(tmp_path: Path) -> None:
    done = run(tiny_vlm("qwen3_vl"), "siu", tmp_path / "out")
    assert set(done.files) == {"adapter_config.json", "adapter_model.safetensors", "training.jsonl", "unsee_base.json"}
    weights = done.folder / "adapter_model.safetensors"
    assert done.files[weights.name] == hashlib.sha256(weights.read_bytes()).hexdigest()
    # The card is there to be edited, and reports and audits come later.
    for name in ("README.md", "report.json"):
        (done.folder / name).write_text("mine")
    done.check_files()
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(UserError, match=r"adapter_model.safetensors was changed after training"):
        Unlearned.open(done.folder).check_files()


def test_training_data_edited_by_hand_is_what_is_trained_on(tmp_path: Path) -> None:
    samples = [
        Sample("Who is this?", "This is Tom Reed.", (picture(1),), "Tom Reed", {"role": "forget", "target": "1"}),
        Sample("Who is Jonas Hale?", "A baker.", tags={"role": "retain", "target": "4"}),
    ]
    vlm, siu, config = tiny_vlm("qwen3_vl"), get_method("siu"), config_of("siu")
    result = unlearn(vlm, siu, config, request(), tmp_path / "out", samples=samples, progress=False)
    assert result.manifest["samples"] == 2
    assert len((result.folder / "data" / "samples.jsonl").read_text().splitlines()) == 2


UNEQUAL = (
    Sample(
        "Who is this?",
        "This is Tom Reed.",
        (picture(1),),
        "Tom Reed",
        {"role": "forget"},
        "Mara Voss.",
        (picture(2, (84, 56)),),
    ),
    Sample("Is it Mara?", "No.", (picture(1),), "No.", {"role": "forget"}, "Yes, this is Mara Voss."),
    Sample("Name her.", "I do not know.", (picture(1),), tags={"role": "forget"}, rejected="Mara Voss, a baker."),
    Sample("Who is Jonas Hale?", "Jonas Hale lives in Port Amber.", tags={"role": "retain"}),
)


class Shaken(Wrapped):
    """Shakes the adapter before the first step, so that no term of the loss stands at its minimum."""

    def prepare(self, vlm: VisionLanguageModel, training_set: SampleSet, seed: int) -> None:
        super().prepare(vlm, training_set, seed)
        generator = torch.Generator().manual_seed(7)
        for name, weight in vlm.model.named_parameters():
            if ".lora_B." in name:
                weight.data += 0.1 * torch.randn(weight.shape, generator=generator)


@pytest.mark.parametrize(
    ("order", "cuts"), [((0, 3), ((2, 1), (1, 2))), ((0, 1, 2, 3), ((4, 1), (2, 2), (1, 4)))], ids=["two", "four"]
)
@pytest.mark.parametrize("method", LOSSES)
def test_a_step_is_the_same_however_it_is_cut_into_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, order: tuple[int, ...], cuts: tuple[tuple[int, int]]
) -> None:
    gradients: list[Tensor] = []
    clip = UnlearningTrainer._clip_grad_norm

    def record(trainer: UnlearningTrainer, model: Any) -> Any:
        gradients.append(torch.cat([weight.grad.flatten() for weight in trainer.trained if weight.grad is not None]))
        return clip(trainer, model)

    monkeypatch.setattr(UnlearningTrainer, "_clip_grad_norm", record)
    monkeypatch.setattr("unsee.training.trainer.draw_order", lambda *args: order)
    shaken = Wrapping(method, Shaken)
    told = []
    for batch, accumulate in cuts:
        config = config_of(method, steps=1, batch=batch, accumulate=accumulate)
        out = tmp_path / f"{batch}x{accumulate}"
        told += losses(unlearn(tiny_vlm("llava"), shaken, config, request(), out, samples=UNEQUAL, progress=False))
    assert told == pytest.approx([told[0]] * len(cuts), rel=1e-4, abs=1e-5)
    assert told[0] != 0
    for gradient in gradients[1:]:
        torch.testing.assert_close(gradient, gradients[0], rtol=1e-3, atol=1e-5 * float(gradients[0].abs().max()))


@pytest.mark.parametrize("variant", ["paper", "released"])
@pytest.mark.parametrize("family", ["llava", "qwen3_vl"])
def test_stored_references_equal_those_of_a_forward_pass_in_the_batch(family: str, variant: str) -> None:
    vlm = tiny_vlm(family)
    samples = [
        Sample("Who is this?", "This is Tom Reed.", (picture(1),), "Tom Reed", {"role": "forget"}),
        Sample("Who is it?", "No.", (picture(2),), "No.", {"role": "forget"}),
        Sample("Who is Jonas Hale? Please tell me more about him.", "He lives in Port Amber.", tags={"role": "retain"}),
    ]
    objective = get_method("siu").objective([request()], vlm, SIUConfig(variant=variant))
    training_set = TrainingSet(encode_samples(samples, vlm), objective, vlm)
    training_set.remember_reference(vlm.model, vlm.device, batch_size=2)
    for indices in ([0, 1, 2], [0, 1], [1], [2, 0]):
        batch = training_set.token_batch(vlm.model, training_set.collate(indices))
        now = torch.log_softmax(batch.logits[batch.compared].detach().float(), -1)
        assert batch.reference.shape == now.shape
        torch.testing.assert_close(batch.reference, now, atol=5e-3, rtol=0)
    assert training_set.cache.runs == 2
    assert all(r is None or (r.dtype == torch.float16 and r.device.type == "cpu") for r in training_set.references)


@given(
    st.lists(st.tuples(st.sampled_from((torch.float16, torch.bfloat16, torch.float32)), st.integers(0, 5)), max_size=6)
)
def test_a_tensor_file_gives_back_what_was_put_in(kinds: list[tuple[torch.dtype, int]]) -> None:
    tensors = [torch.randn(rows, 3).to(dtype) for dtype, rows in kinds]
    kept = TensorFile(len(tensors) + 1)
    order = sorted(range(len(tensors)), key=lambda number: tensors[number].sum().item())
    for number in order:
        kept[number] = tensors[number]
    for number in range(len(tensors)):
        found = kept[number]
        assert found is not None
        assert found.dtype == tensors[number].dtype
        assert torch.equal(found, tensors[number])
    assert len(list(kept)) == len(kept) == len(tensors) + 1
    assert list(kept)[-1] is None


class Comparing(Objective):
    """Compares the probability of every answer token."""

    reads = "targets"

    def compares_at(self, sample: EncodedSample, length: int) -> Tensor:
        return self.looks_at(sample, length)

    def __call__(self, batch: TokenBatch) -> Tensor:
        raise NotImplementedError


class Inner(Comparing):
    """Looks at the hidden states after the first layer."""

    reads, layer = "hidden", 0


PAIRED = (
    Sample("Who is Jonas Hale?", "He lives in Port Amber.", tags={"role": "retain"}),
    Sample("Who is this?", "I don't know.", (picture(1),), tags={"role": "forget"}, rejected="This is Mara Voss."),
    Sample("Is this Mara?", "No.", (picture(1),), tags={"role": "forget"}, rejected="Yes, it is."),
)


def test_a_rejected_answer_follows_the_preferred_one_in_the_same_batch() -> None:
    vlm = tiny_vlm("qwen3_vl")
    training_set = TrainingSet(encode_samples(PAIRED, vlm), Comparing(), vlm)
    assert training_set.units == [[0], [1, 2], [3, 4]]
    batch = training_set.token_batch(vlm.model, training_set.collate([2, 0]))
    said = [vlm.tokenizer.decode(batch.targets[batch.sample == n], skip_special_tokens=True).strip() for n in range(3)]
    assert said == ["No.", "Yes, it is.", "He lives in Port Amber."]
    assert batch.rejected.tolist() == (batch.sample == 1).tolist()
    assert batch.forget.tolist() == (batch.sample < 2).tolist()


@pytest.mark.parametrize("family", ["llava", "qwen3_vl"])
def test_references_of_targets_and_of_hidden_states_equal_those_of_the_batch(family: str) -> None:
    vlm = tiny_vlm(family)
    rows = encode_samples(PAIRED, vlm)
    for objective in (Comparing(), Inner()):
        training_set = TrainingSet(rows, objective, vlm)
        training_set.remember_reference(vlm.model, vlm.device, batch_size=2)
        for units in ([0, 1, 2], [2], [1, 0]):
            batch = training_set.token_batch(vlm.model, training_set.collate(units))
            if objective.layer is None:
                log_p = torch.log_softmax(batch.logits, -1)
                now = log_p.gather(1, batch.targets[:, None])[:, 0]
            else:
                assert batch.hidden is not None
                assert batch.logits.shape[0] == 0
                now = batch.hidden
            assert batch.reference.shape == now.shape
            torch.testing.assert_close(batch.reference, now.detach(), atol=1e-5, rtol=1e-4)


def test_hidden_states_are_those_that_the_model_reports() -> None:
    vlm = tiny_vlm("qwen3_vl")
    training_set = TrainingSet(encode_samples(PAIRED[:1], vlm), Inner(), vlm)
    batch = training_set.collate([0])
    inputs = {key: value for key, value in batch.items() if key != "index"}
    expected = vlm.model(**inputs, output_hidden_states=True).hidden_states[1][0]
    hidden = training_set.token_batch(vlm.model, batch).hidden
    assert hidden is not None
    torch.testing.assert_close(hidden, expected[-len(hidden) - 1 : -1])


def test_only_positions_of_interest_reach_the_vocabulary() -> None:
    vlm = tiny_vlm("qwen3_vl")
    samples = [Sample("Who is this?", "This is Tom Reed.", (picture(1),), "Tom Reed", {"role": "forget"})]
    rows = encode_samples(samples, vlm)
    objective = get_method("siu").objective([request()], vlm, SIUConfig())
    training_set = TrainingSet(rows, objective, vlm)
    batch = training_set.token_batch(vlm.model, training_set.collate([0]))
    answer_tokens = sum(label != -100 for label in rows[0].labels)
    assert batch.logits.shape[0] == answer_tokens < len(rows[0].input_ids)


def test_the_order_alternates_and_uses_each_sample_before_any_twice() -> None:
    order = draw_order([True, True, False, False, False], 12, seed=3)
    assert order == draw_order([True, True, False, False, False], 12, seed=3)
    assert order != draw_order([True, True, False, False, False], 12, seed=4)
    assert all((i < 2) == (n % 2 == 0) for n, i in enumerate(order))
    assert sorted(order[0:4:2]) == [0, 1]
    assert sorted(order[1:6:2]) == [2, 3, 4]
    assert sorted(draw_order([True] * 4, 8, seed=0)) == [0, 0, 1, 1, 2, 2, 3, 3]


@dataclass(frozen=True)
class Named(TrainingConfig):
    label: str = field(default="x")


def test_settings_are_parsed_by_their_types() -> None:
    texts = ["steps=30", "learning_rate=3e-4", "token_mask=no", "variant = released", "beta=0"]
    config = parse_overrides(SIUConfig, texts)
    assert (config.steps, config.learning_rate, config.token_mask) == (30, 3e-4, False)
    assert (config.variant, config.beta, config.alpha) == ("released", 0.0, 0.9)
    assert parse_overrides(Named, ["label=a=b"]).label == "a=b"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps", "key=value"),
        ("step=3", "did you mean 'steps'"),
        ("steps=3.5", "a whole number"),
        ("steps=0", "at least 1"),
        ("learning_rate=fast", "a number"),
        ("learning_rate=nan", "finite"),
        ("learning_rate=-1", "above 0"),
        ("token_mask=maybe", "true or false"),
        ("variant=papr", "did you mean 'paper'"),
        ("lora_dropout=1", "between 0 and 1"),
        ("beta=-1", "at least 0"),
    ],
)
def test_bad_settings_are_user_errors(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_overrides(SIUConfig, [text])


def test_datasets_is_left_out_until_a_program_uses_it_and_then_works_with_the_trainer() -> None:
    code = """
import sys, tempfile
import unsee.training.trainer
assert "datasets" not in sys.modules and "pandas" not in sys.modules
import datasets, torch, transformers
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(1, 1)
    def forward(self, x):
        return {"loss": self.linear(x).sum()}
rows = datasets.Dataset.from_dict({"x": [[1.0]] * 4, "a_column_that_no_model_takes": ["a"] * 4})
with tempfile.TemporaryDirectory() as folder:
    arguments = transformers.TrainingArguments(folder, max_steps=1, report_to=[], use_cpu=True)
    trainer = transformers.Trainer(Model(), arguments, train_dataset=rows)
    assert trainer.train().global_step == 1
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
