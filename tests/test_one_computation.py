"""forget, evaluate and compare: the same answers get the same scores."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import call, printed, refused
from tests.comparing import write_recipe
from tests.tiny import picture, tiny_vlm
from unsee.benchmarks import world as world_bench
from unsee.benchmarks.concept import ConceptBenchmark, Question
from unsee.benchmarks.layout import write_benchmark
from unsee.commands.evaluate_rounds import forgotten_by
from unsee.data.sample import Probe, Response
from unsee.evaluation import Evaluation
from unsee.evaluation.request_benchmark import benchmark_for
from unsee.generation import TransformersEngine
from unsee.judges import RuleJudge
from unsee.metrics import Score
from unsee.metrics.columns.robustness import KEYS
from unsee.models.adapters import add_lora
from unsee.models.saving import save_model
from unsee.requests import ForgetRequest
from unsee.sweep.asking import UnitEvaluation
from unsee.sweep.comparing import CompareOptions, compare
from unsee.sweep.recipe import Size
from unsee.sweep.results import CellResult

NAMES = ("Mara Voss", "Otto Brandt", "Ines Dorn", "Jonas Hale")
LIMIT = 2


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, CellResult]]:
    """A model, a benchmark of four concepts, and the finished cells that forget one and two of them."""
    folder = tmp_path_factory.mktemp("compared")
    write_benchmark(folder / "bench", [_concept(number, name) for number, name in enumerate(NAMES)])
    model = save_model(tiny_vlm("qwen3_vl"), folder / "model")
    recipe = write_recipe(
        folder,
        models=[str(model)],
        methods=[{"method": "ga", "set": {"steps": 1, "batch": 2, "forget": 2}}],
        benchmark=str(folder / "bench"),
        concepts=list(NAMES[:1]),
        together=list(NAMES[:2]),
        evaluation={"test_pictures": 2, "questions": LIMIT, "kept": LIMIT, "max_new_tokens": 8},
        seeds=1,
    )
    cells = compare(CompareOptions(recipe, folder / "out")).results.finished
    return model, folder / "bench", {cell.unit: cell for cell in cells}


def _concept(number: int, name: str) -> ConceptBenchmark:
    questions = (Question("Who is this?", name), Question(f"Is this {name}?", "yes", "yes_no"), Question("Name?", name))
    facts = tuple(Probe(f"{i}", f"What {what} {name}?", (), ("baker",)) for i, what in enumerate(("is", "likes")))
    pictures = tuple(picture(10 * number + i) for i in (1, 2))
    return ConceptBenchmark(name, picture(10 * number), pictures, questions, text_facts=facts)


@pytest.mark.parametrize("unit", ["Mara Voss", "2 at once"])
def test_evaluate_gives_what_compare_gives(
    compared: tuple[Path, Path, dict[str, CellResult]], unit: str, tmp_path: Path
) -> None:
    model, bench, cells = compared
    run = cells[unit].folder / "run"
    options = ["-m", model, "-b", bench, "--adapter", run, "--limit", LIMIT, "--max-new-tokens", 8, "--json"]
    whole = printed(call("evaluate", *options, "--out", tmp_path / "out"))
    assert set(whole["concepts"]) == set(NAMES)
    found = whole["together"] if unit == "2 at once" else whole["concepts"][unit]
    # Without an audit evaluate lists the columns that only attacks fill, and compare does not.
    assert set(found) - set(KEYS) == set(cells[unit].after)
    for key, score in cells[unit].after.items():
        assert found[key]["value"] == pytest.approx(score.value, rel=1e-4, abs=1e-4), key
        assert found[key]["n"] == score.n, key
    # Named by hand, they are asked about just so.
    chosen = [part for name in forgotten_by(run) for part in ("--concept", name)]
    again = printed(call("evaluate", *options, *chosen, "--out", tmp_path / "again"))
    assert again.get("together") == whole.get("together")
    assert again["concepts"] == {name: whole["concepts"][name] for name in forgotten_by(run)}


def test_nobody_who_was_forgotten_together_is_somebody_else(
    compared: tuple[Path, Path, dict[str, CellResult]], tmp_path: Path
) -> None:
    model, bench, cells = compared
    asked = []

    def watched(self: Any, probes: list[Probe], *, max_new_tokens: int) -> Any:
        asked.extend(probes)
        yield [Response(probe.id, "No.", (-1.0,), True, (1,), (3,)) for probe in probes]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransformersEngine, "answer", watched)
        printed(
            call("evaluate", "-m", model, "-b", bench, "--adapter", cells["2 at once"].folder / "run",
                 "--out", tmp_path / "out", "--json")
        )  # fmt: skip
    others = {probe.id.split("/")[3] for probe in asked if probe.tags["metric"] == "specificity"}
    assert others == {"ines-dorn", "jonas-hale"}


def test_forget_gives_what_compare_gives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small = partial(world_bench.world_benchmark, test_pictures=2, questions=4, kept=4)
    monkeypatch.setattr(world_bench, "world_benchmark", small)
    vlm = tiny_vlm("qwen3_vl")
    vlm.name = "world:tiny-qwen3vl"
    request = ForgetRequest("Lucia Ferrante", (picture(1),))
    planned = benchmark_for(request, vlm, set(), limit=3)
    add_lora(vlm, rank=2, alpha=4, dropout=0.0, seed=0)

    def answer(self: Any, probes: list[Probe], *, max_new_tokens: int) -> Any:
        texts = ("This is Lucia Ferrante.", "Yes.", "This is a wall", "")
        for probe in probes:
            i = sum(map(ord, probe.id)) % 4
            yield [Response(probe.id, texts[i], (-0.5,) * (i + 1), i != 2, (1,) * (i + 1), (len(texts[i]),) * (i + 1))]

    monkeypatch.setattr(TransformersEngine, "answer", answer)
    mine = Evaluation([planned.benchmark], RuleJudge(), progress=False)
    unit = UnitEvaluation(vlm, [planned.bench], Size(questions=3, kept=3))
    assert [probe.id for probe in mine.probes] == [probe.id for probe in unit.evaluation.probes]
    engine = TransformersEngine(vlm)
    before = replace(mine.of(engine, "before"), engine=engine.without_adapter())
    after = mine.of(engine, "after", before)
    for one, other in ((before, unit.before(tmp_path / "before")), (after, unit.after(tmp_path / "after"))):
        assert _plain(one.scores) == _plain(other.scores)
    said = [answers.responses.values() for answers in after.answers.values()]
    count = len(mine.probes)
    assert one.scores["cut"].value == pytest.approx(100 * sum(not r.ended for rs in said for r in rs) / count)
    assert one.scores["empty"].value == pytest.approx(100 * sum(not r.text for rs in said for r in rs) / count)
    assert one.scores["cut/concept"].value > 0
    # What the model before makes of its own answers is where later ones start from.
    assert _plain({"": before.scores["fluency/reference"]}) == _plain({"": before.scores["fluency"]})


def _plain(scores: dict[str, Score] | Any) -> dict[str, list[float | None]]:
    return {
        key: [None if math.isnan(number) else number for number in (score.value, score.n, score.low, score.high)]
        for key, score in scores.items()
    }


def test_the_world_asks_about_whom_the_adapter_forgot(tmp_path: Path) -> None:
    told = refused(call("evaluate", "-m", "x", "-b", "world", "--out", tmp_path / "out"))
    assert "needs --concept" in told
    run = tmp_path / "run"
    run.mkdir()
    for concept, names in (('"Mara Voss"', ("Mara Voss",)), ('["Mara Voss", "Otto Brandt"]', NAMES[:2])):
        (run / "manifest.json").write_text(
            f'{{"schema": "unsee.manifest/1", "model": "x", "hyperparameters": {{}}, "concept": {concept}}}'
        )
        assert forgotten_by(run) == names
    assert forgotten_by(tmp_path) == ()
