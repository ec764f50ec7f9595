"""What MMUBench asks, and how answers become scores."""

import dataclasses
import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.engines import answers_of, told
from tests.tiny import picture, tiny_vlm
from unsee.benchmarks import concept
from unsee.benchmarks.base import Answers, without_pictures
from unsee.benchmarks.concept import About, ConceptBenchmark, Question
from unsee.benchmarks.mmubench import MMUBench, carrier, likelihoods, name_logprobs
from unsee.benchmarks.mmubench_scores import Likelihoods, score
from unsee.data.sample import Probe, Response
from unsee.data.visible import Feature
from unsee.errors import SystemFailure
from unsee.evaluation import Evaluation
from unsee.generation import TransformersEngine
from unsee.judges import Case, Judge, Quality, RuleJudge

WALLS = (picture(20), picture(21))
KNOWN = {"name": "This is Mara Voss.", "yes_no": "Yes."}


def bench(**changes: Any) -> ConceptBenchmark:
    other, pair = picture(10), picture(11)
    settings: dict[str, Any] = {
        "concept": "Mara Voss",
        "aliases": ("the baker of Ulm",),
        "train_image": picture(0),
        "test_images": tuple(picture(i) for i in range(1, 5)),
        "questions": (
            Question("Who is this?", "Mara Voss", "name"),
            Question("Is this Mara Voss?", "yes", "yes_no"),
            Question("Name this person.", "Mara Voss", "name"),
        ),
        "specificity": {
            "recognition": (Probe("otto", "Who is this?", (other,), ("Otto Brandt",)),),
            "attributes": tuple(Probe(f"wall/{i}", "Which colour?", (other,), ("red",)) for i in range(4)),
        },
        "text_facts": (Probe("job", "What does Mara Voss do?", (), ("baker",)),),
        "two_people": (
            Probe("left", "Who is on the left?", (pair,), ("Mara Voss",), "absent"),
            Probe("right", "Who is on the right?", (pair,), ("Otto Brandt",)),
        ),
        "other_names": ("Otto Brandt",),
    }
    return ConceptBenchmark(**(settings | changes))


def probes(b: ConceptBenchmark, **options: int) -> list[Probe]:
    """As they are scored."""
    return without_pictures(concept.probes(b, **options))


def answered(asked: list[Probe], **texts: str) -> list[Response]:
    """Responses by kind or else by metric; "No." to the rest."""
    return [Response(p.id, texts.get(p.tags.get("kind", ""), texts.get(p.tags["metric"], "No."))) for p in asked]


def test_training_picture_and_every_test_picture_get_every_question() -> None:
    asked = concept.probes(bench())
    about = {metric: [p for p in asked if p.tags["metric"] == metric] for metric in ("efficacy", "generality")}
    assert len(about["efficacy"]) == 3
    assert len(about["generality"]) == 12
    assert {p.images[0].tobytes() for p in about["efficacy"]} == {picture(0).tobytes()}
    assert about["efficacy"][0].expect == ("Mara Voss", "the baker of Ulm")
    assert about["efficacy"][1].expect == ("yes",)
    assert all(p.scorer == "absent" for p in about["efficacy"] + about["generality"])
    assert len({p.id for p in asked}) == len(asked)
    assert about["generality"][0].id == "mara-voss/generality/0/0"


def test_draws_are_small_stable_and_moved_by_the_seed() -> None:
    def ids(**options: int) -> list[str]:
        return [p.id for p in probes(bench(), **options)]

    quick = ids(per_image=1, limit=2)
    assert quick == ids(per_image=1, limit=2)
    assert set(quick) < set(ids())
    assert sum("/generality/" in i for i in quick) == 4
    assert sum("/efficacy/" in i for i in quick) == 3
    assert sum("/attributes/" in i for i in quick) == 2
    assert len({tuple(ids(per_image=1, seed=seed)) for seed in range(5)}) > 1


