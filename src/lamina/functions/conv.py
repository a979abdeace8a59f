"""Convolution, and its transpose, over one, two or three axes.

Three operators, each linear in both of its operands, of one sum over all images, channels, places
``o`` and numbers ``i`` of the kernel:

    S(x, W, y) = sum x[o stride + i dilation - padding] W[i] y[o]

`Conv` is its derivative by y, `ConvTranspose` by x, `ConvWeight` by W. So the derivatives of each
are the two others, and every order of derivative is one of the three.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Function, Variable
from ..core.variable import Shape
from ..errors import RangeError, ShapeError
from .operand import as_integer, as_variable
from .substitute import substitute
from .window import (
    AXES,
    Lengths,
    Padding,
    Window,
    add_columns,
    bordered,
    borders,
    columns,
    image_check,
    lengths,
    packed,
    per_place,
    samples_first,
    span,
    unbordered,
    window_of,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
]


class _Convolution(Function):
    """A window over images, and the groups of channels that do not see one another.

    Kernels for speed: one product of matrices a block (`BLOCK`) of places and group.
    """

    window: Window
    groups: int = 1

    def blocks(self, image, weights):
        """Pairs ``low, high`` of places, and the two as numbers of columns."""
        row = per_place(self.window, image.shape[-1])
        numbers = row * image.shape[0] * prod(self.window.kernel)
        # a block's product costs a pass over the weights as well
        for low, high in self.window.blocks(numbers, 2 * weights):
            yield low, high, slice(low * row, high * row)

    def grouped(self, rows):
        """``(a, ...)`` as matrices ``(groups, a / groups, ...)``."""
        return rows.reshape(self.groups, rows.shape[0] // self.groups, prod(rows.shape[1:]))

    def columns(self, image, low, high):
        """`columns` as matrices, one a group: a row for each number of the kernel."""
        cols = columns(image, self.window, low, high)
        places = (high - low) * per_place(self.window, image.shape[-1])
        count = image.shape[0] // self.groups * prod(self.window.kernel)
        return cols.reshape(self.groups, count, places)

    def sizes(self, a: Any, b: Any) -> tuple[int, int, int]:
        """Samples, channels of the image and of the result, from the specs of the operands."""
        raise NotImplementedError

    def multiply_adds(self, *specs):
        """Each weight meets each place of each image once."""
        n, c_in, c_out = self.sizes(*specs)
        work = n * prod(self.window.out) * prod(self.window.kernel)
        return work * c_in * c_out // self.groups


class Conv(_Convolution):
    """``y[n, o, place] = sum_{c, i} W[o, c, i] x[n, c, place stride + i dilation - padding]``."""

    def forward(self, x, W):
        found = substitute(self, x, W)
        if found is not None:
            return found
        window, n, c_out = self.window, x.shape[0], W.shape[0]
        image, rows = bordered(x, window), self.grouped(W)
        places = window.out[0] * per_place(window, n)
        shape = (self.groups, c_out // self.groups, places)
        y = np.empty(shape, np.result_type(x.dtype, W.dtype), like=x)
        for low, high, part in self.blocks(image, prod(W.shape)):
            np.matmul(rows, self.columns(image, low, high), out=y[..., part])
        return samples_first(y.reshape(c_out, *window.out, n))

    def backward(self, gy, x, W):
        return (
            (lambda: ConvTranspose(self.window, self.groups)(gy, W)),
            (lambda: ConvWeight(self.window, self.groups)(x, gy)),
        )

    def spec(self, x, W):
        shape = (x.shape[0], W.shape[0], *self.window.out)
        return shape, np.result_type(x.dtype, W.dtype)

    def sizes(self, x, W):
        return x.shape[0], x.shape[1], W.shape[0]


class ConvTranspose(_Convolution):
    """``x[n, c, place stride + i dilation - padding] += sum_o W[o, c, i] y[n, o, place]``."""

    def forward(self, y, W):
        found = substitute(self, y, W)
        if found is not None:
            return found
        window, n, c_in = self.window, y.shape[0], W.shape[1] * self.groups
        columns_of, flat = self.grouped(W).swapaxes(1, 2), self.grouped(packed(y))
        dtype = np.result_type(y.dtype, W.dtype)
        image = np.zeros((c_in, *window.padded, n), dtype, like=y)
        for low, high, part in self.blocks(image, prod(W.shape)):
            cols = np.matmul(columns_of, flat[..., part])
            shape = (c_in, *window.kernel, high - low, *window.out[1:], n)
            add_columns(image, cols.reshape(shape), window, low, high)
        return unbordered(image, window)

    def backward(self, gx, y, W):
        return (
            (lambda: Conv(self.window, self.groups)(gx, W)),
            (lambda: ConvWeight(self.window, self.groups)(gx, y)),
        )

    def spec(self, y, W):
        shape = (y.shape[0], W.shape[1] * self.groups, *self.window.size)
        return shape, np.result_type(y.dtype, W.dtype)

    def sizes(self, y, W):
        return y.shape[0], W.shape[1] * self.groups, W.shape[0]


class ConvWeight(_Convolution):
    """``W[o, c, i] = sum_{n, place} y[n, o, place] x[n, c, place stride + i dilation - padding]``.

    ``W`` may look backwards: it is what the kernel of a `Conv` gets as its gradient.
    """

    def forward(self, x, y):
        found = substitute(self, x, y)
        if found is not None:
            return found
        c_out, c_in = y.shape[1], x.shape[1] // self.groups
        image, flat = bordered(x, self.window), self.grouped(packed(y))
        dtype = np.result_type(x.dtype, y.dtype)
        W = np.empty((c_out, c_in, *self.window.kernel), dtype, like=x)
        rows = self.grouped(W)
        for low, high, part in self.blocks(image, W.size):
            cols = self.columns(image, low, high).swapaxes(1, 2)
            if low == 0:
                np.matmul(flat[..., part], cols, out=rows)
            else:
                rows += np.matmul(flat[..., part], cols)
        return W

    def backward(self, gW, x, y):
        return (
            (lambda: ConvTranspose(self.window, self.groups)(y, gW)),
            (lambda: Conv(self.window, self.groups)(x, gW)),
        )

    def spec(self, x, y):
        shape = (y.shape[1], x.shape[1] // self.groups, *self.window.kernel)
        return shape, np.result_type(x.dtype, y.dtype)

    def sizes(self, x, y):
        return x.shape[0], x.shape[1], y.shape[1]


# -- the functions -------------------------------------------------------------------------------


def conv1d(
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    stride: Lengths = 1,
    padding: Padding = 0,
    dilation: Lengths = 1,
    groups: int = 1,
) -> Variable:
    """Convolution over one axis: `conv2d` with ``x: (n, c_in, length)``.

    Example:
        >>> conv1d([[[1.0, 2.0, 4.0, 8.0]]], [[[-1.0, 1.0]]])
        Variable([[[1., 2., 4.]]], float64)
    """
    return _conv(1, x, W, b, stride, padding, dilation, groups)


def conv2d(
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    stride: Lengths = 1,
    padding: Padding = 0,
    dilation: Lengths = 1,
    groups: int = 1,
) -> Variable:
    """``y[n, o, p] = b[o] + sum_{c, i} W[o, c, i] x[n, c, p stride + i dilation - padding]``.

    As in all of deep learning the kernel is not turned round: mathematics calls this correlation.

    Args:
        x: (n, c_in, h, w).
        W: (c_out, c_in / groups, kernel_h, kernel_w).
        b: (c_out,), or None.
        stride: from place to place: an integer, or one for each axis.
        padding: zeros around the image: an integer; for each axis an integer or a pair
            ``(before, after)``; or ``"same"``, which gives ``ceil(h / stride)`` places (of an odd
            number of zeros the one more stands after).
        dilation: from number to number of the kernel, as ``stride``.
        groups: channels in so many groups, each with its own part of ``W``; ``groups=c_in`` is a
            depthwise convolution.
    Returns:
        (n, c_out, out_h, out_w), with
        ``out = (size + padding - dilation (kernel - 1) - 1) // stride + 1``.
    Raises:
        ShapeError: if ``x``, ``W`` or ``b`` have other shapes, channels do not match, or the
            kernel is larger than the padded image.
        RangeError: for other strides, paddings, dilations, or groups that divide no channels.
    Example:
        >>> x, W = np.ones((2, 3, 5, 7)), np.ones((4, 3, 3, 2))
        >>> conv2d(x, W, padding=((1, 1), (0, 1)), stride=(1, 2)).shape
        (2, 4, 5, 4)

    Source:
        V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", 2016.
        K. Chellapilla, S. Puri, P. Simard, "High performance convolutional neural networks for
        document processing", 2006: as a product of matrices.
    """
    return _conv(2, x, W, b, stride, padding, dilation, groups)


def conv3d(
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    stride: Lengths = 1,
    padding: Padding = 0,
    dilation: Lengths = 1,
    groups: int = 1,
) -> Variable:
    """Convolution over three axes: `conv2d` with ``x: (n, c_in, d, h, w)``."""
    return _conv(3, x, W, b, stride, padding, dilation, groups)


def conv_transpose1d(
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    stride: Lengths = 1,
    padding: Padding = 0,
    output_padding: Lengths = 0,
    dilation: Lengths = 1,
    groups: int = 1,
) -> Variable:
    """The transpose of a convolution over one axis: `conv_transpose2d` with one.

    Example:
        >>> conv_transpose1d([[[1.0, 2.0]]], [[[1.0, 1.0, 1.0]]], stride=2)
        Variable([[[1., 1., 3., 2., 2.]]], float64)
    """
    return _transposed(1, x, W, b, stride, padding, output_padding, dilation, groups)


def conv_transpose2d(
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    stride: Lengths = 1,
    padding: Padding = 0,
    output_padding: Lengths = 0,
    dilation: Lengths = 1,
    groups: int = 1,
) -> Variable:
    """``y[n, o, p stride + i dilation - padding] += sum_c W[c, o, i] x[n, c, p]``, from ``b[o]``.

    The linear map that is the transpose of `conv2d` with the same ``W``, stride, padding, dilation
    and groups: it is what takes the gradient of `conv2d` back to its image.

    Args:
        x: (n, c_in, h, w).
        W: (c_in, c_out / groups, kernel_h, kernel_w).
        b: (c_out,), or None.
        stride: how far apart the numbers of ``x`` come to lie.
        padding: what is cut off around the result, as `conv2d` has it, without ``"same"``.
        output_padding: rows more at the end of each axis, less than ``stride``: with a stride
            `conv2d` gives one size for several, and this says which.
        dilation: from number to number of the kernel.
        groups: as in `conv2d`.
    Returns:
        (n, c_out, out_h, out_w), with
        ``out = (size - 1) stride - padding + dilation (kernel - 1) + 1 + output_padding``.
    Raises:
        ShapeError: if ``x``, ``W`` or ``b`` have other shapes, channels do not match, or nothing
            is left of the result.
        RangeError: for other strides, paddings, dilations, or groups that divide no channels.
    Example:
        >>> conv_transpose2d(np.ones((2, 3, 4, 5)), np.ones((3, 7, 3, 2)), stride=2).shape
        (2, 7, 9, 10)
    """
    return _transposed(2, x, W, b, stride, padding, output_padding, dilation, groups)


def conv_transpose3d(
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    stride: Lengths = 1,
    padding: Padding = 0,
    output_padding: Lengths = 0,
    dilation: Lengths = 1,
    groups: int = 1,
) -> Variable:
    """The transpose of a convolution over three axes: `conv_transpose2d` with three."""
    return _transposed(3, x, W, b, stride, padding, output_padding, dilation, groups)


def _conv(
    rank: int, x: Any, W: Any, b: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Variable:
    name = f"conv{rank}d"
    x, W, groups = _operands(name, rank, x, W, groups, "(c_out, c_in / groups, {})")
    if x.shape[1] != W.shape[1] * groups:
        raise ShapeError(
            f"{name}: W of shape {W.shape} with groups={groups} takes {W.shape[1] * groups} "
            f"channels, x of shape {x.shape} has {x.shape[1]}"
        )
    _divides(name, groups, W.shape[0], "c_out")
    window = window_of(x.shape[2:], W.shape[2:], stride, padding, dilation, name)
    return _plus(Conv(window, groups)(x, W), b, name)


def _transposed(
    rank: int, x: Any, W: Any, b: Any, stride: Any, padding: Any, output_padding: Any,
    dilation: Any, groups: Any,
) -> Variable:  # fmt: skip
    name = f"conv_transpose{rank}d"
    x, W, groups = _operands(name, rank, x, W, groups, "(c_in, c_out / groups, {})")
    if x.shape[1] != W.shape[0]:
        raise ShapeError(
            f"{name}: W of shape {W.shape} takes {W.shape[0]} channels, x of shape {x.shape} has "
            f"{x.shape[1]}"
        )
    _divides(name, groups, x.shape[1], "c_in")
    steps = lengths(stride, rank, f"{name}: stride")
    gaps = lengths(dilation, rank, f"{name}: dilation")
    more = lengths(output_padding, rank, f"{name}: output_padding", least=0)
    if any(m >= s for m, s in zip(more, steps)):
        raise RangeError(f"{name}: output_padding {more} should be less than stride {steps}")
    if padding == "same":
        raise RangeError(f"{name}: padding should be numbers, 'same' does not say what to cut off")
    pads = borders(padding, rank, name)
    cut = zip(x.shape[2:], steps, pads, span(W.shape[2:], gaps), more)
    size = tuple([(n - 1) * s - sum(p) + k + m for n, s, p, k, m in cut])
    if min(size) < 1 or min(x.shape[2:]) < 1:
        raise ShapeError(f"{name}: nothing is left of the result, its size would be {size}")
    window = Window(size, W.shape[2:], steps, pads, gaps)
    return _plus(ConvTranspose(window, groups)(x, W), b, name)


def _operands(
    name: str, rank: int, x: Any, W: Any, groups: Any, layout: str
) -> tuple[Variable, Variable, int]:
    """The images, the kernel and the groups, with the right numbers of axes."""
    x, W = as_variable(x, name), as_variable(W, name)
    image_check(x.shape, rank, name)
    if W.ndim != rank + 2 or min(W.shape[2:]) < 1:
        raise ShapeError(
            f"{name}: W should have shape {layout.format(AXES[rank])}, with a kernel of length 1 "
            f"or more, got {W.shape}"
        )
    count = as_integer(groups, f"{name}: groups")
    if count < 1:
        raise RangeError(f"{name}: groups should be 1 or more, got {count}")
    return x, W, count


def _divides(name: str, groups: int, channels: int, what: str) -> None:
    if channels % groups:
        raise RangeError(f"{name}: groups={groups} does not divide {what}={channels}")


def _plus(y: Variable, b: Any, name: str) -> Variable:
    """``y`` with a number a channel added."""
    if b is None:
        return y
    b = as_variable(b, name)
    expected: Shape = (y.shape[1],)
    if b.shape != expected:
        raise ShapeError(f"{name}: b should have shape {expected}, got {b.shape}")
    return y + b.reshape(y.shape[1], *[1] * (y.ndim - 2))
