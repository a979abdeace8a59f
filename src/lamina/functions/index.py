"""Indexing: ``x[...]`` in all of NumPy's forms, and its transpose, the scatter-add."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import is_array
from ..core import Function, Variable
from ..core.variable import Shape
from ..errors import DTypeError, ShapeError, TraceError
from .operand import as_axis, as_shape, as_variable, beside, register
from .shape import ravel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["get_item", "scatter_add", "take", "take_along_axis"]

ARRAY = "array"
"""Stands in an operator's index where an index array, one of its inputs, belongs."""

WIDE = 128
"""Rows of so many numbers or more are added one by one: three times as fast as ``np.add.at`` with
256 of them, as fast with 64 (NumPy 2.4, x86-64)."""


class Indexed(Function):
    """An operator with an index, and the shape of the array that it indexes."""

    index: tuple[Any, ...]
    shape: Shape

    def __hash__(self) -> int:
        # slices have a hash only from Python 3.12 on
        parts = [(i.start, i.stop, i.step) if type(i) is slice else i for i in self.index]
        return hash((type(self), self.shape, *parts))


class GetItem(Indexed):
    """``x[index]`` for integers, slices, None and Ellipsis: a view."""

    views = True

    def forward(self, x):
        return x[self.index]

    def backward(self, gy):
        return PutItem(self.index, self.shape)(gy)


class PutItem(Indexed):
    """``fill`` everywhere in ``shape``, but ``x`` at ``index``. The transpose of `GetItem`."""

    fill: float = 0

    def forward(self, x):
        y = np.full(self.shape, self.fill, x.dtype, like=x)
        y[self.index] = x
        return y

    def backward(self, gy):
        return GetItem(self.index, self.shape)(gy)

    def spec(self, x):
        return self.shape, x.dtype

    def __hash__(self) -> int:
        return hash((super().__hash__(), self.fill))


class Gather(Indexed):
    """``x[index]`` with arrays of integers or bools in the index: a copy.

    A kernel: an array that is there cannot hear an index that is not.
    """

    def forward(self, x, *arrays):
        return x[whole(self.index, arrays)]

    def backward(self, gy, arrays):
        return (ScatterAdd(self.index, self.shape)(gy, *arrays), *[None] * len(arrays))

    def spec(self, x, *arrays):
        if any(array.dtype.kind == "b" for array in arrays):
            raise TraceError(
                "index: how many numbers a mask chooses is not known before it is there; "
                "use F.where(mask, x, 0)"
            )
        # an axis of length 0 at the end: NumPy applies its rules, and there is nothing to copy
        nowhere = [np.broadcast_to(np.intp(0), array.shape) for array in arrays]
        index = self.index if Ellipsis in self.index else (*self.index, Ellipsis)
        empty = np.empty((*x.shape, 0), np.bool_)
        return empty[(*whole(index, tuple(nowhere)), slice(None))].shape[:-1], x.dtype


class ScatterAdd(Indexed):
    """Zeros, with ``x`` added at ``index`` as often as a place is named. Transpose of `Gather`."""

    def forward(self, x, *arrays):
        y = np.zeros(self.shape, x.dtype, like=x)
        if all(array.dtype.kind == "b" for array in arrays):
            y[whole(self.index, arrays)] = x  # a mask names no place twice
        elif self.takes_wide_rows(x, arrays):
            for place, row in zip(arrays[0].ravel().tolist(), x.reshape(-1, *self.shape[1:])):
                y[place] += row
        else:
            if len(self.shape) == len(x.shape) == 1 < len(arrays[0].shape):
                # spread by hand: NumPy (2.4) reads beyond the end of x in this one case
                x = np.broadcast_to(x, arrays[0].shape)
            np.add.at(y, whole(self.index, arrays), x)
        return y

    def takes_wide_rows(self, x, arrays):
        rest = self.shape[1:]
        wide = self.index == (ARRAY,) and prod(rest) >= WIDE
        return wide and type(x) is np.ndarray and x.shape == arrays[0].shape + rest

    def backward(self, gy, arrays):
        return (Gather(self.index, self.shape)(gy, *arrays), *[None] * len(arrays))

    def spec(self, x, *arrays):
        return self.shape, x.dtype


