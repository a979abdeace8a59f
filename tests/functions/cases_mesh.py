"""Arrays side by side and over one another: against NumPy."""

from __future__ import annotations

import numpy as np

import lamina.functions as F
from lamina.check import case


def several(f, reference, name, *samples, **options):
    """A row for a function of one list of arrays."""
    return case(lambda *xs: f(xs), lambda *xs: reference(xs), shapes=samples, name=name, **options)


CASES = [
    case(F.meshgrid, np.meshgrid, shapes=[((3,), (2,)), ((2,), (1,), (3,)), ((4,),), ((0,), (2,))]),
    case(F.meshgrid, np.meshgrid, shapes=[((3,), (2,)), ((2,), (), (3,))],
         kwargs={"indexing": "ij"}, name="meshgrid ij"),
    case(F.broadcast_arrays, np.broadcast_arrays,
         shapes=[((3, 1), (2,)), ((), (2, 3)), ((1,), (0,)), ((4,),)]),
    case(F.rot90, np.rot90, shapes=[(2, 3), (1, 1), (0, 2), (2, 3, 4)]),
    *[
        case(F.rot90, np.rot90, shapes=[(2, 3, 4)], kwargs={"k": k, "axes": (2, 0)},
             name=f"rot90 {k}")
        for k in (-1, 0, 2, 7)
    ],
    several(F.hstack, np.hstack, "hstack", ((2, 3), (2, 1)), ((3,), (0,)), ((), ()), ((1,),)),
    several(F.vstack, np.vstack, "vstack", ((2, 3), (1, 3)), ((3,), (3,)), ((0, 2), (1, 2)), ((),)),
    several(F.dstack, np.dstack, "dstack", ((2, 3), (2, 3)), ((3,), (3,)), ((0, 2), (0, 2)), ((),),
            ((2, 1, 3), (2, 1, 4))),
    case(F.unstack, lambda x, axis=0: tuple(np.moveaxis(x, axis, 0)),
         shapes=[(3, 2), (1,), (2, 0), (3,)]),
    case(F.unstack, lambda x, axis: tuple(np.moveaxis(x, axis, 0)), shapes=[(2, 3, 4)],
         kwargs={"axis": -1}, name="unstack axis"),
    case(F.chunk, lambda x, count, axis=0: np.array_split(x, count, axis),
         shapes=[(5, 2), (2,), (1,), (1, 3), (0, 2)], kwargs={"count": 3}),
    case(F.chunk, lambda x, count, axis: np.array_split(x, count, axis), shapes=[(2, 7)],
         kwargs={"count": 2, "axis": 1}, name="chunk axis"),
    case(F.atleast_1d, np.atleast_1d, shapes=[(), (3,), (2, 0), (1,)]),
    case(F.atleast_2d, np.atleast_2d, shapes=[(), (3,), (2, 0), (2, 1, 3)]),
]  # fmt: skip
