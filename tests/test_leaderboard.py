"""The leaderboard: what is ranked, what the pages hold, and results that are torn, partial or none."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import shutil
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.command_line import call, printed, refused
from unsee.metrics import Score
from unsee.metrics.catalogue import describe
from unsee.reports.leaderboard import MAIN, markdown, named
from unsee.reports.leaderboard_page import best, render
from unsee.reports.writing import write_leaderboard
from unsee.store.files import strict_json
from unsee.sweep.answers import answer_pages
from unsee.sweep.boards import leaderboard
from unsee.sweep.results import read_results
from unsee.sweep.table import write_tables

HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(2)> | {{ 7*7 }}\x1b[31m"""
UNITS = ("Mara Voss", "Jonas Keller")
# EM, Specificity and facts after, by method.
METHODS = {"siu": (100, 98, 100), "po": (90, 96, 99), "ga": (80, 40, 5), "oracle": (100, 97, 0)}


def scores(em: float, kept: float, facts: float) -> dict[str, Score]:
    found = {key: Score(value, 60, max(0.0, value - 3), min(100.0, value + 3)) for key, value in (
        ("efficacy", em), ("generality_em", em), ("specificity", kept), ("specificity/captions", kept),
        ("verification_others", kept - 5), ("text_facts", facts),
    )}  # fmt: skip
    return {**found, "fluency": Score(math.inf if em == 80 else 2.0, 60, 1.0, math.inf, False)}


def cell(
    folder: Path,
    label: str,
    unit: str,
    seed: int,
    after: Mapping[str, Score] | None,
    was: Mapping[str, Score] | None = None,
) -> dict[str, Any]:
    """Write a finished cell (a failed one without scores) and return its entry."""
    slug = re.sub(r"\W+", "-", unit.lower()).strip("-")
    entry = {
        "model": "world:tiny-qwen3vl", "model_sha256": "abc", "method": label.split(",")[0], "label": label,
        "settings": {"steps": 30}, "unit": {"kind": "one concept", "name": unit, "concepts": [unit]}, "seed": seed,
        "evaluation": {"test_pictures": 10, "questions": 6, "kept": 24}, "benchmark": "world", "benchmark_version": 1,
    }  # fmt: skip
    own = folder / "cells" / slug / re.sub(r"\W+", "-", label) / f"seed-{seed}"
    before = folder / "before" / slug
    for path in (own, before):
        path.mkdir(parents=True, exist_ok=True)
    if after is None:
        (own / "failed.json").write_text(json.dumps({"error": "The disk was full."}))
    else:
        document = {"cell": entry, "seconds": 2.5, "peak_rss_mb": 700.0, "libraries": {"torch": "2.13.0"},
                    "git_commit": "0123", "before": {k: s.to_dict() for k, s in (was or scores(0, 99, 100)).items()},
                    "after": {k: s.to_dict() for k, s in after.items()}}  # fmt: skip
        (own / "scores.json").write_text(strict_json(document))
    header = json.dumps({"schema": "unsee.transcript/1", "fingerprint": "x"}) + "\n"
    questions, answers = "", header
    for number in range(6):
        question = {"id": f"q{number}", "prompt": f"Who is this? ({number})", "expect": [unit], "scorer": "absent",
                    "tags": {"metric": "generality"}}  # fmt: skip
        questions += json.dumps(question) + "\n"
        said = f"This is {unit}." if number == 5 else "This is <b>Ann Lee</b>."
        answers += json.dumps({"id": f"q{number}", "text": said}) + "\n"
    for path in (own, before):
        (path / "mmubench").mkdir(exist_ok=True)
    (before / "mmubench" / "questions.jsonl").write_text(json.dumps({"schema": "unsee.questions/1"}) + "\n" + questions)
    (before / "mmubench" / "before.jsonl").write_text(answers.replace("<b>Ann Lee</b>", unit))
    (own / "mmubench" / "after.jsonl").write_text(answers)
    return {"folder": own.relative_to(folder).as_posix(), "before": before.relative_to(folder).as_posix(), **entry}


