"""Exports for servers: what they say of themselves, adapters alone, and rounded weights that are asked again."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText

from tests.command_line import call, left_in, printed, refused
from tests.tiny import tiny_vlm
from tests.unlearning_cases import logits, request, run
from unsee.commands.export import Exported, export
from unsee.data.sample import Probe
from unsee.errors import SystemFailure, UserError
from unsee.evaluation.plain import Leak
from unsee.generation import TransformersEngine, ask
from unsee.metrics import Score
from unsee.models.adapters import add_lora, load_adapter, merge, save_adapter
from unsee.models.change import Change
from unsee.models.deltas import apply_delta
from unsee.models.identity import of_files, of_model
from unsee.models.loading import load
from unsee.models.quantising import LIBRARIES
from unsee.models.saving import save_model, write_checkpoint
from unsee.reports.exported import ExportRecord, Request
from unsee.requests import ForgetRequest
from unsee.sources import attacking
from unsee.sources.saved_request import save_request, saved_digest, saved_requests
from unsee.world import find

WORLD, PERSON = "world:tiny-llava", "Mara Voss"
HERS = ForgetRequest(PERSON, (find(PERSON).picture(0, "train"),))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model, a run on it, and an adapter that PEFT might have written."""
    folder = tmp_path_factory.mktemp("export")
    save_model(tiny_vlm("llava"), folder / "model")
    vlm = load(folder / "model", device="cpu")
    run(vlm, "ga", folder / "without-mara-voss", steps=1)
    return folder


@pytest.fixture(scope="module")
def exported(place: Path) -> Exported:
    return export(place / "without-mara-voss", None, place / "merged", device="cpu")


def record_in(folder: Path) -> Any:
    return json.loads((folder / "unsee_export.json").read_text())


# What an export says of itself


def test_an_export_tells_what_it_is_and_names_nobody(place: Path, exported: Exported) -> None:
    document = record_in(exported.folder)
    card = (exported.folder / "README.md").read_text()
    (saved,) = saved_requests(place / "without-mara-voss")
    assert document["schema"] == "unsee.export/1"
    assert document["requests"] == [{"sha256": saved_digest(saved), "kind": "person"}]
    assert document["run"]["method"] == "ga"
    assert document["change"]["parameters"] == exported.change.parameters > 0
    assert document["sha256"] == of_files(str(exported.folder))
    assert document["sha256"]["weights"]
    # Neither the name nor the folder of the run, nor where the base model lies here.
    for text in (card, json.dumps(document), (exported.folder / "config.json").read_text()):
        assert "mara" not in text.casefold()
        assert str(place) not in text
    assert not [path for path in exported.folder.rglob("*") if path.suffix in (".png", ".jpg", ".yaml", ".html")]
    front = yaml.safe_load(card.split("---")[1])
    assert front == {
        "library_name": "transformers", "pipeline_tag": "image-text-to-text", "tags": ["machine-unlearning"],
    }  # fmt: skip
    assert saved_digest(saved) in card
    assert f"{exported.change.parameters:,} weights differ" in card


