"""A picture that training has seen is not new, so a benchmark does not ask about it."""

from __future__ import annotations

from dataclasses import replace

from unsee.benchmarks.concept import ConceptBenchmark
from unsee.data.likeness import Seen
from unsee.data.sample import Probe
from unsee.errors import UserError


def only_new(bench: ConceptBenchmark, seen: Seen) -> ConceptBenchmark:
    """The benchmark without test pictures that training has `seen`, and without questions about such pictures of
    others; `left_out` lists them. Raises UserError if no test picture is left."""
    new = [number for number, picture in enumerate(bench.test_images) if picture not in seen]
    if not new:
        raise UserError(
            f"All test pictures of {bench.concept} were also trained on, so they test nothing; give new ones."
        )
    groups = {group: _new(members, seen) for group, members in bench.specificity.items()}
    verification_others = _new(bench.verification_others, seen)
    asked = sum(map(len, bench.specificity.values())) + len(bench.verification_others)
    gone = asked - sum(map(len, groups.values())) - len(verification_others)
    return replace(
        bench,
        test_images=tuple(bench.test_images[number] for number in new),
        visible=tuple(bench.visible[number] for number in new) if bench.visible else (),
        specificity={group: members for group, members in groups.items() if members},
        verification_others=verification_others,
        left_out=(
            *bench.left_out,
            *(
                f"test picture {number} of {bench.concept}: also trained on"
                for number in range(len(bench.test_images))
                if number not in new
            ),
            *([f"{gone} questions about pictures of {bench.spoken.others}: also trained on"] if gone else []),
        ),
    )


def _new(probes: tuple[Probe, ...], seen: Seen) -> tuple[Probe, ...]:
    return tuple(probe for probe in probes if not any(image in seen for image in probe.images))
