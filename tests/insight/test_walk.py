"""The recorded walk: the numbers that arrive and leave are those of ``backward``, and of NumPy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina.functions as F
import lamina.layers as L
from lamina import Function, Parameter, Variable, using
from lamina.errors import (
    BackwardTwiceError,
    DTypeError,
    GraphError,
    InPlaceError,
    RangeError,
    ShapeError,
)
from lamina.insight import backward_page, walk_page
from lamina.insight.page_words import WORDS
from lamina.insight.walk import Step
from lamina.insight.walk_numbers import THIN, Numbers, numbers
from lamina.insight.walk_page import formula
from lamina.insight.walk_rules import RULES
from lamina.models import GPT, CharLSTM, ResNet18


def back(shown: Numbers | None) -> np.ndarray:
    """The array that is shown whole."""
    assert shown is not None
    assert shown.whole
    rows = [row for _, rows in shown.tables for row in rows]
    return np.array([[float(x) for x in row] for row in rows], shown.dtype).reshape(shown.shape)


def named(steps: list[Step], name: str) -> Step:
    """The step of an operator, or of a leaf."""
    found = [
        s
        for s in steps
        if (s.arrived[0].name if s.function is None else type(s.function).__name__) == name
    ]
    assert len(found) == 1
    return found[0]


@pytest.fixture
def model(rng: np.random.Generator) -> L.Sequential:
    return L.Sequential(L.Linear(4), F.relu, L.Linear(3))


def test_a_net_of_two_layers_agrees_with_numpy(
    model: L.Sequential, rng: np.random.Generator
) -> None:
    x, t = rng.standard_normal((5, 2)).astype(np.float32), np.array([0, 2, 1, 1, 0])
    steps = backward_page(F.softmax_cross_entropy(model(x), t)).steps
    W1, b1, W2, b2 = (p.numpy() for p in model.params())
    hidden = np.maximum(x @ W1 + b1, 0)
    scores = hidden @ W2 + b2
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    g2 = (e / e.sum(axis=1, keepdims=True) - np.eye(3, dtype=np.float32)[t]) / 5
    g1 = (g2 @ W2.T) * (hidden > 0)
    expected = {"2/W": hidden.T @ g2, "2/b": g2.sum(0), "0/W": x.T @ g1, "0/b": g1.sum(0)}
    relu = named(steps, "Relu")
    tight = {"rtol": 1e-5, "atol": 1e-6}  # float32, and sums of five
    assert np.allclose(back(relu.arrived[0].gradient), g2 @ W2.T, **tight)
    assert np.allclose(back(relu.arrived[0].value), hidden, **tight)
    assert np.allclose(back(relu.operands[0].gradient), g1, **tight)
    for name, gradient in expected.items():
        assert np.allclose(back(named(steps, name).arrived[0].gradient), gradient, **tight)


def test_gradients_are_those_of_backward_to_the_last_bit(model: L.Sequential) -> None:
    loss = F.softmax_cross_entropy(model(np.ones((5, 2), np.float32)), np.arange(5) % 3)
    steps = backward_page(loss).steps
    assert all(p.grad is None for p in model.params())
    loss.backward()  # the page has freed nothing
    for name, parameter in model.named_params():
        assert parameter.grad is not None
        shown = back(named(steps, name).arrived[0].gradient)
        assert np.array_equal(shown, parameter.grad.numpy())


def test_a_parameter_comes_right_after_the_operator_that_completes_its_gradient(
    model: L.Sequential,
) -> None:
    loss = F.softmax_cross_entropy(model(np.ones((5, 2), np.float32)), np.arange(5) % 3)
    order = [
        s.arrived[0].name if s.function is None else type(s.function).__name__
        for s in backward_page(loss).steps
    ]
    assert order == ["SoftmaxCrossEntropy", "Linear", "2/W", "2/b", "Relu", "Linear", "0/W", "0/b"]


def test_a_parameter_that_is_used_twice_shows_a_sum() -> None:
    W = Parameter(np.array([[1.0, 2.0], [3.0, 4.0]]), name="W")
    x = np.array([[1.0, -1.0]])
    steps = backward_page(((x @ W) @ W).sum()).steps
    (arrived,) = named(steps, "W").arrived
    assert [(p.step, p.operand) for p in arrived.parts] == [(1, 1), (2, 1)]
    first, second = (back(p.numbers) for p in arrived.parts)
    assert np.array_equal(first, (x @ W.numpy()).T @ np.ones((1, 2)))
    assert np.array_equal(second, x.T @ (np.ones((1, 2)) @ W.numpy().T))
    assert np.array_equal(back(arrived.gradient), first + second)


def test_an_operand_that_is_used_twice_by_one_operator_shows_a_sum() -> None:
    x = Variable(np.array([3.0, -2.0]), name="x")
    (arrived,) = named(backward_page((x * x).sum()).steps, "x").arrived
    assert [(p.step, p.operand) for p in arrived.parts] == [(1, 0), (1, 1)]
    assert np.array_equal(back(arrived.gradient), [6.0, -4.0])


def test_broadcasting_is_shown_as_undone() -> None:
    a, b = Variable(np.ones((2, 3)), name="a"), Variable(np.ones(3), name="b")
    add = named(backward_page((a + b).sum()).steps, "Add")
    assert [operand.wide for operand in add.operands] == [None, (2, 3)]
    assert np.array_equal(back(add.operands[1].gradient), [2.0, 2.0, 2.0])


def test_an_operator_of_several_results_shows_zeros_for_those_that_nobody_used() -> None:
    x = Variable(np.arange(6.0).reshape(2, 3), name="x")
    parts = F.split(x, 3, axis=1)
    split = named(backward_page((parts[0] * 2 + parts[2]).sum()).steps, "Split")
    assert [back(a.gradient).tolist() for a in split.arrived] == [
        [[2.0], [2.0]],
        [[0.0], [0.0]],
        [[1.0], [1.0]],
    ]
    assert [back(a.value).tolist() for a in split.arrived][2] == [[2.0], [5.0]]


def test_results_that_nobody_kept_are_computed_again() -> None:
    x = Variable(np.array([0.5, 2.0]), name="x")
    steps = backward_page(F.relu(F.exp(x) + x).sum()).steps
    assert np.array_equal(back(named(steps, "Add").arrived[0].value), np.exp(x.numpy()) + x.numpy())


def test_a_result_that_cannot_be_known_is_left_out() -> None:
    x = Variable(np.array([0.5, 2.0]), name="x")
    steps = backward_page((x + np.array([1.0, 2.0])).sum()).steps  # `Add` keeps nothing
    assert named(steps, "Add").arrived[0].value is None


class Shaken(Function):
    """``x`` and something random."""

    acts = True

    def forward(self, x: Any) -> Any:
        return x + np.random.default_rng().standard_normal(x.shape)

    def backward(self, gy: Any) -> Any:
        return gy


def test_random_numbers_are_not_drawn_again() -> None:
    x = Variable(np.ones(3), name="x")
    assert named(backward_page((Shaken()(x) + 1).sum()).steps, "Shaken").arrived[0].value is None
    y = Shaken()(x)
    kept = named(backward_page((y * y).sum()).steps, "Shaken").arrived[0].value
    assert np.array_equal(back(kept), y.numpy())


def test_hooks_run_as_in_backward() -> None:
    x = Variable(np.array([1.0, 2.0]), name="x")
    x.register_hook(lambda g: g * 10)
    assert np.array_equal(
        back(named(backward_page((x * 3).sum()).steps, "x").arrived[0].gradient), [30.0, 30.0]
    )


def test_complex_gradients_are_shown_as_users_see_them() -> None:
    z = Variable(np.array([1 + 2j, 3 - 1j]), name="z")
    loss = abs(z).sum()
    shown = named(backward_page(loss).steps, "z").arrived[0].gradient
    loss.backward()
    assert z.grad is not None
    assert [complex(x) for x in shown.tables[0][1][0]] == z.grad.numpy().tolist()


def test_a_loss_may_be_given_as_a_function(model: L.Sequential) -> None:
    page = backward_page(lambda: (model(np.ones((5, 2), np.float32)) ** 2).mean())
    assert repr(page) == "BackwardPage(5 operators, 4 leaves)"


def test_what_cannot_be_walked_is_refused(tmp_path: Path) -> None:
    x = Variable(np.ones(3), name="x")
    with pytest.raises(DTypeError, match="backward_page: should get a Variable, got float"):
        backward_page(1.0)  # pyright: ignore[reportArgumentType]
    with pytest.raises(GraphError, match="backward_page: nothing was recorded"):
        backward_page(Variable(1.0, requires_grad=False))
    with pytest.raises(ShapeError, match=r"a result of shape \(3,\) needs grad"):
        backward_page(x * 2)
    with pytest.raises(RangeError, match="language should be one of en, zh, got 'fr'"):
        backward_page((x * 2).sum(), language="fr")
    with pytest.raises(RangeError, match=r"should end in \.html, got 'a\.svg'"):
        backward_page((x * 2).sum(), "a.svg")
    used = (x * x).sum()
    used.backward()
    with pytest.raises(BackwardTwiceError, match="the graph at Sum"):
        backward_page(used)
    changed = (x * x).sum()
    x.data = np.zeros(3)
    with pytest.raises(InPlaceError, match="Mul"):
        backward_page(changed)


# -- arrays --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "bool"])
@pytest.mark.parametrize("shape", [(), (7,), (3, 5), (2, 3, 4), (1, 1), (0, 3), (0,)])
def test_a_small_array_is_shown_whole_with_all_its_digits(
    shape: tuple[int, ...], dtype: str, rng: np.random.Generator
) -> None:
    array = np.asarray(rng.standard_normal(shape) * 10).astype(dtype)
    shown = numbers(array)
    if dtype == "bool":
        texts = [x for _, rows in shown.tables for row in rows for x in row]
        assert texts == [str(x) for x in array.ravel()]
    elif array.size:
        assert np.array_equal(back(shown), array)
    else:
        assert shown.tables == []


def test_a_large_array_is_shown_as_a_corner_with_figures(rng: np.random.Generator) -> None:
    array = rng.standard_normal((4, 30, 20)).astype(np.float32)
    array[0, 0, 0] = 0
    shown = numbers(array)
    ((at, rows),) = shown.tables
    assert at == "[0, :, :]"
    assert np.array_equal(np.array(rows, np.float32), array[0, :6, :6])
    assert np.float32(shown.figures["max"]) == array.max()
    assert float(shown.figures["mean"]) == pytest.approx(array.mean(dtype=float), rel=1e-5)
    assert shown.zeros == 1
    assert sum(shown.counts) == array.size
    assert shown.counts == np.histogram(array.astype(float), 24)[0].tolist()


def test_a_heat_map_shows_of_each_block_the_number_that_is_largest_in_size() -> None:
    array = np.zeros((48, 10))
    array[1, 0], array[46, 9], array[47, 9] = 0.5, 0.9, -1.0
    array[10, 3] = np.nan
    heat = numbers(array).heat
    assert (len(heat), len(heat[0])) == (24, 10)
    assert heat[0] == "n" + "j" * 9  # half of the way from j, which is 0, to s
    assert heat[-1] == "j" * 9 + "a"
    assert heat[5] == "jjj?jjjjjj"
    assert numbers(np.ones((7, 30))).heat == []


def test_numbers_that_are_not_finite_are_counted_and_left_out_of_figures() -> None:
    array = np.array([[np.nan, 1.0, np.inf] + [2.0] * 20] * 10)
    shown = numbers(array)
    assert shown.strange == 20
    assert shown.figures == {"min": "1.0", "mean": "1.95238", "max": "2.0"}
    assert shown.tables[0][1][0][:3] == ["nan", "1.0", "inf"]


@pytest.mark.parametrize("low", [0.0, 1e30])
def test_numbers_that_lie_too_close_or_too_far_apart_have_no_histogram(low: float) -> None:
    array = np.full(200, low)
    assert numbers(array).counts == []
    array[0], array[1] = -1.7e308, 1.7e308
    assert numbers(array).counts == []


def test_less_is_shown_of_each_array_where_a_page_would_grow_too_large(
    rng: np.random.Generator,
) -> None:
    large = numbers(rng.standard_normal((40, 40)))
    sizes = [len(str(large.thinned(level).json())) for level in range(len(THIN))]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(sizes)
    assert [sum(large.thinned(level).counts) for level in range(4)] == [1600] * 4
    small = numbers(rng.standard_normal((10, 10)))
    assert not small.thinned(1).whole
    assert small.thinned(1).tables[0][1] == [row[:4] for row in small.tables[0][1][:4]]


# -- pages ---------------------------------------------------------------------------------------


def test_pages_of_large_networks_stay_under_two_megabytes() -> None:
    tokens = np.arange(32).reshape(2, 16) % 11

    def language() -> Variable:
        return F.softmax_cross_entropy(gpt(tokens).reshape(-1, 11), tokens.reshape(-1))

    gpt, resnet = GPT(11, 16, 32, 12, 4), ResNet18()
    image = np.ones((2, 3, 8, 8), np.float32)
    with using(native=False):  # the first page is sooner there than machine code is made
        pages = [
            backward_page(language),
            backward_page(lambda: F.softmax_cross_entropy(resnet(image), np.zeros(2, int))),
        ]
    for page in pages:
        assert len(page.steps) > 200
        assert len(page.html.encode()) < 2_000_000


def test_a_page_that_would_grow_too_large_shows_less_of_each_array(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    page = backward_page((Variable(rng.standard_normal((40, 40)), name="x") * 2).sum())
    whole = page.html
    monkeypatch.setattr(walk_page, "LARGEST", len(whole) - 1)
    less = page.html
    assert len(less) < len(whole)
    monkeypatch.setattr(walk_page, "LARGEST", len(less) - 1)
    assert len(page.html) < len(less)


def test_recurrent_networks_are_walked() -> None:
    model = CharLSTM(7, 3, 5)
    t = np.arange(6).reshape(2, 3)
    page = backward_page(lambda: F.softmax_cross_entropy(model(t).reshape(-1, 7), t.reshape(-1)))
    assert "LSTM" in page.html


def test_the_formula_is_the_first_sentence_of_the_operator() -> None:
    class Cube(Function):
        """``x ** 3``, that is
        ``x x x``. More follows.
        """

        def forward(self, x: Any) -> Any:
            return x * x * x

        def backward(self, gy: Any, x: Any) -> Any:
            return gy * 3.0 * x * x

    assert formula(Cube) == "``x ** 3``, that is ``x x x``"
    assert "return gy * 3.0 * x * x" in backward_page(Cube()(Variable([2.0])).sum()).html


def test_text_of_users_cannot_end_the_page_or_begin_an_element() -> None:
    x = Variable(np.ones(2), name="</script><img src=x>")
    page = backward_page((x * 2).sum()).html
    assert "<img" not in page
    assert page.count("</script>") == 3


def test_both_languages_say_everything() -> None:
    def gaps(language: str) -> dict[str, set[str]]:
        return {word: set(re.findall(r"{\w+}", said)) for word, said in WORDS[language].items()}

    assert gaps("en") == gaps("zh")


def test_every_word_of_the_pages_is_there_and_is_said() -> None:
    x = Variable(np.ones(2))
    text = backward_page((x * 2).sum()).html
    said = set(re.findall(r'data-(?:word|title)="([^"]*)"|say\("([^"]*)"', text))
    words = {word for pair in said for word in pair if word}
    assert words <= WORDS["en"].keys()
    others = {"language", "graph", "formula", "rule", "operator", "operators", "pause"}
    others |= {"unfold all", "fold all", "first step", "min", "mean", "max", "code"}
    assert WORDS["en"].keys() - words <= others


def test_rules_are_of_operators_that_exist() -> None:
    kinds: set[str] = set()
    pending: list[type] = [Function]
    while pending:
        pending += (inner := pending.pop().__subclasses__())
        kinds |= {kind.__name__ for kind in inner}
    assert RULES.keys() <= kinds
