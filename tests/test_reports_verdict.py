"""The verdict says what the scores say, also when that is unwelcome."""

from __future__ import annotations

import math
from typing import Any

import pytest

from unsee.benchmarks.published.umu import UMUBench
from unsee.metrics.catalogue import KEYS, describe
from unsee.metrics.score import Score
from unsee.reports.losses import NO_LOSS, RULES, is_broken, losses, missing, rule_of
from unsee.reports.verdict import Verdict, judge, judge_split

BEFORE = {"efficacy": 0.0, "generality_em": 2.0, "specificity": 98.0, "text_facts": 100.0}
BEFORE_LANGUAGE = {"fluency": 10.0, "diversity": 90.0}
WITHIN = "within the error of the measurement"
NBSP = "\u00a0"


def scores(values: dict[str, float] | None = None, **more: float) -> dict[str, Score]:
    return {
        key: Score(value, 500, value - 1, value + 1, describe(key).higher_is_better)
        for key, value in {**(values or {}), **more}.items()
    }


def verdict(after: dict[str, float] | None = None, before: dict[str, float] | None = None, **more: Any) -> Verdict:
    """The verdict where nothing but these figures differs from a success."""
    known = {"efficacy": 100.0, "generality_em": 99.0, "specificity": 97.5, "text_facts": 100.0}
    known |= {"fluency": 10.5, "diversity": 89.0}
    return judge(
        "Mara Voss",
        scores({**BEFORE, **BEFORE_LANGUAGE, **(before or {})}),
        scores({**known, **(after or {})}),
        **{"pictures": 50, **more},
    )


def test_success_names_what_was_asked_and_how_often() -> None:
    found = verdict()
    assert (found.forgetting, found.keeping, found.tone) == ("forgotten", "kept", "good")
    assert found.headline == "Forgotten"
    assert found.sentence == (
        f"Asked plainly about 50 new pictures of Mara Voss, the model gave the name away in 1.0{NBSP}% of 500 answers, "
        f"down from 98.0{NBSP}%; the other knowledge that was tested is intact."
    )
    assert "about 1 new picture of Mara Voss" in verdict(pictures=1).sentence


@pytest.mark.parametrize(
    ("asked", "not_asked"),
    [
        (
            {},
            "pictures with a second person, other languages, facts asked with a picture, further training (relearning)",
        ),
        (
            {"two_people/renamed": 99.0, "mllmu_effectiveness": 99.0},
            "other languages, further training (relearning)",
        ),
        (
            {"two_people/renamed": 99.0, "languages/de": 99.0, "mllmu_effectiveness": 99.0},
            "further training (relearning)",
        ),
    ],
)
def test_what_was_not_asked_is_said(asked: dict[str, float], not_asked: str) -> None:
    (caveat,) = verdict(asked, asked).caveats
    assert caveat == f"Not tested: {not_asked}."


@pytest.mark.parametrize(
    ("column", "says"),
    [
        ("two_people/renamed", "In pictures with a second person, Mara Voss is still named"),
        ("languages/de", "Asked in other languages"),
        ("relearning/50", "After further training"),
    ],
)
def test_a_leak_in_any_other_way_of_asking_is_no_plain_forgotten(column: str, says: str) -> None:
    found = verdict({column: 20.0}, {column: 0.0})
    assert (found.headline, found.tone) == ("Forgotten in plain questions only", "mixed")
    assert any(caveat.startswith(says) and f"80.0{NBSP}%" in caveat for caveat in found.caveats)


@pytest.mark.parametrize(
    ("renamed", "specificity", "headline", "tone"),
    [
        (99.0, 98.0, "Forgotten", "good"),
        (17.5, 98.0, "Forgotten in plain questions only", "mixed"),
        (17.5, 90.0, "Forgotten in plain questions only, at a cost", "mixed"),
    ],
)
def test_a_leak_next_to_somebody_else_is_no_plain_success(
    renamed: float, specificity: float, headline: str, tone: str
) -> None:
    found = verdict({"two_people/renamed": renamed, "specificity": specificity}, {"two_people/renamed": 0.0})
    assert (found.headline, found.tone, found.forgetting) == (headline, tone, "forgotten")
    said = f"In pictures with a second person, Mara Voss is still named in 82.5{NBSP}% of the answers."
    assert (said in found.caveats) == (renamed < 95)


