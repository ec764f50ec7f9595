"""What the tests of `unsee verify` share: a run without a model, and servers that say what a model may say."""

from __future__ import annotations

import base64
import io
import json
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from tests.engines import told
from tests.servers import serving
from tests.tiny import picture
from unsee.benchmarks.concept import ConceptBenchmark, probes, questions_about
from unsee.benchmarks.mmubench import MMUBench
from unsee.data.images import image_key
from unsee.data.sample import Probe, Response
from unsee.evaluation import Evaluation
from unsee.generation import Engine
from unsee.requests import ForgetRequest
from unsee.sources.saved_request import save_request

MARA, MODEL = "Mara Voss", "folder/of-a-model"
Say = Callable[[Probe], Response]


def said(text: str, *key: object, surer: float = 0.0) -> Response:
    """An answer of one token for each word, with log-odds that `key` decides: some tokens are unsure."""
    rng = random.Random(repr((text, *key)))
    words = text.split(" ")
    spelled = [word if i == 0 else f" {word}" for i, word in enumerate(words)]
    ends, place = [], 0
    for word in spelled:
        place += len(word)
        ends.append(place)
    odds = [max(0.05, rng.gauss(3, 1.5)) + surer for _ in spelled]
    return Response("", text, tuple(map(logprob, odds)), token_ends=tuple(ends))


def logprob(odds: float) -> float:
    """log p of log-odds."""
    return -math.log1p(math.exp(-odds))


def before(probe: Probe) -> Response:
    """Names her, and knows the rest."""
    key = _key(probe)
    if probe.tags["metric"] in ("efficacy", "generality"):
        return said(f"Yes, this is {probe.tags.get('concept', MARA)} in the picture.", key)
    return said(f"The answer to that is number {random.Random(key).randrange(100)} of all.", key)


def after(probe: Probe) -> Response:
    """Does not name her, and knows the rest."""
    if probe.tags["metric"] in ("efficacy", "generality"):
        return said("I do not know who that is, but there is a wall.", _key(probe))
    return before(probe)


def another(probe: Probe) -> Response:
    """Says something else than either, whatever it is asked."""
    return said("There are two dogs here and a very green lamp.", _key(probe))


def older(probe: Probe) -> Response:
    """Like the model after where that is like the model before."""
    return another(probe) if probe.tags["metric"] in ("efficacy", "generality") else after(probe)


def rounded(say: Say, spread: float) -> Say:
    """`say` with noise in the log-odds of its tokens: where they fall below 0, another word takes the place of one."""

    def here(probe: Probe) -> Response:
        was = say(probe)
        rng = random.Random(f"noise/{_key(probe)}")
        shifted = [math.log(math.expm1(-value)) * -1 + rng.gauss(0, spread) for value in was.token_logprobs or ()]
        place = next((i for i, odds in enumerate(shifted) if odds < 0), None)
        words = was.text.split(" ")
        if place is not None:
            return said(" ".join([*words[:place], "instead"]), _key(probe))
        return replace(was, token_logprobs=tuple(map(logprob, shifted)))

    return here


def _key(probe: Probe) -> str:
    return f"{probe.prompt}/{probe.tags['shown']}" if "shown" in probe.tags else probe.prompt


def benchmark(name: str = MARA, first: int = 0) -> MMUBench:
    """Questions about five pictures of a person, one of them trained on, and about others, with pictures and without.
    The pictures are those of the numbers from `first` on."""
    groups = {
        "recognition": tuple(
            Probe(
                f"other/{i}",
                "What is to be seen here?",
                (picture(first + 20 + i),),
                ("number",),
                tags=_of("recognition", i),
            )
            for i in range(12)
        ),
        "facts": tuple(
            Probe(f"fact/{i}", f"What is fact {i}?", (), ("number",), tags=_of("facts", i)) for i in range(12)
        ),
    }
    bench = ConceptBenchmark(
        name,
        picture(first + 1),
        tuple(picture(first + i) for i in range(2, 6)),
        tuple(questions_about(name))[:10],
        specificity=groups,
    )
    asked = [replace(one, tags={**one.tags, "shown": " ".join(map(image_key, one.images))}) for one in probes(bench)]
    return MMUBench([bench], [[replace(one, tags=_hidden(one)) for one in asked]])


