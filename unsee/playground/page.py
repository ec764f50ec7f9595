"""The page, drawn by Gradio: pictures, questions and attacks in, both answers out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from unsee.data.images import open_image
from unsee.errors import UserError
from unsee.playground import cards
from unsee.playground.gallery import Hung, questions
from unsee.playground.playing import Playground
from unsee.reports.report import Report

FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
LARGEST_FILE = "20mb"


def page(playground: Playground, hung: Sequence[Hung], reports: Sequence[Report], credit: str = "") -> gr.Blocks:
    """The page of a playground. `hung` are the pictures of its gallery, of which the first is chosen at first."""
    first = hung[0].picture if hung else None
    names = ", ".join(playground.concepts)
    with gr.Blocks(title=f"unsee: {names}", analytics_enabled=False) as blocks:
        gr.HTML(
            f"<h1>{cards.escape(names)}, before and after</h1><p class='unsee-note'>{cards.escape(playground.model)}. "
            f"Choose a picture or give your own, ask what you like, and compare.</p>{cards.verdict(reports)}"
        )
        chosen = gr.State(first)
        with gr.Row():
            with gr.Column(scale=2, min_width=280):
                shown = gr.HTML(cards.chosen(first), elem_id="unsee-picture")
                with gr.Row():
                    upload = gr.UploadButton("Give a picture of your own", elem_id="unsee-upload", size="sm")
                    without = gr.Button("Ask without a picture", size="sm")
                wall = gr.Gallery(
                    [(one.picture, one.title) for one in hung], label="Pictures", columns=4, height=300, format="png",
                    allow_preview=False, interactive=False, buttons=[], elem_id="unsee-gallery",
                )  # fmt: skip
                with gr.Accordion("What its audit found", open=False, elem_id="unsee-figures"):
                    gr.HTML(cards.figures(reports))
            with gr.Column(scale=3, min_width=280):
                offered = [one for concept in playground.concepts for one in questions(playground.materials[concept])]
                ready = [(f"{what}: {question}", question) for what, question in dict.fromkeys(offered)]
                asked = gr.Textbox(ready[0][1] if ready else "", label="Question", lines=1, max_lines=4,
                                   elem_id="unsee-question")  # fmt: skip
                choice = gr.Dropdown(ready, value=None, label="Or choose one: other languages, facts, what can be seen")
                ask = gr.Button("Ask both", variant="primary", elem_id="unsee-ask")
                answers = gr.HTML(elem_id="unsee-answers")
                concept = gr.Dropdown(
                    list(playground.concepts), value=playground.concepts[0], label="Attacks try to hear",
                    visible=len(playground.concepts) > 1,
                )  # fmt: skip
                gr.HTML("<h2>Try to bring it back</h2><p class='unsee-note'>Each button asks both models everything "
                        "that the attack of this name asks about the picture.</p>")  # fmt: skip
                with gr.Row(equal_height=True):
                    buttons = [(attack, gr.Button(attack.title, size="sm", min_width=150))
                               for attack in playground.attacks]  # fmt: skip
                attacked = gr.HTML(elem_id="unsee-attacked")
        if credit:
            gr.HTML(f"<p class='unsee-note'>{cards.escape(credit)}</p>")

        def take(event: gr.SelectData) -> tuple[Image.Image, str]:
            picture = hung[int(event.index)].picture
            return picture, cards.chosen(picture)

        def put(file: str) -> tuple[Any, Any, str]:
            try:
                picture = open_image(Path(file))
            except UserError as error:
                # The name on the user's disk, not that of Gradio's copy.
                sentence = str(error).replace(str(file), Path(file).name)
                return gr.skip(), gr.skip(), cards.trouble(sentence)
            finally:
                with suppress(OSError):
                    Path(file).unlink()
            return picture, cards.chosen(picture), ""

        def put_to(question: str, picture: Image.Image | None) -> str:
            return _explained(lambda: cards.pair(playground.ask(question, picture)))

        def attack_with(name: str, title: str, picture: Image.Image | None, concept: str) -> str:
            def tried() -> str:
                if picture is None:
                    raise UserError("An attack needs a picture; choose one, or give your own.")
                return cards.attack(
                    title, playground.attack(name, concept, picture), picture, playground.left_out.get(name)
                )

            return _explained(tried)

        one: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "model", "api_visibility": "private"}
        quick: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        wall.select(take, None, [chosen, shown], **quick)
        upload.upload(put, [upload], [chosen, shown, answers], **quick)
        without.click(lambda: (None, cards.chosen(None)), None, [chosen, shown], **quick)
        choice.input(lambda question: question, [choice], [asked], **quick)
        gr.on([ask.click, asked.submit], put_to, [asked, chosen], [answers], **one)
        for attack, button in buttons:
            button.click(partial(attack_with, attack.name, attack.title), [chosen, concept], [attacked], **one)
    return blocks


def serve(blocks: gr.Blocks, host: str, port: int | None, *, open_browser: bool, tell: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C. Raises UserError if the port is taken."""
    try:
        _, address, _ = launched(blocks, host, port, open_browser=open_browser)
    except OSError as error:
        at = f"port {port}" if port else "any of the usual ports"
        raise UserError(f"The page cannot be served at {host}, {at}: it is in use; give another --port.") from error
    tell(address)
    try:
        # Gradio's own waiting prints when it is interrupted.
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        blocks.close(verbose=False)


def launched(blocks: gr.Blocks, host: str, port: int | None, *, open_browser: bool = False) -> tuple[Any, str, str]:
    """The app, its address, and none that is shared."""
    return blocks.launch(
        server_name=host,
        server_port=port,
        inbrowser=open_browser,
        share=False,
        quiet=True,
        prevent_thread_lock=True,
        footer_links=[],
        max_file_size=LARGEST_FILE,
        theme=_theme(),
        css=cards.STYLE,
        ssr_mode=False,
        run_history=False,
        enable_monitoring=False,
    )


def _theme() -> gr.themes.Base:
    """Fonts of the reader's machine, because Gradio's own come over the network, and text that stands out."""
    theme = gr.themes.Base(font=FONTS, font_mono=("ui-monospace", "monospace"))
    return theme.set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
    )


def _explained(work: Callable[[], str]) -> str:
    """What `work` draws, or the sentence why it cannot."""
    try:
        return work()
    except UserError as error:
        return cards.trouble(str(error))
