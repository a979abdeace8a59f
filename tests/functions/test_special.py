"""Special functions where the tables do not go: poles, dtypes of numbers, wrong arguments."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special

import lamina.functions as F
from lamina import Variable
from lamina.errors import DTypeError, RangeError

E356 = np.exp(356.5)
"""Twice, as e**713 is infinite and I₀(713) is not."""

POLES = [
    (F.lgamma, [0.0, -1.0, -50.0, -np.inf, np.inf], [np.inf] * 5),
    (F.digamma, [-1.0, -2.0], [np.nan, np.nan]),
    (F.erfinv, [-1.0, 1.0, 1.5], [-np.inf, np.inf, np.nan]),
    (F.ndtri, [0.0, 1.0, -0.5], [-np.inf, np.inf, np.nan]),
    (F.erfc, [-np.inf, np.inf, np.nan], [2.0, 0.0, np.nan]),
    (F.erfcx, [np.inf, np.nan], [0.0, np.nan]),
    (F.ndtr, [-np.inf, np.inf], [0.0, 1.0]),
    (F.i0, [713.0, 714.0], [scipy.special.i0e(713.0) * E356 * E356, np.inf]),
    (F.i0e, [np.inf, -np.inf, np.nan], [0.0, 0.0, np.nan]),
    (F.logaddexp2, [-np.inf, np.inf], [1.0, np.inf]),
]

MISTAKES = [
    (lambda: F.polygamma(-1, [1.0]), RangeError, r"polygamma: n should be 0\.\.30, got -1"),
    (lambda: F.polygamma(1.5, [1.0]), DTypeError, "n should be an integer, got 1.5"),
    (lambda: F.multigammaln([1.0], 0), RangeError, "d should be 1 or more, got 0"),
    (lambda: F.logit([0.5], eps=0.75), RangeError, r"eps should be 0\.\.0\.5, got 0\.75"),
    (lambda: F.isclose([1.0], [1.0], rtol=-1), RangeError, "got rtol=-1, atol=1e-08"),
    (lambda: F.nan_to_num([1j]), DTypeError, "x should be real, got complex128"),
]

PAIRS = [
    F.logaddexp, F.logaddexp2, F.xlogy, F.xlog1py, F.copysign, F.heaviside, F.fmod, F.fmax, F.fmin,
    F.lbeta, F.beta,
]  # fmt: skip

SINGLES = [
    F.erfc, F.erfcx, F.ndtr, F.log_ndtr, F.lgamma, F.digamma, F.i0, F.i1, F.i0e, F.i1e, F.sinc,
    F.entr, F.signbit, F.nan_to_num, F.deg2rad, F.rad2deg, F.logit, F.ndtri,
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # NumPy's word on infinity
@pytest.mark.parametrize(("f", "at", "values"), POLES)
def test_value_at_a_pole_or_an_end_is_the_documented_one(f, at, values):
    y = f(np.array(at), 1.0) if f is F.logaddexp2 else f(np.array(at))
    np.testing.assert_allclose(y.data, values, rtol=1e-12)  # i0(713): 713 roundings


@pytest.mark.parametrize(("call", "error", "text"), MISTAKES)
def test_wrong_argument_is_named(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("f", PAIRS, ids=lambda f: f.__name__)
def test_python_number_takes_the_dtype_of_the_array_it_meets(f):
    x = np.array([0.5, 1.5], np.float32)
    assert f(x, 2.0).dtype == np.float32
    assert f(2.0, x).dtype == np.float32


@pytest.mark.parametrize("f", SINGLES, ids=lambda f: f.__name__)
def test_integers_are_taken_as_float64(f):
    x = np.array([1, 0] if f in (F.logit, F.ndtri) else [1, 2])
    with np.errstate(divide="ignore"):  # logit and ndtri of 0 and 1
        y, wide = f(x), f(x.astype(float))
    np.testing.assert_array_equal(y.data, wide.data)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 20])
def test_polygamma_of_high_order_agrees_with_scipy(n):
    x = np.geomspace(0.01, 100, 40)
    # 1e-13: SciPy sums as many terms as we do, each with its rounding
    np.testing.assert_allclose(F.polygamma(n, x).data, scipy.special.polygamma(n, x), rtol=1e-13)


@pytest.mark.parametrize("f", [F.lgamma, F.sinc, F.i0e, F.log_ndtr, F.erfinv])
def test_third_derivative_exists_at_the_middle(f):
    x = Variable(np.array([0.25]))
    y = f(x)
    for _ in range(3):
        x.cleargrad()
        y.backward(create_graph=True)
        y = x.grad
    assert np.isfinite(y.data).all()
    x.cleargrad()


def test_lerp_is_exact_at_both_ends():
    a, b = np.array([1e20, -3.0]), np.array([1.0, 1e-20])
    np.testing.assert_array_equal(F.lerp(a, b, 0.0).data, a)
    np.testing.assert_array_equal(F.lerp(a, b, 1.0).data, b)


def test_beta_of_huge_numbers_is_exact_where_its_three_parts_would_cancel():
    # B(a, a) for large a: √π 2^(1-2a) Γ(a) / Γ(a + 1/2), whose quotient is 1/√a (1 + 1/(8a) + ...)
    a = 1e8
    expected = 0.5 * np.log(np.pi / a) + (1 - 2 * a) * np.log(2) + 1 / (8 * a)
    # two roundings of a number of the size of 2a
    assert abs(F.lbeta(a, a).data - expected) <= 2 * np.spacing(2 * a)
