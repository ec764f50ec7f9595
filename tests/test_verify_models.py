"""`unsee verify` against what really goes wrong between a run and a server: twenty models with known answers, each as
an exported folder and through `transformers serve`.

Through the server, five of them are tried by default, because each takes some ten seconds. All twenty:

    UNSEE_EVERY_CASE=1 python -m pytest -n 0 tests/test_verify_models.py
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from tests.command_line import call
from tests.transformers_serve import transformers_serve
from unsee.benchmarks import world as world_bench
from unsee.models.adapters import load_adapter, merge
from unsee.models.loading import load
from unsee.models.saving import save_model
from unsee.models.vlm import VisionLanguageModel

MODEL = "world:tiny-llava"  # its processor needs no torchvision, so that it can be served everywhere
PERSON, OTHER = "Lucia Ferrante", "Anton Brandt"
CONCLUSIONS = ("evaluated", None, None, "rounded", "before", "another", "unknown")
"""By exit status."""
Change = Callable[[VisionLanguageModel], object]
Edit = Callable[[Path], object]


def nothing(_: object) -> None:
    pass


def in_bits(vlm: VisionLanguageModel, bits: int, block: int | None = None) -> None:
    """Round the weights of all linear layers as quantisers do: to whole multiples of a scale for each row or block."""
    for module in vlm.base.modules():
        if isinstance(module, torch.nn.Linear):
            rows = module.weight.data.unflatten(1, (-1, block or module.weight.shape[1]))
            scale = rows.abs().amax(-1, keepdim=True).clamp(min=1e-12) / (2 ** (bits - 1) - 1)
            module.weight.data = ((rows / scale).round() * scale).flatten(1)


def as_dtype(vlm: VisionLanguageModel, dtype: torch.dtype) -> None:
    torch.nn.Module.to(vlm.base, dtype)


def edited(folder: Path, file: str, **changes: Any) -> None:
    content = json.loads((folder / file).read_text())
    place = content["image_processor"] if file == "processor_config.json" else content
    place.update(changes)
    (folder / file).write_text(json.dumps(content))


def templated(folder: Path, old: str, new: str) -> None:
    path = folder / "chat_template.jinja"
    template = path.read_text()
    assert old in template
    path.write_text(template.replace(old, new))


def untemplated(folder: Path) -> None:
    """Another program's template: the words alone."""
    (folder / "chat_template.jinja").write_text(
        "{% for m in messages %}{{ m['role'] | upper }}: {% if m['content'] is string %}{{ m['content'] }}{% else %}"
        "{% for part in m['content'] %}{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
        "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}\n{% endfor %}"
        "{% if add_generation_prompt %}ASSISTANT: {% endif %}"
    )


class Case(NamedTuple):
    """A model to serve: `adapter` is a run's folder, None for the model before; then `change` changes its weights, and
    `edit` its folder. `served` is the conclusion through a server that gives no log-probabilities, where that is
    another; `asked` is put behind the name of the model that the server is asked for."""

    conclusion: str
    adapter: str | None = "run-evaluated"
    change: Change = nothing
    edit: Edit = nothing
    served: str | None = None
    asked: str = ""


