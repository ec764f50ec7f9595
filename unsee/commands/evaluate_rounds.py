"""What `evaluate` is asked, and whom and what it asks about; found without torch, so that a slip is refused at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from unsee.benchmarks import Benchmark, Scope, find_benchmark
from unsee.benchmarks.concept import probes, slug
from unsee.benchmarks.layout import concepts_in, load_benchmark
from unsee.benchmarks.mmubench import MMUBench
from unsee.benchmarks.new_pictures import only_new
from unsee.benchmarks.published.forgetting import WithSplits
from unsee.benchmarks.tables import HUB
from unsee.benchmarks.together import WORLD, benchmarks_together
from unsee.data.likeness import Seen
from unsee.data.sample import MAX_NEW_TOKENS
from unsee.errors import UserError
from unsee.models.base_note import base_of
from unsee.requests import ForgetRequest
from unsee.training.data_folder import trained_pictures
from unsee.training.manifest import MANIFEST, Unlearned

TEST_PICTURES = 50
"""Of each person or thing, in the world's benchmark."""


@dataclass(frozen=True)
class EvaluateOptions:
    """What to ask which model. model: anything that `get_engine` takes; the folder of a run stands for its base model
    and its adapter. benchmark: "world" or "mmubench", or a folder in the layout of MMUBench; a published data set or
    "mllmu" for MLLMU-Bench's tasks about the world's people, with `split`, the forget split (by default the first one);
    or anything else that `get_benchmark` takes.

    concepts: several count as forgotten together, as in `unsee compare`; by default those that the adapter forgot
    together and, for a folder, all others one by one. limit: the most questions for each test picture and in each group
    of control questions; in a published data set, the most people of each set. max_new_tokens: the most tokens of an
    answer, which is then cut. out: the output folder; an interrupted run in it is resumed. robustness: also try the
    attacks of MMUBench's paper (`unsee.evaluation.robustness`).
    """

    model: str | Path
    benchmark: str
    adapter: Path | None = None
    concepts: tuple[str, ...] = ()
    limit: int | None = None
    judge: str = "rules"
    out: str | Path | None = None
    overwrite: bool = False
    revision: str | None = None
    load_in_4bit: bool = False
    split: str | None = None
    max_new_tokens: int = MAX_NEW_TOKENS
    device: str = "auto"
    robustness: bool = False

    def folder(self) -> Path:
        whom = self.concepts[0] if self.concepts else self.split or ""
        if len(self.concepts) > 1:
            whom += f" and {len(self.concepts) - 1} more"
        parts = [slug(part) for part in (str(self.model), Path(self.benchmark).name, whom) if part]
        return (
            Path(self.out)
            if self.out
            else Path("runs") / "-".join(["evaluate", *parts, *(["unlearned"] if self.adapter else [])])
        )

    def told(self) -> EvaluateOptions:
        """MMUBench without a folder is about the world."""
        return replace(self, benchmark=WORLD) if self.benchmark == MMUBench.name else self

    def apart(self) -> EvaluateOptions:
        """With separate base model and adapter, if the model is the folder of a run. Raises UserError."""
        base = base_of(self.model)
        if base is None:
            return self
        if self.adapter is not None:
            raise UserError(
                f"{self.model} is itself an adapter for {base.name}; leave --adapter out, or give {base.name} as the "
                "model."
            )
        return replace(self, model=base.name, adapter=Path(self.model), revision=self.revision or base.revision)


@dataclass(frozen=True)
class Round:
    """What is asked in one go. `make` returns the benchmark and what it leaves out, so that its pictures are in memory
    only while it is asked. `folder` holds its answers, `name` is what it is about; `split`: the forget split, if it is
    one."""

    name: str
    folder: str
    make: Callable[[], tuple[Benchmark, Sequence[str]]]
    split: str = ""


def rounds_of(options: EvaluateOptions) -> list[Round]:
    """What to ask, checked before the model is loaded. Raises UserError if an option cannot work."""
    if options.limit is not None and options.limit < 1:
        raise UserError("--limit must be at least 1.")
    if options.benchmark == WORLD:
        return _about_concepts(_without_split(options))
    found, location = find_benchmark(options.benchmark)
    if issubclass(found, WithSplits):
        return [_of_split(found, location, options)]
    if issubclass(found, MMUBench):
        return _about_concepts(_without_split(options))
    names = options.concepts or (forgotten_by(options.adapter) if options.adapter else ())
    _without_split(options)
    benchmark = found.of(Scope(tuple(ForgetRequest(name, ()) for name in names), options.limit, location=location))
    return [Round(options.benchmark, slug(benchmark.name), lambda: (benchmark, benchmark.left_out))]


