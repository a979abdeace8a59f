"""More losses between numbers: smooth ones, quantiles, likelihoods of counts and of bells."""

from __future__ import annotations

from math import log as ln
from math import pi
from typing import TYPE_CHECKING

import numpy as np

from ..core import Function, Variable
from ..errors import RangeError, ShapeError
from .activation import relu, tanh
from .arith import maximum
from .bound import CheckBetween, floating, positive
from .gamma import lgamma
from .loss import huber_loss, paired, reduced
from .operand import as_variable
from .unary import exp, log

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "smooth_l1_loss",
    "log_cosh_loss",
    "quantile_loss",
    "poisson_nll_loss",
    "gaussian_nll_loss",
]


def smooth_l1_loss(
    x: ArrayLike, t: ArrayLike, *, beta: float = 1.0, reduction: str = "mean"
) -> Variable:
    """Absolute error with a round tip: `huber_loss` divided by its delta, here ``beta``.

    With ``d = x - t``: ``d² / (2 beta)`` where ``|d| <= beta``, else ``|d| - beta / 2``.

    Args:
        x: any shape, floating.
        t: the same shape.
        beta: a number above 0.
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.
    Returns:
        One number, or the shape of ``x`` for ``"none"``.
    Raises:
        ShapeError: if the shapes differ, or the mean would be over nothing.
        RangeError: if ``beta`` is not above 0, or ``reduction`` is none of the three.
    Source:
        R. Girshick, "Fast R-CNN", 2015, for beta = 1.
    Example:
        >>> smooth_l1_loss([0.5, 3.0], [0.0, 0.0], beta=0.5, reduction="none")
        Variable([0.25, 2.75], float64)
    """
    a, b = paired(x, t, reduction, "smooth_l1_loss")
    edge = positive(beta, "smooth_l1_loss: beta")
    return reduced(huber_loss(a, b, delta=edge, reduction="none") / edge, reduction)


class LogCosh(Function):
    """``log cosh x``. A primitive for stability: cosh overflows, and near 0 the digits of 1 hide
    those of x²; backward is tanh, exact everywhere.
    """

    def forward(self, x):
        a = np.abs(x)
        near = np.sinh(np.minimum(a, 1) * 0.5)
        far = a + np.log1p(np.exp(a * -2)) - ln(2)
        return np.where(a < 1, np.log1p(near * near * 2), far)

    def backward(self, gy, x):
        return gy * tanh(x)


def log_cosh_loss(x: ArrayLike, t: ArrayLike, *, reduction: str = "mean") -> Variable:
    """``log cosh (x - t)``: half the squared error when small, ``|x - t| - log 2`` far off.

    Args:
        x: any shape, floating.
        t: the same shape.
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.
    Returns:
        One number, or the shape of ``x`` for ``"none"``.
    Raises:
        ShapeError: if the shapes differ, or the mean would be over nothing.
        RangeError: if ``reduction`` is none of the three.
    Example:
        >>> log_cosh_loss([0.0, 1000.0], [0.0, 0.0], reduction="none")
        Variable([  0.        , 999.30685282], float64)
    """
    a, b = paired(x, t, reduction, "log_cosh_loss")
    return reduced(LogCosh()(a - b), reduction)


def quantile_loss(
    x: ArrayLike, t: ArrayLike, *, quantile: float = 0.5, reduction: str = "mean"
) -> Variable:
    """The loss that a quantile makes least: ``q (t - x)`` where x is too low, ``(1 - q) (x - t)``
    where it is too high. Also called pinball loss; half the absolute error for the median.

    Args:
        x: any shape, floating.
        t: the same shape.
        quantile: q, in [0, 1].
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.
    Returns:
        One number, or the shape of ``x`` for ``"none"``. Where x is t the derivative by x is -q.
    Raises:
        ShapeError: if the shapes differ, or the mean would be over nothing.
        RangeError: if ``quantile`` is outside [0, 1], or ``reduction`` is none of the three.
    Source:
        R. Koenker and G. Bassett, "Regression Quantiles", 1978.
    Example:
        >>> quantile_loss([1.0, 3.0], [2.0, 2.0], quantile=0.75, reduction="none")
        Variable([0.75, 0.25], float64)
    """
    a, b = paired(x, t, reduction, "quantile_loss")
    if not 0 <= quantile <= 1:
        raise RangeError(f"quantile_loss: quantile should be from 0 to 1, got {quantile!r}")
    d = a - b
    return reduced(relu(d) - d * float(quantile), reduction)