def test_half_way_is_called_partly_forgotten() -> None:
    found = verdict({"generality_em": 60.0})
    assert (found.forgetting, found.headline, found.tone) == ("partly", "Partly forgotten", "mixed")
    assert (
        f"only partly forgotten Mara Voss: 40.0{NBSP}% of 500 answers about 50 new pictures still give it away"
        in found.sentence
    )


def test_a_leak_on_the_given_picture_alone_is_partly_forgotten_and_named() -> None:
    found = verdict({"efficacy": 80.0})
    assert found.forgetting == "partly"
    assert f"1.0{NBSP}% of 500 answers about 50 new pictures and 20.0{NBSP}% about the given one" in found.sentence


@pytest.mark.parametrize(
    ("strict", "forgetting", "words"),
    [
        ({"not_given_away": 99.0, "efficacy/not_given_away": 99.0}, "forgotten", "1.0"),
        ({"not_given_away": 60.0, "efficacy/not_given_away": 99.0}, "partly", "40.0"),
        ({"not_given_away": 99.0, "efficacy/not_given_away": 40.0}, "partly", "60.0"),
        ({"not_given_away": 5.0}, "not", "95.0"),
        ({"not_given_away": math.nan}, "unmeasured", "was not measured"),
    ],
)
def test_forgotten_takes_that_nothing_gives_it_away(strict: dict[str, float], forgetting: str, words: str) -> None:
    found = verdict(strict, {"not_given_away": 1.0, "efficacy/not_given_away": 1.0})
    assert found.forgetting == forgetting
    assert words in found.sentence


def test_failure_is_called_not_forgotten() -> None:
    found = verdict({"generality_em": 6.0, "efficacy": 10.0})
    assert (found.forgetting, found.headline, found.tone) == ("not", "Not forgotten", "bad")
    assert found.sentence.startswith(
        f"The model still recognises Mara Voss: 94.0{NBSP}% of 500 answers about 50 new pictures"
    )


def test_a_broken_model_is_called_broken_with_its_figures_and_doubted() -> None:
    found = verdict({"specificity": 4.0, "fluency": math.inf, "diversity": 6.0})
    assert (found.forgetting, found.keeping, found.tone) == ("forgotten", "broken", "bad")
    assert found.headline == "Forgotten, but the model is broken"
    for words in (
        f"right answers to everything else fell from 98.0{NBSP}% to 4.0{NBSP}%",
        "the perplexity of its answers under itself rose from 10.00 to ∞",
        "unique words per 100 fell from 90.0 to 6.0",
    ):
        assert words in found.sentence
    assert any("broken model may name nobody" in caveat for caveat in found.caveats)


