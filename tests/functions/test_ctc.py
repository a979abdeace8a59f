"""CTC: against all paths in its table; here what does not fit, lengths, and larger inputs."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable, gradients
from lamina.errors import DTypeError, RangeError, ShapeError
from lamina.functions.ctc import CTC_, ctc_steps

X = np.zeros((2, 4, 3))
T = np.array([[1, 2], [2, 1]])

WRONG = {
    "x": (
        lambda: F.ctc_loss(X[0], T),
        ShapeError,
        r"x should be \(n, steps, classes\), .*\(4, 3\)",
    ),
    "no classes": (
        lambda: F.ctc_loss(X[..., :0], T),
        ShapeError,
        r"x should be \(n, steps, classes\), 1 or more, got \(2, 4, 0\)",
    ),
    "t": (
        lambda: F.ctc_loss(X, T[:1]),
        ShapeError,
        r"labels t should be \(2, labels\), got \(1, 2",
    ),
    "fractions": (
        lambda: F.ctc_loss(X, T * 1.0),
        DTypeError,
        "labels t should be integers, got float64",
    ),
    "blank": (
        lambda: F.ctc_loss(X, T, blank=3),
        RangeError,
        r"blank should be one of 0\.\.2, got 3",
    ),
    "a blank label": (
        lambda: F.ctc_loss(X, [[1, 2], [0, 1]]),
        RangeError,
        r"label 0 at \(1, 0\) should be one of 0\.\.2 and not the blank, 0; label_lengths says",
    ),
    "a label too large": (
        lambda: F.ctc_loss(X, [[1, 2], [1, 3]]),
        RangeError,
        r"label 3 at \(1, 1\) should be one of 0\.\.2",
    ),
    "lengths": (
        lambda: F.ctc_loss(X, T, [4, 5]),
        RangeError,
        "ctc_loss: lengths should be from 1 to 4, got 5",
    ),
    "label_lengths": (
        lambda: F.ctc_loss(X, T, None, [3, 1]),
        RangeError,
        "ctc_loss: label_lengths should be from 0 to 2, got 3",
    ),
    "one length": (
        lambda: F.ctc_loss(X, T, [4]),
        ShapeError,
        r"ctc_loss: lengths should have shape \(2,\), got \(1,\)",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_named(name):
    make, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        make()


def test_what_comes_after_the_lengths_does_not_matter(rng):
    x, t = rng.normal(size=(1, 6, 5)), [[1, 4, 9, -7]]
    y = F.ctc_loss(x, t, [4], [2])
    assert y.item() == F.ctc_loss(x[:, :4], [[1, 4]]).item()


def test_steps_after_the_lengths_have_no_gradient(rng):
    x = Variable(rng.normal(size=(2, 6, 5)))
    F.ctc_loss(x, [[1, 4], [2, 2]], [4, 6], [2, 2]).backward()
    assert not x.grad.data[0, 4:].any()
    assert x.grad.data[0, :4].all()


def test_the_probabilities_of_all_labels_add_up_to_1(rng):
    x = rng.normal(size=(1, 3, 3))
    labels = [[], [1], [2], [1, 1], [1, 2], [2, 1], [2, 2], [1, 2, 1], [2, 1, 2]]
    total = sum(np.exp(-F.ctc_loss(x, np.array([t], int)).item()) for t in labels)
    np.testing.assert_allclose(total, 1, rtol=1e-14)  # roundings of nine sums


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_kernel_has_the_gradient_of_its_formula_over_long_inputs(rng, dtype):
    e = Variable(rng.normal(-2, 1, (3, 40, 9)).astype(dtype))
    passes = rng.integers(0, 2, (3, 9)).astype(bool)
    steps, last = np.array([40, 25, 13]), np.array([8, 6, 0])
    y, _ = CTC_(e, passes, steps, last)
    (z,) = ctc_steps(e, passes, steps, last)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(y.data, z.data, rtol=100 * eps)  # 40 steps of two roundings
    (g,) = gradients([y.sum()], [e])
    (h,) = gradients([z.sum()], [e])
    np.testing.assert_allclose(g.data, h.data, atol=500 * eps)  # logarithms up to 100 are rounded


def test_an_impossible_label_costs_infinity_and_pulls_nowhere():
    x = Variable(np.zeros((1, 2, 3)))
    y = F.ctc_loss(x, [[1, 1]])
    y.backward()
    assert y.item() == np.inf
    assert not x.grad.data.any()


def test_logits_and_their_log_softmax_cost_the_same(rng):
    x = rng.normal(size=(2, 5, 4))
    y, expected = F.ctc_loss(F.log_softmax(x), T), F.ctc_loss(x, T)
    np.testing.assert_allclose(y.item(), expected.item(), rtol=1e-14)  # normalised twice


def test_huge_logits_stay_finite():
    x = np.where(np.arange(3) == 1, 1e4, -1e4) * np.ones((1, 4, 1))
    assert F.ctc_loss(x, [[1]]).item() == 0
    y = F.ctc_loss(x, [[2]])  # each step 2e4, and ten paths
    np.testing.assert_allclose(y.item(), 8e4 - np.log(10), rtol=1e-15)  # one rounding
