"""The page of a graph in a browser: layers unfold, arrows follow, and all of it can be reached."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lamina.functions as F
from fixtures.browser import DESKTOP, PHONE, Browser, Page, Screen
from lamina.insight import Graph, graph
from lamina.models import GPT

OPEN = "[...document.querySelectorAll('.group.open')].map(g => g.querySelector('b').innerText)"


@pytest.fixture(scope="module")
def drawn() -> Graph:
    model, tokens = GPT(11, 6, 8, 2, 2), np.arange(12).reshape(2, 6) % 11
    return graph(lambda: F.softmax_cross_entropy(model(tokens).reshape(-1, 11), tokens.reshape(-1)))


@pytest.fixture
def path(drawn: Graph, tmp_path: Path) -> Path:
    drawn.save(tmp_path / "graph.html")
    return tmp_path / "graph.html"


def shown(page: Page, what: str) -> list[str]:
    """The texts of elements that can be seen."""
    return page.evaluate(
        f"[...document.querySelectorAll('{what}')].filter(e => e.getBoundingClientRect().width)"
        ".map(e => e.innerText)"
    )


def test_layers_are_folded_at_first(browser: Browser, path: Path) -> None:
    page = browser.open(path)
    heads = [text.split("\n")[0] for text in shown(page, ".head")]
    assert heads == ["blocks/0 Block", "blocks/1 Block", "norm LayerNorm"]
    assert len(shown(page, ".box")) == 8


def test_a_layer_unfolds_and_folds_where_it_is_clicked(browser: Browser, path: Path) -> None:
    page = browser.open(path)
    before = page.evaluate("document.querySelectorAll('.arrows .tip').length")
    page.click("#g1 > .head")
    assert page.evaluate(OPEN) == ["blocks/0"]
    assert [t.split("\n")[0] for t in shown(page, "#g1 .head")][1:] == [
        "norm1 LayerNorm",
        "attention MultiHeadAttention",
        "norm2 LayerNorm",
    ]
    page.click("#g1 #g2 > .head")
    assert page.evaluate(OPEN) == ["blocks/0", "norm1"]
    assert "Standardize" in shown(page, "#g2 .box")[0]
    assert page.evaluate("document.querySelectorAll('.arrows .tip').length") > before
    page.click("#g1 > .head")
    assert page.evaluate("document.querySelectorAll('.arrows .tip').length") == before


def test_arrows_end_where_boxes_are(browser: Browser, path: Path) -> None:
    page = browser.open(path)
    page.click("[data-do=unfold]")
    assert page.evaluate(
        """(() => {
            const frames = [...document.querySelectorAll(".box")].map(e => {
                const r = e.getBoundingClientRect();
                return [r.left + r.width / 2, r.top, r.bottom];
            });
            const tips = [...document.querySelectorAll(".arrows .tip")];
            const near = (tip) => {
                const r = tip.getBoundingClientRect();
                return frames.some(([x, top]) =>
                    Math.abs(x - r.left - r.width / 2) < 1 && Math.abs(top - r.bottom) < 1);
            };
            return [tips.length > 80, tips.filter(t => !near(t)).length];
        })()"""
    ) == [True, 0]


def test_every_box_has_an_arrow_when_all_is_unfolded(
    browser: Browser, path: Path, drawn: Graph
) -> None:
    page = browser.open(path)
    page.click("[data-do=unfold]")
    boxes = drawn.folded()
    sources = {int(i) for i in page.evaluate(
        "[...document.querySelectorAll('.arrows [data-from]')].map(e => e.dataset.from)"
    )}  # fmt: skip
    assert sources == {a for a, _ in boxes.edges}
    assert len(shown(page, ".box")) == len(boxes.boxes)
    page.click("[data-do=fold]")
    assert page.evaluate(OPEN) == []


def test_the_keyboard_reaches_and_unfolds_layers(browser: Browser, path: Path) -> None:
    page = browser.open(path)
    page.evaluate("document.querySelector('.view').focus()")
    page.press("Tab")
    page.press("Enter")
    assert page.evaluate(OPEN) == ["blocks/0"]
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
    page.press("Enter")
    assert page.evaluate(OPEN) == []
    page.evaluate("document.querySelector('.view').focus()")
    page.press("+")
    assert page.evaluate("document.querySelector('.canvas').style.transform") != "scale(1.15)"


def test_the_wheel_zooms_around_the_pointer_and_the_mouse_drags(
    browser: Browser, path: Path
) -> None:
    page = browser.open(path)
    page.click("[data-do=unfold]")
    scale = "new DOMMatrix(getComputedStyle(document.querySelector('.canvas')).transform).a"
    before = page.evaluate(scale)
    page.mouse("mouseWheel", 640, 400, deltaX=0, deltaY=-300, modifiers=2)
    page.settled()
    assert page.evaluate(scale) == pytest.approx(before * np.e, rel=1e-3)
    down = page.evaluate("document.querySelector('.view').scrollTop")
    page.mouse("mousePressed", 300, 500, button="left", buttons=1, clickCount=1)
    page.mouse("mouseMoved", 300, 380, button="left", buttons=1)
    page.mouse("mouseReleased", 300, 380, button="left")
    assert page.evaluate("document.querySelector('.view').scrollTop") == pytest.approx(
        down + 120, abs=1
    )


def test_two_fingers_zoom(browser: Browser, path: Path) -> None:
    page = browser.open(path, PHONE)
    scale = "new DOMMatrix(getComputedStyle(document.querySelector('.canvas')).transform).a"
    before = page.evaluate(scale)
    steps = [[(195.0 - d, 400.0), (195.0 + d, 400.0)] for d in (40, 50, 60, 80)]
    page.touch(*steps)
    assert page.evaluate(scale) == pytest.approx(before * 80 / 50, rel=0.05)


@pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_page_is_never_wider_than_its_screen(
    browser: Browser, path: Path, screen: Screen
) -> None:
    page = browser.open(path, screen)
    assert page.overflow == 0
    page.click("[data-do=unfold]")
    assert page.overflow == 0
    assert path.stat().st_size < 2_000_000


def test_the_page_is_dark_where_that_is_preferred_and_whole_on_paper(
    browser: Browser, path: Path
) -> None:
    page = browser.open(path)
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.prefer(dark=True)
    assert page.evaluate(colour) != light
    page.prefer(media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('.tools')).display") == "none"
    assert page.evaluate("getComputedStyle(document.querySelector('.view')).overflow") == "visible"


def test_the_page_speaks_chinese(browser: Browser, drawn: Graph, tmp_path: Path) -> None:
    (tmp_path / "graph.html").write_text(drawn.page("zh", depth=2), encoding="utf-8")
    page = browser.open(tmp_path / "graph.html")
    assert page.text("h1") == "计算图"
    assert page.evaluate("document.documentElement.lang") == "zh"
    assert page.evaluate(OPEN) == ["blocks/0", "blocks/1", "norm"]
