"""The resume file: answers as they come, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unsee.data.images import image_key
from unsee.data.sample import Probe, Response
from unsee.errors import SystemFailure, UserError
from unsee.models.identity import of_model
from unsee.models.vlm import VisionLanguageModel
from unsee.store.sameness import differences

SCHEMA = "unsee.responses/1"


class Journal:
    """Responses in JSON lines. The first line says which probes and which model they belong to.

    Raises `UserError` if the file belongs to another run, does not say which answers were cut (as those of earlier
    versions), or is no resume file; `SystemFailure` if it cannot be written. A last line that was cut off is dropped.
    """

    def __init__(self, path: Path, fingerprint: Mapping[str, Any]) -> None:
        self.path = path
        self.responses: dict[str, Response] = {}
        header = json.dumps({"schema": SCHEMA, "fingerprint": fingerprint}) + "\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes() if path.exists() else b""
            whole = content[: content.rfind(b"\n") + 1]
            # A header that was cut off while it was written is the only thing that can stand without a line end.
            if not whole and not header.encode().startswith(content):
                raise self._foreign()
            if whole:
                self._read(whole, fingerprint)
            self._file = path.open("ab")
            self._file.truncate(len(whole))
        except OSError as error:
            raise self._unwritable(error) from error
        if not whole:
            self._write(header)

    def add(self, responses: Sequence[Response]) -> None:
        """Append responses; they are on the disk when this returns."""
        lines = []
        for response in responses:
            self.responses[response.probe_id] = response
            entry: dict[str, Any] = {"id": response.probe_id, "text": response.raw, "ended": response.ended}
            if response.token_logprobs is not None:
                entry["token_logprobs"] = list(response.token_logprobs)
            lines.append(json.dumps(entry, ensure_ascii=False) + "\n")
        self._write("".join(lines))

    def close(self) -> None:
        self._file.close()

    def _read(self, content: bytes, fingerprint: Mapping[str, Any]) -> None:
        try:
            header, *entries = [json.loads(line) for line in content.splitlines()]
            known = header["schema"] == SCHEMA
            have = header["fingerprint"]
            says_ended = all("ended" in entry for entry in entries)
            for entry in entries:
                logprobs = entry.get("token_logprobs")
                self.responses[entry["id"]] = Response(
                    entry["id"],
                    entry["text"],
                    None if logprobs is None else tuple(logprobs),
                    entry.get("ended", True),
                )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._foreign() from error
        if not known:
            raise self._foreign()
        if have != fingerprint:
            ways = ", ".join(differences(have, fingerprint)) if isinstance(have, dict) else "an earlier version's"
            raise UserError(
                f"The resume file {self.path} belongs to another run (it differs in {ways}); "
                "give another file, or delete this one to start over."
            )
        if not says_ended:
            raise UserError(
                f"The resume file {self.path} is of an earlier version, which did not note whether an answer was cut; "
                "give another file, or delete this one to start over."
            )

    def _write(self, text: str) -> None:
        try:
            self._file.write(text.encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._unwritable(error) from error

    def _foreign(self) -> UserError:
        return UserError(
            f"{self.path} is damaged or not a resume file of unsee; "
            "give another file, or delete this one to start over."
        )

    def _unwritable(self, error: OSError) -> SystemFailure:
        return SystemFailure(f"Cannot write the resume file {self.path}: {error.strerror or error}.")


def fingerprint(vlm: VisionLanguageModel, probes: Sequence[Probe], **settings: object) -> dict[str, Any]:
    """All that decides the answers, as plain data: the model, the probes with their pictures, the settings."""
    digest = hashlib.sha256()
    keys: dict[int, str] = {}
    for probe in probes:
        for image in probe.images:
            if id(image) not in keys:
                keys[id(image)] = image_key(image)
        asked = [probe.id, probe.prompt, [keys[id(image)] for image in probe.images]]
        digest.update(json.dumps([*asked, probe.begun] if probe.begun else asked).encode())
    return {**of_model(vlm), "probes": digest.hexdigest(), **settings}
