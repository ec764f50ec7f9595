"""`Transcript`: every answer of one engine to one benchmark, saved as it comes, so that an interrupted run resumes and
scoring again needs no model."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

from unsee.data.sample import Likelihood, Response
from unsee.errors import SystemFailure, UserError
from unsee.store.sameness import differences
from unsee.store.text import parsed

SCHEMA = "unsee.transcript/1"
Number = TypeVar("Number", int, float)


class Work(NamedTuple):
    """Something to ask or to read: the keys that its result will have, and the identities of its pictures."""

    keys: tuple[str, ...]
    pictures: tuple[int, ...]


def parts_of(path: Path) -> list[Path]:
    """What further processes have written of the transcript at `path` (`SharedTranscript`)."""
    return [part for part in sorted(path.parent.glob(f"{path.name}.*")) if part.suffix[1:].isdecimal()]


class Transcript:
    """Responses by the id of their probe; `likelihoods` that the same engine read, and `rereads`, the likelihoods of
    these answers under the model before unlearning, by the keys of the samples.

    On disk it is JSON lines: the first holds what decides the answers ("fingerprint") and more about the engine.
    Without a path it stays in memory.
    """

    def __init__(self, path: Path | None, header: Mapping[str, Any]) -> None:
        """Begin a file, or continue one that was interrupted. A last line that was cut off is dropped.

        `header` needs the key "fingerprint". Raises `UserError` if the file has another fingerprint, is of an earlier
        version, or is not a transcript; `SystemFailure` if it cannot be written.
        """
        self.path = path
        self.header = dict(header)
        self.responses: dict[str, Response] = {}
        self.likelihoods: dict[str, Likelihood] = {}
        self.rereads: dict[str, Likelihood] = {}
        self._file = None
        if path is None:
            return
        first = json.dumps({"schema": SCHEMA, **header}, ensure_ascii=False) + "\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes() if path.exists() else b""
            whole = content[: content.rfind(b"\n") + 1]
            # Only a header that was cut off during writing has no line end.
            if not whole and not first.encode().startswith(content):
                raise _foreign(path)
            if whole:
                have = self._read(whole)
                if have.get("fingerprint") != header["fingerprint"]:
                    raise UserError(
                        f"The answers in {path} belong to another run (it differs in "
                        f"{_ways(have.get('fingerprint'), header['fingerprint'])}); choose another folder, or delete "
                        "the file to start over."
                    )
            self._file = path.open("ab")
            self._file.truncate(len(whole))
        except OSError as error:
            raise self._unwritable(error) from error
        if not whole:
            self._write(first)
        # Left over from a run of several processes that was interrupted.
        for part in parts_of(path):
            content = part.read_bytes()
            with suppress(UserError):
                self.take_over(content[: content.rfind(b"\n") + 1], part, write=True)
            part.unlink()

    @classmethod
    def open(cls, path: Path) -> Transcript:
        """What a file holds, read only. Raises UserError if it is not a transcript or cannot be read."""
        transcript = cls(None, {})
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UserError(f"The answers in {path} cannot be read: {error.strerror or error}.") from error
        transcript.path = path
        transcript.header = transcript._read(content[: content.rfind(b"\n") + 1])
        return transcript

    def add(self, responses: Sequence[Response]) -> None:
        """Append responses; they are on disk when this returns."""
        lines = []
        for response in responses:
            self.responses[response.probe_id] = response
            entry: dict[str, Any] = {"id": response.probe_id, "text": response.raw, "ended": response.ended}
            for key in ("token_ids", "token_logprobs", "token_ends"):
                if getattr(response, key) is not None:
                    entry[key] = list(getattr(response, key))
            lines.append(json.dumps(entry, ensure_ascii=False) + "\n")
        self._write("".join(lines))

    def add_likelihoods(self, read: Mapping[str, Likelihood], *, by_before: bool = False) -> None:
        """Append likelihoods; `by_before`: those that the model before unlearning read."""
        (self.rereads if by_before else self.likelihoods).update(read)
        kind = "reread" if by_before else "read"
        entries = ({kind: key, "logprobs": list(one.logprobs), "ends": list(one.ends)} for key, one in read.items())
        self._write("".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries))

    def turns(self, works: Sequence[Work], have: Mapping[str, Any], kind: str) -> Iterator[list[int]]:
        """The places in `works` that this process should see to now: here, all at once. `have` holds the results by
        their keys, and `kind` says what they are."""
        if works:
            yield list(range(len(works)))

    def take_over(self, content: bytes, path: Path, *, write: bool) -> None:
        """Take over what another process wrote to `path`, and, with `write`, save what is new here, too. Raises
        UserError if it is of another run or damaged."""
        for line in content.splitlines():
            try:
                entry = parsed(line)
                if "schema" in entry:
                    if entry.get("fingerprint") != self.header["fingerprint"]:
                        raise UserError(f"The answers in {path} belong to another model or to other questions.")
                elif self._take(entry) and write:
                    self._write(line.decode() + "\n")
            except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
                raise _foreign(path) from error

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Transcript:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, content: bytes) -> dict[str, Any]:
        """Take over the entries of a file; returns its header."""
        assert self.path is not None or not self.header
        path = self.path or Path("?")
        try:
            header, *entries = [parsed(line) for line in content.splitlines()]
            known = header["schema"] == SCHEMA
            if known:
                _check_header(header)
            for entry in entries if known else ():
                self._take(entry)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise _foreign(path) from error
        if not known:
            if str(header["schema"]).startswith(("unsee.transcript/", "unsee.responses/")):
                raise UserError(
                    f"The answers in {path} were saved by another version of unsee ({header['schema']}); choose "
                    "another folder, or delete the file to start over."
                )
            raise _foreign(path)
        return dict(header)

    def _take(self, entry: Mapping[str, Any]) -> bool:
        """Take over one entry; whether its key is new. Raises what a wrong entry raises."""
        if "id" in entry:
            new = entry["id"] not in self.responses
            self.responses[entry["id"]] = _response(entry)
            return new
        there, key = ("rereads", "reread") if "reread" in entry else ("likelihoods", "read")
        logprobs, ends = _numbers(entry, "logprobs", float), _numbers(entry, "ends", int)
        if logprobs is None or ends is None or len(logprobs) != len(ends):
            raise ValueError("a likelihood needs a number for each token")
        have = getattr(self, there)
        new = entry[key] not in have
        have[entry[key]] = Likelihood(logprobs, ends)
        return new

    def _write(self, text: str) -> None:
        if self._file is None:
            return
        try:
            self._file.write(text.encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> SystemFailure:
        return SystemFailure(f"Cannot write the answers to {self.path}: {error.strerror or error}.")


def _check_header(header: Mapping[str, Any]) -> None:
    """Raises ValueError if the size of the vocabulary is none."""
    size = header.get("vocabulary_size")
    if size is not None and (type(size) is not int or size < 1):
        raise ValueError("a vocabulary has at least one token")


def _response(entry: Mapping[str, Any]) -> Response:
    """Raises what a wrong entry raises."""
    logprobs = _numbers(entry, "token_logprobs", float)
    ids, ends = _numbers(entry, "token_ids", int), _numbers(entry, "token_ends", int)
    if len({len(each) for each in (logprobs, ids, ends) if each is not None}) > 1:
        raise ValueError("an answer needs one number of each kind for each token")
    return Response(entry["id"], str(entry["text"]), logprobs, bool(entry["ended"]), ids, ends)


def _numbers(entry: Mapping[str, Any], key: str, kind: type[Number]) -> tuple[Number, ...] | None:
    """Raises TypeError or OverflowError for anything else than numbers of that kind."""
    values = entry.get(key)
    if values is None:
        return None
    if not isinstance(values, list) or any(type(value) not in (int, kind) for value in values):
        raise TypeError(f"{key} holds something other than numbers")
    return tuple(map(kind, values))


def _ways(have: Any, wanted: Mapping[str, Any]) -> str:
    return ", ".join(differences(have, wanted)) if isinstance(have, Mapping) else "all that decides the answers"


def _foreign(path: Path) -> UserError:
    return UserError(
        f"{path} is damaged or holds no answers saved by unsee; choose another folder, or delete the file to start "
        "over."
    )
