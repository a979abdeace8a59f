"""Activations that bend the line: every row against its formula in Python's own numbers."""

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


CASES = [
    one(F.softsign, lambda x: x / (1 + abs(x)), order=3),
    one(F.softsign, lambda x: x / (1 + abs(x)), 500, 900, name="softsign of large numbers"),
    one(F.hard_tanh, lambda x: min(max(x, -1), 1)),
    one(lambda x: F.hard_tanh(x, -2, 0.5), lambda x: min(max(x, -2), 0.5), name="hard_tanh bounds"),
    one(F.hard_sigmoid, lambda x: min(max(x / 6 + 0.5, 0), 1), -4.5, 5),
    one(F.hard_swish, lambda x: x * min(max(x / 6 + 0.5, 0), 1), -4.5, 5),
    one(F.log_sigmoid, lambda x: -math.log1p(math.exp(-x)), order=3),
    one(F.log_sigmoid, lambda x: x - math.exp(x), -60, -40, name="log_sigmoid far below 0"),
    one(F.mish, lambda x: x * math.tanh(math.log1p(math.exp(x)))),
    one(F.gelu_quick, lambda x: x / (1 + math.exp(-1.702 * x))),
    one(F.tanh_shrink, lambda x: x - math.tanh(x)),
    one(F.hard_shrink, lambda x: x if abs(x) > 0.5 else 0.0),
    one(
        lambda x: F.hard_shrink(x, 1.5),
        lambda x: x if abs(x) > 1.5 else 0.0,
        name="hard_shrink limit",
    ),
    one(F.soft_shrink, lambda x: math.copysign(max(abs(x) - 0.5, 0), x)),
    one(
        lambda x: F.soft_shrink(x, 1.5),
        lambda x: math.copysign(max(abs(x) - 1.5, 0), x),
        name="soft_shrink limit",
    ),
    one(F.snake, lambda x: x + math.sin(x) ** 2),
    case(
        F.snake,
        lambda x, a: x + (1 - np.cos(2 * a * x)) / (2 * a),
        shapes=[((2, 3), (3,)), ((4, 1), ())],
        domain=(0.5, 2),
        name="snake of learned frequencies",
    ),
]
