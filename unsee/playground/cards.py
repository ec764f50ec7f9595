"""What the page shows of answers and of a report, as HTML. Everything that a model or a user said is escaped."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

from PIL import Image

from unsee.playground.gallery import LANGUAGE_NAMES
from unsee.playground.playing import Compared, Said
from unsee.reports.attack_lines import Line, lines_of
from unsee.reports.report import Report

STYLE = """
.gradio-container { max-width: 72rem !important; margin: 0 auto !important; }
.gradio-container, .gradio-container .main, .gradio-container .contain { min-width: 0 !important; }
.unsee-shown img { max-width: 20rem; width: 100%; height: auto; margin: 0; border-radius: .25rem; }
#unsee-picture img { width: 100%; height: 15rem; margin: 0; object-fit: contain; }
#unsee-gallery .grid-container { grid-template-columns: repeat(auto-fill, minmax(4.75rem, 1fr)) !important; }
#unsee-gallery .caption-label { left: 0; right: 0; bottom: 0; max-width: none; padding: .1rem .2rem; border-radius: 0;
  text-align: center; font-size: .65rem; }
.unsee-pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)); gap: .75rem; }
.unsee-card { border: 1px solid var(--border-color-primary); border-radius: .5rem; padding: .75rem 1rem; }
.unsee-card h3 { margin: 0 0 .35rem; font-size: .85rem; font-weight: 600; color: var(--body-text-color-subdued); }
.unsee-card p { margin: 0 0 .5rem; overflow-wrap: anywhere; }
.unsee-given, .unsee-kept { display: inline-block; border-radius: 1rem; padding: .05rem .6rem;
  font-size: .8rem; font-weight: 600; }
