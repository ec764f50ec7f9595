"""Rephrasing of questions and answers by another model, for more variety than the built-in wordings."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from unsee.data.sample import Probe, Sample
from unsee.data.thoughts import spoken
from unsee.errors import UserError
from unsee.generation.openai_client import chat, read_address, replies
from unsee.metrics.naming import contains

if TYPE_CHECKING:
    from unsee.models.vlm import VisionLanguageModel

Rephraser = Callable[[list[str]], list[str]]
"""Takes texts, returns as many texts of the same meaning."""

INSTRUCTION = (
    "Say the following in other words. Keep its meaning, its language and every name exactly as they are. "
    "Reply with the new sentence only.\n\n{text}"
)


def rephrase_samples(samples: Sequence[Sample], names: Sequence[str], rephrase: Rephraser) -> list[Sample]:
    """The samples with rephrased prompts, and rephrased answers to those with pictures.

    The answers to text questions are the model's own, or the user's, and stay unchanged. A new text is used only if it
    keeps each of `names` in the old text, and the masked phrase, exactly.
    """
    prompts = rephrase([sample.prompt for sample in samples])
    answers = rephrase([sample.answer for sample in samples])
    if not len(prompts) == len(answers) == len(samples):
        raise ValueError("the rephraser returned a different number of texts than it got")
    result = []
    for sample, prompt, answer in zip(samples, prompts, answers, strict=True):
        new_prompt = _accept(prompt, sample.prompt, names)
        new_answer = _accept(answer, sample.answer, names) if sample.images else sample.answer
        # The whole answer is masked (target 2) or a phrase that must survive (target 1).
        masked = new_answer if sample.masked == sample.answer else sample.masked
        if masked is not None and masked not in new_answer:
            new_answer, masked = sample.answer, sample.masked
        asked = sample.counterpart_prompt
        told = None if asked is None else asked.replace(sample.prompt, new_prompt)
        result.append(replace(sample, prompt=new_prompt, answer=new_answer, masked=masked, counterpart_prompt=told))
    return result


def get_rephraser(spec: str) -> Rephraser:
    """The rephraser that `spec` names: "openai:URL#MODEL" or "local:MODEL".

    An address may end in "?temperature=default", as a judge's (`unsee.judges.get_judge`). The key for a server is read
    from the environment variable OPENAI_API_KEY, if it is set. Raises UserError for
    anything else; for "local:" also whatever loading the model raises.
    """
    kind, _, rest = spec.partition(":")
    address = read_address(rest) if kind == "openai" else None
    if address is not None:
        return server_rephraser(*address)
    if kind == "local" and rest:
        from unsee.models.loading import load

        return local_rephraser(load(rest))
    raise UserError(f"There is no rephraser {spec!r}; use 'openai:URL#MODEL' or 'local:MODEL'.")


def local_rephraser(vlm: VisionLanguageModel) -> Rephraser:
    """A rephraser that asks a model loaded here (usually a larger one than the model to unlearn)."""

    def rephrase(texts: list[str]) -> list[str]:
        from unsee.generation import generate

        probes = [Probe(str(number), INSTRUCTION.format(text=text)) for number, text in enumerate(texts)]
        # If the answer was cut, the old wording stays.
        return ["" if response.cut else response.text for response in generate(vlm, probes, max_new_tokens=96)]

    return rephrase


def server_rephraser(base_url: str, model: str, temperature: float | None = 0.0) -> Rephraser:
    """A rephraser that asks an OpenAI-compatible server; it raises SystemFailure if the server cannot be reached.

    A text that the server filters or refuses comes back empty, so the old text stays.
    """
    key = os.environ.get("OPENAI_API_KEY")

    def ask(prompt: str) -> str | None:
        messages = [{"role": "user", "content": prompt}]
        return chat(base_url, model, messages, api_key=key, temperature=temperature)

    def rephrase(texts: list[str]) -> list[str]:
        prompts = [INSTRUCTION.format(text=text) for text in texts]
        said = replies(prompts, ask, workers=8, doing="Rephrasing")
        return [said[prompt] or "" for prompt in prompts]

    return rephrase


def _accept(new: str, old: str, names: Sequence[str]) -> str:
    new = " ".join(spoken(new).split()).strip('"')
    # A name must stay exactly as it is, and no other spelling may add one.
    kept = all(name in new if name in old else not contains(new, [name]) or contains(old, [name]) for name in names)
    return new if new and kept and len(new) <= 4 * len(old) + 40 else old