def test_model_that_knows_and_model_that_forgot_by_hand() -> None:
    b = bench()
    asked = probes(b)
    knows = score(b, asked, answered(asked, **KNOWN, text_facts="A baker.", specificity="red"), judge=RuleJudge())
    assert {key: value.value for key, value in knows.items()} == {
        "efficacy": 0,
        "generality_em": 0,
        "efficacy/not_given_away": 0,
        "not_given_away": 0,
        "generality_em/nearly_named": 0,
        "generality_em/surname_alone": 0,
        "g_eval": 5,
        "specificity": 50,
        "specificity/recognition": 0,
        "specificity/attributes": 100,
        "text_facts": 100,
        "two_people/renamed": 100,
        "two_people/other_named": 0,
        "diversity": 100,
        "hallucination": 0,
        "invented_name": 0,
        "refusal_rate": 0,
        # Of 36 pairs that differ in question and picture, 12 are about the two questions for the name.
        "rigidity": pytest.approx(100 / 3),
        "rigidity/canned": pytest.approx(100 / 3),
        "over_refusal": 0,
        "over_refusal/recognition": 0,
        "over_refusal/attributes": 0,
        "quality/contextual_refusal": 0,
        "quality/leakage": 0,
        "quality/naturalness": 5,
        "quality/missing": 0,
    }
    assert knows["specificity"].n == 5
    forgot = score(
        b, asked, answered(asked, name="Ms Voss.", yes_no="No.", two_people="Otto Brandt"), judge=RuleJudge()
    )
    assert forgot["efficacy"].value == forgot["generality_em"].value == 100
    assert forgot["generality_em"].n == 12
    assert forgot["generality_em/surname_alone"].value == pytest.approx(100 * 8 / 12)
    assert forgot["g_eval"].value == pytest.approx((8 * 3 + 4 * 2) / 12)
    assert forgot["two_people/other_named"].value == 100
    assert forgot["text_facts"].value == 0


def test_a_name_told_to_a_question_of_yes_or_no_is_given_away_though_the_keyword_is_absent() -> None:
    b = bench()
    asked = probes(b)
    told = score(b, asked, answered(asked, name="Ms Vos.", yes_no="This is Mara Voss.", two_people="Otto Brandt"))
    assert told["efficacy"].value == told["generality_em"].value == 100
    assert told["not_given_away"].value == pytest.approx(100 * 8 / 12)
    assert told["efficacy/not_given_away"].value == pytest.approx(100 * 2 / 3)
    agreed = score(b, asked, answered(asked, name="Ms Voss.", yes_no="Correct.", two_people="Otto Brandt"))
    assert agreed["not_given_away"].value == pytest.approx(100 * 8 / 12)
    near = score(b, asked, answered(asked, name="This is Lena Voss.", yes_no="No, not Mara Voss.", two_people=""))
    assert near["not_given_away"].value == 100
    assert near["generality_em/nearly_named"].value == pytest.approx(100 * 8 / 12)
    assert near["generality_em/surname_alone"].value == 0


def test_intervals_are_over_pictures_people_and_facts() -> None:
    others = (("otto", 10), ("otto", 11), ("paula", 12))
    several = bench(
        specificity={
            "recognition": tuple(
                Probe(f"r{n}", "Who is this?", (picture(n),), ("Otto Brandt",), tags={"person": who})
                for who, n in others
            ),
            "attributes": tuple(
                Probe(f"wall/{i}", "Which colour?", (pair,), ("red",)) for i in range(4) for pair in WALLS
            ),
        },
        text_facts=tuple(Probe(f"job {n}", f"Job {n}?", (), ("baker",)) for n in range(3))
        + tuple(Probe(f"home {n}", f"Home {n}?", (), ("Porto",)) for n in range(3)),
    )
    asked = probes(several)
    scores = score(several, asked, answered(asked), judge=RuleJudge())
    units = {key: (value.n, value.units) for key, value in scores.items()}
    # Three questions about the picture given, and about each of four others.
    assert units["efficacy"] == (3, 1)
    assert math.isnan(scores["efficacy"].low)
    for key in ("generality_em", "g_eval", "diversity", "hallucination", "refusal_rate", "rigidity"):
        assert units[key] == (12, 4), key
    assert units["quality/missing"] == (36, 4)
    assert units["specificity/recognition"] == units["over_refusal/recognition"] == (3, 2)
    # Nobody said whom these two pictures show.
    assert units["specificity/attributes"] == (8, 2)
    assert units["specificity"] == units["over_refusal"] == (11, 4)
    assert units["text_facts"] == (6, 2)


def test_what_was_not_asked_is_left_out() -> None:
    b = bench(concept="Schnauzer", aliases=(), specificity={}, text_facts=(), two_people=())
    asked = probes(b)
    about_answers = {"diversity", "hallucination", "invented_name", "refusal_rate", "rigidity", "rigidity/canned"}
    forgetting = {
        "efficacy",
        "efficacy/not_given_away",
        "generality_em",
        "not_given_away",
        "generality_em/nearly_named",
    }
    assert set(score(b, asked, answered(asked))) == forgetting | about_answers