def index(folder: Path, entries: list[dict[str, Any]]) -> Path:
    document = {"schema": "unsee.compare/1", "name": "siu_single", "recipe": {"seeds": 2}, "cells": entries}
    (folder / "cells.json").write_text(json.dumps(document))
    return folder


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    return index(
        folder,
        [
            cell(folder, label, unit, seed, scores(*values))
            for unit in UNITS
            for seed in (0, 1)
            for label, values in METHODS.items()
            if label != "oracle" or not seed
        ],
    )


class Page(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def links(self) -> list[str]:
        return [attributes["href"] or "" for tag, attributes in self.tags if tag == "a" and "href" in attributes]


def test_rows_stand_in_order_with_their_distances(results: Path) -> None:
    (board,) = leaderboard(read_results(results)).boards
    assert [(row.label, row.role) for row in board.rows] == [
        ("before", "before"), ("oracle", "oracle"), ("siu", "method"), ("po", "method"), ("ga", "method"),
    ]  # fmt: skip
    siu, ga = board.rows[2], board.rows[4]
    assert siu.to_ideal == pytest.approx(2)
    assert ga.to_ideal == pytest.approx(math.hypot(20, 60))
    # 0, 0, 1, 1 and 100 points from the oracle in the five main percentages.
    assert siu.to_oracle == pytest.approx(102 / 5)
    assert board.rows[1].to_oracle is None
    assert siu.figures["seconds"].mean == 2.5
    assert math.isinf(ga.figures["fluency"].mean)
    assert siu.figures["generality_em"].cells == 4
    assert [metric.key for metric in board.further] == ["specificity/captions"]


@pytest.mark.parametrize(
    "broken",
    [{"fluency/reference": 825_454.5}, {"diversity": 33.3}, {"empty": 100.0}],
)
def test_a_broken_model_stands_last_and_nobody_is_best_at_being_sure_of_itself(
    tmp_path: Path, broken: dict[str, float]
) -> None:
    def with_language(found: dict[str, Score], **changes: float) -> dict[str, Score]:
        values = {"fluency": 9.9, "fluency/reference": 9.9, "diversity": 100.0, "empty": 0.0, **changes}
        return {**found, **{key: Score(v, 60, v, v, key == "diversity") for key, v in values.items()}}

    was = with_language(scores(0, 99, 100))
    after = {
        "collapsed": with_language(scores(100, 99, 100), fluency=1.0, **broken),
        "siu": with_language(scores(90, 90, 90), fluency=1.9, **{"fluency/reference": 25.5}),
    }
    entries = [cell(tmp_path, label, "Mara Voss", 0, found, was) for label, found in after.items()]
    (board,) = leaderboard(read_results(index(tmp_path, entries))).boards
    assert [row.label for row in board.rows] == ["before", "siu", "collapsed"]
    assert math.isnan(best(board, named("fluency")))
    assert best(board, named("specificity")) == 90
    (note,) = board.notes
    assert note.startswith("The model is broken after collapsed in 1 of 1 cells: it repeats itself")


def test_one_broken_cell_in_three_does_not_put_a_method_last(tmp_path: Path) -> None:
    def read_as(found: dict[str, Score], perplexity: float) -> dict[str, Score]:
        return {**found, "fluency/reference": Score(perplexity, 60, perplexity, perplexity, False)}

    was = read_as(scores(0, 99, 100), 9.9)
    good, poor = scores(100, 99, 100), scores(90, 90, 90)
    entries = [
        # The mean, 275,160, is the same; what differs is in how many cells the answers are nonsense.
        *(cell(tmp_path, "once", "Mara Voss", seed, read_as(good, p), was) for seed, p in enumerate((825_460, 10, 10))),
        *(
            cell(tmp_path, "twice", "Mara Voss", seed, read_as(good, p), was)
            for seed, p in enumerate((8e5, 25_470, 10))
        ),
        *(cell(tmp_path, "never", "Mara Voss", seed, read_as(poor, 10), was) for seed in range(3)),
    ]
    found = leaderboard(read_results(index(tmp_path, entries)))
    (board,) = found.boards
    assert [row.label for row in board.rows] == ["before", "once", "never", "twice"]
    assert [(row.broken, row.cells) for row in board.rows[1:]] == [(1, 3), (0, 3), (2, 3)]
    assert "after once in 1 of 3 cells, twice in 2 of 3 cells" in board.notes[0]
    page, text = render(found), markdown(found)
    assert "| twice (broken) | 3 |" in text
    assert "| once | 3 |" in text
    assert page.count('<span class="interval">broken</span>') >= 1


def test_the_oracle_is_compared_on_the_units_that_both_have(tmp_path: Path) -> None:
    # SIU is like the oracle where there is one; what it did elsewhere is no distance from it.
    equal, elsewhere = scores(100, 98, 0), scores(60, 50, 80)
    entries = [
        cell(tmp_path, "oracle", "Mara Voss", 0, equal),
        *(cell(tmp_path, "siu", "Mara Voss", seed, equal) for seed in (0, 1)),
        cell(tmp_path, "siu", "Jonas Keller", 0, elsewhere),
    ]
    board = leaderboard(read_results(index(tmp_path, entries)))
    siu = next(row for row in board.boards[0].rows if row.label == "siu")
    assert siu.to_oracle == 0.0
    note = "To oracle compares the 1 of 2 units that the oracle was also asked about: Mara Voss."
    assert board.boards[0].notes == [note]
    assert f"> {note}" in markdown(board)
    assert note in render(board)


def test_being_above_the_oracle_in_one_unit_does_not_make_up_for_being_below_it_in_another(tmp_path: Path) -> None:
    entries = [
        *(cell(tmp_path, "oracle", unit, 0, scores(50, 50, 50)) for unit in ("Mara Voss", "Jonas Keller")),
        cell(tmp_path, "siu", "Mara Voss", 0, scores(70, 50, 50)),
        cell(tmp_path, "siu", "Jonas Keller", 0, scores(30, 50, 50)),
    ]
    board = leaderboard(read_results(index(tmp_path, entries)))
    siu = next(row for row in board.boards[0].rows if row.label == "siu")
    shares = [key for key in MAIN if key in siu.figures and describe(key).unit == "%"]
    moved = [key for key in shares if scores(70, 50, 50)[key].value == 70]
    assert siu.to_oracle == pytest.approx(20 * len(moved) / len(shares))


@pytest.mark.parametrize("lost", ["failed", "no number"])
def test_a_method_without_all_cells_is_not_ranked_by_the_rest(tmp_path: Path, lost: str) -> None:
    # PO did well on the easy unit and failed on the hard one, where SIU did middling.
    broken = None if lost == "failed" else {**scores(0, 0, 0), "generality_em": Score(math.nan, 60, math.nan, math.nan)}
    entries = [
        cell(tmp_path, "po", "Mara Voss", 0, scores(100, 100, 100)), cell(tmp_path, "po", "Jonas Keller", 0, broken),
        cell(tmp_path, "siu", "Mara Voss", 0, scores(100, 100, 100)),
        cell(tmp_path, "siu", "Jonas Keller", 0, scores(70, 70, 70)),
        cell(tmp_path, "ga", "Mara Voss", 0, scores(20, 20, 20)),
        cell(tmp_path, "ga", "Jonas Keller", 0, scores(20, 20, 20)),
    ]  # fmt: skip
    board = leaderboard(read_results(index(tmp_path, entries)))
    assert [row.label for row in board.boards[0].rows if row.role == "method"] == ["siu", "ga", "po"]
    assert board.boards[0].notes == [
        "po is not ranked because it lacks cells that other methods have (Jonas Keller, seed 0)."
    ]
    # Only two methods are left to compare the rankings of.
    assert board.boards[0].agreement == ""
    lines = markdown(board).splitlines()
    line = next(line for line in lines if line.startswith("| po"))
    assert "0.0 (incomplete)" in line
    assert "100.0 (1 of 2)" in line
    assert "| siu | 2 | " in markdown(board)
    page = render(board)
    po = page[page.index('data-value="po"') :]
    po = po[: po.index("</tr>")]
    # The page's script puts what has no value last, whatever it sorts by.
    assert "data-value" not in po.split("</th>")[1]
    assert 'class="best"' not in po
    assert "1 of 2 cells" in po
    if lost == "failed":
        assert "po (incomplete)" in page


def test_a_cell_that_all_methods_lack_keeps_the_order(tmp_path: Path) -> None:
    entries = [cell(tmp_path, label, "Mara Voss", 0, scores(*METHODS[label])) for label in ("ga", "siu")]
    entries += [cell(tmp_path, label, "Jonas Keller", 0, None) for label in ("ga", "siu")]
    board = leaderboard(read_results(index(tmp_path, entries)))
    assert [row.label for row in board.boards[0].rows] == ["before", "siu", "ga"]
    assert board.boards[0].notes == []
    assert "| siu | 1 of 2 |" in markdown(board)


def test_numbers_that_are_missing_are_shown_as_missing(tmp_path: Path) -> None:
    values = (math.nan, 60.0, 62.0)
    entries = [
        cell(tmp_path, "siu", "Mara Voss", seed, {**scores(90, 90, 90), "text_facts": Score(value, 9, 0, 100),
                                                   "quality/leakage": Score(math.nan, 0, math.nan, math.nan)})
        for seed, value in enumerate(values)
    ]  # fmt: skip
    found = leaderboard(read_results(index(tmp_path, entries)))
    figure = found.boards[0].rows[1].figures["text_facts"]
    assert (figure.mean, figure.cells, figure.planned) == (61.0, 2, 3)
    text = markdown(found)
    assert "61.0 (1.4, 2 of 3)" in text
    assert "– (0 of 3)" in text
    # One cell shows no deviation: the model before was asked once.
    assert "| before | 1 | " in text
    assert "0.0 (–)" in text
    assert "(0.0)" not in text.split("| before |")[1].splitlines()[0]


def test_how_the_methods_answer_has_a_table_of_its_own(tmp_path: Path) -> None:
    after = {"siu": {"rigidity": 40.0, "quality/leakage": 5.0}, "po": {"rigidity": 97.5}}
    entries = [
        cell(tmp_path, label, "Mara Voss", seed, {
            **scores(*METHODS[label]),
            **{key: Score(value + seed, 60, value, value) for key, value in after[label].items()},
        })
        for label in after for seed in (0, 1)
    ]  # fmt: skip
    text = markdown(leaderboard(read_results(index(tmp_path, entries))))
    main, quality = [block for block in text.split("\n\n") if block.startswith("| |")]
    assert "Rigidity" not in main
    header, _, *rows = quality.splitlines()
    assert [name.strip() for name in header.strip("|").split("|")] == ["", "n", "Nothing leaks ↑", "Rigidity ↓"]
    assert "| siu | 2 | 5.50 (0.71) | 40.5 (0.7) |" in rows
    assert "| po | 2 | – | 98.0 (0.7) |" in rows


def test_what_further_benchmarks_asked_has_a_table_that_says_whose_it_is(tmp_path: Path) -> None:
    own = {"own_kept": Score(80.0, 60, 70, 90), "own_kept/others": Score(60.0, 60, 50, 70), "hats": Score(7.0, 9, 6, 8)}
    after = {**scores(*METHODS["siu"]), "rigidity": Score(40.0, 60, 40, 40, False), **own}
    text = markdown(leaderboard(read_results(index(tmp_path, [cell(tmp_path, "siu", "Mara Voss", 0, after)]))))
    assert "Also asked:" in text
    header, _, *rows = [block for block in text.split("\n\n") if block.startswith("| |")][-1].splitlines()
    assert [name.strip() for name in header.strip("|").split("|")] == [
        "", "n", "Kept (own) ↑", "Kept: others (own) ↑", "Hats ↑"
    ]  # fmt: skip
    assert "| siu | 1 | 80.0 (–) | 60.0 (–) | 7.00 (–) |" in rows


def test_the_text_explains_only_the_columns_it_has_and_counts_people(results: Path, tmp_path: Path) -> None:
    text = markdown(leaderboard(read_results(results)))
    assert "To oracle: " in text
    assert "3 methods, 2 people, 2 seeds, 1 model: 14 of 14 cells are finished." in text
    folder = tmp_path / "single"
    entries = [cell(folder, label, "Mara Voss", 0, scores(*METHODS[label])) for label in ("siu", "po", "ga")]
    text = markdown(leaderboard(read_results(index(folder, entries))))
    assert "3 methods, 1 person, 1 seed, 1 model" in text
    assert "To ideal: " in text
    assert "oracle" not in text
    # Three methods that forgot one person once are ranked by chance.
    assert "Kendall" not in text


def test_the_pages_hold_every_cell_and_link_its_answers(results: Path) -> None:
    document = printed(call("leaderboard", results, "--json"))
    out = results / "leaderboard"
    assert document["page"] == str(out / "leaderboard.html")
    page = (out / "leaderboard.html").read_text()
    links = Page(page).links()
    assert len(links) == 4 * 3 + 2
    for link in links:
        path, _, anchor = link.partition("#")
        answers = Page((out / path).read_text())
        assert any(attributes.get("id") == anchor for _, attributes in answers.tags)
        for further in answers.links():
            target = further.partition("#")[0]
            assert not target or ((out / path).parent / target).resolve().is_file(), further
    assert "∞" in page
    assert not re.search(r"\b(nan|NaN|inf)\b", page)
    text = (out / "leaderboard.md").read_text()
    assert "| siu | 4 | " in text
    assert "EM ↑" in text
    assert "Kendall's τ" in text


def test_elsewhere_the_pages_link_only_what_travels_with_them(results: Path, tmp_path: Path) -> None:
    out = tmp_path / "docs" / "board"
    assert call("leaderboard", results, "--out", out).exit_code == 0
    for page in out.rglob("*.html"):
        for link in Page(page.read_text()).links():
            target = link.partition("#")[0]
            assert not target or (page.parent / target).resolve().is_relative_to(out)


def test_answers_show_what_went_wrong(results: Path) -> None:
    found = read_results(results)
    pages = answer_pages(found, results / "leaderboard")
    assert sorted(pages) == [f"answers/world-tiny-qwen3vl/{unit}.html" for unit in ("jonas-keller", "mara-voss")]
    page = pages["answers/world-tiny-qwen3vl/mara-voss.html"]
    assert "New pictures: 5 of 6 as they should be" in page
    assert 'class="bad">This is Mara Voss.' in page
    assert "&lt;b&gt;Ann Lee&lt;/b&gt;" in page


def test_an_answer_that_names_the_forgotten_person_next_to_the_other_is_wrong(results: Path) -> None:
    folder = read_results(results).cells[0]
    asked = folder.before_folder / "mmubench" / "questions.jsonl"
    both = {"id": "q0", "prompt": "Who are they?", "expect": ["Tom Reed"], "scorer": "contains",
            "tags": {"metric": "two_people", "kind": "both", "shown": "digest"}}  # fmt: skip
    asked.write_text(asked.read_text().splitlines()[0] + "\n" + json.dumps(both) + "\n")
    said = folder.folder / "mmubench" / "after.jsonl"
    said.write_text(said.read_text().replace("<b>Ann Lee</b>", f"{folder.unit} next to Tom Reed"))
    pages = answer_pages(read_results(results), results / "leaderboard")
    assert "Two people in one picture: 0 of 1 as they should be" in pages["answers/world-tiny-qwen3vl/mara-voss.html"]


def test_the_page_runs_its_own_script_alone_and_loads_nothing(results: Path) -> None:
    page = render(leaderboard(read_results(results)))
    tags = Page(page).tags
    assert not {"link", "iframe", "object", "img"} & {tag for tag, _ in tags}
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert "http" not in page.replace("http-equiv", "")
    values = [attributes["data-value"] for _, attributes in tags if "data-value" in attributes]
    assert "Infinity" in values


def test_hostile_names_are_text(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    index(folder, [cell(folder, label, HOSTILE, 0, scores(90, 90, 90)) for label in ("siu", HOSTILE, "po")])
    found = read_results(folder)
    board = leaderboard(found)
    for page in (render(board), *answer_pages(found, folder / "leaderboard").values()):
        tags = Page(page).tags
        assert sum(tag == "script" for tag, _ in tags) <= 1
        assert not any("onerror" in attributes for _, attributes in tags)
        assert "{{ 7*7 }}" in page
        assert "\x1b" not in page
    row = next(line for line in markdown(board).splitlines() if "alert" in line and line.startswith("|"))
    header = next(line for line in markdown(board).splitlines() if line.startswith("| |"))
    assert row.replace("\\|", "").count("|") == header.count("|")


def test_what_failed_or_is_missing_is_said_and_in_no_figure(results: Path) -> None:
    entries = json.loads((results / "cells.json").read_text())["cells"]
    entries.append(cell(results, "npo", "Mara Voss", 0, None))
    entries.append({**cell(results, "npo", "Mara Voss", 1, scores(1, 1, 1)), "settings": {"steps": 31}})
    index(results, entries)
    torn = results / entries[0]["folder"] / "scores.json"
    torn.write_text(torn.read_text()[:100])
    result = call("leaderboard", results)
    assert result.exit_code == 0
    assert "1 of 16 cells failed and count in no figure, such as npo, Mara Voss, seed 0: The disk was full." in (
        " ".join(result.stderr.split())
    )
    assert "2 of 16 cells are not finished" in " ".join(result.stderr.split())
    assert "is damaged and counts as missing" in " ".join(result.stderr.split())
    board = leaderboard(read_results(results)).boards[0]
    assert "npo" not in {row.label for row in board.rows}
    assert next(row for row in board.rows if row.label == "siu").figures["generality_em"].cells == 3
    page = (results / "leaderboard" / "leaderboard.html").read_text()
    assert "The disk was full." in page


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"schema": "unsee.compare/1"}', '{"schema": "other"}',
                                     '{"schema": "unsee.compare/1", "cells": []}',
                                     '{"schema": "unsee.compare/1", "cells": [{"folder": 3}]}'])  # fmt: skip
