"""Pooling, resizing, sampling at the places of a grid, shuffled channels."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import lamina.functions as F

from .case import Case, Draw, nn, operator, torch
from .convolution import widths


def windows(x: np.ndarray, kernel: Any, stride: Any, pads: Any, fill: float) -> np.ndarray:
    """(n, c, *out, *kernel): what each window holds, ``fill`` beyond the border."""
    rank = len(kernel)
    x = np.pad(x, [(0, 0), (0, 0), *pads], constant_values=fill)
    seen = np.lib.stride_tricks.sliding_window_view(x, kernel, tuple(range(2, 2 + rank)))
    return seen[(slice(None), slice(None), *[slice(None, None, s) for s in stride])]


def pooled(d: Draw, rank: int) -> tuple[np.ndarray, dict[str, Any]]:
    kernel = d.ints(1, 4 if rank < 3 else 3, rank)
    most = {1: 12, 2: 7, 3: 4}[rank]
    size = [k + d.int(0, most) for k in kernel]
    # PyTorch allows up to half a kernel around the image.
    padding = tuple(d.int(0, k // 2) for k in kernel)
    stride = d.ints(1, 3, rank) if d.flag() else None
    x = d.array(d.int(1, 3), d.int(1, 3), *size)
    return x, {"kernel": kernel, "stride": stride, "padding": padding}


@operator(*[f"{kind}_pool{rank}d" for kind in ("max", "average") for rank in (1, 2, 3)])
def pool(d: Draw) -> Case:
    rank = int(d.name[-2])
    x, o = pooled(d, rank)
    kernel, stride = o["kernel"], o["stride"] or o["kernel"]
    pads = widths(o["padding"], rank)
    axes = tuple(range(-rank, 0))
    f = getattr(F, d.name)
    if d.name.startswith("max"):
        g = getattr(nn, d.name)
        return Case(
            lambda x: f(x, **o),
            [x],
            lambda x: windows(x, kernel, stride, pads, -np.inf).max(axes),
            lambda x: g(x, kernel, stride, o["padding"]),
            text=f"{o}",
            terms=int(np.prod(kernel)),
        )
    counted = d.flag()
    g = getattr(nn, d.name.replace("average", "avg"))

    def numpy(x: np.ndarray) -> np.ndarray:
        seen = windows(x, kernel, stride, pads, 0.0 if counted else np.nan)
        return np.nanmean(seen, axes)

    return Case(
        lambda x: f(x, **o, count_include_pad=counted),
        [x],
        numpy,
        lambda x: g(x, kernel, stride, o["padding"], count_include_pad=counted),
        text=f"{o} {counted}",
        terms=int(np.prod(kernel)),
        scale=3.0,
    )


@operator("max_pool_with_indices", "max_unpool")
def with_indices(d: Draw) -> Case:
    rank = d.int(1, 3)
    x, o = pooled(d, rank)
    g = getattr(nn, f"max_pool{rank}d")

    def peer(x: Any) -> Any:
        return g(x, o["kernel"], o["stride"], o["padding"], return_indices=True)

    if d.name == "max_pool_with_indices":
        # The places have no slope, in neither library.
        return Case(
            lambda x: F.max_pool_with_indices(x, **o), [x], None, peer, text=f"{o}", terms=27
        )
    o["stride"] = None  # side by side: PyTorch's result is not defined for a place named twice
    y, at = F.max_pool_with_indices(x, **o)
    size = x.shape[2:]

    def unpooled(y: np.ndarray, at: np.ndarray) -> np.ndarray:
        flat = np.zeros((*y.shape[:2], int(np.prod(size))))
        np.put_along_axis(flat, at.reshape(*y.shape[:2], -1), y.reshape(*y.shape[:2], -1), 2)
        return flat.reshape(*y.shape[:2], *size)

    undo = getattr(nn, f"max_unpool{rank}d")
    return Case(
        lambda y, at: F.max_unpool(y, at, size),
        [y.data, at.data],
        unpooled,
        lambda y, at: undo(y, at, o["kernel"], None, o["padding"], size),
        text=f"{size} {o}",
    )


@operator("adaptive_average_pool", "adaptive_max_pool", "global_average_pool", "global_max_pool")
def adaptive(d: Draw) -> Case:
    rank = d.int(1, 3)
    x = d.array(d.int(1, 3), d.int(1, 3), *d.ints(1, 8, rank))
    axes = tuple(range(2, 2 + rank))
    kind = "max" if "max" in d.name else "avg"
    reduce = np.max if kind == "max" else np.mean
    if d.name.startswith("global"):
        return Case(
            getattr(F, d.name),
            [x],
            lambda x: reduce(x, axes),
            lambda x: x.amax(axes) if kind == "max" else x.mean(axes),
            terms=x.size,
            scale=3.0,
        )
    size = d.ints(1, 9, rank)
    f, g = getattr(F, d.name), getattr(nn, f"adaptive_{kind}_pool{rank}d")

    def numpy(x: np.ndarray) -> np.ndarray:
        y = np.zeros((*x.shape[:2], *size))
        for at in np.ndindex(*size):
            cut = [
                slice(i * n // m, -(-(i + 1) * n // m)) for i, n, m in zip(at, x.shape[2:], size)
            ]
            y[(..., *at)] = reduce(x[(slice(None), slice(None), *cut)], axes)
        return y

    return Case(
        lambda x: f(x, size),
        [x],
        numpy,
        lambda x: g(x, size),
        text=f"{size}",
        terms=x.size,
        scale=3.0,
    )


@operator("lp_pool")
def lp_pool(d: Draw) -> Case:
    rank = d.int(1, 3)
    x, o = pooled(d, rank)
    del o["padding"]
    power = d.pick([1.0, 2.0, 3.0, 2.5])
    x = np.abs(x) + x.dtype.type(0.25)  # PyTorch adds numbers with their signs

    def numpy(x: np.ndarray) -> np.ndarray:
        seen = windows(x, o["kernel"], o["stride"] or o["kernel"], [(0, 0)] * rank, 0.0)
        return (seen**power).sum(tuple(range(-rank, 0))) ** (1 / power)

    g = getattr(nn, f"lp_pool{rank}d")
    return Case(
        lambda x: F.lp_pool(x, power, **o),
        [x],
        numpy,
        lambda x: g(x, power, *(w and (w if rank > 1 else w[0]) for w in o.values())),
        text=f"{power} {o}",
        terms=27,
        scale=3.0,
    )


LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


def keys(t: np.ndarray) -> np.ndarray:
    """Keys's kernel with the constant -3/4."""
    t = np.abs(t)
    near, far = 1.25 * t**3 - 2.25 * t**2 + 1, -0.75 * (t**3 - 5 * t**2 + 8 * t - 4)
    return np.where(t <= 1, near, np.where(t < 2, far, 0.0))


