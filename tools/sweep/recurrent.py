"""Recurrent networks and sequences that end at different steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

import lamina.functions as F

from .case import Case, Draw, operator, torch


def torch_recurrent(
    d: Draw, x: Any, states: Any, weights: list[Any], ends: Any, word: str | None = None
) -> Any:
    """A whole sequence, packed where sequences end at different steps."""
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    f = {"lstm": torch.lstm, "gru": torch.gru, "rnn": getattr(torch, f"rnn_{word}")}[d.name]
    flat, bias = weights, len(weights) == 4
    if ends is None:
        return list(f(x, states, flat, bias, 1, 0.0, False, False, True))
    packed = pack_padded_sequence(x, torch.tensor(ends), batch_first=True, enforce_sorted=False)
    order = packed.sorted_indices
    turned = [s[:, order] for s in states] if isinstance(states, list) else states[:, order]
    y, *last = f(packed.data, packed.batch_sizes, turned, flat, bias, 1, 0.0, False, False)
    y, _ = pad_packed_sequence(packed._replace(data=y), batch_first=True, total_length=x.shape[1])
    return [y, *(s[:, packed.unsorted_indices] for s in last)]


def step(name: str, a: Any, s: Any, states: list[Any], g: Any = np.tanh) -> list[Any]:
    """The next states, from what comes of the input and what of the last state."""
    if name == "lstm":
        i, f, z, o = np.split(a + s, 4, -1)
        c = sc.expit(f) * states[1] + sc.expit(i) * np.tanh(z)
        return [sc.expit(o) * np.tanh(c), c]
    if name == "gru":
        (r, u, z), (sr, su, sz) = np.split(a, 3, -1), np.split(s, 3, -1)
        u = sc.expit(u + su)
        return [(1 - u) * np.tanh(z + sc.expit(r + sr) * sz) + u * states[0]]
    return [g(a + s)]


def sequence_by_steps(name: str, ends: Any, g: Any) -> Any:
    """A recurrent network as a loop over samples and steps."""
    count = 2 if name == "lstm" else 1

    def run(x: Any, *rest: Any) -> Any:
        states, (Wx, Wh, *b) = rest[:count], rest[count:]
        bias = [0 if v is None else v for v in (*b, None)]
        y, last = np.zeros((*x.shape[:2], len(Wh))), np.zeros((count, len(x), len(Wh)))
        for n in range(len(x)):
            now = [np.zeros(len(Wh)) if s is None else s[n] for s in states]
            for t in range(x.shape[1] if ends is None else ends[n]):
                now = step(name, x[n, t] @ Wx + bias[0], now[0] @ Wh + bias[1], now, g)
                y[n, t] = now[0]
            last[:, n] = now
        return (y, *last)

    return run


@operator("lstm", "gru", "rnn")
def recurrent(d: Draw) -> Case:
    n, steps, width, size = d.int(1, 4), d.int(1, 6), d.int(1, 4), d.int(1, 4)
    gates = {"lstm": 4, "gru": 3, "rnn": 1}[d.name] * size
    count = 2 if d.name == "lstm" else 1
    x, states = d.array(n, steps, width), [d.array(n, size) for _ in range(count)]
    matrices = [d.array(width, gates, low=-1, high=1), d.array(size, gates, low=-1, high=1)]
    biases: list[Any] = [d.array(gates) for _ in range(2 if d.name == "gru" else 1)]
    ends = np.array([d.int(1, steps) for _ in range(n)]) if d.flag() else None
    plain = d.int(0, 3) == 0  # no first state and no bias
    if plain:
        states, biases = [None] * count, [None] * len(biases)  # type: ignore[list-item]
    words: dict[str, Any] = {"activation": d.pick(["tanh", "relu"])} if d.name == "rnn" else {}
    g = np.tanh if words.get("activation") != "relu" else lambda a: np.maximum(a, 0)

    def peer(x: Any, *rest: Any) -> Any:
        given, (Wx, Wh, *b) = rest[:count], rest[count:]
        first = [x.new_zeros(1, n, size) if s is None else s[None] for s in given]
        zeros = x.new_zeros(gates)
        both = [zeros if v is None else v for v in (*b, None)][:2]
        weights = [Wx.T, Wh.T, *both]
        y, *last = torch_recurrent(
            d, x, first if count == 2 else first[0], weights, ends, words.get("activation")
        )
        return [y, *(s[0] for s in last)]

    f = getattr(F, d.name)
    return Case(
        lambda *x: f(*x, lengths=ends, **words),
        [x, *states, *matrices, *biases],
        sequence_by_steps(d.name, ends, g),
        peer,
        text=f"lengths={ends} {words}",
        terms=8 * steps * (width + size) * n,
        # relu does not bound its states: each step may make them so many times as large.
        scale=3.0 if words.get("activation") != "relu" else 3.0 * (size + width) ** steps,
    )


@operator("lstm_cell", "gru_cell", "rnn_cell")
def cell(d: Draw) -> Case:
    n, width, size = d.int(1, 4), d.int(1, 4), d.int(1, 4)
    gates = {"lstm_cell": 4, "gru_cell": 3, "rnn_cell": 1}[d.name]
    x, h = d.array(n, width), d.array(n, size)
    Wx, Wh, b = d.array(width, gates * size), d.array(size, gates * size), d.array(gates * size)
    words = {"terms": 8 * (width + size) * n, "scale": 9.0}
    if d.name == "lstm_cell":

        def numpy(x: Any, h: Any, c: Any, Wx: Any, Wh: Any, b: Any) -> Any:
            i, f, g, o = np.split(x @ Wx + h @ Wh + b, 4, -1)
            c = sc.expit(f) * c + sc.expit(i) * np.tanh(g)
            return sc.expit(o) * np.tanh(c), c

        def peer(x: Any, h: Any, c: Any, Wx: Any, Wh: Any, b: Any) -> Any:
            return torch.lstm_cell(x, (h, c), Wx.T, Wh.T, b, torch.zeros_like(b))

        return Case(F.lstm_cell, [x, h, d.array(n, size), Wx, Wh, b], numpy, peer, **words)
    if d.name == "gru_cell":
        return Case(
            F.gru_cell,
            [x, h, Wx, Wh, b, d.array(gates * size)],
            lambda x, h, Wx, Wh, b, c: step("gru", x @ Wx + b, h @ Wh + c, [h])[0],
            lambda x, h, Wx, Wh, b, c: torch.gru_cell(x, h, Wx.T, Wh.T, b, c),
            **words,
        )
    word = d.pick(["tanh", "relu"])
    g = np.tanh if word == "tanh" else lambda a: np.maximum(a, 0)
    return Case(
        lambda *x: F.rnn_cell(*x, activation=word),
        [x, h, Wx, Wh, b],
        lambda x, h, Wx, Wh, b: g(x @ Wx + h @ Wh + b),
        lambda x, h, Wx, Wh, b: getattr(torch, word)(x @ Wx + h @ Wh + b),
        text=word,
        **words,
    )


@operator("sequence_mask", "reverse_padded", "last_step", "bidirectional")
def sequence(d: Draw) -> Case:
    n, steps = d.int(1, 4), d.int(1, 6)
    ends = np.array([d.int(1, steps) for _ in range(n)])
    x = d.array(n, steps, d.int(1, 3))
    if d.name == "sequence_mask":
        return Case(
            lambda e: F.sequence_mask(e, steps), [ends], lambda e: np.arange(steps) < e[:, None]
        )

    def turned(x: np.ndarray) -> np.ndarray:
        y = x.copy()
        for i, e in enumerate(ends):
            y[i, :e] = x[i, :e][::-1]
        return y

    if d.name == "reverse_padded":
        return Case(lambda x: F.reverse_padded(x, ends), [x], turned)
    if d.name == "last_step":
        return Case(
            lambda x: F.last_step(x, ends),
            [x],
            lambda x: x[np.arange(n), ends - 1],
            lambda x: x[torch.arange(n), torch.tensor(ends) - 1],
        )

    def summed(x: Any) -> Any:
        return F.cumsum(x, 1)

    return Case(
        lambda x: F.bidirectional(summed, summed, x, ends),
        [x],
        lambda x: np.concatenate([x.cumsum(1), turned(turned(x).cumsum(1))], -1),
        terms=steps,
        scale=9.0,
    )
