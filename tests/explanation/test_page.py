"""The page in a browser: whole on a phone, legible in light and dark, quiet, and deaf to what the artifact says."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from envlock.explanation import explain
from envlock.explanation.page import is_page, render_page
from envlock.target import LINUX_X86_64
from tests.explanation.browser import CHROMIUM, Browser, started_browser
from tests.explanation.explanations import ASSETS, HARMFUL_NAME, explain_harmful

ARTIFACTS = ["keras/tf-1.15-lambda.h5", "keras/tf-2.21-functional.keras", "saved_model/2.6", "graphs/1.12/frozen.pb"]

# Elements with text of their own whose contrast (WCAG 2.1, 1.4.3) to what is behind them is under 4.5.
FAINT_TEXT = """
(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (rgb) => rgb.slice(0, 3).map((value) => value / 255)
    .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (part) => {
    const channel = channels(getComputedStyle(part).backgroundColor);
    return channel.length === 3 || !part.parentElement ? channel : behind(part.parentElement);
  };
  const faint = [];
  for (const part of document.body.querySelectorAll("*")) {
    const own = [...part.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || ["SCRIPT", "STYLE", "title"].includes(part.tagName)) continue;
    const style = getComputedStyle(part);
    const colour = channels(part instanceof SVGElement ? style.fill : style.color);
    const [light, dark] = [luminance(colour), luminance(behind(part))].sort((a, b) => b - a);
    if ((light + 0.05) / (dark + 0.05) < 4.5) faint.push(`${part.tagName}.${part.className.baseVal ?? part.className}`);
  }
  return faint;
})()
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with started_browser(tmp_path_factory.mktemp("browser")) as started:
        yield started


def write_page(name: str, folder: Path) -> Path:
    path = folder / "page.html"
    explanation = explain(ASSETS / name, platform=LINUX_X86_64)
    path.write_text(render_page(explanation, kind="an artifact"), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", ARTIFACTS)
def test_a_page_is_as_wide_as_the_window_legible_and_asks_for_nothing(
    name: str, width: int, scheme: str, browser: Browser, tmp_path: Path
) -> None:
    path = write_page(name, tmp_path)

    browser.open(path, width=width, scheme=scheme)

    assert browser.evaluate("document.documentElement.scrollWidth") == width
    assert browser.evaluate(FAINT_TEXT) == []
    assert browser.complaints() == []
    assert [address for address in browser.addresses() if not address.startswith("data:")] == [path.as_uri()]


def test_the_keyboard_reaches_every_run_and_its_reason_is_told(browser: Browser, tmp_path: Path) -> None:
    path = write_page("keras/tf-1.15-lambda.h5", tmp_path)
    browser.open(path, width=1280, scheme="light")
    labels = browser.evaluate('[...document.querySelectorAll(".run[tabindex]")].map((run) => run.ariaLabel)')

    browser.press("Tab")
    told = []
    for _ in labels:
        browser.press("Tab")
        told.append(browser.evaluate('document.getElementById("detail").textContent'))

    assert told == labels
    assert browser.evaluate('document.querySelector("tr.active").id') == f"run-{len(labels) - 1}"


def test_a_drawing_that_is_too_wide_shows_the_writer_first(browser: Browser, tmp_path: Path) -> None:
    browser.open(write_page("keras/tf-2.21-functional.keras", tmp_path), width=360, scheme="light")

    box = browser.evaluate(
        '(({left, right}) => [left, right])(document.querySelector("rect.window").getBoundingClientRect())'
    )

    assert 0 < box[0] < box[1] < 360


def test_the_page_has_one_heading_of_the_first_rank_and_skips_none(browser: Browser, tmp_path: Path) -> None:
    browser.open(write_page("keras/tf-1.15-lambda.h5", tmp_path), width=1280, scheme="light")

    ranks = browser.evaluate(
        '[...document.querySelectorAll("h1, h2, h3")].map((heading) => Number(heading.tagName[1]))'
    )

    assert ranks.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(ranks))


def test_what_the_artifact_says_is_text_and_nothing_else(browser: Browser, tmp_path: Path) -> None:
    explanation = explain_harmful(tmp_path)
    path = tmp_path / "page.html"
    text = render_page(explanation, kind=HARMFUL_NAME)
    path.write_text(text, encoding="utf-8")

    browser.open(path, width=360, scheme="light")

    assert HARMFUL_NAME not in text
    assert [character for character in text if not character.isprintable() and character != "\n"] == []
    assert browser.evaluate('document.querySelectorAll("script").length') == 1
    assert browser.evaluate('document.querySelectorAll("img").length') == 0
    assert browser.evaluate("document.documentElement.scrollWidth") == 360
    assert browser.complaints() == []


def test_a_page_is_known_again(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.html"
    foreign.write_bytes(b"\xff<html>")

    assert is_page(write_page("graphs/1.12/frozen.pb", tmp_path))
    assert not is_page(foreign)
