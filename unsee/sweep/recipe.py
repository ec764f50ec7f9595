"""A recipe: which methods are compared on whom, read from a YAML file and checked before anything runs.

    models: [world:tiny-qwen3vl]
    methods:
      - siu
      - {method: siu, label: "siu, no token mask", set: {token_mask: false}}
      - {method: siu, label: "siu, others shown", fill: [others]}   # what the world adds to requests about one person
    concepts: world:table            # or a list of names: each is forgotten alone
    forget_splits: [5, 10, 15]       # percent of the world's people: everybody of a split at once
    together: [5, 20]                # so many people at once; or a list of names: these at once
    seeds: 3                         # 0, 1, 2; or a list
    evaluation: {test_pictures: 10, questions: 6, kept: 24}   # mllmu: 3 asks splits MLLMU-Bench's tasks;
                                     # language: true asks a model that can talk general questions too;
                                     # max_new_tokens: 128 is where answers are cut
    keep: scores                     # drop adapters and training data of finished cells
    audit: quick                     # attack every cell at this level (`unsee audit`)

`benchmark: FOLDER` takes concepts from a folder in MMUBench's layout instead of the embedded world; `kind: brand`
(or another kind that `unsee kinds` lists) says what they are, whatever the model takes them for.

A published data set brings whom to forget:

    benchmark: clear                 # its folder or hub name, or a list of several
    splits: [forget05, forget10]     # by default its first one
    where: pictures                  # or text, or both
    evaluation: {limit: 20}          # people of each set that are asked about
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from unsee.attacks import LEVELS
from unsee.benchmarks import find_benchmark
from unsee.data.sample import MAX_NEW_TOKENS
from unsee.errors import UserError, did_you_mean
from unsee.kinds import get_kind, present_name
from unsee.methods import PLUGINS, get_method
from unsee.models.recipe import recipe_for
from unsee.sources.filling import FIELDS
from unsee.store import strict_yaml as check
from unsee.sweep.whom import WORLD, Unit, distinct, units_of
from unsee.training import TrainingConfig, parse_overrides
from unsee.world import find, world_of, world_of_model
from unsee.world.people import SPLITS

ORACLE = "oracle"
FINE_TUNING = "retain_only"
"""The method that fine-tunes an oracle from its base."""
_KEYS = (
    "models", "methods", "concepts", "forget_splits", "together", "seeds", "evaluation", "keep", "benchmark", "kind",
    "audit", "splits", "where", "oracle", "unseen", "others",
)  # fmt: skip
_OF_PUBLISHED = ("limit", "language", "max_new_tokens", "also")
NO_AUDIT = "is not for published data, because its people have no strangers to compare with"
_ARM_KEYS = ("method", "label", "set", "fill", "checkpoint")


@dataclass(frozen=True)
class Arm:
    """One way to forget: a method with settings, under the label that tables show.

    `fill` names fields of requests that the world fills in if they are empty, in addition to those the method needs.
    `checkpoint` is for the oracle alone: the model that never knew the concepts; "{model}" and "{unit}" in it become
    their names as parts of a path. An oracle that `trains` is trained where none ships: a model of the world by its own
    recipe, or `base`, fine-tuned with `settings` on what a published data set retains.
    """

    method: str
    label: str
    settings: tuple[str, ...] = ()
    checkpoint: str | None = None
    fill: tuple[str, ...] = ()
    trains: bool = False
    base: str | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """Fields of the request that are to be filled in."""
        return (*get_method(self.method).needs, *self.fill)

    def config(self, concepts: int, model: str | None = None) -> TrainingConfig:
        """The settings for that many concepts at once: steps are per concept, as in the SIU paper (6 for one, 120 for
        twenty). If `model` ships with a recipe, the arm's settings change that recipe. Raises UserError."""
        brought = recipe_for(model)
        settings = (*(brought.settings(self.method, "others" in self.fill) if brought else ()), *self.settings)
        config = parse_overrides(get_method(self.method).config, settings)
        return parse_overrides(type(config), (*settings, f"steps={config.steps * concepts}"))


@dataclass(frozen=True)
class Size:
    """The size of the evaluation: test pictures of each concept, questions about each of them, probes in each kept
    group.

    `split` "validation" asks about the world in pictures and phrasings that are in no table, to choose settings by.
    `max_new_tokens`: most tokens of an answer, after which it is cut.
    `mllmu`: ask forget splits the tasks of MLLMU-Bench too, about so many test pictures of each concept and half of
    `kept` other people and strangers.
    `language`: for models that can really talk. Ask short general questions and let the model read plain text, and
    have an independent language model read the answers about the concepts.
    `also`: further benchmarks to ask, in any form that `get_benchmark` takes.
    `limit`: of a published data set, which takes none of the numbers above but `max_new_tokens`: the most people of
    each set that are asked about, 0 for all.
    """

    test_pictures: int = 10
    questions: int = 6
    kept: int = 24
    split: str = "test"
    mllmu: int = 0
    language: bool = False
    max_new_tokens: int = MAX_NEW_TOKENS
    also: tuple[str, ...] = ()
    limit: int = 0

    def document(self) -> dict[str, Any]:
        """As plain data. What is 0 or false is not there, as in results that are older than it."""
        return {key: value for key, value in asdict(self).items() if value}


