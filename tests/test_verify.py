"""`unsee verify` tells what is served, whatever the server does with the adapter, the picture and the temperature."""

from __future__ import annotations

import inspect
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from scipy.special import expit

from tests.command_line import call, refused
from tests.servers import completion, serving
from tests.tiny import picture
from tests.verifying import Run, a_server_that, after, another, before, logprob, make_run, older, rounded, said
from unsee.cli.verify import STATUS
from unsee.cli.verify import verify as command
from unsee.commands.verify import LIMIT
from unsee.data.sample import Probe, Response
from unsee.evaluation.verification import Compared, Conclusion, believable, chosen, closeness, explained, verified
from unsee.generation import openai_client


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("verify"))


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_client, "BACKOFF_SECONDS", 0.001)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def verify(run: Run, url: str, *further: object) -> tuple[int, dict[str, Any]]:
    """Exit status and result."""
    done = call(*run.arguments, "--endpoint", url, "--model", "m", "--json", *further)
    assert done.stdout, (done.stderr, done.exception)
    return done.exit_code, json.loads(done.stdout)


CASES: dict[str, tuple[int, dict[str, Any]]] = {
    "the evaluated model": (0, {"says": after}),
    "the evaluated model, without log-probabilities": (0, {"says": after, "logprobs": None}),
    "eight bits": (3, {"says": rounded(after, 0.02)}),
    "four bits": (3, {"says": rounded(after, 0.25)}),
    "four bits, without log-probabilities": (3, {"says": rounded(after, 0.25), "logprobs": None}),
    "the adapter ignored": (4, {"says": before}),
    "the adapter ignored, without log-probabilities": (4, {"says": before, "logprobs": None}),
    "the adapter ignored, eight bits": (4, {"says": rounded(before, 0.02)}),
    "an older adapter": (5, {"says": older}),
    "trained again": (5, {"says": rounded(after, 2.0)}),
    "trained again, without log-probabilities": (5, {"says": rounded(after, 2.0), "logprobs": None}),
    "another model": (5, {"says": another, "logprobs": None}),
    "answers that are drawn": (6, {"says": after, "draws": True}),
    "no pictures": (6, {"says": after, "sees": False}),
    "no pictures, and no count of tokens": (6, {"says": after, "sees": False, "counts": False}),
}  # fmt: skip


@pytest.mark.parametrize(("status", "server"), CASES.values(), ids=CASES)
def test_the_exit_status_says_what_is_served(run: Run, status: int, server: dict[str, Any]) -> None:
    with a_server_that(**server) as url:
        found, document = verify(run, url)
    assert found == status, document["sentence"]
    names = {0: "evaluated", 3: "rounded", 4: "before", 5: "another", 6: "unknown"}
    assert document["conclusion"] == names[status]
    assert document["sentence"].count(". ") == 0
    assert document["sentence"].endswith(".")


@pytest.mark.parametrize("made_up", [lambda _: 0.0, lambda _: -0.5, lambda _: 0.3, lambda _: math.nan])
def test_log_probabilities_that_cannot_be_real_count_for_nothing(run: Run, made_up: Any) -> None:
    with a_server_that(after, logprobs=made_up) as url:
        status, document = verify(run, url)
    assert (status, document["log_probabilities"]) == (0, False)
    assert "without log-probabilities" in document["sentence"]


def test_the_result_holds_every_answer_and_what_is_given_away(run: Run) -> None:
    with a_server_that(before) as url:
        _, document = verify(run, url, "--limit", 40)
    assert document["asked"] == len(document["answers"]) == 40
    assert document["leaks"]["after"]["value"] == 0
    assert document["leaks"]["here"] == document["leaks"]["before"]
    assert document["leaks"]["here"]["value"] == 100
    assert document["telling"]["before"] == document["telling"]["n"] > document["telling"]["after"] == 0
    assert {one["same"] for one in document["answers"]} == {True, False}
    assert document["verified"]["url"] == url


def test_a_person_reads_one_sentence(run: Run) -> None:
    with a_server_that(after, logprobs=None) as url:
        done = call(*run.arguments, "--endpoint", url, "--model", "m")
    assert done.exit_code == 0
    (line,) = done.stdout.strip().splitlines()
    assert line.startswith(f"openai:{url}#m is the evaluated model: ")
    assert "it gives Mara Voss away in 0 of " in line


def test_a_run_that_changed_nothing_tells_nothing(tmp_path: Path) -> None:
    same = make_run(tmp_path, says=(before, before))
    with a_server_that(before) as url:
        status, document = verify(same, url)
    assert status == 6
    assert "answered alike in all but 0" in document["sentence"]


def test_a_server_that_filters_what_it_is_asked_is_not_another_model(run: Run) -> None:
    with serving(lambda _: (200, completion(None, reason="content_filter"))) as (url, _):
        status, document = verify(run, url)
    assert status == 6
    assert "got no answer" in document["sentence"]


