"""The backward page in a browser: clicked through, it shows what lamina and NumPy compute."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import lamina.functions as F
import lamina.layers as L
from fixtures.browser import DESKTOP, PHONE, Browser, Page, Screen
from lamina import Parameter, Variable
from lamina.insight import backward_page

ARRAYS = """[...document.querySelectorAll('.step .card')].map(card => ({
    name: card.querySelector('h4 code').innerText,
    arrays: [...card.querySelectorAll('.pair .array')].map(array => ({
        kind: array.classList[1],
        rows: [...array.querySelectorAll('tr')].map(
            row => [...row.cells].map(cell => cell.innerText)),
        exact: [...array.querySelectorAll('tr')].map(row => [...row.cells].map(c => c.title)),
    })),
    parts: [...card.querySelectorAll('.sum .array')].map(
        array => [...array.querySelectorAll('tr')].map(row => [...row.cells].map(c => c.title))),
}))"""
NAMES = ("SoftmaxCrossEntropy", "Linear", "2/W", "2/b", "Relu", "Linear", "0/W", "0/b")


class Net:
    """A net of two layers, its page, and its backward pass in plain NumPy."""

    def __init__(self, folder: Path):
        rng = np.random.default_rng(5)
        self.model = L.Sequential(L.Linear(4), F.relu, L.Linear(3))
        self.x, self.t = rng.standard_normal((5, 2)).astype(np.float32), np.array([0, 2, 1, 1, 0])
        self.loss = F.softmax_cross_entropy(self.model(self.x), self.t)
        self.path = folder / "walk.html"
        backward_page(self.loss, self.path)
        self.loss.backward()
        self.grads: dict[str, np.ndarray] = {}
        for name, parameter in self.model.named_params():
            assert parameter.grad is not None
            self.grads[name] = parameter.grad.numpy()

    def independent(self) -> dict[str, np.ndarray]:
        """All gradients by the formulas of textbooks, in float64."""
        W1, b1, W2, b2 = (p.numpy().astype(np.float64) for p in self.model.params())
        before = self.x @ W1 + b1
        hidden = np.maximum(before, 0)
        e = np.exp(hidden @ W2 + b2)
        scores = (e / e.sum(axis=1, keepdims=True) - np.eye(3)[self.t]) / len(self.x)
        inner = (scores @ W2.T) * (before > 0)
        return {
            "scores": scores,
            "hidden": scores @ W2.T,
            "before": inner,
            "2/W": hidden.T @ scores,
            "2/b": scores.sum(axis=0),
            "0/W": self.x.T @ inner,
            "0/b": inner.sum(axis=0),
        }


@pytest.fixture
def net(tmp_path: Path) -> Net:
    return Net(tmp_path)


def cards(page: Page) -> dict[str, dict[str, np.ndarray]]:
    """Arrays on the page, with all their digits, by the card's name and their kind."""
    return {
        card["name"]: {a["kind"]: np.array(a["exact"], np.float32) for a in card["arrays"]}
        for card in page.evaluate(ARRAYS)
    }


def test_clicked_through_it_shows_what_lamina_and_numpy_compute(browser: Browser, net: Net) -> None:
    page = browser.open(net.path)
    expected = net.independent()
    for i, name in enumerate(NAMES):
        assert page.text(".step h2") == name
        assert page.text(".count") == f"{i + 1} / {len(NAMES)}"
        found = cards(page)
        if name in net.grads:
            shown = found[f"∂L/∂{name}"]["gradient"]
            assert np.array_equal(shown, np.atleast_2d(net.grads[name]))
            near = np.atleast_2d(expected[name])
            assert np.allclose(shown, near, rtol=1e-5, atol=1e-6)  # float32
        if i == 0:
            assert found["∂L/∂y"]["gradient"] == 1
            assert found["∂L/∂y"]["value"] == net.loss.numpy()
            assert np.allclose(found["∂L/∂x"]["gradient"], expected["scores"], atol=1e-6)
        if name == "Relu":
            assert np.allclose(found["∂L/∂y"]["gradient"], expected["hidden"], atol=1e-6)
            assert np.allclose(found["∂L/∂x"]["gradient"], expected["before"], atol=1e-6)
            assert np.array_equal(found["∂L/∂y"]["value"], np.maximum(found["∂L/∂x"]["value"], 0))
        if i + 1 < len(NAMES):
            page.click("[data-go=on]")
    assert page.evaluate("document.querySelector('[data-go=on]').disabled")