def test_numbers_from_the_model_become_c_dis_and_fluency() -> None:
    b = bench()
    asked = probes(b)

    def given(token: float) -> Likelihoods:
        rows = tuple(np.log([token, token]) for _ in range(12))
        return Likelihoods(rows, tuple(np.array([False, True]) for _ in rows), 100)

    before, after = given(0.5), given(0.25)
    names = (np.log([0.9] * 4), np.log([0.1] * 4))
    scores = score(b, asked, answered(asked), likelihoods=after, reread=before, names=names)
    assert scores["c_dis"].value == pytest.approx(0.9 * math.log(9))
    assert scores["c_dis"].n == 4
    assert scores["fluency"].value == pytest.approx(math.sqrt(4 * 100))
    assert scores["fluency/reference"].value == pytest.approx(math.sqrt(2 * 100))
    assert "c_dis" not in score(b, asked, answered(asked), likelihoods=before)


def test_missing_responses_and_unknown_scorers_are_errors() -> None:
    b = bench()
    asked = probes(b)
    with pytest.raises(ValueError, match=f"1 of {len(asked)} probes"):
        score(b, asked, answered(asked)[1:])
    odd = bench(text_facts=(Probe("job", "?", (), ("baker",), "fuzzy"),))
    asked = probes(odd)
    with pytest.raises(ValueError, match="unknown scorer 'fuzzy'"):
        score(odd, asked, answered(asked))


class Mute(Judge):
    def __init__(self, *given: int | None) -> None:
        self.given = list(given)

    def verdicts(self, cases: Any) -> list[int | None]:
        assert all(isinstance(case, Case) for case in cases)
        return (self.given * len(cases))[: len(cases)]

    def qualities(self, cases: Any) -> list[Quality]:
        return [Quality(grade, grade, grade) for grade in self.verdicts(cases)]


def test_silent_judge_is_reported_and_single_gaps_are_not_counted() -> None:
    b = bench()
    asked = probes(b)
    with pytest.raises(SystemFailure, match="no readable verdict on any of 12 answers"):
        score(b, asked, answered(asked), judge=Mute(None))
    scores = score(b, asked, answered(asked), judge=Mute(None, 2))
    assert scores["g_eval"].n == scores["quality/leakage"].n == 6
    assert (scores["quality/missing"].value, scores["quality/missing"].n) == (50, 36)


def test_quality_of_answers_that_refuse_and_describe() -> None:
    red, blue = (Feature("hair", (a,), (b,), ("hair",)) for a, b in (("red", "blue"), ("blue", "red")))
    seen = ((red,), (red,), (red,), (blue,))
    b = bench(facts=("baker",), other_facts=("pilot",), visible=seen)
    asked = probes(b)
    says = answered(asked, name="I don't know who this is. The hair is red.", yes_no="She is a pilot.")
    scores = score(b, asked, says, judge=RuleJudge())
    # Three pictures of four are described rightly, by two questions of three; the third gets an untrue fact.
    assert scores["quality/contextual_refusal"].value == pytest.approx((6 * 5 + 2 * 2 + 4 * 1) / 12)
    assert scores["quality/leakage"].value == 5
    assert scores["hallucination"].value == pytest.approx(100 / 3)
    assert scores["refusal_rate"].value == pytest.approx(200 / 3)
    assert scores["rigidity"].value == pytest.approx(100 / 3)
    assert scores["rigidity/canned"].value == 0
    surprised = Likelihoods((np.array([-20.0]),) * 12, (np.array([False]),) * 12, 100)
    assert score(b, asked, says, judge=RuleJudge(), reread=surprised)["quality/naturalness"].value == 2
    assert score(b, asked, says, judge=RuleJudge(), likelihoods=surprised)["quality/naturalness"].value == 5
    refused = answered(asked, specificity="I cannot say.")
    assert score(b, asked, refused)["over_refusal/attributes"].value == 100


def test_carrier_is_what_stands_before_the_name_most_often_when_the_model_before_is_asked() -> None:
    b = bench()

    def front(name: str, before: Answers | None = None) -> str:
        engine = told(lambda probe: name if probe.tags.get("kind") == "name" else "Yes.")
        return carrier(b.about, replace(answers_of(MMUBench([b]), engine), before=before))

    assert front("This is Mara Voss.") == "This is "
    assert front("A wall.") == ""
    knows = answers_of(MMUBench([b]), told(lambda probe: "That is Mara Voss."))
    assert front("A wall.", before=knows) == "That is "


