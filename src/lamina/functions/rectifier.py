"""Rectifiers: what keeps one side of zero, and bends or bounds the other; maxout, crelu."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from ..core import Function, Variable
from ..errors import RangeError, ShapeError
from .activation import RELU, elu
from .compare import where
from .join import concatenate
from .operand import as_axis, as_integer, as_variable
from .reduce import max as largest
from .trig import HYPOT
from .unary import expm1

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "relu6",
    "relu_squared",
    "prelu",
    "selu",
    "celu",
    "threshold",
    "squareplus",
    "maxout",
    "crelu",
]

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946
"""The fixed point of mean 0 and variance 1: G. Klambauer et al., 2017, appendix, to the digits
of the authors' code."""


def relu6(x: ArrayLike) -> Variable:
    """Rectified linear unit with a ceiling, elementwise: ``y = min(max(x, 0), 6)``.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``, in [0, 6]. The derivatives at 0 and 6 are 0.
    Source:
        A. Krizhevsky, "Convolutional Deep Belief Networks on CIFAR-10", 2010.
    """
    v = as_variable(x, "relu6")
    return where(v >= 6, 6, RELU(v))


def relu_squared(x: ArrayLike) -> Variable:
    """Squared rectified linear unit, elementwise: ``y = max(x, 0)²``.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``.
    Source:
        D. So et al., "Primer: Searching for Efficient Transformers for Language Modeling", 2021.
    """
    return RELU(as_variable(x, "relu_squared")) ** 2


def prelu(x: ArrayLike, slope: ArrayLike) -> Variable:
    """Rectified linear unit with a learned slope, elementwise: ``y = x`` for x > 0, else
    ``slope x``.

    Args:
        x: (n, c, ...) or any shape, floating.
        slope: one number for all, of shape () or (1,), or (c,): one for each channel, axis 1 of
            ``x``, or axis 0 if there is no other. Floating; it gets its gradient.
    Returns:
        Shape of ``x``, the promoted dtype. The derivative at 0 is the slope.
    Raises:
        ShapeError: if there are neither one nor c slopes.
    Source:
        K. He et al., "Delving Deep into Rectifiers", 2015, section 2.1.
    Example:
        >>> prelu([-1.0, 2.0], 0.25)
        Variable([-0.25,  2.  ], float64)
    """
    v, a = as_variable(x, "prelu"), as_variable(slope, "prelu: slope")
    if a.size == 1 and a.ndim < 2:
        a = a.reshape(())
    else:
        axis = min(1, v.ndim - 1)
        if not v.ndim or a.shape != (v.shape[axis],):
            raise ShapeError(
                f"prelu: x of shape {v.shape} needs one slope, or one for each channel (axis "
                f"{max(axis, 0)}), got slopes of shape {a.shape}"
            )
        a = a.reshape(-1 if i == axis else 1 for i in range(v.ndim))
    return RELU(v) + a * where(v > 0, 0, v)


def selu(x: ArrayLike) -> Variable:
    """Scaled exponential linear unit, elementwise: ``y = λ x`` for x > 0, else ``λ α (e**x - 1)``.

    With weights of LeCun's initialization the outputs of deep networks keep mean 0 and variance 1.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``, above -1.7581.
    Source:
        G. Klambauer et al., "Self-Normalizing Neural Networks", 2017.
    """
    return elu(x, SELU_ALPHA) * SELU_SCALE


def celu(x: ArrayLike, alpha: float = 1.0) -> Variable:
    """Continuously differentiable exponential linear unit, elementwise: ``y = x`` for x > 0, else
    ``α (e**(x / α) - 1)``. The derivative at 0 is 1 for every α.

    Args:
        x: any shape, floating.
        alpha: the limit for x towards minus infinity is ``-alpha``; not 0.
    Returns:
        Shape and dtype of ``x``.
    Raises:
        RangeError: if ``alpha`` is 0.
    Source:
        J. Barron, "Continuously Differentiable Exponential Linear Units", 2017.
    """
    if alpha == 0:
        raise RangeError("celu: alpha should not be 0; relu is the limit")
    v = as_variable(x, "celu")
    positive = v > 0
    below = where(positive, 0, v)  # chosen before expm1, which overflows for large x
    return where(positive, v, expm1(below / alpha) * alpha)


