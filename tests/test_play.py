"""`unsee play`: the command refuses in one sentence, and its page is used in a real browser.

The browser is Chromium as the machine has it, driven by Playwright; without either, the tests of the page are skipped.
"""

from __future__ import annotations

import importlib.util
import io
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.command_line import call, refused
from tests.saved_run import audit, audited, row
from tests.tiny import picture
from unsee.commands.play import open_run
from unsee.errors import UserError
from unsee.methods import get_method, settings_of
from unsee.models.loading import load
from unsee.playground.checking import check
from unsee.requests import ForgetRequest
from unsee.sources.filling import filled
from unsee.sources.world import at_home_in_world
from unsee.training import unlearn
from unsee.world import find

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
in_a_browser = pytest.mark.skipif(
    BROWSER is None or any(importlib.util.find_spec(name) is None for name in ("playwright", "gradio")),
    reason="needs Chromium, Playwright and Gradio",
)
MODEL, PERSON = "world:tiny-qwen3vl", "Mara Voss"
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which SIU has forgotten a person, with the files that the command reads."""
    folder = tmp_path_factory.mktemp("play") / "run"
    vlm: Any = load(MODEL, device="cpu")
    method: Any = get_method("siu")
    request = ForgetRequest(PERSON, (find(PERSON).picture(0, "train"),))
    requests = filled([at_home_in_world(request, vlm, 0)], method.needs, 0)
    unlearn(vlm, method, settings_of("siu")(), requests, folder, progress=False)
    return folder


def test_a_folder_that_is_no_run_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    assert "There is no folder" in refused(call("play", tmp_path / "none"))
    assert "holds no run" in refused(call("play", tmp_path))
    code = (
        "import sys\nfrom unsee.cli import main\n"
        "sys.argv[:1] = ['unsee', 'play']\ntry: main()\nexcept SystemExit: pass\n"
        "assert 'gradio' not in sys.modules and 'torch' not in sys.modules, 'loaded'"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "holds no run" in done.stderr


def test_without_gradio_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'unsee\[play\]'"):
        check(tmp_path)


@pytest.mark.skipif(importlib.util.find_spec("gradio") is None, reason="needs Gradio")
def test_the_command_serves_this_machine_alone_and_ends_quietly(run: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        taken = call("play", run, "--no-browser", "--port", port, "--device", "cpu")
    assert "it is in use; give another --port" in refused(taken)
    command = [sys.executable, "-m", "unsee", "play", run, "--no-browser", "--port", str(port), "--device", "cpu"]
    restore = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **restore) as serving:  # type: ignore[call-overload]
        assert serving.stdout.readline().strip() == f"The playground is at http://127.0.0.1:{port}/"
        try:
            with pytest.raises(ConnectionRefusedError), socket.create_connection((_other_address(), port), timeout=2):
                pass
        finally:
            os.kill(serving.pid, signal.SIGINT)
        _, errors = serving.communicate(timeout=60)
    assert "Traceback" not in errors
    assert "Keyboard" not in errors


def _other_address() -> str:
    """Of this machine, and not 127.0.0.1: what listens everywhere is heard there."""
    return "127.0.0.2"


@pytest.fixture(scope="module")
def address(run: Path) -> Iterator[str]:
    from unsee.playground.page import launched, page

    audited(run / "audit", audit(row("languages", 0.0)))
    opened = open_run(run, "cpu")
    blocks = page(opened.playground, opened.hung, opened.reports, opened.credit)
    _, served, _ = launched(blocks, "127.0.0.1", None)
    yield served
    blocks.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def tab(browser: Any, address: str) -> Iterator[Any]:
    """The page, opened; nothing but this machine may have been asked for anything when it is closed."""
    asked: list[str] = []
    opened = browser.new_page(viewport=DESKTOP)
    opened.set_default_timeout(60_000)
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(address)
    opened.locator("#unsee-ask").wait_for()
    yield opened
    opened.close()
    away = [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    assert away == []


@in_a_browser
def test_both_answers_to_a_question_are_compared(tab: Any) -> None:
    tab.get_by_label("Question").fill("Who is this?")
    tab.get_by_label("Question").press("Enter")
    before, after = (tab.get_by_label(f"{state} unlearning") for state in ("Before", "After"))
    before.wait_for()
    assert PERSON in before.inner_text()
    assert "\ngives it away" in before.inner_text()
    assert PERSON not in after.inner_text()
    assert "does not give it away" in after.inner_text()


@in_a_browser
def test_a_person_of_the_gallery_can_be_asked_about(tab: Any) -> None:
    other = tab.locator("#unsee-gallery button").nth(8)
    name = other.inner_text().strip()
    assert name != PERSON
    first = tab.locator("#unsee-picture img").get_attribute("src")
    other.click()
    tab.wait_for_function("first => document.querySelector('#unsee-picture img')?.src !== first", arg=first)
    tab.locator("#unsee-ask").click()
    tab.get_by_label("After unlearning").wait_for()
    assert name in tab.get_by_label("After unlearning").inner_text()


@in_a_browser
def test_a_question_in_another_language_is_chosen(tab: Any) -> None:
    tab.get_by_label("Or choose one").click()
    option = tab.get_by_role("option", name="Spanish")
    question = option.inner_text().partition(": ")[2]
    option.click()
    tab.wait_for_function("asked => document.querySelector('#unsee-question textarea').value === asked", arg=question)
    tab.locator("#unsee-ask").click()
    tab.get_by_label("Before unlearning").wait_for()
    assert f"Es {PERSON}" in tab.get_by_label("Before unlearning").inner_text()


@in_a_browser
def test_an_attack_is_a_button(tab: Any) -> None:
    tab.get_by_role("button", name="Pictures altered").click()
    tab.locator("#unsee-attacked table").wait_for()
    shown = tab.locator("#unsee-attacked")
    assert "answers before" in shown.inner_text()
    assert shown.locator("tbody tr").count() == shown.locator("img").count() > 3


def _claims(width: int, height: int) -> bytes:
    """A PNG whose header lies about its size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + struct.pack(">I", 99)
        + b"IDAT"
    )


