"""`forget --sweep-layers`: which layer ASRU had best steer, before anything is forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from unsee.commands.forget import prepared
from unsee.commands.forget_options import ForgetOptions
from unsee.errors import UserError
from unsee.kinds import PERSON, get_kind
from unsee.methods.asru import ASRU, ASRUConfig
from unsee.methods.asru.held_out import HeldOut
from unsee.methods.asru.prompts import Prompts, secrets_of
from unsee.methods.asru.sweep import SweptLayer, best, candidates, sweep_layers
from unsee.models.vision_cache import VisionCache
from unsee.reports.asru_plots import layer_sweep
from unsee.requests import ForgetRequest
from unsee.store.files import strict_json, write_together
from unsee.store.locking import locked
from unsee.store.workspace import check_output
from unsee.terminal import at_a_terminal, working_on
from unsee.training.data_folder import read_training_data

SCHEMA = "unsee.sweep/1"
FILE = "sweep.json"


def sweep(request: ForgetRequest, options: ForgetOptions) -> dict[str, Any]:
    """Write `sweep.json` and `sweep.svg` to the folder of the options; returns the content of the former.

    Raises:
        UserError: something given cannot work, or the method has no layers to sweep.
        SystemFailure: the machine got in the way.
    """
    if options.method != ASRU.name:
        raise UserError(
            f"--sweep-layers is for --method {ASRU.name}, and {options.method} steers no layer; leave the option out."
        )
    out = options.folder(request.concept, "-sweep")
    with locked(out):
        return _sweep(request, options, out)


def _sweep(request: ForgetRequest, options: ForgetOptions, out: Path) -> dict[str, Any]:
    check_output(out, overwrite=options.overwrite, resumable=False)
    request, vlm, method, config = prepared(request, options)
    assert isinstance(method, ASRU)
    assert isinstance(config, ASRUConfig)
    if options.data:
        samples = read_training_data(options.data)
    else:
        with working_on("Building the training data"):
            samples = method.build([request], vlm, config, options.seed)
    prompts, held_out = (Prompts.of(samples, held_out=which) for which in (False, True))
    secrets, cache = secrets_of([request], samples), VisionCache(vlm)
    asked = HeldOut(held_out.forget, held_out.retain, method.refuses, config.longest, cache, secrets)
    depth = len(vlm.decoder_layers)
    tried = sweep_layers(vlm, prompts, held_out, asked, config, range(depth), options.seed, progress=at_a_terminal())
    rows = [row for row, _ in tried]
    taken = best(row for row in rows if row.layer in candidates(depth))
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "model": vlm.name,
        "concept": request.concept,
        "kind": request.kind,
        "seed": options.seed,
        "settings": vars(config),
        "auto": taken.layer,
        "strength": taken.strength,
        "layers": [row.to_dict() for row in rows],
    }
    write_together(out, {"sweep.svg": layer_sweep(document["layers"]), FILE: strict_json(document)})
    return {"out": str(out), **document}


def sweep_table(document: dict[str, Any]) -> RenderableType:
    """One line per layer, and where the plot is."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("layer", "λ", "AUC", "Fisher", "refused", "leaked", "kept", "missed", "drift"):
        table.add_column(column, justify="right", header_style="dim")
    for row in (SweptLayer(**layer) for layer in document["layers"]):
        shares = [f"{100 * share:.0f} %" for share in (row.refused, row.leaked, row.kept)]
        apart = [f"{row.auc:.2f}", f"{row.fisher:.1f}"] if row.auc is not None and row.fisher is not None else ["–"] * 2
        numbers = (*apart, *shares, f"{row.missed:.3f}", f"{row.drift:.3f}")
        table.add_row(str(row.layer), f"{row.strength:g}", *numbers)
    plural = get_kind(document.get("kind") or PERSON).plural
    meaning = (
        "λ: how far prompts to forget are moved; if it was not given, what asru would choose for the layer. AUC, "
        f"Fisher: how well the direction separates unseen {plural} from the forgotten ones. Refused and leaked: "
        "answers to held-out prompts to forget; kept: answers to held-out prompts to retain. Missed: how much of the "
        "wanted shift the prompts to forget lack; drift: how much of it the prompts to retain get."
    )
    plot = Path(document["out"]) / "sweep.svg"
    taken = f"asru would choose layer {document['auto']} and λ = {document['strength']:g}"
    where = f"{taken}; set others with --set layer=N and --set strength=X. The plot is in {plot}."
    return Group(table, Text(meaning, style="dim"), Text(where))