def resizing(n: int, m: int, factor: float, mode: str, corners: bool) -> np.ndarray:
    """What each of n pixels counts for in each of m places: a matrix."""
    i = np.arange(m)
    if mode == "nearest":
        at = np.minimum(np.floor(i / factor).astype(int), n - 1)
        return np.eye(n)[at]
    at = i * ((n - 1) / (m - 1) if m > 1 else 0) if corners else (i + 0.5) / factor - 0.5
    if mode == "linear":
        at = np.clip(at, 0, n - 1)
    kernel = keys if mode == "cubic" else lambda t: np.maximum(0, 1 - np.abs(t))
    first = np.floor(at).astype(int)
    weights = np.zeros((m, n))
    for j in range(-1, 3):
        np.add.at(weights, (i, np.clip(first + j, 0, n - 1)), kernel(at - first - j))
    return weights


@operator("interpolate")
def interpolate(d: Draw) -> Case:
    mode = d.pick(["nearest", "linear", "cubic"])
    rank = 2 if mode == "cubic" else d.int(1, 3)
    x = d.array(d.int(1, 2), d.int(1, 3), *d.ints(1, 6, rank))
    words: dict[str, Any] = {"size": d.ints(1, 9, rank)}
    peers: dict[str, Any] = {"size": words["size"]}
    if d.flag():
        # Halves and quarters: other factors are rounded in ways that libraries do not share.
        scale = tuple(max(d.int(2, 10) / 4, 1 / n) for n in x.shape[2:])
        # PyTorch takes short ways where a size stays or doubles, whatever the factor; lamina takes
        # places from the factor, as its docstring says.
        scale = tuple(2.0 if int(n * s) in (n, 2 * n) else s for n, s in zip(x.shape[2:], scale))
        words, peers = {"scale": scale}, {"scale_factor": scale}
    if mode == "nearest":
        peers["mode"] = "nearest"
    else:
        words["align_corners"] = d.flag()
        peers["mode"] = LINEAR[rank] if mode == "linear" else "bicubic"
        peers["align_corners"] = words["align_corners"]

    def numpy(x: np.ndarray) -> np.ndarray:
        for i in range(rank):
            n, factor = x.shape[2 + i], words["scale"][i] if "scale" in words else None
            m = words["size"][i] if factor is None else int(n * factor)
            step = m / n if factor is None else factor
            weights = resizing(n, m, step, mode, words.get("align_corners", False))
            x = np.moveaxis(np.tensordot(weights, x, (1, 2 + i)), 0, 2 + i)
        return x

    return Case(
        lambda x: F.interpolate(x, mode=mode, **words),
        [x],
        numpy,
        lambda x: nn.interpolate(x, **peers),
        text=f"{mode} {words}",
        terms=64,
        scale=9.0,  # weights are differences of places up to nine
    )


