"""Normalisation of each sample by itself: over groups of channels, over one, without the mean, and
among neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..core import Variable
from ..errors import RangeError, ShapeError
from .arrange import pad
from .bound import floating, positive, wide
from .norm import affine, batch_axes, standardized
from .operand import as_axes, as_integer, as_variable
from .unary import rsqrt

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["group_norm", "instance_norm", "rms_norm", "local_response_norm"]


def group_norm(
    x: ArrayLike,
    groups: int,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    eps: float = 1e-5,
) -> Variable:
    """Each group of channels of each sample to mean 0 and variance 1, then each channel scaled and
    shifted: ``y = gamma (x - mean) / √(variance + eps) + beta``.

    Statistics are over the channels of a group and all places; no sample sees another. The variance
    is that of these numbers (it divides by n). float16 is computed in float32.

    Args:
        x: (n, channels, ...), floating.
        groups: how many, of neighbouring channels; it divides their number. 1 is layer
            normalisation over everything, one a channel is `instance_norm`.
        gamma: (channels,); None means 1.
        beta: (channels,); None means 0.
        eps: a positive number.
    Returns:
        Shape and dtype of ``x``.
    Raises:
        ShapeError: if ``x`` has no axis 1 or a group is empty, or gamma or beta have another shape.
        RangeError: if ``groups`` does not divide the channels, or ``eps`` is not positive.
        DTypeError: if ``x`` is not floating.
    Source:
        Y. Wu and K. He, "Group Normalization", 2018.
    Example:
        >>> group_norm([[1.0, 3.0, 5.0, 5.0]], 2, eps=1e-12)
        Variable([[-1.,  1.,  0.,  0.]], float64)
    """
    v, count = as_variable(x, "group_norm"), as_integer(groups, "group_norm: groups")
    batch_axes(v, "group_norm")
    n, channels = v.shape[:2]
    if count < 1 or channels % count:
        raise RangeError(f"group_norm: {count} groups do not divide {channels} channels")
    parted = v.reshape(n, count, channels // count, *v.shape[2:])
    y, _, _ = standardized(parted, tuple(range(2, parted.ndim)), eps, "group_norm")
    return affine(y.reshape(v.shape), gamma, beta, (1,), v.dtype, "group_norm")


def instance_norm(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    eps: float = 1e-5,
) -> Variable:
    """Each channel of each sample to mean 0 and variance 1 over its places, then scaled and
    shifted: `group_norm` with as many groups as channels.

    Args:
        x: (n, channels, ...) with a place or more, floating.
        gamma: (channels,); None means 1.
        beta: (channels,); None means 0.
        eps: a positive number.
    Returns:
        Shape and dtype of ``x``.
    Raises:
        ShapeError: if ``x`` has no axes of places or one is empty, or gamma or beta have another
            shape.
        RangeError: if ``eps`` is not positive.
        DTypeError: if ``x`` is not floating.
    Source:
        D. Ulyanov, A. Vedaldi and V. Lempitsky, "Instance Normalization: The Missing Ingredient for
        Fast Stylization", 2016.
    Example:
        >>> instance_norm([[[1.0, 3.0], [5.0, 5.0]]], eps=1e-12)
        Variable([[[-1.,  1.],
                   [ 0.,  0.]]], float64)
    """
    v = as_variable(x, "instance_norm")
    if v.ndim < 3:
        raise ShapeError(f"instance_norm: x should be (n, channels, size, ...), got {v.shape}")
    y, _, _ = standardized(v, tuple(range(2, v.ndim)), eps, "instance_norm")
    return affine(y, gamma, beta, (1,), v.dtype, "instance_norm")


def rms_norm(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    axis: int | Iterable[int] = -1,
    eps: float = 1e-5,
) -> Variable:
    """`layer_norm` without the mean: ``y = gamma x / √(mean(x²) + eps)``.

    float16 is computed in float32.

    Args:
        x: any shape of one axis or more, floating.
        gamma: lengths of those axes of ``x``, in their order there; None means 1.
        axis: the features: one axis or several.
        eps: a positive number, so that zeros stay 0 and not NaN.
    Returns:
        Shape and dtype of ``x``.
    Raises:
        ShapeError: if gamma has another shape, or the axes are empty.
        RangeError: if there is no such axis, or ``eps`` is not positive.
        DTypeError: if ``x`` is not floating.
    Source:
        B. Zhang and R. Sennrich, "Root Mean Square Layer Normalization", 2019; with
        ``eps`` inside the root, as in PyTorch, whose default is the dtype's epsilon.
    Example:
        >>> rms_norm([[3.0, -3.0], [0.0, 0.0]], eps=1e-12)
        Variable([[ 1., -1.],
                  [ 0.,  0.]], float64)
    """
    v = floating(x, "rms_norm: x")
    axes = tuple(sorted(as_axes(axis, v.ndim, "rms_norm")))
    if not all([v.shape[i] for i in axes]):
        raise ShapeError(f"rms_norm: over axes {axes} of {v.shape} there is nothing")
    least = positive(eps, "rms_norm: eps")
    w = wide(v)
    y = w * rsqrt((w * w).mean(axes, keepdims=True) + least)
    return affine(y, gamma, None, axes, v.dtype, "rms_norm")


def local_response_norm(
    x: ArrayLike, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Variable:
    """Channels that inhibit their neighbours: ``y_i = x_i / (k + alpha Σ x_j²)**beta`` at each
    place, over ``size`` channels j around i, fewer at the borders.

    float16 is computed in float32.

    Args:
        x: (n, channels, ...), floating.
        size: how many channels; of an even number the larger half comes before i.
        alpha: weight of the sum. PyTorch divides it by ``size``; the paper does not.
        beta: the exponent.
        k: a number above 0; the paper takes 2.
    Returns:
        Shape and dtype of ``x``.
    Raises:
        ShapeError: if ``x`` has no axis 1.
        RangeError: if ``size`` or ``k`` is not positive, or ``alpha`` negative.
        DTypeError: if ``x`` is not floating.
    Source:
        A. Krizhevsky, I. Sutskever and G. Hinton, "ImageNet Classification with Deep Convolutional
        Neural Networks", 2012.
    Example:
        >>> local_response_norm([[1.0, 2.0, 3.0]], size=3, alpha=1.0, beta=1.0)
        Variable([[0.16666667, 0.13333333, 0.21428571]], float64)
    """
    name = "local_response_norm"
    v, width = floating(x, f"{name}: x"), as_integer(size, f"{name}: size")
    batch_axes(v, name)
    if width < 1 or not alpha >= 0:
        raise RangeError(
            f"{name}: size should be 1 or more and alpha 0 or more, got {width} and {alpha!r}"
        )
    w, least, channels = wide(v), positive(k, f"{name}: k"), v.shape[1]
    sides = [(0, 0)] * v.ndim
    sides[1] = (width // 2, (width - 1) // 2)
    squares = pad(w * w, sides)
    total = squares[:, :channels]
    for i in range(1, width):
        total = total + squares[:, i : i + channels]
    y = w * (total * float(alpha) + least) ** -float(beta)
    return y if y.dtype == v.dtype else y.astype(v.dtype)
