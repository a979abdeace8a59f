"""Rectifiers: every row against its formula in Python's own numbers, or loops."""

from __future__ import annotations

import math

import numpy as np

import lamina.functions as F
from lamina.check import case

SHAPES = [(2, 3, 5), (0, 4), (1,), ()]


def one(f, python, low=-3.0, high=3.0, **options):
    """A row for one operand; ``python`` maps one number to one."""
    reference = np.vectorize(python, otypes=[float])
    return case(f, reference, shapes=SHAPES, domain=(low, high), **options)


def selu(x):
    """Both constants from the formulas that define them: G. Klambauer et al., 2017, appendix."""
    pi, half, double = math.pi, math.erfc(1 / math.sqrt(2)), math.erfc(math.sqrt(2))
    lost = 1 - half * math.sqrt(math.e)
    alpha = math.sqrt(2 / pi) / lost
    square = 2 * double * math.e**2 + pi * half**2 * math.e + pi + 2
    square -= 2 * (2 + pi) * half * math.sqrt(math.e)
    scale = lost * math.sqrt(2 * pi / square)
    return scale * (x if x > 0 else alpha * math.expm1(x))


def groups(x, pieces, axis=-1):
    """The largest of each group, group by group."""
    lines = np.moveaxis(x, axis, -1)
    best = [lines[..., i : i + pieces].max(-1) for i in range(0, lines.shape[-1], pieces)]
    return np.moveaxis(np.stack(best, -1), -1, axis) if best else x


def different(*shape):
    """Numbers none of which are close to one another: extremes have derivatives."""
    size = math.prod(shape)
    return lambda rng, dtype: np.asarray(rng.permutation(size).reshape(shape) / 8, dtype)


def doubled(x, axis=-1):
    """A number above 0 on the left, one below 0 on the right."""
    left, right = np.where(x > 0, x, 0), np.where(x < 0, -x, 0)
    return np.concatenate([left, right], axis)


def by_channel(x, slope):
    """A slope for each place on axis 1, or on axis 0 of a vector."""
    y = x.copy()
    for place in np.ndindex(x.shape):
        channel = place[1] if len(place) > 1 else place[0]
        if x[place] < 0:
            y[place] *= slope[channel if slope.size > 1 else 0]
    return y


CASES = [
    one(F.relu6, lambda x: min(max(x, 0), 6), -4, 10),
    one(F.relu_squared, lambda x: max(x, 0) ** 2),
    case(F.prelu, by_channel, shapes=[((2, 3, 5), (3,)), ((2, 3), (3,)), ((0, 2), (2,))]),
    case(F.prelu, by_channel, shapes=[((5,), (5,)), ((5,), (1,)), ((1,), (1,))], name="prelu flat"),
    case(
        F.prelu,
        lambda x, a: np.where(x > 0, x, a * x),
        shapes=[((2, 3), ()), ((), ())],
        name="prelu of one slope",
    ),
    one(F.selu, selu),
    one(F.celu, lambda x: x if x > 0 else math.expm1(x)),
    one(
        lambda x: F.celu(x, alpha=0.5),
        lambda x: x if x > 0 else math.expm1(2 * x) / 2,
        name="celu alpha",
    ),
    one(lambda x: F.threshold(x, 0.5), lambda x: x if x > 0.5 else 0, name="threshold"),
    one(
        lambda x: F.threshold(x, -0.75, 7.0),
        lambda x: x if x > -0.75 else 7.0,
        name="threshold to value",
    ),
    one(F.squareplus, lambda x: (x + math.sqrt(x * x + 4)) / 2, order=3),
    one(
        lambda x: F.squareplus(x, 0.25),
        lambda x: 0.125 / (math.sqrt(x * x + 0.25) - x),
        -200,
        -100,
        name="squareplus of large negative numbers",
    ),
    case(F.maxout, groups, make=[different(2, 3, 4), different(0, 2)], kwargs={"pieces": 2}),
    case(F.maxout, groups, make=[different(1)], kwargs={"pieces": 1}, name="maxout of single ones"),
    case(
        F.maxout,
        groups,
        make=[different(2, 6, 5)],
        kwargs={"pieces": 3, "axis": 1},
        name="maxout axis",
    ),
    case(F.crelu, doubled, shapes=[(2, 3, 5), (0, 4), (1,)]),
    case(F.crelu, doubled, shapes=[(2, 3, 5), (2, 0)], kwargs={"axis": 1}, name="crelu axis"),
]
