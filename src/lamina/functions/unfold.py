"""Windows as columns, and columns added up again: im2col and col2im."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Function, Variable
from ..core.variable import Shape
from ..errors import ShapeError
from .operand import as_variable
from .window import Lengths, Padding, Window, lengths, window_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["unfold", "fold"]


class _Columns(Function):
    """A window over images. Kernels for speed, backward above all: each number of the kernel is one
    copy, or one addition (benchmarks/windows.py).
    """

    window: Window

    @property
    def places(self) -> int:
        """How many columns there are."""
        return prod(self.window.out)

    @property
    def size(self) -> int:
        """How many numbers of a channel are in a column."""
        return prod(self.window.kernel)

    def bordered(self, shape: Any, like: Any) -> Any:
        """Zeros for images ``(n, c, *padded)``."""
        return np.zeros((*shape, *self.window.padded), like.dtype, like=like)

    def under(self, image: Any) -> Iterator[Any]:
        """What lies under each number of the kernel, in order."""
        for _, places in self.window.offsets():
            yield image[(slice(None), *places)]


class Unfold(_Columns):
    """``y[n, (c, i), place] = x[n, c, place stride + i dilation - padding]``."""

    def forward(self, x):
        n, c = x.shape[:2]
        image = x
        if self.window.bordered:
            image = self.bordered((n, c), x)
            image[(slice(None), slice(None), *self.window.inside)] = x
        y = np.empty((n, c, self.size, *self.window.out), x.dtype, like=x)
        for i, part in enumerate(self.under(image)):
            y[:, :, i] = part
        return y.reshape(n, c * self.size, self.places)

    def backward(self, gy):
        return Fold(self.window)(gy)

    def spec(self, x):
        return (x.shape[0], x.shape[1] * self.size, self.places), x.dtype


class Fold(_Columns):
    """``x[n, c, place stride + i dilation - padding] += y[n, (c, i), place]``: the transpose."""

    def forward(self, y):
        n, c = y.shape[0], y.shape[1] // self.size
        image = self.bordered((n, c), y)
        columns = y.reshape(n, c, self.size, *self.window.out)
        for i, part in enumerate(self.under(image)):
            part += columns[:, :, i]
        return image[(slice(None), slice(None), *self.window.inside)]

    def backward(self, gx):
        return Unfold(self.window)(gx)

    def spec(self, y):
        return (y.shape[0], y.shape[1] // self.size, *self.window.size), y.dtype


def unfold(
    x: ArrayLike,
    kernel: Lengths,
    stride: Lengths = 1,
    padding: Padding = 0,
    dilation: Lengths = 1,
) -> Variable:
    """What lies under a kernel at each of its places, as columns:
    ``y[n, (c, i), p] = x[n, c, p stride + i dilation - padding]``. Also called im2col.

    A convolution is its weight, as a matrix (c_out, c kernel), times these columns.

    Args:
        x: (n, c, length), (n, c, h, w) or (n, c, d, h, w).
        kernel: its size: an integer, or one for each axis.
        stride: from place to place, as ``kernel``.
        padding: zeros around the image; as `conv2d` has it.
        dilation: from number to number of the kernel, as ``kernel``.
    Returns:
        (n, c kernel numbers, places): a column holds channel after channel, each row by row.
    Raises:
        ShapeError: if ``x`` has another number of axes, or the kernel is larger than the image.
        RangeError: for other kernels, strides, paddings and dilations.
    Example:
        >>> unfold([[[1.0, 2.0, 3.0, 4.0]]], 2)
        Variable([[[1., 2., 3.],
                   [2., 3., 4.]]], float64)
    """
    v = as_variable(x, "unfold")
    rank = v.ndim - 2
    if rank not in (1, 2, 3):
        raise ShapeError(f"unfold: x should be (n, c, ...) of 1 to 3 spatial axes, got {v.shape}")
    return Unfold(_window(v.shape[2:], kernel, stride, padding, dilation, "unfold"))(v)


def fold(
    x: ArrayLike,
    size: tuple[int, ...],
    kernel: Lengths,
    stride: Lengths = 1,
    padding: Padding = 0,
    dilation: Lengths = 1,
) -> Variable:
    """Columns added up where they came from: the transpose of `unfold`. Also called col2im.

    It is no inverse: where windows overlap, numbers are sums.

    Args:
        x: (n, c kernel numbers, places), as `unfold` gives them.
        size: of the images: a tuple of one to three lengths.
        kernel: as in `unfold`, and so the rest.
        stride: from place to place.
        padding: what was put around the image; what lies there is left out.
        dilation: from number to number of the kernel.
    Returns:
        (n, c, *size).
    Raises:
        ShapeError: if ``x`` is not made of such columns, or the kernel is larger than the image.
        RangeError: for other sizes, kernels, strides, paddings and dilations.
    Example:
        >>> fold([[[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]]], (4,), 2)
        Variable([[[1., 4., 6., 4.]]], float64)
    """
    v = as_variable(x, "fold")
    wanted = tuple(size) if isinstance(size, (tuple, list)) else (size,)
    if len(wanted) not in (1, 2, 3):
        raise ShapeError(f"fold: size should be a tuple of 1 to 3 lengths, got {size!r}")
    lead = lengths(wanted, len(wanted), "fold: size")
    window = _window(lead, kernel, stride, padding, dilation, "fold")
    rows, places = prod(window.kernel), prod(window.out)
    if v.ndim != 3 or v.shape[1] % rows or v.shape[2] != places:
        raise ShapeError(
            f"fold: x should have shape (n, c {rows}, {places}) for images {lead} and a kernel "
            f"{window.kernel}, got {v.shape}"
        )
    return Fold(window)(v)


def _window(
    size: Shape, kernel: Any, stride: Any, padding: Any, dilation: Any, name: str
) -> Window:
    sizes = lengths(kernel, len(size), f"{name}: kernel")
    return window_of(size, sizes, stride, padding, dilation, name)
