"""`Words`: how a sentence speaks of others than a concept, as plain data that the file of a report can hold."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from unsee.kinds import person
from unsee.kinds.base import Kind

_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Words:
    """What others are called. A text holds the names of these fields and properties in braces; see `fill`."""

    noun: str
    """One of them: "person", "brand"."""
    plural: str
    """Several of them: "people"."""
    another: str
    """One that is not the concept: "somebody else", "another brand"."""
    nobody: str
    """None of them: "nobody", "nothing"."""
    everybody: str
    """All of them: "everybody", "everything"."""
    met: str
    """What somebody did who knows one of them: "met", "saw"."""
    parts: tuple[str, ...] = ()
    """Nouns of what can be seen of the concept; see `Kind.parts`."""

    @property
    def others(self) -> str:
        return f"other {self.plural}"

    @property
    def two(self) -> str:
        return f"two {self.plural}"

    def fill(self, text: str) -> str:
        """`text` with the words in the place of "{others}", "{two}", "{noun}", ...; "{Two}" begins a sentence.

        Whatever else stands in braces stays as it is.
        """

        def word(place: re.Match[str]) -> str:
            name = place[1]
            found = getattr(self, name.lower()) if name.lower() in _FIELDS else place[0]
            return f"{found[0].upper()}{found[1:]}" if name[0].isupper() else str(found)

        return _PLACE.sub(word, text)


_FIELDS = frozenset(("noun", "plural", "another", "nobody", "everybody", "met", "others", "two"))


def words_of(kind: Kind) -> Words:
    """Those for a concept whose others are of its kind."""
    if kind.noun == person.KIND.noun:
        return replace(PEOPLE, parts=kind.parts)
    return Words(kind.noun, kind.plural, f"another {kind.noun}", kind.nobody, "everything", "saw", kind.parts)


def among_things(kind: Kind) -> Words:
    """Those for a concept whose others are things of any kind."""
    return replace(THINGS, parts=kind.parts)


PEOPLE = Words("person", "people", "somebody else", "nobody", "everybody", "met", person.KIND.parts)
"""What others are unless somebody says otherwise."""
THINGS = Words("thing", "things", "another thing", "nothing", "everything", "saw")
EITHER = Words("person or thing", "people or things", "another person or thing", "nothing", "everything", "met")
"""Where concepts of several kinds meet, or nobody knows of which kind they are."""


def words_among(*members: str) -> Words:
    """Those for concepts of one world or several, by what the known ones of each are called: "people", "things"."""
    return next((words for words in (PEOPLE, THINGS) if set(members) == {words.plural}), EITHER)
