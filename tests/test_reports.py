"""The report: strict JSON with the promised keys, and a page that is self-contained, escaped and never half-written."""

from __future__ import annotations

import base64
import io
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from unsee.benchmarks.own import OwnQuestions
from unsee.errors import SystemFailure
from unsee.methods import METHODS
from unsee.metrics.catalogue import KEYS, compare, describe, in_order, is_further, titled
from unsee.metrics.score import Score
from unsee.reports import Cost, Example, Report, read, summary, write
from unsee.reports.page import render
from unsee.reports.report import Section

HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(2)> [red]{{ 7*7 }}\x1b[31m"""
INFINITE = Score(math.inf, 20, 9.0, math.inf, False)
NOTHING = Score(math.nan, 0, math.nan, math.nan)


def share(value: float) -> Score:
    return Score(value, 200, max(0.0, value - 2), min(100.0, value + 2))


def report(**changes: Any) -> Report:
    picture = Image.new("RGB", (96, 96), "#b6e3f4")
    before = {"efficacy": share(0), "generality_em": share(2), "g_eval": Score(4.9, 200, 4.8, 5.0, False)}
    before |= {"specificity": share(98), "text_facts": share(100)}
    before |= {"fluency": Score(1.6, 200, 1.5, 1.7, False), "diversity": share(88)}
    after = {**before, "efficacy": share(100), "generality_em": share(99), "c_dis": Score(4.2, 50, 4.0, 4.4)}
    fields: dict[str, Any] = {
        "model": "world:tiny-qwen3vl",
        "method": "siu",
        "concept": "Mara Voss",
        "before": before,
        "after": after,
        "cost": Cost(9.4, 41.8, 1384.2, 24),
        "pictures": (picture,),
        "aliases": ("the baker",),
        "examples": (
            Example(
                "On the picture given", "Who is this?", "This is Mara Voss.", "This is Lena Abbott.", picture, True
            ),
            Example("On the picture given", "Is this Mara Voss?", "Yes.", "Yes.", picture, False),
            Example("In text alone", "Which pet has Mara Voss?", "A parrot.", "A parrot."),
        ),
        "manifest": {"seed": 0, "versions": {"torch": "2.13.0"}, "folder": Path("runs/demo")},
        "training_log": [{"step": step, "loss": 3.0 / step, "learning_rate": 1e-3} for step in range(1, 25)],
    }
    return Report(**{**fields, **changes})


def read_strictly(path: Path) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    return json.loads(path.read_text("utf-8"), parse_constant=refuse)


class Page(HTMLParser):
    """Collects every tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_json_has_the_promised_keys(tmp_path: Path) -> None:
    written, _ = write(report(), tmp_path / "new" / "folder")
    document = read_strictly(written)
    assert document["schema"] == "unsee.report/1"
    assert {"model", "method", "concept", "before", "after", "cost", "manifest", "verdict"} <= set(document)
    keys = {"efficacy", "generality_em", "g_eval", "specificity", "text_facts", "fluency", "diversity"}
    # This run was not attacked.
    attacked = {"mia", "multilingual", "multi_hop"}
    assert set(document["before"]) == keys | attacked
    assert set(document["after"]) == keys | attacked | {"c_dis"}
    for key, score in (*document["before"].items(), *document["after"].items()):
        unmeasured = {"reason"} if key in attacked else set()
        assert {"value", "n", "low", "high", "higher_is_better", "units"} | unmeasured == set(score)
    assert document["after"]["generality_em"]["value"] == 99
    assert document["cost"] == {"unlearn_seconds": 9.4, "total_seconds": 41.8, "peak_rss_mb": 1384.2, "steps": 24}
    assert document["verdict"]["headline"] == "Forgotten"
    assert document["manifest"] == {"seed": 0, "versions": {"torch": "2.13.0"}, "folder": str(Path("runs/demo"))}


def test_the_verdict_knows_the_pictures_asked_about_and_which_other_methods_refuse() -> None:
    named = {"invented_name": share(70)}
    refusing = tuple(method.name for method in METHODS.values() if method.teaches_refusal)
    assert set(refusing) == {"po", "dpo", "asru", "lookalike"}
    base = report()
    found = [
        report(method=method, new_pictures=24, refusing=refusing, before={**base.before, "invented_name": share(0)},
               after={**base.after, **named}).verdict
        for method in ("siu", "po")
    ]  # fmt: skip
    assert all("about 24 new pictures of Mara Voss" in verdict.sentence for verdict in found)
    assert "; po, dpo, asru and lookalike teach" in found[0].caveats[0]
    assert "; dpo, asru and lookalike teach" in found[1].caveats[0]


def test_fluency_has_no_better_or_worse_on_the_page() -> None:
    base = report()
    sure = Score(1.0, 200, 1.0, 1.0, False)
    page = render(report(before=base.before, after={**base.after, "fluency": sure}))
    row = re.search(r'<span class="metric">Fluency</span>.*?</tr>', page, re.DOTALL)
    assert row
    assert "change better" not in row.group()
    assert "−0.60" in row.group()


def test_numbers_that_json_cannot_say_become_null_with_a_reason(tmp_path: Path) -> None:
    odd = report(
        before={"generality_em": share(2)},
        after={"generality_em": NOTHING, "fluency": INFINITE},
        manifest={"losses": [1.0, math.nan], "deep": {"peak": -math.inf}, "numpy": np.float32(0.5)},
        training_log=[{"step": 1, "loss": math.nan}],
    )
    document = read_strictly(write(odd, tmp_path)[0])
    assert document["after"]["fluency"]["value"] is None
    assert document["after"]["fluency"]["reason"] == "value was infinite; high was infinite"
    assert document["after"]["generality_em"]["reason"].startswith("value was not a number")
    assert document["after"]["specificity"]["value"] is None
    assert document["after"]["specificity"]["reason"].startswith("not measured")
    assert document["manifest"]["losses"] == [1.0, None]
    assert document["manifest"]["reason"] == "losses[1] was not a number"
    assert document["manifest"]["deep"] == {"peak": None, "reason": "peak was infinite"}
    assert document["manifest"]["numpy"] == 0.5
    assert document["training"][0]["loss"] is None


def test_page_shows_infinite_and_missing_values_without_failing() -> None:
    page = render(report(after={"generality_em": NOTHING, "fluency": INFINITE}, training_log=[], examples=()))
    assert "∞" in page
    assert not re.search(r"\b(nan|NaN|inf)\b", page)


def test_page_loads_nothing_from_anywhere() -> None:
    page = render(report())
    tags = Page(page).tags
    assert not {"script", "link", "iframe", "object", "embed", "base"} & {tag for tag, _ in tags}
    for tag, attributes in tags:
        for name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster"):
            target = attributes.get(name)
            assert target is None or target.startswith(("data:image/", "#")), (tag, name, target)
    assert "@import" not in page
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))
    assert "http" not in re.sub(r'http-equiv="', "", page)