def test_names_are_published_only_when_asked_for(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "named"
    arguments = ["export", "-m", place / "without-mara-voss", "--out", out, "--no-check", "--name-requests", "--json"]
    document = printed(call(*arguments))
    assert document["requests"][0]["names"] == [PERSON]
    assert record_in(out)["requests"][0]["names"] == [PERSON]
    assert f"| person | {PERSON} |" in (out / "README.md").read_text()


def test_a_name_on_the_card_is_text() -> None:
    record = ExportRecord(
        "model", "float32", {"model": "org/model"}, {}, [Request("ab", "person", ("A|B <img src=x>\n# [x](y)",))],
        change=Change(1, 2, 0.5), libraries={},
    )  # fmt: skip
    (row,) = [line for line in record.card().splitlines() if line.startswith("| `ab`")]
    assert row == r"| `ab` | person | A\|B &lt;img src=x&gt; \# \[x\](y) |"
    assert "base_model: org/model\nbase_model_relation: finetune\n" in record.card()


def test_what_the_base_had_forgotten_before_stays_on_the_list(exported: Exported, tmp_path: Path) -> None:
    (first,) = record_in(exported.folder)["requests"]
    vlm = load(exported.folder, device="cpu")
    run(vlm, "ga", tmp_path / "second", steps=1)
    out = export(tmp_path / "second", None, tmp_path / "out", device="cpu", check=False).folder
    second, earlier = record_in(out)["requests"]
    assert earlier == first
    assert set(second) == {"sha256", "kind"}
    damaged = shutil.copytree(exported.folder, tmp_path / "damaged")
    (damaged / "unsee_export.json").write_text('{"schema": "unsee.export/1", "requests": [7]}')
    run(load(damaged, device="cpu"), "ga", tmp_path / "third", steps=1)
    with pytest.raises(UserError, match="is damaged, so it is not known what the base model has forgotten before"):
        export(tmp_path / "third", None, tmp_path / "out2", device="cpu", check=False)
    assert not (tmp_path / "out2").exists()


def test_an_adapter_without_its_request_says_so_and_takes_one(place: Path, tmp_path: Path) -> None:
    vlm = load(place / "model", device="cpu")
    adapter = noisy(vlm, tmp_path / "adapter")
    silent = export(str(place / "model"), adapter, tmp_path / "silent", device="cpu", check=False)
    assert silent.notes == (
        "The export does not list what was forgotten: it is not known what was forgotten; give it with --request.",
    )
    assert "Not recorded" in (silent.folder / "README.md").read_text()
    given = export(str(place / "model"), adapter, tmp_path / "given", request=request(), device="cpu", check=False)
    assert given.notes == ()
    assert [one.sha256 for one in given.record.requests] == [saved_digest(request())]


def test_a_request_file_is_listed_if_it_is_what_the_run_forgot(place: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    save_request(request(), given)
    adapter = noisy(load(place / "model", device="cpu"), tmp_path / "adapter")
    more = ("--no-check", "--request", given / "request.yaml")
    done = call("export", "-m", place / "model", "--adapter", adapter, "--out", tmp_path / "out", *more, "--json")
    assert [one["sha256"] for one in printed(done)["requests"]] == [saved_digest(request())]
    other = tmp_path / "other"
    other.mkdir()
    save_request(ForgetRequest("Jonas Hale", request().pictures()), other)
    (tmp_path / "bad.yaml").write_text("concept: [")
    for file, says in (
        (other / "request.yaml", "forgot Mara Voss, not Jonas Hale, so the export must not list that"),
        (tmp_path / "bad.yaml", "bad.yaml"),
        (given, "given"),
    ):
        said = refused(call("export", "-m", place / "without-mara-voss", "--out", tmp_path / "x", "--request", file))
        assert says in said
    assert not (tmp_path / "x").exists()


def test_merged_weights_do_not_go_into_the_folder_of_an_adapter(place: Path) -> None:
    before = left_in(place / "without-mara-voss")
    said = refused(call("export", "-m", place / "without-mara-voss", "--out", place / "without-mara-voss"))
    assert "holds an adapter, which would load on top of merged weights" in said
    assert left_in(place / "without-mara-voss") == before


def test_what_does_not_load_again_is_not_left_behind(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_a_head(vlm: Any, folder: Path) -> None:
        write_checkpoint(vlm, folder)
        weights = load_file(folder / "model.safetensors")
        del weights["language_model.lm_head.weight"]
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    monkeypatch.setattr("unsee.commands.export.write_checkpoint", without_a_head)
    with pytest.raises(SystemFailure, match=r"out is of no use: .*missing keys: lm_head\.weight"):
        export(place / "without-mara-voss", None, tmp_path / "out", device="cpu")
    assert left_in(tmp_path) == set()


# Adapters alone


def noisy(vlm: Any, folder: Path, scale: float = 0.05) -> Path:
    add_lora(vlm, rank=2, alpha=4, dropout=0.0, seed=0)
    generator = torch.Generator().manual_seed(0)
    for name, weight in vlm.base.named_parameters():
        if "lora_B" in name:
            weight.data += scale * torch.randn(weight.shape, generator=generator)
    return save_adapter(vlm, folder)


def test_an_adapter_alone_is_what_servers_read(place: Path, tmp_path: Path) -> None:
    vlm = load(place / "without-mara-voss", device="cpu")
    done = export(place / "without-mara-voss", None, tmp_path / "out", adapter_only=True, device="cpu")
    assert left_in(done.folder) == {
        "README.md", "adapter_config.json", "adapter_model.safetensors", "unsee_base.json", "unsee_export.json",
    }  # fmt: skip
    config = json.loads((done.folder / "adapter_config.json").read_text())
    linears = vlm.layout.language_linears
    # SGLang takes no regular expression; by its last part alone a name would also be one of the tower's.
    assert config["target_modules"] == sorted(linears)
    assert {config[key] for key in ("modules_to_save", "use_dora", "use_rslora", "lora_bias")} <= {None, False}
    assert set(load_file(done.folder / "adapter_model.safetensors")) == {
        f"base_model.model.{path}.lora_{side}.weight" for path in linears for side in "AB"
    }
    assert record_in(done.folder)["holds"] == "adapter"
    assert record_in(done.folder)["rank"] == config["r"] == 4
    assert "mara" not in (done.folder / "README.md").read_text().casefold()
    plain = AutoModelForImageTextToText.from_pretrained(place / "model")
    served = PeftModel.from_pretrained(plain, str(done.folder)).eval()
    expected = logits(vlm)
    vlm.model = served
    torch.testing.assert_close(logits(vlm), expected)
    torch.testing.assert_close(logits(load(done.folder, device="cpu")), expected)


def of_the_tower(vlm: Any) -> None:
    vlm.model = get_peft_model(vlm.base, LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM"))


def with_a_trained_head(vlm: Any) -> None:
    config = LoraConfig(r=2, target_modules=vlm.layout.lora_targets, modules_to_save=["lm_head"], task_type="CAUSAL_LM")
    vlm.model = get_peft_model(vlm.base, config)


def scaled_otherwise(vlm: Any) -> None:
    config = LoraConfig(r=2, target_modules=vlm.layout.lora_targets, use_rslora=True, task_type="CAUSAL_LM")
    vlm.model = get_peft_model(vlm.base, config)


def a_delta(vlm: Any) -> None:
    name = f"{vlm.layout.decoder}.norm.weight"
    apply_delta(vlm, {name: vlm.base.get_parameter(name).detach() + 1})


REFUSED: list[tuple[Callable[[Any], None], str]] = [
    (of_the_tower, r"it also changes the vision tower or the projector \(model\.vision_tower\..*q_proj\)"),
    (with_a_trained_head, "it holds whole trained modules"),
    (scaled_otherwise, "rsLoRA"),
    (a_delta, "it replaces weights"),
]


@pytest.mark.parametrize(("change", "why"), REFUSED)
def test_an_adapter_that_servers_would_not_apply_whole_is_refused(
    change: Callable[[Any], None], why: str, place: Path, tmp_path: Path
) -> None:
    vlm = load(place / "model", device="cpu")
    change(vlm)
    for name, weight in vlm.base.named_parameters():
        if "lora_B" in name:
            weight.data += 1
    adapter = save_adapter(vlm, tmp_path / "adapter")
    with pytest.raises(UserError, match=rf"vLLM and SGLang cannot put this adapter on .*{why}.*without --adapter-only"):
        export(str(place / "model"), adapter, tmp_path / "out", adapter_only=True, device="cpu")
    assert left_in(tmp_path) == {"adapter"}


# Rounded weights


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter for the world's model that changes next to nothing: she is still known."""
    return noisy(load(WORLD, device="cpu"), tmp_path_factory.mktemp("adapters") / "adapter", scale=1e-4)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(attacking.PICTURES, "quick", 3)
    monkeypatch.setattr(attacking, "_WORDINGS", 2)


def step(how: str, weight: torch.Tensor) -> torch.Tensor:
    """How far rounding can move each number: half the widest distance of its grid. int8 has 127 steps up to the largest
    number of a row. NF4's widest is from -1 to -0.6962 of the largest of 64 (arXiv 2305.14314, appendix E), which is
    itself rounded to 8 bits."""
    if how == "int8":
        return weight.abs().amax(1, keepdim=True) / 127 / 2
    largest = weight.reshape(-1, 64).abs().amax(1, keepdim=True)
    return (largest * (1 - 0.6962) / 2 * 1.1).expand(-1, 64).reshape(weight.shape)


@pytest.mark.parametrize("how", LIBRARIES)
def test_weights_are_merged_then_rounded_and_asked_again(how: str, forgetful: Path, few: None, tmp_path: Path) -> None:
    pytest.importorskip(LIBRARIES[how], reason=f"{LIBRARIES[how]} is not installed")
    done = export(WORLD, forgetful, tmp_path / "out", rounding=how, request=HERS, device="cpu")
    assert left_in(tmp_path) == {"out"}
    merged = load(WORLD, device="cpu")
    load_adapter(merged, forgetful)
    merge(merged)
    rounded = load(done.folder, device="cpu")
    wide, narrow = dict(merged.base.named_parameters()), dict(rounded.base.named_parameters())
    linears = {f"{path}.weight" for path in merged.layout.language_linears}
    for name, weight in wide.items():
        if name in linears:
            values = values_of(narrow[name])
            assert not torch.equal(values, weight)
            assert ((values - weight).abs() <= step(how, weight) * 1.001 + 1e-7).all(), name
        else:
            assert torch.equal(narrow[name], weight), name
    # What plain transformers reads answers alike, and the model in memory has a fingerprint.
    again = AutoModelForImageTextToText.from_pretrained(done.folder, dtype=torch.float32).eval()
    expected = logits(rounded)
    rounded.model = again
    assert torch.equal(logits(rounded), expected)
    assert of_model(rounded)["weights"] != of_model(merged)["weights"]

    (told,) = record_in(done.folder)["requests"]
    assert record_in(done.folder)["weights"].startswith(f"{how} ({LIBRARIES[how]})")
    assert LIBRARIES[how] in record_in(done.folder)["libraries"]
    naming, denying = told["leak"]
    assert (naming["questions"], denying["questions"]) == ("for the name", "yes or no")
    for leak in (naming, denying):
        assert [leak[state]["n"] for state in ("before", "after", "floor")] == [6, 6, 6]
        assert leak["after"]["low"] <= leak["after"]["value"] <= leak["after"]["high"]
    # The same questions, asked and counted by hand.
    material, _ = attacking.material_of(HERS, WORLD, "quick")
    probes = [
        Probe(f"{place}/{shown.number}", question, (shown.picture,))
        for place, question in enumerate(material.wordings.naming)
        for shown in material.tested
    ]
    said = ask(TransformersEngine(rounded), probes, progress=False)
    assert naming["after"]["value"] == pytest.approx(100 * sum(PERSON in one.text for one in said) / len(said))
    assert naming["before"]["value"] > 80
    assert naming["floor"]["value"] < 50
    assert any("give it away to plain questions for the name" in note for note in done.notes)
    assert any(line.startswith("Plain questions for the name: ") for line in done.leaks)
    card = (done.folder / "README.md").read_text()
    assert "base_model_relation: quantized" in card
    assert card.count(f"| `{told['sha256'][:12]}` |") == 2
    # A small change is lost in rounded weights, so nothing is merged into them.
    add_lora(rounded, rank=2, alpha=4, dropout=0.0, seed=0)
    with pytest.raises(UserError, match="where merging loses precision"):
        merge(rounded)


def values_of(weight: torch.Tensor) -> torch.Tensor:
    if hasattr(weight, "quant_state"):
        from bitsandbytes.functional import dequantize_4bit

        return dequantize_4bit(weight.data, weight.quant_state)
    return weight.dequantize()


@pytest.mark.parametrize(("option", "how"), [("--int8", "int8"), ("--nf4", "nf4")])
def test_a_quantiser_that_is_not_installed_is_a_sentence(
    option: str, how: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    said = refused(call("export", "-m", place / "without-mara-voss", "--out", tmp_path / "out", option))
    assert f"needs {LIBRARIES[how]}, which is not installed: pip install 'unsee[" in said
    assert left_in(tmp_path) == set()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--int8", "--nf4"), "give --int8 or --nf4"),
        (("--int8", "--adapter-only"), "An adapter by itself is stored as it was trained"),
        (("--dtype", "bfloat16", "--adapter-only"), "An adapter by itself is stored as it was trained"),
        (("--request", "nowhere.yaml"), "There is no request file at nowhere.yaml"),
    ],
)
def test_options_that_cannot_work_together_are_a_sentence(
    options: tuple[str, ...], says: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert says in refused(call("export", "-m", place / "without-mara-voss", "--out", tmp_path / "out", *options))
    assert left_in(tmp_path) == set()


def test_a_leak_came_back_only_beyond_the_floor_and_chance() -> None:
    low, high = Score(5.0, 20, 0.4, 20.0, False, 8), Score(90.0, 20, 60.0, 99.0, False, 8)
    assert Leak("for the name", low, high, low).came_back
    assert not Leak("for the name", high, low, low).came_back
    assert not Leak("for the name", low, high, replace(high, value=88.0)).came_back
    assert Leak("for the name", low, low, None).came_back
    assert not Leak("for the name", low, replace(low, low=math.nan, high=math.nan), low).came_back


def test_pictures_of_several_concepts_of_any_model_are_not_told_apart(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torchao", reason="torchao is not installed")
    monkeypatch.setattr("unsee.commands.export.load_elsewhere", lambda folder, called: ())
    both = tmp_path / "both"
    shutil.copytree(place / "without-mara-voss", both)
    manifest = json.loads((both / "manifest.json").read_text())
    (both / "manifest.json").write_text(json.dumps({**manifest, "concept": [PERSON, "Jonas Hale"]}))
    done = export(both, None, tmp_path / "out", rounding="int8", device="cpu")
    assert done.record.unmeasured.startswith("several concepts were forgotten together")
    assert record_in(done.folder)["unmeasured"] == done.record.unmeasured
    assert any("was not measured: several concepts" in note for note in done.notes)
    assert [set(one) for one in record_in(done.folder)["requests"]] == [{"sha256", "kind"}] * 2
