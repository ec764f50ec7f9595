"""`unsee verify --run` of what is more than one run about one concept: a ledger, and a run of `forget --from`.

Without a model: saved answers, and a server that says what a model would.
"""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import call, refused
from tests.ledgers import new_ledger
from tests.tiny import picture
from tests.verifying import MARA, MODEL, a_server_that, after, before, benchmark, in_float32, said
from unsee.benchmarks import Scope, find_benchmark
from unsee.benchmarks.base import Benchmark
from unsee.data.sample import Probe, Response
from unsee.evaluation import Evaluation
from unsee.ledger import Build, Ledger, Result
from unsee.ledger.checksums import write_checksums
from unsee.requests import ForgetRequest
from unsee.sources.saved_request import save_request
from unsee.store.hashing import SUMS, sha256_of

OTTO = "Otto Brandt"
ASKED = {"mara-voss": benchmark(MARA), "otto-brandt": benchmark(OTTO, 50)}
NAMES = {"mara-voss": MARA, "otto-brandt": OTTO}
FIRST = {"mara-voss": 0, "otto-brandt": 50}
a_server = partial(a_server_that, asked=[probe for bench in ASKED.values() for probe in bench.asked[0]])


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def answered(folder: Path, asked: Benchmark, states: tuple[Any, Any] = (before, after)) -> None:
    """The answers of both states, as `unsee forget` saves them in the folder of a run."""
    evaluation, was = Evaluation([asked], progress=False), None
    for state, says in zip(("before", "after"), states, strict=True):
        was = evaluation.of(in_float32(says), state, was, folder=folder / "answers")


def kept(ledger: Ledger, id: str) -> str:
    """A request with the pictures that it was tested on; returns the digest of its list of checksums."""
    place, first = ledger.kept(id), FIRST[id]
    save_request(ForgetRequest(NAMES[id], (picture(first + 1),)), place)
    for name, numbers in (("test_images", range(2, 6)), ("test_others", range(20, 32))):
        (place / name).mkdir()
        for number in numbers:
            picture(first + number).save(place / name / f"{number}.png")
    write_checksums(place)
    return sha256_of(place / SUMS)


def built(ledger: Ledger, kind: Any, id: str, active: list[str], content: dict[str, Any]) -> Ledger:
    """One more entry, with a build that asked about everyone active and the request of the entry."""
    run = ledger.next_run(id)
    run.mkdir(parents=True)
    manifest = {"schema": "unsee.manifest/1", "hyperparameters": {"full": False}, "model": MODEL, "seed": 0}
    (run / "manifest.json").write_text(json.dumps({**manifest, "concept": [NAMES[one] for one in active]}))
    (run / "adapter_model.safetensors").write_bytes(f"{active}".encode())
    for one in {*active, id}:
        answered(run / one, ASKED[one])
        save_request(ForgetRequest(NAMES[one], (picture(FIRST[one] + 1),)), run / one)
        (run / one / "report.json").write_text(json.dumps({"concept": NAMES[one]}))
    sums = write_checksums(run)
    weights = {"adapter_model.safetensors": sha256_of(run / "adapter_model.safetensors")}
    results = {one: Result(True, "Forgotten", "So it is.", "holds", f"{one}/report.html") for one in {*active, id}}
    build = Build(run.name, sums, weights, tuple(active), "siu", (), 0, {}, "quick", results)
    return ledger.append(kind, id, "", build, content)


