"""Shapes, joining and cutting, indices, diagonals: results are exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

import lamina.functions as F

from .case import Case, Draw, operator, torch


def same(d: Draw, x: Any, *words: Any, peer: Any = None, **more: Any) -> Case:
    """An operator that is NumPy's function of that name, with the same words."""
    f, g = getattr(F, d.name), getattr(np, d.name)
    return Case(
        lambda *x: f(*x, *words, **more),
        x if isinstance(x, list) else [x],
        lambda *x: g(*x, *words, **more),
        peer,
        text=f"{words} {more or ''}",
    )


def joined(d: Draw, xs: list[np.ndarray], *words: Any, peer: Any = None) -> Case:
    f, g = getattr(F, d.name), getattr(np, d.name)
    return Case(lambda *xs: f(xs, *words), xs, lambda *xs: g(xs, *words), peer, text=f"{words}")


@operator("reshape", "ravel", "flatten")
def reshape(d: Draw) -> Case:
    x = d.array(*d.shape(1))
    if d.name == "ravel":
        return same(d, x, peer=lambda x: x.ravel())
    if d.name == "flatten":
        start = d.int(0, x.ndim - 1)
        return Case(
            lambda x: F.flatten(x, start),
            [x],
            lambda x: x.reshape(*x.shape[:start], -1),
            lambda x: x.flatten(start),
            text=f"start={start}",
        )
    shape = tuple(int(n) for n in d.rng.permutation(x.shape))
    if d.flag():
        at = d.int(0, x.ndim - 1)
        shape = (*shape[:at], -1, *shape[at + 1 :])
    return same(d, x, shape, peer=lambda x: x.reshape(shape))


@operator("transpose", "moveaxis", "swapaxes", "expand_dims", "squeeze", "broadcast_to")
def axes(d: Draw) -> Case:
    x = d.array(*d.shape(1, least=1, most=4))
    i, j = d.axis(x.ndim), d.axis(x.ndim)
    if d.name == "transpose":
        order = tuple(int(i) for i in d.rng.permutation(x.ndim))
        return same(d, x, order, peer=lambda x: x.permute(order))
    if d.name == "expand_dims":
        i = d.axis(x.ndim + 1)
        return same(d, x, i, peer=lambda x: x.unsqueeze(i))
    if d.name == "squeeze":
        x = x[..., None]
        return same(d, x, -1, peer=lambda x: x.squeeze(-1))
    if d.name == "broadcast_to":
        shape = (*d.shape(0, 2), *x.shape)
        x = x[tuple(slice(0, 1) if d.flag() else slice(None) for _ in x.shape)]
        return same(d, x, shape, peer=lambda x: x.broadcast_to(shape))
    return same(d, x, i, j, peer=lambda x: getattr(torch, d.name)(x, i, j))


@operator("concatenate", "stack", "hstack", "vstack", "dstack")
def join(d: Draw) -> Case:
    shape, count = d.shape(1), d.int(1, 4)
    axis = d.axis(len(shape) + (d.name == "stack"))
    if d.name == "concatenate":
        lengths = [d.int(0, 4) for _ in range(count)]
        at = axis % len(shape)
        xs = [d.array(*shape[:at], n, *shape[at + 1 :]) for n in lengths]
        return joined(d, xs, axis, peer=lambda *xs: torch.cat(xs, axis))
    xs = [d.array(*shape) for _ in range(count)]
    if d.name == "stack":
        return joined(d, xs, axis, peer=lambda *xs: torch.stack(xs, axis))
    return joined(d, xs, peer=lambda *xs: getattr(torch, d.name)(xs))


@operator("split", "chunk", "unstack")
def cut(d: Draw) -> Case:
    x = d.array(*d.shape(1))
    axis = d.axis(x.ndim)
    n = x.shape[axis]
    if d.name == "unstack":
        return Case(
            lambda x: F.unstack(x, axis),
            [x],
            lambda x: tuple(np.moveaxis(x, axis, 0)),
            lambda x: x.unbind(axis),
        )
    if d.name == "chunk":
        count = d.int(1, 5)
        return Case(
            lambda x: F.chunk(x, count, axis),
            [x],
            lambda x: tuple(np.array_split(x, count, axis)),
            lambda x: x.tensor_split(count, axis),
            text=f"{count}, {axis}",
        )
    where = sorted(d.int(0, n) for _ in range(d.int(0, 3)))
    if n and d.flag():
        sections: Any = d.pick([k for k in range(1, n + 1) if n % k == 0])
        return same(d, x, sections, axis)
    return same(d, x, where, axis, peer=lambda x: x.tensor_split(where, axis))


PADS = {"edge": "replicate", "reflect": "reflect", "wrap": "circular", "constant": "constant"}


