"""Indexing: ``x[...]`` in all of NumPy's forms, and its transpose, the scatter-add."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import is_array
from ..core import Function, Variable
from ..core.variable import Shape
from ..errors import DTypeError
from .operand import as_variable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["get_item", "scatter_add"]

ARRAY = "array"
"""Stands in an operator's index where an index array, one of its inputs, belongs."""


class _Indexed(Function):
    """An operator with an index, and the shape of the array that it indexes."""

    index: tuple[Any, ...]
    shape: Shape

    def __hash__(self) -> int:
        # slices have a hash only from Python 3.12 on
        parts = [(i.start, i.stop, i.step) if type(i) is slice else i for i in self.index]
        return hash((type(self), self.shape, *parts))


class GetItem(_Indexed):
    """``x[index]`` for integers, slices, None and Ellipsis: a view."""

    views = True

    def forward(self, x):
        return x[self.index]

    def backward(self, gy):
        return PutItem(self.index, self.shape)(gy)


class PutItem(_Indexed):
    """Zeros of ``shape``, but ``x`` at ``index``: the transpose of `GetItem`."""

    def forward(self, x):
        y = np.zeros(self.shape, x.dtype, like=x)
        y[self.index] = x
        return y

    def backward(self, gy):
        return GetItem(self.index, self.shape)(gy)

    def spec(self, x):
        return self.shape, x.dtype


class Gather(_Indexed):
    """``x[index]`` with arrays of integers or bools in the index: a copy."""

    def forward(self, x, *arrays):
        return x[_whole(self.index, arrays)]

    def backward(self, gy, arrays):
        return (ScatterAdd(self.index, self.shape)(gy, *arrays), *[None] * len(arrays))


class ScatterAdd(_Indexed):
    """Zeros of ``shape`` with ``x`` added at ``index``, once for each time a place is named: the
    transpose of `Gather`."""

    def forward(self, x, *arrays):
        y = np.zeros(self.shape, x.dtype, like=x)
        np.add.at(y, _whole(self.index, arrays), x)
        return y

    def backward(self, gy, arrays):
        return (Gather(self.index, self.shape)(gy, *arrays), *[None] * len(arrays))

    def spec(self, x, *arrays):
        return self.shape, x.dtype


def _whole(index: tuple[Any, ...], arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    """The index with its arrays in their places."""
    waiting = iter(arrays)
    return tuple([next(waiting) if type(i) is str else i for i in index])


def _parted(index: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """An index as the operators hold it, and the arrays in it."""
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
            parts.append(ARRAY)
            arrays.append(_index_array(part))
    return tuple(parts), arrays


def _bound(n: Any) -> int | None:
    return n if n is None else n.__index__()


def _index_array(part: Any) -> Any:
    array = part if isinstance(part, Variable) or is_array(part) else np.asarray(part)
    if array.dtype.kind not in "iub":
        if not array.size and not is_array(part):
            return np.zeros(array.shape, np.intp)  # an empty list, which NumPy takes for floats
        raise DTypeError(f"index: arrays should hold integers or bools, got {array.dtype}")
    return array


def get_item(x: ArrayLike, index: Any) -> Variable:
    """``x[index]``: integers, slices, None, Ellipsis, arrays of integers or bools, and any mixture.

    Args:
        x: any shape and dtype.
        index: what NumPy takes; arrays in it may be Variables. No gradient goes to them.
    Returns:
        A view of ``x`` if there is no array in the index, else a copy.
    Raises:
        IndexError: if a place is not in ``x``.
        DTypeError: if an index array holds other than integers or bools.
    Example:
        >>> x = Variable([1.0, 2.0, 3.0])
        >>> x[[0, 0, 2]]
        Variable([1., 1., 3.], float64)
    """
    v = as_variable(x, "index")
    parts, arrays = _parted(index)
    if arrays:
        return Gather(parts, v.shape)(v, *arrays)
    return GetItem(parts, v.shape)(v)


def scatter_add(x: ArrayLike, index: Any, shape: Shape) -> Variable:
    """Zeros with ``x`` added at ``index``, once for each time a place is named.

    Args:
        x: of the shape of ``zeros(shape)[index]``.
        index: as `get_item` takes it.
        shape: the result's.
    Returns:
        ``shape``, the dtype of ``x``.
    """
    v = as_variable(x, "scatter_add")
    parts, arrays = _parted(index)
    if arrays:
        return ScatterAdd(parts, tuple(shape))(v, *arrays)
    return PutItem(parts, tuple(shape))(v)


Variable.__getitem__ = get_item