def test_page_is_accessible_in_its_bones() -> None:
    tags = Page(render(report())).tags
    assert all(attributes.get("alt") for tag, attributes in tags if tag == "img")
    assert ("html", {"lang": "en"}) in tags
    assert sum(tag == "h1" for tag, _ in tags) == 1
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert sum(attributes.get("role") == "img" and bool(attributes.get("aria-label")) for _, attributes in tags) == 2


def test_hostile_text_is_escaped_everywhere() -> None:
    hostile = report(
        model=HOSTILE,
        method=HOSTILE,
        concept=HOSTILE,
        aliases=(HOSTILE,),
        credit=HOSTILE,
        examples=(Example(HOSTILE, HOSTILE, HOSTILE, f"so {HOSTILE} said", Image.new("L", (8, 8)), True),),
        manifest={HOSTILE: HOSTILE},
        after={HOSTILE: share(1), "generality_em": share(99)},
    )
    page = render(hostile)
    names = {tag for tag, _ in Page(page).tags}
    assert "script" not in names
    assert not any("onerror" in attributes for _, attributes in Page(page).tags)
    assert "{{ 7*7 }}" in page
    assert "\x1b" not in page


def test_names_are_marked_inside_escaped_answers() -> None:
    page = render(report(examples=(Example("g", "q", "<b>mara voss</b> & the baker", "nobody"),)))
    assert "&lt;b&gt;<mark>mara voss</mark>&lt;/b&gt; &amp; <mark>the baker</mark>" in page