def whole(index: tuple[Any, ...], arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    """The index with its arrays in their places."""
    waiting = iter(arrays)
    return tuple([next(waiting) if type(i) is str else i for i in index])


def parted(index: Any, x: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """An index of ``x`` as the operators hold it, and the arrays in it."""
    parts: list[Any] = []
    arrays: list[Any] = []
    for part in index if type(index) is tuple else (index,):
        kind = type(part)
        if kind is int or part is None or part is Ellipsis:
            parts.append(part)
        elif kind is slice:
            parts.append(slice(*[_bound(n) for n in (part.start, part.stop, part.step)]))
        elif isinstance(part, np.integer):
            parts.append(int(part))
        else:
            found = _index_arrays(part, x)
            parts += [ARRAY] * len(found)
            arrays += found
    return tuple(parts), arrays


def _bound(n: Any) -> int | None:
    return n if n is None else n.__index__()


def _index_arrays(part: Any, x: Any) -> list[Any]:
    """An index array as what ``x`` can be indexed with."""
    given = part.data if isinstance(part, Variable) else part
    if not is_array(given):
        given = np.asarray(given)
        if not given.size and given.dtype.kind == "f":
            given = given.astype(np.intp)  # an empty list, which NumPy takes for floats
    if given.dtype.kind not in "iub":
        raise DTypeError(f"index: arrays should hold integers or bools, got {given.dtype}")
    if not isinstance(given, np.ndarray):
        return [given]
    if given.dtype.kind == "b" and hasattr(x, "__hear__") and given.ndim:
        return list(given.nonzero())  # its numbers are there, although those of x are not
    return [beside(given, x)]


def get_item(x: ArrayLike, index: Any) -> Variable:
    """``x[index]``: integers, slices, None, Ellipsis, arrays of integers or bools, and any mixture.

    Args:
        x: any shape and dtype.
        index: what NumPy takes; arrays in it may be Variables. No gradient goes to them.
    Returns:
        A view of ``x`` if there is no array in the index, else a copy. The gradient is added up
        where a place is named more than once.
    Raises:
        IndexError: if a place is not in ``x``.
        DTypeError: if an index array holds other than integers or bools.
    Example:
        >>> x = Variable([1.0, 2.0, 3.0])
        >>> x[[0, 0, 2]]
        Variable([1., 1., 3.], float64)
    """
    v = as_variable(x, "index")
    parts, arrays = parted(index, v.data)
    if arrays:
        return Gather(parts, v.shape)(v, *arrays)
    return GetItem(parts, v.shape)(v)


def scatter_add(x: ArrayLike, index: Any, shape: Any) -> Variable:
    """Zeros with ``x`` added at ``index``, as often as a place is named: the transpose of indexing.

    Args:
        x: of the shape that ``zeros(shape)[index]`` has, or one that broadcasts to it.
        index: as `get_item` takes it.
        shape: the result's.
    Returns:
        ``shape``, in the dtype of ``x``.
    Raises:
        IndexError: if a place is not in ``shape``.
        ShapeError: if ``x`` does not fit the places that the index chooses.
    Example:
        >>> scatter_add([1.0, 2.0, 3.0], [0, 0, 2], (4,))
        Variable([3., 0., 3., 0.], float64)
    """
    v = as_variable(x, "scatter_add")
    target = as_shape(shape, "scatter_add")
    parts, arrays = parted(index, v.data)
    try:
        if arrays:
            return ScatterAdd(parts, target)(v, *arrays)
        return PutItem(parts, target)(v)
    except ValueError as error:
        raise ShapeError(
            f"scatter_add: x of shape {v.shape} does not fit the chosen places of {target}: {error}"
        ) from None


def take(x: ArrayLike, indices: ArrayLike, axis: int | None = None) -> Variable:
    """Elements, or whole slices along an axis, by number: ``x[indices]`` for axis 0.

    Args:
        x: any shape and dtype.
        indices: any shape, integers; negative ones count from the end.
        axis: None takes from all elements in their order.
    Returns:
        The shape of ``x`` with ``axis`` replaced by the shape of ``indices``.
    Raises:
        IndexError: if there is no such place.
        RangeError: if there is no such axis.
    Example:
        >>> take([[1.0, 2.0], [3.0, 4.0]], [1, 1, 0], axis=1)
        Variable([[2., 2., 1.],
                  [4., 4., 3.]], float64)
    """
    v = as_variable(x, "take")
    if axis is None:
        return get_item(ravel(v), integers(indices, "take"))
    lead = as_axis(axis, v.ndim, "take")
    return get_item(v, (*[slice(None)] * lead, integers(indices, "take")))


def integers(indices: Any, operation: str) -> Variable:
    v = as_variable(indices, operation)
    if v.dtype.kind not in "iu" and v.size:
        raise DTypeError(f"{operation}: indices should be integers, got {v.dtype}")
    return v if v.dtype.kind in "iu" else as_variable(np.zeros(v.shape, np.intp), operation)


def take_along_axis(x: ArrayLike, indices: ArrayLike, axis: int) -> Variable:
    """One number in every line along ``axis``: ``y[i, j] = x[i, indices[i, j]]`` for axis 1.

    Args:
        x: any shape and dtype.
        indices: integers, of as many axes as ``x``; the other axes broadcast.
        axis: the axis that ``indices`` count along. What `argmax` and `argsort` give fits.
    Returns:
        The shape of ``indices``, with the other axes broadcast.
    Raises:
        IndexError: if there is no such place.
        ShapeError: if the numbers of axes differ.
        RangeError: if there is no such axis.
    Example:
        >>> take_along_axis([[1.0, 2.0], [3.0, 4.0]], [[1], [0]], axis=1)
        Variable([[2.],
                  [3.]], float64)
    """
    v, chosen = as_variable(x, "take_along_axis"), integers(indices, "take_along_axis")
    if v.ndim != chosen.ndim:
        raise ShapeError(
            f"take_along_axis: x and indices should have as many axes, got {v.shape} and "
            f"{chosen.shape}"
        )
    along = as_axis(axis, v.ndim, "take_along_axis")
    parts: list[Any] = [counting(n, i, v.ndim) for i, n in enumerate(v.shape)]
    parts[along] = chosen
    return get_item(v, tuple(parts))


def counting(length: int, axis: int, ndim: int) -> Any:
    """0, 1, 2, ... along one axis of several."""
    return np.arange(length).reshape([-1 if i == axis else 1 for i in range(ndim)])


register(__getitem__=get_item)
