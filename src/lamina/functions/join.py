"""Several arrays made one, and one made several: concatenate, stack, split."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Function, Variable
from ..core.variable import Shape
from ..errors import RangeError, ShapeError
from .index import GetItem
from .operand import as_axis, as_integer, as_variable
from .shape import expand_dims

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["concatenate", "stack", "split"]


def _along(axis: int, start: int, stop: int) -> tuple[slice, ...]:
    """The index of a piece."""
    return (*[slice(None)] * axis, slice(start, stop))


class Concatenate(Function):
    """The inputs, of these lengths along ``axis``, one after another."""

    axis: int
    lengths: tuple[int, ...]

    def forward(self, *xs):
        return np.concatenate(xs, axis=self.axis)

    def backward(self, gy):
        ends = list(accumulate(self.lengths))
        return tuple([self.piece(gy, end - n, end) for n, end in zip(self.lengths, ends)])

    def piece(self, gy, start, stop):
        return lambda: GetItem(_along(self.axis, start, stop), gy.shape)(gy)


def concatenate(xs: Sequence[ArrayLike], axis: int = 0) -> Variable:
    """Arrays one after another along an axis.

    Args:
        xs: one or more, with the same number of axes, of equal lengths except along ``axis``.
        axis: an axis that is there.
    Returns:
        An array whose length along ``axis`` is the sum of theirs.
    Raises:
        ShapeError: if there is none, or their shapes do not fit.
        RangeError: if there is no such axis.
    Example:
        >>> concatenate([[1.0, 2.0], [3.0]])
        Variable([1., 2., 3.], float64)
    """
    vs = _variables(xs, "concatenate")
    shapes = [v.shape for v in vs]
    i = as_axis(axis, len(shapes[0]), "concatenate")
    rests = {(len(shape), shape[:i], shape[i + 1 :]) for shape in shapes}
    if len(rests) > 1:
        raise ShapeError(
            f"concatenate: shapes should be equal except along axis {i}, got {_listed(shapes)}"
        )
    return Concatenate(i, tuple([shape[i] for shape in shapes]))(*vs)


def stack(xs: Sequence[ArrayLike], axis: int = 0) -> Variable:
    """Arrays of one shape side by side along a new axis.

    Args:
        xs: one or more, of equal shapes.
        axis: where the new axis stands in the result.
    Returns:
        An array with one axis more, of length ``len(xs)``.
    Raises:
        ShapeError: if there is none, or their shapes differ.
        RangeError: if the result has no such axis.
    Example:
        >>> stack([[1.0, 2.0], [3.0, 4.0]], axis=1)
        Variable([[1., 3.],
                  [2., 4.]], float64)
    """
    vs = _variables(xs, "stack")
    shapes = [v.shape for v in vs]
    if len(set(shapes)) > 1:
        raise ShapeError(f"stack: shapes should be equal, got {_listed(shapes)}")
    i = as_axis(axis, len(shapes[0]) + 1, "stack")
    return Concatenate(i, (1,) * len(vs))(*[expand_dims(v, i) for v in vs])


def _variables(xs: Any, operation: str) -> list[Variable]:
    vs = [as_variable(x, operation) for x in xs]
    if not vs:
        raise ShapeError(f"{operation}: needs one array or more, got none")
    return vs


def _listed(shapes: list[Shape]) -> str:
    return ", ".join([str(shape) for shape in shapes])


class Split(Function):
    """Pieces of ``x`` along ``axis``; ``ends`` says where each ends."""

    views = True
    axis: int
    ends: tuple[int, ...]

    def forward(self, x):
        starts = (0, *self.ends)
        return tuple([x[_along(self.axis, a, b)] for a, b in zip(starts, self.ends)])

    def backward(self, *gys):
        return Concatenate(self.axis, tuple([gy.shape[self.axis] for gy in gys]))(*gys)


def split(x: ArrayLike, sections: int | Sequence[int], axis: int = 0) -> tuple[Variable, ...]:
    """Cut along an axis.

    Args:
        x: any shape and dtype.
        sections: how many equal pieces, or the places where a new piece begins, in order.
        axis: the axis that is cut.
    Returns:
        Views of ``x``; one more than there are places.
    Raises:
        ShapeError: if the length is no multiple of ``sections``.
        RangeError: if there is no such axis, or places are not in order within the length.
    Example:
        >>> a, b = split([1.0, 2.0, 3.0], [1])
        >>> b
        Variable([2., 3.], float64)
    """
    v = as_variable(x, "split")
    i = as_axis(axis, v.ndim, "split")
    return Split(i, _ends(sections, v.shape, i))(v)


def _ends(sections: Any, shape: Shape, axis: int) -> tuple[int, ...]:
    length = shape[axis]
    if isinstance(sections, Sequence):
        ends = (*[as_integer(n, "split: a place") for n in sections], length)
        if any(a > b for a, b in zip((0, *ends), ends)):
            raise RangeError(
                f"split: places {ends[:-1]} should rise from 0 to {length}, the length of axis "
                f"{axis} of {shape}"
            )
        return ends
    count = as_integer(sections, "split: sections")
    if count < 1 or length % count:
        raise ShapeError(
            f"split: axis {axis} of {shape} has length {length}, which is no {count} equal pieces; "
            "give the places where to cut"
        )
    return tuple([length // count * (k + 1) for k in range(count)])
