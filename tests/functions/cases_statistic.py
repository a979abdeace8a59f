"""Reductions made of others: every row against NumPy."""

from __future__ import annotations

import math
import warnings

import numpy as np

import lamina.functions as F
from lamina.check import case

KWARGS = [{}, {"axis": 1}, {"axis": (0, -1), "keepdims": True}]
FILLED = [(2, 3, 5), (4, 1, 3)]


def different(*shape):
    """Numbers none of which are close to one another: extremes have derivatives."""
    size = math.prod(shape)
    return lambda rng, dtype: np.asarray(rng.permutation(size).reshape(shape) / 8, dtype)


def apart(*shape):
    """Numbers of both signs, none of whose sizes are close to one another, or to 0."""

    def make(rng, dtype):
        x = (1 + rng.permutation(math.prod(shape))) * rng.choice([-1, 1], math.prod(shape)) / 8
        return x.reshape(shape).astype(dtype)

    return make


def with_zeros(rng, dtype):
    """Small whole numbers, many of them 0."""
    return rng.integers(-1, 2, (2, 3, 5)).astype(dtype)


def holes(*shape):
    """Numbers with about a third of them NaN, and the first not."""

    def make(rng, dtype):
        x = 0.5 + rng.permutation(math.prod(shape)) / 32
        x[1:][rng.uniform(size=x.size - 1) < 0.3] = np.nan
        return x.reshape(shape).astype(dtype)

    return make


def all_holes(rng, dtype):
    """A line of NaN beside one that has a number."""
    return np.array([[np.nan, np.nan], [np.nan, 2.0]], dtype)


def rows(f, g, **options):
    """A row for each choice of axes, and one for a single number."""
    name = f.__name__
    return [
        *[case(f, g, kwargs=kwargs, name=f"{name} {kwargs}", **options) for kwargs in KWARGS],
        case(f, g, shapes=[(1,), ()], name=f"{name} of one", order=options.get("order", 2)),
    ]


def quiet(reference):
    """NumPy's function without its warnings of empty slices; ``ddof`` passed on."""

    def f(x, **kwargs):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return reference(x, **kwargs)

    return f


def without_nan(f, g):
    """Rows for lines with holes, a line of holes only, and nothing."""
    name, reference = f.__name__, quiet(g)
    return [
        *[
            case(f, reference, make=holes(2, 3, 5), kwargs=kwargs, name=f"{name} {kwargs}", order=0)
            for kwargs in KWARGS
        ],
        case(f, reference, make=all_holes, kwargs={"axis": 1}, name=f"{name} of NaN", order=0),
        case(f, reference, make=[different(2, 3), different(1)], name=f"{name} without NaN"),
    ]


def weighted(x, axis=None, weights=None, keepdims=False):
    return np.average(x, axis, weights, keepdims=keepdims)


def norm(x, ord=2, axis=None, keepdims=False):
    """By the definition, with powers and roots."""
    size = np.abs(x)
    if ord == 0:
        return (size != 0).sum(axis, keepdims=keepdims).astype(float)
    if np.isinf(ord):
        return (np.max if ord > 0 else np.min)(size, axis, keepdims=keepdims)
    return (size**ord).sum(axis, keepdims=keepdims) ** (1 / ord)


def norms(ord, make=None, **options):
    """Rows for one order of norm."""
    return [
        case(
            F.vector_norm,
            norm,
            make=make or apart(2, 3, 5),
            kwargs={"ord": ord, **kwargs},
            name=f"vector_norm {ord} {kwargs}",
            **options,
        )
        for kwargs in KWARGS[1:]
    ]


nothing = {"axis": 0}