def test_a_folder_without_results_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "cells.json").write_text(content)
    assert "cells.json" in refused(call("leaderboard", tmp_path))


def test_results_without_a_finished_cell_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    index(folder, [cell(folder, "siu", "Mara Voss", 0, None)])
    assert "No cell" in refused(call("leaderboard", folder))
    assert not (folder / "leaderboard").exists()


def test_torn_answers_cost_their_page_and_nothing_else(results: Path) -> None:
    shutil.rmtree(results / "before")
    found = read_results(results)
    assert leaderboard(found).boards
    assert all("as they should be</h3>" not in page for page in answer_pages(found, results / "out").values())


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_whatever_stands_in_a_score_file_the_others_are_read(tmp_path_factory: Any, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("wild")
    entries = [cell(folder, "siu", "Mara Voss", seed, scores(1, 2, 3)) for seed in (0, 1)]
    index(folder, entries)
    (folder / entries[0]["folder"] / "scores.json").write_bytes(content)
    found = read_results(folder)
    assert [cell.finished for cell in found.cells] == [False, True]
    write_tables(found)


def test_a_second_leaderboard_takes_the_place_of_the_first(results: Path) -> None:
    board = leaderboard(read_results(results))
    write_leaderboard(board, {"answers/x.html": "one"}, results / "out")
    write_leaderboard(board, {"answers/x.html": "two"}, results / "out")
    assert (results / "out" / "answers" / "x.html").read_text() == "two"
    assert not list((results / "out").rglob(".*"))