def threshold(x: ArrayLike, limit: float, value: float = 0.0) -> Variable:
    """What is not above a limit replaced, elementwise: ``y = x`` for x > limit, else ``value``.

    Args:
        x: any shape, floating.
        limit: the largest number that is replaced.
        value: what takes its place; no gradient goes there.
    Returns:
        Shape and dtype of ``x``.
    Example:
        >>> threshold([0.1, 0.5, 2.0], 0.5)
        Variable([0., 0., 2.], float64)
    """
    v = as_variable(x, "threshold")
    return where(v <= limit, value, v)


class Squareplus(Function):
    """``(x + √(x² + b)) / 2``. A primitive for stability: for negative x the sum cancels, and the
    quotient ``b / 2 / (√(x² + b) - x)`` is the same; the square may overflow, and hypot does not.
    """

    root: float

    def forward(self, x):
        far = np.hypot(x, self.root) + np.abs(x)
        return np.where(x > 0, far / 2, self.root / far * (self.root / 2))

    def backward(self, gy, x, y):
        return gy * (y / HYPOT(x, self.root))


def squareplus(x: ArrayLike, b: float = 4.0) -> Variable:
    """A smooth rectifier without exponentials, elementwise: ``y = (x + √(x² + b)) / 2``.

    Args:
        x: any shape, floating, of any size.
        b: how wide the bend is, positive; 4 has the curvature of softplus at 0.
    Returns:
        Shape and dtype of ``x``, positive.
    Raises:
        RangeError: if ``b`` is not positive.
    Source:
        J. Barron, "Squareplus: A Softplus-Like Algebraic Rectifier", 2021.
    """
    if not b > 0:
        raise RangeError(f"squareplus: b should be positive, got {b}; relu is the limit at 0")
    return Squareplus(sqrt(b))(as_variable(x, "squareplus"))


def maxout(x: ArrayLike, pieces: int, axis: int = -1) -> Variable:
    """The largest of every ``pieces`` neighbours along an axis.

    Args:
        x: any shape, floating.
        pieces: how many numbers compete; the length of ``axis`` is a multiple.
        axis: where they stand.
    Returns:
        Shape of ``x`` with ``axis`` shorter by that factor, its dtype. Several that are equal and
        largest share the gradient equally.
    Raises:
        RangeError: if there is no such axis, or ``pieces`` is below 1.
        ShapeError: if the length is no multiple of ``pieces``.
    Source:
        I. Goodfellow et al., "Maxout Networks", 2013.
    Example:
        >>> maxout([1.0, 5.0, -2.0, -3.0], 2)
        Variable([ 5., -2.], float64)
    """
    v, n = as_variable(x, "maxout"), as_integer(pieces, "maxout: pieces")
    i = as_axis(axis, v.ndim, f"maxout of {v.shape}")
    if n < 1:
        raise RangeError(f"maxout: pieces should be 1 or more, got {n}")
    if v.shape[i] % n:
        raise ShapeError(f"maxout: axis {i} of {v.shape} is no multiple of {n} pieces")
    return largest(v.reshape(*v.shape[:i], v.shape[i] // n, n, *v.shape[i + 1 :]), i + 1)


def crelu(x: ArrayLike, axis: int = -1) -> Variable:
    """Both halves of the line, side by side: ``y = (max(x, 0), max(-x, 0))`` along an axis.

    Args:
        x: any shape but (), floating.
        axis: which becomes twice as long; 1 for the channels of images.
    Returns:
        Shape of ``x`` with ``axis`` twice as long, its dtype.
    Raises:
        RangeError: if there is no such axis.
    Source:
        W. Shang et al., "Understanding and Improving Convolutional Neural Networks via
        Concatenated Rectified Linear Units", 2016.
    Example:
        >>> crelu([1.0, -2.0])
        Variable([1., 0., 0., 2.], float64)
    """
    v = as_variable(x, "crelu")
    i = as_axis(axis, v.ndim, f"crelu of {v.shape}")
    return concatenate([RELU(v), RELU(-v)], i)
