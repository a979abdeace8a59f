"""Positions told to attention, one number at a time; heads that share keys, one after the other."""

from __future__ import annotations

import cmath
import math

import numpy as np

import lamina.functions as F
from functions.cases_attention import by_loops
from lamina.check import case


def sinusoidal(positions, size, base=10000.0, dtype=None):
    y = np.zeros((*np.shape(positions), size))
    for place in np.ndindex(*y.shape):
        *at, j = place
        angle = positions[tuple(at)] / base ** ((j - j % 2) / size)
        y[place] = math.cos(angle) if j % 2 else math.sin(angle)
    return y


def rotary(x, positions=None, base=10000.0, interleaved=False):
    """Pairs as complex numbers, turned."""
    half = x.shape[-1] // 2
    at = np.arange(x.shape[-2]) if positions is None else positions
    at = np.broadcast_to(at, x.shape[:-1])
    y = np.zeros(x.shape)
    for place in np.ndindex(*x.shape[:-1]):
        for i in range(half):
            one, two = (2 * i, 2 * i + 1) if interleaved else (i, i + half)
            z = complex(x[(*place, one)], x[(*place, two)])
            z *= cmath.exp(1j * at[place] / base ** (2 * i / x.shape[-1]))
            y[(*place, one)], y[(*place, two)] = z.real, z.imag
    return y


SLOPES = {
    1: [1 / 256],
    2: [1 / 16, 1 / 256],
    3: [1 / 16, 1 / 256, 1 / 4],
    8: [2.0**-i for i in range(1, 9)],
}
"""As the paper has them for 8, and its code for 3."""


def alibi(queries, keys, heads, dtype=None):
    y = [[[-s * abs(i - j) for j in keys] for i in queries] for s in SLOPES[heads]]
    return np.array(y).reshape(heads, len(queries), len(keys))


def grouped(q, k, v, mask=None, **words):
    """Keys and values repeated."""
    times = q.shape[-3] // k.shape[-3]
    return by_loops(q, np.repeat(k, times, -3), np.repeat(v, times, -3), mask, **words)


def places(*shapes):
    """Positions, integers."""

    def make(rng, dtype):
        return tuple(rng.integers(0, 50, shape) for shape in shapes)

    return make


def turned(shape, at):
    def make(rng, dtype):
        return rng.uniform(-2, 2, shape).astype(dtype), rng.integers(0, 9, at)

    return make


DOUBLE = {"dtype": "float64"}

CASES = [
    case(
        F.sinusoidal_positions,
        sinusoidal,
        make=[places((5,)), places((2, 1)), places((0,))],
        kwargs={"size": 4, **DOUBLE},
        order=0,
    ),
    case(
        F.sinusoidal_positions,
        sinusoidal,
        shapes=[(3,), (1,)],
        kwargs={"size": 2, "base": 3.0},
        name="sinusoidal_positions of times",
    ),
    case(F.rotary_embedding, rotary, shapes=[(2, 3, 4), (0, 2, 2), (1, 0)]),
    case(
        F.rotary_embedding,
        rotary,
        make=[turned((2, 3, 4), (3,)), turned((2, 2, 2), (2, 1))],
        kwargs={"interleaved": True, "base": 10.0},
        name="rotary_embedding interleaved",
    ),
    *[
        case(
            F.alibi_bias,
            alibi,
            make=[places((3,), (4,)), places((1,), (1,)), places((0,), (2,))],
            kwargs={"heads": heads, **DOUBLE},
            order=0,
            name=f"alibi_bias of {heads}",
        )
        for heads in SLOPES
    ],
    case(
        F.grouped_query_attention,
        grouped,
        shapes=[
            ((2, 4, 3, 2), (2, 2, 2, 2), (2, 2, 2, 1)),
            ((2, 1, 3), (1, 2, 3), (1, 2, 2)),
            ((0, 2, 1, 1), (0, 1, 1, 1), (0, 1, 1, 1)),
            ((1, 1, 1), (1, 1, 1), (1, 1, 1)),
        ],
    ),
    case(
        F.grouped_query_attention,
        grouped,
        shapes=[((4, 3, 2), (2, 3, 2), (2, 3, 1), s) for s in ((4, 3, 3), (1, 3, 3), (3, 3))],
        kwargs={"causal": True, "scale": 0.5},
        name="grouped_query_attention with a mask",
    ),
]
