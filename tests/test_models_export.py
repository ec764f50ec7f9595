"""What `export` writes: the hub's names, tied weights kept apart, ordinary modes, and a folder others can load."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoConfig, AutoModelForImageTextToText
from transformers.utils import is_torchvision_available

import unsee
from tests.tiny import FAMILIES, picture, tiny_vlm
from tests.unlearning_cases import run
from unsee.benchmarks.concept import ConceptBenchmark, Question
from unsee.benchmarks.layout import write_benchmark
from unsee.commands.export import export
from unsee.data.sample import user_turn
from unsee.errors import SystemFailure
from unsee.models.adapters import add_lora, load_adapter, save_adapter
from unsee.models.deltas import apply_delta
from unsee.models.saving import save_model
from unsee.models.trying import load_elsewhere
from unsee.models.vlm import VisionLanguageModel

TIED = ("gemma3", "internvl")
LLAVA = ("language_model.model.", "multi_modal_projector.")
HUB_NAMES = {
    "llava": (*LLAVA, "language_model.lm_head.weight", "vision_tower.vision_model."),
    "llava_onevision": (*LLAVA, "language_model.lm_head.weight", "vision_tower.vision_model.", "image_newline"),
    "qwen2_vl": ("model.layers.", "model.embed_tokens.", "model.norm.", "visual.", "lm_head.weight"),
    "qwen2_5_vl": ("model.layers.", "model.embed_tokens.", "model.norm.", "visual.", "lm_head.weight"),
    "qwen3_vl": ("model.language_model.", "model.visual.", "lm_head.weight"),
    "idefics3": ("model.text_model.", "model.vision_model.", "model.connector.", "lm_head.weight"),
    "smolvlm": ("model.text_model.", "model.vision_model.", "model.connector.", "lm_head.weight"),
    "gemma3": (*LLAVA, "vision_tower.vision_model."),
    "internvl": (*LLAVA, "vision_tower.embeddings.", "vision_tower.encoder.layer."),
}
"""How the names of the weights begin in the hub's checkpoints of each family, such as llava-hf/llava-1.5-7b-hf,
llava-hf/llava-onevision-qwen2-0.5b-ov-hf, Qwen/Qwen2-VL-2B-Instruct, Qwen/Qwen2.5-VL-3B-Instruct,
Qwen/Qwen3-VL-2B-Instruct, HuggingFaceM4/Idefics3-8B-Llama3, HuggingFaceTB/SmolVLM2-256M-Video-Instruct,
google/gemma-3-4b-it and OpenGVLab/InternVL3-1B-hf."""


def logits(vlm: VisionLanguageModel, model: torch.nn.Module | None = None) -> Tensor:
    [prompt] = vlm.encode_prompt([([user_turn("Who is in this picture?", 1)], (picture(1),))])
    given = {name: torch.tensor([values]) for name, values in prompt.extras.items()}
    given |= {"input_ids": torch.tensor([prompt.input_ids]), **prompt.pixels}
    with torch.no_grad():
        return (model or vlm.model)(**given).logits


def names_in(folder: Path) -> set[str]:
    return set(load_file(folder / "model.safetensors"))


@pytest.fixture
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return save_model(tiny_vlm(request.param), tmp_path / request.param)


@pytest.mark.parametrize("source", ["made here", "the hub's names", "transformers' own names"])
@pytest.mark.parametrize("family", FAMILIES)
def test_weights_have_the_names_of_the_hubs_checkpoints(family: str, source: str, tmp_path: Path) -> None:
    vlm = tiny_vlm(family)
    if source == "the hub's names":
        vlm = unsee.load(str(save_model(vlm, tmp_path / "hub")), device="cpu")
    elif source == "transformers' own names":
        folder = save_model(vlm, tmp_path / "own")
        vlm.base.save_pretrained(folder, save_original_format=False)
        vlm = unsee.load(str(folder), device="cpu")
    saved = save_model(vlm, tmp_path / "saved")
    begins = HUB_NAMES[family]
    names = names_in(saved)
    assert not [name for name in names if not name.startswith(begins)]
    assert not [begin for begin in begins if not any(name.startswith(begin) for name in names)]
    again, report = AutoModelForImageTextToText.from_pretrained(saved, output_loading_info=True)
    assert not any(report.values())
    torch.testing.assert_close(logits(vlm, again.eval()), logits(vlm))


def tied_adapter(family: str, where: list[str], saved: list[str] | None, folder: Path) -> tuple[Tensor, Path]:
    """(logits of a tied model under an adapter of another program, the adapter)."""
    vlm = tiny_vlm(family)
    config = LoraConfig(r=2, target_modules=where, modules_to_save=saved, task_type="CAUSAL_LM", lora_alpha=8)
    vlm.model = get_peft_model(vlm.base, config)
    assert isinstance(vlm.model, PeftModel)
    generator = torch.Generator().manual_seed(0)
    for name, weight in vlm.base.named_parameters():
        if "lora_" in name or ".modules_to_save." in name:
            weight.data += torch.randn(weight.shape, generator=generator)
    vlm.model.eval()
    vlm.model.save_pretrained(folder)
    return logits(vlm), folder


@pytest.mark.parametrize(
    ("where", "saved", "tied"),
    [
        (["q_proj"], None, True),
        (["lm_head"], None, False),
        (["embed_tokens"], None, False),
        (["q_proj", "lm_head", "embed_tokens"], None, False),
        (["q_proj"], ["lm_head"], False),
        (["q_proj"], ["embed_tokens"], False),
    ],
)
@pytest.mark.parametrize("model", TIED, indirect=True)
def test_an_export_answers_as_the_tied_model_with_its_adapter(
    model: Path, where: list[str], saved: list[str] | None, tied: bool, tmp_path: Path
) -> None:
    expected, adapter = tied_adapter(model.name, where, saved, tmp_path / "adapter")
    vlm = unsee.load(str(model), device="cpu")
    plain = logits(vlm)
    assert (expected - plain).abs().max() > 0.1
    load_adapter(vlm, adapter)
    torch.testing.assert_close(logits(vlm), expected, rtol=1e-4, atol=1e-4)
    folder = export(str(model), adapter, tmp_path / "out", check=False).folder
    config = AutoConfig.from_pretrained(folder)
    assert config.tie_word_embeddings is tied
    assert tied or not config.get_text_config().tie_word_embeddings
    assert ("language_model.lm_head.weight" in names_in(folder)) is not tied
    for exported in (unsee.load(str(folder), device="cpu").model, AutoModelForImageTextToText.from_pretrained(folder)):
        torch.testing.assert_close(logits(vlm, exported.eval()), expected, rtol=1e-4, atol=1e-4)


@pytest.fixture(params=[0o022, 0o027], ids=["022", "027"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_everything_written_has_the_ordinary_mode(umask: int, tmp_path: Path) -> None:
    vlm = tiny_vlm("llava")
    save_model(vlm, tmp_path / "model")
    add_lora(vlm, rank=2, alpha=4, dropout=0.0, seed=0)
    save_adapter(vlm, tmp_path / "adapter")
    changed = tiny_vlm("llava")
    name = "model.language_model.norm.weight"
    apply_delta(changed, {name: changed.base.get_parameter(name).detach() + 1})
    save_adapter(changed, tmp_path / "delta")
    for full in (False, True):
        run(tiny_vlm("llava"), "ga", tmp_path / f"run-{full}", full=full, steps=1)
    bench = ConceptBenchmark("Mara Voss", picture(1), (picture(2),), (Question("Who is this?", "Mara Voss"),))
    write_benchmark(tmp_path / "bench", [bench])
    modes = {str(path): path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert len(modes) > 30
    assert modes == {path: (0o777 if Path(path).is_dir() else 0o666) & ~umask for path in modes}


@pytest.mark.parametrize("model", ["llava", "qwen3_vl"], indirect=True)
def test_what_readers_need_is_said_after_trying(model: Path) -> None:
    said = load_elsewhere(model)
    if model.name == "llava" or is_torchvision_available():
        assert said == ()
    else:
        assert len(said) == 1
        assert "Install the torchvision that fits" in said[0]


@pytest.mark.parametrize("model", ["llava"], indirect=True)
def test_an_export_that_nobody_can_load_is_a_failure(model: Path, tmp_path: Path) -> None:
    whole = load_file(model / "model.safetensors")
    head = "language_model.lm_head.weight"
    fewer = {name: weight for name, weight in whole.items() if name != head}
    for number, (file, content, says) in enumerate(
        [
            ("model.safetensors", fewer, r"missing keys: lm_head\.weight"),
            ("model.safetensors", {**whole, head: whole[head][1:]}, "size mismatch|mismatched"),
            ("config.json", "{", "config"),
            ("tokenizer.json", "{", "plain transformers does not load it"),
        ]
    ):
        copy = shutil.copytree(model, tmp_path / str(number))
        if isinstance(content, str):
            (copy / file).write_text(content)
        else:
            save_file(content, copy / file, metadata={"format": "pt"})
        with pytest.raises(SystemFailure, match=says):
            load_elsewhere(copy)
