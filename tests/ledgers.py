"""Ledgers for tests, with entries about runs that nobody trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unsee.ledger import Build, Ledger, Result
from unsee.ledger.checksums import write_checksums
from unsee.ledger.entries import Kind
from unsee.store.hashing import SUMS, sha256_of

MODEL = {"model": "world:tiny-qwen3vl", "revision": None, "4bit": False, "files": {"weights": "0" * 64}}


def new_ledger(folder: Path) -> Ledger:
    return Ledger.create(folder, MODEL)


def forgetting(ledger: Ledger, concept: str, **more: Any) -> Ledger:
    """The ledger with a request more: its folder, a run and an entry, in the order of the command."""
    id = ledger.new_id(concept, (concept,))
    kept = ledger.folder / f".{id}"
    kept.mkdir(exist_ok=True)
    (kept / "request.yaml").write_text(f"concept: {concept}\n")
    write_checksums(kept)
    ledger.keep(id, kept)
    request = {"concept": concept, "aliases": [], "kind": "person", "sha256": "1" * 64, "pictures": ["ab" * 12]}
    content = {"request": request, "sums": sha256_of(ledger.kept(id) / SUMS)}
    return _built(ledger, "forget", id, content, [*(entry.id for entry in ledger.active), id], **more)


def revoking(ledger: Ledger, id: str, **more: Any) -> Ledger:
    """The ledger without a request, again with a run and an entry."""
    return _built(ledger, "revoke", id, {}, [entry.id for entry in ledger.active if entry.id != id], **more)


def _built(ledger: Ledger, kind: Kind, id: str, content: dict[str, Any], active: list[str], note: str = "") -> Ledger:
    run = ledger.next_run(id)
    run.mkdir(parents=True, exist_ok=True)
    (run / "adapter_model.safetensors").write_bytes(f"{active}".encode())
    sums = write_checksums(run)
    results = {name: Result(True, "Forgotten", f"{name} is.", "holds", f"{name}/report.html") for name in {*active, id}}
    weights = {"adapter_model.safetensors": sha256_of(run / "adapter_model.safetensors")}
    build = Build(run.name, sums, weights, tuple(active), "siu", (), 0, {"weights": "2" * 64}, "quick", results)
    return ledger.append(kind, id, note, build, content)


def five_entries(folder: Path) -> Path:
    """A ledger with five entries: the model, Mara, Jonas, Mara's revocation, a note."""
    ledger = forgetting(forgetting(new_ledger(folder), "Mara Voss", note="Letter of May"), "Jonas Hale")
    revoking(ledger, "mara-voss").append("note", "jonas-hale", "Answered.")
    return folder