def test_four_digits_are_shown_and_all_of_them_when_asked(browser: Browser, net: Net) -> None:
    page = browser.open(net.path)
    page.click("[data-go=on]")

    def written() -> np.ndarray:
        found = {card["name"]: card["arrays"] for card in page.evaluate(ARRAYS)}
        return np.array(found["∂L/∂W"][0]["rows"])

    exact = net.grads["2/W"]
    assert np.allclose(written().astype(np.float64), exact, rtol=6e-3)  # three digits below 1e-3
    large = np.abs(exact) >= 1e-3
    assert np.allclose(written().astype(np.float64)[large], exact[large], rtol=5.1e-4)
    page.click(".digits")
    assert np.array_equal(written().astype(np.float32), exact)
    assert page.evaluate("document.querySelector('.digits').ariaPressed") == "true"


def test_the_graph_shows_what_is_at_work_and_what_is_done(browser: Browser, net: Net) -> None:
    page = browser.open(net.path)
    page.evaluate("walk.go(4)")
    assert page.texts(".box.at b") == ["Relu"]
    assert set(page.texts(".box.done b")) == {"SoftmaxCrossEntropy", "2: Linear", "2/W", "2/b"}
    flows = page.evaluate("[...document.querySelectorAll('path.flows[data-from]')].length")
    assert flows == 1


def test_the_way_of_a_gradient_is_shown_from_the_operator_to_a_distant_parameter(
    browser: Browser, tmp_path: Path
) -> None:
    W = Parameter(np.eye(2, dtype=np.float32), name="W")
    h = Variable(np.ones((1, 2), np.float32), name="h")
    for _ in range(4):
        h = F.tanh(h @ W)
    backward_page(h.sum(), tmp_path / "long.html")
    page = browser.open(tmp_path / "long.html")
    pieces = []
    for step in (2, 4, 6):  # the products, the last one first
        page.evaluate(f"walk.go({step})")
        flows = page.evaluate(
            "[...document.querySelectorAll('path.flows:not(.tip)')].map(e => e.dataset.from)"
        )
        own = page.evaluate("document.querySelector('.box.at').id")
        shown = [page.text(f"#b{box} b") for box in flows]
        assert shown.count("Tanh") == 1
        assert set(shown) == {"W", "Tanh"}
        assert own != f"b{flows[0]}"
        pieces.append(shown.count("W"))
    assert pieces[0] > pieces[1] > pieces[2] >= 1


def test_keys_the_slider_the_graph_and_links_go_to_steps(browser: Browser, net: Net) -> None:
    page = browser.open(net.path)

    def count() -> str:
        return page.text(".count").split()[0]

    for key, step in [("ArrowRight", "2"), ("ArrowRight", "3"), ("ArrowLeft", "2"), ("End", "8")]:
        page.press(key)
        assert count() == step
    page.press("Home")
    assert count() == "1"
    page.evaluate("document.querySelector('footer input').focus()")
    page.press("ArrowRight")
    assert count() == "2"  # once, not by the slider and again by the page
    page.click(".box.operator:not(.done)")
    assert count() == "6"
    page.click(".step .link")
    assert count() == "5"


def test_playing_goes_on_by_itself_and_stops(browser: Browser, net: Net) -> None:
    page = browser.open(net.path)
    page.evaluate("window.setInterval = (f) => { window.tick = f; return 7 }; 0")
    page.click("[data-go=play]")
    page.evaluate("tick(); tick()")
    assert page.text(".count") == "3 / 8"
    assert page.evaluate("document.querySelector('[data-go=play]').title") == "Pause"
    page.evaluate("for (let i = 0; i < 9; i++) tick()")
    assert page.evaluate("document.querySelector('[data-go=play]').title") == "Play"


def test_a_sum_shows_its_parts(browser: Browser, tmp_path: Path) -> None:
    W = Parameter(np.array([[1.0, 2.0], [3.0, 4.0]], np.float32), name="W")
    x = np.array([[1.0, -1.0]], np.float32)
    backward_page(((x @ W) @ W).sum(), tmp_path / "sum.html")
    page = browser.open(tmp_path / "sum.html")
    page.press("End")
    (card,) = page.evaluate(ARRAYS)
    first, second = (np.array(part, np.float32) for part in card["parts"])
    ones = np.ones((1, 2), np.float32)
    assert np.array_equal(first, (x @ W.numpy()).T @ ones)
    assert np.array_equal(second, x.T @ (ones @ W.numpy().T))
    assert np.array_equal(np.array(card["arrays"][0]["exact"], np.float32), first + second)
    assert page.texts(".sign") == ["+", "="]
    assert "Used 2 times" in page.text(".card")


