"""More pooling: to a size that is given, by powers, and with the places of the largest."""

from __future__ import annotations

from functools import reduce
from math import prod
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Variable
from ..core.variable import Shape
from ..errors import DTypeError, RangeError, ShapeError
from .arith import abs
from .bound import CheckBetween, floating, wide
from .compare import where
from .index import scatter_add
from .operand import as_variable, beside
from .pool import MaxPool, PoolArgMax, PoolSum, pool_window
from .resize import take_rows
from .window import Lengths, Padding, Window, lengths

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "adaptive_average_pool",
    "adaptive_max_pool",
    "lp_pool",
    "max_pool_with_indices",
    "max_unpool",
]


def adaptive_average_pool(x: ArrayLike, size: Lengths) -> Variable:
    """The mean of each of ``size`` windows, which cover the image evenly: window i is from
    ``floor(i n / size)`` to ``ceil((i + 1) n / size)``.

    Args:
        x: (n, c, ...), of one spatial axis or more; images of any size.
        size: of the result: an integer, or one for each axis.
    Returns:
        (n, c, *size). Windows of a size that does not divide the image overlap by one.
    Raises:
        ShapeError: if there are no spatial axes, or one is empty.
        RangeError: for other sizes.
    Source:
        K. He and others, "Spatial Pyramid Pooling in Deep Convolutional Networks for Visual
        Recognition", 2014.
    Example:
        >>> adaptive_average_pool([[[1.0, 2.0, 3.0, 4.0, 5.0]]], 2)
        Variable([[[2., 4.]]], float64)
    """
    v, sizes = _image(x, size, "adaptive_average_pool")
    for axis, count in enumerate(sizes, 2):
        v = _averaged(v, axis, count)
    return v


def adaptive_max_pool(x: ArrayLike, size: Lengths) -> Variable:
    """The largest number of each of ``size`` windows: those of `adaptive_average_pool`.

    Where several are the largest the gradient goes as in `max`, axis after axis.

    Args:
        x: (n, c, ...), of one spatial axis or more, real.
        size: of the result: an integer, or one for each axis.
    Returns:
        (n, c, *size).
    Raises:
        ShapeError: if there are no spatial axes, or one is empty.
        RangeError: for other sizes.
    Example:
        >>> adaptive_max_pool([[[1.0, 2.0, 3.0, 4.0, 5.0]]], 2)
        Variable([[[3., 5.]]], float64)
    """
    v, sizes = _image(x, size, "adaptive_max_pool")
    for axis, count in enumerate(sizes, 2):
        v = _parted(v, axis, count)[0].max(axis + 1)
    return v


def _image(x: Any, size: Any, name: str) -> tuple[Variable, Shape]:
    v = as_variable(x, name)
    if v.ndim < 3 or not prod(v.shape[2:]):
        raise ShapeError(f"{name}: x should be (n, c, size, ...), not empty, got {v.shape}")
    return v, lengths(size, v.ndim - 2, f"{name}: size")


def _averaged(x: Variable, axis: int, count: int) -> Variable:
    """Means of ``count`` windows along one axis."""
    parts, inside = _parted(x, axis, count)
    if inside is None:
        return parts.mean(axis + 1)
    shape = [1] * parts.ndim
    shape[axis : axis + 2] = inside.shape
    held = beside(inside.reshape(shape), x.data)
    numbers = inside.sum(1).reshape(shape[: axis + 1] + shape[axis + 2 :])
    sums = where(held, parts, 0).sum(axis + 1)
    dtype = sums.dtype if sums.dtype.kind in "fc" else np.float64
    return sums / beside(numbers.astype(dtype), x.data)