def _of_split(found: type[WithSplits], location: Path | None, options: EvaluateOptions) -> Round:
    """A published data set."""
    if options.concepts:
        raise UserError(f"{found.title} is about a forget split; choose it with --split, not with --concept.")
    benchmark = found.of(Scope(limit=options.limit, location=location, split=options.split))
    name = f"{found.title}, {benchmark.split}"
    return Round(name, slug(found.name), lambda: (benchmark, benchmark.left_out), benchmark.split)


def _without_split(options: EvaluateOptions) -> EvaluateOptions:
    if options.split is not None and options.benchmark.startswith(HUB):
        raise UserError(
            f"--split names a forget split, but {options.benchmark} is not a data set on the hub that unsee knows the "
            "splits of (docs/benchmarks.md lists them), or it cannot be reached; check its name and the network."
        )
    if options.split is not None:
        raise UserError(
            f"--split is for a data set with forget splits, which {options.benchmark} is not; leave it out."
        )
    return options


def _about_concepts(options: EvaluateOptions) -> list[Round]:
    """The concepts that were named, or else those that the adapter forgot together and, for a folder, all others one by
    one. What was forgotten never serves as one of the others."""
    forgotten = forgotten_by(options.adapter) if options.adapter else ()
    there = _names_there(options)
    known = {slug(name): name for name in there}
    own = tuple(known[slug(name)] for name in forgotten if slug(name) in known)
    names = _chosen(options.concepts, known, options.benchmark)
    if not names and options.benchmark == WORLD and not own:
        raise UserError(f'The benchmark "world" needs --concept, the name of one of its {members_of(options)}.')
    first = names or own
    rest = () if names or options.benchmark == WORLD else tuple((name,) for name in there if name not in own)
    if options.benchmark != WORLD:
        # Read once to check that everything is there; the pictures are read again one group at a time.
        load_benchmark(options.benchmark, names or there)
    groups = (*([first] if first else []), *rest)
    return [
        Round(
            group[0],
            "together" if len(group) > 1 else slug(group[0]),
            partial(_benchmark_about, group, own, options),
        )
        for group in groups
    ]


def _benchmark_about(
    group: Sequence[str], forgotten: Sequence[str], options: EvaluateOptions
) -> tuple[MMUBench, list[str]]:
    """What is asked about one concept, or several that were forgotten together, and what is left out."""
    pictures = TEST_PICTURES if options.benchmark == WORLD else None
    found = benchmarks_together(options.benchmark, group, forgotten=forgotten, test_pictures=pictures)
    seen = Seen(trained_pictures(options.adapter / "data") if options.adapter else ())
    benches = [only_new(bench, seen) for bench in found]
    asked = [probes(bench, per_image=options.limit, limit=options.limit) for bench in benches]
    return MMUBench(benches, asked), [line for bench in benches for line in bench.left_out]


def members_of(options: EvaluateOptions) -> str:
    """What the known ones of the model's world are called."""
    from unsee.world import world_of_model

    return world_of_model(str(options.model)).members


def _names_there(options: EvaluateOptions) -> tuple[str, ...]:
    """All concepts of the benchmark."""
    if options.benchmark == WORLD:
        from unsee.world import world_of_model

        return tuple(concept.name for concept in world_of_model(str(options.model)).known)
    return concepts_in(options.benchmark)


def _chosen(concepts: Sequence[str], known: Mapping[str, str], benchmark: str) -> tuple[str, ...]:
    """The concepts that were named, spelled as in the benchmark."""
    if benchmark == WORLD:
        from unsee.world import find

        chosen = [find(name).name for name in concepts]
    else:
        for name in concepts:
            if slug(name) not in known:
                raise UserError(
                    f"The benchmark {benchmark} has no concept {name!r}; it has {', '.join(known.values())}."
                )
        chosen = [known[slug(name)] for name in concepts]
    return tuple(dict.fromkeys(chosen))


def forgotten_by(adapter: Path) -> tuple[str, ...]:
    """The concepts that the run that made `adapter` forgot, from its manifest; none if there is no manifest (an adapter
    that only PEFT wrote)."""
    path = adapter / MANIFEST
    if not path.is_file():
        return ()
    concept = Unlearned.open(adapter).manifest.get("concept", ())
    return (concept,) if isinstance(concept, str) else tuple(concept)
