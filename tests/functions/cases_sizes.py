"""Sizes 0 and 1, for operators whose family's table has only larger ones."""

from __future__ import annotations

import numpy as np
import scipy.special

import lamina.functions as F
from lamina.check import case


def joined(*xs):
    return F.concatenate(xs)


def halved(x):
    return F.split(x, 1)


CASES = [
    case(F.softmax, scipy.special.softmax, shapes=[(1,), (1, 1)], kwargs={"axis": 0}),
    case(F.log_softmax, scipy.special.log_softmax, shapes=[(1,), (1, 1)], kwargs={"axis": 0}),
    *[
        case(f, g, shapes=[((0,), (0, 1)), ((1,), ())], domain=[(-5, 5), (1, 2)], order=1)
        for f, g in [(F.mod, np.mod), (F.floordiv, np.floor_divide)]
    ],
    case(F.tensordot, np.tensordot, shapes=[((1,), (1,)), ((1, 1), (1, 1))], kwargs={"axes": 1}),
    case(F.dot, np.dot, shapes=[((0,), (0,)), ((2, 0), (0, 3)), ((0, 2), (2, 3))]),
    case(
        F.take_along_axis,
        np.take_along_axis,
        make=lambda rng, dtype: (np.ones((1, 1), dtype), np.zeros((1, 1), np.int64)),
        kwargs={"axis": 1},
    ),
    case(
        joined, lambda *xs: np.concatenate(xs), shapes=[((1,), (1,)), ((1,),)], name="concatenate"
    ),
    case(halved, lambda x: np.split(x, 1), shapes=[(1,), (1, 1)], name="split"),
    *[
        case(f, g, shapes=[(1,), (1, 1), ()], order=0)
        for f, g in [(F.all, np.all), (F.any, np.any)]
    ],
    case(F.moveaxis, np.moveaxis, shapes=[(1,), (1, 1)], kwargs={"source": 0, "destination": -1}),
    case(F.swapaxes, np.swapaxes, shapes=[(1,), (1, 1)], kwargs={"axis1": 0, "axis2": -1}),
    *[
        case(f, g, shapes=[(1,), ()])
        for f, g in [
            (F.sign, np.sign),
            (F.floor, np.floor),
            (F.ceil, np.ceil),
            (F.round, np.round),
            (F.trunc, np.trunc),
        ]
    ],
]
