"""Normalisation: extremes, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable, gradients
from lamina.errors import DTypeError, RangeError, ShapeError
from lamina.functions.norm import Standardize

X = np.arange(24.0).reshape(2, 3, 4) ** 2


def test_layer_norm_gives_mean_zero_and_variance_one() -> None:
    y = F.layer_norm(X, eps=1e-12).data
    np.testing.assert_allclose(y.mean(-1), 0, atol=1e-12)  # of numbers near 1: a few roundings
    np.testing.assert_allclose(y.var(-1), 1, rtol=1e-10)  # eps moves it


def test_batch_norm_gives_each_channel_mean_zero_and_variance_one() -> None:
    y = F.batch_norm(X, eps=1e-12).data
    np.testing.assert_allclose(y.mean((0, 2)), 0, atol=1e-12)  # as above
    np.testing.assert_allclose(y.var((0, 2)), 1, rtol=1e-10)


def test_batch_norm_with_its_own_statistics_fixed_gives_the_same() -> None:
    fixed = F.fixed_batch_norm(X, X.mean((0, 2)), X.var((0, 2)))
    np.testing.assert_allclose(fixed.data, F.batch_norm(X).data, rtol=1e-12)  # another order


def test_equal_numbers_become_zero_with_finite_gradients() -> None:
    x = Variable(np.full((2, 3), 7.0))
    y = F.layer_norm(x)
    (g,) = gradients((y * [1.0, 2.0, 4.0]).sum(), [x])
    assert y.data.tolist() == [[0, 0, 0]] * 2
    assert np.isfinite(g.data).all()


@pytest.mark.parametrize("f", [F.layer_norm, F.batch_norm])
def test_squares_of_float16_do_not_overflow(f) -> None:
    x = np.array([[60000, 30000], [-60000, -30000]], np.float16)
    y = f(x)
    assert y.dtype == np.float16
    # the mean, the difference and the quotient are rounded to float16 once
    np.testing.assert_allclose(y.data, f(x.astype(np.float64)).data, rtol=2e-3)


def test_gradient_of_both_statistics_is_right() -> None:
    x = Variable(X[0])
    _, mean, variance = Standardize((0,), 0.1)(x)
    (g,) = gradients((mean * 3 + variance).sum(), [x])
    expected = 3 / 3 + 2 * (X[0] - X[0].mean(0)) / 3
    np.testing.assert_allclose(g.data, expected, rtol=1e-12)  # a few roundings


@pytest.mark.parametrize(
    ("gamma", "beta", "message"),
    [
        (np.ones(3), None, r"gamma should have shape \(4,\) \(x is \(2, 3, 4\)\), got \(3,\)"),
        (None, np.ones((3, 4)), r"beta should have shape \(4,\) \(x is .*\), got \(3, 4\)"),
    ],
)
def test_layer_norm_names_a_scale_that_does_not_fit(gamma, beta, message: str) -> None:
    with pytest.raises(ShapeError, match=f"layer_norm: {message}"):
        F.layer_norm(X, gamma, beta)


def test_batch_norm_names_a_scale_that_does_not_fit() -> None:
    with pytest.raises(ShapeError, match=r"batch_norm: gamma should have shape \(3,\)"):
        F.batch_norm(X, np.ones(4))


@pytest.mark.parametrize("which", [0, 1])
def test_fixed_batch_norm_names_statistics_that_do_not_fit(which: int) -> None:
    given = [np.ones(3), np.ones(3)]
    given[which] = np.ones(4)
    name = ["mean", "gamma"][which]
    with pytest.raises(ShapeError, match=f"fixed_batch_norm: {name} should have shape"):
        F.fixed_batch_norm(X, *given, gamma=np.ones(3))


@pytest.mark.parametrize("f", [F.batch_norm, lambda x: F.fixed_batch_norm(x, [0.0], [1.0])])
def test_batch_without_channels_is_refused(f) -> None:
    with pytest.raises(ShapeError, match=r"batch_norm: x should be \(n, channels, ...\), got \(3,"):
        f(np.ones(3))


@pytest.mark.parametrize(
    ("f", "shape"), [(F.layer_norm, (3, 0)), (F.batch_norm, (0, 3)), (F.batch_norm, (2, 3, 0))]
)
def test_statistics_of_nothing_are_refused(f, shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"_norm: over axes .* there is nothing"):
        f(np.ones(shape))


@pytest.mark.parametrize("eps", [0, -1.0, float("nan")])
@pytest.mark.parametrize(
    "f",
    [
        F.layer_norm,
        F.batch_norm,
        lambda x, eps: F.fixed_batch_norm(x, X[0, :, 0], X[0, :, 0], eps=eps),
    ],
)
def test_eps_that_is_not_positive_is_refused(f, eps: float) -> None:
    with pytest.raises(RangeError, match=f"_norm: eps should be above 0, got {eps}"):
        f(X, eps=eps)


def test_axis_that_is_not_there_is_named() -> None:
    with pytest.raises(RangeError, match="layer_norm: axis 3 is outside an array of 3 axes"):
        F.layer_norm(X, axis=3)


@pytest.mark.parametrize("f", [F.layer_norm, F.batch_norm])
def test_integers_are_refused(f) -> None:
    with pytest.raises(DTypeError, match="_norm: x should be floating, got int64"):
        f(np.ones((2, 3), np.int64))