# Column, before, after, what it is called, and words of the sentence.
LOSSES: list[tuple[str, float, float, str, str]] = [
    ("specificity", 98, 90, "reduced", "right answers to everything else fell from 98.0 % to 90.0 %"),
    ("specificity", 98, 40, "damaged", "right answers to everything else fell from 98.0 % to 40.0 %"),
    ("specificity/recognition", 98, 80, "reduced", "fell from 98.0 % to 80.0 % (recognition)"),
    ("text_facts", 100, 85, "reduced", "text-only questions about the concept fell from 100.0 % to 85.0 %"),
    ("verification_others", 100, 81, "reduced", '"Is this X?" about other people fell from 100.0 % to 81.0 %'),
    ("verification_others", 95, 40, "damaged", '"Is this X?" about other people fell from 95.0 % to 40.0 %'),
    ("two_people/other_named", 100, 50, "damaged", "name the other of two people fell from 100.0 % to 50.0 %"),
    ("mllmu_utility", 99, 80, "reduced", "everybody else in MLLMU-Bench fell from 99.0 % to 80.0 %"),
    ("mllmu/retain/cloze/text", 99, 70, "damaged", "people to keep fell from 99.0 % to 70.0 %"),
    ("general_questions", 60, 55, "reduced", "general questions fell from 60.0 % to 55.0 %"),
    ("over_refusal", 0, 10, "reduced", "refusals to answer questions about everything else rose from 0.0 % to 10.0 %"),
    ("hallucination", 0, 9, "reduced", "a known person's name or an untrue fact rose from 0.0 % to 9.0 %"),
    ("rigidity", 50, 75, "reduced", "word for word the same rose from 50.0 % to 75.0 % of pairs"),
    ("quality/naturalness", 5, 2, "broken", "naturalness of its answers fell from 5.00 to 2.00 of 5"),
    ("fluency", 10, 14, "reduced", "the perplexity of its answers under itself rose from 10.00 to 14.00"),
    ("fluency/reference", 9.9, 150_255.7, "broken", "its answers under the model before rose from 9.90 to 150,255.70"),
    ("fluency/reference", 9.9, 45, "reduced", "its answers under the model before rose from 9.90 to 45.00"),
    ("general_perplexity", 20, 80, "broken", "the perplexity of plain text rose from 20.00 to 80.00"),
    ("diversity", 90, 80, "reduced", "unique words per 100 fell from 90.0 to 80.0"),
    ("empty", 0, 100, "broken", "answers without a word rose from 0.0 % to 100.0 %"),
    ("something_new", 50, 20, "reduced", "Something new went from 50.00 to 20.00"),
]


@pytest.mark.parametrize(("key", "was", "now", "keeping", "words"), LOSSES)
def test_every_loss_is_named_with_its_figures(key: str, was: float, now: float, keeping: str, words: str) -> None:
    found = verdict({key: now}, {key: was})
    assert found.keeping == keeping
    assert found.headline == {
        "reduced": "Forgotten, at a cost",
        "damaged": "Forgotten, but the model is damaged",
        "broken": "Forgotten, but the model is broken",
    }.get(keeping)
    assert words.replace(" %", f"{NBSP}%") in found.sentence
    assert "intact" not in found.sentence


@pytest.mark.parametrize(
    ("key", "was", "now"),
    [
        ("specificity", 98.0, 97.0),
        ("verification_others", 95.0, 100.0),
        ("over_refusal", 10.0, 1.0),
        # A new name is improbable to the model before.
        ("fluency/reference", 10.0, 25.5),
        ("fluency", 9.9, 1.0),
        ("refusal_rate", 100.0, 0.0),
        ("quality/leakage", 5.0, 1.0),
        ("rigidity", 58.0, 60.0),
    ],
)
def test_what_is_as_good_as_before_is_no_loss(key: str, was: float, now: float) -> None:
    assert verdict({key: now}, {key: was}).keeping == "kept"


def test_every_column_of_the_catalogue_has_a_rule_or_is_known_to_be_no_loss() -> None:
    undecided = [key for key in KEYS if rule_of(key) is None and not any(key.startswith(one) for one in NO_LOSS)]
    assert undecided == []
    assert not set(RULES) & NO_LOSS
    # The words fit the direction in which the column is worse.
    for key, rule in RULES.items():
        if key.startswith("mllmu/"):
            continue
        assert ("fell" in rule.words) == describe(key).higher_is_better, key


def test_the_worst_three_losses_are_named_first() -> None:
    worse = {"specificity": 90.0, "verification_others": 40.0, "over_refusal": 12.0, "text_facts": 10.0}
    found = verdict(worse, {"verification_others": 95.0, "over_refusal": 0.0})
    places = [found.sentence.index(words) for words in ("text-only questions", "Is this X?", "refusals")]
    assert places == sorted(places)
    assert found.sentence.endswith("and 1 more figure got worse.")


