"""`unsee.load`: which names mean what, and one clear sentence for each that cannot work."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import unsee
from tests import tiny
from tests.tiny import picture, tiny_vlm
from unsee.data.sample import user_turn
from unsee.errors import SystemFailure, UserError
from unsee.models import shipped
from unsee.models.adapters import add_lora, load_adapter, merge, save_adapter
from unsee.models.layout import find_layout
from unsee.models.saving import save_model


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tiny_vlm("qwen3_vl"), tmp_path_factory.mktemp("models") / "qwen3_vl")


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    """A copy of the saved model that a test may damage."""
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def test_importing_unsee_does_not_import_torch() -> None:
    code = "import sys, unsee; assert 'torch' not in sys.modules; assert callable(unsee.load)"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="nothing_here"):
        getattr(unsee, "nothing_here")  # noqa: B009


def test_world_name_is_looked_up_in_the_world(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(shipped, "checkpoint_path", lambda name: asked.append(name) or saved, raising=False)
    vlm = unsee.load("world:tiny-qwen3vl")
    assert asked == ["tiny-qwen3vl"]
    assert vlm.name == vlm.model.name_or_path == "world:tiny-qwen3vl"
    assert vlm.revision is None


@pytest.mark.parametrize("name", ["no-such-model", "./no/such/folder", "/no/such/folder", "~/no/such", "a/b/c", ""])
def test_path_that_does_not_exist_is_the_users_mistake(name: str) -> None:
    with pytest.raises(UserError, match="give an existing folder"):
        unsee.load(name)


def test_file_instead_of_folder(saved: Path) -> None:
    with pytest.raises(UserError, match="is a file"):
        unsee.load(str(saved / "config.json"))


def test_folder_without_config(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no config\.json"):
        unsee.load(str(tmp_path))


@pytest.mark.parametrize(
    "failure",
    [
        LocalEntryNotFoundError("cannot find the requested files in the disk cache"),
        OfflineModeIsEnabled("offline"),
        next(kind for kind in HfHubHTTPError.__mro__ if kind.__name__ == "HTTPError")("connection reset"),
    ],
)
def test_hub_id_without_network_is_a_system_failure(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def snapshot_download(*args: Any, **kwargs: Any) -> str:
        raise failure

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    with pytest.raises(
        SystemFailure, match=r"^There is no folder some/model\. Cannot fetch some/model: .*check the network\.$"
    ):
        unsee.load("some/model")


def test_hub_model_is_loaded_from_its_snapshot_at_its_commit(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    snapshot = shutil.copytree(saved, tmp_path / commit)
    asked: dict[str, Any] = {}

    def snapshot_download(name: str, **options: Any) -> str:
        asked.update(options, name=name)
        return str(snapshot)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    vlm = unsee.load("some/model", revision="main")
    assert (asked["name"], asked["revision"]) == ("some/model", "main")
    assert not any("bin" in pattern or ".py" in pattern for pattern in asked["allow_patterns"])
    assert (vlm.name, vlm.revision) == ("some/model", commit)


def test_pickled_weights_are_refused(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    with (copy / "pytorch_model.bin").open("wb") as file:
        pickle.dump({}, file)
    with pytest.raises(UserError, match=r"pickles \(pytorch_model.bin\)"):
        unsee.load(str(copy))


def test_folder_without_weights(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    with pytest.raises(UserError, match="has no weights"):
        unsee.load(str(copy))


def test_damaged_weights(copy: Path) -> None:
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UserError, match="cannot be loaded"):
        unsee.load(str(copy))


def test_weights_of_half_a_model_are_refused_instead_of_filled_with_noise(copy: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(copy / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if "layers.1" not in name}
    save_file(kept, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="not whole"):
        unsee.load(str(copy))


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "not valid JSON"), ('{"model_type": "nosuch"}', "model_type 'nosuch'"), ('{"a": 1}', "model_type None")],
)
def test_config_that_transformers_cannot_read(copy: Path, content: str, message: str) -> None:
    (copy / "config.json").write_text(content)
    with pytest.raises(UserError, match=message):
        unsee.load(str(copy))


def test_language_model_without_pictures(tmp_path: Path) -> None:
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    LlamaForCausalLM(LlamaConfig(vocab_size=10, **sizes)).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="'llama' model, which takes no pictures: looked for"):
        unsee.load(str(tmp_path))


def test_unknown_architecture_is_told_what_was_looked_for() -> None:
    model = LlamaForCausalLM(
        LlamaConfig(vocab_size=10, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1)
    )
    with pytest.raises(UserError, match=r"LlamaForCausalLM is an architecture .* looked for a vision tower"):
        find_layout(model)
    vlm = tiny_vlm("llava")
    vlm.model.model.renamed = vlm.model.model.multi_modal_projector
    del vlm.model.model.multi_modal_projector
    with pytest.raises(UserError, match=r"looked for a projector \(a module called multi_modal_projector, connector"):
        find_layout(vlm.model)


def test_folder_without_processor(copy: Path) -> None:
    for file in ("processor_config.json", "tokenizer.json", "tokenizer_config.json"):
        (copy / file).unlink()
    with pytest.raises(UserError, match="processor"):
        unsee.load(str(copy))


def test_model_without_chat_template(copy: Path) -> None:
    (copy / "chat_template.jinja").unlink()
    vlm = unsee.load(str(copy))
    with pytest.raises(UserError, match="has no chat template"):
        vlm.encode_prompt([([user_turn("Who?", 0)], ())])


def test_dtype_and_device(saved: Path) -> None:
    assert unsee.load(str(saved), dtype="bfloat16").dtype == torch.bfloat16
    assert unsee.load(str(saved), dtype=torch.float16, device="cpu").dtype == torch.float16
    with pytest.raises(UserError, match="no dtype 'float8'; choose auto, float32"):
        unsee.load(str(saved), dtype="float8")
    with pytest.raises(UserError, match="device nosuch cannot be used"):
        unsee.load(str(saved), device="nosuch")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_gpu_that_is_not_there(saved: Path) -> None:
    with pytest.raises(UserError, match="device cuda cannot be used"):
        unsee.load(str(saved), device="cuda")


def test_four_bits_without_bitsandbytes(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs bitsandbytes.*unsee\[quantize\]"):
        unsee.load(str(saved), load_in_4bit=True)


def test_a_model_with_an_adapter_in_its_folder_is_refused(copy: Path) -> None:
    (copy / "adapter_config.json").write_text("{}")
    with pytest.raises(UserError, match="a model and an adapter"):
        unsee.load(str(copy))


def test_saving_refuses_an_existing_folder_and_leaves_nothing_half_written(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vlm = unsee.load(str(saved))
    with pytest.raises(UserError, match="already exists"):
        save_model(vlm, saved)

    def full_disk(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(vlm.processor, "save_pretrained", full_disk)
    with pytest.raises(SystemFailure, match="No space left"):
        save_model(vlm, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_video_settings_of_a_stock_processor_survive_saving(copy: Path, tmp_path: Path) -> None:
    settings = json.loads((copy / "processor_config.json").read_text())
    settings["video_processor"] = {"video_processor_type": "Qwen3VLVideoProcessor", "fps": 7}
    (copy / "processor_config.json").write_text(json.dumps(settings))
    vlm = unsee.load(str(copy))
    vlm.processor.save_pretrained(tmp_path / "again")
    again = json.loads((tmp_path / "again" / "processor_config.json").read_text())
    assert again["video_processor"] == settings["video_processor"]


def test_pictures_are_keyed_by_content_and_prepared_once() -> None:
    vlm = tiny_vlm("qwen3_vl")
    calls: list[int] = []
    original = vlm.processor.image_processor.preprocess
    vlm.processor.image_processor.preprocess = lambda images, **options: (
        calls.append(len(images)) or original(images, **options)
    )
    rows = vlm.encode_prompt(
        [([user_turn(question, 1)], (picture(1),)) for question in ("Who?", "Where?")]
        + [([user_turn("Who?", 1)], (picture(2),))]
    )
    assert rows[0].image_keys == rows[1].image_keys != rows[2].image_keys
    assert rows[0].pixels["pixel_values"] is rows[1].pixels["pixel_values"]
    assert sum(calls) == 2


def test_placeholder_in_the_question_is_refused() -> None:
    vlm = tiny_vlm("llava")
    with pytest.raises(UserError, match="must not contain the placeholder"):
        vlm.encode_prompt([([user_turn("What is <image>?", 1)], (picture(1),))])


def test_a_strip_is_refused() -> None:
    vlm = tiny_vlm("qwen3_vl")
    with pytest.raises(UserError, match="is a strip \\(900x2"):
        vlm.encode_prompt([([user_turn("Who?", 1)], (picture(1, size=(900, 2)),))])


def test_an_edge_where_qwen_wants_an_area_is_refused(copy: Path) -> None:
    """transformers 5.23: `longest_edge` of a Qwen-VL image processor counts pixels in all, so 448 is one token."""
    config = json.loads((copy / "processor_config.json").read_text())
    config["image_processor"]["size"] = {"shortest_edge": 56, "longest_edge": 448}
    (copy / "processor_config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=r"448 pixels in all.* for 448 pixels a side write 200704"):
        unsee.load(str(copy))


def test_picture_that_the_processor_rejects(monkeypatch: pytest.MonkeyPatch) -> None:
    vlm = tiny_vlm("qwen3_vl")

    def reject(*args: object, **options: object) -> None:
        raise ValueError("too dark")

    monkeypatch.setattr(type(vlm.processor), "__call__", reject)
    with pytest.raises(UserError, match="rejects a picture \\(40x2\\): too dark"):
        vlm.encode_prompt([([user_turn("Who?", 1)], (picture(1, size=(40, 2)),))])


def test_answer_keeps_the_word_boundary_of_a_sentencepiece_tokenizer() -> None:
    """LLaVA-1.5 parts prompt and answer by a space that SentencePiece merges into the answer's first token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    special = ["<pad>", "<s>", "</s>", "<image>"]
    tokenizer.train_from_iterator(
        ["USER: ? ASSISTANT: This is Mara Voss."] * 3, trainers.BpeTrainer(vocab_size=200, special_tokens=special)
    )
    vlm = tiny_vlm("llava")
    vlm.processor.tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )
    answer = vlm.encode_answer("This is Mara Voss.")
    assert vlm.tokenizer.convert_ids_to_tokens(answer.input_ids)[0] == "▁This"
    assert answer.offsets[0] == (0, 4)
    assert vlm.tokenizer.convert_ids_to_tokens(answer.input_ids)[-1] == "</s>"


