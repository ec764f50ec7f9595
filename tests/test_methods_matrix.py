"""What every method must do on every family: one matrix for all."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from tests.plain_losses import PLAIN, compare
from tests.tiny import tiny_vlm
from tests.unlearning_cases import (
    LOSSES,
    Pressing,
    changed_modules,
    config_of,
    logits,
    losses,
    request,
    run,
    trained_modules,
    weights,
)
from unsee.data.images import image_key
from unsee.errors import UserError
from unsee.methods import get_method
from unsee.models.adapters import load_adapter, merge, reference, train_all_weights
from unsee.models.collation import encode_samples
from unsee.models.vlm import VisionLanguageModel
from unsee.training import Unlearned, read_training_data, unlearn
from unsee.training.reference import TrainingSet

FAMILIES = ("llava", "qwen3_vl")
# Losses that are differences of two are near 0: what counts is how far off they are, not by which share.
CLOSE = {"rel": 1e-5, "abs": 1e-4}


class Case:
    """One run of a method on a family, with what the model was before."""

    def __init__(self, family: str, method: str, folder: Path) -> None:
        self.family, self.method = family, method
        self.vlm: VisionLanguageModel = tiny_vlm(family)
        self.weights_before, self.logits_before = weights(self.vlm), logits(self.vlm)
        self.result: Unlearned = run(self.vlm, method, folder / "out")
        # Built once, by the run above, for the tests that do not look at how it is built.
        self.samples = read_training_data(self.result.folder / "data")
        self.modules = trained_modules(tiny_vlm(family), method)


@pytest.fixture(scope="module", params=[(f, m) for f in FAMILIES for m in LOSSES], ids=lambda p: f"{p[0]}-{p[1]}")
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(*request.param, tmp_path_factory.mktemp("case"))


def test_the_intended_modules_change_and_nothing_else(case: Case) -> None:
    assert changed_modules(case.vlm) == case.modules
    assert not torch.equal(logits(case.vlm), case.logits_before)
    with reference(case.vlm):
        after = weights(case.vlm)
    assert after.keys() == case.weights_before.keys()
    assert all(torch.equal(after[name], case.weights_before[name]) for name in after)


def test_the_reference_is_untouched_bit_for_bit(case: Case) -> None:
    with reference(case.vlm):
        assert torch.equal(logits(case.vlm), case.logits_before)


def test_the_loss_is_the_one_computed_from_plain_forward_passes(case: Case) -> None:
    before, now = tiny_vlm(case.family), tiny_vlm(case.family)
    generator = torch.Generator().manual_seed(3)
    config = config_of(case.method)
    objective = get_method(case.method).objective([request()], now, config)
    encoded = encode_samples(case.samples, now)
    training_set = TrainingSet(encoded, objective, now)
    training_set.remember_reference(now.model, now.device, 2)
    train_all_weights(now, objective.modules)
    objective.prepare(now, training_set, 0)
    for path in now.layout.language_linears:
        weight = now.base.get_parameter(f"{path}.weight")
        weight.data += 0.3 * weight.abs().mean() * torch.randn(weight.shape, generator=generator)
    batch = training_set.token_batch(now.model, training_set.collate(range(len(training_set.units))))
    expected = PLAIN[case.method](compare(encoded, before, now), config, now)
    # References are kept in float16, and the likelihood of single tokens, such as a name's, is not close to 1.
    off = 1e-3 if case.method == "lookalike" else 2e-4
    assert float(objective(batch).detach()) == pytest.approx(expected, rel=2e-3, abs=off)


def test_what_is_saved_loads_here_and_an_adapter_with_plain_peft(case: Case) -> None:
    expected = logits(case.vlm)
    fresh = tiny_vlm(case.family)
    load_adapter(fresh, case.result.folder)
    assert torch.equal(logits(fresh), expected)
    with reference(fresh):
        assert torch.equal(logits(fresh), case.logits_before)
    if case.result.manifest["result"] == "adapter":
        plain = tiny_vlm(case.family)
        plain.model = PeftModel.from_pretrained(plain.base, str(case.result.folder))
        assert torch.equal(logits(plain), expected)


def test_merging_changes_the_intended_weights_alone(case: Case) -> None:
    fresh = tiny_vlm(case.family)
    load_adapter(fresh, case.result.folder)
    merge(fresh)
    assert not fresh.adapted
    torch.testing.assert_close(logits(fresh), logits(case.vlm), rtol=1e-4, atol=1e-5)
    merged = weights(fresh)
    changed = {name for name, value in merged.items() if not torch.equal(value, case.weights_before[name])}
    assert changed == {f"{path}.weight" for path in case.modules}


def test_the_same_seed_gives_the_same_result_and_another_seed_another(case: Case, tmp_path: Path) -> None:
    again, other = tiny_vlm(case.family), tiny_vlm(case.family)
    repeated = run(again, case.method, tmp_path / "again")
    run(other, case.method, tmp_path / "other", seed=1, samples=case.samples)
    assert torch.equal(logits(again), logits(case.vlm))
    assert not torch.equal(logits(other), logits(case.vlm))
    assert repeated.manifest["data_sha256"] == case.result.manifest["data_sha256"]
    assert losses(repeated) == losses(case.result)


def test_an_interrupted_run_resumes_to_the_same_result(case: Case, tmp_path: Path) -> None:
    method, config, out = get_method(case.method), config_of(case.method), tmp_path / "out"
    vlm, pressing = tiny_vlm(case.family), Pressing(2, case.method)
    with pytest.raises(KeyboardInterrupt):
        unlearn(tiny_vlm(case.family), pressing, config, request(), out, samples=case.samples, progress=False)
    resumed = unlearn(vlm, method, config, request(), out, progress=False, resume=True)
    assert resumed.manifest["resumed"] is True
    assert losses(resumed) == losses(case.result)
    assert torch.equal(logits(vlm), logits(case.vlm))


def test_gradient_checkpointing_changes_memory_and_not_the_loss(case: Case, tmp_path: Path) -> None:
    vlm = tiny_vlm(case.family)
    result = run(vlm, case.method, tmp_path / "out", samples=case.samples, gradient_checkpointing=True)
    assert losses(result) == pytest.approx(losses(case.result), **CLOSE)
    assert changed_modules(vlm) == case.modules


@pytest.mark.parametrize("way", ["autocast", "weights"])
def test_runs_in_bf16(case: Case, tmp_path: Path, way: str) -> None:
    vlm = tiny_vlm(case.family)
    if way == "weights":
        vlm.base.to(torch.bfloat16)
    result = run(vlm, case.method, tmp_path / "out", samples=case.samples, bf16=way == "autocast")
    assert losses(result) == pytest.approx(losses(case.result), rel=0.05, abs=0.05)
    for file in result.folder.glob("*.safetensors"):
        assert all(value.isfinite().all() for value in load_file(file).values())


def test_full_training_changes_the_intended_weights_alone(case: Case, tmp_path: Path) -> None:
    vlm = tiny_vlm(case.family)
    result = run(vlm, case.method, tmp_path / "out", samples=case.samples, full=True)
    assert result.full
    after = weights(vlm)
    changed = {name for name, value in after.items() if not torch.equal(value, case.weights_before[name])}
    assert {f"{path}.weight" for path in case.modules} <= changed
    if case.modules == set(vlm.layout.language_linears) and case.method != "mmunlearner":
        head = vlm.base.get_output_embeddings().weight
        wanted = (vlm.layout.decoder, *(name for name, value in vlm.base.named_parameters() if value is head))
        assert all(name.startswith(wanted) for name in changed)
    else:
        # Biases of these modules learn too.
        assert {name.rpartition(".")[0] for name in changed} == case.modules
    loaded = type(vlm.base).from_pretrained(result.folder)
    fresh = tiny_vlm(case.family)
    fresh.model = loaded
    assert torch.equal(logits(fresh), logits(vlm))


def test_the_picture_goes_through_the_tower_once_and_the_manifest_tells_the_run(case: Case) -> None:
    manifest = case.result.manifest
    pictures = {image_key(picture) for sample in case.samples for picture in (*sample.images, *sample.counterparts)}
    if any(path in case.modules for path in case.vlm.layout.vision_linears):
        # A tower that learns sees them anew in every step.
        assert manifest["pictures_encoded"] > len(pictures)
    else:
        assert manifest["pictures_encoded"] == len(pictures)
    assert manifest["method"] == case.method
    assert manifest["hyperparameters"] == dict(vars(config_of(case.method)))
    assert manifest["request_sha256"] == request().digest()
    assert manifest["steps"] == 3
    assert manifest["seconds"] > 0
    assert manifest["peak_rss_mb"] > 50
    assert manifest["libraries"]["torch"] == importlib.metadata.version("torch")
    assert Unlearned.open(case.result.folder).manifest == manifest


def test_every_method_is_listed_and_has_a_plain_loss() -> None:
    names = ["siu", "po", "dpo", "ga", "ga_diff", "ga_kl", "npo", "simnpo", "rmu", "mmunlearner"]
    names += ["vgid", "lookalike", "retain_only"]
    assert [get_method(name).name for name in names] == LOSSES
    assert list(PLAIN) == names
    with pytest.raises(UserError, match="did you mean 'siu'"):
        get_method("siuu")