def test_a_part_is_named_where_the_whole_hides_it_and_only_where_it_is_sure() -> None:
    whole = {"specificity": Score(95.0, 240, 92, 97)}
    was, now = ({"specificity/recognition": Score(v, 60, v - d, min(100, v + d))} for v, d in ((99.0, 1), (80.0, 9)))
    assert [loss.key for loss in losses({"specificity": Score(98, 240, 96, 99), **was}, {**whole, **now})] == [
        "specificity/recognition"
    ]
    few = {"specificity/recognition": Score(75.0, 4, 30.1, 95.4)}
    assert losses({"specificity/recognition": Score(100.0, 4, 51.0, 100.0)}, few) == []


def test_damage_that_chance_could_have_done_is_no_more_than_a_cost() -> None:
    before = {"generality_em": Score(2.0, 500, 1, 3), "specificity": Score(100.0, 4, 51.0, 100.0)}
    after = {"generality_em": Score(99.0, 500, 98, 100), "specificity": Score(75.0, 4, 30.1, 95.4)}
    found = judge("Mara Voss", before, after)
    assert found.keeping == "reduced"
    assert f"went from 100.0{NBSP}% to 75.0{NBSP}% (a difference {WITHIN})" in found.sentence
    assert "Specificity is uncertain: 30.1 to 95.4 %, because it rests on 4 answers." in found.caveats


@pytest.mark.parametrize(
    ("key", "was", "now", "words"),
    [
        (
            "verification_others",
            100.0,
            93.3,
            f'to "Is this X?" about other people went from 100.0 % to 93.3 % (a difference {WITHIN}).',
        ),
        ("over_refusal", 0.0, 8.0, f"everything else went from 0.0 % to 8.0 % (a difference {WITHIN})."),
    ],
)
def test_a_loss_within_error_is_named_as_one_and_costs_nothing(key: str, was: float, now: float, words: str) -> None:
    better = describe(key).higher_is_better
    before, after = (
        {**scores({**BEFORE, "generality_em": em}), key: Score(value, 60, value - 9, value + 9, better)}
        for em, value in ((2.0, was), (99.0, now))
    )
    before["efficacy"], after["efficacy"] = scores(efficacy=0.0)["efficacy"], scores(efficacy=100.0)["efficacy"]
    found = judge("Mara Voss", before, after)
    assert (found.headline, found.keeping, found.tone) == ("Forgotten", "kept", "good")
    assert words.replace(" %", f"{NBSP}%") in found.sentence
    assert "intact" not in found.sentence


def test_a_whole_within_error_does_not_hide_a_sure_loss_of_its_part() -> None:
    before = {"specificity": Score(98.0, 60, 90, 100), "specificity/recognition": Score(98.0, 60, 95, 100)}
    after = {"specificity": Score(90.0, 60, 82, 96), "specificity/recognition": Score(70.0, 60, 60, 80)}
    assert [(loss.key, loss.within_error) for loss in losses(before, after)] == [
        ("specificity/recognition", False),
        ("specificity", True),
    ]


def test_losses_beyond_error_are_named_before_those_within_it() -> None:
    # What fell by a fifth or more is never hidden, even if chance may have done it.
    before = {key: Score(100.0, 60, 99, 100) for key in ("text_facts", "specificity")}
    before |= {key: Score(100.0, 60, 60, 100) for key in ("verification_others", "general_questions", "mllmu_utility")}
    after = {"text_facts": Score(90.0, 60, 89, 91), "specificity": Score(92.0, 60, 91, 93)}
    after |= {key: Score(94.0, 60, 60, 100) for key in ("general_questions", "mllmu_utility")}
    after["verification_others"] = Score(75.0, 60, 50, 100)
    sentence = judge("Mara Voss", before, after).sentence
    assert sentence.index("Is this X?") < sentence.index("text-only questions") < sentence.index("everything else fell")
    assert sentence.endswith("2 more figures got worse (by differences within the error of the measurement).")