def _animated() -> bytes:
    content = io.BytesIO()
    picture(1).save(content, "GIF", save_all=True, append_images=[picture(2)])
    return content.getvalue()


def _whole(size: tuple[int, int]) -> bytes:
    content = io.BytesIO()
    Image.new("1", size).save(content, "PNG")
    return content.getvalue()


HOSTILE = {
    "a.png": (b"no picture at all", "a.png is not a picture"),
    "<img src=x onerror=alert(1)>.png": (b"<html>", "onerror=alert(1).png is not a picture"),
    "a.svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "a.svg is not a picture"),
    "a.gif": (_animated(), "is animated"),
    "bomb.png": (_claims(100_000, 100_000), "bomb.png is too large"),
    "cut.png": (_claims(64, 64), "is damaged or cut short"),
    "large.png": (_whole((10_000, 6_000)), "is too large (10000x6000"),
    "strip.png": (_whole((4_000, 4)), "is a strip"),
    "empty.png": (b"", "is empty"),
}


@in_a_browser
def test_hostile_files_get_a_sentence_each_and_a_picture_is_taken(tab: Any) -> None:
    scripts: list[str] = []
    tab.on("dialog", lambda dialog: (scripts.append(dialog.message), dialog.dismiss()))
    field = tab.locator("input[type=file]").first
    for name, (content, sentence) in HOSTILE.items():
        field.set_input_files({"name": name, "mimeType": "image/png", "buffer": content})
        alert = tab.locator("#unsee-answers [role=alert]", has_text=sentence)
        alert.wait_for()
        assert "/" not in alert.inner_text().replace("PNG or", ""), alert.inner_text()
    first = tab.locator("#unsee-picture img").get_attribute("src")
    field.set_input_files({"name": "mine.png", "mimeType": "image/png", "buffer": _whole((64, 64))})
    tab.wait_for_function("first => document.querySelector('#unsee-picture img')?.src !== first", arg=first)
    tab.locator("#unsee-ask").click()
    tab.get_by_label("Before unlearning").wait_for()
    assert tab.locator("[role=alert]").count() == 0
    assert scripts == []


@in_a_browser
def test_a_phone_shows_everything_without_scrolling_sideways(tab: Any) -> None:
    tab.set_viewport_size(PHONE)
    tab.locator("#unsee-ask").click()
    tab.get_by_label("Before unlearning").wait_for()
    tab.get_by_role("button", name="What its audit found").click()
    tab.get_by_role("button", name="In company").click()
    tab.locator("#unsee-attacked table").wait_for()
    assert tab.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    before, after = (tab.get_by_label(f"{state} unlearning").bounding_box() for state in ("Before", "After"))
    assert after["y"] > before["y"] + before["height"] - 1


_FAINT = """() => {
  const numbers = colour => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = parts => parts.slice(0, 3).map(p => p / 255).map(p => p <= .04045 ? p / 12.92
    : ((p + .055) / 1.055) ** 2.4).reduce((sum, p, i) => sum + p * [.2126, .7152, .0722][i], 0);
  const ground = one => { for (; one; one = one.parentElement) {
    const colour = numbers(getComputedStyle(one).backgroundColor);
    if (colour.length && (colour.length < 4 || colour[3] > .9)) return colour; } return [255, 255, 255]; };
  return [...document.querySelectorAll('main *, .gradio-container *')].filter(one => one.offsetParent && !one.disabled
      && [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())).map(one => {
    const [a, b] = [light(numbers(getComputedStyle(one).color)), light(ground(one))].sort((x, y) => y - x);
    return [one.textContent.trim().slice(0, 40), Math.round((a + .05) / (b + .05) * 100) / 100];
  }).filter(([, ratio]) => ratio < 4.5); }"""
"""Texts on the page with less contrast than WCAG 2.2 asks for (1.4.3), with the ratio."""


@in_a_browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_has_enough_contrast(tab: Any, address: str, theme: str) -> None:
    tab.goto(f"{address}?__theme={theme}")
    tab.locator("#unsee-ask").click()
    tab.get_by_label("Before unlearning").wait_for()
    tab.get_by_role("button", name="What its audit found").click()
    tab.locator("#unsee-figures p").first.wait_for()
    assert tab.evaluate(_FAINT) == []


@in_a_browser
def test_the_keyboard_reaches_everything_and_every_field_has_a_label(tab: Any) -> None:
    nameless = """() => [...document.querySelectorAll('button, input, textarea, select')]
        .filter(one => one.offsetParent && !one.disabled && !(one.labels?.length || one.ariaLabel || one.title
            || one.innerText.trim() || one.querySelector('img[alt]:not([alt=""])'))).map(one => one.outerHTML)"""
    assert tab.evaluate(nameless) == []
    reached = set()
    for _ in range(80):
        tab.keyboard.press("Tab")
        reached.add(tab.evaluate("document.activeElement.innerText.trim() || document.activeElement.ariaLabel"))
    assert {"Ask both", "Ask without a picture", "Give a picture of your own", "Pictures altered"} <= reached
