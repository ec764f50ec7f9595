"""The served engine against `transformers serve` with a model of the embedded world, where its extra is installed."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.transformers_serve import transformers_serve
from unsee.data.sample import Probe
from unsee.errors import SystemFailure
from unsee.generation import ServedEngine, TransformersEngine, ask, openai_client
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