@dataclass(frozen=True)
class Recipe:
    """What to compare. `content` is the document it was read from; `kind` what the concepts are, where it says so;
    `audit` the level of the attacks on every cell, if there are any."""

    models: tuple[str, ...]
    arms: tuple[Arm, ...]
    units: tuple[Unit, ...]
    seeds: tuple[int, ...] = (0,)
    size: Size = Size()
    benchmark: str = WORLD
    keep_adapters: bool = True
    content: Mapping[str, Any] = field(default_factory=dict, compare=False)
    kind: str | None = None
    audit: str | None = None


def read_recipe(path: Path | str) -> Recipe:
    """Read and check a recipe. Raises UserError for every mistake that shows without a model."""
    path = Path(path)
    content = check.read_yaml(path, "recipe")
    if content is None:
        raise UserError(f"The recipe {path} is empty; name at least models, methods and concepts.")
    return parse_recipe(content, str(path))


def parse_recipe(content: Any, where: str = "the recipe") -> Recipe:
    """Check a parsed document. Raises UserError."""
    given = check.mapping(content, _KEYS, where)
    for key in ("models", "methods"):
        if key not in given:
            raise UserError(f"{where} has no {key!r}; add it.")
    benchmarks = check.unique(
        check.texts(given.get("benchmark", WORLD), f"'benchmark' in {where}"), f"'benchmark' in {where}"
    )
    benchmark = ", ".join(benchmarks)
    keep = given.get("keep", "adapters")
    if keep not in ("adapters", "scores"):
        raise UserError(f"'keep' in {where} must be adapters or scores; found {check.kind_of(keep)}.")
    models = check.texts(given["models"], f"'models' in {where}")
    distinct(models, f"'models' in {where}")
    arms = (*_arms(given["methods"], where), *_oracle(given.get("oracle", False), where))
    distinct([arm.label for arm in arms], f"'methods' in {where}")
    if benchmark != WORLD and any(arm.fill for arm in arms):
        raise UserError(f"'fill' in {where} is for people of the world, but the benchmark is {benchmark}; remove it.")
    evaluation = given.get("evaluation", {})
    limit = evaluation.get("limit") if isinstance(evaluation, Mapping) else None
    units = units_of(given, benchmarks, limit, where)
    published = any(unit.data for unit in units)
    if benchmark == WORLD:
        _known_by_all(models, units, where)
    for arm in arms:
        if arm.base is not None and not published:
            raise UserError(
                f"'base' of 'oracle' in {where} is for published data sets, whose retain set it is fine-tuned on; "
                "remove it."
            )
    level = _level(given.get("audit"), where)
    if published and level:
        raise UserError(f"'audit' in {where} {NO_AUDIT}; remove it.")
    return Recipe(
        models,
        arms,
        units,
        _seeds(given.get("seeds", 1), where),
        _size(evaluation, benchmark, published, where),
        benchmark,
        keep == "adapters",
        dict(given),
        _kind(given.get("kind"), benchmark, where),
        level,
    )


def _known_by_all(models: Sequence[str], units: Sequence[Unit], where: str) -> None:
    """Raises UserError if a concept is of another world than a model that ships with the package."""
    concepts = dict.fromkeys(name for unit in units for name in unit.concepts)
    for model in (model for model in models if model.startswith(f"{WORLD}:")):
        world = world_of_model(model)
        for name in concepts:
            if world_of(find(name)) is not world:
                raise UserError(
                    f"{where}: {model} knows {world.members} only, and not {name}; compare people and things in "
                    "recipes of their own."
                )


def _kind(value: Any, benchmark: str, where: str) -> str | None:
    if value is None:
        return None
    if benchmark == WORLD:
        raise UserError(f"'kind' in {where} is for a benchmark in a folder; the world knows its own, so remove it.")
    name = present_name(check.text(value, f"'kind' in {where}"))
    try:
        get_kind(name)
    except UserError as error:
        raise UserError(f"'kind' in {where}: {error}") from error
    return name


def _level(value: Any, where: str) -> str | None:
    if value is not None and value not in LEVELS:
        raise UserError(f"'audit' in {where} must be {', '.join(LEVELS)}; found {check.kind_of(value)}.")
    return value


