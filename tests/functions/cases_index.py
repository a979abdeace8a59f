"""Indexing and scattering against NumPy; scattering also against loops."""

from __future__ import annotations

import numpy as np

import lamina.functions as F
from lamina import Variable
from lamina.check import case

ROWS, COLUMNS = np.array([2, 0, 2, -1]), np.array([[1], [0]])
MASK = np.array([True, False, True])
MATRIX_MASK = np.array([[True, False, True, False], [False] * 4, [True] * 4])

INDICES = {
    "": (0, [(3, 4), (1,), (2, 0)]),
    "last": (-1, [(3, 4), (1,)]),
    "slice": (slice(None, None, -2), [(5, 2), (0,), (1, 3)]),
    "slice beyond": (slice(2, 9), [(3, 4), (1,)]),
    "of numpy numbers": ((np.int64(1), slice(np.int32(0), np.int64(2))), [(3, 4)]),
    "ellipsis": ((..., 0), [(3, 4), (2, 3, 1), (5,)]),
    "new axes": ((None, slice(1, 3), None, ..., None), [(3, 4), (5,)]),
    "nothing": ((), [(3, 4), (1,)]),
    "one number": ((1, 2), [(3, 4)]),
    "empty slice": ((slice(2, 2), 1), [(3, 4)]),
    "list": ([2, 0, 2], [(3, 4), (3,), (3, 0)]),
    "empty list": ([], [(3, 4), (1,)]),
    "array": (ROWS, [(3, 4), (3,)]),
    "wide rows": (ROWS, [(3, 2, 64)]),
    "wide rows of a matrix": (ROWS.reshape(2, 2), [(3, 130)]),
    "array of columns": ((slice(None), ROWS), [(2, 3), (1, 3, 2)]),
    "two arrays": ((ROWS, COLUMNS), [(3, 2), (3, 2, 5)]),
    "arrays apart": ((ROWS, slice(None), COLUMNS), [(3, 4, 2)]),
    "arrays and an integer": ((ROWS, 1, COLUMNS), [(3, 4, 2)]),
    "array, new axis, slice": ((ROWS, None, slice(0, 2)), [(3, 4)]),
    "array behind an ellipsis": ((..., ROWS), [(2, 4, 3), (3,)]),
    "array around an ellipsis": ((0, ..., ROWS), [(2, 4, 3), (2, 3)]),
    "mask": (MASK, [(3, 4), (3,)]),
    "mask of no use": (~MASK & MASK, [(3, 4)]),
    "mask of columns": ((slice(None), MASK), [(2, 3), (0, 3)]),
    "mask of a matrix": (MATRIX_MASK, [(3, 4), (3, 4, 2)]),
    "mask and an integer": ((MASK, 1), [(3, 4)]),
    "mask and an array": ((MASK, np.array([3, 3])), [(3, 4)]),
    "mask of one and an array": ((np.array([False, True]), np.array([3, 3, 1])), [(2, 4)]),
    "small integers": (np.array([1, 2, 1], np.uint8), [(3, 4)]),
}


def indexed(name, index, shapes):
    return case(
        lambda x: x[index] if isinstance(x, Variable) else F.get_item(x, index),
        lambda x: x[index],
        shapes=shapes,
        name=f"get_item {name}".strip(),
        unheard="a single truth value as an index" if "number as a mask" in name else "",
    )


def added_by_loops(x, index, shape):
    """Each element by itself, at the flat place where the index leads."""
    y = np.zeros(shape).ravel()
    places = np.arange(y.size).reshape(shape)[index]
    for place, value in zip(places.ravel(), x.ravel(), strict=True):
        y[place] += value
    return y.reshape(shape)


def scattered(name, index, shape):
    chosen = np.zeros(shape)[index].shape
    return case(
        F.scatter_add,
        added_by_loops,
        shapes=[(chosen,)],
        kwargs={"index": index, "shape": shape},
        name=f"scatter_add {name}".strip(),
    )


def with_indices(shape, count, high):
    """Random places below ``high`` beside an input."""

    def make(rng, dtype):
        return rng.uniform(-2, 2, shape).astype(dtype), rng.integers(-high, high, count)

    return make


def labels(classes, shape):
    return lambda rng, dtype: np.asarray(rng.integers(0, classes, shape))


CASES = [
    *[indexed(name, index, shapes) for name, (index, shapes) in INDICES.items()],
    *[scattered(name, index, shapes[0]) for name, (index, shapes) in INDICES.items()],
    case(
        F.take,
        np.take,
        make=[with_indices((3, 4), (2, 5), 12), with_indices((1,), (3,), 1)],
    ),
    case(
        F.take,
        np.take,
        make=[with_indices((3, 4, 2), (2, 5), 4), with_indices((1, 4), (0,), 4)],
        kwargs={"axis": 1},
        name="take axis",
    ),
    case(
        F.take_along_axis,
        np.take_along_axis,
        make=[
            with_indices((3, 4), (3, 5), 4),
            with_indices((3, 4), (1, 5), 4),
            with_indices((1, 4), (3, 1), 4),
            with_indices((3, 4, 2), (3, 7, 2), 4),
            with_indices((0, 4), (0, 1), 4),
        ],
        kwargs={"axis": 1},
    ),
    case(
        lambda t: F.one_hot(t, 4, np.float64),
        lambda t: np.eye(4)[t],
        make=[labels(4, shape) for shape in [(5,), (2, 3), (0,), (1, 1), ()]],
        order=0,
        name="one_hot",
    ),
]
