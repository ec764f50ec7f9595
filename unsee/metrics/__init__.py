"""Pure functions from answers and log-probabilities to `Score`s. No model, no files."""

from unsee.metrics.describing import visible_claims
from unsee.metrics.giving_away import nearly_named, not_given_away
from unsee.metrics.intervals import mean, share, wilson
from unsee.metrics.judged import g_eval, judged
from unsee.metrics.keeping import specificity
from unsee.metrics.likelihood import c_dis, fluency, min_k, min_k_mean
from unsee.metrics.naming import (
    absent_share,
    contains,
    mentions,
    normalise,
    right,
    right_share,
    same_name,
    surname_alone,
)
from unsee.metrics.quality import hallucination, invented_names, missing, refusals, rigidity
from unsee.metrics.score import Score
from unsee.metrics.wording import diversity, rouge_l

__all__ = [
    "Score",
    "absent_share",
    "c_dis",
    "contains",
    "diversity",
    "fluency",
    "g_eval",
    "hallucination",
    "invented_names",
    "judged",
    "mean",
    "mentions",
    "min_k",
    "min_k_mean",
    "missing",
    "nearly_named",
    "normalise",
    "not_given_away",
    "refusals",
    "right",
    "right_share",
    "rigidity",
    "rouge_l",
    "same_name",
    "share",
    "specificity",
    "surname_alone",
    "visible_claims",
    "wilson",
]
