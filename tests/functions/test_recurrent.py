"""LSTM and GRU: derivatives by kernel and by operators, long sequences, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable, gradients
from lamina.errors import DTypeError, ShapeError

N, STEPS, WIDTH, SIZE = 2, 5, 3, 4


def operands(gates: int, states: int, biases: int, dtype: type = np.float64) -> list[Variable]:
    rng = np.random.default_rng(3)
    state, bias = [(N, SIZE)] * states, [(gates * SIZE,)] * biases
    shapes = [(N, STEPS, WIDTH), *state, (WIDTH, gates * SIZE), (SIZE, gates * SIZE), *bias]
    return [Variable(rng.normal(size=shape).astype(dtype)) for shape in shapes]


KINDS = [(F.lstm, operands(4, 2, 1)), (F.gru, operands(3, 1, 2))]
each = pytest.mark.parametrize(("f", "xs"), KINDS, ids=["lstm", "gru"])


@each
def test_kernel_and_operators_give_the_same_first_derivatives(f, xs) -> None:
    def slopes(create_graph: bool):
        y, *last = f(*xs)
        return gradients((y * y).sum() + last[-1].sum(), xs, create_graph=create_graph)

    for a, b in zip(slopes(True), slopes(False), strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-10)  # sums in another order


@each
def test_state_that_comes_from_the_input_is_counted_once(f, xs) -> None:
    x = Variable(xs[0].data)

    def run(create_graph: bool):
        state = [x[:, 0, :1] * np.ones(SIZE)] * (2 if f is F.lstm else 1)
        y, *_ = f(x, *state, *xs[1 + len(state) :])
        return gradients((y * y).sum(), x, create_graph=create_graph).data

    np.testing.assert_allclose(run(True), run(False), rtol=1e-10)  # sums in another order


@each
def test_last_state_is_the_last_of_all_states(f, xs) -> None:
    y, h, *_ = f(*xs)
    assert h.data.tolist() == y.data[:, -1].tolist()


@each
def test_sequence_in_two_parts_is_the_sequence(f, xs) -> None:
    x, states = xs[0], 2 if f is F.lstm else 1
    rest = xs[1 + states :]
    y, *_ = f(*xs)
    first, *state = f(x[:, :2], *xs[1 : 1 + states], *rest)
    second, *_ = f(x[:, 2:], *state, *rest)
    both = np.concatenate([first.data, second.data], 1)
    np.testing.assert_allclose(both, y.data, rtol=1e-12)  # products of other shapes


@each
def test_large_numbers_saturate_without_overflow(f, xs) -> None:
    x = Variable(np.sign(xs[0].data) * 1e6)
    y, *_ = f(x, *xs[1:])
    (g,) = gradients(y.sum(), [x])
    assert np.isfinite(y.data).all()
    assert np.isfinite(g.data).all()


@pytest.mark.parametrize(
    ("place", "shape", "message"),
    [
        (0, (2, 3), r"x should be \(n, steps, in\), 1 step or more, got \(2, 3\)"),
        (0, (2, 0, 3), r"x should be \(n, steps, in\), 1 step or more, got \(2, 0, 3\)"),
        (1, (3, 4), r"h should have shape \(2, 4\) .* got \(3, 4\)"),
        (2, (2, 3), r"c should have shape \(2, 4\) .* got \(2, 3\)"),
        (3, (3, 4), r"Wx should have shape \(3, 16\) .* got \(3, 4\)"),
        (4, (4, 12), r"Wh should be \(size, 4 size\), got \(4, 12\)"),
        (5, (4,), r"b should have shape \(16,\) .* got \(4,\)"),
    ],
)
def test_lstm_names_what_does_not_fit(place: int, shape: tuple[int, ...], message: str) -> None:
    xs = list(KINDS[0][1])
    xs[place] = Variable(np.zeros(shape))
    with pytest.raises(ShapeError, match=f"lstm: {message}"):
        F.lstm(*xs)


@pytest.mark.parametrize(
    ("place", "shape", "message"),
    [
        (3, (4, 16), r"Wh should be \(size, 3 size\), got \(4, 16\)"),
        (4, (4,), r"bx should have shape \(12,\) .* got \(4,\)"),
        (5, (4,), r"bh should have shape \(12,\) .* got \(4,\)"),
    ],
)
def test_gru_names_what_does_not_fit(place: int, shape: tuple[int, ...], message: str) -> None:
    xs = list(KINDS[1][1])
    xs[place] = Variable(np.zeros(shape))
    with pytest.raises(ShapeError, match=f"gru: {message}"):
        F.gru(*xs)


@each
def test_integers_are_refused(f, xs) -> None:
    with pytest.raises(DTypeError, match=f"{f.__name__}: x should be floating, got int64"):
        f(xs[0].data.astype(int), *xs[1:])


@each
def test_float16_is_summed_in_float32(f, xs) -> None:
    half = [Variable(v.data.astype(np.float16)) for v in xs]
    wide = [Variable(v.data.astype(np.float64)) for v in half]
    y, exact = f(*half)[0], f(*wide)[0]
    assert y.dtype == np.float16
    np.testing.assert_allclose(y.data, exact.data, rtol=1e-3)  # rounded to float16 once