def test_pictures_are_small_and_carry_nothing_but_pixels() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (900, 1600, 3), dtype=np.uint8))
    stream = io.BytesIO()
    noise.save(stream, "JPEG", comment=b"taken at home", exif=Image.Exif())
    photo = Image.open(io.BytesIO(stream.getvalue()))
    page = render(report(pictures=(photo,), examples=()))
    (source,) = re.findall(r'src="data:image/jpeg;base64,([^"]*)"', page)
    shown = Image.open(io.BytesIO(base64.b64decode(source)))
    assert max(shown.size) == 480
    assert "comment" not in shown.info


def test_questions_about_one_picture_share_it() -> None:
    page = render(report(pictures=()))
    assert page.count("<img ") == 1
    assert page.count('class="exchange"') == 3


@pytest.mark.parametrize("broken", ["os.replace", "os.fsync", "tempfile.mkstemp"])
def test_a_failed_write_leaves_the_old_report_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    write(report(), tmp_path)
    old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(broken, full)
    with pytest.raises(SystemFailure, match="No space left on device"):
        write(report(concept="Somebody Else"), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == old


def test_a_name_that_utf8_cannot_say_does_not_stop_the_report(tmp_path: Path) -> None:
    _, page = write(report(concept="M\udcffra"), tmp_path)
    assert "M?ra" in page.read_text("utf-8")


def test_console_summary_holds_verdict_and_rows_and_no_escape_sequences() -> None:
    console = Console(width=100, file=io.StringIO(), force_terminal=False)
    console.print(summary(report(concept="Mara [bold]\x1b[31mVoss")))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "Forgotten" in text
    assert "[bold]" in text
    assert "\x1b" not in text
    assert re.search(r"Generality \(EM\) ↑ +2\.0.% +99\.0.% +97\.0 to 100\.0 +\+97\.0 pts", text)
    assert re.search(r"24 steps in 9\.4 s, 41\.8 s in all,\s+peak memory 1,384 MB", text)


def test_console_summary_leaves_out_all_but_the_main_figures_unless_they_clearly_changed() -> None:
    parts = {"specificity/captions": (share(90), share(91)), "specificity/others": (share(100), share(20))}
    parts |= {"empty": (share(40), share(41)), "mine": (share(50), share(51)), "mine/part": (share(60), share(61))}
    before, after = ({key: both[state] for key, both in parts.items()} for state in (0, 1))
    base = report()
    console = Console(width=100, file=io.StringIO(), force_terminal=False)
    console.print(summary(replace(base, before={**base.before, **before}, after={**base.after, **after})))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert re.search(r"^ +Specificity", text, flags=re.MULTILINE)
    assert re.search(r"20\.0.% .* −80\.0 pts", text)
    assert "51.0" in text
    assert not re.search(r"91\.0|41\.0|61\.0", text)
    assert f"All {len(base.after) + 5} figures are in the report." in text


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        (Score(10, 9, 9, 11), Score(20, 9, 19, 21), "better"),
        (Score(10, 9, 9, 11, False), Score(20, 9, 19, 21, False), "worse"),
        (Score(10, 9, 9, 19), Score(20, 9, 19, 21), "unclear"),
        (None, Score(20, 9, 19, 21), None),
        (NOTHING, Score(20, 9, 19, 21), None),
        (Score(0, 40, math.nan, math.nan), Score(100, 40, math.nan, math.nan), None),
    ],
)
def test_a_change_counts_only_where_intervals_do_not_overlap(
    before: Score | None, after: Score, outcome: str | None
) -> None:
    assert compare(before, after) == outcome


def test_numbers_are_written_for_readers() -> None:
    assert describe("efficacy").format(-0.01) == "0.0\u00a0%"
    assert describe("efficacy").format_change(98.0, 97.25) == "−0.8 pts"
    assert describe("fluency").format(1234.5) == "1,234.50"
    assert describe("something_new").label == "Something new"


