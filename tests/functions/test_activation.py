"""Activations at 0, for large numbers, and over axes that are not there."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special

import lamina.functions as F
from lamina import Variable, gradients
from lamina.errors import RangeError, ShapeError

DTYPES = (np.float16, np.float32, np.float64)
SMOOTH = ("sigmoid", "tanh", "softplus", "silu", "gelu_tanh", "elu")


def slopes(f, *points, dtype=np.float64):
    x = Variable(np.array(points, dtype))
    f(x).sum().backward()
    assert x.grad is not None
    return x.grad.data.tolist()


@pytest.mark.parametrize(
    ("name", "slope"),
    [("relu", 0), ("leaky_relu", 0.01), ("elu", 1), ("sigmoid", 0.25), ("tanh", 1)],
)
def test_derivative_at_zero(name: str, slope: float) -> None:
    assert slopes(getattr(F, name), 0) == [slope]


def test_derivative_of_elu_at_zero_is_alpha() -> None:
    assert slopes(lambda x: F.elu(x, alpha=0.5), 0) == [0.5]


def test_relu_passes_on_what_is_not_a_number() -> None:
    assert np.isnan(F.relu([np.nan]).data).all()


# gelu_tanh cubes x: 65504 is the largest float16
@pytest.mark.parametrize("name", SMOOTH[:-2] + SMOOTH[-1:])
@pytest.mark.parametrize("dtype", DTYPES)
def test_large_numbers_are_finite_in_every_derivative(name: str, dtype: type) -> None:
    f = getattr(F, name)
    x = Variable(np.array([-1e4, -100, -20, 20, 100, 1e4], dtype))
    y = f(x)
    (g,) = gradients(y.sum(), [x], create_graph=True)
    (h,) = gradients(g.sum(), [x], create_graph=True)
    assert np.isfinite([y.data, g.data, h.data]).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_gelu_of_large_numbers_is_finite_in_every_derivative(dtype: type) -> None:
    x = Variable(np.array([-30, -10, 10, 30], dtype))
    (g,) = gradients(F.gelu_tanh(x).sum(), [x], create_graph=True)
    (h,) = gradients(g.sum(), [x], create_graph=True)
    assert np.isfinite([g.data, h.data]).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_keeps_its_digits_where_it_is_small(dtype: type) -> None:
    x = np.array([-9.0, -8.0, -7.0], dtype)
    expected = scipy.special.expit(x.astype(float))
    # exp, a sum and a quotient: a few roundings; float16 is subnormal below 6e-5, not here
    np.testing.assert_allclose(F.sigmoid(x).data, expected, rtol=8 * np.finfo(dtype).eps)


def test_infinite_numbers_have_their_limits() -> None:
    ends = [-np.inf, np.inf]
    assert F.sigmoid(ends).data.tolist() == [0, 1]
    assert F.tanh(ends).data.tolist() == [-1, 1]
    assert F.softplus(ends).data.tolist() == [0, np.inf]
    assert F.elu(ends).data.tolist() == [-1, np.inf]


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_of_large_numbers_adds_up_to_one(dtype: type) -> None:
    y = F.softmax(np.array([[3e4, 3e4, -3e4], [-3e4, -3e4, -3e4]], dtype))
    expected = np.array([[0.5, 0.5, 0], [1 / 3] * 3])
    np.testing.assert_allclose(y.data, expected, rtol=2 * np.finfo(dtype).eps)  # a sum, a quotient


def test_softmax_of_minus_infinity_is_zero_with_gradient_zero() -> None:
    x = Variable([0.0, -np.inf, 0.0])
    y = F.softmax(x)
    (y * [1.0, 2.0, 4.0]).sum().backward()
    assert x.grad is not None
    assert (y.data.tolist(), x.grad.data.tolist()) == ([0.5, 0, 0.5], [-0.75, 0, 0.75])


def test_log_softmax_is_finite_where_softmax_is_zero() -> None:
    assert F.log_softmax([1000.0, 0.0]).data.tolist() == [0, -1000]


def test_log_softmax_of_large_numbers_keeps_its_digits() -> None:
    x = np.array([20000.25, 20000.0], np.float32)
    expected = scipy.special.log_softmax(np.array([0.25, 0.0]))
    # exp, log, a sum and a difference
    np.testing.assert_allclose(F.log_softmax(x).data, expected, rtol=4 * np.finfo(np.float32).eps)


@pytest.mark.parametrize("f", [F.softmax, F.log_softmax])
def test_axis_that_is_not_there_is_named(f) -> None:
    name = f.__name__
    with pytest.raises(RangeError, match=rf"{name}: axis 2 is outside an array of 2 axes"):
        f(np.ones((2, 3)), axis=2)


@pytest.mark.parametrize("f", [F.softmax, F.log_softmax])
def test_empty_axis_is_named(f) -> None:
    with pytest.raises(ShapeError, match=rf"{f.__name__}: axis -1 of \(2, 0\) is empty"):
        f(np.ones((2, 0)))


@pytest.mark.parametrize("name", ["relu", "leaky_relu", *SMOOTH])
@pytest.mark.parametrize("dtype", DTYPES)
def test_gradient_keeps_the_dtype(name: str, dtype: type) -> None:
    x = Variable(np.array([-1, 0.5], dtype))
    assert gradients(getattr(F, name)(x).sum(), x).dtype == dtype
