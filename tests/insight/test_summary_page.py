"""The page of summary, profile and compiled step, seen in a browser."""

from __future__ import annotations

import re

import numpy as np
import pytest

import lamina
from fixtures.browser import DESKTOP, PHONE, Browser
from fixtures.step import step_of
from lamina import Linear, Sequential
from lamina import functions as F
from lamina import optimizers as O
from lamina.errors import DTypeError, RangeError
from lamina.insight import doctor, explain, profile, summary

X, T = np.ones((40, 30), np.float32), np.arange(40) % 10


@pytest.fixture
def parts():
    model = Sequential(Linear(20), F.tanh, Linear(10))
    step = step_of(model, O.Adam(lr=0.01).setup(model))
    compiled = lamina.compile(step, backend="replay")
    for _ in range(3):
        compiled(X, T)
    found = summary(model, X.shape, loss=F.softmax_cross_entropy, optimizer=O.Adam(lr=0.01))
    return found, profile(step, X, T, steps=2), compiled


@pytest.mark.parametrize("screen", [PHONE, DESKTOP])
def test_the_page_has_a_section_for_each_part_and_fits_the_screen(
    browser: Browser, tmp_path, parts, screen
):
    path = explain(tmp_path / "page.html", *parts, title="Net & step")
    page = browser.open(path, screen)
    assert page.text("h1") == "Net & step"
    assert page.texts("h2")[:2] == ["Layers and memory", "Time by layer and operator"]
    assert "The compiled step" in page.texts("h2")
    assert page.evaluate("document.querySelectorAll('table.lamina-table').length") == 3
    assert page.overflow == 0
    assert path.stat().st_size < 200_000


def test_a_page_in_chinese_has_its_headings_and_the_step_in_chinese(
    browser: Browser, tmp_path, parts
):
    page = browser.open(explain(tmp_path / "page.html", *parts, language="zh"), PHONE)
    assert page.text("h1") == "模型及其训练步骤"
    assert page.texts("h2")[0] == "层与内存"
    assert page.texts("summary") == ["程序文本", "运行的 Python"]
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    assert page.overflow == 0


def test_tables_of_a_page_in_chinese_have_chinese_headings(tmp_path, parts):
    found, timed, compiled = parts
    report = doctor(Sequential(Linear(3)), F.softmax_cross_entropy, (X * 1e4, T))
    steps = profile(compiled, X, T, steps=2)
    page = explain(tmp_path / "page.html", found, timed, steps, report, language="zh").read_text()
    headings = re.findall(r"<th[^>]*>([^<]*)</th>", page)
    assert len(headings) == 7 + 6 + 6 + 8 + 4
    assert [heading for heading in headings if heading.isascii()] == []


def test_paper_shows_the_program_that_is_folded(browser: Browser, tmp_path, parts):
    page = browser.open(explain(tmp_path / "page.html", parts[2]))
    visible = (
        "document.querySelector('.lamina-program pre')"
        ".checkVisibility({contentVisibilityAuto: true})"
    )
    assert not page.evaluate(visible)
    page.prefer(media="print")
    page.settled()
    assert page.evaluate(visible)


def test_a_step_takes_the_colours_of_the_page(browser: Browser, tmp_path, parts):
    page = browser.open(explain(tmp_path / "page.html", parts[2]))
    colour = "getComputedStyle(document.querySelector('.lamina-program p')).color"
    day = page.evaluate(colour)
    page.prefer(dark=True)
    assert page.evaluate(colour) != day


def test_another_language_is_refused(tmp_path, parts):
    with pytest.raises(RangeError, match="language should be one of 'en', 'zh', got 'fr'"):
        explain(tmp_path / "page.html", parts[2], language="fr")
    with pytest.raises(RangeError, match=r"language should be one of .*, got 'fr'"):
        parts[2].explain(html=True, language="fr")


def test_the_figures_of_the_page_are_those_of_the_table(browser: Browser, tmp_path, parts):
    page = browser.open(explain(tmp_path / "page.html", parts[0]))
    cells = page.evaluate(
        "[...document.querySelectorAll('tbody tr')].map(r => r.cells[3].textContent)"
    )
    assert cells == [row.cells()[3] for row in parts[0].rows]


def test_what_has_no_section_is_refused(tmp_path):
    with pytest.raises(
        DTypeError, match=r"a part should be one of Summary, Profile, .* got 'text'"
    ):
        explain(tmp_path / "page.html", "text")
    with pytest.raises(DTypeError, match="explain: give what summary or profile gave"):
        explain(tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
