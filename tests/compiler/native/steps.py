"""What random programs are made of; each step gives a `Number`, or None where nothing fits."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from compiler.native.maker import LARGEST, Maker, Number
from lamina.listen import Host

LARGEST_SUM = 1 << 23
"""In units: float32 holds each partial sum."""


def broadcast_fits(a: Any, b: Any) -> bool:
    """Whether the two shapes meet in one that is not too large."""
    try:
        return prod(np.broadcast_shapes(a, b)) <= LARGEST
    except ValueError:
        return False


# -- what both kinds have -----------------------------------------------------------------------


def view(m: Maker) -> Number | None:
    x = m.recent("fib")
    if x is None:
        return None
    return Number(_viewed(m, x.value), x.bound, x.unit)


def _viewed(m: Maker, x: Any) -> Any:
    kind = m.choose(
        ["transpose", "slice", "slice", "reshape", "reshape", "broadcast", "axis", "item"]
    )
    if kind == "transpose":
        return np.transpose(x, [int(i) for i in m.rng.permutation(x.ndim)])
    if kind == "slice" and x.ndim:
        return x[tuple([_slice(m, n) for n in x.shape])]
    if kind == "reshape":
        return x.reshape(_reshape(m, x.shape))
    if kind == "broadcast":
        lead = (m.choose([1, 2, 3]),) if m.chance(0.5) and x.ndim < 4 else ()
        shape = lead + tuple(
            [m.choose(m.lengths) if n == 1 and m.chance(0.6) else n for n in x.shape]
        )
        return np.broadcast_to(x, shape) if prod(shape) <= LARGEST else x.reshape(-1)
    if kind == "axis" and x.ndim < 4:
        return np.expand_dims(x, int(m.rng.integers(x.ndim + 1)))
    if kind == "item" and x.ndim > 1:
        return x[int(m.rng.integers(x.shape[0]))]
    return x.T


def _slice(m: Maker, n: int) -> slice:
    if m.chance(0.4):
        return slice(None)
    if m.chance(0.3):
        return slice(None, None, -1)
    start = int(m.rng.integers(n))
    stop = int(m.rng.integers(start, n)) + 1
    step = m.choose([1, 1, 2, 3])
    return slice(start, stop, step) if m.chance(0.7) else slice(stop - 1, None, -step)


def _reshape(m: Maker, shape: tuple[int, ...]) -> tuple[int, ...]:
    shape = tuple(shape)
    if m.chance(0.3) or not shape:
        return (prod(shape),)
    i = int(m.rng.integers(len(shape)))
    if m.chance(0.5) and i + 1 < len(shape):
        return (*shape[:i], shape[i] * shape[i + 1], *shape[i + 2 :])
    parts = [d for d in range(1, shape[i] + 1) if shape[i] % d == 0]
    part = m.choose(parts)
    return (*shape[:i], part, shape[i] // part, *shape[i + 1 :])[:5] if len(shape) < 4 else shape


def product(m: Maker) -> Number | None:
    a = m.recent("f", lambda v: v.ndim >= 1)
    if a is None:
        return None
    k = a.value.shape[-1]
    if m.exact and k * a.bound * max(a.bound, 4) / a.unit > LARGEST_SUM:
        return None

    def fits(v: Any) -> bool:
        if v.ndim < 2 or v.shape[-2] != k or not broadcast_fits(a.value.shape[:-2], v.shape[:-2]):
            return False
        stack = np.broadcast_shapes(a.value.shape[:-2], v.shape[:-2])
        return prod(stack) * a.value.shape[-2 if a.value.ndim > 1 else -1] * v.shape[-1] <= LARGEST

    b = m.recent("f", fits)
    if b is not None and m.exact and k * a.bound * b.bound / a.unit / b.unit > LARGEST_SUM:
        return None
    if b is not None:
        y = a.value @ b.value
    elif m.exact and k * (a.bound / a.unit) ** 2 > LARGEST_SUM:
        return None
    elif a.value.ndim >= 2 and prod(a.value.shape) * a.value.shape[-2] <= LARGEST * 8:
        b, y = a, a.value @ np.swapaxes(a.value, -1, -2)
        if prod(y.shape) > LARGEST:
            return None
    else:
        return None
    if not m.exact:
        return Number(y * float(1 / np.sqrt(k)), a.bound * b.bound * np.sqrt(k))
    return Number(y, a.bound * b.bound * k, a.unit * b.unit)


def axes_of(m: Maker, x: Any) -> tuple[int, ...] | None:
    if m.chance(0.25):
        return None
    count = int(m.rng.integers(1, x.ndim + 1))
    return tuple([int(i) for i in m.rng.permutation(x.ndim)[:count]])


def reduction(m: Maker) -> Number | None:
    x = m.recent("f", lambda v: v.ndim > 0)
    if x is None:
        return None
    axis, keepdims = axes_of(m, x.value), m.chance(0.5)
    n = prod([x.value.shape[i] for i in (range(x.value.ndim) if axis is None else axis)])
    name = m.choose(["sum", "sum", "max", "min"])
    if m.exact and n * x.bound / x.unit > LARGEST_SUM:
        name = "max"
    y = getattr(np, name)(x.value, axis=axis, keepdims=keepdims)
    if name != "sum":
        return Number(y, x.bound, x.unit)
    if not m.exact:
        return Number(y * (1.0 / n), x.bound)
    return Number(y, x.bound * n, x.unit)


def binary(m: Maker) -> Number | None:
    x = m.recent("f")
    if x is None:
        return None
    y = m.recent("f", lambda v: broadcast_fits(v.shape, x.value.shape)) or x
    if m.chance(0.5):
        x, y = y, x
    name = m.choose(["add", "subtract", "multiply", "maximum", "minimum"])
    z = getattr(np, name)(x.value, y.value)
    if name == "multiply":
        return Number(z, x.bound * y.bound, x.unit * y.unit)
    grown = x.bound + y.bound if name in ("add", "subtract") else max(x.bound, y.bound)
    return Number(z, grown, min(x.unit, y.unit))


HALF = Host(lambda: 0.5)


def with_number(m: Maker) -> Number | None:
    x = m.recent("f")
    if x is None:
        return None
    c = m.choose([2, 3.0, -1.5, 0.25, np.float32(0.5), HALF, np.bool_(True) if m.exact else 1])
    c = m.real(c) if isinstance(c, np.floating) else c
    name = m.choose(["add", "subtract", "multiply", "maximum", "minimum"])
    if isinstance(c, np.bool_) and name == "subtract":
        name = "add"
    pair = (x.value, c) if m.chance(0.6) else (c, x.value)
    y, size = getattr(np, name)(*pair), abs(float(c))
    if name == "multiply":
        return Number(y, x.bound * size, x.unit * 0.25)
    return Number(y, x.bound + size, min(x.unit, 0.25))


def mask(m: Maker) -> Number | None:
    x = m.recent("fi")
    if x is None:
        return None
    y = m.recent("fi", lambda v: broadcast_fits(v.shape, x.value.shape)) or x
    name = m.choose(["greater", "greater_equal", "less", "less_equal", "equal", "not_equal"])
    return Number(getattr(np, name)(x.value, m.choose([y.value, 0, 0.5, 1.0])), 1)


def choice(m: Maker) -> Number | None:
    c = m.recent("b")
    if c is None:
        return mask(m)
    x = m.recent("f", lambda v: broadcast_fits(v.shape, c.value.shape))
    if x is None:
        return None
    shape = np.broadcast_shapes(c.value.shape, x.value.shape)
    y = m.recent("f", lambda v: broadcast_fits(v.shape, shape))
    if y is None or m.chance(0.3):
        return Number(np.where(c.value, x.value, 0), x.bound, x.unit)
    return Number(np.where(c.value, x.value, y.value), max(x.bound, y.bound), min(x.unit, y.unit))


UNARY = (
    "negative absolute square floor ceil rint trunc sign root fabs positive copy half "
    "quarter".split()
)


# -- exact ----------------------------------------------------------------------------------------


def unary(m: Maker) -> Number | None:
    x = m.recent("f")
    if x is None:
        return None
    name = m.choose(UNARY)
    v, one = x.value, max(1.0, x.unit)
    if name == "square":
        return Number(np.square(v), x.bound**2, x.unit**2)
    if name == "root":
        return Number(np.sqrt(np.square(v)), x.bound, x.unit) if x.bound / x.unit < 2**12 else None
    if name == "half":
        return Number(v / 2, x.bound, x.unit / 2)
    if name == "quarter":
        return Number(v / np.where(v > 0, 4.0, v.dtype.type(2)), x.bound, x.unit / 4)
    if name == "sign":
        return Number(np.sign(v), 1.0, 1.0)
    if name in ("floor", "ceil", "rint", "trunc"):
        return Number(getattr(np, name)(v), x.bound + 1, one)
    return Number(getattr(np, name)(v), x.bound, x.unit)


def logic(m: Maker) -> Number | None:
    x = m.recent("b")
    if x is None:
        return mask(m)
    y = m.recent("b", lambda v: broadcast_fits(v.shape, x.value.shape)) or x
    name = m.choose(["logical_and", "logical_or", "logical_not", "bitwise_and", "invert",
                     "bitwise_xor", "logical_xor", "add", "multiply", "maximum"])  # fmt: skip
    if name in ("logical_not", "invert"):
        return Number(getattr(np, name)(x.value), 1)
    return Number(getattr(np, name)(x.value, y.value), 1)


def integers(m: Maker) -> Number | None:
    x = m.recent("i")
    if x is None:
        return None
    y = m.recent("i", lambda v: broadcast_fits(v.shape, x.value.shape)) or x
    name = m.choose(["add", "subtract", "multiply", "maximum", "minimum", "negative", "absolute",
                     "floor_divide", "square", "number", "sign"])  # fmt: skip
    if name in ("negative", "absolute", "sign"):
        return Number(getattr(np, name)(x.value), x.bound)
    if name == "square":
        return Number(np.square(x.value), x.bound**2)
    if name == "number":
        return Number(x.value * 2 + 1, x.bound * 2 + 1)
    if name == "floor_divide":
        return Number(x.value // 3, x.bound + 1)
    return Number(getattr(np, name)(x.value, y.value), x.bound * y.bound + x.bound + y.bound)


def cast(m: Maker) -> Number | None:
    x = m.recent("fib")
    if x is None:
        return None
    to = m.choose([m.real, m.real, np.int64, np.int32, np.bool_])
    bound = 1.0 if to is np.bool_ or x.kind == "b" else x.bound
    return Number(x.value.astype(to), bound, x.unit if to is m.real and x.kind == "f" else 1.0)


def mixed(m: Maker) -> Number | None:
    """A float with a bool; with integers it would be a float64."""
    x = m.recent("b")
    if x is None:
        return mask(m)
    y = m.recent("f", lambda v: broadcast_fits(v.shape, x.value.shape))
    if y is None:
        return None
    name = m.choose(["add", "multiply", "maximum"])
    return Number(getattr(np, name)(x.value, y.value), y.bound + 1, min(1.0, y.unit))


def rare(m: Maker) -> Number | None:
    """What native code leaves to NumPy."""
    x = m.recent("f", lambda v: v.ndim > 0)
    if x is None:
        return None
    axis = int(m.rng.integers(x.value.ndim))
    kind = m.choose(["cumsum", "concatenate", "pad", "argmax", "any", "sort", "count"])
    n = x.value.shape[axis]
    if kind == "cumsum" and n * x.bound / x.unit <= LARGEST_SUM:
        return Number(np.cumsum(x.value, axis=axis), x.bound * n, x.unit)
    if kind == "concatenate" and x.value.size * 2 <= LARGEST:
        return Number(np.concatenate((x.value, x.value), axis), x.bound, x.unit)
    if kind == "pad" and x.value.size * 8 <= LARGEST:
        return Number(np.pad(x.value, [(1, 0)] * x.value.ndim), x.bound, x.unit)
    if kind == "argmax":
        return Number(np.argmax(x.value, axis=axis), n)
    if kind == "any":
        return Number(np.any(x.value > 0, axis=axis), 1)
    if kind == "count":
        return Number(np.sum(x.value > 0, axis=axis), n)
    return Number(np.sort(x.value, axis=axis), x.bound, x.unit)


def made_of_nothing(m: Maker) -> Number | None:
    x = m.recent("f", lambda v: v.ndim > 0)
    if x is None:
        return None
    n = x.value.shape[-1]
    kind = m.choose(["zeros", "ones", "arange", "arange"])
    if kind == "arange":
        step = m.choose([1, 2])
        y = np.arange(0, n * step, step, like=x.value)
        return Number(y.astype(m.real) if m.chance(0.5) else y, 2 * n)
    return Number(getattr(np, f"{kind}_like")(x.value), 1)
