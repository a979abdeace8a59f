"""Pooling: the largest number, or the mean, of each window of an image.

All three kinds are made of slices, one for each number of the kernel, that are compared or added:
kernels for speed. Their gradients are pairs of operators, each the transpose of the other.
Masks multiply: on random ones `np.where` is ten times as slow (NumPy 2.4, x86-64).
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from ..core import Function, Variable
from ..errors import RangeError, ShapeError
from .operand import as_variable, beside
from .substitute import substitute
from .window import (
    Lengths,
    Padding,
    Window,
    bordered,
    image_check,
    lengths,
    packed,
    samples_first,
    unbordered,
    window_of,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "average_pool1d",
    "average_pool2d",
    "average_pool3d",
    "global_average_pool",
    "global_max_pool",
]


class _Pool(Function):
    """A window over each channel of an image by itself."""

    window: Window

    def empty_image(self, like):
        n, c = like.shape[:2]
        return np.zeros((c, *self.window.padded, n), like.dtype, like=like)

    def under(self, image):
        """What lies under each number of the kernel, in order."""
        return [image[place] for _, place in self.window.offsets()]

    def places(self, x):
        return (*x.shape[:2], *self.window.out)


class PoolSum(_Pool):
    """``y[p] = sum_i x[p stride + i - padding]``."""

    def forward(self, x):
        found = substitute(self, x)
        if found is not None:
            return found
        first, *rest = self.under(bordered(x, self.window))
        y = np.copy(first, order="C")
        for part in rest:
            y += part
        return samples_first(y)

    def backward(self, gy):
        return PoolSpread(self.window)(gy)

    def spec(self, x):
        return self.places(x), x.dtype


class PoolSpread(_Pool):
    """``x[p stride + i - padding] += y[p]``, for each ``i``: the transpose of `PoolSum`."""

    def forward(self, y):
        found = substitute(self, y)
        if found is not None:
            return found
        image, y = self.empty_image(y), packed(y)
        for part in self.under(image):
            part += y
        return unbordered(image, self.window)

    def backward(self, gx):
        return PoolSum(self.window)(gx)

    def spec(self, y):
        return (*y.shape[:2], *self.window.size), y.dtype


class MaxPool(_Pool):
    """``y[p] = max_i x[p stride + i - padding]``."""

    def forward(self, x):
        found = substitute(self, x)
        if found is not None:
            return found
        first, *rest = self.under(bordered(x, self.window, _lowest(x.dtype)))
        y = np.copy(first, order="C")
        for part in rest:
            np.maximum(y, part, out=y)
        return samples_first(y)

    def backward(self, gy, x, y):
        return PoolScatter(self.window)(gy, PoolArgMax(self.window)(x, y))

    def spec(self, x):
        return self.places(x), x.dtype


class PoolArgMax(_Pool):
    """The first ``i``, counted through the kernel, where ``x`` is ``y = max_i``: integers."""

    def forward(self, x, y):
        found = substitute(self, x, y)
        if found is not None:
            return found
        y = packed(y)
        at, found = np.zeros_like(y, dtype=self.counter), np.zeros_like(y, dtype=np.bool_)
        for part in self.under(bordered(x, self.window, _lowest(x.dtype)))[:-1]:
            found |= part == y
            at += ~found  # how many come before the first that is equal
        return samples_first(at)

    def backward(self, gat):
        return None, None

    def spec(self, x, y):
        return y.shape, self.counter

    @property
    def counter(self):
        """The smallest dtype that counts the kernel."""
        return np.min_scalar_type(prod(self.window.kernel) - 1)


class PoolScatter(_Pool):
    """``x[p stride + at[p] - padding] += y[p]``: what is added up is the gradient of `MaxPool`."""

    def forward(self, y, at):
        found = substitute(self, y, at)
        if found is not None:
            return found
        image, y, at = self.empty_image(y), packed(y), packed(at)
        for i, part in enumerate(self.under(image)):
            part += y * (at == i)
        return unbordered(image, self.window)

    def backward(self, gx, at):
        return PoolGather(self.window)(gx, at), None

    def spec(self, y, at):
        return (*y.shape[:2], *self.window.size), y.dtype


class PoolGather(_Pool):
    """``y[p] = x[p stride + at[p] - padding]``: the transpose of `PoolScatter`."""

    def forward(self, x, at):
        found = substitute(self, x, at)
        if found is not None:
            return found
        at = packed(at)
        y = np.zeros_like(at, dtype=x.dtype)
        for i, part in enumerate(self.under(bordered(x, self.window))):
            y += part * (at == i)
        return samples_first(y)

    def backward(self, gy, at):
        return PoolScatter(self.window)(gy, at), None

    def spec(self, x, at):
        return at.shape, x.dtype


def _lowest(dtype: Any) -> Any:
    """What no number of this dtype is less than."""
    if dtype.kind == "f":
        return -np.inf
    return False if dtype.kind == "b" else np.iinfo(dtype).min


def pool_window(
    name: str, rank: int, x: Variable, kernel: Any, stride: Any, padding: Any
) -> Window:
    """The window of a pooling over ``x``, in which each place holds a number of the image."""
    image_check(x.shape, rank, name)
    sizes = lengths(kernel, rank, f"{name}: kernel")
    window = window_of(x.shape[2:], sizes, stride, padding, 1, name)
    if min(x.shape[2:]) < 1:
        raise ShapeError(f"{name}: the image {x.shape[2:]} has no numbers")
    if any(max(pair) >= k for pair, k in zip(window.padding, sizes)):
        raise RangeError(
            f"{name}: padding {window.padding} should be less than the kernel {sizes}: a window "
            "that holds nothing but padding has no result"
        )
    return window


# -- the functions -------------------------------------------------------------------------------


def max_pool1d(
    x: ArrayLike, kernel: Lengths, stride: Lengths | None = None, padding: Padding = 0
) -> Variable:
    """The largest number of each window: `max_pool2d` with ``x: (n, c, length)``.

    Example:
        >>> max_pool1d([[[1.0, 3.0, 2.0, 0.0, 5.0]]], 2)
        Variable([[[3., 2.]]], float64)
    """
    return _max_pool(1, x, kernel, stride, padding)


def max_pool2d(
    x: ArrayLike, kernel: Lengths, stride: Lengths | None = None, padding: Padding = 0
) -> Variable:
    """The largest number of each window, ``y[n, c, p] = max_i x[n, c, p stride + i - padding]``.

    Args:
        x: (n, c, h, w), real.
        kernel: the size of a window: an integer, or one for each axis.
        stride: from window to window; None means ``kernel``, windows side by side.
        padding: borders that are never the largest, less than the kernel; as `conv2d` has it.
    Returns:
        (n, c, out_h, out_w), ``out = (size + padding - kernel) // stride + 1``: windows that
        would reach beyond the border are left out. The gradient goes to the largest number; of
        several equal ones to the first, row by row. NaN is larger than all.
    Raises:
        ShapeError: if ``x`` has another number of axes, or the kernel is larger than the image.
        RangeError: for other kernels, strides and paddings.
    Example:
        >>> max_pool2d(np.arange(24.0).reshape(1, 1, 4, 6), (2, 3))
        Variable([[[[ 8., 11.],
                    [20., 23.]]]], float64)
    """
    return _max_pool(2, x, kernel, stride, padding)


def max_pool3d(
    x: ArrayLike, kernel: Lengths, stride: Lengths | None = None, padding: Padding = 0
) -> Variable:
    """The largest number of each window: `max_pool2d` with ``x: (n, c, d, h, w)``."""
    return _max_pool(3, x, kernel, stride, padding)


def _max_pool(rank: int, x: Any, kernel: Any, stride: Any, padding: Any) -> Variable:
    name = f"max_pool{rank}d"
    x = as_variable(x, name)
    return MaxPool(pool_window(name, rank, x, kernel, stride, padding))(x)


def average_pool1d(
    x: ArrayLike,
    kernel: Lengths,
    stride: Lengths | None = None,
    padding: Padding = 0,
    count_include_pad: bool = True,
) -> Variable:
    """The mean of each window: `average_pool2d` with ``x: (n, c, length)``.

    Example:
        >>> average_pool1d([[[1.0, 3.0, 2.0, 0.0, 5.0]]], 2)
        Variable([[[2., 1.]]], float64)
    """
    return _average_pool(1, x, kernel, stride, padding, count_include_pad)


def average_pool2d(
    x: ArrayLike,
    kernel: Lengths,
    stride: Lengths | None = None,
    padding: Padding = 0,
    count_include_pad: bool = True,
) -> Variable:
    """The mean of each window, ``y[n, c, p] = mean_i x[n, c, p stride + i - padding]``.

    Args:
        x: (n, c, h, w).
        kernel: the size of a window: an integer, or one for each axis.
        stride: from window to window; None means ``kernel``, windows side by side.
        padding: zeros around the image, less than the kernel; as `conv2d` has it.
        count_include_pad: whether these zeros count as numbers of the mean: True divides each sum
            by the size of the kernel, as PyTorch and Chainer do; False by how many numbers of
            the image the window holds, as TensorFlow does.
    Returns:
        (n, c, out_h, out_w), ``out = (size + padding - kernel) // stride + 1``.
    Raises:
        ShapeError: if ``x`` has another number of axes, or the kernel is larger than the image.
        RangeError: for other kernels, strides and paddings.
    Example:
        >>> average_pool2d(np.arange(24.0).reshape(1, 1, 4, 6), (2, 3))
        Variable([[[[ 4.,  7.],
                    [16., 19.]]]], float64)
    """
    return _average_pool(2, x, kernel, stride, padding, count_include_pad)


def average_pool3d(
    x: ArrayLike,
    kernel: Lengths,
    stride: Lengths | None = None,
    padding: Padding = 0,
    count_include_pad: bool = True,
) -> Variable:
    """The mean of each window: `average_pool2d` with ``x: (n, c, d, h, w)``."""
    return _average_pool(3, x, kernel, stride, padding, count_include_pad)


def _average_pool(
    rank: int, x: Any, kernel: Any, stride: Any, padding: Any, count_include_pad: bool
) -> Variable:
    name = f"average_pool{rank}d"
    x = as_variable(x, name)
    window = pool_window(name, rank, x, kernel, stride, padding)
    sums = PoolSum(window)(x)
    if count_include_pad or not window.bordered:
        return sums / float(prod(window.kernel))
    dtype = sums.dtype if sums.dtype.kind in "fc" else np.float64
    return sums / beside(_counts(window).astype(dtype), x.data)


def _counts(window: Window) -> Array:
    """How many numbers of the image each window holds."""
    counts = np.ones(())
    for n, k, s, (before, _), out in zip(
        window.size, window.kernel, window.stride, window.padding, window.out
    ):
        starts = np.arange(out) * s - before
        held = np.minimum(starts + k, n) - np.maximum(starts, 0)
        counts = np.multiply.outer(counts, held)
    return counts


def global_average_pool(x: ArrayLike) -> Variable:
    """The mean of each channel: ``(n, c, *size)`` to ``(n, c)``.

    Args:
        x: three axes or more.
    Returns:
        (n, c).
    Raises:
        ShapeError: if there are no spatial axes.
    Example:
        >>> global_average_pool(np.ones((2, 3, 5, 7))).shape
        (2, 3)
    """
    x = as_variable(x, "global_average_pool")
    return x.mean(_spatial(x, "global_average_pool"))


def global_max_pool(x: ArrayLike) -> Variable:
    """The largest number of each channel: ``(n, c, *size)`` to ``(n, c)``.

    Args:
        x: three axes or more, real.
    Returns:
        (n, c). Where several are the largest the gradient goes as in `max`.
    Raises:
        ShapeError: if there are no spatial axes.
    """
    x = as_variable(x, "global_max_pool")
    return x.max(_spatial(x, "global_max_pool"))


def _spatial(x: Variable, name: str) -> tuple[int, ...]:
    if x.ndim < 3:
        raise ShapeError(f"{name}: x should have shape (n, c, ...) of three axes or more, got "
                         f"{x.shape}")  # fmt: skip
    return tuple(range(2, x.ndim))
