"""What a model of the world can still do in general."""

from __future__ import annotations

from unsee.benchmarks.general import General
from unsee.evaluation import Evaluation
from unsee.generation import TransformersEngine
from unsee.models.vlm import VisionLanguageModel


def general_ability(vlm: VisionLanguageModel) -> dict[str, float]:
    """ "general questions": percent answered rightly; "perplexity": of plain text, lower is better."""
    scores = Evaluation([General()], progress=False).of(TransformersEngine(vlm), "model").scores
    return {"general questions": scores["general_questions"].value, "perplexity": scores["general_perplexity"].value}
