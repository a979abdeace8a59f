"""LSTM and GRU against loops over samples, steps and units, with Python's numbers."""

from __future__ import annotations

import math

import numpy as np

import lamina.functions as F
from lamina import Variable, gradients, using
from lamina.check import case


def squash(x):
    return 1 / (1 + math.exp(-x))


def sums(row, W, b=None):
    """``row W + b``, one unit after the other."""
    return [
        sum(row[k] * W[k, j] for k in range(W.shape[0])) + (0 if b is None else b[j])
        for j in range(W.shape[1])
    ]


def lstm_by_loops(x, h, c, Wx, Wh, b=None):
    n, steps, _ = x.shape
    size = Wh.shape[0]
    y = np.zeros((n, steps, size))
    h = np.zeros((n, size)) if h is None else h.copy()
    c = np.zeros((n, size)) if c is None else c.copy()
    for s in range(n):
        for t in range(steps):
            a = np.add(sums(x[s, t], Wx, b), sums(h[s], Wh))
            for k in range(size):
                i, f, g, o = a[k::size] if size else ()
                c[s, k] = squash(f) * c[s, k] + squash(i) * math.tanh(g)
                h[s, k] = squash(o) * math.tanh(c[s, k])
            y[s, t] = h[s]
    return y, h, c


def gru_by_loops(x, h, Wx, Wh, bx=None, bh=None):
    n, steps, _ = x.shape
    size = Wh.shape[0]
    y = np.zeros((n, steps, size))
    h = np.zeros((n, size)) if h is None else h.copy()
    for s in range(n):
        for t in range(steps):
            a, inner = sums(x[s, t], Wx, bx), sums(h[s], Wh, bh)
            for k in range(size):
                r, u = squash(a[k] + inner[k]), squash(a[size + k] + inner[size + k])
                new = math.tanh(a[2 * size + k] + r * inner[2 * size + k])
                h[s, k] = (1 - u) * new + u * h[s, k]
            y[s, t] = h[s]
    return y, h


def shapes(n, steps, width, size, gates, states, biases):
    """All operands of one call; no two of the lengths need be equal."""
    state, bias = [(n, size)] * states, [(gates * size,)] * biases
    return ((n, steps, width), *state, (width, gates * size), (size, gates * size), *bias)


SIZES = [(2, 3, 4, 2), (3, 2, 1, 3), (1, 1, 1, 1), (0, 2, 3, 2), (2, 1, 0, 3), (4, 5, 2, 1)]


def without_state(f, states):
    return lambda x, *rest: f(x, *[None] * states, *rest)


def slopes_of(f):
    """The first derivatives of a loss, by the kernels that serve when no second ones are asked."""

    def slopes(*inputs):
        with using(grad=True):
            xs = [v.detach() if isinstance(v, Variable) else Variable(v) for v in inputs]
            for x in xs:
                x.requires_grad = True
            y, *last = f(*xs)
            return gradients((y * y).sum() + last[-1].sum(), xs)

    return slopes


def slopes_by_differences(reference):
    def slopes(*inputs):
        found = []
        for x in inputs:
            g = np.zeros(x.shape)
            for place in np.ndindex(*x.shape):
                x0, losses = x[place], []
                for step in (-STEP, STEP):
                    x[place] = x0 + step
                    y, *last = reference(*inputs)
                    losses.append((y * y).sum() + last[-1].sum())
                x[place] = x0
                g[place] = (losses[1] - losses[0]) / (2 * STEP)
            found.append(g)
        return tuple(found)

    return slopes


STEP = 1e-5
DIFFERENCES = {"rtol": 1e-7, "reason": "the reference is a difference quotient with step 1e-5"}

CASES = [
    case(F.lstm, lstm_by_loops, shapes=[shapes(*s, 4, 2, 1) for s in SIZES]),
    case(F.gru, gru_by_loops, shapes=[shapes(*s, 3, 1, 2) for s in SIZES]),
    case(
        slopes_of(F.lstm),
        slopes_by_differences(lstm_by_loops),
        shapes=[shapes(*s, 4, 2, 1) for s in SIZES[:4]],
        order=0,
        name="lstm, its first derivatives",
        **DIFFERENCES,
    ),
    case(
        slopes_of(F.gru),
        slopes_by_differences(gru_by_loops),
        shapes=[shapes(*s, 3, 1, 2) for s in SIZES[:4]],
        order=0,
        name="gru, its first derivatives",
        **DIFFERENCES,
    ),
    case(
        without_state(F.lstm, 2),
        without_state(lstm_by_loops, 2),
        shapes=[shapes(*s, 4, 0, 0) for s in SIZES[:2]],
        name="lstm without state and bias",
    ),
    case(
        without_state(F.gru, 1),
        without_state(gru_by_loops, 1),
        shapes=[shapes(*s, 3, 0, 0) for s in SIZES[:2]],
        name="gru without state and biases",
    ),
]