@operator("pad")
def pad(d: Draw) -> Case:
    mode: Any = d.pick(["constant", "edge", "reflect", "symmetric", "wrap"])
    x = d.array(*d.shape(1, 4, least=3))
    width = [(d.int(0, 2), d.int(0, 2)) for _ in x.shape]
    value = d.number(-2, 2) if mode == "constant" else 0
    words: Any = {"constant_values": value} if mode == "constant" else {}
    peer = None
    if mode in PADS and x.ndim in (3, 4):
        if mode != "constant":
            width[:2] = [(0, 0), (0, 0)]  # PyTorch pads the axes of places only
        flat = [n for pair in reversed(width[2 if mode != "constant" else 0 :]) for n in pair]
        peer = lambda x: torch.nn.functional.pad(x, flat, PADS[mode], value)  # noqa: E731
    return Case(
        lambda x: F.pad(x, width, mode, value),
        [x],
        lambda x: np.pad(x, width, mode, **words),
        peer,
        text=f"{width}, {mode}",
    )


@operator("flip", "roll", "repeat", "tile", "tril", "triu", "diag", "rot90")
def moved(d: Draw) -> Case:
    x = d.array(*d.shape(2, 3))
    axis, k = d.axis(x.ndim), d.int(-4, 4)
    if d.name == "flip":
        return same(d, x, axis, peer=lambda x: x.flip(axis))
    if d.name == "roll":
        return same(d, x, k, axis, peer=lambda x: x.roll(k, axis))
    if d.name == "repeat":
        times = d.pick([abs(k), np.array(d.ints(0, 3, x.shape[axis]))])
        many = torch.tensor if isinstance(times, np.ndarray) else int
        return same(d, x, times, axis, peer=lambda x: x.repeat_interleave(many(times), axis))
    if d.name == "tile":
        times = d.ints(0, 3, d.int(1, 4))
        return same(d, x, times, peer=lambda x: x.tile(times))
    if d.name == "diag":
        x = x[0] if x.ndim == 3 or d.flag() else x
        x = x[:, 0] if x.ndim == 2 and d.flag() else x
    if d.name == "rot90":
        pair = tuple(int(i) for i in d.rng.permutation(x.ndim)[:2])
        return same(d, x, k, pair, peer=lambda x: x.rot90(k, pair))
    if d.name == "diag" and x.ndim == 2 and not -x.shape[0] < k < x.shape[1]:
        return same(d, x, k)  # beyond the corner: nothing in NumPy, an error in PyTorch
    return same(d, x, k, peer=lambda x: getattr(x, d.name)(k))


@operator("meshgrid", "broadcast_arrays", "atleast_1d", "atleast_2d")
def grids(d: Draw) -> Case:
    if d.name == "meshgrid":
        xs, order = [d.array(d.int(1, 4)) for _ in range(d.int(1, 3))], d.pick(["xy", "ij"])
        return same(d, xs, indexing=order, peer=lambda *x: torch.meshgrid(*x, indexing=order))
    if d.name == "broadcast_arrays":
        a, b = d.pair()
        xs = [d.array(*a), d.array(*b)]
        return same(d, xs, peer=lambda *x: torch.broadcast_tensors(*x))
    return same(d, d.array(*d.shape(0, 3)), peer=lambda x: getattr(torch, d.name)(x))


