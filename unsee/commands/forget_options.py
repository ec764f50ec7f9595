"""What `forget` is told: `ForgetOptions`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from unsee.benchmarks.concept import slug
from unsee.data.sample import MAX_NEW_TOKENS
from unsee.methods import get_method
from unsee.models.recipe import recipe_for
from unsee.requests import ForgetRequest
from unsee.sources.choice import AUTO, choose_method


@dataclass(frozen=True)
class ForgetOptions:
    """How to forget; what to forget is the request.

    model: world name, hub id or folder of a model; dtype and device: what to load it in, and where. method: a name, or
    "auto" for the one that suits the request (`unsee.sources.choice`); why: a sentence why it was chosen, said before
    training. settings: "key=value" texts for its config.
    out: the folder to write; by default `runs/METHOD-CONCEPT`. test_images: a folder with more pictures of the concept,
    for testing only; test_others: one with pictures of others of its kind (the embedded world has its own).
    data: a folder with training data edited by hand, to use instead of what the method builds. rephrase: the model that
    rephrases the data, "openai:URL#MODEL" or "local:MODEL"; none by default. force: train even if the model does not
    recognise the concept, or not as a person and the request names no kind. limit: the most questions about each test
    picture, and in each group of control questions. max_new_tokens: the most tokens of an answer in the evaluation,
    which is then cut. also: further benchmarks to ask, in any form that `get_benchmark` takes. audit: how hard to try
    to bring the memory back afterwards: "quick", "standard", "full", or "none".
    """

    model: str
    method: str = AUTO
    settings: tuple[str, ...] = ()
    out: str | Path | None = None
    seed: int = 0
    judge: str = "rules"
    rephrase: str | None = None
    test_images: Path | None = None
    test_others: Path | None = None
    data: Path | None = None
    force: bool = False
    overwrite: bool = False
    resume: bool = False
    revision: str | None = None
    load_in_4bit: bool = False
    dtype: str = "auto"
    limit: int | None = None
    max_new_tokens: int = MAX_NEW_TOKENS
    device: str = "auto"
    also: tuple[str, ...] = ()
    audit: str = "quick"
    why: str = ""

    def settled(self, request: ForgetRequest) -> ForgetOptions:
        """The same with the method that suits the request, if it was left open."""
        if self.method != AUTO:
            return self
        recipe = None if Path(self.model).exists() else recipe_for(self.model)
        choice = choose_method(self.method, request, self.model, recipe)
        return replace(self, method=choice.method, why=choice.why)

    def folder(self, concept: str, suffix: str = "") -> Path:
        return Path(self.out) if self.out else Path("runs") / f"{get_method(self.method).name}-{slug(concept)}{suffix}"
