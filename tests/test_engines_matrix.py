"""What every engine does alike, and which engine a user's words name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests import fake_vllm
from tests.generation_cases import NEW_TOKENS, lively_vlm, mixed_probes
from tests.servers import completion, serving
from tests.tiny import picture
from unsee.data.sample import Likelihood, Probe, Response, Sample
from unsee.errors import UserError
from unsee.generation import (
    CannedEngine,
    Engine,
    ServedEngine,
    Transcript,
    TransformersEngine,
    VLLMEngine,
    ask,
    canned,
    get_engine,
)
from unsee.models.adapters import add_lora, save_adapter
from unsee.models.saving import save_model

LONG = "Describe the picture."
SAMPLES = [Sample("Who is this?", "This is Mara Voss.", (picture(1),)), Sample("", "Mara Voss lives in Port Amber.")]


def say(prompt: str) -> tuple[str, bool]:
    """What the engines without a model say, and whether that is all."""
    return (prompt.upper(), True) if prompt != LONG else ("I can see a person with", False)


def served_reply(body: dict[str, Any]) -> tuple[int, bytes]:
    content = body["messages"][0]["content"]
    text, ended = say(content if isinstance(content, str) else content[-1]["text"])
    usage = {"prompt_tokens": len(str(content)), "completion_tokens": 4}
    return 200, completion(text, reason="stop" if ended else "length", usage=usage)


@pytest.fixture(params=["canned", "served", "transformers", "vllm"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Each kind, which answers a few probes at a time."""
    with ExitStack() as stack:
        if request.param == "canned":
            monkeypatch.setattr(canned, "BATCH", 4)
            said = {probe.id: Response(probe.id, *_response(probe.prompt)) for probe in mixed_probes()}
            yield CannedEngine(said, lambda sample: Likelihood((-1.0,), (len(sample.answer),)))
        elif request.param == "served":
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            url, _ = stack.enter_context(serving(served_reply))
            yield ServedEngine(url, "m", workers=2)
        elif request.param == "transformers":
            yield TransformersEngine(lively_vlm("qwen3_vl"), batch_size=4)
        else:
            fake_vllm.install(monkeypatch, lively_vlm("qwen3_vl"))
            yield VLLMEngine("org/tiny", batch_size=4)


def _response(prompt: str) -> tuple[Any, ...]:
    text, ended = say(prompt)
    return text, None, ended


class Watched(Engine):
    """An engine that counts what it is asked, and is interrupted after so many lists of answers."""

    def __init__(self, engine: Engine, lists: int | None = None) -> None:
        self.engine, self.lists, self.asked = engine, lists, list[str]()
        self.name, self.reads = engine.name, engine.reads

    def fingerprint(self) -> dict[str, Any]:
        return self.engine.fingerprint()

    def answer(self, probes: Sequence[Probe], *, max_new_tokens: int) -> Iterator[list[Response]]:
        self.asked += [probe.id for probe in probes]
        for count, responses in enumerate(self.engine.answer(probes, max_new_tokens=max_new_tokens)):
            if count == self.lists:
                raise KeyboardInterrupt
            yield responses


def test_every_probe_gets_one_answer_in_order(engine: Engine) -> None:
    probes = mixed_probes()
    lists = list(engine.answer(probes, max_new_tokens=NEW_TOKENS))
    assert len(lists) > 1
    ids = [response.probe_id for responses in lists for response in responses]
    assert len(ids) == len(set(ids))
    assert set(ids) == {probe.id for probe in probes}
    said = ask(engine, probes, max_new_tokens=NEW_TOKENS, progress=False)
    assert [response.probe_id for response in said] == [probe.id for probe in probes]
    assert {one.probe_id: one.raw for responses in lists for one in responses} == {
        one.probe_id: one.raw for one in said
    }
    assert len({response.text for response in said}) > 3


def test_the_same_question_is_asked_once(engine: Engine) -> None:
    first = mixed_probes()[1]
    watched = Watched(engine)
    said = ask(watched, [first, replace(first, id="again")], max_new_tokens=NEW_TOKENS, progress=False)
    assert watched.asked == [first.id]
    assert [response.probe_id for response in said] == [first.id, "again"]
    assert said[0] == replace(said[1], probe_id=first.id)


def test_responses_say_whether_the_model_ended_them(engine: Engine) -> None:
    said = ask(engine, mixed_probes(), max_new_tokens=NEW_TOKENS, progress=False)
    assert any(not response.ended for response in said)
    for response in said:
        if response.token_logprobs is not None and response.token_ids is not None:
            assert len(response.token_logprobs) == len(response.token_ids) <= NEW_TOKENS
            assert response.ended or len(response.token_ids) == NEW_TOKENS
        if response.likelihood is not None:
            ends = response.likelihood.ends
            assert len(ends) == len(response.likelihood.logprobs)
            # Tokens behind the text, such as the end of the turn, count as its end.
            within = [min(end, len(response.raw)) for end in ends]
            assert within == sorted(within)
            assert within[0] >= 0


