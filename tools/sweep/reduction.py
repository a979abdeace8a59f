"""Reductions over random axes, scans, sorting, counting, segments."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

import lamina.functions as F

from .case import Case, Draw, count_over, nn, operator, torch


def over(f: Any) -> Any:
    """PyTorch's reduction, with NumPy's words for axes."""

    def reduce(x: Any, axis: Any, keepdims: bool, **words: Any) -> Any:
        axis = tuple(range(x.ndim)) if axis is None else axis
        return f(x, dim=axis, keepdim=keepdims, **words)

    return reduce


def product(x: Any, axis: Any, keepdims: bool) -> Any:
    """PyTorch multiplies over one axis at a time."""
    axes = range(x.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    axes = sorted(i % max(x.ndim, 1) for i in axes)
    for i in reversed(axes):
        x = x.prod(i, keepdim=keepdims)
    return x


def spread(f: Any) -> Any:
    return lambda x, axis, keepdims, ddof: over(f)(x, axis, keepdims, correction=ddof)


REDUCE: dict[str, tuple[Any, Any]] = {
    "sum": (np.sum, over(lambda x, **w: x.sum(**w))),
    "mean": (np.mean, over(lambda x, **w: x.mean(**w))),
    "max": (np.max, over(lambda x, **w: x.amax(**w))),
    "min": (np.min, over(lambda x, **w: x.amin(**w))),
    "prod": (np.prod, product),
    "logsumexp": (
        # Not SciPy's, which makes an axis of none where there is none to keep.
        lambda x, **words: np.log(np.sum(np.exp(x), **words)),
        over(lambda x, **w: x.logsumexp(**w)),
    ),
    "all": (np.all, None),
    "any": (np.any, None),
    "ptp": (np.ptp, over(lambda x, **w: x.amax(**w) - x.amin(**w))),
    "count_nonzero": (np.count_nonzero, None),
    "nansum": (np.nansum, over(lambda x, **w: x.nansum(**w))),
    "nanprod": (np.nanprod, None),
    "nanmean": (np.nanmean, over(lambda x, **w: x.nanmean(**w))),
    "nanmax": (np.nanmax, None),
    "nanmin": (np.nanmin, None),
    "median": (np.median, None),
    "var": (np.var, spread(lambda x, **w: x.var(**w))),
    "std": (np.std, spread(lambda x, **w: x.std(**w))),
    "nanvar": (np.nanvar, None),
    "nanstd": (np.nanstd, None),
    "var_mean": (
        lambda x, axis, keepdims, ddof: (
            np.var(x, axis=axis, keepdims=keepdims, ddof=ddof),
            np.mean(x, axis=axis, keepdims=keepdims),
        ),
        spread(lambda x, **w: torch.var_mean(x, **w)),
    ),
}
WHOLE = ["sum", "prod", "mean", "max", "all", "any", "ptp", "count_nonzero", "var"]
"""Cases of these have integers and bools too."""


EMPTY = ["sum", "prod", "all", "any", "count_nonzero", "nansum", "nanprod"]
"""These have a value for nothing."""


@operator(*REDUCE)
def reduction(d: Draw) -> Case:
    numpy, peer = REDUCE[d.name]
    # Products of many numbers up to 3 leave single precision.
    least = d.least() if d.name in EMPTY else 1
    x = d.array(*d.shape(least=least), **({"low": 0.75, "high": 1.25} if "prod" in d.name else {}))
    words: dict[str, Any] = {"axis": d.axes(x.ndim), "keepdims": d.flag()}
    if d.name.endswith(("var", "std", "var_mean")):
        words["ddof"] = d.int(0, 1)
        if count_over(x, words["axis"]) <= words["ddof"]:
            words["ddof"] = 0
    if d.name.startswith("nan"):
        x[d.bools(*x.shape)] = np.nan
    f = getattr(F, d.name)
    raw = d.name in WHOLE and d.int(0, 3) == 0
    if raw:
        x = np.asarray(np.abs(x)).astype(d.pick(["int8", "int64", "bool", "uint8"]))
        if d.name == "ptp" and x.dtype == bool:
            x = x.astype(np.int32)  # NumPy has no ptp of bools
    # PyTorch's derivatives are NaN of a single number's deviation and of a mean of nothing; here 0.
    grad = d.name != "std" or count_over(x, words["axis"]) > 1
    grad = grad and (d.name != "nanmean" or not np.isnan(x).all(words["axis"]).any())
    return Case(
        lambda x: f(x, **words),
        [x],
        lambda x: numpy(x, **words),
        None if raw or peer is None else lambda x: peer(x, **words),
        text=f"{words}",
        terms=count_over(x, words["axis"]),
        scale=9.0,  # squares of numbers up to 3
        grad=grad,
        raw=raw,
    )


@operator("argmax", "argmin")
def place(d: Draw) -> Case:
    x = d.array(*d.shape(1))
    axis, keepdims = d.pick([None, d.axis(x.ndim)]), d.flag()
    f, numpy = getattr(F, d.name), getattr(np, d.name)
    peer = None if axis is None else lambda x: getattr(x, d.name)(axis, keepdims)
    return Case(
        lambda x: f(x, axis, keepdims),
        [x],
        lambda x: numpy(x, axis, keepdims=keepdims),
        peer,
        text=f"axis={axis}, keepdims={keepdims}",
    )


def log_cumulated(x: np.ndarray, axis: int | None) -> np.ndarray:
    return np.logaddexp.accumulate(x.ravel() if axis is None else x, axis=axis or 0)


SCANS: dict[str, tuple[Any, Any]] = {
    "cumsum": (np.cumsum, lambda x, i: x.cumsum(i)),
    "cumprod": (np.cumprod, lambda x, i: x.cumprod(i)),
    "logcumsumexp": (log_cumulated, lambda x, i: x.logcumsumexp(i)),
    "cummax": (
        lambda x, axis: np.maximum.accumulate(x.ravel() if axis is None else x, axis or 0),
        lambda x, i: x.cummax(i)[0],
    ),
    "cummin": (
        lambda x, axis: np.minimum.accumulate(x.ravel() if axis is None else x, axis or 0),
        lambda x, i: x.cummin(i)[0],
    ),
}


@operator(*SCANS)
def scan(d: Draw) -> Case:
    numpy, peer = SCANS[d.name]
    x = d.array(*d.shape(1, 3, most=9))
    axis = d.pick([None, d.axis(x.ndim)])
    f = getattr(F, d.name)
    return Case(
        lambda x: f(x, axis),
        [x],
        lambda x: numpy(x, axis=axis),
        lambda x: peer(x.ravel(), 0) if axis is None else peer(x, axis),
        text=f"axis={axis}",
        terms=count_over(x, axis),
        scale=9.0,
    )


@operator("diff")
def diff(d: Draw) -> Case:
    x = d.array(*d.shape(1, 3, most=9))
    n, axis = d.int(0, 3), d.axis(x.ndim)
    return Case(
        lambda x: F.diff(x, n, axis),
        [x],
        lambda x: np.diff(x, n, axis),
        lambda x: torch.diff(x, n, axis),
        text=f"n={n}, axis={axis}",
        scale=8,
    )


@operator("sort", "argsort")
def ordered(d: Draw) -> Case:
    x = d.array(*d.shape(1, 3, most=9))
    axis, down = d.axis(x.ndim), d.flag()
    f, g = getattr(F, d.name), getattr(np, d.name)

    def numpy(x: np.ndarray) -> np.ndarray:
        return g(-x, axis=axis) * (1 if d.name == "argsort" else -1) if down else g(x, axis=axis)

    return Case(
        lambda x: f(x, axis, down),
        [x],
        numpy,
        lambda x: x.sort(axis, down)[int(d.name == "argsort")],
        text=f"axis={axis}, descending={down}",
    )


@operator("topk")
def topk(d: Draw) -> Case:
    x = d.array(*d.shape(1, 3, most=9))
    axis, largest = d.axis(x.ndim), d.flag()
    k = d.int(0, x.shape[axis])

    def numpy(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        at = np.argsort(-x if largest else x, axis=axis)
        at = np.take(at, np.arange(k), axis=axis)
        return np.take_along_axis(x, at, axis), at

    return Case(
        lambda x: F.topk(x, k, axis, largest),
        [x],
        numpy,
        lambda x: tuple(x.topk(k, axis, largest)),
        text=f"k={k}, axis={axis}, largest={largest}",
    )


@operator("quantile")
def quantile(d: Draw) -> Case:
    x = d.array(*d.shape(1, 3, most=9))
    axis, keepdims = d.axes(x.ndim), d.flag()
    q = d.pick([0.0, 0.25, 0.5, 1.0, [0.125, 0.75]])
    method = d.pick(["linear", "lower", "higher", "nearest", "midpoint"])
    plain = axis is None or isinstance(axis, int)

    def peer(x: Any) -> Any:
        at = torch.tensor(np.asarray(q))
        return torch.quantile(x, at, axis, keepdims, interpolation=method)

    return Case(
        lambda x: F.quantile(x, q, axis, keepdims, method),
        [x],
        lambda x: np.quantile(x, q, axis, keepdims=keepdims, method=method),
        # PyTorch takes one axis, and without any keeps one less.
        peer if plain and not (axis is None and keepdims) else None,
        text=f"q={q}, axis={axis}, keepdims={keepdims}, {method}",
    )


@operator("average")
def average(d: Draw) -> Case:
    x = d.array(*d.shape(1))
    axis, keepdims = d.axes(x.ndim), d.flag()
    w = d.array(*x.shape, low=0.125)
    return Case(
        lambda x, w: F.average(x, axis, w, keepdims),
        [x, w],
        lambda x, w: np.average(x, axis, w, keepdims=keepdims),
        lambda x, w: over(torch.sum)(x * w, axis, keepdims) / over(torch.sum)(w, axis, keepdims),
        text=f"axis={axis}, keepdims={keepdims}",
        terms=count_over(x, axis),
        scale=9.0,
    )


@operator("cov", "corrcoef")
def covariance(d: Draw) -> Case:
    x = d.array(d.int(2, 4), d.int(4, 9))
    if d.name == "corrcoef":
        return Case(F.corrcoef, [x], np.corrcoef, lambda x: torch.corrcoef(x), terms=x.size)
    ddof = d.int(0, 1)
    return Case(
        lambda x: F.cov(x, ddof),
        [x],
        lambda x: np.cov(x, ddof=ddof),
        lambda x: torch.cov(x, correction=ddof),
        terms=x.size,
        scale=9.0,
    )


@operator("vector_norm", "norm")
def length(d: Draw) -> Case:
    x = d.array(*d.shape(1))
    axis, keepdims = d.axes(x.ndim), d.flag()
    ord = d.pick([1, 2, 3, 2.5, np.inf, -np.inf, 0])
    if d.name == "norm":
        axis = d.axis(x.ndim)
    f = getattr(F, d.name)
    axes = tuple(range(x.ndim)) if axis is None else axis
    return Case(
        lambda x: f(x, ord=ord, axis=axis, keepdims=keepdims),
        [x],
        lambda x: np.linalg.vector_norm(x, ord=ord, axis=axes, keepdims=keepdims),
        lambda x: torch.linalg.vector_norm(x, ord, axes, keepdim=keepdims),
        text=f"ord={ord}, axis={axis}, keepdims={keepdims}",
        terms=count_over(x, axis),
        scale=9.0,
    )


@operator("softmax", "log_softmax", "softmin")
def shares(d: Draw) -> Case:
    x = d.array(*d.shape(1), low=-20, high=20)
    axis: Any = d.axis(x.ndim)
    if x.ndim > 1 and d.int(0, 3) == 0:
        axis = (-1, 0)
    numpy = {
        "softmax": sc.softmax,
        "log_softmax": sc.log_softmax,
        "softmin": lambda x, axis: sc.softmax(-x, axis),
    }[d.name]
    f = getattr(F, d.name)
    return Case(
        lambda x: f(x, axis),
        [x],
        lambda x: numpy(x, axis=axis),
        None if isinstance(axis, tuple) else lambda x: getattr(nn, d.name)(x, dim=axis),
        text=f"axis={axis}",
        terms=count_over(x, axis),
        # What goes into e**x is a difference of the size of 40, and its rounding stays.
        scale=40.0,
    )


@operator("searchsorted")
def searchsorted(d: Draw) -> Case:
    a, x = np.sort(np.round(d.array(d.int(1, 9)))), np.round(d.array(*d.shape()))
    side = d.pick(["left", "right"])
    return Case(
        lambda a, x: F.searchsorted(a, x, side),
        [a, np.ascontiguousarray(x)],
        lambda a, x: np.asarray(np.searchsorted(a, x, side)),
        lambda a, x: torch.searchsorted(a, x, side=side),
        text=side,
        grad=False,
    )


@operator("bincount", "histogram")
def counts(d: Draw) -> Case:
    n, bins = d.int(1, 20), d.int(2, 8)
    if d.name == "histogram":
        x, w = d.array(n), d.array(n)
        # Edges in single precision fall elsewhere; eighths are the same in both.
        x = np.round(x * 8) / 8 + x.dtype.type(1 / 16)
        return Case(
            lambda x, w: F.histogram(x, 2**3, (-4.0, 4.0), w),
            [x, w],
            lambda x, w: np.histogram(x, 8, (-4.0, 4.0), weights=w),
            lambda x, w: tuple(torch.histogram(x, 8, range=(-4.0, 4.0), weight=w)),
            terms=n,
            scale=3.0,
            grad=False,
        )
    x, w = d.labels(bins, n), d.array(n)
    return Case(
        lambda x, w: F.bincount(x, w, bins),
        [x, w],
        lambda x, w: np.bincount(x, w, bins),
        lambda x, w: torch.bincount(x, w, bins),
        terms=n,
        scale=3.0,
        grad=False,
    )


SEGMENTS: dict[str, Any] = {
    "segment_sum": "sum",
    "segment_mean": "mean",
    "segment_max": "amax",
    "segment_min": "amin",
}


@operator(*SEGMENTS)
def segments(d: Draw) -> Case:
    x = d.array(*d.shape(1, 3))
    count = d.int(1, 4)
    rows = d.labels(count, len(x))
    f, word = getattr(F, d.name), SEGMENTS[d.name]
    empty = {"amax": -np.inf, "amin": np.inf}.get(word, 0.0)
    reduce = {"sum": np.sum, "mean": np.mean, "amax": np.max, "amin": np.min}[word]

    def numpy(x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        y = np.full((count, *x.shape[1:]), empty)
        for k in set(rows.tolist()):
            y[k] = reduce(x[rows == k], axis=0)
        return y

    def peer(x: Any, rows: Any) -> Any:
        y = torch.full((count, *x.shape[1:]), empty, dtype=x.dtype)
        at = rows.reshape(-1, *[1] * (x.ndim - 1)).expand(x.shape)
        return y.scatter_reduce(0, at, x, word, include_self=False)

    return Case(lambda x, rows: f(x, rows, count), [x, rows], numpy, peer, terms=len(x), scale=3.0)


@operator("segment_softmax")
def segment_softmax(d: Draw) -> Case:
    x, count = d.array(*d.shape(1, 3)), d.int(1, 4)
    rows = d.labels(count, len(x))

    def numpy(x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        y = np.zeros(x.shape)
        for k in set(rows.tolist()):
            y[rows == k] = sc.softmax(x[rows == k], axis=0)
        return y

    return Case(lambda x, rows: F.segment_softmax(x, rows, count), [x, rows], numpy, terms=len(x))


@operator("sparsemax")
def sparsemax(d: Draw) -> Case:
    x = d.array(*d.shape(1, 3))
    axis = d.axis(x.ndim)

    def line(x: np.ndarray) -> np.ndarray:
        """The threshold by bisection, which has nothing of lamina's sorting."""
        low, high = x.min() - 1, x.max()
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if np.maximum(x - middle, 0).sum() > 1 else (low, middle)
        return np.maximum(x - low, 0)

    return Case(
        lambda x: F.sparsemax(x, axis),
        [x],
        lambda x: np.apply_along_axis(line, axis, x),
        text=f"axis={axis}",
        terms=x.shape[axis],
        scale=4.0,
    )
