"""Views: the same elements in another shape, or with their axes in another order."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Function, Variable
from ..core.variable import Shape
from ..errors import ShapeError
from .operand import as_axes, as_axis, as_shape, as_variable, register

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "reshape",
    "transpose",
    "moveaxis",
    "swapaxes",
    "squeeze",
    "expand_dims",
    "broadcast_to",
    "ravel",
    "flatten",
]


class Reshape(Function):
    """The elements of ``x``, in their order, in ``shape``; ``source`` is the shape of ``x``."""

    views = True
    shape: Shape
    source: Shape

    def forward(self, x):
        return x.reshape(self.shape)

    def backward(self, gy):
        return Reshape(self.source, self.shape)(gy)


def reshape(x: ArrayLike, *shape: Any) -> Variable:
    """The elements of ``x``, in their order (the last axis runs fastest), in another shape.

    Args:
        x: any shape and dtype.
        shape: lengths, one by one or as one tuple; at most one may be -1, and is what is left.
    Returns:
        A view of ``x`` where that is possible.
    Raises:
        ShapeError: if the numbers of elements differ.
    Example:
        >>> reshape([[1, 2, 3], [4, 5, 6]], 3, -1).shape
        (3, 2)
    """
    v = as_variable(x, "reshape")
    source = v.shape
    asked = as_shape(shape[0] if len(shape) == 1 else shape, "reshape")
    return _reshaping(asked, source)(v)


@lru_cache(maxsize=4096)
def _reshaping(asked: Shape, source: Shape) -> Reshape:
    """The operator; made once, as making it takes as long as applying it."""
    return Reshape(_completed(asked, source), source)


def _completed(asked: Shape, source: Shape) -> Shape:
    """``asked`` with its -1 replaced."""
    size, known = prod(source), prod([n for n in asked if n != -1])
    missing = asked.count(-1)
    if missing == 0 and known == size and min(asked, default=0) >= 0:
        return asked
    if missing == 1 and known > 0 and size % known == 0 and min(asked) == -1:
        return tuple([size // known if n == -1 else n for n in asked])
    raise ShapeError(
        f"reshape: {source} holds {size} elements, which do not fit into {asked}"
        + ("; only one length may be -1" if missing > 1 else "")
    )


class Transpose(Function):
    """Axis ``i`` of the result is axis ``axes[i]`` of ``x``."""

    views = True
    axes: tuple[int, ...]

    def forward(self, x):
        return x.transpose(self.axes)

    def backward(self, gy):
        places = self.axes
        return Transpose(tuple(sorted(range(len(places)), key=places.__getitem__)))(gy)


def transpose(x: ArrayLike, *axes: Any) -> Variable:
    """Axes in another order: axis ``i`` of the result is axis ``axes[i]`` of ``x``.

    Args:
        x: any shape and dtype.
        axes: all axes, one by one or as one tuple; none, or None, turns their order round.
    Returns:
        A view of ``x``.
    Raises:
        ShapeError: if ``axes`` does not name each axis once.
        RangeError: if it names one that is not there.
    Example:
        >>> transpose(np.zeros((2, 3, 5)), 2, 0, 1).shape
        (5, 2, 3)
    """
    v = as_variable(x, "transpose")
    ndim = v.ndim
    given = axes[0] if len(axes) == 1 else axes or None
    if given is None:
        return Transpose(tuple(range(ndim - 1, -1, -1)))(v)
    order = as_axes(given, ndim, "transpose")
    if len(order) != ndim:
        raise ShapeError(f"transpose: shape {v.shape} has {ndim} axes, got {len(order)}: {order}")
    return Transpose(order)(v)


def moveaxis(
    x: ArrayLike, source: int | tuple[int, ...], destination: int | tuple[int, ...]
) -> Variable:
    """Move axes to other places; the others keep their order.

    Args:
        x: any shape and dtype.
        source: one axis or several.
        destination: as many places.
    Returns:
        A view of ``x``.
    Raises:
        RangeError: if an axis is not there or named twice.
        ShapeError: if there are not as many places as axes.
    Example:
        >>> moveaxis(np.zeros((2, 3, 5)), 0, -1).shape
        (3, 5, 2)
    """
    v = as_variable(x, "moveaxis")
    ndim = v.ndim
    taken = as_axes(source, ndim, "moveaxis")
    places = as_axes(destination, ndim, "moveaxis")
    if len(taken) != len(places):
        raise ShapeError(f"moveaxis: {len(taken)} axes {taken} need as many places, got {places}")
    order = [axis for axis in range(ndim) if axis not in taken]
    for place, axis in sorted(zip(places, taken)):
        order.insert(place, axis)
    return Transpose(tuple(order))(v)


def swapaxes(x: ArrayLike, axis1: int, axis2: int) -> Variable:
    """Exchange two axes.

    Args:
        x: any shape and dtype.
        axis1: one axis.
        axis2: the other.
    Returns:
        A view of ``x``.
    Raises:
        RangeError: if an axis is not there.
    """
    v = as_variable(x, "swapaxes")
    order = list(range(v.ndim))
    i, j = (as_axis(axis, v.ndim, "swapaxes") for axis in (axis1, axis2))
    order[i], order[j] = j, i
    return Transpose(tuple(order))(v)


def squeeze(x: ArrayLike, axis: Any = None) -> Variable:
    """Leave out axes of length 1.

    Args:
        x: any shape and dtype.
        axis: one axis or several; None means: all of length 1.
    Returns:
        A view of ``x``.
    Raises:
        ShapeError: if an axis has another length.
    """
    v = as_variable(x, "squeeze")
    shape = v.shape
    if axis is None:
        return Reshape(tuple([n for n in shape if n != 1]), shape)(v)
    axes = as_axes(axis, len(shape), "squeeze")
    for i in axes:
        if shape[i] != 1:
            raise ShapeError(f"squeeze: axis {i} of {shape} has length {shape[i]}, not 1")
    return Reshape(tuple([n for i, n in enumerate(shape) if i not in axes]), shape)(v)


def expand_dims(x: ArrayLike, axis: int | tuple[int, ...]) -> Variable:
    """Put in axes of length 1.

    Args:
        x: any shape and dtype.
        axis: where they stand in the result: one or several.
    Returns:
        A view of ``x``.
    Raises:
        RangeError: if the result has no such axis.
    Example:
        >>> expand_dims(np.zeros((2, 3)), (0, -1)).shape
        (1, 2, 3, 1)
    """
    v = as_variable(x, "expand_dims")
    count = v.ndim + (len(axis) if isinstance(axis, tuple) else 1)
    axes = as_axes(axis, count, "expand_dims")
    lengths = iter(v.shape)
    return Reshape(tuple([1 if i in axes else next(lengths) for i in range(count)]), v.shape)(v)


class BroadcastTo(Function):
    """``x`` repeated, without copies, along new axes and along those of length 1."""

    views = True
    shape: Shape

    def forward(self, x):
        return np.broadcast_to(x, self.shape)

    def backward(self, gy):
        return gy  # the walk sums it over what was broadcast


def broadcast_to(x: ArrayLike, shape: Any) -> Variable:
    """``x`` repeated along new leading axes and along those of length 1; the gradient is a sum.

    Args:
        x: any shape and dtype.
        shape: the result's.
    Returns:
        A view of ``x`` that cannot be written to.
    Raises:
        ShapeError: if ``x`` does not broadcast to ``shape``.
    Example:
        >>> broadcast_to([[1.0], [2.0]], (2, 3))
        Variable([[1., 1., 1.],
                  [2., 2., 2.]], float64)
    """
    v = as_variable(x, "broadcast_to")
    target = as_shape(shape, "broadcast_to")
    if len(v.shape) > len(target) or any(
        n not in (1, m) for n, m in zip(v.shape[::-1], target[::-1])
    ):
        raise ShapeError(
            f"broadcast_to: {v.shape} does not broadcast to {target}; "
            "counted from the last axis, lengths should be equal or 1"
        )
    return BroadcastTo(target)(v)


def ravel(x: ArrayLike) -> Variable:
    """All elements of ``x`` on one axis, a view where that is possible."""
    return reshape(x, -1)


def flatten(x: ArrayLike, start: int = 0) -> Variable:
    """The axes from ``start`` on made one.

    Args:
        x: any shape and dtype.
        start: the first axis of those that become one; 1 keeps samples apart.
    Returns:
        A view of ``x`` where that is possible.
    Raises:
        RangeError: if there is no such axis.
    Example:
        >>> flatten(np.zeros((2, 3, 5)), start=1).shape
        (2, 15)
    """
    v = as_variable(x, "flatten")
    lead = v.shape[: as_axis(start, v.ndim, "flatten")] if v.ndim else ()
    return Reshape((*lead, prod(v.shape[len(lead) :])), v.shape)(v)


register(
    reshape=reshape,
    transpose=transpose,
    swapaxes=swapaxes,
    squeeze=squeeze,
    flatten=flatten,
    T=property(lambda self: transpose(self), doc="The axes in reverse order: `transpose`."),
    mT=property(lambda self: swapaxes(self, -1, -2), doc="Matrices transposed: the last two axes."),
)
