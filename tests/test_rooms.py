"""The rooms of `unsee/`: what may import what, drawn from the source with `ast`.

Every import counts: also those inside functions and those that only a type checker sees.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "unsee"
ORDER = (
    "errors", "lazy", "version", "store", "terminal", "data", "kinds", "metrics", "requests", "world", "models",
    "generation", "judges", "training", "methods", "benchmarks", "attacks", "sources", "evaluation", "reports",
    "sizing", "sweep", "ledger", "playground", "commands", "cli", "world.making", "unsee",
)  # fmt: skip
"""A room uses only those before it. "unsee" is the package's own front: `__init__` and `__main__`."""
MAKES_THE_WORLD = ("commands", "cli")
"""Who may import `unsee.world.making`: inside a function, because it is needed for one command only."""
LONGEST = 400


class Import(NamedTuple):
    """`module` imports `name` from `target`, a module of unsee (`name` is empty where it imports the module)."""

    module: str
    target: str
    name: str
    lazy: bool


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports_of(module: str, tree: ast.Module, known: Mapping[str, Path]) -> Iterator[Import]:
    """The imports of a module that stay inside the package."""
    top = set(tree.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(module, a.name, "", node not in top) for a in node.names if a.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                place = (whole, "") if whole in known else (node.module, alias.name)
                yield Import(module, *place, node not in top)


IMPORTS = [
    imported
    for module, path in MODULES.items()
    for imported in imports_of(module, ast.parse(path.read_text(encoding="utf-8")), MODULES)
]


def room(module: str) -> str:
    """The room that a module is in."""
    parts = module.split(".")[1:]
    if not parts or parts == ["__main__"]:
        return "unsee"
    return "world.making" if parts[:2] == ["world", "making"] else parts[0]


def goes_up(imported: Import) -> bool:
    user, used = room(imported.module), room(imported.target)
    if used == "world.making" and user in MAKES_THE_WORLD:
        return not imported.lazy
    return ORDER.index(used) > ORDER.index(user)


def test_every_module_is_in_a_room() -> None:
    assert {room(module) for module in MODULES} <= set(ORDER)


def test_a_room_uses_only_rooms_above_it() -> None:
    wrong = {(imported.module, imported.target) for imported in IMPORTS if goes_up(imported)}
    assert wrong == set()


def test_modules_do_not_import_each_other_in_circles() -> None:
    uses: dict[str, set[str]] = {module: set() for module in MODULES}
    for imported in IMPORTS:
        uses[imported.module].add(imported.target)
    try:
        TopologicalSorter(uses).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_no_module_takes_the_private_names_of_another() -> None:
    def is_private(name: str) -> bool:
        return name.startswith("_") and not name.endswith("__")

    parts = {imported: [*imported.target.split("."), imported.name] for imported in IMPORTS}
    assert [imported for imported, names in parts.items() if any(map(is_private, names))] == []


def test_every_file_can_be_read_in_one_sitting() -> None:
    long = {
        (module, f"over {LONGEST} lines")
        for module, path in MODULES.items()
        if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST
    }
    assert long == set()


@pytest.mark.parametrize(
    ("module", "text", "wrong"),
    [
        ("unsee.metrics.score", "from unsee.methods import siu", True),
        ("unsee.metrics.score", "def f():\n    import unsee.reports.page", True),
        ("unsee.methods.siu", "from unsee.metrics import score", False),
        ("unsee.cli.world", "from unsee.world.making import building", True),
        ("unsee.cli.world", "def f():\n    from unsee.world.making.building import build_checkpoint", False),
        ("unsee.sweep.cells", "def f():\n    from unsee.world.making.building import build_checkpoint", True),
        ("unsee.world.making.building", "from unsee.models import saving", False),
    ],
)
def test_an_import_that_goes_up_is_found_wherever_it_stands(module: str, text: str, wrong: bool) -> None:
    (imported,) = imports_of(module, ast.parse(text), MODULES)
    assert goes_up(imported) is wrong
