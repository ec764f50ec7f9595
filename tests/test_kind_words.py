"""Reports, verdicts, notes, judges and commands speak of a concept, and of others, in the words of its kind."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from tests.command_line import call, forget_arguments
from tests.test_kinds import EVERY, VLM, model
from tests.tiny import picture
from unsee.benchmarks.concept import About
from unsee.commands import build_data as building
from unsee.data.sample import Probe, Sample
from unsee.evaluation.request_benchmark import RequestBenchmark, benchmark_for
from unsee.judges import Case, quality_rubric, rubric
from unsee.kinds import PERSON, get_kind
from unsee.kinds.words import EITHER, PEOPLE, THINGS, Words, among_things, words_among, words_of
from unsee.metrics.catalogue import KEYS, describe, titled
from unsee.metrics.score import Score
from unsee.reports import Cost, Report, judge, read, write
from unsee.reports.console import scores_table
from unsee.reports.examples import GROUPS, examples
from unsee.reports.leaderboard import Board, Figure, Leaderboard, Row
from unsee.reports.leaderboard_page import render as render_leaderboard
from unsee.reports.losses import RULES, losses
from unsee.reports.notes import facts_unknown, others_lost, others_unnamed
from unsee.reports.page import render
from unsee.requests import ForgetRequest
from unsee.world import THINGS as WORLD_OF_THINGS

__all__ = ["model"]

UNFIT_FOR_A_THING = (
    "person", "persons", "people", "face", "faces", "hair", "born", "lives", "living", "home", "job", "somebody",
    "someone", "nobody", "anybody", "everybody", "who", "whom", "whose", "he", "she", "him", "her", "man", "woman",
)  # fmt: skip
UNFIT_FOR_A_PERSON = (
    "it", "its", "brand", "brands", "logo", "thing", "things", "building", "breed", "object", "style", "character",
)  # fmt: skip
FITTING = (
    # Whoever writes as the answer does, which is not what was forgotten.
    "reads like a person", "as if a person had written it", "of somebody who never",
    # The model.
    "What it says", "says that it does not know", "describes what it sees", "What it took", "else it sees",
    "whether it still recognises", "its answers", "what it cost",
    # An answer, the truth, a score, a picture, a request.
    "nothing of it", "a part of it",
    "it is text to grade", "it is strongly implied", "it is stated", "does it give away", "how does it read",
    "whatever it says", "is it a fitting answer", "it gives a wrong identity", "it identifies", "because it rests on",
    "it counts only a fall", "It shows word salad", "rank models by it", "with its 95", "next to it",
    "answers about it: treat it as carefully",
    # The name, or the word "concept", which stands for anything.
    "give it away", "wherever it appears", "identifies it would contain", "affirm its name", "or its surname",
    "named it by then count as not naming it",
    # Part of a question about any picture.
    "Is it true that",
)  # fmt: skip
"""Phrases in which a word of the lists stands for something else."""


def unfit(kind: str, texts: Sequence[str]) -> list[str]:
    """The texts with a word that does not fit, without those that stand for something else."""
    words = UNFIT_FOR_A_PERSON if kind == PERSON else UNFIT_FOR_A_THING
    found = re.compile(rf"\b({'|'.join(words)})\b", re.IGNORECASE)
    fitting = re.compile("|".join(map(re.escape, sorted(FITTING, key=len, reverse=True))))
    return [text for text in texts if found.search(fitting.sub("", text)) or re.search(r"\{\w+\}", text)]


def share(value: float) -> Score:
    return Score(value, 200, max(0.0, value - 2), min(100.0, value + 2))


def planned(kind: str, *, others: bool = True) -> RequestBenchmark:
    """What is asked about a concept, with pictures of two and of others to verify, which only worlds have."""
    request = ForgetRequest("Zapp", (picture(1),), kind=kind, others=(picture(5),) if others else ())
    plan = benchmark_for(request, VLM, set(), [picture(3)] if others else ())
    both = {"metric": "two_people", "kind": "both"}
    verified = {"metric": "verification_others", "kind": "verification"}
    return replace(
        plan,
        asked=(
            *plan.asked,
            Probe("two", "Name both.", (picture(6),), ("Yondo",), "contains", both),
            Probe("other", "Is this Yondo?", (picture(5),), ("yes",), "contains", verified),
        ),
    )


def report_of(plan: RequestBenchmark, kind: str, **changes: Any) -> Report:
    """One in which every column of the catalogue got worse."""
    after = {key: worst_of(key) for key in KEYS}
    before = {key: replace(share(50), higher_is_better=describe(key).higher_is_better) for key in KEYS}
    said = {probe.id: "This is Zapp." for probe in plan.probes}
    fields: dict[str, Any] = {
        "model": "tiny", "method": "siu", "concept": "Zapp", "before": before, "after": after,
        "cost": Cost(1.0, 2.0, 3.0, 4), "pictures": (picture(1),), "examples": examples(plan, said, said),
        "notes": tuple(notes_of(plan, kind)), "kind": kind, "words": plan.words, "refusing": ("asru",),
    }  # fmt: skip
    return Report(**{**fields, **changes})


def worst_of(key: str) -> Score:
    """The worst value there can be, and no infinite one."""
    metric = describe(key)
    low, high = (max(-1e6, min(1e6, end)) for end in metric.scale)
    worst = low if metric.higher_is_better else high
    return Score(worst, 200, worst, worst, metric.higher_is_better)


def notes_of(plan: RequestBenchmark, kind: str) -> Iterator[str]:
    request = ForgetRequest("Zapp", (picture(1),), kind=kind)
    retained = [Sample("What is Yondo?", "Old.", tags={"role": "retain"})]
    key = "specificity/recognition"
    yield from others_lost(retained, request, {key: share(90)}, {key: share(10)}, plan.words)
    yield from others_unnamed(plan, {})
    yield from facts_unknown(plan, {})
    yield from plan.notes


def read_page(page: str) -> list[str]:
    """The texts of a page, between its tags and in their titles and labels."""
    plain = re.sub(r"<(style|script|svg)\b.*?</\1>", "", page, flags=re.DOTALL)
    labels = re.findall(r'\b(?:alt|title|aria-label)="([^"]*)"', plain)
    return [html.unescape(text).strip() for text in (*re.split(r"<[^>]*>", plain), *labels) if text.strip()]


def verdicts(words: Words) -> Iterator[str]:
    """Every sentence that a verdict can hold, one column after another."""
    for key in KEYS:
        up = describe(key).higher_is_better
        after = {"generality_em": share(99), key: worst_of(key)}
        before = {"generality_em": share(2), key: Score(50, 200, 49, 51, up)}
        for found in (
            judge("Zapp", before, after, words=words),
            judge("Zapp", before, {**after, key: Score(50.0, 40, 20.0, 80.0, up, units=3)}, words=words),
            judge("Zapp", before, {**after, key: Score(50.0, 40, 20.0, 80.0, up)}, words=words),
            judge("Zapp", before, {"generality_em": share(50)}, words=words),
            judge("Zapp", {"generality_em": share(98)}, after, words=words),
        ):
            yield from (found.headline, found.sentence, *found.caveats)
        yield from (loss.words for loss in losses(before, after, words))


@pytest.mark.parametrize("kind", EVERY)
def test_the_report_of_a_run_speaks_of_its_kind(kind: str) -> None:
    plan, what = planned(kind), get_kind(kind)
    report = report_of(plan, kind)
    page = read_page(render(report))
    assert unfit(kind, page) == []
    for text in (
        f"Two {what.plural} in one picture", f"Two {what.plural}: renamed", f"Is this X? about other {what.plural}",
        f"Right answers about everything else: other {what.plural}, what is visible, captions.",
    ):  # fmt: skip
        assert text in page


@pytest.mark.parametrize("kind", EVERY)
def test_verdicts_and_notes_speak_of_their_kind(kind: str) -> None:
    words = words_of(get_kind(kind))
    assert unfit(kind, list(verdicts(words))) == []
    assert unfit(kind, [*notes_of(planned(kind), kind), *notes_of(planned(kind, others=False), kind)]) == []
    assert unfit(kind, [text for key in KEYS for text in (describe(key, words=words).meaning,
                                                          titled(key, words=words).label)]) == []  # fmt: skip
    assert unfit(kind, [words.fill(title) for title in GROUPS.values()]) == []


@pytest.mark.parametrize("kind", EVERY)
def test_a_judge_is_asked_about_its_kind(kind: str) -> None:
    case = Case("Name this.", "Yondo.", "Zapp", expected=("Zapp",), words=words_of(get_kind(kind)))
    assert unfit(kind, [rubric.prompt(case), *quality_rubric.prompt(case).splitlines()]) == []


def test_of_a_person_everything_is_said_as_ever() -> None:
    assert describe("two_people/renamed").label == "Two people: renamed"
    assert describe("two_people/renamed").meaning == (
        "Answers about pictures with somebody else in them that do not name the concept."
    )
    assert describe("two_people/other_named").meaning == (
        "Answers about the same pictures that still name the other person."
    )
    assert describe("verification_others").meaning == (
        'Right answers to "Is this X?" about other people, with their own name and with a third person\'s.'
    )
    assert describe("hallucination").meaning == (
        "Answers about the concept with the name of another known person or with an untrue fact."
    )
    assert describe("mllmu_utility").meaning.startswith("Right answers about everybody else in the three tasks")
    assert "fitting answer of somebody who never met" in quality_rubric.prompt(Case("Who?", "Yes.", "Mara Voss"))
    assert "a wrong answer: somebody else's name" in quality_rubric.prompt(Case("Who?", "Yes.", "Mara Voss"))


def test_in_the_world_of_things_others_are_things() -> None:
    thing = next(thing for thing in WORLD_OF_THINGS.known if thing.kind == "brand")
    request = ForgetRequest(thing.name, (thing.picture(0, "train"),), kind=thing.kind)
    vlm: Any = SimpleNamespace(name="world:tiny-things")
    plan = benchmark_for(request, vlm, set(), limit=2)
    assert plan.bench.kind == plan.bench.request.kind == "brand"
    assert plan.words == among_things(get_kind("brand"))
    page = read_page(render(report_of(plan, "brand")))
    assert unfit("brand", page) == []
    assert {"Two things in one picture", "Is this X? about other things"} <= {*page}


def test_where_kinds_meet_people_or_things_are_spoken_of() -> None:
    assert words_among("people", "things") == words_among() == EITHER
    assert (words_among("people", "people"), words_among("things")) == (PEOPLE, THINGS)
    figures = {key: Figure(50.0, 1.0, 48.0, 52.0, 3) for key in KEYS}

    def page(*words: Words) -> str:
        boards = [Board("tiny", "concepts", [Row("siu", "method", figures)], words=one) for one in words]
        return " ".join(read_page(render_leaderboard(Leaderboard("All", "", boards))))

    assert "other people or things, what is visible" in page(EITHER)
    assert "forget the same people or things are alike" in page(PEOPLE, THINGS)
    assert "forget the same people are alike" in page(PEOPLE, PEOPLE)
    assert "other things, what is visible" in page(THINGS)
    console = Console(width=120)
    with console.capture() as shown:
        console.print(scores_table({"Zapp": {"two_people/renamed": share(50).to_dict()}}))
    assert "Two people or things: renamed" in shown.get()


@pytest.mark.parametrize("kind", EVERY)
def test_a_dry_run_speaks_of_its_kind(kind: str, model: Path, tmp_path: Path) -> None:
    done = call(*forget_arguments(model, tmp_path, "--dry-run", "--force", "--kind", kind))
    assert done.exit_code == 0, done.stderr
    told = done.output.replace("Mara Voss", "").replace(str(tmp_path), "").replace("edit it, then train on it", "")
    assert f"Kind: {get_kind(kind).name}\n" in told
    assert unfit(kind, [line.partition("Kind: ")[0] for line in told.splitlines()]) == []


def test_a_thing_of_the_world_is_called_by_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The world says what it is, even though the user did not.
    monkeypatch.setattr(
        building, "build_data", lambda request, options: (tmp_path / "out", replace(request, kind="brand"))
    )
    assert "Kind: brand\n" in call(*forget_arguments("world:tiny-things", tmp_path, "--dry-run")).stdout


def test_words_come_back_from_files(tmp_path: Path) -> None:
    brand = words_of(get_kind("brand"))
    report = report_of(planned("brand"), "brand", examples=())
    write(report, tmp_path)
    again = read(tmp_path)
    assert (again.kind, again.words, again.verdict) == ("brand", brand, report.verdict)
    document = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert document["request"]["kind"] == "brand"
    # A report from before there were kinds.
    del document["words"], document["request"]["kind"]
    (tmp_path / "report.json").write_text(json.dumps(document), "utf-8")
    assert (read(tmp_path).kind, read(tmp_path).words) == (None, PEOPLE)
    about = planned("brand").bench.about
    saved = json.loads(json.dumps(asdict(about)))
    assert About.read(saved) == about
    assert about.words == brand
    del saved["words"]
    assert About.read(saved).words == PEOPLE


def test_only_words_for_others_are_put_in() -> None:
    assert THINGS.fill("{Two} and {others}: {was} to {now}, {0}") == "Two things and other things: {was} to {now}, {0}"
    assert all(rule.words.count("{was}") == 1 for rule in RULES.values())
