"""An interrupted run resumes where it stopped, and never mixes with another run."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.generation_cases import NEW_TOKENS, mixed_probes
from tests.tiny import tiny_vlm
from unsee.benchmarks.base import Answers, Benchmark
from unsee.data.sample import Likelihood, Probe, Response
from unsee.errors import SystemFailure, UserError
from unsee.evaluation import Evaluation
from unsee.generation import Transcript, TransformersEngine, transcript, transformers
from unsee.judges import Judge
from unsee.metrics import Score
from unsee.models.adapters import add_lora, reference
from unsee.models.vlm import VisionLanguageModel


def fresh_vlm() -> VisionLanguageModel:
    """With parts of its own, which may be changed."""
    return copy.deepcopy(tiny_vlm("qwen3_vl"))


@pytest.fixture
def vlm() -> VisionLanguageModel:
    return tiny_vlm("qwen3_vl")


class Questions(Benchmark):
    """Probes that are asked and not scored."""

    name, version = "questions", 1

    def __init__(self, probes: Sequence[Probe]) -> None:
        self.asked = probes

    def probes(self) -> Sequence[Probe]:
        return self.asked

    @classmethod
    def score(cls, answers: Answers, judge: Judge | None = None) -> dict[str, Score]:
        return {}


def ask(
    vlm: VisionLanguageModel, probes: Sequence[Probe], file: Path | None, max_new_tokens: int = NEW_TOKENS
) -> list[Response]:
    """`file` is FOLDER/questions/STATE.jsonl."""
    engine = TransformersEngine(vlm, batch_size=4)
    evaluation = Evaluation([Questions(probes)], max_new_tokens=max_new_tokens, progress=False)
    folder, state = (file.parent.parent, file.stem) if file else (None, "model")
    return list(evaluation.of(engine, state, folder=folder).answers["questions"].responses.values())


def interrupt_after(batches: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while batch number `batches` (from 0) is decoded."""
    decoded: list[int] = []
    original = transformers.decode

    def decode(*args: Any, **kwargs: Any) -> Any:
        if len(decoded) == batches:
            raise KeyboardInterrupt
        decoded.append(1)
        return original(*args, **kwargs)

    monkeypatch.setattr(transformers, "decode", decode)


