"""Lengths, positions and shared heads: what does not fit, and what agrees with what."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable
from lamina.errors import DTypeError, RangeError, ShapeError
from lamina.listen import Program, run

X = np.ones((2, 4, 3))
Wx, Wh = np.ones((3, 5)), np.ones((5, 5))
Q, K = np.ones((4, 3, 2)), np.ones((3, 3, 2))

WRONG = {
    "a length too large": (
        lambda: F.rnn(X, None, Wx, Wh, lengths=[4, 5]),
        RangeError,
        "rnn: lengths should be from 1 to 4, got 5",
    ),
    "a length of 0": (
        lambda: F.last_step(X, [0, 1]),
        RangeError,
        "last_step: lengths should be from 1 to 4, got 0",
    ),
    "too many lengths": (
        lambda: F.reverse_padded(X, [1, 2, 3]),
        ShapeError,
        r"reverse_padded: lengths should have shape \(2,\), got \(3,\)",
    ),
    "fractions": (
        lambda: F.sequence_mask([0.5], 3),
        DTypeError,
        "sequence_mask: lengths should be integers, got float64",
    ),
    "no steps": (
        lambda: F.last_step(np.ones((2, 0, 3))),
        ShapeError,
        r"last_step: x should be \(n, steps, \.\.\.\), 1 step or more, got \(2, 0, 3\)",
    ),
    "activation": (
        lambda: F.rnn(X, None, Wx, Wh, activation="sigmoid"),
        RangeError,
        "rnn: activation should be 'tanh' or 'relu', got 'sigmoid'",
    ),
    "a sequence for a cell": (
        lambda: F.rnn_cell(X, None, Wx, Wh),
        ShapeError,
        r"rnn_cell: x should be \(n, in\), got \(2, 4, 3\)",
    ),
    "weights of a cell": (
        lambda: F.lstm_cell(X[0], None, None, Wx, Wh),
        ShapeError,
        r"lstm: Wh should be \(size, 4 size\), got \(5, 5\)",
    ),
    "odd waves": (
        lambda: F.sinusoidal_positions([1], 3),
        RangeError,
        "sinusoidal_positions: size should be even and 0 or more, got 3",
    ),
    "odd pairs": (
        lambda: F.rotary_embedding(X),
        ShapeError,
        r"rotary_embedding: x should be \(\.\.\., positions, size\), size even, got \(2, 4, 3\)",
    ),
    "positions": (
        lambda: F.rotary_embedding(Q, [1, 2]),
        ShapeError,
        r"rotary_embedding: positions should fit \(4, 3\), got \(2,\)",
    ),
    "no heads": (
        lambda: F.alibi_bias([0], [0], 0),
        RangeError,
        "alibi_bias: heads should be 1 or more, got 0",
    ),
    "heads": (
        lambda: F.grouped_query_attention(Q, K, K),
        RangeError,
        r"heads of k and v should divide those of q, got q \(4, 3, 2\), k \(3, 3, 2\)",
    ),
    "a mask of other heads": (
        lambda: F.grouped_query_attention(Q, Q[:2], Q[:2], np.ones((2, 3, 3), bool)),
        ShapeError,
        r"grouped_query_attention: mask should have 1 or 4 heads, got \(2, 3, 3\)",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_named(name):
    make, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        make()


def test_lengths_that_are_not_there_yet_are_checked_when_they_come():
    program = Program()
    lengths = program.input((2,), np.int64)
    program.outputs = (F.last_step(X * [[[1.0]], [[2.0]]], lengths).data,)
    assert run(program, np.array([1, 4]))[0].tolist() == [[1] * 3, [2] * 3]
    with pytest.raises(RangeError, match="last_step: lengths should be from 1 to 4, got 9"):
        run(program, np.array([1, 9]))


@pytest.mark.parametrize("f", [F.lstm, F.gru, F.rnn], ids=lambda f: f.__name__)
def test_what_comes_after_the_end_does_not_matter(rng, f):
    gates = {"lstm": 4, "gru": 3, "rnn": 1}[f.__name__]
    states = (None, None) if f is F.lstm else (None,)
    W = rng.normal(size=(3, 2 * gates)), rng.normal(size=(2, 2 * gates))
    x = rng.normal(size=(2, 4, 3))
    other = x.copy()
    other[0, 2:] = 100.0
    a, b = [f(v, *states, *W, lengths=[2, 4]) for v in (Variable(x), Variable(other))]
    assert [v.data.tobytes() for v in a] == [v.data.tobytes() for v in b]
    assert not a[0].data[0, 2:].any()


def test_whole_sequences_are_as_without_lengths(rng):
    x, W = rng.normal(size=(2, 4, 3)), (rng.normal(size=(3, 2)), rng.normal(size=(2, 2)))
    a, b = F.rnn(x, None, *W, lengths=[4, 4]), F.rnn(x, None, *W)
    assert [v.data.tobytes() for v in a] == [v.data.tobytes() for v in b]


@pytest.mark.parametrize("interleaved", [False, True])
def test_products_of_turned_vectors_depend_on_distance_alone(rng, interleaved):
    q, k = rng.normal(size=(1, 8)), rng.normal(size=(1, 8))

    def product(i, j):
        a = F.rotary_embedding(q, [i], interleaved=interleaved)
        return (a.data @ F.rotary_embedding(k, [j], interleaved=interleaved).data.T).item()

    np.testing.assert_allclose(product(3, 10), product(1003, 1010), rtol=1e-10)  # angles of 1000
    assert abs(product(3, 10) - product(3, 11)) > 1e-3


def test_far_positions_keep_their_angle_in_single_precision():
    x = np.array([[1.0, 0.0]])
    far = 1_000_003
    y = F.rotary_embedding(x.astype(np.float32), [far])
    expected = F.rotary_embedding(x, [far])
    np.testing.assert_allclose(y.data, expected.data, atol=1e-7)  # one rounding of float32


def test_one_group_a_head_is_plain_attention(rng):
    q, k, v = rng.normal(size=(3, 2, 4, 3, 5))
    y = F.grouped_query_attention(q, k, v, causal=True)
    expected = F.scaled_dot_product_attention(q, k, v, causal=True)
    np.testing.assert_allclose(y.data, expected.data, rtol=1e-14)  # the same products, stacked


def test_an_alibi_bias_is_a_mask(rng):
    q, k, v = rng.normal(size=(3, 4, 6, 5))
    at = np.arange(6)
    bias = F.alibi_bias(at, at, 4, dtype=np.float64)
    y = F.scaled_dot_product_attention(q, k, v, bias)
    scores = q @ k.swapaxes(1, 2) / np.sqrt(5) - np.abs(at[:, None] - at) * np.array(
        [[[1 / 4]], [[1 / 16]], [[1 / 64]], [[1 / 256]]]
    )
    np.testing.assert_allclose(y.data, F.softmax(scores).data @ v, rtol=1e-12)


def test_positions_have_the_default_dtype():
    assert F.sinusoidal_positions([0, 1], 4).dtype == np.float32
    assert F.sinusoidal_positions(np.ones(1, np.float16), 4).dtype == np.float16
