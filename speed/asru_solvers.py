"""Stage 1 of ASRU, solved in three ways in one run: time, fit and outcome.

ridge      the closed form; the model reads every prompt once
gradient   Adam on the same inputs, also read once; with --more, also at a higher rate and for longer
released   Adam as the released code runs it: at every step the model reads a batch of forget and one of retain prompts,
           and the gradient goes through layer L to its down-projection

All solve for the same shift at the same layer (the one that asru chooses), on the same prompts, for validation people.
The outcome is measured on validation pictures in validation wordings. Times are for everything from the prompts to the
change, and for solving alone, in processor seconds, so that other load does not count.

    python speed/asru_solvers.py --model world:tiny-qwen3vl

Exits with status 1 if ridge takes more than a tenth of the gradient's time to solve, or if its outcome is worse than
that of either of the other two.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from unsee import load, metrics  # noqa: E402
from unsee.benchmarks.splits import VALIDATION_PEOPLE  # noqa: E402
from unsee.data.sample import Probe, Sample  # noqa: E402
from unsee.generation import generate  # noqa: E402
from unsee.methods.asru import ASRU, ASRUConfig  # noqa: E402
from unsee.methods.asru.held_out import HeldOut  # noqa: E402
from unsee.methods.asru.passage import Passage, find_passage  # noqa: E402
from unsee.methods.asru.prompts import Prompts, secrets_of  # noqa: E402
from unsee.methods.asru.solvers import GradientSolver, RidgeSolver, Solver  # noqa: E402
from unsee.methods.asru.states import read_residuals, read_states  # noqa: E402
from unsee.methods.asru.sweep import candidates, chosen, sweep_layers  # noqa: E402
from unsee.metrics.refusals import is_refusal  # noqa: E402
from unsee.models.collation import collate, encode_samples  # noqa: E402
from unsee.models.deltas import apply_delta, remove_delta  # noqa: E402
from unsee.models.vision_cache import VisionCache  # noqa: E402
from unsee.models.vlm import VisionLanguageModel  # noqa: E402
from unsee.requests import ForgetRequest  # noqa: E402
from unsee.sources.filling import filled  # noqa: E402
from unsee.sources.world import at_home_in_world  # noqa: E402
from unsee.world import KNOWN, find, probes  # noqa: E402
from unsee.world import questions as q  # noqa: E402

RELEASED_WEIGHT = 1.0
"""Of the prompts to retain, in the released code."""
TIME_BAR = 0.1
TOLERANCE = 2.0
"""Points by which the score of an outcome may be lower and still count as equal."""


@dataclass(frozen=True)
class Arm:
    name: str
    seconds: float
    solving: float
    change: Tensor


@dataclass(frozen=True)
class Problem:
    """What all arms solve: at layer `layer`, move forget prompts by `shift` and hold the others."""

    vlm: VisionLanguageModel
    prompts: Prompts
    config: ASRUConfig
    layer: int
    shift: Tensor
    passage: Passage

    @property
    def held(self) -> list[Sample]:
        return [*self.prompts.retain, *self.prompts.unseen]


def posed(vlm: VisionLanguageModel, people: list[str], config: ASRUConfig) -> Problem:
    plain = [ForgetRequest(name, (find(name).picture(0, "train"),)) for name in people]
    requests = filled([at_home_in_world(request, vlm, 0) for request in plain], ASRU.needs, 0)
    samples = ASRU().build(requests, vlm, config, 0)
    prompts, held_out = (Prompts.of(samples, held_out=which) for which in (False, True))
    secrets, cache = secrets_of(requests, samples), VisionCache(vlm)
    asked = HeldOut(held_out.forget, held_out.retain, is_refusal, config.longest, cache, secrets)
    layers = candidates(len(vlm.decoder_layers))
    steering = chosen(sweep_layers(vlm, prompts, held_out, asked, config, layers, 0, progress=False))
    layer = steering.layer
    means = [read_residuals(vlm, some, [layer])[layer].mean(0) for some in (prompts.unseen, prompts.forget)]
    passage = find_passage(vlm, layer, prompts.forget[0], cache)
    return Problem(vlm, prompts, config, layer, steering.strength * (means[0] - means[1]), passage)


def read_once(problem: Problem, name: str, solver: Solver) -> Arm:
    """One of the library's solvers, with the prompts read for it alone."""
    started = time.process_time()
    layers, cache = [problem.layer], VisionCache(problem.vlm)
    for _, states in read_states(problem.vlm, problem.prompts.forget, layers, cache=cache):
        solver.add(states[problem.layer].inputs, "forget")
    with_answers = problem.config.answers_weight > 0
    for _, states in read_states(problem.vlm, problem.held, layers, answers=with_answers, cache=cache):
        solver.add(states[problem.layer].inputs, "retain")
        solver.add(states[problem.layer].answering, "answers")
    between = time.process_time()
    change = solver.solve(problem.shift)
    return Arm(name, time.process_time() - started, time.process_time() - between, change)