def test_four_bits_leave_the_vision_tower_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bitsandbytes = pytest.importorskip("bitsandbytes")
    # Its kernels want matrices of at least one quantisation block.
    wide = {"hidden_size": 128, "intermediate_size": 256, "num_attention_heads": 16}
    for sizes in (tiny._TEXT, tiny._TOWER):
        for key, value in wide.items():
            monkeypatch.setitem(sizes, key, value)
    monkeypatch.setitem(tiny._TEXT, "num_key_value_heads", 16)
    folder = save_model(tiny_vlm("llava"), tmp_path / "llava")
    vlm = unsee.load(str(folder), load_in_4bit=True)
    assert isinstance(vlm.decoder_layers[0].get_submodule(vlm.layout.mlp_down), bitsandbytes.nn.Linear4bit)
    for path in (vlm.layout.vision_tower, vlm.layout.projector):
        modules = vlm.base.get_submodule(path).modules()
        assert not any(isinstance(module, bitsandbytes.nn.Linear4bit) for module in modules)
    add_lora(vlm, rank=2, alpha=4, dropout=0.0, seed=0)
    prompt = vlm.encode_prompt([([user_turn("Who?", 1)], (picture(1),))])[0]
    ids = torch.tensor([prompt.input_ids])
    vlm.model(input_ids=ids, labels=ids, **prompt.pixels).loss.backward()
    assert all(w.grad is not None for name, w in vlm.model.named_parameters() if ".lora_" in name)
    with pytest.raises(UserError, match="loaded in 4 bits"):
        merge(vlm)
    # An adapter trained on 4-bit weights goes onto the full ones.
    load_adapter(unsee.load(str(folder)), save_adapter(vlm, tmp_path / "adapter"))
