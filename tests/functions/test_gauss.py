"""erf to the last digits, at its seams and at its ends; gelu beside its approximation."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special

import lamina.functions as F
from lamina import Variable, gradients

SEAM = 0.46875
POINTS = np.concatenate(
    [np.linspace(-7, 7, 20001), SEAM + np.linspace(-1e-3, 1e-3, 101), np.logspace(-300, 0, 101)]
)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_erf_is_exact_to_a_few_roundings(dtype: type) -> None:
    x = POINTS.astype(dtype)
    x = x[np.abs(x) >= np.finfo(dtype).smallest_normal]
    expected = scipy.special.erf(x.astype(np.float64))
    # two polynomials of degree 8 in Horner's form, an exp, a quotient
    np.testing.assert_allclose(F.erf(x).data, expected, rtol=8 * np.finfo(dtype).eps)


def test_erf_at_its_ends() -> None:
    y = F.erf([-np.inf, -1e300, -0.0, 0.0, 1e300, np.inf, np.nan]).data
    assert y[:-1].tolist() == [-1, -1, 0, 0, 1, 1]
    assert np.isnan(y[-1])


def test_derivatives_of_large_numbers_are_finite() -> None:
    x = Variable([-100.0, -20.0, 20.0, 100.0])
    (g,) = gradients(F.gelu(x).sum(), [x], create_graph=True)
    (h,) = gradients(g.sum(), [x])
    # e**-200 and less is left of the slope and of the bend
    np.testing.assert_allclose([g.data, h.data], [[0, 0, 1, 1], [0] * 4], rtol=0, atol=1e-80)


def test_approximation_of_gelu_is_close() -> None:
    x = np.linspace(-6, 6, 1001)
    # the bound that its documentation gives
    np.testing.assert_allclose(F.gelu_tanh(x).data, F.gelu(x).data, atol=5e-4, rtol=0)


def test_derivative_of_gelu_at_zero() -> None:
    x = Variable(0.0)
    assert gradients(F.gelu(x), x).item() == 0.5
