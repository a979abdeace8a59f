"""Comparison, logic and choice: every row against Python's own numbers."""

from __future__ import annotations

import math
import operator

import numpy as np

import lamina.functions as F
from lamina.check import case

SHAPES = [(2, 3, 5), (0, 4), (1,), ()]


def halves(*shapes):
    """Few different numbers, so that some are equal, and a NaN."""

    def make(rng, dtype):
        return tuple(np.asarray(np.ceil(rng.uniform(-2.5, 1.5, s)) / 2, dtype) for s in shapes)

    return make


def special(rng, dtype):
    """Every kind of number."""
    return (np.array([1.5, -0.0, np.nan, np.inf, -np.inf], dtype),)


def pair(f, python, **options):
    """A row for two operands, of which some are equal; ``python`` compares two numbers."""
    make = [halves((7, 5), (7, 5)), halves((4, 1), (3,)), halves((0, 2), (1, 2)), halves((), (1,))]
    return case(f, np.vectorize(python, otypes=[bool]), make=make, order=0, **options)


def whether(f, python):
    """A row for one operand."""
    make = [special, halves((2, 3)), halves((0, 1)), halves(())]
    return case(f, np.vectorize(python, otypes=[bool]), make=make, order=0)


def chosen(rng, dtype):
    """A condition and two operands that broadcast."""
    return (
        rng.integers(0, 2, (2, 1, 4)) > 0,
        rng.normal(size=(3, 1)).astype(dtype),
        rng.normal(size=(2, 3, 4)).astype(dtype),
    )


def clipped(x, low, high):
    """Written out."""
    low = -math.inf if low is None else low
    high = math.inf if high is None else high
    return np.vectorize(lambda x, low, high: min(max(x, low), high), otypes=[float])(x, low, high)


CASES = [
    pair(F.equal, operator.eq),
    pair(F.not_equal, operator.ne),
    pair(F.less, operator.lt),
    pair(F.less_equal, operator.le),
    pair(F.greater, operator.gt),
    pair(F.greater_equal, operator.ge),
    pair(F.logical_and, lambda a, b: bool(a) and bool(b)),
    pair(F.logical_or, lambda a, b: bool(a) or bool(b)),
    pair(F.logical_xor, lambda a, b: bool(a) != bool(b)),
    whether(F.logical_not, operator.not_),
    whether(F.isnan, math.isnan),
    whether(F.isinf, math.isinf),
    whether(F.isfinite, math.isfinite),
    case(
        F.where,
        np.vectorize(lambda c, a, b: a if c else b, otypes=[float]),
        make=[
            chosen,
            lambda rng, dtype: (np.zeros((0, 2), bool), np.zeros(2, dtype), np.ones((), dtype)),
            lambda rng, dtype: (True, rng.normal(size=3).astype(dtype), np.ones(1, dtype)),
        ],
    ),
    case(
        lambda x: F.where(F.greater(x, 0), x, 0),
        np.vectorize(lambda x: max(x, 0), otypes=[float]),
        shapes=SHAPES,
        name="where with a number",
    ),
    case(F.clip, clipped, shapes=SHAPES, kwargs={"low": -1, "high": 0.5}),
    case(F.clip, clipped, shapes=SHAPES, kwargs={"low": -1, "high": None}, name="clip low"),
    case(F.clip, clipped, shapes=SHAPES, kwargs={"low": None, "high": 0.5}, name="clip high"),
    case(
        F.clip,
        clipped,
        shapes=[((2, 3, 5), (3, 1), (5,)), ((4,), (), (2, 1))],
        domain=[(-2, 2), (-1.5, -0.5), (0, 1)],
        name="clip arrays",
    ),
    case(
        F.clip,
        clipped,
        make=lambda rng, dtype: (
            np.array([-1, 0.5, 3], dtype),
            np.array(2, dtype),
            np.array(0, dtype),
        ),
        name="clip with the ends the wrong way round",
    ),
]
