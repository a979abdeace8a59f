"""The driver of Chromium that tests of pages stand on: what it sees, and what it reports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.browser import DESKTOP, PHONE, Browser

ROOT = Path(__file__).parents[2]
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>A page</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>p { color: red } @media (prefers-color-scheme: dark) { p { color: blue } }</style></head>
<body><button onclick="this.textContent += '!'">push</button><p></p>
<script>addEventListener("keydown", e => document.querySelector("p").textContent += e.key)</script>
</body></html>"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "page.html").write_text(PAGE, encoding="utf-8")
    return tmp_path / "page.html"


def test_a_page_is_clicked_typed_into_and_read(browser: Browser, path: Path) -> None:
    page = browser.open(path)
    page.click("button")
    page.press("a")
    page.press("ArrowLeft")
    assert page.texts("button, p") == ["push!", "aArrowLeft"]


def test_a_phone_is_narrower_than_a_desktop(browser: Browser, path: Path) -> None:
    page = browser.open(path, PHONE)
    assert page.evaluate("innerWidth") == PHONE.width
    page.resize(DESKTOP)
    assert page.evaluate("innerWidth") == DESKTOP.width
    assert page.overflow == 0


def test_dark_mode_is_seen_by_the_page(browser: Browser, path: Path) -> None:
    page = browser.open(path)
    colour = "getComputedStyle(document.querySelector('p')).color"
    assert page.evaluate(colour) == "rgb(255, 0, 0)"
    page.prefer(dark=True)
    assert page.evaluate(colour) == "rgb(0, 0, 255)"


def test_a_screenshot_is_a_picture_of_the_screen(
    browser: Browser, path: Path, tmp_path: Path
) -> None:
    browser.open(path).screenshot(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert [int.from_bytes(data[i : i + 4]) for i in (16, 20)] == [DESKTOP.width, DESKTOP.height]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("console.warn('careful', 3)", "warning: careful 3"),
        ("setTimeout(() => { throw Error('broken') })", "Error: broken"),
        ("new Image().src = 'http://example.com/a.png'", "asked for http://example.com/a.png"),
        ("new Image().src = 'other.png'", "other.png"),
    ],
)
def test_what_a_page_should_not_do_is_reported(
    browser: Browser, path: Path, script: str, said: str
) -> None:
    browser.open(path).evaluate(f"{script}; 0")
    assert said in "\n".join(browser.close_pages())  # which the fixture would fail for
    assert browser.close_pages() == []


def test_several_pages_may_be_open_and_each_is_reported(browser: Browser, path: Path) -> None:
    first, second = browser.open(path), browser.open(path)
    first.evaluate("console.log('first')")
    second.evaluate("console.log('second')")
    assert browser.close_pages() == ["log: first", "log: second"]


def test_a_mistake_in_a_test_is_an_error(browser: Browser, path: Path) -> None:
    page = browser.open(path)
    with pytest.raises(RuntimeError, match="nothing matches #absent"):
        page.click("#absent")
    with pytest.raises(RuntimeError, match="ReferenceError"):
        page.evaluate("absent.name")


def test_without_chromium_these_tests_are_deselected_and_the_summary_says_why() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider",
         "tests/insight/test_browser.py"],
        cwd=ROOT,
        env={**os.environ, "LAMINA_CHROMIUM": "nowhere"},
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert "test_without_chromium" in ran.stdout
    assert "test_a_page_is_clicked" not in ran.stdout
    assert "10 deselected" in ran.stdout
    assert "(marker `browser`) were deselected: no Chromium is installed" in ran.stdout