CASES = [
    *rows(F.var_mean, lambda x, **kw: (np.var(x, **kw), np.mean(x, **kw)), shapes=[(2, 3, 4)]),
    case(
        lambda x: F.var_mean(x, 1),
        lambda x: (np.zeros(0), np.zeros(0)),
        shapes=[(0, 3)],
        name="var_mean of no lines",
    ),
    *rows(F.average, weighted, shapes=FILLED),
    case(F.average, np.mean, shapes=[(0, 3)], kwargs={"axis": 1}, name="average of no lines"),
    case(
        lambda x, w: F.average(x, weights=w),
        lambda x, w: (x * w).sum() / w.sum(),
        shapes=[((2, 3), (2, 3)), ((1,), (1,))],
        domain=(0.5, 2),
        name="average with weights",
    ),
    case(
        lambda x, w: F.average(x, 0, w),
        lambda x, w: np.average(x, 0, w),
        shapes=[((3, 2), (3,)), ((1, 2), (1,))],
        domain=(0.5, 2),
        name="average with weights of an axis",
    ),
    *[
        case(F.ptp, np.ptp, make=different(2, 3, 5), kwargs=kwargs, name=f"ptp {kwargs}")
        for kwargs in KWARGS
    ],
    case(F.ptp, np.ptp, shapes=[(2, 0), (1, 3)], kwargs=nothing, name="ptp of none"),
    case(F.ptp, np.ptp, shapes=[(1,), ()], name="ptp of one"),
    *[
        case(
            F.count_nonzero,
            np.count_nonzero,
            make=[lambda rng, dtype: rng.integers(-1, 2, (4, 3, 2)).astype(dtype)],
            kwargs=kwargs,
            order=0,
            name=f"count_nonzero {kwargs}",
        )
        for kwargs in KWARGS
    ],
    case(F.count_nonzero, np.count_nonzero, shapes=[(0, 2), (1,), ()], order=0),
    *without_nan(F.nansum, np.nansum),
    case(F.nansum, np.nansum, shapes=[(2, 0)], kwargs=nothing, name="nansum of none"),
    *without_nan(F.nanprod, np.nanprod),
    case(F.nanprod, np.nanprod, shapes=[(2, 0)], kwargs=nothing, name="nanprod of none"),
    *without_nan(F.nanmean, np.nanmean),
    case(F.nanmean, quiet(np.nanmean), shapes=[(0, 2)], kwargs=nothing, name="nanmean of none"),
    *without_nan(F.nanvar, np.nanvar)[:-1],
    case(F.nanvar, quiet(np.nanvar), shapes=[(0, 2)], kwargs=nothing, name="nanvar of none"),
    case(F.nanvar, quiet(np.nanvar), shapes=[(3, 2)], kwargs={"axis": 0, "ddof": 1},
         name="nanvar ddof"),
    case(F.nanvar, np.nanvar, shapes=[(1,)], name="nanvar of one"),
    *without_nan(F.nanstd, np.nanstd)[:-1],
    case(F.nanstd, np.nanstd, shapes=[(4, 3)], kwargs={"axis": 0, "ddof": 1}, name="nanstd ddof"),
    case(F.nanstd, quiet(np.nanstd), shapes=[(0, 2)], kwargs=nothing, name="nanstd of none"),
    case(F.nanstd, np.nanstd, shapes=[(1,)], order=0, name="nanstd of one"),
    *without_nan(F.nanmax, np.nanmax),
    case(F.nanmax, np.nanmax, shapes=[(2, 0)], kwargs=nothing, name="nanmax of none"),
    *without_nan(F.nanmin, np.nanmin),
    case(F.nanmin, np.nanmin, shapes=[(2, 0)], kwargs=nothing, name="nanmin of none"),
    case(F.cov, np.cov, shapes=[(3, 5), (7,)]),
    case(F.cov, np.cov, shapes=[(2, 1)], kwargs={"ddof": 0}, name="cov of one observation"),
    case(lambda x: F.cov(x), lambda x: np.zeros((0, 0)), shapes=[(0, 3)], name="cov of none"),
    case(lambda x: F.cov(x, 0), lambda x: 0 * x[0], shapes=[(1,)], name="cov of one number"),
    case(F.corrcoef, np.corrcoef, shapes=[(3, 5)]),
    case(F.corrcoef, lambda x: np.array(1.0), shapes=[(7,)], name="corrcoef of one variable"),
    case(F.corrcoef, lambda x: np.zeros((0, 0)), shapes=[(0, 3)], name="corrcoef of none"),
    *norms(2, order=3),
    *norms(1),
    *norms(3),
    *norms(0.5, order=1),
    *norms(np.inf),
    *norms(-np.inf),
    *norms(0, with_zeros, order=0),
    case(F.vector_norm, norm, shapes=[(2, 3), (0, 2), (1,), ()], domain=(0.5, 2)),
    case(F.vector_norm, norm, shapes=[(0, 3), (3, 0)], kwargs={"axis": 1, "ord": 1.5},
         name="vector_norm of none"),
]  # fmt: skip