@pytest.mark.parametrize(
    ("key", "units", "why"),
    [
        ("text_facts", 6, "the 72 answers are about only 6 facts"),
        ("specificity", 1, "the 72 answers are about only 1 person or picture"),
        ("specificity", 72, "it rests on 72 answers"),
    ],
)
def test_why_a_figure_is_uncertain_is_said(key: str, units: int, why: str) -> None:
    found = judge("Mara Voss", {}, {key: Score(90.0, 72, 68.8, 100.0, units=units)})
    assert f"{describe(key).label} is uncertain: 68.8 to 100.0 %, because {why}." in found.caveats


@pytest.mark.parametrize(
    ("after", "lacking"),
    [
        ({"verification_others": math.nan}, "Others verified"),
        ({"verification_others": math.nan, "specificity": math.nan}, "Specificity and Others verified"),
        ({"c_dis": math.nan}, "Others verified and Generality (C-Dis)"),
        ({}, "Others verified"),
    ],
)
def test_what_has_no_figure_is_named_as_missing(after: dict[str, float], lacking: str) -> None:
    found = verdict(after, {"verification_others": 95.0})
    assert f"no figure can be compared for {lacking}" in found.sentence
    if after:
        assert (found.headline, found.keeping) == ("Forgotten, but the model is broken", "broken")
        assert "intact" not in found.sentence
    else:
        assert found.keeping == "kept"
    # Where nothing could be measured at all, the model need not be to blame.
    none = {"verification_others": Score(math.nan, 0, math.nan, math.nan)}
    assert missing(none, none) == ["Others verified"]


def test_a_broken_model_is_told_from_its_means() -> None:
    was = {"fluency/reference": 9.9, "diversity": 100.0, "empty": 0.0, "specificity": 99.0}
    assert not is_broken(was, {**was, "specificity": 0.0, "fluency/reference": 25.5})
    for broken in ({"fluency/reference": 825_454.5}, {"diversity": 33.3}, {"empty": 60.0}, {"specificity": math.nan}):
        assert is_broken(was, {**was, **broken}), broken


def test_failure_with_damage_says_both() -> None:
    found = verdict({"generality_em": 5.0, "specificity": 40.0})
    assert found.headline == "Not forgotten, and the model is damaged"
    assert "still recognises" in found.sentence
    assert f"fell from 98.0{NBSP}% to 40.0{NBSP}%" in found.sentence


def test_a_model_that_never_knew_is_not_praised() -> None:
    found = judge(
        "Mara Voss", scores(generality_em=95.0, specificity=98.0), scores(generality_em=99.0, specificity=98.0)
    )
    assert found.headline == "Nothing to forget"
    assert "hardly recognised Mara Voss in the first place" in found.sentence


def test_what_was_not_measured_is_not_claimed() -> None:
    found = judge("Mara Voss", {}, {})
    assert found.headline == "Not measured"
    assert found.sentence == (
        "Whether the model has forgotten Mara Voss was not measured; what it cost in other knowledge was not measured."
    )
    only_forgetting = judge("Mara Voss", scores(generality_em=2.0), scores(generality_em=99.0))
    assert "was not measured" in only_forgetting.sentence
    assert only_forgetting.tone == "mixed"


@pytest.mark.parametrize(
    ("score", "interval"),
    [
        (Score(100.0, 8, 67.6, 100.0), "8 answers and is rough: the 95 % interval runs from 68 to 100 %"),
        (Score(100.0, 4, 51.0, 100.0), "4 answers and is rough: the 95 % interval runs from 51 to 100 %"),
        (Score(100.0, 40, math.nan, math.nan), "40 answers and is rough: no interval is known"),
    ],
)
def test_few_answers_are_called_rough_and_counted(score: Score, interval: str) -> None:
    after = {"generality_em": score, "specificity": Score(98.0, 500, 97.0, 99.0)}
    found = judge("Mara Voss", scores(BEFORE), after)
    assert found.caveats[0] == f"The figure on new pictures rests on {interval}."
    assert found.headline == "Forgotten (roughly measured)"
    assert f"of {score.n} answers" in found.sentence


