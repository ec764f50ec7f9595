"""The served engine against `transformers serve` with a model of the embedded world, where its extra is installed."""

from __future__ import annotations

import random
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.command_line import call
from tests.transformers_serve import free_port, started, transformers_serve
from unsee.benchmarks.world import world_benchmark
from unsee.data.sample import Probe
from unsee.errors import SystemFailure
from unsee.generation import ServedEngine, Transcript, TransformersEngine, ask, openai_client
from unsee.models.adapters import add_lora, save_adapter
from unsee.models.loading import load
from unsee.models.shipped import checkpoint_path
from unsee.world import probes
from unsee.world.people import KNOWN, stranger

for needed in ("fastapi", "uvicorn", "openai"):
    pytest.importorskip(needed, reason="transformers[serving] is not installed")

MODEL = "tiny-llava"  # its processor needs no torchvision


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that was started in a folder with the model in it."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(checkpoint_path(MODEL), folder / MODEL)
    with transformers_serve(folder) as address:
        yield address


def questions() -> list[Probe]:
    rng = random.Random(0)
    about = [
        probes.about_picture(kind, person, index, rng)
        for person in (*KNOWN[:4], stranger(0))
        for index in range(2)
        for kind in ("recognition", "caption", "recognition.es")
    ]
    return [*about, *(probes.verification(person, KNOWN[1].name, 0, rng) for person in KNOWN[:4])]


def test_it_says_what_the_same_model_says_here(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    asked = questions()
    assert sum(bool(probe.images) for probe in asked) >= 30
    served = ask(ServedEngine(url, MODEL), asked, max_new_tokens=48, progress=False)
    local = ask(TransformersEngine(load(f"world:{MODEL}", device="cpu")), asked, max_new_tokens=48, progress=False)
    assert [(one.raw, one.ended) for one in served] == [(one.raw, one.ended) for one in local]
    assert len({one.raw for one in served}) > 10
    assert all(one.token_logprobs is None for one in served), "the server gives log-probabilities now: say so in docs"


def test_without_its_picture_a_question_is_another(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    shown = questions()[0]
    with_picture, without = ask(
        ServedEngine(url, MODEL), [shown, replace(shown, id="blind", images=())], max_new_tokens=24, progress=False
    )
    assert with_picture.raw != without.raw


def test_a_model_it_does_not_have_is_a_sentence(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(openai_client, "BACKOFF_SECONDS", 0.001)
    with pytest.raises(SystemFailure, match="that it serves a model 'no-such-folder'"):
        ask(ServedEngine(url, "no-such-folder"), questions()[:1], progress=False)


def test_the_page_on_serving_works_as_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Just as written, but for the port, the size of the benchmark, and the installing, which was done."""
    page = (Path(__file__).parents[1] / "docs" / "serving.md").read_text(encoding="utf-8")
    section = page.partition("\n## `transformers serve`\n")[2].partition("\n## ")[0]
    port = free_port()
    lines = [shlex.split(line.replace("8000", str(port))) for line in re.findall(r"^    (.+)$", section, re.M)]
    assert [words[0] for words in lines] == ["unsee", "pip", "transformers", "unsee"]
    few = {"test_pictures": 2, "questions": 4, "kept": 2, "pairs": 2}
    monkeypatch.setattr(
        "unsee.benchmarks.together.world_benchmark", lambda *given, **size: world_benchmark(*given, **{**size, **few})
    )
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
    monkeypatch.chdir(tmp_path)
    trained = load(f"world:{MODEL}", device="cpu")
    add_lora(trained, rank=2, alpha=4, dropout=0.0, seed=0)
    for name, weight in trained.base.named_parameters():
        if "lora_B" in name:
            weight.data += 0.02 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    save_adapter(trained, tmp_path / "runs" / "mara")
    exporting, _, serving, asking = lines
    exported = call(*exporting[1:])
    assert exported.exit_code == 0, (exported.stderr, exported.exception)
    with started(serving[1:], port, tmp_path):
        asked = call(*asking[1:], "--out", "served")
    assert asked.exit_code == 0, (asked.stderr, asked.exception)
    here = call("evaluate", "-m", "models/without-mara", *asking[4:], "--out", "here")
    assert here.exit_code == 0, (here.stderr, here.exception)
    served, local = (
        {response.probe_id: response.raw for response in Transcript.open(path).responses.values()}
        for place in ("served", "here")
        for path in Path(place).rglob("model.jsonl")
    )
    assert served == local
    assert len(set(served.values())) > 3
