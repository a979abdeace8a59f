"""Convolutions of each channel by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core import Variable
from ..errors import ShapeError
from .conv import conv1d, conv2d, conv3d
from .operand import as_variable
from .window import Lengths, Padding

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["depthwise_conv", "separable_conv"]

CONVOLUTIONS = {3: conv1d, 4: conv2d, 5: conv3d}
"""By the number of axes of the image."""


def depthwise_conv(
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    stride: Lengths = 1,
    padding: Padding = 0,
    dilation: Lengths = 1,
) -> Variable:
    """Each channel convolved by itself, with ``m`` kernels of its own: `conv2d` with as many groups
    as channels; ``y[n, c m + j, p] = b[c m + j] + Σ_i W[c m + j, 0, i] x[n, c, p stride + i]``.

    Args:
        x: (n, c, length), (n, c, h, w) or (n, c, d, h, w).
        W: (c m, 1, ...), with as many spatial axes.
        b: (c m,), or None.
        stride: as in `conv2d`, and so the rest.
        padding: zeros around the image.
        dilation: from number to number of the kernel.
    Returns:
        (n, c m, ...).
    Raises:
        ShapeError: if ``x``, ``W`` or ``b`` have other shapes.
        RangeError: for other strides, paddings and dilations.
    Source:
        L. Sifre, "Rigid-Motion Scattering for Image Classification", 2014.
    Example:
        >>> depthwise_conv([[[1.0, 2.0], [3.0, 4.0]]], [[[2.0]], [[10.0]]])
        Variable([[[ 2.,  4.],
                   [30., 40.]]], float64)
    """
    v, w = as_variable(x, "depthwise_conv: x"), as_variable(W, "depthwise_conv: W")
    channels = v.shape[1] if v.ndim in CONVOLUTIONS else 0
    if not channels or w.ndim != v.ndim or w.shape[1] != 1 or w.shape[0] % channels:
        raise ShapeError(
            "depthwise_conv: x should be (n, c, ...) of 1 to 3 spatial axes and W (c m, 1, ...), "
            f"got {v.shape} and {w.shape}"
        )
    return CONVOLUTIONS[v.ndim](v, w, b, stride, padding, dilation, channels)


def separable_conv(
    x: ArrayLike,
    depthwise: ArrayLike,
    pointwise: ArrayLike,
    b: ArrayLike | None = None,
    stride: Lengths = 1,
    padding: Padding = 0,
    dilation: Lengths = 1,
) -> Variable:
    """A convolution in two steps, over places and then over channels: `depthwise_conv`, and
    `conv2d` with a kernel of one place.

    Args:
        x: (n, c, length), (n, c, h, w) or (n, c, d, h, w).
        depthwise: (c m, 1, ...), with as many spatial axes.
        pointwise: (c_out, c m, 1, ...).
        b: (c_out,), or None.
        stride: of the first step, as in `conv2d`, and so the rest.
        padding: zeros around the image.
        dilation: from number to number of the kernel.
    Returns:
        (n, c_out, ...).
    Raises:
        ShapeError: if an operand has another shape.
        RangeError: for other strides, paddings and dilations.
    Source:
        F. Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", 2017.
    Example:
        >>> separable_conv([[[1.0, 2.0], [3.0, 4.0]]], [[[2.0]], [[10.0]]], [[[1.0], [1.0]]])
        Variable([[[32., 44.]]], float64)
    """
    y = depthwise_conv(x, depthwise, None, stride, padding, dilation)
    w = as_variable(pointwise, "separable_conv: pointwise")
    if w.ndim != y.ndim or any(n != 1 for n in w.shape[2:]):
        raise ShapeError(
            f"separable_conv: pointwise should be (c_out, {y.shape[1]}, 1, ...) of {y.ndim} axes, "
            f"got {w.shape}"
        )
    return CONVOLUTIONS[y.ndim](y, w, b)
