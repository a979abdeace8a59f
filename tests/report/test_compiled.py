"""The section on a compiled step: as the step told it, whole on a phone, and sceptical of files."""

from __future__ import annotations

import json

import pytest

from fixtures.browser import DESKTOP, PHONE, Browser
from lamina.compiler.described import Described, Row
from lamina.report import page as report_page
from lamina.report import write
from lamina.training import Run
from report.folders import write_run
from report.test_page import CONTRAST

ROWS = [
    Row("nest", "64x200", "matmul maximum", 880_000, 20_000_000, 3e-4, 0.5),
    Row("numpy", "", "CheckLabels <b>", 1000, 0),
    Row("product", "", " ".join(["add"] * 60), 62_000, 256_000, 1e-4, 0.25),
]
LINE = "%1: float32[64, 200] = exp(%0)"
PROGRAM = Described("native", LINE, 17, "def run(v0): ...", 8000, 16000, 2, ROWS)


def folder_with(folder, programs):
    text = json.dumps({"programs": [program.as_dict() for program in programs]})
    (write_run(folder) / "compiled.json").write_text(text)
    return folder


@pytest.fixture
def folder(tmp_path):
    return folder_with(tmp_path / "run", [PROGRAM, Described("", LINE, 3)])


@pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=lambda s: f"{s.width}")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_compiled_step_is_shown_and_fits_the_screen(browser: Browser, folder, screen, language):
    page = browser.open(write(folder, language=language), screen)
    assert page.overflow == 0
    assert page.text("#compiled h2") == {"en": "The compiled step", "zh": "编译后的步骤"}[language]
    assert (
        page.texts("#compiled h4")
        == {
            "en": ["Program 1 of 2", "Program 2 of 2"],
            "zh": ["程序 1 / 2", "程序 2 / 2"],
        }[language]
    )
    assert page.texts("#compiled td:nth-child(4)") == [row.what for row in ROWS]


def test_times_and_shares_are_those_of_the_clocks(browser: Browser, folder):
    page = browser.open(write(folder))
    assert page.texts("#compiled td:nth-child(2)") == ["300.0 µs", "", "100.0 µs"]
    assert page.texts("#compiled td:nth-child(3)") == ["50%", "", "25%"]
    widths = page.evaluate(
        "[...document.querySelectorAll('.lamina-share')].map(e => e.getBoundingClientRect().width)"
    )
    assert widths[0] == pytest.approx(3 * widths[2], rel=0.05)  # in whole parts of a pixel
    assert widths[1] <= 1


def test_without_clocks_shares_are_those_of_bytes_and_it_is_said(folder):
    rows = [Row("nest", "8", "exp", 3000, 8), Row("nest", "8", "log", 1000, 8)]
    text = report_page([Run(folder_with(folder, [Described("native", LINE, 2, rows=rows)]))])
    assert "width:75.0%" in text
    assert "width:25.0%" in text
    assert "No group was timed" in text


@pytest.mark.parametrize("dark", [False, True])
def test_its_texts_have_the_contrast_of_wcag_aa(browser: Browser, folder, dark):
    page = browser.open(write(folder))
    page.prefer(dark=dark)
    assert page.evaluate(CONTRAST) == []


def test_a_long_program_is_cut_and_that_is_said(folder):
    many = Described("replay", "\n".join([LINE] * 30_000), 30_000, rows=ROWS[:1] * 900)
    text = report_page([Run(folder_with(folder, [many] * 3))])
    assert len(text) < 800_000
    assert text.count("more lines") == 3
    assert "500 more groups are not shown here." in text


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "{}",
        '{"programs": 3}',
        '{"programs": [3]}',
        json.dumps({"programs": [PROGRAM.as_dict() | {"arena": "large"}]}),
        json.dumps({"programs": [PROGRAM.as_dict() | {"rows": [{"kind": "nest"}]}]}),
        json.dumps({"programs": [PROGRAM.as_dict() | {"arena": -1}]}),
    ],
)
def test_a_damaged_file_is_left_out_and_named(folder, content):
    (folder / "compiled.json").write_text(content)
    text = report_page([Run(folder)])
    assert "compiled.json is damaged and was left out." in text
    assert 'id="compiled"' not in text


def test_a_run_that_was_not_compiled_has_no_such_section(tmp_path):
    assert 'id="compiled"' not in report_page([Run(write_run(tmp_path / "run"))])
