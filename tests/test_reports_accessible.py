"""The pages of a run can be read by everybody, printed, and opened without a network."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest

from tests.saved_run import audit, row, saved_run
from tests.tiny import picture
from unsee.commands.evidence import EvidenceOptions, make_evidence
from unsee.reports.page import render
from unsee.reports.reading import read
from unsee.reports.report import Example

VOID = {"meta", "img", "br", "link", "input", "hr"}
# Text and what it stands on, in the style sheet's own words (WCAG 2.2, 1.4.3: 4.5 to 1).
TEXT = [
    *((ink, ground) for ink in ("ink", "muted", "accent", "good", "bad") for ground in ("paper", "card")),
    *((tone, f"{tone}-wash") for tone in ("good", "mixed", "bad")),
    *(("ink", ground) for ground in ("good-wash", "mixed-wash", "bad-wash", "mark")),
]
# Lines and bars (1.4.11: 3 to 1).
SHAPES = [("accent", "rule"), ("before", "rule"), ("muted", "rule")]


def palettes() -> dict[str, dict[str, str]]:
    """The colours by name: on a screen, on a dark one, on paper."""
    css = files("unsee.reports").joinpath("templates/report.css").read_text("utf-8")
    blocks = re.findall(r":root \{(.*?)\}", css, flags=re.DOTALL)
    light, dark, paper = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in blocks)
    return {"light": light, "dark": {**light, **dark}, "print": {**light, **paper}}


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_the_ratio_that_wcag_gives() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21.0)
    # WebAIM's example of the lightest grey on white that passes.
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("where", ["light", "dark", "print"])
def test_every_text_has_enough_contrast(where: str) -> None:
    colours = palettes()[where]
    low = {pair: contrast(*(colours[name] for name in pair)) for pair in TEXT}
    assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}
    assert {pair for pair in SHAPES if contrast(*(colours[name] for name in pair)) < 3} == set()


class Page(HTMLParser):
    """Elements in order: tag, attributes, and the tags around it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == [], "a tag is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), tuple(self._open)))
        if tag not in VOID and self.get_starttag_text() and not str(self.get_starttag_text()).endswith("/>"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), tuple(self._open)))

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes, _ in self.elements if tag in tags]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("pages")
    found = audit(row("paraphrase", 0.0, variant="for the name"), row("relearning", 90.0, variant="1 step"),
                  row("relearning", 95.0, variant="4 steps"))  # fmt: skip
    run = saved_run(folder / "run", found)
    asked = Example("On the picture given", "Who is this?", "Mara Voss.", "Nobody I know.", picture(1), True)
    log = [{"step": step, "loss": 3.0 / step} for step in range(1, 9)]
    report = replace(read(run, (picture(1),)), examples=(asked,), training_log=log, audit=found)
    evidence = make_evidence(EvidenceOptions(run, folder / "pack", with_pictures=True)).folder / "evidence.html"
    return {
        "report": render(report),
        "audit": (run / "audit" / "audit.html").read_text("utf-8"),
        "evidence": evidence.read_text("utf-8"),
    }


PAGES = ("report", "audit", "evidence")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_a_language_a_title_landmarks_and_one_first_heading(pages: dict[str, str], name: str) -> None:
    page = Page(pages[name])
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("title")) == len(page.all("main")) == len(page.all("h1")) == 1
    levels = [int(tag[1]) for tag, _, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    labels = [attributes["aria-labelledby"] for attributes in page.all("section") if "aria-labelledby" in attributes]
    assert set(labels) <= set(ids)


@pytest.mark.parametrize("name", PAGES)
def test_pictures_and_plots_have_words_and_table_headers_a_scope(pages: dict[str, str], name: str) -> None:
    page = Page(pages[name])
    assert all(attributes.get("alt") for attributes in page.all("img"))
    assert all(attributes.get("scope") in ("col", "row", "rowgroup") for attributes in page.all("th"))
    assert page.all("th")
    plots = [attributes for attributes in page.all("div") if attributes.get("role") == "img"]
    assert all(attributes.get("aria-label") for attributes in plots)
    assert len(page.all("svg")) <= len(plots)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_nobody_for_anything(pages: dict[str, str], name: str) -> None:
    page = Page(pages[name])
    assert not page.all("script", "link", "iframe", "object", "embed", "base", "form")
    for attributes in (attributes for _, attributes, _ in page.elements):
        for key in ("src", "href", "xlink:href", "srcset", "action"):
            target = attributes.get(key)
            assert target is None or not re.match(r"(?:[a-z]+:)?//|(?!data:image/)[a-z]+:", target), target
    assert "@import" not in pages[name]
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", pages[name]))
    assert "default-src 'none'" in pages[name]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_a_form_for_paper(pages: dict[str, str], name: str) -> None:
    paper = pages[name].split("@media print", 1)[1]
    assert "break-inside: avoid" in paper
    assert "details::details-content" in paper
    assert "@page" in paper
    # A sheet of paper is no telephone.
    assert not re.search(r"@media \(max-width", pages[name])


def test_the_page_of_evidence_links_only_to_files_that_are_in_the_pack(pages: dict[str, str], tmp_path: Path) -> None:
    pack = make_evidence(EvidenceOptions(saved_run(tmp_path / "run"), tmp_path / "pack")).folder
    links = [str(one["href"]) for one in Page((pack / "evidence.html").read_text("utf-8")).all("a")]
    assert links
    assert all((pack / link).is_file() for link in links)
