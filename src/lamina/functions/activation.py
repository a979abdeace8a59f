"""Activations: what stands between the linear maps of a network."""

from __future__ import annotations

from math import pi, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Function, Variable
from ..errors import ShapeError
from .compare import where
from .operand import as_axes, as_variable
from .unary import exp, expm1

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "relu",
    "leaky_relu",
    "elu",
    "sigmoid",
    "tanh",
    "softplus",
    "silu",
    "gelu_tanh",
    "softmax",
    "log_softmax",
]


class Relu(Function):
    """``max(x, 0)``. A primitive for speed: one comparison backward, and only y is kept."""

    def forward(self, x):
        return np.maximum(x, 0)

    def backward(self, gy, y):
        return where(y > 0, gy, 0)


RELU = Relu()


def relu(x: ArrayLike) -> Variable:
    """Rectified linear unit, elementwise: ``y = max(x, 0)``. The derivative at 0 is 0.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``.
    Source:
        V. Nair and G. Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", 2010.
    Example:
        >>> relu([-1.0, 2.0])
        Variable([0., 2.], float64)
    """
    return RELU(x)


def leaky_relu(x: ArrayLike, slope: float = 0.01) -> Variable:
    """Leaky rectified linear unit, elementwise: ``y = x`` for x > 0, else ``slope x``.

    Args:
        x: any shape, floating.
        slope: below 0, and the derivative at 0.
    Returns:
        Shape and dtype of ``x``.
    Source:
        A. Maas, A. Hannun and A. Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic
        Models", 2013: slope 0.01, as in PyTorch. Chainer and Keras have had 0.2 and 0.3.
    """
    v = as_variable(x, "leaky_relu")
    return where(v > 0, v, v * slope)


def elu(x: ArrayLike, alpha: float = 1.0) -> Variable:
    """Exponential linear unit, elementwise: ``y = x`` for x > 0, else ``alpha (e**x - 1)``.

    Args:
        x: any shape, floating.
        alpha: the limit for x towards minus infinity is ``-alpha``; also the derivative at 0.
    Returns:
        Shape and dtype of ``x``.
    Source:
        D.-A. Clevert, T. Unterthiner and S. Hochreiter, "Fast and Accurate Deep Network Learning by
        Exponential Linear Units", 2016, equation 16.
    """
    v = as_variable(x, "elu")
    positive = v > 0
    below = where(positive, 0, v)  # chosen before expm1, which overflows for large x
    return where(positive, v, expm1(below) * alpha)


class Sigmoid(Function):
    """``1 / (1 + e**-x)``. A primitive for stability: nothing overflows."""

    def forward(self, x):
        e = np.exp(-np.abs(x))
        return np.where(x >= 0, 1, e) / (e + 1)

    def backward(self, gy, y):
        return gy * (y * (1 - y))


SIGMOID = Sigmoid()


def sigmoid(x: ArrayLike) -> Variable:
    """Logistic sigmoid, elementwise: ``y = 1 / (1 + e**-x)``, for ``x`` of any size.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``, in [0, 1].
    Example:
        >>> sigmoid([-1000.0, 0.0, 1000.0])
        Variable([0. , 0.5, 1. ], float64)
    """
    return SIGMOID(x)


class Tanh(Function):
    """``tanh x``."""

    def forward(self, x):
        return np.tanh(x)

    def backward(self, gy, y):
        return TANH_GRADIENT(gy, y)


class TanhGradient(Function):
    """``gy (1 - y²)``. One operator in place of three, for speed: benchmarks/eager.py."""

    def forward(self, gy, y):
        return gy * (1 - y * y)

    def backward(self, ggx, gy, y):
        return (lambda: TANH_GRADIENT(ggx, y)), (lambda: ggx * gy * y * -2.0)


TANH_GRADIENT = TanhGradient()


TANH = Tanh()


def tanh(x: ArrayLike) -> Variable:
    """Hyperbolic tangent, elementwise: ``y = tanh x``.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``, in [-1, 1].
    """
    return TANH(x)


class Softplus(Function):
    """``log(1 + e**x)``. A primitive for stability: nothing overflows, in any derivative."""

    def forward(self, x):
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))

    def backward(self, gy, x):
        return gy * SIGMOID(x)


SOFTPLUS = Softplus()


