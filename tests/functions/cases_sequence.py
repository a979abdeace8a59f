"""Sequences of different lengths, one after the other; single steps of recurrent networks."""

from __future__ import annotations

import numpy as np

import lamina.functions as F
from functions.cases_recurrent import gru_by_loops, lstm_by_loops
from lamina.check import case


def sequence_mask(lengths, steps):
    y = np.zeros((*np.shape(lengths), steps), bool)
    for place in np.ndindex(*np.shape(lengths)):
        y[place][: lengths[place]] = True
    return y


def reverse_padded(x, lengths=None):
    y = x.copy()
    for i in range(len(x)):
        n = x.shape[1] if lengths is None else lengths[i]
        y[i, :n] = x[i, :n][::-1]
    return y


def last_step(x, lengths=None):
    rows = [row[-1 if lengths is None else lengths[i] - 1] for i, row in enumerate(x)]
    return np.array(rows).reshape(len(x), *x.shape[2:])


def rnn(x, h, Wx, Wh, b=None, activation="tanh", lengths=None):
    squash = np.tanh if activation == "tanh" else lambda a: np.maximum(a, 0)
    y = np.zeros((*x.shape[:2], Wh.shape[0]))
    last = np.zeros((len(x), Wh.shape[0]))
    for i in range(len(x)):
        state = np.zeros(Wh.shape[0]) if h is None else h[i]
        for t in range(x.shape[1] if lengths is None else lengths[i]):
            y[i, t] = state = squash(x[i, t] @ Wx + state @ Wh + (0 if b is None else b))
        last[i] = state
    return y, last


def of_lengths(f, count):
    """A reference for whole sequences, of each up to its length: ``count`` states come first."""

    def reference(x, *rest):
        *others, lengths = rest
        states, weights = others[:count], others[count:]
        size = states[0].shape[1]
        y = np.zeros((*x.shape[:2], size))
        lasts = [np.zeros((len(x), size)) for _ in range(count)]
        for i, n in enumerate(lengths):
            own = [s[i : i + 1] for s in states]
            part, *ends = f(x[i : i + 1, :n], *own, *weights)
            y[i, :n] = part[0]
            for last, end in zip(lasts, ends, strict=True):
                last[i] = end[0]
        return (y, *lasts)

    return reference


def with_lengths(f):
    def call(*inputs):
        *others, lengths = inputs
        return f(*others, lengths=lengths)

    return call


def one_step(f):
    """A reference for whole sequences, of one step: without all states."""

    def reference(x, *rest):
        ends = f(x[:, None], *rest)[1:]
        return ends if len(ends) > 1 else ends[0]

    return reference


def both_ways(x, Wx, Wh, Vx, Vh, lengths=None):
    return F.bidirectional(
        lambda v: F.rnn(v, None, Wx, Wh, lengths=lengths),
        lambda v: F.rnn(v, None, Vx, Vh, lengths=lengths),
        x,
        lengths,
    )


def both_by_loops(x, Wx, Wh, Vx, Vh, lengths=None):
    y, h = rnn(x, None, Wx, Wh, lengths=lengths)
    z, g = rnn(reverse_padded(x, lengths), None, Vx, Vh, lengths=lengths)
    return np.concatenate([y, reverse_padded(z, lengths)], 2), h, g


def sizes(n, steps, wide, size, gates, states, biases):
    """Shapes of a recurrent network's operands."""
    return (
        (n, steps, wide) if steps else (n, wide),
        *[(n, size)] * states,
        (wide, gates * size),
        (size, gates * size),
        *[(gates * size,)] * biases,
    )


def and_lengths(shapes, lengths):
    def make(rng, dtype):
        return (*[rng.uniform(-1, 1, s).astype(dtype) for s in shapes], np.array(lengths, np.int64))

    return make


def padded(shape, lengths):
    return and_lengths([shape], lengths)


CASES = [
    case(
        F.sequence_mask,
        sequence_mask,
        make=[lambda rng, _, s=s: rng.integers(0, 4, s) for s in ((3,), (2, 1), (0,), ())],
        kwargs={"steps": 3},
        order=0,
    ),
    case(F.reverse_padded, reverse_padded, shapes=[(2, 3, 2), (0, 2), (1, 1)]),
    case(
        F.reverse_padded,
        reverse_padded,
        make=[padded((3, 4, 2), [4, 0, 2])],
        name="reverse_padded with lengths",
    ),
    case(F.last_step, last_step, shapes=[(2, 3, 2), (0, 2), (1, 1)]),
    case(
        F.last_step, last_step, make=[padded((3, 4, 2), [4, 1, 2])], name="last_step with lengths"
    ),
    case(F.rnn, rnn, shapes=[sizes(2, 3, 2, 3, 1, 1, 1), sizes(1, 1, 1, 1, 1, 1, 1)]),
    case(
        F.rnn,
        rnn,
        shapes=[sizes(2, 2, 2, 3, 1, 1, 1), sizes(0, 2, 1, 2, 1, 1, 1)],
        kwargs={"activation": "relu"},
        name="rnn with relu",
    ),
    case(
        with_lengths(F.rnn),
        of_lengths(rnn, 1),
        make=[and_lengths(sizes(3, 3, 2, 2, 1, 1, 1), [3, 1, 2])],
        name="rnn with lengths",
    ),
    case(
        with_lengths(F.lstm),
        of_lengths(lstm_by_loops, 2),
        make=[and_lengths(sizes(3, 3, 2, 2, 4, 2, 1), [3, 1, 2])],
        name="lstm with lengths",
    ),
    case(
        with_lengths(F.gru),
        of_lengths(gru_by_loops, 1),
        make=[and_lengths(sizes(3, 3, 2, 2, 3, 1, 2), [3, 1, 2])],
        name="gru with lengths",
    ),
    *[
        case(
            f,
            one_step(g),
            shapes=[sizes(n, 0, w, s, gates, states, biases) for n, w, s in [(2, 3, 2), (0, 1, 1)]],
            name=name,
        )
        for f, g, gates, states, biases, name in [
            (F.rnn_cell, rnn, 1, 1, 1, "rnn_cell"),
            (F.lstm_cell, lstm_by_loops, 4, 2, 1, "lstm_cell"),
            (F.gru_cell, gru_by_loops, 3, 1, 2, "gru_cell"),
        ]
    ],
    *[
        case(
            f,
            one_step(g),
            shapes=[sizes(1, 0, 1, 1, gates, states, biases)],
            name=f"{f.__name__} of one number",
        )
        for f, g, gates, states, biases in [
            (F.rnn_cell, rnn, 1, 1, 1),
            (F.lstm_cell, lstm_by_loops, 4, 2, 1),
            (F.gru_cell, gru_by_loops, 3, 1, 2),
        ]
    ],
    case(
        both_ways,
        both_by_loops,
        shapes=[
            ((2, 3, 2), (2, 2), (2, 2), (2, 1), (1, 1)),
            ((0, 2, 1), (1, 2), (2, 2), (1, 2), (2, 2)),
            ((1, 1, 1), (1, 1), (1, 1), (1, 1), (1, 1)),
        ],
        name="bidirectional",
    ),
    case(
        both_ways,
        both_by_loops,
        make=[and_lengths([(3, 3, 2), (2, 2), (2, 2), (2, 1), (1, 1)], [3, 1, 2])],
        name="bidirectional with lengths",
    ),
]