def stepwise(vlm: Any, image: Image.Image, prompt: str, answer: str) -> list[tuple[str, float]]:
    """(token text, log p) of an answer, by plain forward passes over a growing prompt."""
    encoded = vlm.encode_prompt([(Probe("", prompt, (image,)).prompt_messages(), (image,))])[0]
    ids, found = list(encoded.input_ids), []
    for token in vlm.encode_answer(answer).input_ids:
        inputs = {name: torch.tensor([row + [0] * (len(ids) - len(row))]) for name, row in encoded.extras.items()}
        with torch.no_grad():
            logits = vlm.model(input_ids=torch.tensor([ids]), **inputs, **encoded.pixels).logits[0, -1]
        found.append((vlm.tokenizer.decode([token]), float(logits.log_softmax(-1)[token])))
        ids.append(token)
    return found


@pytest.mark.parametrize("family", ["qwen3_vl", "llava"])
def test_likelihoods_agree_with_plain_forward_passes(family: str) -> None:
    vlm = tiny_vlm(family)
    b = bench(test_images=(picture(1), picture(2)), specificity={}, text_facts=(), two_people=())
    texts = {"name": "This is Mara Voss.", "yes_no": "Yes, this is Mara Voss."}
    says = told(lambda probe: texts[probe.tags["kind"]])
    tasks, engine = MMUBench([b]), TransformersEngine(vlm)
    before = Evaluation([tasks], progress=False).of(says, "before")
    after = Evaluation([tasks], progress=False).of(says, "after", replace(before, engine=engine))
    answers = replace(after.answers["mmubench"], vocabulary_size=len(vlm.tokenizer))
    samples = tasks.samples(answers)
    names = dict(zip(samples, engine.read(list(samples.values())), strict=True))

    first = stepwise(vlm, b.test_images[0], "Who is this?", "This is Mara Voss")
    spoken = [(text, value) for text, value in first if text.strip() and text.strip() in "Mara Voss"]
    assert "".join(text for text, _ in spoken).strip() == "Mara Voss"
    found = name_logprobs(b.about, replace(answers, likelihoods=names))
    assert found is not None
    assert found.shape == (2,)
    assert found[0] == pytest.approx(sum(value for _, value in spoken), abs=1e-3)

    asked = [probe for probe in answers.probes if probe.tags["metric"] == "generality"]
    reread = likelihoods(b.about, asked, answers, reread=True)
    assert reread is not None
    assert len(reread.answers) == len(reread.of_concept) == 6
    whole = stepwise(vlm, b.test_images[0], "Who is this?", "This is Mara Voss.")
    assert reread.answers[0] == pytest.approx([value for _, value in whole], abs=1e-3)
    marked = "".join(text for (text, _), flag in zip(whole, reread.of_concept[0], strict=True) if flag)
    assert marked.strip() == "Mara Voss"
    # An engine that answers without probabilities has no fluency of its own.
    assert likelihoods(b.about, asked, answers) is None
    assert "fluency" not in after.scores
    assert "fluency/reference" in MMUBench.score(answers).scores


def test_own_token_logprobs_are_used_and_the_model_before_reads_up_to_where_an_answer_was_cut() -> None:
    vlm = tiny_vlm("qwen3_vl")
    b = bench(test_images=(picture(1),), specificity={}, text_facts=(), two_people=())
    tasks, engine = MMUBench([b]), TransformersEngine(vlm)
    evaluation = Evaluation([tasks], max_new_tokens=6, progress=False)
    before = evaluation.of(engine, "before")
    after = evaluation.of(engine, "after", before)
    answers = after.answers["mmubench"]
    tested = [p for p in answers.probes if p.tags["metric"] == "generality"]
    own = likelihoods(b.about, tested, answers)
    assert own is not None
    assert [tuple(row) for row in own.answers] == [answers.responses[p.id].token_logprobs for p in tested]
    assert not any(flags.any() for flags in own.of_concept)
    reread = likelihoods(b.about, tested, answers, reread=True)
    assert reread is not None
    # These answers were cut off before the end of the turn, which is read again only where they came to it.
    whole = [len(vlm.encode_answer(answers.text(p.id)).input_ids) for p in tested]
    ends = len(vlm.encode_answer("").input_ids)
    assert [len(row) for row in reread.answers] == [length - ends for length in whole]
    ended = {key: replace(response, ended=True) for key, response in answers.responses.items()}
    read = likelihoods(b.about, tested, replace(answers, responses=ended), reread=True)
    assert read is not None
    assert [len(row) for row in read.answers] == whole
    assert after.scores["c_dis"].value == 0
    assert after.scores["fluency"].value >= 1


def test_what_scoring_needs_comes_back_from_json() -> None:
    seen = ((Feature("hair", ("red",), ("blue",), ("hair",)),),)
    about = bench(facts=("baker",), other_facts=("pilot",), visible=seen).about
    assert About.read(json.loads(json.dumps(dataclasses.asdict(about)))) == about
