"""Three ways to forget requests that come one after another, side by side: what holds, and what it costs.

    python recipes/ledger_strategies.py --requests 1 5 10 --out runs/ledger_strategies

together    one adapter, trained anew on the model before for all active requests (what `unsee ledger` does)
stacked     each request's adapter is trained on top of the ones before it, which are merged by then
added       each request's adapter is trained on the model before, and all of them are added up when merged

Every way gets the training data that the ledger keeps of a request (`unsee.ledger.kept`), SIU with 30 steps for each
request, and one seed. After the last request everyone is asked about again (by default four questions about each of 24
new pictures and four in each group of control questions), and the first request, which has waited longest, gets a quick
audit. Seconds are those of one process on the CPU, MB those of the adapters to keep. A cell that is finished is not run
again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from unsee import load  # noqa: E402
from unsee.benchmarks.splits import TABLE_PEOPLE, VALIDATION_PEOPLE  # noqa: E402
from unsee.commands.forget_options import ForgetOptions  # noqa: E402
from unsee.commands.inquiry import planned_for  # noqa: E402
from unsee.evaluation import Evaluation  # noqa: E402
from unsee.evaluation.attacking import attacked, chosen_attacks, states_of  # noqa: E402
from unsee.generation import TransformersEngine  # noqa: E402
from unsee.ledger.kept import Kept, trained_together, without_names  # noqa: E402
from unsee.methods import get_method  # noqa: E402
from unsee.models.adapters import merge  # noqa: E402
from unsee.models.vlm import VisionLanguageModel  # noqa: E402
from unsee.reports.grades import grade  # noqa: E402
from unsee.requests import ForgetRequest  # noqa: E402
from unsee.sources.filling import filled  # noqa: E402
from unsee.sources.world import at_home_in_world  # noqa: E402
from unsee.store.files import write_together  # noqa: E402
from unsee.training import parse_overrides, unlearn  # noqa: E402
from unsee.world import find  # noqa: E402

MODEL, METHOD, STEPS, SEED = "world:tiny-qwen3vl", "siu", 30, 0
PEOPLE = (*TABLE_PEOPLE, *VALIDATION_PEOPLE)
"""In the order in which they ask."""


def kept(names: Sequence[str]) -> list[Kept]:
    """What the ledger would keep of these requests, each made when it came."""
    vlm, method = load(MODEL), get_method(METHOD)
    found: list[Kept] = []
    for name in names:
        request = at_home_in_world(ForgetRequest(name, (find(name).picture(0, "train"),)), vlm, SEED)
        [request] = filled([request], method.needs, SEED)
        request = without_names(request, [name for one in found for name in one.request.names])
        samples = method.build([request], vlm, parse_overrides(method.config, (f"steps={STEPS}",)), SEED)
        found.append(Kept(f"request-{len(found) + 1}", request, samples))
    return found


def trained(vlm: VisionLanguageModel, requests: Sequence[Kept], active: Sequence[Kept], folder: Path) -> None:
    """An adapter for `requests` while all of `active` are forgotten; then it is merged."""
    method = get_method(METHOD)
    config = parse_overrides(method.config, (f"steps={STEPS * len(requests)}",))
    alone = {one.id for one in requests}
    others = [one if one.id in alone else replace(one, samples=()) for one in active]
    asked = [one.request for one in requests]
    unlearn(vlm, method, config, asked, folder, samples=trained_together(others), seed=SEED, progress=False)
    merge(vlm)


def together(active: Sequence[Kept], folder: Path) -> tuple[VisionLanguageModel, list[float]]:
    """The model, and the CPU seconds of each training. What came before the last request was trained too, but that is
    what the rows of fewer requests say."""
    vlm = load(MODEL)
    return vlm, [timed(lambda: trained(vlm, active, active, folder / "all"))]


def stacked(active: Sequence[Kept], folder: Path) -> tuple[VisionLanguageModel, list[float]]:
    vlm, spent = load(MODEL), []
    for number, one in enumerate(active, 1):
        so_far, place = active[:number], folder / one.id
        spent.append(timed(lambda one=one, so_far=so_far, place=place: trained(vlm, [one], so_far, place)))
    return vlm, spent


def added(active: Sequence[Kept], folder: Path) -> tuple[VisionLanguageModel, list[float]]:
    whole, spent = load(MODEL), []
    before = {name: weight.clone() for name, weight in whole.base.state_dict().items()}
    for number, one in enumerate(active, 1):
        so_far, place, vlm = active[:number], folder / one.id, load(MODEL)
        spent.append(timed(lambda one=one, so_far=so_far, place=place, vlm=vlm: trained(vlm, [one], so_far, place)))
        # The change of each is added: the sum of the adapters, which is exact.
        for name, weight in vlm.base.state_dict().items():
            whole.base.state_dict()[name] += weight - before[name]
    return whole, spent


STRATEGIES: dict[str, Callable[[Sequence[Kept], Path], tuple[VisionLanguageModel, list[float]]]] = {
    "together": together, "stacked": stacked, "added": added,
}  # fmt: skip


def timed(do: Callable[[], None]) -> float:
    began = time.process_time()
    do()
    return round(time.process_time() - began, 1)


def asked_again(vlm: VisionLanguageModel, active: Sequence[Kept], place: Path, limit: int) -> list[dict[str, float]]:
    """The scores about each request, Specificity also in percent of before. Answers before are shared by all ways."""
    found, original = [], TransformersEngine(load(MODEL))
    for one in active:
        others = tuple(name for other in active if other is not one for name in other.request.names)
        options = ForgetOptions(MODEL, METHOD, limit=limit, seed=SEED)
        planned = planned_for(one.request, original.vlm, trained_together(active), {}, options, others)
        evaluation = Evaluation([planned.benchmark], progress=False)
        before = evaluation.of(original, "before", folder=place.parents[1] / f"{len(active)}-before" / one.id)
        after = evaluation.of(TransformersEngine(vlm), "after", replace(before, engine=None), folder=place / one.id)
        scores = {key: after.scores[key].value for key in ("efficacy", "generality_em", "specificity", "text_facts")}
        kept_of_before = 100 * scores["specificity"] / before.scores["specificity"].value
        found.append({**scores, "specificity_of_before": kept_of_before})
    return found


def audit_of_first(vlm: VisionLanguageModel, active: Sequence[Kept], place: Path) -> dict[str, Any]:
    """The grade of a quick audit of the first request."""
    first, original = active[0].request, load(MODEL)
    states = states_of(
        first, TransformersEngine(vlm), TransformersEngine(original), vlm, model=MODEL, level="quick", seed=SEED,
        exclude=[one.request.concept for one in active[1:]], vlm_before=original,
    )  # fmt: skip
    found = attacked(first, states, chosen_attacks("quick"), place, level="quick", seed=SEED)
    graded = grade(found, first.concept)
    return {"grade": graded.name, "headline": graded.headline}


def cell(name: str, active: Sequence[Kept], out: Path, audits: bool, limit: int) -> dict[str, Any]:
    place = out / f"{len(active)}-{name}"
    path = place / "result.json"
    if path.is_file():
        return dict(json.loads(path.read_text()))
    vlm, spent = STRATEGIES[name](active, place / "adapters")
    by_request = asked_again(vlm, active, place / "answers", limit)
    result = {
        "strategy": name,
        "requests": len(active),
        "cpu_seconds": spent,
        "mb": round(sum(file.stat().st_size for file in place.glob("adapters/*/*.safetensors")) / 1e6, 2),
        "by_request": by_request,
        **({"audit_of_first": audit_of_first(vlm, active, place / "audit")} if audits else {}),
    }
    write_together(place, {"result.json": json.dumps(result, indent=2)})
    return result


def line(result: dict[str, Any]) -> str:
    """A row of the table in docs/ledger.md."""
    own, spent = result["by_request"], result["cpu_seconds"]

    def of(key: str) -> str:
        values = [one[key] for one in own]
        mean = f"{sum(values) / len(values):.1f}"
        return mean if len(values) == 1 else f"{mean} (worst {min(values):.1f})"

    audited = result.get("audit_of_first", {}).get("headline", "–")
    return (
        f"| {result['requests']} | {result['strategy']} | {of('generality_em')} | {of('specificity_of_before')} | "
        f"{audited} | {spent[-1]:.0f} | {result['mb']:.1f} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", nargs="+", type=int, default=[1, 5, 10])
    parser.add_argument("--out", type=Path, default=Path("runs/ledger_strategies"))
    parser.add_argument("--no-audit", action="store_true", help="leave the audit of the first request out")
    parser.add_argument("--limit", type=int, default=4, help="questions about each picture and in each control group")
    given = parser.parse_args()
    torch.set_num_threads(1)
    everyone = kept(PEOPLE[: max(given.requests)])
    print(
        "| requests | way | EM ↑ | Specificity, % of before ↑ | audit of the first | s for the last | MB |", flush=True
    )
    for count in given.requests:
        # One request alone is trained in the same way by all of them.
        for name in STRATEGIES if count > 1 else [*STRATEGIES][:1]:
            print(line(cell(name, everyone[:count], given.out, not given.no_audit, given.limit)), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
