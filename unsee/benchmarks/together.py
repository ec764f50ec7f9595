"""Benchmarks of concepts that are forgotten together: none of them counts as another person to keep."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from unsee.benchmarks.concept import ConceptBenchmark, slug
from unsee.benchmarks.layout import load_benchmark
from unsee.benchmarks.world import world_benchmark

WORLD = "world"


def benchmarks_together(
    benchmark: str,
    names: Sequence[str],
    *,
    forgotten: Collection[str] = (),
    test_pictures: int | None = None,
    kept: int = 60,
    split: str = "test",
) -> list[ConceptBenchmark]:
    """One benchmark per name, all to be asked of the same model.

    What is asked about everybody else stands in the first alone, and it is about nobody of `names` or `forgotten`,
    whom the model has forgotten too. `benchmark` is "world" or a folder in MMUBench's layout; `test_pictures` is the
    most of each concept (the world's default or all of the folder's unless given); `kept` and `split` as in
    `world_benchmark`. Raises UserError as that and `load_benchmark` do.
    """
    if benchmark == WORLD:
        size = {} if test_pictures is None else {"test_pictures": test_pictures}
        return [
            world_benchmark(
                name, kept=0 if number else kept, pairs=kept // 3, exclude=(*names, *forgotten), split=split, **size
            )
            for number, name in enumerate(names)
        ]
    own = {slug(name) for name in (*names, *forgotten)}
    found = load_benchmark(benchmark, names)
    # The ids of probes about another concept begin with its slug.
    groups = {
        group: tuple(probe for probe in members if probe.id.partition("/")[0] not in own)
        for group, members in found[0].specificity.items()
    }
    others = {group: members for group, members in groups.items() if members}
    return [
        replace(bench, test_images=bench.test_images[:test_pictures], specificity={} if number else others)
        for number, bench in enumerate(found)
    ]
