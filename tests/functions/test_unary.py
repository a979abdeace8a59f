"""Functions of one number at special points."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable, gradients

SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e300, -1e300, 1e-300])

DOMAIN = {
    **{name: SPECIAL for name in "exp expm1 exp2 cbrt arctan sinh cosh arcsinh".split()},
    **{name: SPECIAL[[0, 2, 4, 5, 7]] for name in "log1p sqrt".split()},
    **{name: SPECIAL[[2, 4, 5, 7]] for name in "log log2 log10".split()},
    **{name: SPECIAL[[0, 1, 4, 7]] for name in "sin cos tan arcsin arccos arctanh".split()},
    "arccosh": np.array([1.0, np.inf, np.nan]),
}


def derivative(f, *points):
    """The derivative at each number."""
    x = Variable(np.array(points, float))
    f(x).sum().backward()
    assert x.grad is not None
    return x.grad.data.tolist()


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")  # as in NumPy
@pytest.mark.parametrize("name", DOMAIN)
def test_values_at_special_points_are_numpys(name: str) -> None:
    x = DOMAIN[name]
    np.testing.assert_array_equal(getattr(F, name)(x).data, getattr(np, name)(x))


@pytest.mark.parametrize("name", ["log", "log2", "log10", "sqrt", "rsqrt", "arcsin", "arccosh"])
def test_outside_its_domain_it_warns_and_is_not_a_number(name: str) -> None:
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert np.isnan(getattr(F, name)(Variable([-2.0])).data).all()


def test_logarithm_of_zero_warns_and_is_minus_infinity() -> None:
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert F.log(Variable(0.0)).item() == -math.inf


def test_derivative_of_the_square_root_at_zero_is_infinite() -> None:
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert derivative(F.sqrt, 0) == [math.inf]


@pytest.mark.parametrize("name", ["sign", "floor", "ceil", "round", "trunc"])
def test_steps_have_no_gradient(name: str) -> None:
    x = Variable([0.25, 1.75])
    assert gradients(getattr(F, name)(x).sum(), x) is None


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "sin", "arctan", "tanh"])
def test_integers_give_floating_numbers(name: str) -> None:
    assert getattr(F, name)([1, 2]).dtype == np.float64


@pytest.mark.parametrize("name", ["arctan2", "hypot"])
def test_derivatives_at_the_origin_are_taken_as_zero(name: str) -> None:
    a, b = Variable(0.0), Variable(0.0)
    assert [g.item() for g in gradients(getattr(F, name)(a, b), [a, b])] == [0, 0]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_derivative_of_arctan2_where_the_squares_overflow(dtype: type) -> None:
    large = np.sqrt(np.finfo(dtype).max) * 4
    a, b = Variable(np.array(large, dtype)), Variable(np.array(large, dtype))
    ga = gradients(F.arctan2(a, b), a).item()
    eps = float(np.finfo(dtype).eps)
    assert ga == pytest.approx(0.5 / float(a.data), rel=8 * eps)  # hypot, two quotients, a product


def test_hypot_does_not_overflow() -> None:
    assert F.hypot(3e300, 4e300).item() == pytest.approx(5e300, rel=1e-15)  # a rounding or two


def test_exponent_near_zero_keeps_its_digits() -> None:
    assert F.expm1(1e-18).item() == 1e-18


def test_logarithm_near_one_keeps_its_digits() -> None:
    assert F.log1p(1e-18).item() == 1e-18


def test_derivative_of_arcsin_near_one_keeps_its_digits() -> None:
    x = 1 - 2.0**-27  # x * x is off by 2**-54, which is 2**-28 of 1 - x * x
    exact = 1 / math.sqrt(2.0**-26 - 2.0**-54)
    # one rounding each of 1 + x, product, root and quotient
    assert derivative(F.arcsin, x) == pytest.approx([exact], rel=4 * 2.0**-53)
