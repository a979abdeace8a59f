"""Extremes in float32: where a formula written down plainly gives NaN, infinity or nothing.

Each row is an expression, where it is evaluated, its value there and its derivative, known from
limits or from closed forms. Both must be finite and right; warnings of NumPy are errors.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable

ROUNDINGS = 8 * float(np.finfo(np.float32).eps)
"""Of a few operations, each of which rounds the argument or the result once."""

LOG2 = math.log(2)

EXTREMES = {
    "softplus far out": (F.softplus, [-1e3, 0, 1e3], [0, LOG2, 1e3], [0, 0.5, 1]),
    "log_sigmoid far out": (F.log_sigmoid, [-1e3, 0, 1e3], [-1e3, -LOG2, 0], [1, 0.5, 0]),
    "sigmoid far out": (F.sigmoid, [-1e3, 1e3], [0, 1], [0, 0]),
    "sigmoid of a tiny share": (
        F.sigmoid,
        [-50],
        [math.exp(-50)],
        [math.exp(-50)],
    ),
    "tanh far out": (F.tanh, [-1e3, 1e3], [-1, 1], [0, 0]),
    "silu far out": (F.silu, [-1e3, 1e3], [0, 1e3], [0, 1]),
    "mish far out": (F.mish, [-1e3, 1e3], [0, 1e3], [0, 1]),
    "gelu far out": (F.gelu, [-1e3, 1e3], [0, 1e3], [0, 1]),
    "elu far out": (F.elu, [-1e3, 1e3], [-1, 1e3], [0, 1]),
    "celu far out": (lambda x: F.celu(x, 0.1), [-1e3, 1e3], [-0.1, 1e3], [0, 1]),
    "squareplus far out": (F.squareplus, [-1e30, 1e30], [1e-30, 1e30], [0, 1]),
    "softsign far out": (F.softsign, [-1e30, 1e3], [-1, 1e3 / 1001], [0, 1 / 1001**2]),
    "log_softmax of a large number": (
        lambda x: F.log_softmax(x)[0],
        [1e4, 0],
        0,
        [0, 0],
    ),
    "log_softmax of a hopeless one": (
        lambda x: F.log_softmax(x)[1],
        [1e4, 0],
        -1e4,
        [-1, 1],
    ),
    "softmax of a large number": (lambda x: F.softmax(x)[0], [1e30, 0], 1, [0, 0]),
    "sparsemax of a large number": (lambda x: F.sparsemax(x)[0], [1e30, 0], 1, [0, 0]),
    "logsumexp of large numbers": (F.logsumexp, [1e4, 1e4], 1e4 + LOG2, [0.5, 0.5]),
    "logsumexp of minus infinity": (F.logsumexp, [-np.inf, 3], 3, [0, 1]),
    "logaddexp far apart": (lambda x: F.logaddexp(x, 0), [-1e4, 1e4], [0, 1e4], [0, 1]),
    "logaddexp of equal ones": (
        lambda x: F.logaddexp(x, x.detach()),
        [-1e4, 1e4],
        [-1e4 + LOG2, 1e4 + LOG2],
        [0.5, 0.5],
    ),
    "xlogy at 0": (lambda x: F.xlogy(x, np.float32(0)), [0], [0], [0]),
    "xlogy by y at 0": (lambda y: F.xlogy(np.float32(0), y), [0, 5], [0, 0], [0, 0]),
    "xlog1py at 0": (lambda y: F.xlog1py(np.float32(0), y), [-1, 3], [0, 0], [0, 0]),
    "entr at 0": (F.entr, [0, 1], [0, 0], [0, -1]),
    "erfc far out": (
        F.erfc,
        [9, 1e3],
        [math.erfc(9), 0],
        [-2 / math.sqrt(math.pi) * math.exp(-81), 0],
    ),
    "erfc at 10, below what float32 holds at full length": (F.erfc, [10], [0], [0]),
    "erfcx far out": (F.erfcx, [1e4], [1e-4 / math.sqrt(math.pi)], None),
    "log_ndtr far out": (
        F.log_ndtr,
        [-1e3, 1e3],
        [-5e5 - math.log(1e3 * math.sqrt(2 * math.pi)), 0],
        [1e3 + 1e-3, 0],
    ),
    "log1mexp near 0": (F.log1mexp, [-1e-10], [math.log(1e-10)], [-1e10]),
    "expm1 near 0": (F.expm1, [1e-10], [1e-10], [1]),
    "log1p near 0": (F.log1p, [1e-10], [1e-10], [1]),
    "sinc at 0": (F.sinc, [0, 1e-20], [1, 1], [0, -(math.pi**2) / 3e20]),
    "i0e far out": (F.i0e, [0, 1e4], [1, (1 + 1 / 8e4) / math.sqrt(2e4 * math.pi)], None),
    "lgamma of a large number": (
        F.lgamma,
        [1e6],
        [math.lgamma(1e6)],
        [math.log(1e6) - 0.5e-6],
    ),
    "x ** 0 at 0": (lambda x: x**0, [0, 2], [1, 1], [0, 0]),
    "x ** x at 0": (lambda x: x ** Variable(np.zeros(1, np.float32)), [0], [1], [0]),
    "hypot at 0": (lambda x: F.hypot(x, 0), [0, 1e30], [0, 1e30], [0, 1]),
    "arctan2 at 0": (lambda x: F.arctan2(x, 0), [0], [0], [0]),
    "std of a constant": (F.std, [3, 3, 3], 0, [0, 0, 0]),
    "var of a constant": (F.var, [3, 3, 3], 0, [0, 0, 0]),
    "var of numbers far from 0": (F.var, [1e6 - 1, 1e6 + 1], 1, [-1, 1]),
    "prod of zeros": (F.prod, [0, 0, 5], 0, [0, 0, 0]),
    "prod of one zero": (F.prod, [0, 2, 5], 0, [10, 0, 0]),
    "huber_loss far out": (
        lambda x: F.huber_loss(x, np.zeros(1, np.float32)),
        [1e30],
        1e30,
        [1],
    ),
    "softmax_cross_entropy of a hopeless label": (
        lambda x: F.softmax_cross_entropy(x.reshape(1, 2), np.array([1])),
        [1e4, 0],
        1e4,
        [1, -1],
    ),
    "sigmoid_cross_entropy far out": (
        lambda x: F.sigmoid_cross_entropy(x, np.array([1.0, 0.0], np.float32)),
        [-1e4, 1e4],
        1e4,
        [-0.5, 0.5],
    ),
}


def value_and_slope(f, at):
    """In float32: what ``f`` gives there, and the derivative of the sum of that."""
    x = Variable(np.array(at, np.float32))
    y = f(x)
    y.sum().backward()
    return y.data, x.grad.data


@pytest.mark.parametrize("name", EXTREMES)
def test_value_at_an_extreme_is_right(name):
    f, at, value, _ = EXTREMES[name]
    y, _ = value_and_slope(f, at)
    assert y.dtype == np.float32
    # 1e-38: below lies what float32 holds with fewer digits
    np.testing.assert_allclose(y, value, rtol=ROUNDINGS, atol=1e-38)


@pytest.mark.parametrize("name", [name for name, row in EXTREMES.items() if row[3] is not None])
def test_derivative_at_an_extreme_is_right(name):
    f, at, _, slope = EXTREMES[name]
    _, g = value_and_slope(f, at)
    assert g.dtype == np.float32
    np.testing.assert_allclose(g, slope, rtol=ROUNDINGS, atol=1e-38)


@pytest.mark.parametrize("name", EXTREMES)
def test_derivative_at_an_extreme_is_finite(name):
    f, at, _, _ = EXTREMES[name]
    assert np.isfinite(value_and_slope(f, at)[1]).all()