def softplus(x: ArrayLike) -> Variable:
    """A smooth rectifier, elementwise: ``y = log(1 + e**x)``, for ``x`` of any size.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``, positive.
    Source:
        C. Dugas et al., "Incorporating Second-Order Functional Knowledge for Better Option
        Pricing", 2001, section 3.
    """
    return SOFTPLUS(x)


def silu(x: ArrayLike) -> Variable:
    """Sigmoid linear unit, or swish, elementwise: ``y = x sigmoid(x)``.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``.
    Source:
        S. Elfwing, E. Uchibe and K. Doya, "Sigmoid-Weighted Linear Units for Neural Network
        Function Approximation in Reinforcement Learning", 2018, equation 4.
    """
    v = as_variable(x, "silu")
    return v * SIGMOID(v)


def gelu_tanh(x: ArrayLike) -> Variable:
    """Gaussian error linear unit, its approximation with tanh, elementwise:
    ``y = x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2``.

    The exact ``x Φ(x)`` differs from it by up to 5e-4.

    Args:
        x: any shape, floating.
    Returns:
        Shape and dtype of ``x``.
    Source:
        D. Hendrycks and K. Gimpel, "Gaussian Error Linear Units (GELUs)", 2016, section 2.
    """
    v = as_variable(x, "gelu_tanh")
    inner = v * (v * v * 0.044715 + 1) * sqrt(2 / pi)
    return v * (TANH(inner) + 1) * 0.5


# -- over an axis --------------------------------------------------------------------------------


def _shifted(x: Any, axis: tuple[int, ...]) -> Any:
    """``x`` less its largest, so that exp cannot overflow; softmax is the same for both."""
    return x - x.max(axis, keepdims=True)


class Softmax(Function):
    """``e**x / Σ e**x`` over ``axis``. A primitive for stability and speed."""

    axis: tuple[int, ...]

    def forward(self, x):
        e = np.exp(_shifted(x, self.axis))
        return e / e.sum(self.axis, keepdims=True)

    def backward(self, gy, y):
        gx = gy * y
        return gx - y * gx.sum(self.axis, keepdims=True)


def softmax(x: ArrayLike, axis: int | tuple[int, ...] = -1) -> Variable:
    """Positive numbers that add up to 1 over an axis: ``y = e**x / Σ e**x``, for ``x`` of any size.

    Args:
        x: any shape, floating. Minus infinity gives 0; NaN where all are.
        axis: one axis or several.
    Returns:
        Shape and dtype of ``x``, in [0, 1].
    Raises:
        RangeError: if there is no such axis.
        ShapeError: if it is empty.
    Example:
        >>> softmax([[0.0, 0.0], [1000.0, 0.0]])
        Variable([[0.5, 0.5],
                  [1. , 0. ]], float64)
    """
    v = as_variable(x, "softmax")
    return Softmax(_filled_axes(v, axis, "softmax"))(v)


class LogSoftmax(Function):
    """``x - log Σ e**x`` over ``axis``. A primitive for precision: log of softmax is minus infinity
    where softmax rounds to 0, and ``x - logsumexp(x)`` loses the digits of a large x.
    """

    axis: tuple[int, ...]

    def forward(self, x):
        y = _shifted(x, self.axis)
        return y - np.log(np.exp(y).sum(self.axis, keepdims=True))

    def backward(self, gy, y):
        return gy - exp(y) * gy.sum(self.axis, keepdims=True)


def log_softmax(x: ArrayLike, axis: int | tuple[int, ...] = -1) -> Variable:
    """The logarithm of `softmax`, exact also where that is close to 0: ``y = x - log Σ e**x``.

    Args:
        x: any shape, floating.
        axis: one axis or several.
    Returns:
        Shape and dtype of ``x``, not above 0.
    Raises:
        RangeError: if there is no such axis.
        ShapeError: if it is empty.
    Example:
        >>> log_softmax([1000.0, 0.0])
        Variable([    0., -1000.], float64)
    """
    v = as_variable(x, "log_softmax")
    return LogSoftmax(_filled_axes(v, axis, "log_softmax"))(v)


def _filled_axes(v: Variable, axis: Any, operation: str) -> tuple[int, ...]:
    """The axes, none of them empty."""
    axes = as_axes(axis, v.ndim, operation)
    if not all([v.shape[i] for i in axes]):
        raise ShapeError(f"{operation}: axis {axis} of {v.shape} is empty")
    return axes
