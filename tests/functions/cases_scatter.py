"""Numbers put, added and taken at chosen places: against NumPy's assignments, or loops."""

from __future__ import annotations

import numpy as np

import lamina.functions as F
from lamina.check import case

ROWS, COLUMNS = np.array([2, 0, 2, -1]), np.array([[1], [0]])
MASK = np.array([True, False, True])

INDICES = {
    "one": (1, [((3, 2), (2,)), ((3,), ()), ((3, 0), (0,))]),
    "a slice": (slice(None, None, 2), [((3, 2), (2, 2)), ((3,), (1,)), ((1,), (1,))]),
    "all": (..., [((3, 2), (2,)), ((), ()), ((0, 2), (1,))]),
    "rows, one twice": (ROWS, [((3, 2), (4, 1)), ((3,), (4,)), ((3, 0), (1,))]),
    "no rows": (ROWS[:0], [((3, 2), (0, 2)), ((3,), (1,))]),
    "single ones": ((ROWS, COLUMNS), [((3, 2), (2, 4)), ((3, 2), (2, 1))]),
    "a mask": (MASK, [((3, 2), (2, 2)), ((3,), (2,)), ((3,), ())]),
}


def put(index):
    def reference(x, values):
        y = x.copy()
        y[index] = values
        return y

    return reference


def added(index):
    def reference(x, values):
        y = x.copy()
        np.add.at(y, index, values)
        return y

    return reference


def places(shape, high):
    """Random places below ``high``, some of them counted from the end."""
    return lambda rng: rng.integers(-high, high, shape)


def with_places(shape, chosen, high, *more):
    """Numbers, places, and further numbers."""

    def make(rng, dtype):
        numbers = [rng.uniform(-2, 2, s).astype(dtype) for s in (shape, *more)]
        return numbers[0], rng.integers(-high, high, chosen), *numbers[1:]

    return make


def gathered(x, indices, axis):
    """One by one."""
    y = np.zeros(indices.shape)
    for at in np.ndindex(*indices.shape):
        from_place = (*at[:axis], indices[at], *at[axis + 1 :])
        y[at] = x[from_place]
    return y


def scattered(x, indices, values, axis):
    """One by one, so that the last counts."""
    y, values = x.copy(), np.broadcast_to(values, indices.shape)
    for at in np.ndindex(*indices.shape):
        to_place = (*at[:axis], indices[at], *at[axis + 1 :])
        y[to_place] = values[at]
    return y


def masked(rng, dtype):
    return rng.uniform(-2, 2, (2, 3)).astype(dtype), rng.integers(0, 2, 3) > 0


CASES = [
    *[
        case(lambda x, v, index=index: F.index_put(x, index, v), put(index), shapes=shapes,
             name=f"index_put {name}")
        for name, (index, shapes) in INDICES.items()
    ],
    case(lambda x: F.index_put(x, ROWS, 7.0), lambda x: put(ROWS)(x, 7.0), shapes=[(3, 2)],
         name="index_put a number"),
    *[
        case(lambda x, v, index=index: F.index_add(x, index, v), added(index), shapes=shapes,
             name=f"index_add {name}")
        for name, (index, shapes) in INDICES.items()
    ],
    case(
        F.gather,
        gathered,
        make=[with_places((3, 4), (3, 5), 4), with_places((3, 4), (1, 2), 4),
              with_places((1, 1), (1, 1), 1), with_places((0, 4), (0, 2), 4)],
        kwargs={"axis": 1},
    ),
    case(F.gather, gathered, make=with_places((3, 4, 2), (5, 2, 2), 3), kwargs={"axis": 0},
         name="gather rows"),
    case(
        F.scatter,
        scattered,
        make=[with_places((3, 4), (3, 2), 4, (3, 2)), with_places((3, 4), (2, 3), 4, (1, 3)),
              with_places((1, 1), (1, 1), 1, ()), with_places((0, 4), (0, 2), 4, (0, 2))],
        kwargs={"axis": 1},
    ),
    case(F.scatter, scattered, make=with_places((3, 4), (5, 2), 3, (5, 2)), kwargs={"axis": 0},
         name="scatter rows"),
    case(lambda x, mask: F.masked_fill(x, mask, 0.5), lambda x, mask: np.where(mask, 0.5, x),
         make=[masked, lambda rng, dtype: (np.ones(0, dtype), np.ones(0, bool)),
               lambda rng, dtype: (np.ones((), dtype), np.ones(1, bool))],
         name="masked_fill"),
    case(F.masked_fill, lambda x, mask, v: np.where(mask, v, x),
         make=lambda rng, dtype: (*masked(rng, dtype), rng.uniform(size=(2, 1)).astype(dtype)),
         name="masked_fill with an array"),
    case(
        lambda x: F.select([F.less(x, -0.5), F.greater(x, 0.5)], [F.neg(x), F.square(x)], 0.25),
        lambda x: np.select([x < -0.5, x > 0.5], [-x, x * x], 0.25),
        shapes=[(2, 3, 5), (0, 4), (1,), ()],
        name="select",
    ),
]  # fmt: skip