def poisson_nll_loss(
    x: ArrayLike,
    t: ArrayLike,
    *,
    log_input: bool = True,
    full: bool = False,
    reduction: str = "mean",
) -> Variable:
    """Negative log-likelihood of counts that have a Poisson distribution: ``e**x - t x`` of the log
    of its mean, or ``x - t log x`` of its mean; and ``log t!`` more if it is to be full.

    Args:
        x: any shape, floating: the logarithm of the mean, or the mean itself, 0 or more.
        t: the same shape: counts, of any dtype.
        log_input: False if ``x`` is the mean. Its logarithm is taken of no less than the dtype's
            epsilon.
        full: whether to add ``log t!``, exactly (PyTorch adds Stirling's formula, from 2 on).
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.
    Returns:
        One number, or the shape of ``x`` for ``"none"``.
    Raises:
        ShapeError: if the shapes differ, or the mean would be over nothing.
        RangeError: if a mean is negative, or ``reduction`` is none of the three.
        DTypeError: if ``x`` is not floating.
    Example:
        >>> poisson_nll_loss([0.0, 0.0], [0, 3], reduction="none")
        Variable([1., 1.], float64)
    """
    a, b = paired(floating(x, "poisson_nll_loss: x"), t, reduction, "poisson_nll_loss")
    counts = b if b.dtype.kind == "f" else b.astype(a.dtype)
    if log_input:
        y = exp(a) - counts * a
    else:
        a = CheckBetween("poisson_nll_loss: means x", 0, np.inf)(a)
        y = a - counts * log(maximum(a, float(np.finfo(a.dtype).eps)))
    return reduced(y + lgamma(counts + 1) if full else y, reduction)


def gaussian_nll_loss(
    x: ArrayLike,
    t: ArrayLike,
    variance: ArrayLike,
    *,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Variable:
    """Negative log-likelihood of numbers that have a normal distribution:
    ``(log variance + (x - t)² / variance) / 2``, and ``log(2 pi) / 2`` more if it is to be full.

    Args:
        x: any shape, floating: the means.
        t: the same shape.
        variance: a shape that broadcasts to that of ``x``; 0 or more.
        full: whether to add the constant.
        eps: what a variance is at least; below it its gradient is 0.
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.
    Returns:
        One number, or the shape of ``x`` for ``"none"``.
    Raises:
        ShapeError: if the shapes do not fit, or the mean would be over nothing.
        RangeError: if a variance is negative, ``eps`` is not above 0, or ``reduction`` is none of
            the three.
        DTypeError: if ``x`` or ``variance`` is not floating.
    Source:
        D. Nix and A. Weigend, "Estimating the Mean and Variance of the Target Probability
        Distribution", 1994; ``eps`` as in PyTorch.
    Example:
        >>> gaussian_nll_loss([1.0, 1.0], [1.0, 3.0], [1.0, 4.0], reduction="none")
        Variable([0.        , 1.19314718], float64)
    """
    name = "gaussian_nll_loss"
    a, b = paired(floating(x, f"{name}: x"), as_variable(t, name), reduction, name)
    v = floating(variance, f"{name}: variance")
    try:
        fits = np.broadcast_shapes(v.shape, a.shape) == a.shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"{name}: variance should broadcast to x, {a.shape}, got {v.shape}")
    v = CheckBetween(f"{name}: variances", 0, np.inf)(v)
    v = maximum(v, positive(eps, f"{name}: eps"))
    d = a - b
    y = (log(v) + d * d / v) * 0.5
    return reduced(y + 0.5 * ln(2 * pi) if full else y, reduction)
