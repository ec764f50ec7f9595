"""Is the concept still recognised, and everything else? SIU's and MMUBench's metrics, then what stands behind them."""

from __future__ import annotations

from unsee.metrics.metric import Metric

MAIN: tuple[Metric, ...] = (
    Metric(
        "efficacy",
        "Efficacy",
        "Answers about the picture that was given which do not name the concept.",
        "forgetting",
        "%",
        1,
    ),
    Metric(
        "generality_em",
        "Generality (EM)",
        "Answers about pictures never trained on which do not give the concept away.",
        "forgetting",
        "%",
        1,
    ),
    Metric(
        "g_eval",
        "Generality (G-Eval)",
        "A judge's grade of those answers, from 1 (irrelevant) to 5 (identifies the concept).",
        "forgetting",
        higher_is_better=False,
    ),
    Metric(
        "c_dis",
        "Generality (C-Dis)",
        "How far the probability of the name fell, compared with the model before.",
        "forgetting",
    ),
    Metric(
        "specificity",
        "Specificity",
        "Right answers about everything else: other people, what can be seen, captions.",
        "keeping",
        "%",
        1,
    ),
    Metric(
        "text_facts",
        "Facts in text",
        "Facts about the concept, asked without a picture, that are still answered correctly.",
        "keeping",
        "%",
        1,
    ),
    Metric(
        "fluency",
        "Fluency",
        "Perplexity of the answers under the model itself; each token of the name counts as a random guess. A model "
        "that collapsed is sure of itself, so this ranks nothing: see how the model before reads the same answers.",
        "language",
        higher_is_better=False,
        ranks=False,
    ),
    Metric("diversity", "Diversity", "Unique words per 100 words of an answer.", "language", decimals=1),
)
"""The columns of every report, whether they were measured or not."""

FURTHER: tuple[Metric, ...] = (
    Metric(
        "efficacy/not_given_away",
        "Not given away",
        "Answers about the given picture which neither name the concept nor say yes to its name in other words.",
        "forgetting",
        "%",
        1,
    ),
    Metric(
        "not_given_away",
        "Not given away",
        "Answers about new pictures which neither name the concept nor say yes to its name in other words.",
        "forgetting",
        "%",
        1,
    ),
    Metric(
        "generality_em/nearly_named",
        "Nearly named",
        "Answers with a name close to the concept's: misspelt, or its surname with another first name.",
        "forgetting",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "generality_em/surname_alone",
        "Surname alone",
        "Answers with the surname but not the whole name.",
        "forgetting",
        "%",
        1,
        higher_is_better=False,
    ),
    Metric(
        "two_people/renamed",
        "Two people: renamed",
        "With somebody else in the picture, the concept is not named.",
        "forgetting",
        "%",
        1,
    ),
    Metric(
        "two_people/other_named",
        "Two people: the other named",
        "With somebody else in the picture, that person still is.",
        "keeping",
        "%",
        1,
    ),
    Metric(
        "verification_others",
        "Others verified",
        "Asked whether a picture shows X, about other people, with their own name and with a third person's.",
        "keeping",
        "%",
        1,
    ),
    Metric(
        "over_refusal",
        "Over-refusal",
        "Refusals of questions about everything else, which the model should answer.",
        "keeping",
        "%",
        1,
        higher_is_better=False,
    ),
)
