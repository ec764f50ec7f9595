"""What users ask for by name, mostly classes: built in, from another package through an entry point, or in a file of
their own.

A file is code that the user names explicitly, so it is run as it is.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from unsee.errors import UserError, did_you_mean

BUILT_IN = "built in"
# How annotations are written. `ClassVar` is not allowed for a type that depends on a type variable.
_OF_A_CLASS = ("ClassVar[", "type[")
_NAME = re.compile(r"\w[\w.-]{0,63}")
_FILE = re.compile(r"(?P<file>.+\.py):(?P<attribute>\w+)")


@dataclass(frozen=True)
class Offer:
    """A class with a name. `place` is "package.module:Class" or "/path/file.py:Class", `origin` says where it comes
    from ("built in", a package and its version, a file)."""

    name: str
    place: str
    origin: str

    def load(self) -> Any:
        """Import the class; what its file prints goes to standard error. Raises UserError with its origin if that
        fails."""
        module, _, attribute = self.place.rpartition(":")
        try:
            # Standard output is for results.
            with redirect_stdout(sys.stderr):
                home = _module_of(Path(module)) if module.endswith(".py") else importlib.import_module(module)
        # Anything that somebody else's code raises during import is a fault of that code, and it must not end unsee.
        except (Exception, SystemExit) as error:
            if self.origin == BUILT_IN:
                raise
            what = " ".join(f"{type(error).__name__}: {error}".split())
            raise UserError(f"{self} cannot be imported ({what}); fix or remove it.") from error
        if not hasattr(home, attribute):
            classes = [name for name, found in vars(home).items() if inspect.isclass(found) and name[0] != "_"]
            raise UserError(f"{self.origin} has no {attribute!r}{did_you_mean(attribute, classes)}")
        return getattr(home, attribute)

    @property
    def is_in_a_file(self) -> bool:
        """Whether the user gave its place instead of its name."""
        return self.name == self.place

    def __str__(self) -> str:
        return self.name if self.is_in_a_file else f"{self.name!r} ({self.origin})"


class Plugins:
    """All classes of one kind, such as the methods.

    kind: the word for one of them. group: the entry-point group in which other packages register theirs. interface:
    the class that all of them derive from, as "module:Class". built_in: name to "module:Class". instances: they are
    no classes, but objects of the interface.
    """

    def __init__(
        self, kind: str, group: str, interface: str, built_in: Mapping[str, str], *, instances: bool = False
    ) -> None:
        self.kind, self.group, self.interface, self.built_in = kind, group, interface, built_in
        self.instances = instances
        self._of_files: dict[str, Offer] = {}

    @cached_property
    def offers(self) -> tuple[Offer, ...]:
        """All classes with a name, the built-in ones first; nothing is imported from the packages."""
        own = [Offer(name, place, BUILT_IN) for name, place in self.built_in.items()]
        found = []
        for point in entry_points(group=self.group):
            origin = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
            found.append(Offer(point.name, f"{point.module}:{point.attr}", origin))
        return (*own, *sorted(found, key=lambda offer: (offer.name, offer.origin)))

    def __contains__(self, name: str) -> bool:
        return bool(_FILE.fullmatch(name)) or any(offer.name == name for offer in self.offers)

    def find(self, name: str) -> Offer:
        """Finds the class of that name, or of "path/to/file.py:Class". Raises UserError for none and for several."""
        in_file = _FILE.fullmatch(name)
        if in_file:
            path = Path(in_file["file"]).expanduser().resolve()
            if not path.is_file():
                raise UserError(f"There is no file {path} with a {self.kind} {in_file['attribute']}; check the path.")
            place = f"{path}:{in_file['attribute']}"
            return Offer(place, place, str(path))
        found = [offer for offer in self.offers if offer.name == name]
        if not found:
            raise UserError(f"There is no {self.kind} {name!r}{did_you_mean(name, dict.fromkeys(self.names))}")
        if len(found) > 1:
            raise self._collision(name, *found[:2])
        return found[0]

    @property
    def names(self) -> list[str]:
        return [offer.name for offer in self.offers]

    def load(self, name: str) -> Any:
        """The class of that name. Raises UserError also if it cannot be imported or used."""
        offer = self.find(name)
        found = offer.load()
        module, _, attribute = self.interface.partition(":")
        interface = getattr(importlib.import_module(module), attribute)
        if self.instances:
            if not isinstance(found, interface):
                raise UserError(f"{offer} is not a {self.kind}; it must be an object of {module}.{attribute}.")
            self._check_name(offer, found)
            return found
        if not (inspect.isclass(found) and issubclass(found, interface)):
            raise UserError(f"{offer} is not a {self.kind}; it must be a subclass of {module}.{attribute}.")
        lacking = _lacking(found, interface)
        if lacking:
            raise UserError(f"{offer} is not a complete {self.kind}: {lacking} missing from its class.")
        self._check_name(offer, found)
        return found

    def _check_name(self, offer: Offer, found: Any) -> None:
        """Results are told apart by the name that the class gives itself, if its kind has one."""
        called = getattr(found, "name", offer.name)
        if hasattr(found, "name") and not (isinstance(called, str) and _NAME.fullmatch(called)):
            raise UserError(
                f"{offer} calls itself {called!r}; a name is made of letters, digits, '_', '-' and '.', because "
                "folders are named after it."
            )
        if offer.is_in_a_file:
            same = [other for other in self.offers if other.name == called]
            same += [other for name, other in self._of_files.items() if name == called and other != offer]
            if same:
                raise self._collision(called, same[0], offer)
            self._of_files[called] = offer
        elif called != offer.name:
            raise UserError(f"{offer} calls itself {called!r}; give it and its entry point the same name.")

    def _collision(self, name: str, one: Offer, other: Offer) -> UserError:
        return UserError(
            f"Two {self.kind}s are named {name!r}: {one.place} ({one.origin}) and {other.place} ({other.origin}); "
            "rename or remove one of them."
        )


def code_digest(spec: str) -> str | None:
    """SHA-256 (hex) of the file in "path/to/file.py:Class": without it, a run would resume with other code. None for
    everything else, and if there is no such file."""
    in_file = _FILE.fullmatch(spec)
    path = Path(in_file["file"]).expanduser() if in_file else None
    return hashlib.sha256(path.read_bytes()).hexdigest() if path is not None and path.is_file() else None


def _lacking(found: Any, interface: type) -> str | None:
    """Methods and class attributes that the interface only declares and the class does not have, with "is" or "are"."""
    declared = [name for name, kind in inspect.get_annotations(interface).items() if str(kind).startswith(_OF_A_CLASS)]
    attributes = [name for name in declared if not hasattr(found, name)]
    methods = [*getattr(found, "__abstractmethods__", ())]
    named = [
        f"the {kind}{'s' if len(names) > 1 else ''} {', '.join(f'`{name}`' for name in sorted(names))}"
        for kind, names in (("attribute", attributes), ("method", methods))
        if names
    ]
    return f"{' and '.join(named)} {'is' if len(attributes + methods) == 1 else 'are'}" if named else None


def _module_of(path: Path) -> ModuleType:
    """The file as a module. It is run only once."""
    name = f"unsee_file_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look up their module when they are made.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
