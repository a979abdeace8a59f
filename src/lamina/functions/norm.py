"""Normalisation: numbers shifted and scaled to mean 0 and variance 1 over some axes."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Function, Variable
from ..errors import ShapeError
from .bound import floating, positive, wide
from .operand import as_axes, as_variable
from .unary import rsqrt, sqrt

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["layer_norm", "batch_norm", "fixed_batch_norm"]


class Standardize(Function):
    """``y = (x - mean) / √(variance + eps)``, and both statistics, over axes that stay with length
    1. A primitive for speed: backward needs y and the variance, and not x, which is freed.
    """

    axis: tuple[int, ...]
    eps: float

    def forward(self, x):
        mean = x.mean(self.axis, keepdims=True)
        y = x - mean
        variance = (y * y).mean(self.axis, keepdims=True)
        y *= 1 / np.sqrt(variance + self.eps)
        return y, mean, variance

    def backward(self, gy, gmean, gvariance, y, variance):
        n = prod([gy.shape[i] for i in self.axis])
        spread = variance + self.eps
        shift = gy.mean(self.axis, keepdims=True) - gmean * sqrt(spread) / n
        slope = (gy * y).mean(self.axis, keepdims=True) - gvariance * spread * (2 / n)
        return (gy - shift - y * slope) * rsqrt(spread)


def standardized(
    x: Variable, axes: tuple[int, ...], eps: float, operation: str
) -> tuple[Variable, Variable, Variable]:
    """``x`` with mean 0 and variance 1 over ``axes``, its mean and its variance, as `Standardize`.

    Raises:
        ShapeError: if there is nothing over these axes.
        DTypeError: if ``x`` is not floating.
        RangeError: if ``eps`` is not positive.
    """
    if not all([x.shape[i] for i in axes]):
        raise ShapeError(f"{operation}: over axes {axes} of {x.shape} there is nothing")
    least = positive(eps, f"{operation}: eps")
    return Standardize(axes, least)(wide(floating(x, f"{operation}: x")))


def affine(
    y: Variable, gamma: Any, beta: Any, axes: tuple[int, ...], dtype: Any, operation: str
) -> Variable:
    """``gamma y + beta``, both laid along ``axes`` of ``y``, either None; cast to ``dtype``."""
    if gamma is not None:
        y = y * along(gamma, y, axes, f"{operation}: gamma")
    if beta is not None:
        y = y + along(beta, y, axes, f"{operation}: beta")
    return y if y.dtype == dtype else y.astype(dtype)


def along(p: Any, x: Variable, axes: tuple[int, ...], what: str) -> Variable:
    """``p``, which has the lengths of ``axes`` of ``x``, in a shape that broadcasts with ``x``."""
    v = as_variable(p, what)
    expected = tuple([x.shape[i] for i in axes])
    if v.shape != expected:
        raise ShapeError(f"{what} should have shape {expected} (x is {x.shape}), got {v.shape}")
    if axes == tuple(range(x.ndim - len(axes), x.ndim)):
        return v
    return v.reshape(tuple([n if i in axes else 1 for i, n in enumerate(x.shape)]))


def layer_norm(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    axis: int | Iterable[int] = -1,
    eps: float = 1e-5,
) -> Variable:
    """Each sample by itself to mean 0 and variance 1 over its features, then scaled and shifted:
    ``y = gamma (x - mean) / √(variance + eps) + beta``.

    The variance is that of these numbers (it divides by n). float16 is computed in float32.

    Args:
        x: any shape, floating.
        gamma: lengths of those axes of ``x``, in their order there; None means 1.
        beta: the same shape; None means 0.
        axis: the features: one axis or several.
        eps: a positive number, so that equal numbers become 0 and not NaN.
    Returns:
        Shape and dtype of ``x``.
    Raises:
        ShapeError: if gamma or beta have another shape, or the axes are empty.
        RangeError: if there is no such axis, or ``eps`` is not positive.
        DTypeError: if ``x`` is not floating.
    Source:
        J. Ba, J. Kiros and G. Hinton, "Layer Normalization", 2016, equation 4; ``eps`` inside the
        root, as in PyTorch.
    Example:
        >>> layer_norm([[1.0, 3.0], [5.0, 5.0]], eps=1e-12)
        Variable([[-1.,  1.],
                  [ 0.,  0.]], float64)
    """
    v = as_variable(x, "layer_norm")
    axes = tuple(sorted(as_axes(axis, v.ndim, "layer_norm")))
    y, _, _ = standardized(v, axes, eps, "layer_norm")
    return affine(y, gamma, beta, axes, v.dtype, "layer_norm")


def batch_norm(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    eps: float = 1e-5,
) -> Variable:
    """Each channel to mean 0 and variance 1 over the batch, then scaled and shifted:
    ``y = gamma (x - mean) / √(variance + eps) + beta``. For training.

    The variance is that of these numbers (it divides by n). float16 is computed in float32.

    Args:
        x: (n, channels, ...), floating. Statistics are over all axes but 1.
        gamma: (channels,); None means 1.
        beta: (channels,); None means 0.
        eps: a positive number.
    Returns:
        Shape and dtype of ``x``.
    Raises:
        ShapeError: if ``x`` has no axis 1 or an empty batch, or gamma or beta have another shape.
        RangeError: if ``eps`` is not positive.
        DTypeError: if ``x`` is not floating.
    Source:
        S. Ioffe and C. Szegedy, "Batch Normalization: Accelerating Deep Network Training by
        Reducing Internal Covariate Shift", 2015, algorithm 1.
    Example:
        >>> batch_norm([[1.0, 5.0], [3.0, 5.0]], eps=1e-12)
        Variable([[-1.,  0.],
                  [ 1.,  0.]], float64)
    """
    v = as_variable(x, "batch_norm")
    y, _, _ = standardized(v, batch_axes(v, "batch_norm"), eps, "batch_norm")
    return affine(y, gamma, beta, (1,), v.dtype, "batch_norm")


def batch_axes(x: Variable, operation: str) -> tuple[int, ...]:
    """All axes but that of the channels.

    Raises:
        ShapeError: if there is none for channels.
    """
    if x.ndim < 2:
        raise ShapeError(f"{operation}: x should be (n, channels, ...), got {x.shape}")
    return (0, *range(2, x.ndim))


def fixed_batch_norm(
    x: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    eps: float = 1e-5,
) -> Variable:
    """`batch_norm` with statistics that are given, such as the running ones: for prediction.

    Args:
        x: (n, channels, ...), floating; the batch may be empty.
        mean: (channels,).
        variance: (channels,), not negative.
        gamma: (channels,); None means 1.
        beta: (channels,); None means 0.
        eps: a positive number.
    Returns:
        Shape and dtype of ``x``.
    Raises:
        ShapeError: if ``x`` has no axis 1, or one of the others is not (channels,).
        RangeError: if ``eps`` is not positive.
        DTypeError: if ``x`` is not floating.
    Example:
        >>> fixed_batch_norm([[1.0, 5.0]], [0.0, 3.0], [1.0, 4.0], eps=1e-12)
        Variable([[1., 1.]], float64)
    """
    v, name = as_variable(x, "fixed_batch_norm"), "fixed_batch_norm"
    batch_axes(v, name)
    least = positive(eps, f"{name}: eps")
    scale = rsqrt(wide(floating(variance, f"{name}: variance")) + least)
    if gamma is not None:
        scale = scale * along(gamma, scale, (0,), f"{name}: gamma")  # of few numbers, before many
    y = wide(floating(v, f"{name}: x")) - along(mean, v, (1,), f"{name}: mean")
    return affine(y, scale, beta, (1,), v.dtype, name)
