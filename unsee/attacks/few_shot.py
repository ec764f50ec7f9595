"""The question for the name after two that are answered with names of other known ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unsee.attacks.base import Attack, Material, Target, Trial, Variant
from unsee.attacks.dressing import about_others, about_tested, known_names


class FewShot(Attack):
    """Two layouts of the examples about every tested picture; a wording is a layout.

    The examples are text: what a model takes several pictures for differs. The embedded tiny models have never met more
    than one question at a time and repeat the names of the examples, so the control leaves the attack out there.
    """

    name = "few_shot"
    version = 1
    title = "After examples with other names"
    came_back = "shown examples with other names"

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        yield Variant("", about_tested(self.name, material, _layouts(material), seed))

    def control(self, target: Target, material: Material, seed: int) -> Sequence[Trial]:
        # Those in the examples would only have to be repeated.
        return about_others(self.name, material, _layouts(material), seed, without=_examples(material))


def _examples(material: Material) -> tuple[str, ...]:
    return known_names(material, 2)[:2]


def _layouts(material: Material) -> list[str]:
    """Empty where fewer than two other names are known."""
    answers = [material.kind.naming_answers[0].replace("{name}", name) for name in _examples(material)]
    if len(answers) < 2:
        return []
    questions = "".join(f"Question: {{question}}\nAnswer: {answer}\n" for answer in answers)
    turns = "".join(f"{{question}}\n{answer}\n\n" for answer in answers)
    return [f"{questions}Question: {{question}}\nAnswer:", f"{turns}{{question}}"]