def test_an_interrupted_run_resumes_without_asking_again(
    vlm: VisionLanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probes, file = mixed_probes(), tmp_path / "sub" / "questions" / "answers.jsonl"
    whole = ask(vlm, probes, None)
    with monkeypatch.context() as patch:
        interrupt_after(1, patch)
        with pytest.raises(KeyboardInterrupt):
            ask(vlm, probes, file)
    saved = [json.loads(line)["id"] for line in file.read_text().splitlines()[1:]]
    assert 0 < len(saved) < len(probes)

    asked: list[int] = []
    original = transformers.decode

    def counting(reader: Any, rows: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(len(rows))
        return original(reader, rows, *args, **kwargs)

    monkeypatch.setattr(transformers, "decode", counting)
    resumed = ask(vlm, probes, file)
    assert sum(asked) == len(probes) - len(saved)
    assert [(r.probe_id, r.text) for r in resumed] == [(r.probe_id, r.text) for r in whole]
    for one, other in zip(resumed, whole, strict=True):
        assert one.token_logprobs == pytest.approx(other.token_logprobs, abs=1e-4)

    asked.clear()
    assert ask(vlm, probes, file) == resumed
    assert asked == []


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_torn_last_line_is_asked_again(vlm: VisionLanguageModel, tmp_path: Path, cut: int) -> None:
    probes, file = mixed_probes(), tmp_path / "questions" / "answers.jsonl"
    texts = [r.text for r in ask(vlm, probes, file)]
    file.write_bytes(file.read_bytes()[:-cut])
    assert [r.text for r in ask(vlm, probes, file)] == texts
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert sorted(line["id"] for line in lines[1:]) == sorted(probe.id for probe in probes)


def test_a_torn_header_starts_over(vlm: VisionLanguageModel, tmp_path: Path) -> None:
    probes, file = mixed_probes(), tmp_path / "questions" / "answers.jsonl"
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
    asked, file = mixed_probes(), tmp_path / "questions" / "answers.jsonl"
    ask(fresh_vlm(), asked, file)
    content = file.read_bytes()
    vlm = fresh_vlm()
    change(vlm)
    with pytest.raises(UserError, match=rf"another run \(it differs in {ways}\)"):
        ask(vlm, asked[:probes], file, **settings)
    assert file.read_bytes() == content
    ask(fresh_vlm(), asked, file)


def test_answers_of_an_earlier_version_are_refused(vlm: VisionLanguageModel, tmp_path: Path) -> None:
    file = tmp_path / "questions" / "answers.jsonl"
    file.parent.mkdir()
    file.write_text(json.dumps({"schema": "unsee.responses/1", "fingerprint": "0f"}) + "\n")
    with pytest.raises(UserError, match=r"by another version of unsee \(unsee.responses/1\)"):
        ask(vlm, mixed_probes()[:1], file)


def test_adapter_on_and_off_are_different_runs(vlm: VisionLanguageModel, tmp_path: Path) -> None:
    probes, file = mixed_probes()[:3], tmp_path / "questions" / "answers.jsonl"
    add_lora(vlm, rank=2, alpha=4, dropout=0.0, seed=0)
    with reference(vlm):
        ask(vlm, probes, file)
    with pytest.raises(UserError, match=r"\(it differs in weights, adapter\)"):
        ask(vlm, probes, file)
    own = tmp_path / "questions" / "after.jsonl"
    ask(vlm, probes, own)
    with torch.no_grad():
        next(weight for name, weight in vlm.model.named_parameters() if "lora_B" in name).add_(1)
    with pytest.raises(UserError, match=r"\(it differs in weights\)"):
        ask(vlm, probes, own)
    # What is switched off decides nothing.
    with reference(vlm):
        ask(vlm, probes, file)
        next(weight for name, weight in vlm.model.named_parameters() if "base_layer" in name).data.add_(1)
    with pytest.raises(UserError, match=r"\(it differs in weights\)"), reference(vlm):
        ask(vlm, probes, file)


def test_all_that_was_said_and_read_comes_back(vlm: VisionLanguageModel, tmp_path: Path) -> None:
    probes, file = mixed_probes()[:3], tmp_path / "questions" / "answers.jsonl"
    said = ask(vlm, probes, file)
    assert [response.ended for response in said] == [False] * 3
    assert all(len(one.token_ids or ()) == len(one.token_ends or ()) == NEW_TOKENS for one in said)
    header = json.loads(file.read_text().splitlines()[0])
    with Transcript(file, header) as transcript:
        transcript.add_likelihoods({"name": Likelihood((-1.5,), (4,))})
        transcript.add_likelihoods({"said": Likelihood((-0.5, -2.0), (1, 9))}, by_before=True)
    back = Transcript.open(file)
    assert [back.responses[one.probe_id] for one in said] == said
    assert back.likelihoods == {"name": Likelihood((-1.5,), (4,))}
    assert back.rereads == {"said": Likelihood((-0.5, -2.0), (1, 9))}
    assert back.header["vocabulary_size"] == len(vlm.tokenizer)


def test_tokens_that_write_one_letter_together_share_it() -> None:
    # "Łé": the first letter takes two tokens, the second one; the end of the turn stands behind.
    read = Likelihood((-1.0, -2.0, -3.0, -4.0), (1, 1, 2, 12))
    assert read.within([(0, 1)]) == [True, True, False, False]
    assert read.within([(1, 2)]) == [False, False, True, False]
    assert read.up_to(2).logprobs == (-1.0, -2.0, -3.0)


@pytest.mark.parametrize("content", ["not json\n", '{"a": 1}\n', "[]\n", "no line end"])
def test_a_foreign_file_is_refused_and_kept(vlm: VisionLanguageModel, tmp_path: Path, content: str) -> None:
    file = tmp_path / "questions" / "notes.jsonl"
    file.parent.mkdir()
    file.write_text(content)
    with pytest.raises(UserError, match="holds no answers saved by unsee"):
        ask(vlm, mixed_probes()[:1], file)
    assert file.read_text() == content


def test_a_file_that_cannot_be_written_is_a_system_failure(vlm: VisionLanguageModel, tmp_path: Path) -> None:
    file = tmp_path / "questions" / "answers.jsonl"
    file.mkdir(parents=True)
    with pytest.raises(SystemFailure, match="Cannot write the answers"):
        ask(vlm, mixed_probes()[:1], file)


ENTRY = '{"id": "a", "text": "x", "ended": true, "token_logprobs": [-1.0, -2], "token_ends": [1, 2]}'
READ = '{"read": "k", "logprobs": [-1.0, NaN], "ends": [1, 2]}'


@pytest.mark.parametrize(
    ("header", "entry"),
    [
        ("{}", ENTRY.replace("[1, 2]", "[1]")),
        ("{}", ENTRY.replace("[1, 2]", '["1", "2"]')),
        ("{}", ENTRY.replace("-2]", "null]")),
        ("{}", ENTRY.replace("-2]", '"-2"]')),
        ("{}", ENTRY.replace("-2]", f"-{10**400}]")),
        ("{}", ENTRY.replace("[1, 2]", "3")),
        ("{}", READ.replace("[1, 2]", "[1]")),
        ("{}", READ.replace("[1, 2]", '"12"')),
        ("{}", '{"read": "k", "logprobs": [-1.0]}'),
        ("{}", "[" * 100_000),
        ('{"vocabulary_size": 0}', ENTRY),
        ('{"vocabulary_size": "100"}', ENTRY),
    ],
)
def test_numbers_that_do_not_fit_are_damage(header: str, entry: str, tmp_path: Path) -> None:
    file, first = tmp_path / "after.jsonl", {"schema": transcript.SCHEMA, "fingerprint": {}}
    file.write_text(f"{json.dumps(first)}\n{ENTRY}\n{READ}\n")
    assert Transcript.open(file).responses["a"].likelihood == Likelihood((-1.0, -2.0), (1, 2))
    file.write_text(f"{json.dumps({**first, **json.loads(header)})}\n{entry}\n")
    with pytest.raises(UserError, match="is damaged"):
        Transcript.open(file)
