"""A transcript that several processes write: the first one its file, every other one a part next to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from unsee.generation.transcript import Transcript, Work, parts_of
from unsee.store.crew import crew

LEAST = 32
"""Questions to take at a time, so that a batch is worth its pass through the model."""
MOST = 256
"""Questions to take at a time, so that a process that comes late finds some left, and one that dies leaves little."""


def open_transcript(path: Path | None, header: Mapping[str, Any]) -> Transcript:
    """The transcript of this process, alone or with the others that work on its run. Raises as `Transcript`."""
    return Transcript(path, header) if path is None or crew().folder is None else SharedTranscript(path, header)


class SharedTranscript(Transcript):
    """Like `Transcript`. What other processes have added is taken over at every turn."""

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self._crew, self._whole = crew(), path
        self._read_to: dict[Path, int] = {}
        if not self._crew.helps:
            super().__init__(path, header)
            self._crew.open_gate(str(path.name) + str(path.parent.name) + str(header["fingerprint"]))
            return
        self._crew.wait_at(str(path.name) + str(path.parent.name) + str(header["fingerprint"]))
        super().__init__(path.with_name(f"{path.name}.{self._crew.number}"), header)

    def turns(self, works: Sequence[Work], have: Mapping[str, Any], kind: str) -> Iterator[list[int]]:
        shares = shares_of(works, self._crew.count)

        def key(share: list[int]) -> str:
            return f"{self._whole.parent.name}/{self._whole.name}/{kind}/{works[share[0]].keys[0]}"

        def done(share: list[int]) -> bool:
            return all(one in have for place in share for one in works[place].keys)

        yield from self._crew.turns(shares, key, done, self._look)

    def _look(self) -> None:
        """Take over what other processes have added since."""
        others = [self._whole, *parts_of(self._whole)] if self._crew.helps else parts_of(self._whole)
        for path in others:
            if path == self.path:
                continue
            start = self._read_to.get(path, 0)
            try:
                with path.open("rb") as file:
                    file.seek(start)
                    content = file.read()
            except FileNotFoundError:
                continue
            content = content[: content.rfind(b"\n") + 1]
            if content:
                self._read_to[path] = start + len(content)
                self.take_over(content, path, write=not self._crew.helps)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if error is None and not self._crew.helps:
            for part in parts_of(self._whole):
                part.unlink(missing_ok=True)


def shares_of(works: Sequence[Work], count: int) -> list[list[int]]:
    """The places of all works in shares for so many processes, those about the same pictures together: large ones
    first, and small ones at the end, so that all processes end at about the same time."""
    by_pictures: dict[tuple[int, ...], list[int]] = {}
    for place, work in enumerate(works):
        by_pictures.setdefault(work.pictures, []).append(place)
    # What is asked in text only can be divided anywhere.
    groups = [
        members[start : start + (len(members) if pictures else LEAST)]
        for pictures, members in by_pictures.items()
        for start in range(0, len(members), len(members) if pictures else LEAST)
    ]
    left, shares, share = len(works), [], list[int]()
    for group in groups:
        share += group
        if len(share) >= max(LEAST, min(MOST, left / (2 * count))):
            shares.append(share)
            left, share = left - len(share), []
    return [*shares, share] if share else shares
