"""Reductions: every row against NumPy or SciPy, over all, one and several axes."""

from __future__ import annotations

import math

import numpy as np
import scipy.special

import lamina.functions as F
from lamina.check import case

AXES = (None, 1, -1, (0, 2), (-2, 0, 2), ())
SHAPES = [(2, 3, 5), (4, 1, 3), (1, 2, 0)]
FILLED = [(2, 3, 5), (4, 1, 3)]


def rows(f, g, shapes=FILLED, axes=AXES, **options):
    """A row for each choice of axes, with and without ``keepdims``, and for a single number."""
    name = f.__name__
    found = [case(f, g, shapes=[*shapes, (7,), ()], **options)]
    for axis in axes:
        for keepdims in (False, True):
            kwargs = {"axis": axis, "keepdims": keepdims}
            called = f"{name} axis={axis}" + (" keepdims" if keepdims else "")
            found.append(case(f, g, shapes=shapes, kwargs=kwargs, name=called, **options))
    return found


def different(*shape):
    """Numbers none of which are close to one another: extremes have derivatives."""
    size = math.prod(shape)
    return lambda rng, dtype: np.asarray(rng.permutation(size).reshape(shape) / 8, dtype)


def extreme(f, g):
    """Rows for the largest or the smallest; over no axes, each is its own."""
    found = [case(f, g, make=[different(2, 3, 5), different(7), different()])]
    for axis in AXES:
        for keepdims in (False, True):
            kwargs = {"axis": axis, "keepdims": keepdims}
            called = f"{f.__name__} axis={axis}" + (" keepdims" if keepdims else "")
            make = [different(2, 3, 5), different(4, 1, 3)]
            found.append(case(f, g, make=make, kwargs=kwargs, name=called))
    nothing = {"axis": 0}
    return [*found, case(f, g, shapes=[(2, 0)], kwargs=nothing, name=f"{f.__name__} of none")]


def place(f, g):
    """Rows for where an extreme is."""
    options = {"order": 0}
    shapes = [(2, 3, 5), (4, 1, 3)]
    return [
        case(f, g, shapes=[*shapes, (7,), ()], **options),
        *[
            case(f, g, shapes=shapes, kwargs=kwargs, name=f"{f.__name__} {kwargs}", **options)
            for kwargs in ({"axis": 0}, {"axis": -1, "keepdims": True}, {"keepdims": True})
        ],
    ]


def truths(rng, dtype):
    """Bools, about a third of them false."""
    return rng.integers(0, 3, (4, 3, 2)) > 0


def zeros(*places):
    """Numbers with zeros in these places."""

    def make(rng, dtype):
        x = rng.uniform(0.5, 2, 5)
        x[list(places)] = 0
        return x.astype(dtype)

    return make


def holds(f, g):
    """Rows for all and any."""
    return [
        case(f, g, make=[truths, lambda rng, dtype: np.zeros((0,), bool)], order=0),
        *[
            case(
                f, g, make=truths, kwargs={"axis": axis}, order=0, name=f"{f.__name__} axis={axis}"
            )
            for axis in (0, -1, (0, 1))
        ],
        case(
            f,
            g,
            make=truths,
            kwargs={"axis": 1, "keepdims": True},
            order=0,
            name=f"{f.__name__} keepdims",
        ),
    ]


CASES = [
    *rows(F.sum, np.sum, SHAPES),
    case(F.sum, np.sum, make=lambda rng, dtype: np.arange(6, dtype=np.int8) * 40, name="sum int8"),
    *rows(F.mean, np.mean),
    case(F.mean, np.mean, shapes=[(2, 0)], kwargs={"axis": 0}, name="mean of none"),
    *rows(F.var, np.var),
    case(F.var, np.var, shapes=[(4, 3)], kwargs={"axis": 0, "ddof": 1}, name="var ddof"),
    # over no axes all is 0, and the derivative is not one
    *rows(F.std, np.std, [(2, 3, 5)], AXES[:-1], domain=(-3, 3)),
    case(F.std, np.std, shapes=[(4, 3)], kwargs={"axis": 0, "ddof": 1}, name="std ddof"),
    *extreme(F.max, np.max),
    *extreme(F.min, np.min),
    *rows(F.prod, np.prod, SHAPES, order=3, domain=(0.5, 1.5)),
    *[
        case(F.prod, np.prod, make=zeros(*places), order=3, name=f"prod zeros at {places}")
        for places in [(0,), (4,), (1, 3), (0, 2, 4), range(5)]
    ],
    case(F.prod, np.prod, make=lambda rng, dtype: np.full(9, 4, np.int8), name="prod int8"),
    *rows(F.logsumexp, scipy.special.logsumexp, order=3),
    case(
        F.logsumexp,
        scipy.special.logsumexp,
        shapes=[(2, 3, 5)],
        domain=(900, 1100),
        kwargs={"axis": 1},
        order=0,  # differences are steps in proportion to x, too long here
        name="logsumexp of large numbers",
    ),
    *place(F.argmax, np.argmax),
    *place(F.argmin, np.argmin),
    *holds(F.all, np.all),
    *holds(F.any, np.any),
    case(F.cumsum, np.cumsum, shapes=[(2, 3, 5), (0, 4), (1,), ()]),
    case(F.cumsum, np.cumsum, shapes=[(2, 3, 5), (2, 0)], kwargs={"axis": 1}, name="cumsum axis"),
    case(F.cumprod, np.cumprod, shapes=[(2, 3), (0, 4), (1,), ()], domain=(0.5, 1.5)),
    case(
        F.cumprod,
        np.cumprod,
        shapes=[(2, 7, 3), (2, 0)],
        domain=(0.5, 1.5),
        kwargs={"axis": -2},
        name="cumprod axis",
    ),
    *[
        case(F.cumprod, np.cumprod, make=zeros(*places), order=3, name=f"cumprod zeros at {places}")
        for places in [(0,), (4,), (1, 3), range(5)]
    ],
]
