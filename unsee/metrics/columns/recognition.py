"""Is the concept still recognised, and everything else? SIU's and MMUBench's metrics, then further ones."""

from __future__ import annotations

from unsee.metrics.metric import Metric

MAIN: tuple[Metric, ...] = (
    Metric(
        "efficacy",
        "Efficacy",
        "Answers about the given picture that do not name the concept.",
        "forgetting",
        "%",
        1,
    ),
    Metric(
        "generality_em",
        "Generality (EM)",
        "Answers about pictures never trained on that do not give the concept away.",
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
        "How far the probability of the name fell, compared with the model before unlearning.",
        "forgetting",
    ),
    Metric(
        "specificity",
        "Specificity",
        "Right answers about everything else: {others}, what is visible, captions.",
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
        "Perplexity of the answers under the model itself; each token of the name counts as a random guess. A "
        "collapsed model is sure of itself, so do not rank models by it: see the perplexity under the model before.",
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
        "Not given away (given)",
        "Answers about the given picture that neither name the concept nor affirm its name in other words.",
        "forgetting",
        "%",
        1,
    ),
    Metric(
        "not_given_away",
        "Not given away (new)",
        "Answers about new pictures that neither name the concept nor affirm its name in other words.",
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
        "{Two}: renamed",
        "Answers about pictures with {another} in them that do not name the concept.",
        "forgetting",
        "%",
        1,
    ),
    Metric(
        "two_people/other_named",
        "{Two}: the other named",
        "Answers about the same pictures that still name the other {noun}.",
        "keeping",
        "%",
        1,
    ),
    Metric(
        "verification_others",
        "Others verified",
        'Right answers to "Is this X?" about {others}, with their own name and with a third {noun}\'s.',
        "keeping",
        "%",
        1,
    ),
    Metric(
        "over_refusal",
        "Over-refusal",
        "Refusals to answer questions about everything else.",
        "keeping",
        "%",
        1,
        higher_is_better=False,
    ),
)
