"""Diagonals: against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import scipy.linalg

import lamina.functions as F
from lamina.check import case

MATRICES = [(3, 5), (4, 2), (1, 1), (0, 3), (2, 3, 4)]


def diagonal(x, offset=0, axis1=-2, axis2=-1):
    return np.diagonal(x, offset, axis1, axis2)


def trace(x, offset=0, axis1=-2, axis2=-1):
    return np.asarray(np.trace(x, offset, axis1, axis2))


def embedded(x, offset=0):
    n = x.shape[-1] + abs(offset)
    y = np.zeros((*x.shape[:-1], n, n))
    for i in range(x.shape[-1]):
        y[..., i + max(-offset, 0), i + max(offset, 0)] = x[..., i]
    return y


def filled(x, value):
    y = x.copy()
    for i in range(min(x.shape[-2:])):
        y[..., i, i] = np.broadcast_to(value, x.shape)[..., i, i]
    return y


CASES = [
    case(F.diagonal, diagonal, shapes=MATRICES),
    *[
        case(F.diagonal, diagonal, shapes=[(3, 5), (4, 2)], kwargs={"offset": k},
             name=f"diagonal {k}")
        for k in (-3, -1, 2, 9)
    ],
    case(F.diagonal, diagonal, shapes=[(2, 3, 4)], kwargs={"axis1": 2, "axis2": 0},
         name="diagonal of other axes"),
    case(F.trace, trace, shapes=MATRICES),
    case(F.trace, trace, shapes=[(4, 3)], kwargs={"offset": -1}, name="trace below"),
    case(F.diag_embed, embedded, shapes=[(3,), (2, 3), (1,), (0,), (2, 0)]),
    case(F.diag_embed, embedded, shapes=[(3,), (2, 2)], kwargs={"offset": 1},
         name="diag_embed above"),
    case(F.diag_embed, embedded, shapes=[(3,), (0,)], kwargs={"offset": -2},
         name="diag_embed below"),
    case(F.fill_diagonal, filled, shapes=MATRICES, kwargs={"value": 0.5}),
    case(F.fill_diagonal, filled, shapes=[((3, 4), (4,)), ((2, 3, 2), (3, 1))],
         name="fill_diagonal with an array"),
    case(lambda *xs: F.block_diag(xs), scipy.linalg.block_diag,
         shapes=[((2, 3), (1, 1), (3, 2)), ((1, 2),), ((0, 2), (2, 1))], name="block_diag"),
]  # fmt: skip
