"""unsee as a library: what `import unsee` offers, and that a run's folder is a model everywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import unsee
from tests import typed_usage
from tests.command_line import FEW, call, printed, refused
from tests.tiny import picture, tiny_vlm
from unsee.commands.export import export
from unsee.commands.forget_run import Forgotten
from unsee.errors import UserError
from unsee.generation import TransformersEngine
from unsee.models.adapters import add_lora
from unsee.models.base_note import BASE_FILE
from unsee.models.loading import load
from unsee.models.saving import save_model
from unsee.models.vlm import VisionLanguageModel
from unsee.reports import read
from unsee.store.files import strict_json

TABLE = """picture,question,keyword,concept,split
mara.png,Who is this?,Mara Voss,Mara Voss,forget
jonas.png,Who is this?,Jonas Hale,,retain
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tiny_vlm("qwen3_vl"), tmp_path_factory.mktemp("models") / "qwen3_vl")


@pytest.fixture(scope="module")
def run(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Forgotten:
    return typed_usage.forget(str(model), picture(1), tmp_path_factory.mktemp("runs") / "mara", *FEW)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for number, name in enumerate(("mara", "jonas"), 1):
        picture(number).save(tmp_path / f"{name}.png")
    (tmp_path / "table.csv").write_text(TABLE, encoding="utf-8")
    return tmp_path / "table.csv"


def content(report: Any) -> dict[str, Any]:
    return json.loads(strict_json(report.to_dict()))


def same_weights(one: VisionLanguageModel, other: VisionLanguageModel) -> bool:
    fingerprint, wanted = (TransformersEngine(vlm).fingerprint()["weights"] for vlm in (one, other))
    return fingerprint == wanted


def test_importing_unsee_takes_neither_torch_nor_transformers() -> None:
    program = "import sys, unsee; print([name for name in ('torch', 'transformers', 'peft') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_name_that_the_package_offers_is_there() -> None:
    assert all(getattr(unsee, name) is not None for name in unsee.__all__)
    assert dir(unsee) == sorted(unsee.__all__)
    with pytest.raises(AttributeError, match="no attribute 'unlearn'"):
        unsee.unlearn  # noqa: B018


def test_a_run_is_audited_in_its_folder(run: Forgotten) -> None:
    assert typed_usage.audit(run.folder) == "Nothing to forget"
    assert (run.folder / "audit" / "audit.html").is_file()


def test_a_finished_run_is_looked_up_with_its_report(model: Path, run: Forgotten) -> None:
    again = typed_usage.forget(str(model), picture(1), run.folder, *FEW, resume=True)
    assert again.again
    assert not run.again
    written = json.loads((run.folder / "report.json").read_text())
    written.pop("advice")
    assert content(again.report) == content(run.report) == written


@pytest.mark.parametrize(
    ("text", "says"),
    [(None, "holds no report"), ("{", "damaged"), ('{"schema": "unsee.report/0"}', "this version"),
     ('{"schema": "unsee.report/1"}', "damaged")],
)  # fmt: skip
def test_a_report_that_cannot_be_read_is_refused(tmp_path: Path, text: str | None, says: str) -> None:
    if text is not None:
        (tmp_path / "report.json").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=says):
        read(tmp_path)


def test_a_runs_folder_loads_as_its_base_model_with_the_adapter_on(model: Path, run: Forgotten) -> None:
    vlm, base = typed_usage.load(run.folder), load(model)
    assert vlm.adapted
    assert vlm.name == str(model)
    assert not same_weights(vlm, base)
    assert TransformersEngine(vlm).without_adapter().ask("Who is this?", picture(1)) == TransformersEngine(base).ask(
        "Who is this?", picture(1)
    )


def test_an_engine_answers_one_question(run: Forgotten, table: Path) -> None:
    after, before = typed_usage.ask(run.folder, "Who is this?", table.parent / "mara.png")
    assert after
    assert before


def test_a_picture_that_is_not_there_is_named(run: Forgotten) -> None:
    with pytest.raises(UserError, match=r"nobody\.png does not exist"):
        unsee.get_engine(run.folder).ask("Who is this?", "nobody.png")