def _arms(value: Any, where: str) -> tuple[Arm, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not items:
        raise UserError(f"'methods' in {where} must be a list with at least one method; found {check.kind_of(value)}.")
    arms = tuple(_arm(item, f"'methods[{number}]' in {where}") for number, item in enumerate(items))
    return arms


def _oracle(value: Any, where: str) -> tuple[Arm, ...]:
    """The oracle in short: true for what ships with the world or else is trained, its model, or what it is fine-tuned
    from."""
    if isinstance(value, bool):
        return (Arm(ORACLE, ORACLE, trains=True),) if value else ()
    if isinstance(value, Mapping):
        where = f"'oracle' in {where}"
        given = check.mapping(value, ("base", "set"), where)
        if "base" not in given:
            raise UserError(f"{where} has no 'base'; name the model that it is fine-tuned from.")
        settings = _settings(given.get("set", {}), where)
        if not any(setting.startswith("steps=") for setting in settings):
            raise UserError(
                f"{where} needs 'set' with 'steps', and with the other settings that the model which forgets was "
                "fine-tuned with itself, because nothing else tells them."
            )
        try:
            parse_overrides(get_method(FINE_TUNING).config, settings)
        except UserError as error:
            raise UserError(f"{where}: {error}") from error
        return (Arm(ORACLE, ORACLE, settings, trains=True, base=check.text(given["base"], f"'base' of {where}")),)
    return (Arm(ORACLE, ORACLE, checkpoint=check.text(value, f"'oracle' in {where}")),)


def _arm(item: Any, where: str) -> Arm:
    if isinstance(item, str):
        item = {"method": item}
    given = check.mapping(item, _ARM_KEYS, where)
    if "method" not in given:
        raise UserError(f"{where} has no 'method'; name one.")
    name = check.text(given["method"], f"'method' of {where}")
    if name != ORACLE and name not in PLUGINS:
        raise UserError(f"{where}: there is no method {name!r}{did_you_mean(name, [*PLUGINS.names, ORACLE])}")
    label = check.text(given.get("label", name), f"'label' of {where}")
    settings = _settings(given.get("set", {}), where)
    checkpoint = None
    if "checkpoint" in given:
        checkpoint = check.text(given["checkpoint"], f"'checkpoint' of {where}")
    fill = check.texts(given["fill"], f"'fill' of {where}") if "fill" in given else ()
    for unknown in [text for text in fill if text not in FIELDS]:
        raise UserError(f"'fill' of {where}: the world cannot fill in {unknown!r}{did_you_mean(unknown, FIELDS)}")
    arm = Arm(name, label, settings, checkpoint, fill)
    if name == ORACLE and (settings or fill):
        raise UserError(f"{where}: the oracle is not trained here; remove {'set' if settings else 'fill'!r}.")
    if name != ORACLE:
        if checkpoint:
            raise UserError(f"{where}: only the oracle has a checkpoint; remove it.")
        try:
            arm.config(1)
            if "label" not in given:
                # A class in a file is shown by its name.
                arm = replace(arm, label=get_method(name).name)
        except UserError as error:
            raise UserError(f"{where}: {error}") from error
    return arm


def _settings(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, Mapping):
        raise UserError(f"'set' of {where} must map settings to values, as in {{steps: 30}}.")
    settings = []
    for key, setting in value.items():
        if isinstance(setting, bool):
            setting = str(setting).lower()
        if not isinstance(setting, (str, int, float)):
            raise UserError(
                f"{str(key)!r} in 'set' of {where} must be a number, a text, true or false; "
                f"found {check.kind_of(setting)}."
            )
        settings.append(f"{key}={setting}")
    return tuple(sorted(settings))


def _seeds(value: Any, where: str) -> tuple[int, ...]:
    if isinstance(value, list):
        return check.wholes(value, f"'seeds' in {where}", 0)
    count = check.whole(value, f"'seeds' in {where}", 1)
    if count > 1000:
        raise UserError(f"'seeds' in {where} is the number of seeds, at most 1000; write a list to choose the seeds.")
    return tuple(range(count))


def _size(value: Any, benchmark: str, published: bool, where: str) -> Size:
    known = _OF_PUBLISHED if published else tuple(key for key in Size.__dataclass_fields__ if key != "limit")
    given = dict(check.mapping(value, known, f"'evaluation' in {where}"))
    split, language = given.pop("split", "test"), given.pop("language", False)
    if not isinstance(language, bool):
        raise UserError(
            f"'language' of 'evaluation' in {where} must be true or false; found {check.kind_of(language)}."
        )
    if split not in SPLITS[1:] or (split != "test" and benchmark != WORLD):
        raise UserError(f"'split' of 'evaluation' in {where} must be test, or validation for the world; not {split!r}.")
    if "mllmu" in given and benchmark != WORLD:
        raise UserError(f"'mllmu' of 'evaluation' in {where} is for forget splits of the world, not for {benchmark}.")
    also = check.texts(given.pop("also", []), f"'also' of 'evaluation' in {where}") if "also" in given else ()
    for spec in also:
        find_benchmark(spec)
    numbers = {key: check.whole(given[key], f"{key!r} of 'evaluation' in {where}", 1) for key in given}
    return Size(**numbers, split=split, language=language, also=also)
