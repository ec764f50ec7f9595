"""`play`: the model of a run, before and after unlearning, on a page to try."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unsee.commands.run_engines import engines_of_run
from unsee.errors import UserError
from unsee.playground.checking import check
from unsee.playground.gallery import Hung, gallery
from unsee.playground.playing import Playground
from unsee.reports.reading import read
from unsee.reports.report import Report
from unsee.requests import ForgetRequest
from unsee.sources.attacking import material_of
from unsee.sources.saved_request import saved_requests
from unsee.sources.world import is_of_the_world
from unsee.terminal import working_on
from unsee.world import find, world_of

_REPORT = "report.json"


@dataclass(frozen=True)
class PlayOptions:
    """run: the folder of a run of `unsee forget`. host, port: where the page is served; None takes the first free port
    from 7860 on."""

    run: Path
    host: str = "127.0.0.1"
    port: int | None = None
    device: str = "auto"
    open_browser: bool = True


@dataclass(frozen=True)
class Opened:
    """A playground with what its page shows besides: of a ledger's build, a report for each concept."""

    playground: Playground
    hung: tuple[Hung, ...]
    reports: tuple[Report, ...]
    credit: str


def play(options: PlayOptions, tell: Callable[[str], None] = lambda address: None) -> None:
    """Serve the page until Ctrl-C; `tell` hears its address.

    Raises UserError if Gradio is missing, the folder holds no run that can be asked, or the port is taken.
    """
    check(options.run)
    # Before Gradio is imported, which reads them then: it would report to its makers, and keep what was uploaded.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    with tempfile.TemporaryDirectory(prefix="unsee-play-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        with working_on(f"Loading {options.run}"):
            opened = open_run(options.run, options.device)
            from unsee.playground.page import page, serve

            shown = page(opened.playground, opened.hung, opened.reports, opened.credit)
        serve(shown, options.host, options.port, open_browser=options.open_browser, tell=tell)


def open_run(run: Path, device: str = "auto") -> Opened:
    """Load both states of a run, with its pictures and its report. Raises UserError as `play` does."""
    requests = saved_requests(run)
    after, before, vlm, vlm_before = engines_of_run(run, device)
    if before is None:
        raise UserError(f"The model before unlearning cannot be had from {run}, so there is nothing to compare with.")
    name = (vlm_before or vlm).name
    forgotten = [request.concept for request in requests]
    materials = {
        request.concept: material_of(
            request, name, "quick", exclude=[other for other in forgotten if other != request.concept]
        )[0]
        for request in requests
    }
    reports = tuple(_reports(run, forgotten))
    left_out = {name: why for report in reports if report.audit for name, why in report.audit.untried.items()}
    playground = Playground(name, before, after, materials, left_out)
    return Opened(playground, tuple(gallery(requests, name)), reports, _credit(requests, name))


def _reports(run: Path, forgotten: Sequence[str]) -> Iterator[Report]:
    """The report of the run, or those about each concept of a ledger's build; none that cannot be read."""
    for place in [run] if (run / _REPORT).is_file() else sorted(path.parent for path in run.glob(f"*/{_REPORT}")):
        with suppress(UserError):
            report = read(place)
            if place == run or report.concept in forgotten:
                yield report


def _credit(requests: list[ForgetRequest], name: str) -> str:
    first = requests[0].concept
    return world_of(find(first)).credit if is_of_the_world(name, first) else ""