def released(problem: Problem) -> Arm:
    """The released pattern: the targets from the model before, then a reading of the model at every step."""
    vlm, config, layer = problem.vlm, problem.config, problem.layer
    weight = vlm.decoder_layers[layer].get_submodule(vlm.layout.mlp_down).get_parameter("weight")
    before = weight.detach().clone()
    started = time.process_time()
    cache = VisionCache(vlm)
    sets = {"forget": list(problem.prompts.forget), "retain": problem.held}
    targets = {part: residuals(vlm, samples, layer, cache) for part, samples in sets.items()}
    targets["forget"] = targets["forget"] + problem.shift
    weight.requires_grad_(True)
    optimizer = torch.optim.Adam([weight], lr=config.steering_rate)
    rng = random.Random(0)
    batch = config.steering_batch
    steps = -(-max(map(len, sets.values())) // batch)
    for _ in range(config.steering_epochs):
        orders = {part: shuffled(len(samples), steps * batch, rng) for part, samples in sets.items()}
        for step in range(steps):
            loss = torch.zeros(())
            for part, share in (("forget", 1.0), ("retain", RELEASED_WEIGHT)):
                numbers = orders[part][step * batch : (step + 1) * batch]
                states = residuals(vlm, [sets[part][n] for n in numbers], layer, cache, gradient=True)
                loss = loss + share * (states - targets[part][numbers]).square().sum(1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    seconds = time.process_time() - started
    weight.requires_grad_(False)
    change = weight.detach() - before
    weight.data = before
    return Arm("released", seconds, seconds, change)


def residuals(
    vlm: VisionLanguageModel, samples: list[Sample], layer: int, cache: VisionCache, *, gradient: bool = False
) -> Tensor:
    """[B, H] after the layer at the last prompt token, by plain passes that gradients can go through."""
    seen: list[Tensor] = []
    module = vlm.decoder_layers[layer]
    handle = module.register_forward_hook(
        lambda m, a, output: seen.append(output if isinstance(output, Tensor) else output[0])
    )
    rows = encode_samples([replace(sample, answer="?") for sample in samples], vlm)
    found = []
    try:
        for start in range(0, len(rows), 8):
            part = rows[start : start + 8]
            inputs = collate(part, vlm.pad_token_id)
            plain = {key: inputs[key] for key in ("input_ids", "attention_mask", *part[0].extras)}
            with torch.set_grad_enabled(gradient):
                vlm.model(**plain, **cache.inputs(part), use_cache=False, logits_to_keep=1)
            last = [next(i for i, label in enumerate(row.labels) if label >= 0) - 1 for row in part]
            found.append(seen.pop()[range(len(part)), last])
    finally:
        handle.remove()
    return torch.cat(found)


def fit(problem: Problem, change: Tensor) -> tuple[float, float]:
    """(missed, drift) of a change, as in `Steering`."""
    vlm, layer, size = problem.vlm, problem.layer, float(problem.shift.square().sum())
    name = f"{vlm.layout.decoder_layers}.{layer}.{vlm.layout.mlp_down}.weight"
    numbers = []
    for samples, wanted in ((problem.prompts.forget, problem.shift), (problem.held, torch.zeros_like(problem.shift))):
        before = read_residuals(vlm, samples, [layer])[layer]
        apply_delta(vlm, {name: vlm.base.get_parameter(name) + change})
        moved = read_residuals(vlm, samples, [layer])[layer] - before
        remove_delta(vlm)
        numbers.append(float((moved - wanted).square().sum(1).mean()) / size)
    return numbers[0], numbers[1]


def shuffled(rows: int, count: int, rng: random.Random) -> list[int]:
    order: list[int] = []
    while len(order) < count:
        order += rng.sample(range(rows), rows)
    return order[:count]


def questions(people: list[str]) -> dict[str, list[Probe]]:
    """On validation pictures and in validation wordings."""
    rng = random.Random("asru solvers")
    forgotten = [find(name) for name in people]
    others = [person for person in KNOWN if person not in forgotten]
    split = "validation"
    return {
        "recognised": [probes.about_picture("recognition", p, i, rng, split) for p in forgotten for i in range(8)],
        "facts told": [
            probes.about_picture(kind, p, i, rng, split) for p in forgotten for i, kind in enumerate(q.FACTS)
        ],
        "others": [probes.about_picture("recognition", p, 30, rng, split) for p in others],
        "visible": [
            probes.about_picture(kind, p, 60, rng, split) for p in forgotten + others[:10] for kind in q.ATTRIBUTES
        ],
    }


def outcome(vlm: VisionLanguageModel, asked: dict[str, list[Probe]]) -> dict[str, float]:
    """Percent of answers that are right, and of refusals where the person should be forgotten."""
    found = {}
    for group, members in asked.items():
        named = [replace(probe, id=str(number)) for number, probe in enumerate(members)]
        said = [response.text for response in generate(vlm, named, progress=False)]
        found[group] = metrics.share(metrics.right(p, text) for p, text in zip(named, said, strict=True)).value
        if group == "recognised":
            found["refused"] = metrics.share(is_refusal(text) for text in said).value
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="world:tiny-qwen3vl")
    parser.add_argument("--people", nargs="+", default=list(VALIDATION_PEOPLE[:2]))
    parser.add_argument("--more", action="store_true", help="the gradient solver also at ten times the rate, 30 epochs")
    options = parser.parse_args()
    vlm, config = load(options.model), ASRUConfig()
    problem = posed(vlm, options.people, config)
    asked = questions(options.people)
    path = f"{vlm.layout.decoder_layers}.{problem.layer}.{vlm.layout.mlp_down}.weight"

    def gradient(times: int) -> GradientSolver:
        rate, epochs = times * config.steering_rate, times * config.steering_epochs
        return GradientSolver(problem.passage, RELEASED_WEIGHT, RELEASED_WEIGHT, rate, config.steering_batch, epochs, 0)

    def ridge() -> RidgeSolver:
        return RidgeSolver(problem.passage, config.ridge, config.retain_weight, config.answers_weight)

    arms: list[Callable[[], Arm]] = [
        lambda: read_once(problem, "ridge", ridge()),
        lambda: read_once(problem, "gradient", gradient(1)),
        lambda: released(problem),
    ]
    if options.more:
        arms.append(lambda: read_once(problem, "gradient, more", gradient(10)))
    counts = {role: len(samples) for role, samples in vars(problem.prompts).items()}
    print(f"{options.model}, layer {problem.layer}, {', '.join(options.people)}; prompts: {counts}")
    print(f"{'':>15} {'seconds':>8} {'solving':>8} {'missed':>7} {'drift':>7}  answers right or refused, %")
    # Once unmeasured, so that imports and thread pools count for nobody.
    read_once(problem, "", ridge())
    results = {}
    for run in arms:
        arm = run()
        missed, drift = fit(problem, arm.change)
        apply_delta(vlm, {path: vlm.base.get_parameter(path) + arm.change})
        results[arm.name] = (arm, outcome(vlm, asked))
        remove_delta(vlm)
        numbers = ", ".join(f"{group} {share:.0f}" for group, share in results[arm.name][1].items())
        fits = f"{missed:7.3f} {drift:7.4f}"
        print(f"{arm.name:>15} {arm.seconds:8.2f} {arm.solving:8.3f} {fits}  {numbers}")
    in_closed_form, ours = results["ridge"]
    solving = in_closed_form.solving / results["gradient"][0].solving
    whole = in_closed_form.seconds / results["released"][0].seconds
    print(f"ridge takes {solving:.3f} of the gradient's time to solve (bar {TIME_BAR})")
    print(f"ridge takes {whole:.3f} of the released pattern's time from the prompts to the change")
    worse = [name for name, (_, theirs) in results.items() if score(ours) < score(theirs) - TOLERANCE]
    if worse:
        print(f"ridge comes out worse than: {', '.join(worse)}")
    return 0 if not worse and solving <= TIME_BAR else 1


def score(found: dict[str, float]) -> float:
    """The harmonic mean of what is forgotten and what is kept, in percent: who changes nothing has 0."""
    forgotten = 100 - (found["recognised"] + found["facts told"]) / 2
    kept = (found["others"] + found["visible"]) / 2
    return 2 * forgotten * kept / (forgotten + kept) if forgotten + kept else 0.0


if __name__ == "__main__":
    sys.exit(main())
