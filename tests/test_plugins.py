"""Methods and judges from outside: another package's, found by its entry point, and a file's that the user names."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command_line import call, forget_arguments, printed, refused
from tests.tiny import tiny_vlm
from tests.unlearning_cases import FEW, request
from unsee.errors import UserError
from unsee.judges import RuleJudge, get_judge
from unsee.methods import METHODS, PLUGINS, get_method, parse_settings
from unsee.store.plugins import BUILT_IN, Offer, Plugins
from unsee.training import unlearn

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "tests" / "plugin"
FILE = f"{PLUGIN / 'unsee_flatten.py'}:Flatten"
METHOD = "unsee.methods.base:Method"
INSTALL = ("install", "--no-deps", "--no-index", "--no-build-isolation", "--quiet", "--target")

Installs = Callable[..., None]


@pytest.fixture
def installs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installs:
    """Puts a package of one module where this process finds it, as pip would."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def install(package: str, group: str, name: str, place: str, code: str = "") -> None:
        about = site / f"{package}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[{group}]\n{name} = {place}\n")
        (site / f"{package}.py").write_text(code)

    return install


def methods() -> Plugins:
    """What a process that starts now would find."""
    return Plugins("method", "unsee.methods", METHOD, PLUGINS.built_in)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example of CONTRIBUTING.md, installed in a folder of its own."""
    folder = tmp_path_factory.mktemp("plugin")
    # pip leaves its work in the folder that it installs from.
    shutil.copytree(PLUGIN, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", *INSTALL, folder / "site", ".")
    done = subprocess.run(pip, cwd=folder / "source", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "site"


def unsee(site: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """The command line in a process that finds what is installed in `site`."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(site)))}
    command = [sys.executable, "-m", "unsee", *map(str, words)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_an_installed_method_is_listed_with_where_it_comes_from(site: Path) -> None:
    done = unsee(site, "methods", "--json")
    assert done.returncode == 0, done.stderr
    listed = {method["name"]: method for method in json.loads(done.stdout)["methods"]}
    assert list(listed) == [*METHODS, "flatten"]
    assert listed["flatten"]["origin"] == "unsee-flatten 0.1"
    assert {listed[name]["origin"] for name in METHODS} == {BUILT_IN}
    assert listed["flatten"]["settings"]["gamma"]["default"] == 1.0
    shown = " ".join(unsee(site, "methods").stdout.split())
    assert "Flattening the example of CONTRIBUTING.md (unsee-flatten 0.1)" in shown
    assert shown.count("(built in") == len(METHODS)


def test_an_installed_method_forgets(site: Path, tmp_path: Path) -> None:
    few = [part for setting in ("steps=1", "lora_rank=2", "forget=2", "retain=2") for part in ("--set", setting)]
    given = forget_arguments("world:tiny-qwen3vl", tmp_path)
    given = given[: given.index("--set")]
    done = unsee(site, *given, "--method", "flatten", *few, "--limit", 1, "--force")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out" / "report.json").read_text())["method"] == "flatten"


def test_contributing_shows_the_package_that_is_installed_here() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```(?:toml|python)\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    code = (PLUGIN / "unsee_flatten.py").read_text(encoding="utf-8")
    assert code in shown
    assert len(code.splitlines()) <= 30
    assert (PLUGIN / "pyproject.toml").read_text(encoding="utf-8") in shown


def test_a_method_in_a_file_trains(tmp_path: Path) -> None:
    vlm, method = tiny_vlm("llava"), get_method(FILE)
    config = parse_settings(FILE, [f"forget={FEW['forget']}", f"retain={FEW['retain']}", "steps=2", "lora_rank=2"])
    done = unlearn(vlm, method, config, request(), tmp_path / "out", progress=False)
    assert done.manifest["method"] == "flatten"
    assert vlm.adapted


def test_a_file_is_run_once(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(f"print('run')\n{(PLUGIN / 'unsee_flatten.py').read_text().replace('flatten', 'mine')}")
    assert get_method(f"{file}:Flatten") is get_method(f"{file}:Flatten")
    assert type(get_method(f"{file}:Flatten")).name == "mine"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (None, "There is no file"),
        ("import not_there", "ModuleNotFoundError: No module named 'not_there'"),
        ("1 / 0", "ZeroDivisionError"),
        ("def", "SyntaxError"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("class Flaten: pass", "has no 'Flatten'; did you mean 'Flaten'?"),
        ("Flatten = 3", "is not a method; it must be a subclass of unsee.methods.base.Method."),
        ("class Flatten: pass", "is not a method; it must be a subclass of unsee.methods.base.Method."),
        (
            "from unsee.methods.base import Method\nclass Flatten(Method): pass",
            "the attributes `config`, `name`, `source`, `title` and the methods `objective`, `samples` are missing",
        ),
    ],
)
def test_a_file_that_is_no_method_is_refused_in_a_sentence(code: str | None, says: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    if code is not None:
        file.write_text(code)
    sentence = refused(call("plan", "-m", "x", "--method", f"{file}:Flatten"))
    assert str(file) in sentence
    assert says in sentence


def test_a_file_cannot_take_the_name_of_a_method(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text((PLUGIN / "unsee_flatten.py").read_text().replace('"flatten"', '"siu"'))
    sentence = refused(call("plan", "-m", "x", "--method", f"{file}:Flatten"))
    assert "Two methods are named 'siu'" in sentence
    assert "built in" in sentence
    assert str(file) in sentence


@pytest.mark.parametrize("name", ["../up", "/tmp/up", "a/b", "", ".", ".hidden", "a\\nb", 5, None, "x" * 65])
def test_a_name_is_fit_for_a_folder(name: object, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text((PLUGIN / "unsee_flatten.py").read_text().replace('"flatten"', repr(name)))
    assert f"calls itself {name!r}" in refused(call("plan", "-m", "x", "--method", f"{file}:Flatten"))


def test_what_a_file_prints_is_not_among_the_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.py"
    file.write_text(f"print('loaded')\n{(PLUGIN / 'unsee_flatten.py').read_text().replace('flatten', 'loud')}")
    get_method(f"{file}:Flatten")
    assert tuple(capsys.readouterr()) == ("", "loaded\n")


def test_two_files_cannot_share_a_name(tmp_path: Path) -> None:
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text((PLUGIN / "unsee_flatten.py").read_text().replace('"flatten"', '"shared"'))
    found = methods()
    assert found.load(f"{tmp_path / 'one.py'}:Flatten") is found.load(f"{tmp_path / 'one.py'}:Flatten")
    with pytest.raises(UserError, match=r"Two methods are named 'shared': .*one\.py.* and .*two\.py"):
        found.load(f"{tmp_path / 'two.py'}:Flatten")


@pytest.mark.parametrize("name", ["siu", "flatten"])
def test_two_of_one_name_are_an_error_that_names_both(name: str, installs: Installs) -> None:
    installs("one", "unsee.methods", name, "one:Flatten")
    installs("two", "unsee.methods", name, "two:Flatten")
    with pytest.raises(UserError, match=f"Two methods are named '{name}'") as caught:
        methods().find(name)
    assert "one 1.0" in str(caught.value)
    assert ("two 1.0" if name == "flatten" else BUILT_IN) in str(caught.value)
    assert methods().load("npo") is type(METHODS["npo"])


def test_a_package_that_cannot_be_imported_matters_only_to_who_asks_for_it(
    installs: Installs, monkeypatch: pytest.MonkeyPatch
) -> None:
    installs("broken", "unsee.methods", "shaky", "broken:Shaky", "import not_there")
    monkeypatch.setattr("unsee.methods.PLUGINS", methods())
    monkeypatch.setattr("unsee.commands.methods.PLUGINS", methods())
    assert get_method("siu") is METHODS["siu"]
    sentence = refused(call("plan", "-m", "x", "--method", "shaky"))
    assert sentence.startswith("'shaky' (broken 1.0) cannot be imported (ModuleNotFoundError")
    done = call("methods", "--json")
    assert [method["name"] for method in printed(done)["methods"]] == list(METHODS)
    assert "'shaky' (broken 1.0) cannot be imported" in done.stderr


def test_a_class_and_its_entry_point_have_one_name(installs: Installs) -> None:
    installs("odd", "unsee.methods", "odd", "odd:Odd", "from unsee.methods.npo import NPO as Odd")
    with pytest.raises(UserError, match=r"'odd' \(odd 1.0\) calls itself 'npo'"):
        methods().load("odd")


def test_an_unknown_name_gets_the_nearest_of_all(installs: Installs) -> None:
    installs("one", "unsee.methods", "flatten", "one:Flatten")
    with pytest.raises(UserError, match="There is no method 'flaten'; did you mean 'flatten'"):
        methods().find("flaten")
    assert methods().find("flatten") == Offer("flatten", "one:Flatten", "one 1.0")


STRICT = "from unsee.judges.rules import RuleJudge\nclass Strict(RuleJudge): pass\n"


def test_a_judge_of_another_package_or_in_a_file_grades(
    installs: Installs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installs("strict", "unsee.judges", "strict", "strict:Strict", STRICT)
    (tmp_path / "mine.py").write_text(STRICT)
    judges = Plugins("judge", "unsee.judges", "unsee.judges.base:Judge", {"rules": "unsee.judges.rules:RuleJudge"})
    monkeypatch.setattr("unsee.judges.PLUGINS", judges)
    for spec in ("strict", f"{tmp_path / 'mine.py'}:Strict"):
        judge = get_judge(spec)
        assert isinstance(judge, RuleJudge)
        assert type(judge).__name__ == "Strict"
    with pytest.raises(UserError, match="did you mean 'strict'"):
        get_judge("strikt")


def test_a_package_cannot_take_the_name_of_a_judge(installs: Installs, monkeypatch: pytest.MonkeyPatch) -> None:
    installs("strict", "unsee.judges", "rules", "strict:Strict", STRICT)
    judges = Plugins("judge", "unsee.judges", "unsee.judges.base:Judge", {"rules": "unsee.judges.rules:RuleJudge"})
    monkeypatch.setattr("unsee.judges.PLUGINS", judges)
    with pytest.raises(UserError, match=r"Two judges are named 'rules': .*built in.* and .*strict 1\.0"):
        get_judge("rules")