def test_a_run_is_evaluated_on_a_table_as_the_engine_in_memory_is(run: Forgotten, table: Path, tmp_path: Path) -> None:
    found = typed_usage.evaluate(run.folder, table, tmp_path / "scores")
    assert found.scores["own_empty"].n == 2
    assert found.scores["own_kept"].n == 1
    assert found.by_concept["Mara Voss"]["own_empty"].n == 1
    assert repr(typed_usage.evaluate_in_memory(unsee.get_engine(run.folder), table)) == repr(found.scores)
    document = found.document()
    assert document["adapter"] == str(run.folder)
    assert document["together"]["own_kept"]["n"] == 1
    assert json.loads((tmp_path / "scores" / "scores.json").read_text()) == {
        key: value for key, value in document.items() if key != "out"
    }


def test_evaluate_takes_a_run_as_the_model_or_as_the_adapter(
    model: Path, run: Forgotten, table: Path, tmp_path: Path
) -> None:
    one = printed(call("evaluate", "-m", run.folder, "-b", table, "--out", tmp_path / "one", "--json"))
    other = printed(
        call("evaluate", "-m", model, "--adapter", run.folder, "-b", table, "--out", tmp_path / "two", "--json")
    )
    assert {**one, "out": ""} == {**other, "out": ""}
    said = refused(call("evaluate", "-m", run.folder, "--adapter", run.folder, "-b", table, "--out", tmp_path / "no"))
    assert "leave --adapter out" in said


def test_evaluations_of_two_runs_go_to_two_folders() -> None:
    one, other = (unsee.EvaluateOptions(f"runs/{name}", "my.csv").folder() for name in ("one", "other"))
    assert one != other


def test_export_takes_a_run_as_the_model(model: Path, run: Forgotten, tmp_path: Path) -> None:
    one = export(run.folder, None, tmp_path / "one", check=False)
    other = export(str(model), run.folder, tmp_path / "other", check=False)
    assert same_weights(load(one.folder), load(other.folder))
    with pytest.raises(UserError, match="no adapter to merge"):
        export(str(model), None, tmp_path / "no", check=False)


def test_forgetting_on_a_run_says_to_export_it_first(run: Forgotten, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unsee export --model"):
        typed_usage.forget(str(run.folder), picture(2), tmp_path / "second")


def test_a_run_whose_base_model_is_gone_names_both(tmp_path: Path) -> None:
    base, adapter = save_model(tiny_vlm("qwen3_vl"), tmp_path / "base"), tmp_path / "adapter"
    adapter.mkdir()
    (adapter / BASE_FILE).write_text(
        json.dumps({"base": str(base), "revision": None, "architecture": "", "embeddings": "", "linears": ""})
    )
    base.rename(tmp_path / "moved")
    with pytest.raises(UserError, match=rf"The model {base}, which the adapter {adapter} is for, cannot be used"):
        load(adapter)
    (adapter / BASE_FILE).write_text("{")
    with pytest.raises(UserError, match="is damaged"):
        load(adapter)


def test_an_adapter_of_another_program_is_no_model(tmp_path: Path) -> None:
    vlm = tiny_vlm("qwen3_vl")
    add_lora(vlm, rank=2, alpha=4, dropout=0.0, seed=0)
    vlm.model.save_pretrained(str(tmp_path / "plain"), save_embedding_layers=False)
    with pytest.raises(UserError, match="holds an adapter but no model"):
        load(tmp_path / "plain")


def test_one_picture_without_a_list_is_refused() -> None:
    wrong: Any = "mara.png"
    with pytest.raises(UserError, match=r"images=\(picture,\)"):
        unsee.ForgetRequest("Mara Voss", images=wrong)


def test_a_loaded_model_says_who_it_is_and_its_libraries_say_nothing() -> None:
    code = (
        "import transformers, unsee\n"
        "from unsee.models.adapters import add_lora\n"
        "before = transformers.logging.get_verbosity(), transformers.logging.is_progress_bar_enabled()\n"
        "engine = unsee.get_engine('world:tiny-qwen3vl')\n"
        "assert before == (transformers.logging.get_verbosity(), transformers.logging.is_progress_bar_enabled())\n"
        "add_lora(engine.vlm, rank=2, alpha=4, dropout=0.0, seed=0)\n"
        "print(engine)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "TransformersEngine('world:tiny-qwen3vl')\n", "")
