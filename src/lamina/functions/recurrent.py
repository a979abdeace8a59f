"""Recurrent networks over whole sequences: lstm, gru.

The products with the inputs do not depend on one another, so they are one product for all steps;
what remains is a loop over time, one kernel. Its derivative is a kernel too. Derivatives of the
derivative are those of the same formulas, written step by step in operators.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..config import current
from ..core import Function, Variable, gradients
from ..core.variable import result
from ..errors import ShapeError
from .activation import sigmoid, tanh
from .bound import floating
from .compare import where
from .index import get_item
from .join import concatenate, split, stack
from .linear import LINEAR, PRODUCTS
from .operand import beside
from .sequence import lengths_of
from .substitute import substitute

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["lstm", "gru"]


class LSTM(Function):
    """``y`` from ``z = x Wx + b``, and what backward needs: all cells, and all gates.

    z: (n, steps, 4 size), h and c: (n, size), Wh: (size, 4 size).
    """

    def forward(self, z, h, c, Wh):
        found = substitute(self, z, h, c, Wh)
        if found is not None:
            return found
        size = c.shape[1]
        gates = np.copy(z, order="K")  # each step a block, if they came so
        y = np.zeros((*z.shape[:2], size), z.dtype, like=z)
        cells = np.zeros((*z.shape[:2], size), z.dtype, like=z)
        for t in range(z.shape[1]):
            a = gates[:, t]
            a += np.matmul(h, Wh)
            _squash(a[:, : 2 * size])
            _squash(a[:, 3 * size :])
            g = a[:, 2 * size : 3 * size]
            np.tanh(g, out=g)
            c = a[:, size : 2 * size] * c + a[:, :size] * g
            h = a[:, 3 * size :] * np.tanh(c)
            y[:, t], cells[:, t] = h, c
        return y, cells, gates

    def backward(self, gy, gcells, ggates, z, h, c, Wh, y, cells, gates):
        if current().grad:
            return by_operators(lstm_steps, (z, h, c, Wh), (gy, gcells))
        gz, gh, gc = LSTM_GRADIENT(gy, gcells, c, Wh, cells, gates)
        return gz, gh, gc, lambda: _state_product(h, y, gz)

    def spec(self, z, h, c, Wh):
        y = (*z.shape[:2], c.shape[1]), z.dtype
        return y, y, (z.shape, z.dtype)

    def multiply_adds(self, z, h, c, Wh):
        """Those of the products with the state."""
        return prod(z.shape) * Wh.shape[0]


class LSTMGradient(Function):
    """The derivatives of `LSTM` by z, h and c. Never recorded, so it has no backward."""

    def forward(self, gy, gcells, c, Wh, cells, gates):
        found = substitute(self, gy, gcells, c, Wh, cells, gates)
        if found is not None:
            return found
        size = c.shape[1]
        gz = np.zeros_like(gates)
        turned = Wh.swapaxes(0, 1)
        gh = gc = np.zeros_like(c)
        for t in range(gy.shape[1] - 1, -1, -1):
            a, d = gates[:, t], gz[:, t]
            i, f, g, o = [a[:, k * size : (k + 1) * size] for k in range(4)]
            gh = gh + gy[:, t]
            bent = np.tanh(cells[:, t])
            gc = gc + gcells[:, t] + gh * o * (1 - bent * bent)
            d[:, :size] = gc * g * (i * (1 - i))
            d[:, size : 2 * size] = gc * (cells[:, t - 1] if t else c) * (f * (1 - f))
            d[:, 2 * size : 3 * size] = gc * i * (1 - g * g)
            d[:, 3 * size :] = gh * bent * (o * (1 - o))
            gh = np.matmul(d, turned)
            gc = gc * f
        return gz, gh, gc

    def spec(self, gy, gcells, c, Wh, cells, gates):
        state = c.shape, gates.dtype
        return (gates.shape, gates.dtype), state, state

    def multiply_adds(self, gy, gcells, c, Wh, cells, gates):
        """Those of the products with the state."""
        return prod(gates.shape) * Wh.shape[0]


LSTM_, LSTM_GRADIENT = LSTM(), LSTMGradient()


class GRU(Function):
    """``y`` from ``z = x Wx + bx``, and what backward needs: r, u and n, and ``h Wh + bh`` for n.

    z: (n, steps, 3 size), h: (n, size), Wh: (size, 3 size), bh: (3 size,).
    """

    def forward(self, z, h, Wh, bh):
        found = substitute(self, z, h, Wh, bh)
        if found is not None:
            return found
        size = h.shape[1]
        gates = np.copy(z, order="K")  # each step a block, if they came so
        y = np.zeros((*z.shape[:2], size), z.dtype, like=z)
        inner = np.zeros((*z.shape[:2], size), z.dtype, like=z)
        for t in range(z.shape[1]):
            a, s = gates[:, t], np.matmul(h, Wh) + bh
            a[:, : 2 * size] += s[:, : 2 * size]
            _squash(a[:, : 2 * size])
            n, u = a[:, 2 * size :], a[:, size : 2 * size]
            inner[:, t] = s[:, 2 * size :]
            n += a[:, :size] * inner[:, t]
            np.tanh(n, out=n)
            h = n + u * (h - n)
            y[:, t] = h
        return y, inner, gates

    def backward(self, gy, ginner, ggates, z, h, Wh, bh, y, inner, gates):
        if current().grad:
            return by_operators(gru_steps, (z, h, Wh, bh), (gy,))
        gz, gs, gh = GRU_GRADIENT(gy, h, Wh, y, inner, gates)
        return gz, gh, lambda: _state_product(h, y, gs), lambda: gs.sum((0, 1))

    def spec(self, z, h, Wh, bh):
        y = (*z.shape[:2], h.shape[1]), z.dtype
        return y, y, (z.shape, z.dtype)

    def multiply_adds(self, z, h, Wh, bh):
        """Those of the products with the state."""
        return prod(z.shape) * Wh.shape[0]


class GRUGradient(Function):
    """The derivatives of `GRU` by z, by ``h Wh + bh`` at all steps, and by h. Never recorded."""

    def forward(self, gy, h, Wh, y, inner, gates):
        found = substitute(self, gy, h, Wh, y, inner, gates)
        if found is not None:
            return found
        size = h.shape[1]
        gz, gs = np.zeros_like(gates), np.zeros_like(gates)
        turned = Wh.swapaxes(0, 1)
        gh = np.zeros_like(h)
        for t in range(gy.shape[1] - 1, -1, -1):
            a, d, e = gates[:, t], gz[:, t], gs[:, t]
            r, u, n = [a[:, k * size : (k + 1) * size] for k in range(3)]
            gh = gh + gy[:, t]
            bent = gh * (1 - u) * (1 - n * n)
            d[:, :size] = bent * inner[:, t] * (r * (1 - r))
            d[:, size : 2 * size] = gh * ((y[:, t - 1] if t else h) - n) * (u * (1 - u))
            d[:, 2 * size :] = bent
            e[:, : 2 * size] = d[:, : 2 * size]
            e[:, 2 * size :] = bent * r
            gh = gh * u + np.matmul(e, turned)
        return gz, gs, gh

    def spec(self, gy, h, Wh, y, inner, gates):
        z = gates.shape, gates.dtype
        return z, z, (h.shape, gates.dtype)

    def multiply_adds(self, gy, h, Wh, y, inner, gates):
        """Those of the products with the state."""
        return prod(gates.shape) * Wh.shape[0]


GRU_, GRU_GRADIENT = GRU(), GRUGradient()


def _squash(a: Any) -> None:
    """The logistic sigmoid, in place: ``(1 + tanh(a / 2)) / 2``, which overflows nowhere."""
    a *= 0.5
    np.tanh(a, out=a)
    a *= 0.5
    a += 0.5


def _state_product(h: Variable, y: Variable, gs: Variable) -> Variable:
    """The gradient of Wh: the states that each step began with, times the gradients there."""
    first = h.reshape(1, *h.shape)
    states = concatenate([first, y[:, :-1].transpose(1, 0, 2)], 0)
    return PRODUCTS[True, False](
        states.reshape(prod(states.shape[:2]), states.shape[2]), _by_time(gs)
    )


def _by_time(x: Variable) -> Variable:
    """``(n, steps, size)`` as rows in the order of time, ``(steps n, size)``."""
    n, steps, size = x.shape
    return x.transpose(1, 0, 2).reshape(steps * n, size)


def _from_input(x: Variable, Wx: Variable, b: Variable | None) -> Variable:
    """``x Wx + b``, laid in the order of time, in which the loop reads it."""
    n, steps, _ = x.shape
    rows = LINEAR(_by_time(x), Wx, b)
    return rows.reshape(steps, n, rows.shape[1]).transpose(1, 0, 2)


# -- step by step --------------------------------------------------------------------------------


def lstm_steps(z: Any, h: Any, c: Any, Wh: Any) -> tuple[Variable, Variable]:
    """`LSTM` in operators: all results, and all cells."""
    ys: list[Variable] = []
    cells: list[Variable] = []
    for t in range(z.shape[1]):
        i, f, g, o = split(z[:, t] + PRODUCTS[False, False](h, Wh), 4, 1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
        ys.append(h)
        cells.append(c)
    return stack(ys, 1), stack(cells, 1)


def gru_steps(z: Any, h: Any, Wh: Any, bh: Any) -> tuple[Variable]:
    """`GRU` in operators: all results."""
    ys: list[Variable] = []
    for t in range(z.shape[1]):
        zr, zu, zn = split(z[:, t], 3, 1)
        sr, su, sn = split(PRODUCTS[False, False](h, Wh) + bh, 3, 1)
        n = tanh(zn + sigmoid(zr + sr) * sn)
        h = n + sigmoid(zu + su) * (h - n)
        ys.append(h)
    return (stack(ys, 1),)


def by_operators(
    steps: Callable[..., Any], inputs: Sequence[Variable], gys: Sequence[Variable]
) -> tuple[Variable | None, ...]:
    """The derivatives of ``steps``, differentiable: one an input, None where none is required."""
    apart = [v * 1 if v.requires_grad else v for v in inputs]  # one may lead to another
    wanted = [v for v in apart if v.requires_grad]
    found = iter(gradients(steps(*apart), wanted, gys, create_graph=True))
    return tuple([next(found) if v.requires_grad else None for v in apart])


# -- what is called ------------------------------------------------------------------------------


def lstm(
    x: ArrayLike,
    h: ArrayLike | None,
    c: ArrayLike | None,
    Wx: ArrayLike,
    Wh: ArrayLike,
    b: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
) -> tuple[Variable, Variable, Variable]:
    """Long short-term memory over a whole sequence.

    At each step, with the gates in PyTorch's order::

        i, f, g, o = split(x_t Wx + h Wh + b)
        c = sigmoid(f) c + sigmoid(i) tanh(g)
        h = sigmoid(o) tanh(c)

    PyTorch has two biases; ``b`` is their sum. Its matrices are the transposes. float16 is
    computed in float32.

    Args:
        x: (n, steps, in), floating: the batch first, as with PyTorch's ``batch_first=True``.
        h: (n, size), the first state; None means zeros.
        c: (n, size), the first cell; None means zeros.
        Wx: (in, 4 size).
        Wh: (size, 4 size).
        b: (4 size,); None means zeros.
        lengths: (n,), integers in 1..steps: where each sequence ends; None: all at the end.
    Returns:
        All states, (n, steps, size), zeros after the end; the last one, and the last cell, (n,
        size) each.
    Raises:
        ShapeError: if the shapes do not fit, or there is no step.
        RangeError: naming a length outside its range.
        DTypeError: if an operand is not floating.
    Source:
        S. Hochreiter and J. Schmidhuber, "Long Short-Term Memory", 1997; with the forget gate of
        F. Gers, J. Schmidhuber and F. Cummins, "Learning to Forget", 2000.
    Example:
        >>> import numpy as np
        >>> y, h, c = lstm(np.ones((2, 5, 3)), None, None, np.ones((3, 16)), np.ones((4, 16)))
        >>> y.shape, h.shape, c.shape
        ((2, 5, 4), (2, 4), (2, 4))
    """
    named = {"x": x, "Wx": Wx, "Wh": Wh, "h": h, "c": c, "b": b}
    v, dtype = operands(named, 4, "lstm")
    y, cells, _ = LSTM_(_from_input(v["x"], v["Wx"], v.get("b")), v["h"], v["c"], v["Wh"])
    return ended(cast(y, dtype), lengths, "lstm", cast(cells, dtype))


def gru(
    x: ArrayLike,
    h: ArrayLike | None,
    Wx: ArrayLike,
    Wh: ArrayLike,
    bx: ArrayLike | None = None,
    bh: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
) -> tuple[Variable, Variable]:
    """Gated recurrent units over a whole sequence.

    At each step, with the gates in PyTorch's order (its z is u here)::

        zr, zu, zn = split(x_t Wx + bx)
        sr, su, sn = split(h Wh + bh)
        r, u = sigmoid(zr + sr), sigmoid(zu + su)
        n = tanh(zn + r sn)
        h = (1 - u) n + u h

    The reset gate acts after the product, as in PyTorch and cuDNN. PyTorch's matrices are the
    transposes. float16 is computed in float32.

    Args:
        x: (n, steps, in), floating: the batch first, as with PyTorch's ``batch_first=True``.
        h: (n, size), the first state; None means zeros.
        Wx: (in, 3 size).
        Wh: (size, 3 size).
        bx: (3 size,); None means zeros.
        bh: (3 size,); None means zeros.
        lengths: (n,), integers in 1..steps: where each sequence ends; None: all at the end.
    Returns:
        All states, (n, steps, size), zeros after the end; and the last one, (n, size).
    Raises:
        ShapeError: if the shapes do not fit, or there is no step.
        RangeError: naming a length outside its range.
        DTypeError: if an operand is not floating.
    Source:
        K. Cho and others, "Learning Phrase Representations using RNN Encoder-Decoder for
        Statistical Machine Translation", 2014; the place of the reset gate as in cuDNN.
    Example:
        >>> import numpy as np
        >>> y, h = gru(np.ones((2, 5, 3)), None, np.ones((3, 12)), np.ones((4, 12)))
        >>> y.shape, h.shape
        ((2, 5, 4), (2, 4))
    """
    named = {"x": x, "Wx": Wx, "Wh": Wh, "h": h, "bx": bx, "bh": bh}
    v, dtype = operands(named, 3, "gru")
    bias = v["bh"] if "bh" in v else _zeros(v["Wh"].shape[1:], v["x"])
    y, _, _ = GRU_(_from_input(v["x"], v["Wx"], v.get("bx")), v["h"], v["Wh"], bias)
    return ended(cast(y, dtype), lengths, "gru")


def ended(y: Variable, lengths: Any, operation: str, *others: Variable) -> Any:
    """All states, with zeros after the end of each sequence, and the last of them and of others.

    Each is (n, steps, size). No state depends on a later one, so those before the end are right.
    """
    if lengths is None:
        return (y, *[get_item(v, (slice(None), -1)) for v in (y, *others)])
    n, steps = y.shape[:2]
    count = lengths_of(lengths, n, 1, steps, y, f"{operation}: lengths")
    lasts = [get_item(v, (np.arange(n), count - 1)) for v in (y, *others)]
    inside = count.reshape(n, 1) > beside(np.arange(steps), y.data)
    return (where(inside.reshape(n, steps, 1), y, 0), *lasts)


def operands(given: dict[str, Any], gates: int, operation: str) -> tuple[dict[str, Variable], Any]:
    """The operands, in one dtype of at least float32, and the dtype of the results."""
    v = {name: floating(x, f"{operation}: {name}") for name, x in given.items() if x is not None}
    _check(v, gates, operation)
    dtype = np.result_type(*[x.dtype for x in v.values()])
    wide = np.result_type(dtype, np.float32)
    v = {name: cast(x, wide) for name, x in v.items()}
    state = v["x"].shape[0], v["Wh"].shape[0]
    for name in ("h", "c"):
        if name in given and name not in v:
            v[name] = _zeros(state, v["x"])
    return v, dtype


def _zeros(shape: tuple[int, ...], like: Variable) -> Variable:
    return result(np.zeros(shape, like.dtype, like=like.data))


def cast(x: Variable, dtype: Any) -> Variable:
    """``x`` in this dtype."""
    return x if x.dtype == dtype else x.astype(dtype)


def _check(v: dict[str, Variable], gates: int, operation: str) -> None:
    x, Wh = v["x"], v["Wh"]
    if x.ndim != 3 or not x.shape[1]:
        raise ShapeError(f"{operation}: x should be (n, steps, in), 1 step or more, got {x.shape}")
    if Wh.ndim != 2 or Wh.shape[1] != gates * Wh.shape[0]:
        raise ShapeError(f"{operation}: Wh should be (size, {gates} size), got {Wh.shape}")
    size, state = Wh.shape[0], (x.shape[0], Wh.shape[0])
    bias = (gates * size,)
    expected = {"Wx": (x.shape[2], gates * size), "h": state, "c": state}
    expected |= {"b": bias, "bx": bias, "bh": bias}
    for name, shape in expected.items():
        if name in v and v[name].shape != shape:
            raise ShapeError(
                f"{operation}: {name} should have shape {shape} (x is {x.shape}, Wh {Wh.shape}), "
                f"got {v[name].shape}"
            )