SYSTEM = "{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% for message"
CROP = {"size": {"height": 144, "width": 144}, "do_center_crop": True, "crop_size": {"height": 96, "width": 96}}
SAMPLING = {"do_sample": True, "temperature": 1.0}
# What changes no answer cannot be seen in the answers.
FINE = "evaluated"
CASES = {
    "merged": Case("evaluated"),
    "merged-bfloat16": Case("rounded", change=partial(as_dtype, dtype=torch.bfloat16), served=FINE),
    "merged-int8": Case("rounded", change=partial(in_bits, bits=8), served=FINE),
    "merged-int4": Case("rounded", change=partial(in_bits, bits=4, block=32), served=FINE),
    "before": Case("before", None),
    "before-bfloat16": Case("before", None, partial(as_dtype, dtype=torch.bfloat16)),
    "before-int8": Case("before", None, partial(in_bits, bits=8)),
    "before-int4": Case("before", None, partial(in_bits, bits=4, block=32)),
    "older": Case("another", "run-older"),
    "older-int8": Case("another", "run-older", partial(in_bits, bits=8)),
    "of-another": Case("another", "run-other"),
    "of-another-int8": Case("another", "run-other", partial(in_bits, bits=8)),
    "template-system": Case("another", edit=partial(templated, old="{% for message", new=SYSTEM)),
    "template-newline": Case("another", edit=partial(templated, old="assistant\\n", new="assistant")),
    "template-other": Case("another", edit=untemplated),
    "before-template-other": Case("another", None, edit=untemplated),
    "pictures-cropped": Case("another", edit=partial(edited, file="processor_config.json", **CROP)),
    "pictures-dark": Case("another", edit=partial(edited, file="processor_config.json", image_mean=[0.9, 0.9, 0.9])),
    # A temperature of 0 is obeyed; left to the server, it is what the folder says.
    "sampling": Case("evaluated", edit=partial(edited, file="generation_config.json", **SAMPLING)),
    "sampling-left-alone": Case(
        "evaluated",
        edit=partial(edited, file="generation_config.json", **SAMPLING),
        served="unknown",
        asked="?temperature=default",
    ),
}
SERVED = (
    CASES
    if os.environ.get("UNSEE_EVERY_CASE")
    else ("merged", "before", "older", "template-system", "sampling-left-alone")
)


@pytest.fixture(scope="module", autouse=True)
def small_benchmark() -> Iterator[None]:
    """Few pictures and questions, for the runs and for what is asked again."""
    small = partial(world_bench.world_benchmark, test_pictures=6, questions=12, kept=12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world_bench, "world_benchmark", small)
        patch.setenv("no_proxy", "127.0.0.1")
        yield


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, small_benchmark: None) -> Path:
    """A folder with the run to verify, one of the same person with less training, and one of another person."""
    place = tmp_path_factory.mktemp("runs")
    for name, person, steps in (
        ("run-evaluated", PERSON, 20),
        ("run-older", PERSON, 10),
        ("run-other", OTHER, 10),
    ):
        image = place / f"{name}.png"
        assert call("world", "picture", person, "--split", "train", "--out", image).exit_code == 0
        given = ("-m", MODEL, "-c", person, "-i", image, "--audit", "none", "--set", f"steps={steps}")
        fewer = () if name == "run-evaluated" else ("--limit", 1)
        done = call("forget", *given, *fewer, "--out", place / name)
        assert done.exit_code == 0, (done.stderr, done.exception)
    return place


@pytest.fixture(scope="module")
def served(runs: Path) -> Iterator[str]:
    for needed in ("fastapi", "uvicorn", "openai"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip("transformers[serving] is not installed")
    with transformers_serve(runs) as url:
        yield url


def made(name: str, runs: Path) -> Path:
    """The folder of a case, made once."""
    case, folder = CASES[name], runs / name
    if not folder.exists():
        vlm = load(MODEL, dtype="float32", device="cpu")
        if case.adapter is not None:
            load_adapter(vlm, runs / case.adapter)
            merge(vlm)
        case.change(vlm)
        save_model(vlm, folder)
        case.edit(folder)
    return folder


def verify(runs: Path, *what: object) -> tuple[str, str]:
    """Conclusion, by the exit status, and sentence."""
    done = call("verify", "--run", runs / "run-evaluated", "--limit", 100, *what, "--json")
    assert done.stdout, (done.stderr, done.exception)
    document = json.loads(done.stdout)
    assert CONCLUSIONS[done.exit_code] == document["conclusion"]
    return document["conclusion"], document["sentence"]


@pytest.mark.parametrize("name", CASES)
def test_a_folder_is_told(name: str, runs: Path) -> None:
    conclusion, sentence = verify(runs, "--file", made(name, runs))
    assert conclusion == CASES[name].conclusion, sentence


@pytest.mark.parametrize("name", SERVED)
def test_a_served_model_is_told(name: str, runs: Path, served: str) -> None:
    made(name, runs)
    conclusion, sentence = verify(runs, "--endpoint", served, "--model", name + CASES[name].asked)
    assert conclusion == (CASES[name].served or CASES[name].conclusion), sentence


def test_the_folder_of_the_run_is_the_evaluated_model(runs: Path) -> None:
    assert verify(runs, "--file", runs / "run-evaluated")[0] == "evaluated"