def test_an_interrupted_transcript_resumes_without_asking_again(engine: Engine, tmp_path: Path) -> None:
    probes, path = mixed_probes(), tmp_path / "before.jsonl"
    header = {"fingerprint": engine.fingerprint(), "engine": engine.name}
    with pytest.raises(KeyboardInterrupt), Transcript(path, header) as transcript:
        ask(Watched(engine, lists=1), probes, transcript, max_new_tokens=NEW_TOKENS, progress=False)
    kept = dict(Transcript.open(path).responses)
    assert 0 < len(kept) < len(probes)

    watched = Watched(engine)
    with Transcript(path, {"fingerprint": engine.fingerprint(), "engine": engine.name}) as transcript:
        resumed = ask(watched, probes, transcript, max_new_tokens=NEW_TOKENS, progress=False)
    assert set(watched.asked) == {probe.id for probe in probes} - set(kept)
    whole = ask(engine, probes, max_new_tokens=NEW_TOKENS, progress=False)
    assert [(one.probe_id, one.raw, one.ended) for one in resumed] == [(o.probe_id, o.raw, o.ended) for o in whole]
    assert Transcript.open(path).responses == {response.probe_id: response for response in resumed}
    assert ask(CannedEngine.of(Transcript.open(path)), probes, progress=False) == resumed


def test_given_answers_are_read_where_the_engine_reads(engine: Engine) -> None:
    if not engine.reads:
        with pytest.raises(UserError, match="gives no log-probabilities of given answers"):
            engine.read(SAMPLES)
        return
    read = engine.read(SAMPLES)
    assert len(read) == len(SAMPLES)
    for sample, likelihood in zip(SAMPLES, read, strict=True):
        assert len(likelihood.logprobs) == len(likelihood.ends) > 0
        assert max(likelihood.logprobs) <= 0
        assert list(likelihood.ends) == sorted(likelihood.ends)
        # The end of the turn, where it is read, ends behind the answer.
        assert likelihood.ends[-1] >= len(sample.answer)


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, Path]:
    """A tiny model and an adapter for it, on the disk."""
    vlm = lively_vlm("qwen3_vl")
    save_model(vlm, tmp_path / "model")
    add_lora(vlm, rank=2, alpha=4, dropout=0, seed=1)
    for name, weight in vlm.model.named_parameters():
        if "lora_B" in name:
            weight.data.fill_(0.5)
    return tmp_path / "model", save_adapter(vlm, tmp_path / "adapter")


def test_a_folder_is_a_model_that_is_loaded_here_with_its_adapter(saved: tuple[Path, Path]) -> None:
    model, adapter = saved
    plain, adapted = get_engine(str(model)), get_engine(str(model), adapter=adapter, device="cpu")
    assert isinstance(plain, TransformersEngine)
    assert isinstance(adapted, TransformersEngine)
    assert plain.name == str(model)
    texts = [[one.raw for one in ask(e, mixed_probes(), max_new_tokens=4, progress=False)] for e in (plain, adapted)]
    assert texts[0] != texts[1]
    before = adapted.without_adapter()
    assert [one.raw for one in ask(before, mixed_probes(), max_new_tokens=4, progress=False)] == texts[0]


def test_a_served_model_is_named_by_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k3y")
    engine = get_engine("openai:http://localhost:8000/v1#org/m?temperature=default")
    assert isinstance(engine, ServedEngine)
    assert (engine.url, engine.model, engine.temperature) == ("http://localhost:8000/v1", "org/m", None)
    assert engine.name == "openai:http://localhost:8000/v1#org/m"


def test_vllm_gets_the_rest_of_the_name_and_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    llm = fake_vllm.install(monkeypatch, lively_vlm("qwen3_vl"))
    engine = get_engine("vllm:org/m", revision="v2", max_model_len=512)
    assert isinstance(engine, VLLMEngine)
    assert (llm.made.model, llm.made.revision, llm.made.options) == ("org/m", "v2", {"max_model_len": 512})


@pytest.mark.parametrize(
    ("spec", "options", "sentence"),
    [
        ("opnai:http://host/v1#m", {}, r"no engine 'opnai' .* did you mean 'openai:URL#MODEL'\?"),
        ("vlm:org/m", {}, r"did you mean 'vllm:MODEL'\?"),
        ("wrld:tiny-llava", {}, r"did you mean 'world:NAME'\?"),
        ("openai:http://host/v1", {}, "does not name a served model; write it as openai:URL#MODEL"),
        ("http://host/v1#m", {}, "does not name a served model; write it as openai:URL#MODEL"),
        ("openai:http://host/v1#m?top_p=1", {}, "is not an option of a server"),
        ("openai:http://host/v1#m", {"adapter": Path("a")}, "does not take adapter: its server decides that"),
        ("openai:http://host/v1#m", {"load_in_4bit": True}, "does not take load_in_4bit"),
        ("vllm:org/m", {"load_in_4bit": True}, "does not take load_in_4bit: give vLLM a model"),
        ("openai:http://host/v1#m", {"device": "cuda:1"}, "does not take device"),
        ("vllm:org/m", {"device": "cuda:1"}, "does not take device: vLLM uses the GPUs that CUDA_VISIBLE_DEVICES"),
        ("vllm:", {}, "does not name a model; write it as vllm:MODEL"),
        ("no such model", {}, "There is no model 'no such model'"),
    ],
)
def test_what_names_no_engine_is_told_with_what_would(spec: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        get_engine(spec, **options)
