"""Activations where the tables do not go: at their kinks, at NaN, and with wrong arguments."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable
from lamina.errors import RangeError, ShapeError

KINKS = [
    (F.relu6, [0.0, 6.0], [0.0, 0.0]),
    (F.hard_tanh, [-1.0, 1.0], [0.0, 0.0]),
    (F.hard_sigmoid, [-3.0, 3.0], [0.0, 0.0]),
    (F.hard_shrink, [-0.5, 0.5], [0.0, 0.0]),
    (F.soft_shrink, [-0.5, 0.5], [0.0, 0.0]),
    (F.softsign, [0.0], [1.0]),
    (F.celu, [0.0], [1.0]),
    (F.squareplus, [0.0], [0.5]),
    (lambda x: F.threshold(x, 1.0), [1.0], [0.0]),
    (lambda x: F.prelu(x, 0.25), [0.0], [0.25]),
    (lambda x: F.maxout(x, 2), [3.0, 3.0], [0.5, 0.5]),
    (F.sparsemax, [1.0, 0.0], [0.0, 0.0]),
]

ACTIVATIONS = [
    F.relu6,
    F.relu_squared,
    F.selu,
    F.celu,
    F.squareplus,
    F.softsign,
    F.hard_tanh,
    F.hard_sigmoid,
    F.hard_swish,
    F.log_sigmoid,
    F.mish,
    F.gelu_quick,
    F.tanh_shrink,
    F.hard_shrink,
    F.soft_shrink,
    F.snake,
    F.softmin,
    F.sparsemax,
    lambda x: F.threshold(x, 0.5),
    lambda x: F.prelu(x, 0.5),
]

MISTAKES = [
    (lambda: F.celu([1.0], alpha=0), RangeError, "celu: alpha should not be 0"),
    (lambda: F.squareplus([1.0], b=0), RangeError, "squareplus: b should be positive, got 0"),
    (lambda: F.hard_tanh([1.0], 2, 1), RangeError, "high should be above low=2, got 1"),
    (lambda: F.hard_shrink([1.0], -1), RangeError, "limit should be 0 or more, got -1"),
    (lambda: F.soft_shrink([1.0], -2), RangeError, "limit should be 0 or more, got -2"),
    (lambda: F.snake([1.0], 0), RangeError, "snake: a should not be 0, got 0"),
    (lambda: F.maxout([1.0], 0), RangeError, "pieces should be 1 or more, got 0"),
    (lambda: F.maxout([1.0, 2.0, 3.0], 2), ShapeError, r"axis 0 of \(3,\) is no multiple of 2"),
    (lambda: F.glu([1.0, 2.0, 3.0]), ShapeError, r"glu: axis 0 of \(3,\) should have an even"),
    (lambda: F.swiglu([1.0, 2.0], axis=1), RangeError, r"swiglu of \(2,\): axis 1 is outside"),
    (lambda: F.crelu(1.0), RangeError, r"crelu of \(\): axis -1 is outside"),
    (lambda: F.sparsemax([[]]), ShapeError, r"sparsemax: axis 1 of \(1, 0\) is empty"),
    (lambda: F.prelu(np.ones((2, 3)), np.ones(2)), ShapeError, r"axis 1\), got slopes of shape"),
    (lambda: F.prelu(1.0, np.ones(2)), ShapeError, r"x of shape \(\) needs one slope"),
]


@pytest.mark.parametrize(("f", "at", "slopes"), KINKS)
def test_derivative_at_a_kink_is_the_documented_one(f, at, slopes):
    x = Variable(np.array(at))
    f(x).sum().backward()
    np.testing.assert_array_equal(x.grad.data, slopes)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # NumPy's word on NaN
@pytest.mark.parametrize("f", ACTIVATIONS)
def test_activation_passes_nan_on(f):
    assert np.isnan(f(np.array([np.nan])).data).all()


@pytest.mark.parametrize(("call", "error", "text"), MISTAKES)
def test_wrong_argument_is_named(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("shift", [0.0, 1e4, -1e6])
def test_sparsemax_is_the_same_for_scores_moved_together(shift):
    x = np.array([1.0, 0.5, -1.0])
    np.testing.assert_array_equal(F.sparsemax(x + shift).data, [0.75, 0.25, 0.0])


def test_sparsemax_of_many_scores_in_half_precision_adds_up_to_one():
    x = np.linspace(-400, 0, 70000).astype(np.float16)
    y = F.sparsemax(x).data
    # at most about 30 shares count, each rounded to float16's 11 bits
    assert abs(float(y.sum(dtype=np.float64)) - 1) < 30 * 2.0**-11