def _parted(x: Variable, axis: int, count: int) -> tuple[Variable, Any]:
    """``axis`` as two, windows and what is in them; and which numbers are not mere repetitions."""
    n = x.shape[axis]
    if n % count == 0:
        return x.reshape(*x.shape[:axis], count, n // count, *x.shape[axis + 1 :]), None
    starts = np.arange(count) * n // count
    ends = -(-(np.arange(count) + 1) * n // count)
    places = starts[:, None] + np.arange((ends - starts).max())
    inside = places < ends[:, None]
    return take_rows(x, np.minimum(places, ends[:, None] - 1), axis), inside


def lp_pool(x: ArrayLike, power: float, kernel: Lengths, stride: Lengths | None = None) -> Variable:
    """The length of what is in each window: ``y[n, c, p] = (Σ_i |x[n, c, p stride + i]|**power)
    ** (1 / power)``: sums for 1, larger ones nearer to the maximum. float16 is computed in float32.

    Args:
        x: (n, c, length), (n, c, h, w) or (n, c, d, h, w), floating.
        power: a number, 1 or more.
        kernel: the size of a window: an integer, or one for each axis.
        stride: from window to window; None means ``kernel``.
    Returns:
        (n, c, *out), ``out = (size - kernel) // stride + 1``. Of a window of zeros the gradient is
        taken as 0.
    Raises:
        ShapeError: if ``x`` has another number of axes, or the kernel is larger than the image.
        RangeError: for other powers, kernels and strides.
        DTypeError: if ``x`` is not floating.
    Source:
        P. Sermanet, S. Chintala and Y. LeCun, "Convolutional Neural Networks Applied to House
        Numbers Digit Classification", 2012.
    Example:
        >>> lp_pool([[[3.0, 4.0, 0.0, 0.0]]], 2, 2)
        Variable([[[5., 0.]]], float64)
    """
    v = floating(x, "lp_pool: x")
    if not 1 <= power < np.inf:
        raise RangeError(f"lp_pool: power should be 1 or more, got {power!r}; for infinity use max")
    window = pool_window("lp_pool", _rank(v, "lp_pool"), v, kernel, stride, 0)
    sums = PoolSum(window)(abs(wide(v)) ** float(power))
    empty = sums == 0
    y = where(empty, 0, where(empty, 1, sums) ** (1 / float(power)))
    return y if y.dtype == v.dtype else y.astype(v.dtype)


def _rank(x: Variable, name: str) -> int:
    if x.ndim not in (3, 4, 5):
        raise ShapeError(f"{name}: x should be (n, c, ...) of 1 to 3 spatial axes, got {x.shape}")
    return x.ndim - 2


def max_pool_with_indices(
    x: ArrayLike, kernel: Lengths, stride: Lengths | None = None, padding: Padding = 0
) -> tuple[Variable, Variable]:
    """The largest number of each window, as `max_pool2d`, and where it was.

    Args:
        x: (n, c, length), (n, c, h, w) or (n, c, d, h, w), real.
        kernel: the size of a window: an integer, or one for each axis.
        stride: from window to window; None means ``kernel``.
        padding: borders that are never the largest.
    Returns:
        The largest, (n, c, *out), and their places in the image, counted row by row over all its
        spatial axes: integers, of equal numbers the first. `max_unpool` takes them.
    Raises:
        ShapeError: if ``x`` has another number of axes, or the kernel is larger than the image.
        RangeError: for other kernels, strides and paddings.
    Example:
        >>> y, at = max_pool_with_indices([[[1.0, 3.0, 2.0, 0.0]]], 2)
        >>> y, at
        (Variable([[[3., 2.]]], float64), Variable([[[1, 2]]], int64))
    """
    name = "max_pool_with_indices"
    v = as_variable(x, name)
    window = pool_window(name, _rank(v, name), v, kernel, stride, padding)
    y = MaxPool(window)(v)
    at = PoolArgMax(window)(v.detach(), y.detach()).astype(np.int64)
    return y, _places(at, window)


def _places(at: Variable, window: Window) -> Variable:
    """Numbers of the kernel as numbers of the image, both counted row by row."""
    along: list[Variable] = []
    step = 1
    for i in reversed(range(len(window.size))):
        k, stride, (before, _) = window.kernel[i], window.stride[i], window.padding[i]
        starts = np.arange(window.out[i]) * stride - before
        starts = starts.reshape(-1, *[1] * (len(window.size) - 1 - i))
        along.append((at % k + beside(starts, at.data)) * step)
        at, step = at // k, step * window.size[i]
    return reduce(add, along)


def max_unpool(x: ArrayLike, indices: ArrayLike, size: tuple[int, ...]) -> Variable:
    """Zeros, but ``x`` at ``indices``: `max_pool_with_indices` undone as far as it can be.

    Args:
        x: (n, c, ...).
        indices: the same shape, integers: places in an image, counted row by row.
        size: of the images: their spatial axes.
    Returns:
        (n, c, *size), in the dtype of ``x``. A place that is named twice has the sum.
    Raises:
        ShapeError: if the shapes differ, or there are no spatial axes.
        RangeError: if a place is not in the image, or for other sizes.
        DTypeError: if ``indices`` does not hold integers.
    Source:
        M. Zeiler and R. Fergus, "Visualizing and Understanding Convolutional Networks", 2014.
    Example:
        >>> max_unpool([[[3.0, 2.0]]], [[[1, 2]]], (4,))
        Variable([[[0., 3., 2., 0.]]], float64)
    """
    name = "max_unpool"
    v, at = as_variable(x, name), as_variable(indices, f"{name}: indices")
    if at.dtype.kind not in "iu":
        raise DTypeError(f"{name}: indices should be integers, got {at.dtype}")
    if v.ndim < 3 or v.shape != at.shape:
        raise ShapeError(
            f"{name}: x and indices should have one shape (n, c, size, ...), got {v.shape} and "
            f"{at.shape}"
        )
    wanted = tuple(size) if isinstance(size, (tuple, list)) else (size,)
    sizes = lengths(wanted, v.ndim - 2, f"{name}: size")
    n, c, places = v.shape[0], v.shape[1], prod(v.shape[2:])
    flat = CheckBetween(f"{name}: indices", 0, prod(sizes) - 1)(at.reshape(n, c, places))
    rows, channels = np.arange(n).reshape(n, 1, 1), np.arange(c).reshape(c, 1)
    y = scatter_add(v.reshape(n, c, places), (rows, channels, flat), (n, c, prod(sizes)))
    return y.reshape(n, c, *sizes)
