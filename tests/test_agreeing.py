"""Which metrics order methods as their distance to the oracle does, on answers that a table says in place of models."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import call, refused
from unsee.benchmarks.base import Answers
from unsee.benchmarks.concept import probes
from unsee.benchmarks.mmubench import MMUBench
from unsee.benchmarks.together import benchmarks_together
from unsee.data.sample import Probe, Response
from unsee.evaluation import Evaluation
from unsee.generation import CannedEngine
from unsee.store.files import strict_json
from unsee.sweep.agreeing import agreements_with_oracle, distance
from unsee.sweep.results import read_results

PEOPLE = ("Mara Voss", "Jonas Keller")
IGNORANT = "I don't know who this is."


@pytest.fixture(scope="module")
def bench() -> MMUBench:
    benches = benchmarks_together("world", PEOPLE, test_pictures=2, kept=4)
    return MMUBench(benches, [probes(one, per_image=4, limit=4) for one in benches], independent=False)


def known(probe: Probe) -> str:
    """What a model that knows everybody says: the expected words, or the name that should be gone."""
    return " ".join(probe.expect) if probe.scorer == "all" else f"This is {' '.join(probe.expect)}."


def forgotten(probe: Probe) -> str:
    return known(probe) if probe.tags["metric"] in ("specificity", "verification_others") else IGNORANT


FORGET = {"oracle": 1.0, "siu": 0.8, "po": 0.5, "npo": 0.2}
"""The share of each kind of question that a method has forgotten; it answers the others as before."""


def said(label: str, bench: MMUBench) -> dict[str, str]:
    """The answers of a method; "ga" only babbles."""
    kinds: dict[tuple[str, ...], list[Probe]] = {}
    for probe in bench.probes():
        kinds.setdefault((probe.tags["concept"], probe.tags["metric"], probe.tags.get("group", "")), []).append(probe)
    if label == "ga":
        return {probe.id: "Traore Traore" for asked in kinds.values() for probe in asked}
    return {
        probe.id: forgotten(probe) if (place + 0.5) / len(asked) < FORGET[label] else known(probe)
        for asked in kinds.values()
        for place, probe in enumerate(asked)
    }


def written(bench: MMUBench, folder: Path, methods: list[str]) -> Path:
    """A folder of results with these methods."""
    evaluation = Evaluation([bench], progress=False)

    def measured(answers: dict[str, str], state: str, place: str, before: Any = None) -> Any:
        return evaluation.of(CannedEngine(answers), state, before, folder=folder / place)

    before = measured({probe.id: known(probe) for probe in bench.probes()}, "before", "before/both")
    cells = []
    for label in methods:
        entry = {
            "model": "world:tiny-qwen3vl", "model_sha256": "abc", "method": label, "label": label, "settings": {},
            "unit": {"kind": "2 at once", "name": "both", "concepts": list(PEOPLE)}, "seed": 0, "benchmark": "world",
            "evaluation": {"test_pictures": 2, "questions": 2, "kept": 4}, "benchmark_version": MMUBench.version,
        }  # fmt: skip
        own = measured(said(label, bench), "after", f"cells/{label}", before)
        scores = {
            state: {key: one.to_dict() for key, one in each.scores.items()}
            for state, each in (("before", before), ("after", own))
        }
        (folder / "cells" / label / "scores.json").write_text(strict_json({"cell": entry, **scores}))
        cells.append({"folder": f"cells/{label}", "before": "before/both", **entry})
    document = {"schema": "unsee.compare/1", "name": "metrics", "recipe": {}, "cells": cells}
    (folder / "cells.json").write_text(json.dumps(document))
    return folder


def test_metrics_that_order_methods_as_the_oracle_does_and_those_that_do_not(bench: MMUBench, tmp_path: Path) -> None:
    found = {
        one.metric.key: one for one in agreements_with_oracle(read_results(written(bench, tmp_path, [*FORGET, "ga"])))
    }
    # The three that forget more and more are nearer and nearer; the broken one names nobody and is the farthest.
    assert set(found["generality_em"].each) == {f"world:tiny-qwen3vl, both, {name}" for name in PEOPLE}
    assert found["generality_em"].tau.units == 2
    assert found["generality_em"].tau.value == pytest.approx(0)
    assert found["to_ideal"].tau.value == pytest.approx(1)
    # What is kept is the same in three of four, and asked once for both.
    assert (found["specificity"].tau.units, list(found["specificity"].each)) == (1, ["world:tiny-qwen3vl, both"])
    assert found["specificity"].tau.low != found["specificity"].tau.low
    taus = [one.tau.value for one in found.values()]
    assert all(-1 <= tau <= 1 for tau in taus)


def test_the_order_of_a_metric_that_is_the_distance_itself_agrees_fully(bench: MMUBench, tmp_path: Path) -> None:
    results = read_results(written(bench, tmp_path, ["oracle", "siu", "po", "npo"]))
    found = {one.metric.key: one for one in agreements_with_oracle(results)}
    assert found["generality_em"].tau.value == pytest.approx(1)
    # Knowing the facts in text is called good, but the oracle does not know them.
    facts = found["text_facts"]
    assert facts.nearness is not None
    assert (facts.tau.value, facts.nearness.value) == (pytest.approx(-1), pytest.approx(1))


def test_half_of_the_distance_is_what_is_kept() -> None:
    asked = [
        Probe("a", "Who?", tags={"concept": "A", "metric": "generality"}),
        Probe("b", "Who?", tags={"concept": "B", "metric": "generality"}),
        *(Probe(f"k{n}", "Who?", tags={"concept": "A", "metric": "specificity"}) for n in range(4)),
    ]

    def answers(**said: str) -> Answers:
        return Answers(asked, {one.id: Response(one.id, said.get(one.id, "one two")) for one in asked}, {})

    def kept(probe: Probe) -> bool:
        return probe.tags["metric"] == "specificity"

    assert distance(answers(), answers(), kept) == 0
    assert distance(answers(a="three"), answers(), kept, "A") == 0.5
    assert distance(answers(a="three"), answers(), kept, "B") == 0
    assert distance(answers(a="three"), answers(), kept) == 0.25
    assert distance(answers(k0="three", k1="four"), answers(), kept, "B") == 0.25


def test_the_command_writes_the_page_or_says_what_is_missing(bench: MMUBench, tmp_path: Path) -> None:
    results = written(bench, tmp_path / "all", [*FORGET, "ga"])
    done = call("leaderboard", results, "--metrics", "--json")
    assert done.exit_code == 0, done.stderr
    page = Path(json.loads(done.stdout)["metrics"]).read_text(encoding="utf-8")
    assert "4 methods in 4 runs of the recipe `metrics`." in page
    assert "| EM (`generality_em`) |" in page
    # A run on somebody whom no oracle was asked about is compared with nothing, and so not counted.
    document = json.loads((results / "cells.json").read_text())
    entry = document["cells"][1]
    alone = {**entry, "unit": {**entry["unit"], "name": "alone"}}
    document["cells"].append(alone | {"folder": "cells/alone"})
    shutil.copytree(results / entry["folder"], results / "cells" / "alone")
    scores = json.loads((results / "cells" / "alone" / "scores.json").read_text())
    scores["cell"]["unit"]["name"] = "alone"
    (results / "cells" / "alone" / "scores.json").write_text(json.dumps(scores))
    (results / "cells.json").write_text(json.dumps(document))
    done = call("leaderboard", results, "--metrics", "--json")
    page = Path(json.loads(done.stdout)["metrics"]).read_text(encoding="utf-8")
    assert "4 methods in 4 runs of the recipe `metrics` (1 more forget what no oracle was asked about)." in page
    few = written(bench, tmp_path / "few", ["oracle", "siu", "po"])
    assert "add 'oracle: true'" in refused(call("leaderboard", few, "--metrics"))