def test_questions_without_their_pictures_are_left_out_and_counted(run: Run, tmp_path: Path) -> None:
    some = Run(run.folder, tmp_path)
    for number in (2, 20):
        shutil.copy(run.pictures / f"{number}.png", tmp_path)
    with a_server_that(after) as url:
        status, document = verify(some, url)
        said = call(*some.arguments, "--endpoint", url, "--model", "m").stderr
    assert status == 0
    assert document["left_out"] > 0
    assert f"{document['left_out']} questions of the run were not asked" in said


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((), "Give what to verify"),
        (("--endpoint", "http://localhost:1/v1"), "belong together"),
        (("--file", "x", "--model", "m"), "belong together"),
        (("--file", "x", "--endpoint", "http://localhost:1/v1", "--model", "m"), "Give what to verify"),
        (("--file", "no/such/folder/there"), "There is no model"),
        (("--endpoint", "localhost", "--model", "m"), "is not the address of a server"),
        (("--endpoint", "http://localhost:1/v1", "--model", ""), "openai:URL#MODEL"),
    ],
)
def test_a_slip_is_one_sentence(run: Run, given: tuple[str, ...], says: str) -> None:
    assert says in refused(call(*run.arguments, *given))


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("manifest.json", None, "holds no finished run"),
        ("manifest.json", "[" * 100_000, "is damaged"),
        ("manifest.json", '{"schema": "unsee.manifest/1", "hyperparameters": {}, "model": 3}', "is damaged"),
        ("answers/mmubench/after.jsonl", None, "lacks the answers of the model after"),
        ("answers/mmubench/after.jsonl", "{}\n", "holds no answers saved by unsee"),
        ("answers/mmubench/before.jsonl", '{"schema": "unsee.transcript/1"}\n', "was interrupted"),
        ("answers/mmubench/questions.jsonl", "\x00", "cannot be read"),
        ("answers", None, "has no saved answers"),
        ("request", None, "None of the pictures"),
    ],
)
def test_a_damaged_run_is_one_sentence(run: Run, file: str, content: str | None, says: str, tmp_path: Path) -> None:
    folder = shutil.copytree(run.folder, tmp_path / "run")
    place = folder / file
    if content is not None:
        place.write_text(content)
    elif place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink()
    # Where a picture of the request is gone, no other is at hand.
    empty = tmp_path / "empty"
    empty.mkdir()
    picture(99).save(empty / "99.png")
    broken = Run(folder, empty if file == "request" else run.pictures)
    assert says in refused(call(*broken.arguments, "--endpoint", "http://localhost:1/v1", "--model", "m"))


def test_noise_is_explained_and_more_than_noise_is_not() -> None:
    # A simulation: 300 tokens of answers, each with a lead over the next best that is at least its log-odds.
    rng = np.random.default_rng(0)
    risks = np.abs(rng.normal(3, 2, 300))

    def overturned(spread: float) -> list[float]:
        return [float(odds) for odds in risks if odds + rng.normal(0, spread) < 0]

    few = [explained(overturned(0.6), risks.tolist(), 0.6) for _ in range(300)]
    many = [explained(overturned(2.0), risks.tolist(), 0.6) for _ in range(300)]
    assert sum(few) >= 297
    assert sum(many) <= 3


@pytest.mark.parametrize(
    ("departures", "risks", "spread", "holds"),
    [
        ([], [1.0], 0.0, True),
        ([0.1], [0.1], 0.0, False),
        # Φ(-3) = 0.00135, and 1 - exp(-0.00135) is just above one in a thousand; Φ(-3.1) = 0.00097 just below.
        ([3.0], [3.0], 1.0, True),
        ([3.1], [3.1], 1.0, False),
        # Where the answer did not stop at the surest: 4 tokens of Φ(-3.1) each are 0.0039.
        ([3.1], [3.1, 3.1, 3.1, 3.1], 1.0, True),
        # Two of them: 1 - exp(-m)(1 + m) with m = 0.0039 is 7.5e-6.
        ([3.1, 3.1], [3.1, 3.1, 3.1, 3.1], 1.0, False),
        ([math.inf], [math.inf], 1.0, False),
    ],
)
def test_departures_are_weighed_by_how_sure_the_model_was(
    departures: list[float], risks: list[float], spread: float, holds: bool
) -> None:
    assert explained(departures, risks, spread) is holds


def compared(was: Response, here: Response, *, count: int = 1) -> list[Compared]:
    return [Compared(Probe(str(i), "Who?"), Response(str(i), "Mara Voss."), was, here) for i in range(count)]


def test_an_answer_departs_at_the_first_token_that_differs() -> None:
    odds = (0.5, 1.0, 2.0, 3.0)
    was = Response("", "one two six", tuple(map(logprob, odds)), token_ends=(3, 7, 11, 12))
    for text, expected in (("one two seven", 2.0), ("one ten six", 1.0), ("one two", 2.0), ("one two six and", 3.0)):
        (departure,) = closeness(compared(was, Response("", text)), "after", believed=False).departures
        assert departure == pytest.approx(expected), text
    bare = Response("", "one two six")
    assert closeness(compared(bare, Response("", "no")), "after", believed=False).departures == (math.inf,)


