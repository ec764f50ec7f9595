"""The verdict says what the scores say, also when that is unwelcome."""

from __future__ import annotations

import math

import pytest

from unsee.metrics.score import Score
from unsee.reports.verdict import Verdict, judge

BEFORE = {"efficacy": 0.0, "generality_em": 2.0, "specificity": 98.0, "text_facts": 100.0}
BEFORE_LANGUAGE = {"fluency": 10.0, "diversity": 90.0}


def scores(**values: float) -> dict[str, Score]:
    return {key: Score(value, 500, value - 1, value + 1, key != "fluency") for key, value in values.items()}


def verdict(**after: float) -> Verdict:
    known = {"efficacy": 100.0, "generality_em": 99.0, "specificity": 97.5, "text_facts": 100.0}
    known |= {"fluency": 10.5, "diversity": 89.0}
    return judge("Mara Voss", scores(**BEFORE, **BEFORE_LANGUAGE), scores(**{**known, **after}))


def test_success_is_called_forgotten_and_intact() -> None:
    found = verdict()
    assert (found.forgetting, found.keeping, found.tone) == ("forgotten", "kept", "good")
    assert found.headline == "Forgotten"
    assert found.sentence == (
        "The model no longer recognises Mara Voss: 1.0\u00a0% of answers about new pictures give it away, "
        "down from 98.0\u00a0%; the other knowledge that was tested is intact."
    )


def test_half_way_is_called_partly_forgotten() -> None:
    found = verdict(generality_em=60.0)
    assert (found.forgetting, found.headline, found.tone) == ("partly", "Partly forgotten", "mixed")
    assert (
        "only partly forgotten Mara Voss: 40.0\u00a0% of answers about new pictures still give it away"
        in found.sentence
    )


def test_a_leak_on_the_given_picture_alone_is_partly_forgotten_and_named() -> None:
    found = verdict(efficacy=80.0)
    assert found.forgetting == "partly"
    assert "1.0\u00a0% of answers about new pictures and 20.0\u00a0% about the given one" in found.sentence


def test_failure_is_called_not_forgotten() -> None:
    found = verdict(generality_em=6.0, efficacy=10.0)
    assert (found.forgetting, found.headline, found.tone) == ("not", "Not forgotten", "bad")
    assert found.sentence.startswith("The model still recognises Mara Voss: 94.0\u00a0% of answers about new pictures")


def test_collateral_damage_is_named_with_its_figures_and_doubted() -> None:
    found = verdict(specificity=4.0, fluency=math.inf, diversity=6.0)
    assert (found.forgetting, found.keeping, found.tone) == ("forgotten", "damaged", "bad")
    assert found.headline == "Forgotten, but the model is damaged"
    assert "but right answers to everything else fell from 98.0\u00a0% to 4.0\u00a0%" in found.sentence
    assert "its language broke down and it repeats itself" in found.sentence
    assert any("damaged model names nobody" in caveat for caveat in found.caveats)


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        ({"specificity": 90.0}, "right answers to everything else fell"),
        ({"text_facts": 85.0}, "text-only questions about the concept fell"),
        ({"fluency": 14.0}, "less fluent"),
        ({"diversity": 80.0}, "less varied"),
    ],
)
def test_a_smaller_loss_is_a_cost(loss: dict[str, float], words: str) -> None:
    found = verdict(**loss)
    assert (found.keeping, found.headline, found.tone) == ("reduced", "Forgotten, at a cost", "mixed")
    assert words in found.sentence


def test_failure_with_damage_says_both() -> None:
    found = verdict(generality_em=5.0, specificity=40.0)
    assert found.headline == "Not forgotten, and the model is damaged"
    assert "still recognises" in found.sentence
    assert "fell from 98.0\u00a0% to 40.0\u00a0%" in found.sentence


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


def test_few_answers_are_called_rough() -> None:
    after = {"generality_em": Score(100.0, 8, 67.6, 100.0), "specificity": Score(98.0, 500, 97.0, 99.0)}
    found = judge("Mara Voss", scores(**BEFORE), after)
    assert found.caveats == (
        "The figure on new pictures rests on 8 answers and is rough: the 95 % interval runs from 68 to 100 %.",
    )


@pytest.mark.parametrize("after", [{"generality_em": 60.0}, {"specificity": 3.0, "diversity": 4.0}, {}])
def test_the_verdict_is_one_sentence(after: dict[str, float]) -> None:
    sentence = verdict(**after).sentence
    assert sentence.endswith(".")
    assert ". " not in sentence
