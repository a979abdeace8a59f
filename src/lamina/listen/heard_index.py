"""Indexing: slices and reshapes for what NumPy calls basic, a gather for arrays of integers."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from .heard import emit, heard, values
from .heard_shape import permuted, reshaped
from .ir import Value
from .place import trace_error
from .spec import stand_in


def _get_item(x: Any, index: Any) -> Any:
    """``x[index]``: a slice of full rank, then a reshape, then a gather; each only if needed."""
    parts = [_read(part) for part in (index if isinstance(index, tuple) else (index,))]
    parts = _without_ellipsis(parts, x.ndim)
    arrays = [part for part in parts if _is_index_array(part)]
    basic = tuple([slice(None) if _is_index_array(part) else part for part in parts])
    stand_in(x)[basic]  # NumPy's own errors
    if arrays:  # then an integer is an index array too
        basic = tuple([slice(None) if isinstance(part, int) else part for part in basic])
    y = _basic(x, basic)
    chosen = {
        axis: part
        for axis, part in enumerate(parts)
        if arrays and (_is_index_array(part) or isinstance(part, int))
    }
    return emit("gather", y, *chosen.values(), axes=tuple(chosen)) if chosen else y


def _read(part: Any) -> Any:
    """One part of an index: an int, slice, None or Ellipsis, or an array of integers."""
    if part is None or part is Ellipsis or type(part) in (int, slice):
        return part
    if isinstance(part, np.integer):
        return int(part)
    array: Any = part if hasattr(part, "dtype") else np.asarray(part)
    if array.dtype == bool:
        _refuse_mask(array)
    return array if array.size or hasattr(part, "dtype") else array.astype(np.intp)


def _refuse_mask(mask: Any) -> NoReturn:
    raise trace_error(
        f"index: with a mask, here bool of shape {mask.shape}, the length of the result depends on "
        "numbers that are not known yet",
        "use lamina.where, which keeps the length, or integers from np.nonzero before the step",
    )


def _is_index_array(part: Any) -> bool:
    return hasattr(part, "dtype")


def _without_ellipsis(parts: list[Any], ndim: int) -> list[Any]:
    """The index for all axes, ``:`` for those it does not name."""
    at = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
    named = sum([part is not None and part is not Ellipsis for part in parts])
    return [*parts[:at], *[slice(None)] * (ndim - named), *parts[at + 1 :]]


def _basic(x: Any, index: tuple[Any, ...]) -> Any:
    """``x[index]`` for an index of ints, slices and None that names all axes."""
    lengths = iter(x.shape)
    cuts = [_cut(part, next(lengths)) for part in index if part is not None]
    shape = stand_in(x)[index].shape
    if any(cut != (0, n, 1) for cut, n in zip(cuts, x.shape)):
        start, stop, step = zip(*cuts)
        x = emit("slice", x, start=start, stop=stop, step=step)
    return reshaped(x, shape)


def _cut(part: Any, n: int) -> tuple[int, int, int]:
    """Start, stop and step of what an int or a slice takes of ``n`` elements."""
    if isinstance(part, int):
        return part % n, part % n + 1, 1
    start, stop, step = part.indices(n)
    return (start, stop, step) if len(range(start, stop, step)) else (0, 0, 1)


Value.__getitem__ = _get_item


@heard(np.take)
def _take(a: Any, indices: Any, axis: int | None = None, *, mode: str = "raise") -> Any:
    if mode != "raise":
        raise trace_error(f"np.take: mode {mode!r} is not heard", "use np.clip or % before")
    if axis is None:
        a, axis = reshaped(a, (a.size,)), 0
    return a[(*[slice(None)] * normalize_axis_index(axis, a.ndim), indices)]


@heard(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    arr, indices = values(arr, indices)
    if axis is None:
        arr, axis = reshaped(arr, (arr.size,)), 0
    axis = normalize_axis_index(axis, arr.ndim)
    if arr.ndim != indices.ndim:
        raise ValueError("arr and indices should have the same number of axes")
    places = [_places(arr, i) if i != axis else indices for i in range(arr.ndim)]
    return arr[tuple(places)]


def _places(x: Any, axis: int) -> Any:
    """0, 1, 2, ... along one of the axes of ``x``."""
    shape = tuple([n if i == axis else 1 for i, n in enumerate(x.shape)])
    return reshaped(counted(x, 0, x.shape[axis]), shape)


def counted(x: Any, start: int, stop: int) -> Any:
    """``np.arange(start, stop)``, in the Program of ``x``."""
    return x.program.emit("arange", start=start, stop=stop, step=1, dtype=np.dtype(np.intp))


@heard(np.diagonal)
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    length = np.diagonal(stand_in(a), offset, axis1, axis2).shape[-1]
    i, j = normalize_axis_index(axis1, a.ndim), normalize_axis_index(axis2, a.ndim)
    rest = [axis for axis in range(a.ndim) if axis not in (i, j)]
    row, column = max(-offset, 0), max(offset, 0)
    rows, columns = counted(a, row, row + length), counted(a, column, column + length)
    return permuted(a, (*rest, i, j))[..., rows, columns]


@heard(np.trace)
def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    return np.sum(_diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)


def _triangle(lower: bool, m: Any, k: int = 0) -> Any:
    if not m.ndim:
        raise ValueError("an array of shape () has no triangle")
    n, width = m.shape[-2:] if m.ndim > 1 else (m.shape[0], m.shape[0])
    start = -k if lower else 1 - k
    below = np.greater_equal(reshaped(counted(m, 0, n), (n, 1)), counted(m, start, start + width))
    zero = m.dtype.type(0)
    return np.where(below, m, zero) if lower else np.where(below, zero, m)


@heard(np.tril)
def _tril(m: Any, k: int = 0) -> Any:
    return _triangle(True, m, k)


@heard(np.triu)
def _triu(m: Any, k: int = 0) -> Any:
    return _triangle(False, m, k)