def index(d: Draw, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Integers, slices, new axes, an ellipsis, arrays of integers or bools, mixed."""
    words: list[Any] = []
    places = d.shape(1, 2, most=3)
    masked = False
    for n in shape[: d.int(0, len(shape))]:
        kind = d.int(0, 5)
        if kind == 0:
            words.append(d.int(-n, n - 1))
        elif kind == 1:
            words.append(d.rng.integers(-n, n, places))
        elif kind == 2 and not masked:
            masked = True
            words.append(d.bools(n))
        elif kind == 3:
            words.append(slice(d.int(0, n), None, d.int(1, 3)))
        else:
            words.append(slice(None, None, -1 if d.flag() else None))
    if masked:  # a mask meets only arrays that are as long as it has holes: alone then
        words = [w if not isinstance(w, np.ndarray) or w.dtype == bool else 0 for w in words]
    if d.flag():
        words.insert(d.int(0, len(words)), None)
    if d.flag():
        words.append(Ellipsis)
    return tuple(words)


def has_places(index: tuple[Any, ...]) -> bool:
    return any(isinstance(w, np.ndarray) and w.dtype != bool for w in index)


def is_mixed(index: tuple[Any, ...]) -> bool:
    """Integers beside arrays: NumPy counts them as arrays, PyTorch takes them first."""
    kinds = {type(w) for w in index}
    return {int, np.ndarray} <= kinds


def has_steps_back(index: tuple[Any, ...]) -> bool:
    return any(isinstance(w, slice) and (w.step or 1) < 0 for w in index)


@operator("get_item", "index_add", "index_put", "scatter_add")
def indexed(d: Draw) -> Case:
    x = d.array(*d.shape(1))
    at = index(d, x.shape)
    peer = None if has_steps_back(at) or is_mixed(at) else lambda x: x[tuple(map(tensor, at))]
    if d.name == "get_item":
        return Case(lambda x: F.get_item(x, at), [x], lambda x: x[at], peer, text=f"{at}")
    values = d.array(*x[at].shape)

    def numpy(x: np.ndarray, values: np.ndarray) -> np.ndarray:
        y = x.copy()
        if d.name == "index_put":
            y[at] = values
        else:
            np.add.at(y, at, values)
        return y

    text = f"{at}"
    if d.name == "scatter_add":
        shape = x.shape
        return Case(
            lambda v: F.scatter_add(v, at, shape),
            [values],
            lambda v: numpy(np.zeros(shape), v),
            terms=values.size,
            text=text,
        )
    f = getattr(F, d.name)

    def put(x: Any, v: Any) -> Any:
        y = x.clone()
        y[tuple(map(tensor, at))] = v
        return y

    # PyTorch does not say which of two values for one place counts, nor adds both.
    last = put if d.name == "index_put" and peer and not has_places(at) else None
    return Case(lambda x, v: f(x, at, v), [x, values], numpy, last, text=text, terms=values.size)


def tensor(word: Any) -> Any:
    return torch.tensor(word) if isinstance(word, np.ndarray) else word


@operator("take", "take_along_axis", "gather", "scatter")
def along(d: Draw) -> Case:
    x = d.array(*d.shape(1, 3))
    axis = d.axis(x.ndim)
    n = x.shape[axis]
    text = f"axis={axis}"
    if d.name == "take":
        at = d.rng.integers(-n, n, d.shape(1, 2))
        return Case(
            lambda x: F.take(x, at, axis),
            [x],
            lambda x: np.take(x, at, axis),
            lambda x: x[(slice(None),) * (axis % x.ndim) + (torch.tensor(at),)],
            text=text,
        )
    shape = list(x.shape)
    shape[axis] = d.int(1, n) if d.name == "scatter" else d.int(1, 5)
    if d.name == "take_along_axis":
        at = d.rng.integers(0, n, shape)
        peer: Any = lambda x: x.take_along_dim(torch.tensor(at), axis)  # noqa: E731
        return Case(
            lambda x: F.take_along_axis(x, at, axis),
            [x],
            lambda x: np.take_along_axis(x, at, axis),
            peer,
            text=text,
        )
    smaller = [m if i == axis % x.ndim else d.int(1, m) for i, m in enumerate(shape)]
    inner = tuple(slice(m if i != axis % x.ndim else None) for i, m in enumerate(smaller))
    if d.name == "gather":
        at = d.rng.integers(0, n, smaller)
        return Case(
            lambda x: F.gather(x, at, axis),
            [x],
            lambda x: np.take_along_axis(x[inner], at, axis),
            lambda x: x.gather(axis, torch.tensor(at)),
            text=text,
        )
    lines = np.broadcast_to(np.arange(n).reshape(-1, *[1] * (-1 - axis % x.ndim + x.ndim)), x.shape)
    at = d.rng.permuted(lines, axis=axis)[tuple(map(slice, smaller))]

    def put(x: np.ndarray, v: np.ndarray) -> np.ndarray:
        y = x.copy()
        np.put_along_axis(y[inner], at, v, axis)
        return y

    return Case(
        lambda x, v: F.scatter(x, at, v, axis),
        [x, d.array(*smaller)],
        put,
        lambda x, v: x.scatter(axis, torch.tensor(at), v),
        text=text,
    )


@operator("diagonal", "trace", "diag_embed", "fill_diagonal", "block_diag")
def diagonals(d: Draw) -> Case:
    x = d.array(*d.shape(2, 4))
    k = d.int(-2, 2)
    if d.name == "block_diag":
        xs = [d.array(*d.shape(2, 2)) for _ in range(d.int(1, 4))]
        return Case(
            lambda *xs: F.block_diag(xs),
            xs,
            scipy.linalg.block_diag,
            lambda *x: torch.block_diag(*x),
        )
    if d.name == "diag_embed":

        def embedded(x: np.ndarray) -> np.ndarray:
            lines = [np.diag(row, k) for row in x.reshape(-1, x.shape[-1])]
            return np.reshape(lines, (*x.shape[:-1], *lines[0].shape))

        return Case(
            lambda x: F.diag_embed(x, k), [x], embedded, lambda x: x.diag_embed(k), text=f"{k}"
        )
    if d.name == "fill_diagonal":
        value = d.number(-2, 2)
        eye = np.eye(*x.shape[-2:], dtype=bool)
        return Case(lambda x: F.fill_diagonal(x, value), [x], lambda x: np.where(eye, value, x))
    i, j = (int(i) for i in d.rng.permutation(x.ndim)[:2])
    k = min(max(k, 1 - x.shape[i]), x.shape[j] - 1)
    f, g = getattr(F, d.name), getattr(np, d.name)
    return Case(
        lambda x: f(x, k, i, j),
        [x],
        lambda x: np.asarray(g(x, k, i, j)),
        (lambda x: x.diagonal(k, i, j))
        if d.name == "diagonal"
        else (lambda x: x.diagonal(k, i, j).sum(-1)),
        text=f"{k}, {i}, {j}",
        terms=6,
        scale=3.0,
    )