def test_the_shift_is_the_median_change_in_log_odds_of_tokens_that_were_not_sure() -> None:
    # log p / (1 - p) of 0.5, 0.8 and 0.9999, the last of which is too sure to count.
    was = Response("", "a b c", (math.log(0.5), math.log(0.8), math.log(0.9999)), token_ends=(1, 3, 5))
    shifted = [math.log(float(expit(math.log(p / (1 - p)) + 0.3))) for p in (0.5, 0.8, 0.9999)]
    here = replace(was, token_logprobs=tuple(shifted))
    near = closeness(compared(was, here, count=10), "after", believed=True)
    assert near.tokens == 20
    assert near.shift == near.shift_without == pytest.approx(0.3)
    assert near.shift_with_picture is None
    assert closeness(compared(was, here, count=9), "after", believed=True).shift is None
    assert closeness(compared(was, here, count=10), "after", believed=False).shift is None
    # Cut into other tokens, the log-probabilities are of other things.
    other = replace(here, token_ends=(2, 3, 5))
    assert closeness(compared(was, other, count=10), "after", believed=True).tokens == 0


@pytest.mark.parametrize(
    ("dtype", "spread", "conclusion"),
    [
        ("torch.float32", 0.0001, "evaluated"),
        ("torch.float32", 0.02, "rounded"),
        ("torch.float16", 0.01, "evaluated"),
        ("torch.float16", 0.1, "rounded"),
        ("torch.bfloat16", 0.02, "evaluated"),
        ("torch.bfloat16", 0.3, "rounded"),
        ("torch.bfloat16", 2.0, "another"),
    ],
)
def test_how_near_is_the_same_depends_on_what_the_run_computed_in(dtype: str, spread: float, conclusion: str) -> None:
    here, probes = (
        rounded(after, spread),
        [Probe(f"q{i}", f"Who is {i}?", tags={"metric": "generality"}) for i in range(60)],
    )
    answers = [Compared(probe, before(probe), after(probe), here(probe)) for probe in probes]
    assert verified(answers, dtype).conclusion == conclusion


@pytest.mark.parametrize(
    ("logprobs", "real"),
    [
        ((-0.1, -0.2, -0.3), True),
        ((0.0, -1e-7, -3.0), True),
        ((0.0, 0.0, 0.0), False),
        ((-0.1, -0.2, 0.3), False),
        ((-0.1, -0.2, math.nan), False),
        ((-0.1, -0.2, -math.inf), False),
        (None, False),
    ],
)
def test_log_probabilities_are_believed_if_they_can_be_real(logprobs: tuple[float, ...] | None, real: bool) -> None:
    ends = None if logprobs is None else (1, 3, 5)
    assert believable([Response("", "a b c", logprobs, token_ends=ends)]) is real


def test_the_answers_that_would_change_first_are_asked_for_from_every_group() -> None:
    tags = {"forget": {"metric": "generality"}, "other": {"metric": "specificity"}}
    probes = [Probe(f"{kind}/{i}", f"{kind} {i}?", tags=tags[kind]) for kind in tags for i in range(6)]
    sure = {probe.id: float(i % 6) for i, probe in enumerate(probes)}
    now = {one.id: Response(one.id, "wall", (logprob(sure[one.id]),), token_ends=(4,)) for one in probes}
    was = {one.id: replace(now[one.id], raw="Mara" if one.id.startswith("forget") else "wall") for one in probes}
    asked = chosen(now, was, probes, 5)
    assert [probe.id for probe in asked] == ["forget/0", "other/0", "forget/1", "other/1", "forget/2"]


def test_white_space_alone_is_no_difference(run: Run) -> None:
    def spaced(probe: Probe) -> Response:
        return replace(
            after(probe), raw=f" {after(probe).raw}\n".replace(" ", "  "), token_logprobs=None, token_ends=None
        )

    with a_server_that(spaced, logprobs=None) as url:
        assert verify(run, url)[0] == 0


def test_another_answer_to_one_question_is_not_the_evaluated_model(run: Run) -> None:
    def nearly(probe: Probe) -> Response:
        return said("Mara Voss!") if probe.prompt == "What is fact 3?" else after(probe)

    with a_server_that(nearly, logprobs=None) as url:
        status, document = verify(run, url)
    assert status in (3, 5)
    assert document["equal_to_after"] == document["asked"] - 1


def test_every_conclusion_has_an_exit_status_that_the_page_explains() -> None:
    page = (Path(__file__).parents[1] / "docs" / "verify.md").read_text()
    assert set(STATUS) == set(get_args(Conclusion))
    assert len(set(STATUS.values())) == len(STATUS)
    for conclusion, status in STATUS.items():
        assert f"| {status} | `{conclusion}` |" in page
        assert not status or f"{status} it " in " ".join(call("verify", "--help").stdout.split())
    assert f"`--limit` ({LIMIT})" in page
    assert inspect.signature(command).parameters["limit"].default == LIMIT
