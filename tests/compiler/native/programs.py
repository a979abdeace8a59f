"""Random programs, of two kinds.

The numbers of an **exact** program are multiples of a unit, and small: float32 holds each of them,
and every sum in whatever order it is taken. What native code gives has to be equal to the last bit,
and one wrong element is seen. A **smooth** program has exponentials, quotients, norms and products
of any numbers, and no steps: what differs in the last place stays small.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from compiler.native.maker import Maker, Number
from compiler.native.steps import (
    axes_of,
    binary,
    broadcast_fits,
    cast,
    choice,
    integers,
    logic,
    made_of_nothing,
    mask,
    mixed,
    product,
    rare,
    reduction,
    unary,
    view,
    with_number,
)

EXACT_STEPS: dict[Callable[[Maker], Number | None], float] = {
    view: 4,
    binary: 5,
    with_number: 2,
    unary: 3,
    reduction: 3,
    product: 2,
    mask: 1,
    choice: 1.5,
    logic: 0.5,
    integers: 0.7,
    cast: 0.7,
    mixed: 0.5,
    rare: 0.3,
    made_of_nothing: 0.4,
}


# -- smooth ---------------------------------------------------------------------------------------


def curve(m: Maker) -> Number | None:
    x = m.recent("f")
    if x is None:
        return None
    v = x.value
    name = m.choose("exp tanh log log1p sqrt sin cos square power sigmoid negative expm1".split())
    if name in ("exp", "expm1"):
        return Number(getattr(np, name)(np.clip(v, -3, 3)), 20)
    if name == "log":
        return Number(np.log(np.abs(v) + 0.5), x.bound)
    if name == "log1p":
        return Number(np.log1p(np.square(v)), x.bound)
    if name == "sqrt":
        return Number(np.sqrt(np.abs(v) + 0.5), x.bound)
    if name == "square":
        return Number(np.square(v), x.bound**2)
    if name == "power":
        return Number((np.abs(v) + 0.5) ** m.choose([1.5, 0.5, -1.0, 3.0, 2]), 100)
    if name == "sigmoid":
        return Number(1.0 / (1.0 + np.exp(-np.clip(v, -4, 4))), 1)
    return Number(getattr(np, name)(v), x.bound if name == "negative" else 1)


def quotient(m: Maker) -> Number | None:
    x = m.recent("f")
    if x is None:
        return None
    y = m.recent("f", lambda v: broadcast_fits(v.shape, x.value.shape)) or x
    return Number(x.value / (np.abs(y.value) + 1.0), x.bound)


def softmax(m: Maker) -> Number | None:
    x = m.recent("f", lambda v: v.ndim > 0)
    if x is None:
        return None
    axis = int(m.rng.integers(x.value.ndim))
    e = np.exp(x.value - x.value.max(axis=axis, keepdims=True))
    return Number(e / e.sum(axis=axis, keepdims=True), 1)


def norm(m: Maker) -> Number | None:
    x = m.recent("f", lambda v: v.ndim > 0)
    if x is None:
        return None
    axis = axes_of(m, x.value)
    mean = np.mean(x.value, axis=axis, keepdims=True)
    centred = x.value - mean
    variance = np.mean(centred * centred, axis=axis, keepdims=True)
    return Number(centred / np.sqrt(variance + 0.1), 4)


SMOOTH_STEPS: dict[Callable[[Maker], Number | None], float] = {
    view: 3,
    binary: 5,
    with_number: 1.5,
    curve: 4,
    quotient: 1,
    reduction: 2.5,
    product: 2,
    softmax: 0.7,
    norm: 0.7,
}


def random_program(seed: Any, exact: bool = True, real: Any = np.float32) -> Maker:
    """A program of 5 to 60 instructions, and who made it: `Maker.inputs` gives it numbers."""
    maker = Maker(np.random.default_rng(seed), real, exact)
    maker.start()
    maker.grow(int(maker.rng.integers(5, 60)), EXACT_STEPS if exact else SMOOTH_STEPS)
    maker.finish()
    return maker