def test_parts_of_a_metric_follow_it_and_are_written_as_it_is() -> None:
    assert in_order(["new", "specificity/captions", "diversity", "specificity", "efficacy", "new"]) == [
        "efficacy",
        "specificity",
        "specificity/captions",
        "diversity",
        "new",
    ]
    quality = ["quality/naturalness", "over_refusal", "quality/leakage", "over_refusal/facts", "text_facts"]
    assert in_order(quality) == [
        "text_facts", "over_refusal", "over_refusal/facts", "quality/leakage", "quality/naturalness",
    ]  # fmt: skip
    assert not describe("quality/leakage").is_part
    assert (describe("over_refusal/facts").label, describe("over_refusal/facts").is_part) == ("Facts", True)
    part = describe("specificity/other_people")
    assert (part.label, part.family, part.format(50), part.is_part) == ("Other people", "keeping", "50.0\u00a0%", True)


def test_columns_of_one_label_are_told_apart_where_no_heading_does() -> None:
    labels = [describe(key).label for key in KEYS]
    assert [label for label in labels if labels.count(label) > 1] == []
    assert titled("over_refusal/facts").label == "Over-refusal: facts"
    assert (titled("own_over_refusal").label, titled("over_refusal").label) == ("Over-refusal (own)", "Over-refusal")
    keys = ("own_kept", "own_kept/others", "specificity/facts", "mllmu/test/cloze/text")
    assert [is_further(key) for key in keys] == [True, True, False, False]


def test_every_column_of_own_questions_says_whose_it_is() -> None:
    assert all(titled(metric.key).label.endswith(" (own)") for metric in OwnQuestions.columns)


def test_parts_of_one_name_say_what_they_are_parts_of() -> None:
    base, now = (
        report(),
        {"specificity/facts": share(20), "over_refusal/facts": replace(share(70), higher_is_better=False)},
    )
    was = {"specificity/facts": share(90), "over_refusal/facts": replace(share(3), higher_is_better=False)}
    found = report(before={**base.before, **was}, after={**base.after, **now})
    console = Console(width=120, file=io.StringIO())
    console.print(summary(found))
    assert isinstance(console.file, io.StringIO)
    for text in (render(found), console.file.getvalue()):
        assert "Specificity: facts" in text
        assert "Over-refusal: facts" in text


def with_own_questions() -> Report:
    base, own = report(), {"own_kept": share(80), "own_over_refusal": Score(5.0, 9, 4.0, 6.0, False)}
    asked = Example("Your questions (my.csv)", "Who is shown?", "Mara Voss", "Nobody I know.", base.pictures[0])
    section = Section("Your questions (my.csv)", ("own_kept", "own_over_refusal"), (asked,))
    over_refusal = {"over_refusal": Score(0.0, 9, 0.0, 1.0, False)}
    scores = {**over_refusal, **own}
    return report(before={**base.before, **scores}, after={**base.after, **scores}, also=(section,))


def test_what_a_further_benchmark_asked_has_a_section_of_its_own() -> None:
    found = with_own_questions()
    start, own = render(found).split('<h2 id="also-1">')
    assert own.startswith("Your questions (my.csv)</h2>")
    section = own.split("</section>")[0]
    assert all(f'<span class="metric">{label}</span>' in section for label in ("Kept", "Over-refusal"))
    assert all(words in section for words in ("Who is shown?", "<mark>Mara Voss</mark>", "Nobody I know."))
    # Those of MMUBench stay where they were, and nothing is shown twice.
    assert start.count('<span class="metric">Over-refusal</span>') == 1
    assert '<span class="metric">Kept</span>' not in start
    assert "Who is shown?" not in start


def test_sections_come_back_with_the_report(tmp_path: Path) -> None:
    found = with_own_questions()
    write(found, tmp_path)
    (section,) = read(tmp_path).also
    assert section == replace(found.also[0], examples=(replace(found.also[0].examples[0], picture=None),))


def test_text_colours_reach_contrast_aa_in_every_scheme() -> None:
    css = files("unsee.reports").joinpath("templates/report.css").read_text("utf-8")
    schemes = [
        dict(re.findall(r"--([\w-]+): (#\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    ]
    assert len(schemes) == 3
    grounds = {"ink": ["paper", "card", "mark", "good-wash", "mixed-wash", "bad-wash"], "muted": ["paper", "card"]}
    grounds |= {tone: ["paper", "card", f"{tone}-wash"] for tone in ("good", "mixed", "bad")}
    grounds |= {"accent": ["paper"], "before": ["paper"]}
    for scheme in schemes:
        for text, under in grounds.items():
            for ground in under:
                assert contrast(scheme[text], scheme[ground]) >= 4.5, (text, ground)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""

    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
