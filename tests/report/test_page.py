"""The report in a browser: drawn without an error, read by pointer and keys, whole on a phone."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from fixtures.browser import DESKTOP, PHONE, Browser, Page, Screen
from lamina.report import write
from report.folders import CONFIG, write_full_run, write_run
from report.reading import HOSTILE

SEEN = "[...document.querySelectorAll('.chart')].map(c => c.querySelectorAll('path.strong').length)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_full_run(tmp_path_factory.mktemp("runs") / "full")


@pytest.fixture(scope="module")
def one(folder, tmp_path_factory) -> Path:
    return write(folder, tmp_path_factory.mktemp("one") / "report.html")


@pytest.fixture(scope="module")
def several(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("several")
    other = CONFIG | {"seed": 1}
    folders = [write_full_run(root / "a"), write_run(root / "b", speed=0.5, seed=3, config=other)]
    return write(folders)


@pytest.fixture
def page(browser: Browser, one: Path) -> Page:
    """Closed after the test, which fails if it wrote to the console or asked for anything."""
    return browser.open(one)


def epochs(folder: Path) -> list[dict]:
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [r for line in lines if (r := json.loads(line))["event"] == "epoch"]


def test_each_metric_is_drawn(page):
    assert page.evaluate(SEEN) == [2, 2, 1]
    drawn = "[...document.querySelectorAll('path.strong')].every(p => p.getTotalLength() > 100)"
    assert page.evaluate(drawn)


@pytest.mark.parametrize("screen", [PHONE, DESKTOP, Screen(320, 640)], ids=lambda s: f"{s.width}")
@pytest.mark.parametrize("which", ["one", "several"])
def test_no_page_is_wider_than_its_screen(which, screen, browser, request):
    assert browser.open(request.getfixturevalue(which), screen).overflow <= 0


def test_a_chart_is_drawn_anew_for_another_width(page):
    width = "document.querySelector('.plot').viewBox.baseVal.width"
    wide = page.evaluate(width)
    page.resize(PHONE)
    page.settled()
    assert page.evaluate(width) < 390 < wide


def test_the_pointer_reads_the_numbers_of_the_file(page, folder):
    page.click('[name="across"][value="1"]')
    x, y = page.centre(".chart:nth-child(2) .plot")
    page.mouse("mouseMoved", x, y)
    shown = page.text(".chart:nth-child(2) .tip")
    [epoch] = [e for e in range(13) if f"epoch {e} " in shown]
    record = epochs(folder)[epoch - 1]
    values = page.texts(".chart:nth-child(2) .tip .value")
    assert values == [f"{record[k]:.4g}" for k in ("accuracy", "held_out/accuracy")]


def test_arrow_keys_read_values_and_say_them(page, folder):
    page.evaluate("document.querySelector('.chart:nth-child(2) .plot').focus()")
    for key in ("End", "ArrowLeft"):
        page.press(key)
    values = page.texts(".chart:nth-child(2) .tip .value")
    record = epochs(folder)[-2]
    assert values == [f"{record[k]:.4g}" for k in ("accuracy", "held_out/accuracy")]
    assert values[0] in page.text("#announce")
    page.press("Escape")
    assert page.evaluate("document.querySelector('.chart:nth-child(2) .tip').hidden")


def test_what_is_measured_of_steps_is_read_beside_what_is_smoothed(page, folder):
    page.evaluate("document.querySelector('.plot').focus()")
    page.press("Home")
    page.press("ArrowRight")  # at the first step both are one
    second = json.loads((folder / "metrics.jsonl").read_text().splitlines()[1])
    assert page.texts(".tip .value")[0] == f"{second['loss']:.4g}"
    assert "smoothed" in page.text(".tip")


def path_of(page: Page, selector: str) -> str:
    return page.evaluate(f"document.querySelector({json.dumps(selector)}).getAttribute('d')")


def test_the_log_scale_is_a_switch(page):
    before = path_of(page, ".chart:nth-child(2) .strong")
    page.click(".chart:nth-child(2) .log")
    assert path_of(page, ".chart:nth-child(2) .strong") != before
    page.click(".chart:nth-child(2) .log")
    assert path_of(page, ".chart:nth-child(2) .strong") == before


def test_a_log_scale_goes_by_factors(page, folder):
    page.click(".chart:nth-child(2) .log")
    path = path_of(page, ".chart:nth-child(2) .strong")
    y = [float(point.split()[1]) for point in path[1:].split("L")]
    logs = [math.log(record["accuracy"]) for record in epochs(folder)]
    share = (logs[4] - logs[0]) / (logs[-1] - logs[0])
    assert (y[4] - y[0]) / (y[-1] - y[0]) == pytest.approx(share, abs=2e-3)  # 0.1 of 200 pixels


def test_smoothing_changes_steps_and_not_epochs(page):
    selectors = [".curve.strong", ".curve.strong.dashed"]
    before = [path_of(page, selector) for selector in selectors]
    weak = path_of(page, ".curve.weak")
    page.evaluate("document.getElementById('smoothing').focus()")
    page.press("Home")
    after = [path_of(page, selector) for selector in selectors]
    assert after[0] == weak
    assert after[1] == before[1]
    assert page.text("output") == "0.00"


def test_a_name_hides_its_curve_and_shows_it_again(page):
    page.click(".legend button")
    assert page.evaluate(SEEN)[0] == 1
    assert page.evaluate("document.querySelector('.legend button').ariaPressed") == "false"
    page.click(".legend button")
    assert page.evaluate(SEEN)[0] == 2


def test_all_curves_may_be_hidden(page):
    for i in (1, 2):
        page.click(f".legend button:nth-child({i})")
    assert page.evaluate(SEEN)[0] == 0


@pytest.mark.parametrize(("value", "tick"), [("0", "200"), ("1", "10"), ("2", "1:00")])
def test_curves_go_across_steps_epochs_and_time(value, tick, page):
    page.click(f'[name="across"][value="{value}"]')
    ticks = page.texts(".chart:nth-child(2) .tick")
    assert tick in ticks
    assert page.evaluate(SEEN) == [2, 2, 1]


def test_strips_are_read_with_keys(page, folder):
    page.evaluate("document.querySelector('.strips canvas').focus()")
    for key in ("ArrowDown", "ArrowDown"):
        page.press(key)
    lines = (folder / "statistics.jsonl").read_text().splitlines()
    wanted = json.loads(lines[-1])["parameters"]["first/b"]["update_ratio"]
    assert float(page.text(".strips .tip .value")) == pytest.approx(wanted, rel=5e-3)  # 3 digits
    assert "first/b" in page.text("#announce")


def test_another_quantity_has_other_numbers(page, folder):
    page.evaluate(
        "(s => { s.value = 'norm'; s.dispatchEvent(new Event('change')) })"
        "(document.querySelector('.quantity'))"
    )
    last = json.loads((folder / "statistics.jsonl").read_text().splitlines()[-1])["parameters"]
    shown = [float(text) for text in page.texts(".values span")]
    assert shown == pytest.approx([p["norm"] for p in last.values()], rel=5e-3)  # 3 digits


def test_a_strip_has_the_colours_of_its_numbers(page):
    first, last = page.evaluate(
        """(() => {
            const c = document.querySelector(".strips canvas"), pen = c.getContext("2d");
            const row = pen.getImageData(0, c.height - 16, c.width, 1).data;
            return [5, c.width - 5].map((x) => [...row.slice(4 * x, 4 * x + 3)]);
        })()"""
    )
    assert sum(first) > sum(last)  # updates become smaller, and dark is little


def test_only_what_differs_is_a_switch(browser, several):
    page = browser.open(several)
    rows = "[...document.querySelectorAll('#config tbody tr')].filter(r => r.offsetHeight).length"
    assert page.evaluate(rows) == 10
    page.click("#config .only-different")
    assert page.evaluate(rows) == 1


def test_dark_is_what_the_system_says_or_what_is_chosen(page):
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.prefer(dark=True)
    dark = page.evaluate(colour)
    assert dark != light
    page.evaluate(
        "(s => { s.value = 'light'; s.dispatchEvent(new Event('change')) })"
        "(document.getElementById('theme'))"
    )
    assert page.evaluate(colour) == light


def test_each_run_is_named_once_at_the_end_of_its_curve(browser, several):
    page = browser.open(several)
    assert sorted(page.texts(".chart:nth-child(1) .end")) == ["A", "B"]


def test_names_at_the_ends_of_curves_do_not_overlap(page):
    heights = page.evaluate(
        "[...document.querySelectorAll('.chart:nth-child(2) .end')].map(e => +e.getAttribute('y'))"
    )
    assert abs(heights[0] - heights[1]) >= 14


CONTRAST = """(() => {
    const light = (text) => {
        const parts = text.match(/[\\d.]+/g).slice(0, 3).map((p) => p / 255)
            .map((p) => (p <= 0.04045 ? p / 12.92 : ((p + 0.055) / 1.055) ** 2.4));
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const behind = (e) => {
        for (; e; e = e.parentElement) {
            const colour = getComputedStyle(e).backgroundColor;
            if (!/, 0\\)$/.test(colour)) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const low = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text; text = texts.nextNode()) {
        const e = text.parentElement, style = getComputedStyle(e);
        if (!text.data.trim() || !e.getClientRects().length || e.closest(".unseen")) continue;
        const colour = e.closest("svg") ? style.fill : style.color;
        const found = ratio(light(colour), light(behind(e)));
        if (found < 4.5) low.push([text.data.trim().slice(0, 30), colour, found.toFixed(2)]);
    }
    for (const path of document.querySelectorAll("path.strong")) {
        const found = ratio(light(getComputedStyle(path).stroke), light(behind(path)));
        if (found < 3) low.push([path.getAttribute("class"), found]);
    }
    return low;
})()"""


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("which", ["one", "several"])
def test_texts_and_curves_have_the_contrast_of_wcag_aa(which, dark, browser, request):
    page = browser.open(request.getfixturevalue(which))
    page.prefer(dark=dark)
    assert page.evaluate(CONTRAST) == []


def test_every_switch_is_reached_with_the_tab_key_and_has_a_name(page):
    nameless = page.evaluate(
        """[...document.querySelectorAll("input, select, button, [tabindex]")].filter(
            (e) => e.tabIndex < 0 || !(e.labels?.length || e.ariaLabel || e.textContent.trim())
        ).map((e) => e.outerHTML)"""
    )
    assert nameless == []


def test_paper_shows_what_is_folded_and_no_switches(page):
    page.prefer(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.querySelectorAll('details:not([open])').length") == 0
    assert page.evaluate("document.querySelector('.switches').offsetHeight") == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.querySelectorAll('details:not([open])').length") > 0


def test_nothing_hostile_runs(browser, tmp_path):
    record = {"event": "epoch", "iteration": 1, "epoch": 1, "seconds": 1.0, HOSTILE: 1.5}
    folder = write_run(tmp_path / "a", name=HOSTILE, config={HOSTILE: HOSTILE})
    (folder / "metrics.jsonl").write_text(json.dumps(record) + "\n")
    page = browser.open(write([folder, folder]))
    assert page.text("th[scope=row]").endswith(HOSTILE[:20]) or HOSTILE in page.text("#config")
    assert page.evaluate("document.querySelectorAll('script').length") == 2


def test_markup_that_got_in_would_not_run(browser, one, tmp_path):
    text = one.read_text(encoding="utf-8")
    path = tmp_path / "page.html"
    path.write_text(
        text.replace("</main>", "<img src='data:,' onerror='document.title=1'></main>"),
        encoding="utf-8",
    )
    page = browser.open(path)
    page.evaluate("new Promise(f => setTimeout(f, 50))")
    assert page.evaluate("document.title") != "1"
    assert any("Content Security Policy" in line for line in page.console)
    page.console.clear()  # what it wrote is what was wanted


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_page_without_numbers_is_a_page(language, browser, tmp_path):
    folder = write_run(tmp_path / "a", epochs=0)
    (folder / "metrics.jsonl").write_text("")
    page = browser.open(write(folder, language=language))
    assert page.text("#notes")
    assert page.text("h1") == "digits"


def test_values_that_are_not_finite_are_marked(browser, tmp_path):
    folder = write_run(tmp_path / "a")
    with open(folder / "metrics.jsonl", "a") as file:
        file.write('{"event": "step", "iteration": 280, "loss": null}\n')
    page = browser.open(write(folder))
    assert page.evaluate("document.querySelectorAll('path.broken').length") == 1