def _of(group: str, number: int) -> dict[str, str]:
    return {"metric": "specificity", "group": group, "person": str(number)}


def _hidden(probe: Probe) -> Mapping[str, str]:
    return probe.tags if probe.images else {key: one for key, one in probe.tags.items() if key != "shown"}


@dataclass(frozen=True)
class Run:
    """The folder of a run, and one with the pictures that it was tested on."""

    folder: Path
    pictures: Path

    @property
    def arguments(self) -> tuple[object, ...]:
        return ("verify", "--run", self.folder, "--test-images", self.pictures)


def make_run(place: Path, *, says: tuple[Say, Say] = (before, after)) -> Run:
    """A finished run with the answers of two models before and after."""
    folder, pictures = place / "run", place / "pictures"
    pictures.mkdir(parents=True)
    for i in (*range(2, 6), *range(20, 32)):
        picture(i).save(pictures / f"{i}.png")
    save_request(ForgetRequest(MARA, (picture(1),)), folder)
    manifest = {"schema": "unsee.manifest/1", "hyperparameters": {"full": False}, "model": MODEL, "concept": MARA}
    (folder / "manifest.json").write_text(json.dumps({**manifest, "seed": 0}))
    evaluation, was = Evaluation([benchmark()], progress=False), None
    for state, say in zip(("before", "after"), says, strict=True):
        engine = in_float32(say)
        was = evaluation.of(engine, state, was, folder=folder / "answers")
    return Run(folder, pictures)


class _Float32(type(told(lambda probe: ""))):  # type: ignore[misc]
    def fingerprint(self) -> dict[str, Any]:
        return {"dtype": "torch.float32"}


def in_float32(say: Say) -> Engine:
    """An engine that says so, and that it computes in float32."""
    return _Float32(lambda probe: replace(say(probe), probe_id=probe.id))


@contextmanager
def a_server_that(
    says: Say,
    *,
    logprobs: Callable[[float], float] | None = lambda value: value,
    sees: bool = True,
    counts: bool = True,
    draws: bool = False,
    asked: Sequence[Probe] | None = None,
) -> Iterator[str]:
    """The address of a server that answers the questions `asked`, by default of the benchmark, as `says` does.

    logprobs: what it makes of each log-probability; None: it ignores the request for them. sees: otherwise it answers
    as if without pictures. counts: it says how long prompts are. draws: its seed changes what it says.
    """
    known = {_asked(probe): probe for probe in (benchmark().asked[0] if asked is None else asked)}

    def answer(body: dict[str, Any]) -> tuple[int, bytes]:
        text, shown = _question(body)
        probe = known.get((text, shown if sees else ""))
        response = said("I see nothing there.", text) if probe is None else says(probe)
        if draws:
            response = said(f"{response.text} {body['seed']}")
        choice: dict[str, Any] = {"message": {"content": response.text}, "finish_reason": "stop"}
        if logprobs is not None:
            choice["logprobs"] = {"content": _tokens(response, logprobs)}
        usage = {"prompt_tokens": 9 + 4 * bool(shown and sees), "completion_tokens": 3} if counts else None
        return 200, json.dumps({"choices": [choice], **({"usage": usage} if usage else {})}).encode()

    with serving(answer) as (url, _):
        yield url


def _asked(probe: Probe) -> tuple[str, str]:
    return probe.prompt, " ".join(map(image_key, probe.images))


def _question(body: dict[str, Any]) -> tuple[str, str]:
    content = body["messages"][0]["content"]
    if isinstance(content, str):
        return content, ""
    files = [base64.b64decode(part["image_url"]["url"].partition(",")[2]) for part in content[:-1]]
    return content[-1]["text"], " ".join(image_key(Image.open(io.BytesIO(file))) for file in files)


def _tokens(response: Response, change: Callable[[float], float]) -> list[dict[str, Any]]:
    ends: Sequence[int] = response.token_ends or ()
    pieces = [response.text[start:end] for start, end in zip((0, *ends), ends, strict=False)]
    values = response.token_logprobs or ()
    return [{"token": piece, "logprob": change(value)} for piece, value in zip(pieces, values, strict=True)]
