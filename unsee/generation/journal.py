"""The resume file: answers as they come, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer

from unsee.data.images import image_key
from unsee.data.sample import Probe, Response
from unsee.errors import SystemFailure, UserError
from unsee.models.vlm import VisionLanguageModel

SCHEMA = "unsee.responses/1"
WEIGHTS_PER_TENSOR = 64


class Journal:
    """Responses in JSON lines. The first line says which probes and which model they belong to.

    Raises `UserError` if the file belongs to another run, does not say which answers were cut (as those of earlier
    versions), or is no resume file; `SystemFailure` if it cannot be written. A last line that was cut off is dropped.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
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

    def _read(self, content: bytes, fingerprint: str) -> None:
        try:
            header, *entries = [json.loads(line) for line in content.splitlines()]
            known = header["schema"] == SCHEMA
            same = header["fingerprint"] == fingerprint
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
        if not same:
            raise UserError(
                f"The resume file {self.path} belongs to other probes, another model or other settings; "
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


def fingerprint(vlm: VisionLanguageModel, probes: Sequence[Probe], **settings: object) -> str:
    """A digest of all that decides the answers: probes with pictures, weights, adapters on or off, settings."""
    digest = hashlib.sha256(json.dumps([vlm.name, vlm.revision, str(vlm.dtype), sorted(settings.items())]).encode())
    keys: dict[int, str] = {}
    for probe in probes:
        for image in probe.images:
            if id(image) not in keys:
                keys[id(image)] = image_key(image)
        asked = [probe.id, probe.prompt, [keys[id(image)] for image in probe.images]]
        digest.update(json.dumps([*asked, probe.begun] if probe.begun else asked).encode())
    digest.update(_weights(vlm))
    return digest.hexdigest()


@torch.inference_mode()
def _weights(vlm: VisionLanguageModel) -> bytes:
    """A sample of every weight tensor (training changes all that it changes at all), and which adapters are on."""
    digest = hashlib.sha256()
    for name, module in vlm.base.named_modules():
        if isinstance(module, BaseTunerLayer):
            state = [name, module.disable_adapters, list(module.active_adapters), list(module.merged_adapters)]
            digest.update(json.dumps(state).encode())
    samples = []
    for _, weight in sorted(vlm.base.named_parameters(), key=lambda item: item[0]):
        values = weight.detach().flatten()
        samples.append(values[:: max(1, len(values) // WEIGHTS_PER_TENSOR)][:WEIGHTS_PER_TENSOR].float())
    digest.update(torch.cat([sample.to(samples[0].device) for sample in samples]).cpu().numpy().tobytes())
    return digest.digest()