def centres(size: tuple[int, ...], corners: bool) -> np.ndarray:
    """The pixels' places from -1 to 1, last axis first, and a one."""
    lines = [
        (np.linspace(-1, 1, n) if n > 1 else np.zeros(1))
        if corners
        else (2 * np.arange(n) + 1) / n - 1
        for n in size
    ]
    grids = np.meshgrid(*lines, indexing="ij")
    return np.stack([*grids[::-1], np.ones(size)], -1)


def sampled(x: np.ndarray, grid: np.ndarray, mode: str, padding: str, corners: bool) -> np.ndarray:
    """One place after another, each the sum over its nearest pixels."""
    size = np.array(x.shape[2:])
    y = np.zeros((*x.shape[:2], *grid.shape[1:-1]))
    for n, *place in np.ndindex(*grid.shape[:-1]):
        at = (grid[(n, *place)][::-1] + 1) / 2
        at = at * (size - 1) if corners else at * size - 0.5
        at = np.clip(at, 0, size - 1) if padding == "border" else at
        pixels = (
            [np.rint(at)] if mode == "nearest" else np.floor(at) + list(np.ndindex(*[2] * len(at)))
        )
        for pixel in np.array(pixels, int):
            if (pixel >= 0).all() and (pixel < size).all():
                weight = 1.0 if mode == "nearest" else np.prod(1 - np.abs(at - pixel))
                y[(n, slice(None), *place)] += weight * x[(n, slice(None), *pixel)]
    return y


@operator("affine_grid", "grid_sample")
def grid(d: Draw) -> Case:
    rank, corners = d.int(2, 3), d.flag()
    n, size = d.int(1, 3), d.ints(1, 5, rank)
    if d.name == "affine_grid":
        theta = d.array(n, rank, rank + 1)

        def placed(t: Any) -> Any:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # one pixel was placed elsewhere once
                return nn.affine_grid(t, (n, 1, *size), align_corners=corners)

        return Case(
            lambda t: F.affine_grid(t, size, corners),
            [theta],
            lambda t: np.einsum("nij,...j->n...i", t, centres(size, corners)),
            placed,
            text=f"{size} {corners}",
            terms=int(np.prod(size)),
            scale=9.0,
        )
    mode, padding = d.pick(["linear", "nearest"]), d.pick(["zeros", "border"])
    x = d.array(n, d.int(1, 3), *d.ints(1, 5, rank))
    at = d.array(n, *size, rank, low=-1.25, high=1.25)
    if padding == "border":
        at = np.clip(at, -1.25, 1.25)
    return Case(
        lambda x, at: F.grid_sample(x, at, mode, padding, corners),
        [x, at],
        lambda x, at: sampled(x, at, mode, padding, corners),
        lambda x, at: nn.grid_sample(
            x, at, {"linear": "bilinear"}.get(mode, mode), padding, align_corners=corners
        ),
        text=f"{mode} {padding} {corners}",
        terms=64,
        scale=9.0,
    )


@operator("pixel_shuffle", "pixel_unshuffle", "channel_shuffle")
def shuffle(d: Draw) -> Case:
    r, c = d.int(1, 3), d.int(1, 3)
    size = d.ints(1, 4, 2)
    f, g = getattr(F, d.name), getattr(torch, d.name)
    shape = {
        "pixel_shuffle": (2, c * r * r, *size),
        "pixel_unshuffle": (2, c, size[0] * r, size[1] * r),
        "channel_shuffle": (2, c * r, *size),
    }[d.name]
    x = np.ascontiguousarray(d.array(*shape))
    # PyTorch's channel_shuffle has no derivative on all machines.
    grad = d.name != "channel_shuffle"
    h, w = size

    def numpy(x: np.ndarray) -> np.ndarray:
        if d.name == "channel_shuffle":
            return x.reshape(2, r, c, h, w).swapaxes(1, 2).reshape(x.shape)
        if d.name == "pixel_shuffle":
            y = x.reshape(2, c, r, r, h, w).transpose(0, 1, 4, 2, 5, 3)
            return y.reshape(2, c, h * r, w * r)
        y = x.reshape(2, c, h, r, w, r).transpose(0, 1, 3, 5, 2, 4)
        return y.reshape(2, c * r * r, h, w)

    return Case(lambda x: f(x, r), [x], numpy, lambda x: g(x, r), text=f"{r}", grad=grad)
