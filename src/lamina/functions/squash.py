"""Activations that bend the line: bounded ones, smooth and straight, and what is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core import Function, Variable
from ..core.function import NUMBERS
from ..errors import RangeError
from .activation import SIGMOID, SOFTPLUS, TANH
from .compare import clip, where
from .operand import as_variable
from .rectifier import relu6
from .trig import SIN

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "softsign",
    "hard_tanh",
    "hard_sigmoid",
    "hard_swish",
    "log_sigmoid",
    "mish",
    "gelu_quick",
    "tanh_shrink",
    "hard_shrink",
    "soft_shrink",
    "snake",
]


class Softsign(Function):
    """``x / (1 + |x|)``. A primitive for precision: the derivative of the quotient, made of its
    two parts, cancels for large x.
    """

    def forward(self, x):
        return x / (np.abs(x) + 1)

    def backward(self, gy, x):
        below = abs(x) + 1
        return gy / below / below  # not its square, which may overflow


def softsign(x: ArrayLike) -> Variable:
    """Softsign, elementwise: ``y = x / (1 + |x|)``.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``, in (-1, 1).
    Source:
        X. Glorot and Y. Bengio, "Understanding the Difficulty of Training Deep Feedforward Neural
        Networks", 2010.
    """
    return Softsign()(as_variable(x, "softsign"))


def hard_tanh(x: ArrayLike, low: float = -1.0, high: float = 1.0) -> Variable:
    """``x`` between two bounds, elementwise: ``y = min(max(x, low), high)``; PyTorch's hardtanh.

    As `clip`, but the derivatives at the bounds are 0.

    Args:
        x: any shape, floating.
        low: the smallest value.
        high: the largest value, above ``low``.
    Returns:
        Shape and dtype of ``x``.
    Raises:
        RangeError: if ``high`` is not above ``low``.
    Source:
        R. Collobert, "Large Scale Machine Learning", 2004.
    """
    if not high > low:
        raise RangeError(f"hard_tanh: high should be above low={low}, got {high}")
    v = as_variable(x, "hard_tanh")
    return where(v >= high, high, where(v <= low, low, v))


def hard_sigmoid(x: ArrayLike) -> Variable:
    """A sigmoid of straight lines, elementwise: ``y = min(max(x + 3, 0), 6) / 6``.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``, in [0, 1]. The derivatives at ±3 are 0.
    Source:
        A. Howard et al., "Searching for MobileNetV3", 2019, section 5.2. The slope of 1/6 is
        PyTorch's; Keras had 0.2 before its version 3.
    """
    return relu6(as_variable(x, "hard_sigmoid") + 3) * (1 / 6)


def hard_swish(x: ArrayLike) -> Variable:
    """`silu` of straight lines, elementwise: ``y = x min(max(x + 3, 0), 6) / 6``.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``.
    Source:
        A. Howard et al., "Searching for MobileNetV3", 2019, section 5.2.
    """
    v = as_variable(x, "hard_swish")
    return v * hard_sigmoid(v)


def log_sigmoid(x: ArrayLike) -> Variable:
    """The logarithm of `sigmoid`, exact also where that is close to 0: ``y = -log(1 + e**-x)``.

    Args:
        x: any shape, floating, of any size.
    Returns:
        Shape and dtype of ``x``, not above 0.
    Example:
        >>> log_sigmoid([-1000.0, 0.0])
        Variable([-1.00000000e+03, -6.93147181e-01], float64)
    """
    return -SOFTPLUS(-as_variable(x, "log_sigmoid"))


def mish(x: ArrayLike) -> Variable:
    """Mish, elementwise: ``y = x tanh(log(1 + e**x))``.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``, above -0.309.
    Source:
        D. Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019.
    """
    v = as_variable(x, "mish")
    return v * TANH(SOFTPLUS(v))


def gelu_quick(x: ArrayLike) -> Variable:
    """Gaussian error linear unit, its approximation with a sigmoid, elementwise:
    ``y = x sigmoid(1.702 x)``.

    It differs by up to 0.021 from `gelu`; of use for models that were trained with it.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``.
    Source:
        D. Hendrycks and K. Gimpel, "Gaussian Error Linear Units (GELUs)", 2016, section 2.
    """
    v = as_variable(x, "gelu_quick")
    return v * SIGMOID(v * 1.702)


def tanh_shrink(x: ArrayLike) -> Variable:
    """What `tanh` leaves, elementwise: ``y = x - tanh x``.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``.
    """
    v = as_variable(x, "tanh_shrink")
    return v - TANH(v)


def hard_shrink(x: ArrayLike, limit: float = 0.5) -> Variable:
    """Small numbers made zero, elementwise: ``y = x`` for |x| > limit, else 0.

    Args:
        x: any shape, floating.
        limit: the largest size that becomes 0, not negative.
    Returns:
        Shape and dtype of ``x``.
    Raises:
        RangeError: if ``limit`` is negative.
    Source:
        D. Donoho and I. Johnstone, "Ideal Spatial Adaptation by Wavelet Shrinkage", 1994: hard
        thresholding.
    """
    v = as_variable(x, "hard_shrink")
    return where(abs(v) <= _size(limit, "hard_shrink"), 0, v)


def soft_shrink(x: ArrayLike, limit: float = 0.5) -> Variable:
    """Numbers brought nearer to zero, elementwise: ``y = sign(x) max(|x| - limit, 0)``.

    Args:
        x: any shape, floating.
        limit: by how much, not negative.
    Returns:
        Shape and dtype of ``x``.
    Raises:
        RangeError: if ``limit`` is negative.
    Source:
        D. Donoho and I. Johnstone, "Ideal Spatial Adaptation by Wavelet Shrinkage", 1994: soft
        thresholding.
    Example:
        >>> soft_shrink([-2.0, 0.25, 1.0])
        Variable([-1.5,  0. ,  0.5], float64)
    """
    v, size = as_variable(x, "soft_shrink"), _size(limit, "soft_shrink")
    return v - clip(v, -size, size)


def _size(limit: float, operation: str) -> float:
    if not limit >= 0:
        raise RangeError(f"{operation}: limit should be 0 or more, got {limit}")
    return limit


def snake(x: ArrayLike, a: ArrayLike = 1.0) -> Variable:
    """For periodic signals, elementwise: ``y = x + sin²(a x) / a``.

    Args:
        x: any shape, floating.
        a: the frequency, not 0: a number, or an array that broadcasts with ``x`` and gets its
            gradient.
    Returns:
        The broadcast shape, the promoted dtype.
    Raises:
        RangeError: if ``a`` is the number 0.
    Source:
        L. Ziyin, T. Hartwig and M. Ueda, "Neural Networks Fail to Learn Periodic Functions and How
        to Fix It", 2020.
    """
    if type(a) in NUMBERS and not a:
        raise RangeError(f"snake: a should not be 0, got {a}; the limit is x itself")
    v = as_variable(x, "snake")
    return v + SIN(v * a) ** 2 / a  # pyright: ignore[reportOperatorIssue] (a list or an array)
