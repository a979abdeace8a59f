"""Numbers put, added or taken at chosen places of an array, which itself stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from ..core import Variable
from ..errors import ShapeError
from .compare import where
from .index import ARRAY, Indexed, PutItem, counting, get_item, integers, parted, scatter_add, whole
from .operand import as_axis, as_pair, as_variable, beside
from .shape import broadcast_to, ravel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["index_put", "index_add", "gather", "scatter", "masked_fill", "select"]


class Owner(Indexed):
    """Which of the values, counted from 0, ends at each place of ``shape``; -1 where none does.

    A kernel: so that the rest is a choice, whose derivatives are right where places are named
    twice, too.
    """

    chosen: tuple[int, ...]

    def forward(self, *arrays):
        first = arrays[0]
        y = np.full(self.shape, -1, np.intp, like=first)
        count = int(np.prod(self.chosen))
        y[whole(self.index, arrays)] = beside(np.arange(count).reshape(self.chosen), first)
        return y

    def backward(self, gy):
        return (None,) * self.index.count(ARRAY)

    def spec(self, *arrays):
        return self.shape, np.dtype(np.intp)

    def __hash__(self) -> int:
        return hash((super().__hash__(), self.chosen))


def index_put(x: ArrayLike, index: Any, values: ArrayLike) -> Variable:
    """``x`` with ``values`` in place of what stands at ``index``: ``y = x; y[index] = values``.

    Args:
        x: any shape and dtype.
        index: as `get_item` takes it. Where it names a place more than once, the last one counts.
        values: of the shape of ``x[index]``, or one that broadcasts to it.
    Returns:
        Shape of ``x``, the promoted dtype; a copy. ``x`` gets the gradient where it stayed,
        ``values`` where they came.
    Raises:
        IndexError: if a place is not in ``x``.
        ShapeError: if ``values`` do not fit the chosen places.
    Example:
        >>> index_put([1.0, 2.0, 3.0], [0, 2], [8.0, 9.0])
        Variable([8., 2., 9.], float64)
    """
    v, w = as_pair(x, values, "index_put")
    parts, arrays = parted(index, v.data)
    w = _spread(w, v, index, "index_put")
    if not arrays:
        marked = PutItem(parts, v.shape)(beside(np.ones(w.shape, np.bool_), v.data))
        return where(marked, PutItem(parts, v.shape)(w), v)
    if not w.size:
        return v + 0
    owner = Owner(parts, v.shape, w.shape)(*arrays)
    return where(owner < 0, v, get_item(ravel(w), where(owner < 0, 0, owner)))


def index_add(x: ArrayLike, index: Any, values: ArrayLike) -> Variable:
    """``x`` with ``values`` added at ``index``, as often as a place is named.

    Args:
        x: any shape and dtype.
        index: as `get_item` takes it.
        values: of the shape of ``x[index]``, or one that broadcasts to it.
    Returns:
        Shape of ``x``, the promoted dtype.
    Raises:
        IndexError: if a place is not in ``x``.
        ShapeError: if ``values`` do not fit the chosen places.
    Example:
        >>> index_add([1.0, 2.0, 3.0], [0, 0], [10.0, 100.0])
        Variable([111.,   2.,   3.], float64)
    """
    v, w = as_pair(x, values, "index_add")
    return v + scatter_add(_spread(w, v, index, "index_add"), index, v.shape)


def _spread(w: Variable, v: Variable, index: Any, operation: str) -> Variable:
    """Values in the shape of the chosen places."""
    chosen = _chosen_shape(v, index)
    if len(w.shape) > len(chosen) or any(
        n not in (1, m) for n, m in zip(w.shape[::-1], chosen[::-1])
    ):
        raise ShapeError(
            f"{operation}: values of shape {w.shape} do not fit the chosen places, {chosen}"
        )
    return broadcast_to(w, chosen)


def _chosen_shape(v: Variable, index: Any) -> tuple[int, ...]:
    return get_item(v.detach(), index).shape


def gather(x: ArrayLike, indices: ArrayLike, axis: int) -> Variable:
    """One number for each index, along an axis: ``y[i, j] = x[indices[i, j], j]`` for axis 0.

    As in PyTorch: ``indices`` may be shorter than ``x`` along the other axes. `take_along_axis`,
    as in NumPy, lets them broadcast.

    Args:
        x: any shape but () and any dtype.
        indices: integers, of as many axes; not longer than ``x``, but along ``axis``.
        axis: which they count along.
    Returns:
        The shape of ``indices``, the dtype of ``x``.
    Raises:
        IndexError: if there is no such place.
        ShapeError: if the numbers of axes differ, or ``indices`` are longer.
        RangeError: if there is no such axis.
    Example:
        >>> gather([[1.0, 2.0], [3.0, 4.0]], [[1, 0]], axis=0)
        Variable([[3., 2.]], float64)
    """
    v, places = as_variable(x, "gather"), integers(indices, "gather")
    return get_item(v, _along(v, places, axis, "gather"))


def scatter(x: ArrayLike, indices: ArrayLike, values: ArrayLike, axis: int) -> Variable:
    """``x`` with a value put for each index, along an axis: ``y[indices[i, j], j] = values[i, j]``.

    That is for axis 0; as in PyTorch, and as `numpy.put_along_axis`.

    Args:
        x: any shape but () and any dtype.
        indices: integers, of as many axes; not longer than ``x``, but along ``axis``. Where two
            name one place, the last counts.
        values: of the shape of ``indices``, or one that broadcasts to it.
        axis: which they count along.
    Returns:
        Shape of ``x``, the promoted dtype; a copy.
    Raises:
        IndexError: if there is no such place.
        ShapeError: if the numbers of axes differ, ``indices`` are longer, or values do not fit.
        RangeError: if there is no such axis.
    Example:
        >>> scatter([[1.0, 2.0], [3.0, 4.0]], [[1, 0]], [[8.0, 9.0]], axis=0)
        Variable([[1., 9.],
                  [8., 4.]], float64)
    """
    v, places = as_variable(x, "scatter"), integers(indices, "scatter")
    return index_put(v, _along(v, places, axis, "scatter"), values)


def _along(v: Variable, places: Variable, axis: int, operation: str) -> tuple[Any, ...]:
    """The index that counts by ``places`` along ``axis``, and by itself along the others."""
    i = as_axis(axis, v.ndim, f"{operation} of {v.shape}")
    fits = places.ndim == v.ndim and all(
        n <= m for k, (n, m) in enumerate(zip(places.shape, v.shape)) if k != i
    )
    if not fits:
        raise ShapeError(
            f"{operation}: indices of shape {places.shape} should have as many axes as x of shape "
            f"{v.shape}, and be no longer except along axis {i}"
        )
    parts: list[Array | Variable] = [counting(n, k, v.ndim) for k, n in enumerate(places.shape)]
    parts[i] = places
    return tuple(parts)


def masked_fill(x: ArrayLike, mask: ArrayLike, value: ArrayLike) -> Variable:
    """``x``, but ``value`` where the mask holds: ``where(mask, value, x)``.

    Args:
        x: any shape and dtype.
        mask: bool, a shape that broadcasts with that of ``x``.
        value: a number, or an array that broadcasts with both.
    Returns:
        The broadcast shape, the promoted dtype.
    Example:
        >>> masked_fill([1.0, 2.0], [True, False], 0.0)
        Variable([0., 2.], float64)
    """
    return where(mask, value, as_variable(x, "masked_fill"))


def select(conditions: Any, choices: Any, default: ArrayLike = 0) -> Variable:
    """Elementwise what belongs to the first condition that holds.

    Args:
        conditions: a list of bool arrays.
        choices: a list of as many arrays; all shapes broadcast with one another.
        default: where no condition holds.
    Returns:
        The broadcast shape, the promoted dtype.
    Raises:
        ShapeError: if there are not as many choices as conditions, or none.
    Example:
        >>> x = Variable([-2.0, 0.5, 3.0])
        >>> select([x < 0, x > 1], [-x, x * x])
        Variable([2., 0., 9.], float64)
    """
    pairs = list(zip(conditions, choices))
    if not pairs or len(conditions) != len(choices):
        raise ShapeError(
            f"select: {len(conditions)} conditions need as many choices, got {len(choices)}"
        )
    y: Any = default
    for condition, choice in reversed(pairs):
        y = where(condition, choice, y)
    return y
