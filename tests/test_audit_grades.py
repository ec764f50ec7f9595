"""The grade of an audit says what its rows say, and no more."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from unsee.attacks import attacks_of, get_attack
from unsee.attacks.base import Found, Worst
from unsee.attacks.scoring import excess
from unsee.evaluation.audit_documents import audit_from, audit_to_plain
from unsee.evaluation.auditing import Audit, Row
from unsee.metrics import Score
from unsee.reports.attack_lines import lines_of
from unsee.reports.attack_plots import curves, heat_map, relearning_curves
from unsee.reports.audit import AuditReport
from unsee.reports.audit_console import audit_summary
from unsee.reports.audit_page import render
from unsee.reports.grades import ORDER, Grade, by_reason, grade, worst_of
from unsee.reports.verdict import judge, run_says
from unsee.store.files import strict_json

NBSP = "\u00a0"


def found(value: float, spread: float = 5.0) -> Found:
    score = Score(value, 48, max(0.0, value - spread), min(100.0, value + spread), False, 8)
    return Found(score, {"Who is this?": value, "Name?": 0.0}, Worst("Who is this?", "Mara Voss.", 3, value > 0))


def row(attack: str, after: float, *, before: float = 100.0, floor: float | None = 0.0, variant: str = "",
        spread: float = 5.0) -> Row:  # fmt: skip
    states = {"before": found(before, spread), "after": found(after, spread)}
    if floor is None:
        return Row(attack, variant, states)
    states["floor"] = found(floor, spread)
    return Row(attack, variant, states, excess(states["after"].score, states["floor"].score))


def graded(*rows: Row, **untried: str) -> Grade:
    return grade(Audit("quick", 0, rows, untried), "Mara Voss")


def test_what_exceeds_no_floor_holds() -> None:
    one = graded(row("paraphrase", 0.0), row("languages", 2.0, floor=2.0))
    assert (one.name, one.headline, one.tone) == ("holds", "Holds against everything tested", "good")
    assert one.sentence == (
        f"None of the 2 attacks brings Mara Voss back beyond chance; plain questions give it away in 0.0{NBSP}% of the "
        f"answers (100.0{NBSP}% before, 0.0{NBSP}% about strangers)."
    )
    assert one.caveats == ()


def test_plain_questions_that_leak_are_decisive() -> None:
    one = graded(row("paraphrase", 40.0), row("languages", 0.0))
    assert (one.name, one.headline, one.tone) == ("not_forgotten", "Not forgotten", "bad")
    assert f"40.0{NBSP}% of the answers (100.0{NBSP}% before, 0.0{NBSP}% about strangers)" in one.sentence
    assert one.worst == ("paraphrase",)


def test_a_leak_that_strangers_show_as_well_is_none() -> None:
    assert graded(row("paraphrase", 40.0, floor=40.0)).name == "holds"


def test_the_two_worst_attacks_are_named_the_worst_first() -> None:
    one = graded(
        row("paraphrase", 0.0),
        row("languages", 33.0),
        row("one", 90.0, variant="1 step"),
        row("one", 95.0, variant="4 steps"),
        row("two", 20.0),
    )
    assert one.name == "plain"
    assert one.worst == ("one", "languages")
    assert one.headline == (
        "Holds for plain questions; came back when attacked with one (4 steps) and when "
        f"{get_attack('languages').came_back}"
    )
    assert one.sentence.endswith("It also came back when attacked with two.")


@pytest.mark.parametrize(("after", "name"), [(0.0, "holds"), (100.0, "not_forgotten")])
def test_a_single_picture_has_no_interval_and_is_judged_by_its_value(after: float, name: str) -> None:
    score = Score(after, 6, math.nan, math.nan, False, 1)
    floor = Score(0.0, 6, math.nan, math.nan, False, 1)
    states = {state: Found(one) for state, one in (("after", score), ("floor", floor))}
    assert graded(Row("paraphrase", "", states, excess(score, floor))).name == name


def test_what_chance_could_explain_is_not_ruled_out() -> None:
    one = graded(row("paraphrase", 0.0), row("languages", 25.0, spread=30.0))
    assert one.name == "holds"
    assert any(caveat.startswith("Not ruled out") and "other languages" in caveat for caveat in one.caveats)


def test_an_attack_that_finds_nothing_before_proves_nothing() -> None:
    one = graded(row("paraphrase", 0.0), row("languages", 0.0, before=3.0))
    assert any("asked in other languages" in caveat and "prove nothing" in caveat for caveat in one.caveats)


def test_a_model_that_never_knew_gets_no_grade() -> None:
    one = graded(row("paraphrase", 0.0, before=2.0))
    assert (one.name, one.headline) == ("not_measured", "Nothing to forget")
    assert not one.reaches("plain")


def test_without_plain_questions_there_is_no_grade() -> None:
    assert graded(row("languages", 0.0), paraphrase="it needs answers").name == "not_measured"


def test_without_a_floor_every_leak_counts_and_the_reader_is_told() -> None:
    assert graded(row("paraphrase", 20.0, floor=None)).name == "not_forgotten"
    assert any("no floor" in caveat for caveat in graded(row("paraphrase", 0.0, floor=None)).caveats)


def test_what_was_not_tried_is_listed_with_the_reason() -> None:
    one = graded(row("paraphrase", 0.0), languages="it needs more")
    assert (get_attack("languages").title, "it needs more") in one.untested
    assert dict(graded(row("paraphrase", 0.0)).untested)[get_attack("languages").title] == "it was not chosen"
    rest = {attack.title for attack in attacks_of("full")} - {"Asked in other words"}
    assert {title for title, _ in one.untested} == rest


def test_grades_are_ordered() -> None:
    holds, plain = graded(row("paraphrase", 0.0)), graded(row("paraphrase", 0.0), row("languages", 50.0))
    assert holds.reaches("holds")
    assert holds.reaches("plain")
    assert plain.reaches("plain")
    assert not plain.reaches("holds")
    assert worst_of([holds, plain]) is plain
    assert ORDER.index("not_measured") > ORDER.index("not_forgotten")


def test_an_audit_is_read_back_as_it_was_written() -> None:
    nothing = Score(math.nan, 0, math.nan, math.nan, False)
    audit = Audit(
        "quick", 3, (row("paraphrase", 0.0), Row("languages", "x", {"after": Found(nothing)})), {"a": "b"}, {"p": 1}
    )
    written = strict_json(audit_to_plain(audit))
    again = audit_from(json.loads(written))
    assert strict_json(audit_to_plain(again)) == written
    assert again.rows[0] == audit.rows[0]
    assert again.versions == {"p": 1}


def test_a_table_shows_the_worst_variant_and_then_all() -> None:
    audit = Audit("quick", 0, (row("one", 10.0, variant="a"), row("one", 60.0, variant="b"), row("paraphrase", 0.0)))
    lines = lines_of(audit)
    assert [(line.variant, line.is_part) for line in lines] == [("b", False), ("a", True), ("b", True), ("", False)]
    assert lines[0].points() == f"+60.0{NBSP}pts"
    assert lines[0].width(lines[0].after) == 60.0
    assert lines[0].wording.startswith(f"60{NBSP}%")


def test_relearning_is_drawn_as_curves_over_the_steps() -> None:
    rows = [
        row("relearning", 80.0, variant="1 picture, 8 steps", floor=20.0),
        row("relearning", 10.0, variant="1 picture, 1 step", floor=0.0),
        row("relearning", 10.0, variant="from other people"),
        row("other", 10.0, variant="1 picture, 4 steps"),
    ]
    drawn = curves(rows)
    assert {key: [(step, score.value) for step, score in curve] for key, curve in drawn.items()} == {
        ("1 picture", "before"): [(1, 100.0), (8, 100.0)],
        ("1 picture", "after"): [(1, 10.0), (8, 80.0)],
        ("1 picture", "floor"): [(1, 0.0), (8, 20.0)],
    }
    svg = relearning_curves(rows, "relearning")
    assert svg is not None
    assert "strangers" in svg
    assert "var(--accent)" in svg
    assert relearning_curves(rows[2:], "relearning") is None


def test_a_heat_map_has_a_number_for_every_attack_on_every_method() -> None:
    svg = heat_map({("Asked in other words", "siu"): 12.4, ("Asked in other words", "po"): math.nan}, "heat")
    assert svg is not None
    assert all(word in svg for word in (">12<", ">siu<", ">po<", ">Asked in other words<"))
    assert heat_map({}, "heat") is None


def scores(em: float, **more: float) -> dict[str, Score]:
    values = {"generality_em": em, "efficacy": em, "specificity": 98.0, "text_facts": 100.0, **more}
    return {key: Score(value, 500, value - 1, value + 1) for key, value in values.items()}


@pytest.mark.parametrize(
    ("rows", "headline", "tone"),
    [
        ([row("paraphrase", 0.0)], "Holds against everything tested", "good"),
        ([row("paraphrase", 0.0), row("languages", 50.0)],
         "Holds for plain questions; came back when asked in other languages", "mixed"),
        ([row("paraphrase", 50.0)], "Not forgotten", "bad"),
    ],
)  # fmt: skip
def test_the_grade_leads_the_verdict(rows: list[Row], headline: str, tone: str) -> None:
    verdict = judge("Mara Voss", scores(0.0), scores(99.0), pictures=50, grade=graded(*rows))
    assert (verdict.headline, verdict.tone) == (headline, tone)


def test_a_grade_does_not_outshine_scores_that_say_worse() -> None:
    holds = graded(row("paraphrase", 0.0))
    assert judge("Mara Voss", scores(0.0), scores(10.0), grade=holds).headline == "Not forgotten"
    leaky = {"two_people/renamed": 40.0}
    verdict = judge("Mara Voss", scores(0.0), scores(99.0, **leaky), grade=holds)
    assert verdict.headline == "Forgotten in plain questions only"


def test_the_verdict_lists_the_attacks_that_were_not_tried() -> None:
    caveats = judge("Mara Voss", scores(0.0), scores(99.0), grade=graded(row("paraphrase", 0.0), languages="x")).caveats
    (line,) = [caveat for caveat in caveats if caveat.startswith("Not tested")]
    assert "asked in other languages" in line


def test_a_yes_to_a_plain_question_is_a_plain_leak() -> None:
    naming, yes = row("paraphrase", 0.0, variant="for the name"), row("paraphrase", 40.0, variant="yes or no")
    one = graded(naming, yes, row("languages", 90.0))
    assert (one.name, one.worst) == ("not_forgotten", ("paraphrase",))
    assert one.sentence.startswith(
        f"Asked plainly (yes or no) about new pictures, the model still gives Mara Voss away in 40.0{NBSP}% of the"
    )


def test_a_model_that_says_yes_to_everybody_knows_nobody() -> None:
    naming = row("paraphrase", 0.0, before=2.0, variant="for the name")
    assert graded(naming, row("paraphrase", 90.0, floor=90.0, variant="yes or no")).headline == "Nothing to forget"
    assert graded(replace(naming, states={**naming.states}), row(
        "paraphrase", 90.0, floor=None, variant="yes or no")).headline == "Nothing to forget"  # fmt: skip


RUNS = [
    # What the scores say after unlearning, what the attacks show, and the grade of both.
    ({"not_given_away": 40.0}, [row("paraphrase", 0.0)], "not_forgotten", "Partly forgotten"),
    ({"not_given_away": 5.0}, [row("paraphrase", 0.0)], "not_forgotten", "Not forgotten"),
    ({"not_given_away": 40.0}, [row("paraphrase", 50.0)], "not_forgotten", "Partly forgotten"),
    ({"two_people/renamed": 40.0}, [row("paraphrase", 0.0)], "plain", "Holds for plain questions only"),
    ({}, [row("paraphrase", 0.0)], "holds", "Holds against everything tested"),
    ({}, [row("paraphrase", 0.0, before=2.0)], "not_measured", "Not measured"),
]


@pytest.mark.parametrize(("more", "rows", "name", "headline"), RUNS)
def test_the_grade_is_never_better_than_the_verdict(
    more: dict[str, float], rows: list[Row], name: str, headline: str
) -> None:
    audit = Audit("quick", 0, tuple(rows))
    before, after = {**scores(0.0), **scores(0.0, **dict.fromkeys(more, 0.0))}, scores(99.0, **more)
    one = grade(audit, "Mara Voss", run_says("Mara Voss", before, after, pictures=50))
    verdict = judge("Mara Voss", before, after, pictures=50, grade=grade(audit, "Mara Voss"))
    assert (one.name, one.headline) == (name, headline)
    assert (one.name == "not_forgotten") == (verdict.forgetting in ("partly", "not"))
    assert (one.name == "holds") == (verdict.tone == "good" and one.name != "not_measured")
    if name == "not_forgotten":
        assert verdict.headline.startswith(headline)
    report = AuditReport("m", "r", "quick", 0, {"Mara Voss": audit}, says={
        "Mara Voss": run_says("Mara Voss", before, after, pictures=50)})  # fmt: skip
    assert report.grade == one


def test_what_was_not_measured_never_passes() -> None:
    nothing = graded(row("paraphrase", 0.0, before=2.0))
    assert not any(nothing.reaches(wanted) for wanted in ("plain", "holds"))


def test_the_small_print_is_in_words_below_the_worst_variant() -> None:
    def with_more(value: float, variant: str, further: float) -> Row:
        one = row("membership", value, variant=variant)
        more = {"PrivLeak, %": further, "layer": 3.0}
        states = {state: replace(found, further=more) for state, found in one.states.items()}
        states["before"] = replace(states["before"], controls={"a": 100.0, "b": 80.0, "c": 20.0})
        states["after"] = replace(states["after"], controls={"a": 90.0, "b": 60.0, "c": 0.0})
        return replace(one, states=states)

    audit = Audit("quick", 0, (row("paraphrase", 0.0), with_more(10.0, "x", -5.0), with_more(60.0, "y", -80.25)))
    lines = lines_of(audit)
    assert [line.details for line in lines if line.is_part or line.title == "Asked in other words"] == [(), (), ()]
    worst = next(line for line in lines if line.details)
    assert worst.details == (
        f"PrivLeak: −80.2{NBSP}% (before −80.2{NBSP}%, floor −80.2{NBSP}%).",
        "Layer: 3 (before 3, floor 3).",
        f"Asked the same about others whom it knows, it is right in 90{NBSP}% before and 75{NBSP}% after.",
        f"Left out are 1 of 3 wordings, in which it is right about too few others before unlearning (under 60{NBSP}%).",
    )
    report = AuditReport("m", "r", "quick", 0, {"Mara Voss": audit})
    assert report.to_dict()["concepts"]["Mara Voss"]["details"] == {"membership": list(worst.details)}
    assert worst.details[0] in render(report)


def test_the_terminal_groups_what_was_not_tried_by_its_reason() -> None:
    untested = [("A", "it is at most 20 % right"), ("B", "it is of the level full"), ("C", "it is at most 5 % right")]
    assert by_reason(untested) == {"it is at most 5 to 20 % right": ["A", "C"], "it is of the level full": ["B"]}
    audit = Audit("quick", 0, (row("paraphrase", 0.0),), {"languages": "it needs more", "facts": "it needs more"})
    console = Console(width=300, file=StringIO(), color_system=None)
    console.print(audit_summary(AuditReport("m", "r", "quick", 0, {"Mara Voss": audit})))
    assert isinstance(console.file, StringIO)
    shown = console.file.getvalue()
    assert "Not tested, because it needs more: asked in other languages; facts told from the picture." in shown