def test_large_arrays_show_a_corner_figures_and_a_histogram(
    browser: Browser, tmp_path: Path, rng: np.random.Generator
) -> None:
    x = Variable(rng.standard_normal((40, 30)).astype(np.float32), name="x")
    backward_page((x * x).sum(), tmp_path / "large.html")
    page = browser.open(tmp_path / "large.html")
    page.press("End")
    (card,) = page.evaluate(ARRAYS)
    corner = [row[:6] for row in card["arrays"][0]["exact"][:6]]
    assert np.array_equal(np.array(corner, np.float32), 2 * x.numpy()[:6, :6])
    assert page.evaluate("document.querySelectorAll('.pair .gradient .bars rect').length") == 24
    heat = "document.querySelector('.pair .gradient .heat')"
    assert page.evaluate(f"[{heat}.width, {heat}.height]") == [24, 24]
    figures = page.texts(".pair .gradient .figures b")
    assert np.allclose(np.array(figures, float)[[0, 2]], [2 * x.numpy().min(), 2 * x.numpy().max()],
                       rtol=1e-3)  # fmt: skip


def test_what_is_not_finite_is_shown_and_counted(browser: Browser, tmp_path: Path) -> None:
    x = Variable(np.array([0.0, 1.0, -2.0]), name="x")
    with np.errstate(all="ignore"):
        loss = (F.log(x) * 2).sum()
    backward_page(loss, tmp_path / "nan.html")
    page = browser.open(tmp_path / "nan.html")
    page.press("End")
    assert page.texts(".pair .gradient td") == ["inf", "2", "-1"]
    assert page.texts(".pair .gradient .bad") == ["1 not finite"]


def test_it_speaks_chinese_throughout_and_switches(browser: Browser, net: Net) -> None:
    fresh = F.softmax_cross_entropy(net.model(net.x), net.t)
    backward_page(fresh, net.path, "zh")
    page = browser.open(net.path)
    assert page.text("h1") == "反向传播\uff0c一步一步看"
    own = ("What", "gradient", "value", "Rule", "Formula", "Step", "from", "All digits", "Next")
    for i in range(len(NAMES)):
        page.evaluate(f"walk.go({i})")
        text = page.evaluate(
            "document.body.innerText + [...document.querySelectorAll('[title]')].map(e => "
            "e.dataset.title && e.title).join()"
        )
        assert not [word for word in own if re.search(rf"\b{word}\b", text)]
    page.click("button.language")
    assert page.text("h1") == "The backward pass, step by step"
    assert page.evaluate("document.documentElement.lang") == "en"
    assert "Parameter" not in page.text(".step")


@pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_each_step_fits_the_screen(browser: Browser, net: Net, screen: Screen) -> None:
    page = browser.open(net.path, screen)
    for i in range(len(NAMES)):
        page.evaluate(f"walk.go({i})")
        assert page.overflow == 0
        panel = "document.querySelector('.step')"
        assert page.evaluate(f"{panel}.scrollWidth - {panel}.clientWidth") == 0
    page.prefer(dark=True)
    page.prefer(media="print")


def test_the_layer_around_what_is_at_work_is_unfolded_and_folded_again(
    browser: Browser, tmp_path: Path
) -> None:
    class Inner(L.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.linear = L.Linear(3)

        def forward(self, x: Variable) -> Variable:
            return F.tanh(self.linear(x)) * 2

    model = L.Sequential(Inner(), Inner())
    backward_page(lambda: model(np.ones((2, 3), np.float32)).sum(), tmp_path / "deep.html")
    page = browser.open(tmp_path / "deep.html")
    opened = "[...document.querySelectorAll('.group.open > .head b')].map(e => e.innerText)"
    assert page.evaluate(opened) == []
    page.press("ArrowRight")
    assert page.evaluate(opened) == ["1"]
    page.press("End")
    assert page.evaluate(opened) == ["0"]
