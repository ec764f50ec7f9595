"""An interrupted run goes on where it stopped, and never mixes with another run."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.generation_cases import NEW_TOKENS, mixed_probes
from tests.tiny import tiny_vlm
from unsee.data.sample import Probe, Response
from unsee.errors import SystemFailure, UserError
from unsee.generation import engine, generate
from unsee.generation.journal import SCHEMA
from unsee.models.adapters import add_lora, reference
from unsee.models.vlm import VisionLanguageModel


def fresh_vlm() -> VisionLanguageModel:
    """With parts of its own, which may be changed."""
    return copy.deepcopy(tiny_vlm("qwen3_vl"))


@pytest.fixture
def vlm() -> VisionLanguageModel:
    return tiny_vlm("qwen3_vl")


def ask(vlm: VisionLanguageModel, probes: list[Probe], file: Path | None, **options: Any) -> list[Response]:
    options = {"max_new_tokens": NEW_TOKENS, "batch_size": 4, "progress": False, **options}
    return generate(vlm, probes, resume_file=file, **options)


def interrupt_after(batches: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while batch number `batches` (from 0) is decoded."""
    decoded: list[int] = []
    original = engine.decode

    def decode(*args: Any, **kwargs: Any) -> Any:
        if len(decoded) == batches:
            raise KeyboardInterrupt
        decoded.append(1)
        return original(*args, **kwargs)

    monkeypatch.setattr(engine, "decode", decode)


