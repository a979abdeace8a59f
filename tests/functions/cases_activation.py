"""Activations: every row against its formula in Python's own numbers, or SciPy."""

from __future__ import annotations

import math

import numpy as np
import scipy.special

import lamina.functions as F
from lamina.check import case

SHAPES = [(2, 3, 5), (0, 4), (1,), ()]
AXES = [(2, 3, 5), (0, 4), (4, 1), (3, 7)]


def one(f, python, low=-3.0, high=3.0, **options):
    """A row for one operand; ``python`` maps one number to one."""
    reference = np.vectorize(python, otypes=[float])
    return case(f, reference, shapes=SHAPES, domain=(low, high), **options)


CASES = [
    one(F.relu, lambda x: max(x, 0.0)),
    one(F.leaky_relu, lambda x: x if x > 0 else 0.01 * x),
    one(
        lambda x: F.leaky_relu(x, slope=0.25),
        lambda x: x if x > 0 else 0.25 * x,
        name="leaky_relu slope",
    ),
    one(F.elu, lambda x: x if x > 0 else math.exp(x) - 1),
    one(
        lambda x: F.elu(x, alpha=0.5),
        lambda x: x if x > 0 else math.expm1(x) / 2,
        name="elu alpha",
    ),
    one(F.sigmoid, scipy.special.expit, order=3),
    one(F.sigmoid, scipy.special.expit, -60, -40, name="sigmoid of large negative numbers"),
    one(F.tanh, math.tanh, order=3),
    one(F.softplus, lambda x: math.log1p(math.exp(x)), order=3),
    one(
        F.softplus, lambda x: x + math.log1p(math.exp(-x)), 40, 60, name="softplus of large numbers"
    ),
    one(F.silu, lambda x: x / (1 + math.exp(-x)), order=3),
    one(
        F.gelu_tanh,
        lambda x: x / (1 + math.exp(-2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
        order=3,
    ),
    case(F.softmax, lambda x: scipy.special.softmax(x, -1), shapes=AXES, order=3),
    case(
        F.softmax,
        scipy.special.softmax,
        shapes=[(2, 3, 5), (3, 0, 2)],
        kwargs={"axis": 0},
        name="softmax axis",
    ),
    case(
        F.softmax,
        scipy.special.softmax,
        shapes=[(2, 3, 5)],
        kwargs={"axis": (-1, 0)},
        name="softmax axes",
    ),
    case(F.log_softmax, lambda x: scipy.special.log_softmax(x, -1), shapes=AXES, order=3),
    case(
        F.log_softmax,
        scipy.special.log_softmax,
        shapes=[(2, 3, 5), (3, 0, 2)],
        kwargs={"axis": 0},
        name="log_softmax axis",
    ),
    case(
        F.log_softmax,
        scipy.special.log_softmax,
        shapes=[(2, 3, 5)],
        kwargs={"axis": (1, 2)},
        name="log_softmax axes",
    ),
]
