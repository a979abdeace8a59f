"""NumPy's functions that put elements elsewhere: reshape, transpose, concatenate, pad, roll, ..."""

from __future__ import annotations

from functools import partial
from itertools import accumulate, pairwise
from operator import index
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from .heard import emit, heard, values
from .place import trace_error
from .spec import stand_in


def reshaped(x: Any, shape: tuple[int, ...]) -> Any:
    """``x`` in another shape; ``x`` itself if it has that shape."""
    return x if x.shape == shape else emit("reshape", x, shape=shape)


@heard(np.reshape)
def _reshape(a: Any, shape: Any, order: str = "C", copy: Any = None) -> Any:
    _only_c(order, "reshape")
    return reshaped(a, stand_in(a).reshape(shape).shape)


@heard(np.ravel)
def _ravel(a: Any, order: str = "C") -> Any:
    _only_c(order, "ravel")
    return reshaped(a, (a.size,))


def _only_c(order: str, name: str) -> None:
    if order != "C":
        raise trace_error(f"np.{name}: order {order!r} is not heard", "transpose before and after")


def _same_elements(function: Any, a: Any, axis: Any = None) -> Any:
    return reshaped(a, function(stand_in(a), axis).shape)


for _function in (np.squeeze, np.expand_dims):
    heard(_function)(partial(_same_elements, _function))


def permuted(x: Any, axes: tuple[int, ...]) -> Any:
    """``x`` with its axes in another order."""
    return x if axes == tuple(range(x.ndim)) else emit("transpose", x, axes=axes)


def _moved(function: Any, a: Any, *args: Any, **kwargs: Any) -> Any:
    # an array whose lengths are the numbers of its axes tells where each of them goes
    return permuted(a, function(np.broadcast_to(np.False_, range(a.ndim)), *args, **kwargs).shape)


for _function in (np.transpose, np.moveaxis, np.swapaxes, np.rollaxis, np.matrix_transpose):
    heard(_function)(partial(_moved, _function))


@heard(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any) -> Any:
    shape = np.broadcast_to(stand_in(array), shape).shape
    return array if array.shape == shape else emit("broadcast_to", array, shape=shape)


@heard(np.broadcast_arrays)
def _broadcast_arrays(*args: Any) -> Any:
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple([_broadcast_to(x, shape) for x in values(*args)])


@heard(np.concatenate)
def _concatenate(arrays: Any, axis: int | None = 0, *, dtype: Any = None) -> Any:
    xs = values(*arrays)
    if axis is None:
        xs, axis = [_ravel(x) for x in xs], 0
    y = emit("concatenate", *xs, axis=normalize_axis_index(axis, xs[0].ndim))
    return y if dtype is None else y.astype(dtype, copy=False)


@heard(np.stack)
def _stack(arrays: Any, axis: int = 0, *, dtype: Any = None) -> Any:
    xs = [np.expand_dims(x, axis) for x in values(*arrays)]
    return _concatenate(xs, normalize_axis_index(axis, xs[0].ndim), dtype=dtype)


def part(x: Any, axis: int, start: int | None, stop: int | None) -> Any:
    """``x[start:stop]`` along one axis."""
    return x[(*[slice(None)] * axis, slice(start, stop))]


def _split(equal: bool, ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    axis = normalize_axis_index(axis, ary.ndim)
    n = ary.shape[axis]
    if np.ndim(indices_or_sections):
        points = [0, *indices_or_sections, n]
    else:
        sections = index(indices_or_sections)
        if sections < 1 or (equal and n % sections):
            raise ValueError(f"axis {axis} does not fall into {sections} equal parts")
        each, longer = divmod(n, sections)
        points = accumulate([each + (i < longer) for i in range(sections)], initial=0)
    return [part(ary, axis, start, stop) for start, stop in pairwise(points)]


heard(np.split)(partial(_split, True))
heard(np.array_split)(partial(_split, False))


@heard(np.flip)
def _flip(m: Any, axis: Any = None) -> Any:
    axes = range(m.ndim) if axis is None else normalize_axis_tuple(axis, m.ndim)
    return m[tuple([slice(None, None, -1 if i in axes else 1) for i in range(m.ndim)])]


@heard(np.roll)
def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        return reshaped(_roll(_ravel(a), shift, 0), a.shape)
    for by, i in np.broadcast(shift, normalize_axis_tuple(axis, a.ndim, allow_duplicate=True)):
        n = a.shape[i]
        if n and by % n:
            first = n - int(by % n)
            a = _concatenate([part(a, i, first, None), part(a, i, None, first)], i)
    return a


@heard(np.repeat)
def _repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    if axis is None:
        a, axis = _ravel(a), 0
    axis = normalize_axis_index(axis, a.ndim)
    before, n, after = a.shape[:axis], a.shape[axis], a.shape[axis + 1 :]
    if np.ndim(repeats):
        return np.take(a, np.repeat(np.arange(n), repeats), axis)
    repeats = index(repeats)
    wide = _broadcast_to(reshaped(a, (*before, n, 1, *after)), (*before, n, repeats, *after))
    return reshaped(wide, (*before, n * repeats, *after))


@heard(np.tile)
def _tile(A: Any, reps: Any) -> Any:
    given = tuple(reps) if np.ndim(reps) else (reps,)
    times = [1] * (A.ndim - len(given)) + [index(n) for n in given]
    shape = [1] * (len(times) - A.ndim) + list(A.shape)
    apart = reshaped(A, tuple([k for n in shape for k in (1, n)]))
    wide = _broadcast_to(apart, tuple([k for pair in zip(times, shape) for k in pair]))
    return reshaped(wide, tuple([r * n for r, n in zip(times, shape)]))


@heard(np.pad)
def _pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    pairs = np.broadcast_to(pad_width, (array.ndim, 2)).tolist()
    width = tuple([(a, b) for a, b in pairs])
    if not any(map(any, width)):
        return emit("copy", array)
    if mode in ("edge", "reflect", "symmetric", "wrap"):
        for axis, around in enumerate(width):
            if any(around):  # these modes only copy: pad the places of the elements
                places = np.pad(np.arange(array.shape[axis]), around, mode, **options)
                array = np.take(array, places, axis)
        return array
    value = options.pop("constant_values", 0)
    if mode != "constant" or options or np.ndim(value):
        raise trace_error(f"np.pad: mode {mode!r} with {options} is not heard", "concatenate")
    return emit("pad", array, width=width, value=np.asarray(value).astype(array.dtype).item())