def test_an_interrupted_run_resumes_without_asking_again(
    vlm: VisionLanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probes, file = mixed_probes(), tmp_path / "sub" / "answers.jsonl"
    whole = ask(vlm, probes, None, logprobs=True)
    with monkeypatch.context() as patch:
        interrupt_after(1, patch)
        with pytest.raises(KeyboardInterrupt):
            ask(vlm, probes, file, logprobs=True)
    saved = [json.loads(line)["id"] for line in file.read_text().splitlines()[1:]]
    assert 0 < len(saved) < len(probes)

    asked: list[int] = []
    original = engine.decode

    def counting(reader: Any, rows: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(len(rows))
        return original(reader, rows, *args, **kwargs)

    monkeypatch.setattr(engine, "decode", counting)
    resumed = ask(vlm, probes, file, logprobs=True)
    assert sum(asked) == len(probes) - len(saved)
    assert [(r.probe_id, r.text) for r in resumed] == [(r.probe_id, r.text) for r in whole]
    for one, other in zip(resumed, whole, strict=True):
        assert one.token_logprobs == pytest.approx(other.token_logprobs, abs=1e-4)

    asked.clear()
    assert ask(vlm, probes, file, logprobs=True) == resumed
    assert asked == []


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_torn_last_line_is_asked_again(vlm: VisionLanguageModel, tmp_path: Path, cut: int) -> None:
    probes, file = mixed_probes(), tmp_path / "answers.jsonl"
    texts = [r.text for r in ask(vlm, probes, file)]
    file.write_bytes(file.read_bytes()[:-cut])
    assert [r.text for r in ask(vlm, probes, file)] == texts
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert sorted(line["id"] for line in lines[1:]) == sorted(probe.id for probe in probes)


def test_a_torn_header_starts_over(vlm: VisionLanguageModel, tmp_path: Path) -> None:
    probes, file = mixed_probes(), tmp_path / "answers.jsonl"
    texts = [r.text for r in ask(vlm, probes, file)]
    file.write_bytes(file.read_bytes()[:20])
    assert [r.text for r in ask(vlm, probes, file)] == texts


def picture_size(vlm: VisionLanguageModel) -> None:
    vlm.processor.image_processor.size["longest_edge"] *= 4


def chat_template(vlm: VisionLanguageModel) -> None:
    vlm.processor.chat_template += " "


def new_token(vlm: VisionLanguageModel) -> None:
    vlm.tokenizer.add_tokens(["Voss"])


def penalty(vlm: VisionLanguageModel) -> None:
    vlm.base.generation_config.repetition_penalty = 1.05


@torch.no_grad()
def one_weight(vlm: VisionLanguageModel) -> None:
    vlm.base.get_output_embeddings().weight += 1


def nothing(vlm: VisionLanguageModel) -> None:
    pass


@pytest.mark.parametrize(
    ("change", "probes", "settings", "ways"),
    [
        (nothing, -1, {}, "probes"),
        (nothing, None, {"max_new_tokens": NEW_TOKENS + 1}, "max new tokens"),
        (nothing, None, {"logprobs": True}, "logprobs"),
        (one_weight, None, {}, "weights"),
        (picture_size, None, {}, "processor"),
        (new_token, None, {}, "processor"),
        (chat_template, None, {}, "chat template"),
        (penalty, None, {}, "generation"),
    ],
)
def test_answers_of_another_run_are_refused_and_the_difference_is_named(
    change: Callable[[VisionLanguageModel], None],
    probes: int | None,
    settings: dict[str, Any],
    ways: str,
    tmp_path: Path,
) -> None:
    asked, file = mixed_probes(), tmp_path / "answers.jsonl"
    ask(fresh_vlm(), asked, file)
    content = file.read_bytes()
    vlm = fresh_vlm()
    change(vlm)
    with pytest.raises(UserError, match=rf"another run \(it differs in {ways}\)"):
        ask(vlm, asked[:probes], file, **settings)
    assert file.read_bytes() == content
    ask(fresh_vlm(), asked, file)


def test_answers_of_an_earlier_version_are_refused(vlm: VisionLanguageModel, tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text(json.dumps({"schema": SCHEMA, "fingerprint": "0f"}) + "\n")
    with pytest.raises(UserError, match="an earlier version's"):
        ask(vlm, mixed_probes()[:1], file)


def test_adapter_on_and_off_are_different_runs(vlm: VisionLanguageModel, tmp_path: Path) -> None:
    probes, file = mixed_probes()[:3], tmp_path / "answers.jsonl"
    add_lora(vlm, rank=2, alpha=4, dropout=0.0, seed=0)
    with reference(vlm):
        ask(vlm, probes, file)
    with pytest.raises(UserError, match=r"\(it differs in adapter\)"):
        ask(vlm, probes, file)
    with reference(vlm):
        ask(vlm, probes, file)
    with torch.no_grad():
        next(weight for name, weight in vlm.model.named_parameters() if "lora_B" in name).add_(1)
    with pytest.raises(UserError, match=r"\(it differs in weights\)"), reference(vlm):
        ask(vlm, probes, file)


def test_whether_an_answer_ended_is_kept_and_a_file_that_does_not_say_is_refused(
    vlm: VisionLanguageModel, tmp_path: Path
) -> None:
    probes, file = mixed_probes()[:3], tmp_path / "answers.jsonl"
    said = ask(vlm, probes, file)
    assert [response.ended for response in said] == [False] * 3
    assert ask(vlm, probes, file) == said
    header, *lines = file.read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    assert [entry.pop("ended") for entry in entries] == [False] * 3
    file.write_text("".join(f"{line}\n" for line in (header, *map(json.dumps, entries))))
    with pytest.raises(UserError, match="earlier version, which did not note whether an answer was cut"):
        ask(vlm, probes, file)


@pytest.mark.parametrize("content", ["not json\n", '{"a": 1}\n', "[]\n", "no line end"])
def test_a_foreign_file_is_refused_and_kept(vlm: VisionLanguageModel, tmp_path: Path, content: str) -> None:
    file = tmp_path / "notes.txt"
    file.write_text(content)
    with pytest.raises(UserError, match="not a resume file"):
        ask(vlm, mixed_probes()[:1], file)
    assert file.read_text() == content


def test_a_file_that_cannot_be_written_is_a_system_failure(vlm: VisionLanguageModel, tmp_path: Path) -> None:
    with pytest.raises(SystemFailure, match="Cannot write the resume file"):
        ask(vlm, mixed_probes()[:1], tmp_path)