@pytest.mark.parametrize(
    ("was", "now", "refusing", "said"),
    [
        (
            0.0,
            70.0,
            ["po", "dpo", "asru"],
            "a false name in 70.0 % of its answers about new pictures; po, dpo and",
        ),
        (0.0, 70.0, [], "The model now states a false name in 70.0 % of its answers about new pictures."),
        (60.0, 62.0, ["po"], None),
        (0.0, 2.0, ["po"], None),
    ],
)
def test_a_false_name_is_said_first(was: float, now: float, refusing: list[str], said: str | None) -> None:
    found = verdict({"invented_name": now}, {"invented_name": was}, refusing=refusing)
    assert ("false name" in found.caveats[0]) == bool(said)
    if said:
        assert said.replace(" %", f"{NBSP}%") in found.caveats[0]


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"cut": 3.0, "cut/concept": 4.0}, f"4.0{NBSP}% of the answers about the concept were cut before their end"),
        ({"cut": 3.0, "cut/concept": 0.0}, f"3.0{NBSP}% of the answers were cut before their end"),
        ({"cut": 0.0, "cut/concept": 0.0}, None),
    ],
)
def test_answers_that_were_cut_are_counted(after: dict[str, float], said: str | None) -> None:
    caveats = verdict(after, {"cut": 0.0, "cut/concept": 0.0}).caveats
    assert [caveat for caveat in caveats if "cut before" in caveat][:1] == [
        caveat for caveat in caveats if said and caveat.startswith(said)
    ]
    assert any("cut before" in caveat for caveat in caveats) == bool(said)


@pytest.mark.parametrize(
    "after", [{"generality_em": 60.0}, {"specificity": 3.0, "diversity": 4.0}, {}, {"specificity": math.nan}]
)
def test_the_verdict_is_one_sentence_and_a_second_one_on_what_was_lost(after: dict[str, float]) -> None:
    found = verdict(after)
    assert found.sentence.endswith(".")
    assert found.sentence.count(". ") == (found.keeping in ("damaged", "broken") and "fell" in found.sentence)


def split_scores(in_pictures: float, in_text: float, kept: float) -> dict[str, Score]:
    values = {"umu_forgotten/picture": in_pictures, "umu_forgotten/text": in_text, "umu_kept": kept}
    return {key: Score(value, 60, max(0, value - 3), min(100, value + 3)) for key, value in values.items()}


@pytest.mark.parametrize(
    ("where", "now", "headline", "said"),
    [
        ("both", (98, 40, 97), "Partly forgotten", "60 answers in text about what UMU, should forget, 40.0 % can be"),
        ("both", (98, 99, 60), "Forgotten, but the model is damaged", "fell from 97.0 % to 60.0 %"),
        ("pictures", (98, 2, 97), "Forgotten", "60 answers with pictures about what UMU, should forget, 98.0 %"),
        ("text", (98, 1, 97), "Not forgotten", "answers in text about what UMU, should forget, 1.0 % can be"),
    ],
)
def test_a_split_is_forgotten_where_it_was_to_be(
    where: str, now: tuple[float, float, float], headline: str, said: str
) -> None:
    found = judge_split("UMU", where, UMUBench.table(), split_scores(1, 1, 97), split_scores(*now))
    assert found.headline == headline
    assert said in found.sentence.replace(NBSP, " ")
    kept = [caveat for caveat in found.caveats if "where it should be kept" in caveat]
    assert len(kept) == (where != "both")


def test_what_should_stay_of_a_split_is_told() -> None:
    (kept,) = judge_split("UMU", "pictures", UMUBench.table(), split_scores(1, 1, 97), split_scores(98, 94, 97)).caveats
    kept = kept.replace(NBSP, " ")
    assert kept.startswith("In text, where it should be kept, 6.0 % of the answers are right")
    assert kept.endswith("99.0 % before.")
