"""Arithmetic: every row against NumPy or Python's own numbers."""

from __future__ import annotations

import operator

import numpy as np

import lamina.functions as F
from lamina.check import case

PAIRS = [((2, 3, 5), (2, 3, 5)), ((4, 1, 3), (2, 1)), ((), (3,)), ((0, 2), (1, 2)), ((1,), ())]
SHAPES = [(2, 3, 5), (0, 4), (1,), ()]
POSITIVE = (0.5, 2.0)


def integers(*dtypes):
    """Two operands of these dtypes, the second not zero."""

    def make(rng, _):
        return rng.integers(-9, 9, (2, 3)).astype(dtypes[0]), rng.integers(1, 5, 3).astype(
            dtypes[1]
        )

    return make


def pair(f, g, **options):
    """A row for two operands."""
    return case(f, g, shapes=PAIRS, **options)


def whole(f, g):
    """The same for integers."""
    make = [integers(np.int64, np.int64), integers(np.int8, np.int32)]
    return case(f, g, make=make, name=f"{f.__name__} of integers", dtypes=[np.float64])


def number(f, g, name, **options):
    """A row for one operand and a Python number."""
    return case(f, g, shapes=SHAPES, name=name, **options)


CASES = [
    pair(F.add, np.add),
    number(lambda x: F.add(x, 1.5), lambda x: x + 1.5, "add number"),
    number(lambda x: F.add(2, x), lambda x: 2 + x, "add to number"),
    whole(F.add, np.add),
    pair(F.sub, np.subtract),
    number(lambda x: F.sub(x, 1.5), lambda x: x - 1.5, "sub number"),
    number(lambda x: F.sub(2, x), lambda x: 2 - x, "sub from number"),
    whole(F.sub, np.subtract),
    pair(F.mul, np.multiply),
    number(lambda x: F.mul(x, 3), lambda x: x * 3, "mul number"),
    number(lambda x: F.mul(0.5, x), lambda x: 0.5 * x, "mul of number"),
    whole(F.mul, np.multiply),
    pair(F.div, np.divide, domain=[(-2, 2), POSITIVE]),
    number(lambda x: F.div(x, 3), lambda x: x / 3, "div number"),
    number(lambda x: F.div(2, x), lambda x: 2 / x, "div of number", domain=(-2.0, -0.5)),
    whole(F.div, np.divide),
    case(F.neg, np.negative, shapes=SHAPES),
    case(F.pos, np.positive, shapes=SHAPES),
    case(F.abs, np.abs, shapes=SHAPES),
    pair(F.pow, np.power, domain=[POSITIVE, (-2, 2)]),
    *[
        number(
            lambda x, n=n: F.pow(x, n),
            lambda x, n=n: np.prod([x] * n, axis=0) if n else np.ones_like(x),
            f"pow {n}",
            order=3,
        )
        for n in range(5)
    ],
    number(lambda x: F.pow(x, -2), lambda x: 1 / x / x, "pow negative", domain=POSITIVE, order=3),
    number(lambda x: F.pow(x, 2.5), lambda x: np.sqrt(x) * x * x, "pow fraction", domain=POSITIVE),
    number(lambda x: F.pow(3.0, x), lambda x: np.exp(np.log(3.0) * x), "pow of number", order=3),
    case(
        F.pow,
        np.vectorize(lambda a, b: a**b, otypes=[float]),
        make=lambda rng, dtype: (
            rng.uniform(-2, 2, (3, 2)).astype(dtype),
            rng.integers(0, 4, (3, 2)),
        ),
        name="pow integers above a base of either sign",
        keeps_dtype=False,
    ),
    case(F.square, lambda x: x * x, shapes=SHAPES),
    case(F.reciprocal, lambda x: 1 / x, shapes=SHAPES, domain=POSITIVE),
    case(
        F.mod,
        np.vectorize(operator.mod, otypes=[float]),
        shapes=[((2, 3), (2, 3)), ((2, 1), (4,))],
        domain=[(0.1, 0.9), (1, 2)],
    ),
    case(
        F.mod,
        np.vectorize(operator.mod, otypes=[float]),
        make=lambda rng, dtype: (np.array([5.5, -5.5, 1.25], dtype), np.array([2, 2, -1], dtype)),
        name="mod of either sign",
    ),
    whole(F.mod, np.remainder),
    case(
        F.floordiv,
        np.vectorize(operator.floordiv, otypes=[float]),
        make=lambda rng, dtype: (np.array([5.5, -5.5, 1.25], dtype), np.array([2, 2, -1], dtype)),
    ),
    whole(F.floordiv, np.floor_divide),
    pair(F.maximum, np.vectorize(max, otypes=[float])),
    number(lambda x: F.maximum(x, 0.25), lambda x: np.where(x > 0.25, x, 0.25), "maximum number"),
    pair(F.minimum, np.vectorize(min, otypes=[float])),
    number(lambda x: F.minimum(1, x), lambda x: np.where(x < 1, x, 1), "minimum number"),
    case(F.astype, lambda x, dtype: x, shapes=SHAPES, kwargs={"dtype": float}, keeps_dtype=False),
    case(
        F.astype,
        lambda x, dtype: np.trunc(x).astype(int),
        shapes=SHAPES,
        kwargs={"dtype": int},
        order=0,
        name="astype integers",
    ),
    case(F.real, lambda x: x, shapes=SHAPES),
    case(
        F.real,
        np.vectorize(lambda x: x.real, otypes=[float]),
        make=lambda rng, _: rng.normal(size=(2, 3)) + 1j * rng.normal(size=(2, 3)),
        order=0,
        name="real of complex numbers",
    ),
]