def asking(ledger: Ledger, id: str, active: list[str]) -> Ledger:
    request = {"concept": NAMES[id], "aliases": [], "kind": "person", "sha256": "1" * 64, "pictures": ["ab" * 12]}
    return built(ledger, "forget", id, active, {"request": request, "sums": kept(ledger, id)})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger in which two are forgotten."""
    folder = tmp_path_factory.mktemp("verified") / "ledger"
    asking(asking(new_ledger(folder), "mara-voss", ["mara-voss"]), "otto-brandt", ["mara-voss", "otto-brandt"])
    return folder


@pytest.fixture
def ledger(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "ledger"))


def verify(run: Path, url: str, *further: object) -> tuple[int, dict[str, Any]]:
    done = call("verify", "--run", run, "--endpoint", url, "--model", "m", "--json", *further)
    assert done.stdout, (done.stderr, done.exception)
    return done.exit_code, json.loads(done.stdout)


def people(document: dict[str, Any]) -> set[str]:
    return {answer["id"].partition("/")[0] for answer in document["answers"]}


@pytest.mark.parametrize(("says", "status", "leak"), [(after, 0, 0.0), (before, 4, 100.0)])
def test_the_newest_build_of_a_ledger_is_meant_with_everyone_active(
    whole: Path, says: Any, status: int, leak: float
) -> None:
    with a_server(says) as url:
        found, document = verify(whole, url)
    assert (found, document["leaks"]["here"]["value"]) == (status, leak)
    assert document["concept"] == f"{MARA}, {OTTO}"
    assert document["run"].endswith("runs/0002-otto-brandt")
    assert people(document) == {"mara-voss", "otto-brandt"}
    # The ledger keeps the pictures that it tested on, so that no folder has to be given.
    assert document["left_out"] == 0


def test_the_adapter_of_the_month_before_is_another_model(whole: Path) -> None:
    def of_january(probe: Probe) -> Response:
        return before(probe) if probe.tags["concept"] == OTTO else after(probe)

    with a_server(of_january) as url:
        status, document = verify(whole, url)
    assert status == 5, document["sentence"]
    assert "an older one" in document["sentence"]


def test_the_revoked_are_not_asked_about(ledger: Path) -> None:
    built(Ledger.open(ledger), "revoke", "mara-voss", ["otto-brandt"], {})
    with a_server(after) as url:
        status, document = verify(ledger, url)
    assert (status, document["concept"], len(people(document) & {"mara-voss"})) == (0, OTTO, 0)
    built(Ledger.open(ledger), "revoke", "otto-brandt", [], {})
    said_so = refused(call("verify", "--run", ledger, "--endpoint", "http://localhost:1/v1", "--model", "m"))
    assert "Nothing is forgotten in the ledger" in said_so


def changed_build(ledger: Path) -> None:
    (ledger / "runs" / "0002-otto-brandt" / "otto-brandt" / "answers" / "mmubench" / "after.jsonl").write_text("")


def changed_entry(ledger: Path) -> None:
    path = ledger / "entries" / "0002.json"
    path.write_text(path.read_text().replace("Mara", "Lena"))


def begun(ledger: Path) -> None:
    shutil.rmtree(ledger)
    new_ledger(ledger)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (changed_build, "after.jsonl was changed after its checksum was written"),
        (changed_entry, "does not continue the entry before it"),
        (lambda ledger: shutil.rmtree(ledger / "runs" / "0002-otto-brandt"), "has no SHA256SUMS"),
        (lambda ledger: (ledger / "head.json").unlink(), "head.json is missing or damaged"),
        (begun, "Nothing is forgotten in the ledger"),
    ],
)
def test_a_ledger_that_was_changed_is_not_compared_with(ledger: Path, spoil: Any, says: str) -> None:
    spoil(ledger)
    assert says in refused(call("verify", "--run", ledger, "--endpoint", "http://localhost:1/v1", "--model", "m"))


DATA = "mllmu"
"""The world as MLLMU-Bench has it."""


@pytest.fixture(scope="module")
def bench() -> Any:
    return find_benchmark(DATA)[0].of(Scope(limit=1))


def was(probe: Probe) -> Response:
    return said("It is known what the answer is.", probe.prompt)


def now(probe: Probe) -> Response:
    return said("I cannot say anything about that.", probe.prompt) if probe.tags["set"] == "forget" else was(probe)


@pytest.fixture(scope="module")
def run_from(bench: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of `forget --from` that set."""
    folder = tmp_path_factory.mktemp("from") / "run"
    manifest = {"schema": "unsee.manifest/1", "hyperparameters": {"full": False}, "model": MODEL, "seed": 0}
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({**manifest, "concept": ["somebody", "somebody else"]}))
    (folder / "report.json").write_text(
        json.dumps({"split": {"title": f"{bench.title}, {bench.split}"}, "manifest": {"limit": 1}})
    )
    answered(folder, bench, (was, now))
    return folder


def test_a_run_of_a_data_set_is_verified_with_the_pictures_of_the_data_set(run_from: Path, bench: Any) -> None:
    for says, status in ((now, 0), (was, 4), (lambda probe: said("A lamp and two dogs."), 5)):
        with a_server_that(says, asked=bench.probes()) as url:
            found, document = verify(run_from, url, "--from", DATA)
        assert found == status, document["sentence"]
        assert document["left_out"] == 0
        # This server cannot continue an answer, so it is not asked the cloze.
        assert document["not_begun"] == sum(bool(probe.begun) for probe in bench.probes()) > 0
        # What it gives away, the data set counts in its own way.
        assert document["leaks"] == {}
        assert document["settings"]["from"] == DATA


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((), "or the data set with --from"),
        (("--from", "general"), "None of the pictures"),
        (("--from", "no-such-set"), "no-such-set"),
    ],
)
def test_without_the_data_set_its_pictures_are_missed(run_from: Path, given: tuple[str, ...], says: str) -> None:
    arguments = ("verify", "--run", run_from, "--endpoint", "http://localhost:1/v1", "--model", "m")
    assert says in refused(call(*arguments, *given))