.unsee-given { background: #fbecea; color: #8f2a22; }
.unsee-kept { background: #e9f4ed; color: #175c3a; }
.unsee-scroll { overflow-x: auto; }
.unsee-table { border-collapse: collapse; width: 100%; font-size: .9rem; border: 0 !important; }
.unsee-table :is(thead, tbody, tr) { border: 0 !important; }
.unsee-table th { overflow-wrap: normal !important; }
.unsee-figures .unsee-table { font-size: .78rem; }
.unsee-figures .unsee-table th, .unsee-figures .unsee-table td { padding: .3rem .25rem; }
.unsee-table th, .unsee-table td { border: 0 !important; text-align: left; vertical-align: top; padding: .4rem .6rem;
  border-bottom: 1px solid var(--border-color-primary) !important; overflow-wrap: anywhere; }
.unsee-table td.unsee-number { text-align: right; white-space: nowrap; }
.unsee-table img { width: 4.5rem; min-width: 4.5rem; height: auto; margin: 0; border-radius: .25rem; }
.unsee-note { color: var(--body-text-color-subdued); font-size: .9rem; }
.unsee-trouble { border-left: 4px solid #a5322b; padding: .5rem .75rem; background: #fbecea; color: #6e1d17; }
@media (max-width: 40rem) {
  .unsee-stack thead { position: absolute; left: -100rem; }
  .unsee-stack tr { display: block; border-bottom: 2px solid var(--border-color-primary); padding: .4rem 0; }
  .unsee-stack td { display: block; border: 0 !important; padding: .15rem 0; }
  .unsee-stack td::before { content: attr(data-title) " "; font-size: .75rem; font-weight: 600;
    color: var(--body-text-color-subdued); }
}
"""


def pair(compared: Compared) -> str:
    """One question, and both answers side by side."""
    cards = "".join(
        f'<section class="unsee-card" aria-label="{title}"><h3>{title}</h3><p>{_text(said)}</p>{_mark(said)}</section>'
        for title, said in (("Before unlearning", compared.before), ("After unlearning", compared.after))
    )
    where = "" if compared.picture is not None else ' <span class="unsee-note">(in text, without a picture)</span>'
    question = f'<p class="unsee-note">“{escape(compared.question)}”{where}</p>'
    return f'{question}<div class="unsee-pair" role="status">{cards}</div>'


def attack(
    title: str, found: Sequence[Compared], asked_about: Image.Image | None = None, left_out: str | None = None
) -> str:
    """Every question of an attack, and how many answers give the concept away. Pictures are shown where they are not
    the one that is `asked_about`: in every row, or once if all questions share one, such as that of two people.
    `left_out`: why the audit of the run did not count this attack."""
    before, after = (
        sum(said.gives_away for said in side) for side in ([c.before for c in found], [c.after for c in found])
    )
    count = len(found)
    note = f'<p class="unsee-note">The audit does not count this attack: {escape(left_out)}.</p>' if left_out else ""
    shared = found[0].picture
    pictures = any(c.picture is not shared for c in found)
    another = not pictures and shared is not None and asked_about is not None and not _same(shared, asked_about)
    shown = _image(shared, "The picture that this attack asks about", 320) if another else ""
    body = "".join(_row(one, pictures) for one in found)
    head = "".join(f"<th scope='col'>{t}</th>" for t in ([*["Picture"] * pictures, "Question", "Before", "After"]))
    return (
        f"<p role='status'><strong>{escape(title)}</strong>: given away in {before} of {count} answers before, "
        f"in {after} of {count} after.</p>{note}{shown and f'<p class=unsee-shown>{shown}</p>'}"
        f'<table class="unsee-table unsee-stack"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    )


def chosen(picture: Image.Image | None) -> str:
    """The picture that is asked about. By hand, because Gradio's own has no text for who cannot see it."""
    if picture is None:
        return '<p class="unsee-note">Asked without a picture.</p>'
    return _image(picture, "The picture that is asked about", 480)


def trouble(sentence: str) -> str:
    return f'<p class="unsee-trouble" role="alert">{escape(sentence)}</p>'


def verdict(reports: Sequence[Report]) -> str:
    """What the report of the run says, in two sentences; each of several."""
    return "".join(
        f"<p>{_about(report, reports)}<strong>{escape(report.verdict.headline)}.</strong> "
        f"{escape(report.verdict.sentence)}</p>"
        for report in reports
    )


def figures(reports: Sequence[Report]) -> str:
    """The small print of the verdict, and the table of the audit; of each of several reports."""
    if not reports:
        return '<p class="unsee-note">The run has no report that could be read.</p>'
    return "".join(f"{title and f'<h3>{title}</h3>'}{_figures(report)}" for report in reports
                   for title in [_about(report, reports).removesuffix(": ")])  # fmt: skip


def _about(report: Report, reports: Sequence[Report]) -> str:
    return f"{escape(report.concept)}: " if len(reports) > 1 else ""


def _same(one: Image.Image, other: Image.Image) -> bool:
    return one.size == other.size and one.convert("RGB").tobytes() == other.convert("RGB").tobytes()


def _figures(report: Report) -> str:
    caveats = "".join(f'<p class="unsee-note">{escape(text)}</p>' for text in report.verdict.caveats)
    if report.audit is None:
        return f'{caveats}<p class="unsee-note">The run was not audited.</p>'
    head = "".join(f"<th scope='col'>{t}</th>" for t in ("Attack", "Before", "After", "Floor", "Over the floor"))
    body = "".join(map(_line, lines_of(report.audit)))
    return (
        '<div class="unsee-figures unsee-scroll" tabindex="0" role="region" aria-label="Table of attacks">'
        f'<table class="unsee-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{caveats}'
    )


def _line(line: Line) -> str:
    title = f"&nbsp;&nbsp;{escape(line.variant)}" if line.is_part else escape(line.title)
    cells = (line.shown(line.before), line.shown(line.after), line.shown(line.floor), line.points())
    numbers = "".join(f'<td class="unsee-number">{escape(cell)}</td>' for cell in cells)
    return f'<tr><th scope="row">{title}</th>{numbers}</tr>'


def _row(one: Compared, pictures: bool) -> str:
    way = LANGUAGE_NAMES.get(one.wording, one.wording)
    wording = f' <span class="unsee-note">({escape(way)})</span>' if way else ""
    spoken = f' lang="{one.wording}"' if one.wording in LANGUAGE_NAMES else ""
    picture = f"<td>{_image(one.picture)}</td>" if pictures else ""
    return (
        f"<tr>{picture}<td data-title='Question:'><span{spoken}>{escape(one.question)}</span>{wording}</td>"
        f"<td data-title='Before:'><span{spoken}>{_text(one.before)}</span> {_mark(one.before)}</td>"
        f"<td data-title='After:'><span{spoken}>{_text(one.after)}</span> {_mark(one.after)}</td></tr>"
    )


def _text(said: Said) -> str:
    return escape(said.text) if said.text else "<em>(no answer)</em>"


def _mark(said: Said) -> str:
    return '<span class="unsee-given">gives it away</span>' if said.gives_away else (
        '<span class="unsee-kept">does not give it away</span>'
    )  # fmt: skip


def _image(picture: Image.Image | None, alt: str = "", longest: int = 160) -> str:
    if picture is None:
        return ""
    small, content = picture.copy(), io.BytesIO()
    small.thumbnail((longest, longest))
    small.save(content, "PNG")
    return f'<img alt="{alt}" src="data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}">'
