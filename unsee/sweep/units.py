"""What a unit is asked, and the requests to forget it: people of the embedded world, or concepts of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unsee.benchmarks.concept import ConceptBenchmark
from unsee.benchmarks.mllmu_questions import MllmuBenchmark
from unsee.benchmarks.mllmu_world import world_mllmu
from unsee.benchmarks.splits import requests_for, split_requests
from unsee.benchmarks.together import benchmarks_together
from unsee.methods.kinds import check_kind
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import ForgetRequest
from unsee.sources.filling import filled, filled_where_known
from unsee.sources.world import at_home_in_world
from unsee.sweep.published import requests_of_split
from unsee.sweep.recipe import Size
from unsee.sweep.whom import WORLD, Unit


def benchmarks_of(unit: Unit, size: Size, benchmark: str, kind: str | None = None) -> list[ConceptBenchmark]:
    """One benchmark per concept, from `benchmarks_together`; `kind` is what the concepts of a folder are, if given.

    Raises UserError.
    """
    found = benchmarks_together(
        benchmark, unit.concepts, test_pictures=size.test_pictures, kept=size.kept, split=size.split
    )
    return found if kind is None else [replace(bench, kind=kind) for bench in found]


def mllmu_of(unit: Unit, size: Size) -> MllmuBenchmark | None:
    """MLLMU-Bench's tasks about a forget split of the world, if the recipe wants them. Raises UserError."""
    if not size.mllmu or unit.percent is None:
        return None
    kept = max(1, size.kept // 2)
    return world_mllmu(unit.concepts, name=unit.name, test_pictures=size.mllmu, kept=kept, split=size.split)


def requests_to_forget(
    unit: Unit,
    vlm: VisionLanguageModel,
    seed: int,
    benches: list[ConceptBenchmark],
    benchmark: str,
    needs: Sequence[str] = (),
    kind: str | None = None,
) -> list[ForgetRequest]:
    """One request per concept, each with its one training picture.

    A published data set brings its own requests. Forget splits come with their forget and retain sets. Concepts, alone
    or together, have requests as in the SIU paper: with the picture, facts in text, and other people's names; the world
    fills in what else the method `needs`, of its people and things also where a folder holds them.
    If the `kind` of the concepts of a folder is not given, the model is asked whether they are people; if it says no,
    that is a UserError.
    """
    if unit.data is not None:
        return requests_of_split(unit.data, vlm, seed, needs, kind)
    if benchmark != WORLD:
        requests = [replace(bench.request, kind=kind or bench.kind) for bench in benches]
        for request in requests if kind is None else ():
            check_kind(request, vlm)
        return filled_where_known(requests, vlm, needs, seed)
    if unit.percent is not None:
        requests = split_requests(unit.percent, seed)
    elif len(unit.concepts) > 1:
        requests = [replace(request, forget=()) for request in requests_for(list(unit.concepts), seed)]
    else:
        requests = [ForgetRequest(bench.concept, (bench.train_image,)) for bench in benches]
    return filled([at_home_in_world(request, vlm, seed) for request in requests], needs, seed)
