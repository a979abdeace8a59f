"""Single steps of recurrent networks, and the plain one over whole sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..config import current
from ..core import Variable
from ..errors import RangeError, ShapeError
from .activation import relu, tanh
from .join import stack
from .linear import LINEAR, PRODUCTS
from .operand import as_variable
from .recurrent import cast, ended, gru, lstm, operands
from .shape import transpose

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["rnn", "rnn_cell", "lstm_cell", "gru_cell"]

ACTIVATIONS = {"tanh": tanh, "relu": relu}


def rnn(
    x: ArrayLike,
    h: ArrayLike | None,
    Wx: ArrayLike,
    Wh: ArrayLike,
    b: ArrayLike | None = None,
    activation: str = "tanh",
    lengths: ArrayLike | None = None,
) -> tuple[Variable, Variable]:
    """The plain recurrent network over a whole sequence: ``h = tanh(x_t Wx + h Wh + b)``.

    float16 is computed in float32.

    Args:
        x: (n, steps, in), floating: the batch first, as with PyTorch's ``batch_first=True``.
        h: (n, size), the first state; None means zeros.
        Wx: (in, size).
        Wh: (size, size).
        b: (size,); None means zeros. PyTorch has two biases; this is their sum.
        activation: ``"tanh"`` or ``"relu"``.
        lengths: (n,), integers in 1..steps: where each sequence ends; None: all at the end.
    Returns:
        All states, (n, steps, size), zeros after the end; and the last one, (n, size).
    Raises:
        ShapeError: if the shapes do not fit, or there is no step.
        RangeError: if ``activation`` is something else, or naming a length outside its range.
        DTypeError: if an operand is not floating.
    Source:
        J. Elman, "Finding Structure in Time", 1990.
    Example:
        >>> import numpy as np
        >>> y, h = rnn(np.ones((2, 5, 3)), None, np.ones((3, 4)), np.ones((4, 4)))
        >>> y.shape, h.shape
        ((2, 5, 4), (2, 4))
    """
    if activation not in ACTIVATIONS:
        raise RangeError(f"rnn: activation should be 'tanh' or 'relu', got {activation!r}")
    squash = ACTIVATIONS[activation]
    v, dtype = operands({"x": x, "Wx": Wx, "Wh": Wh, "h": h, "b": b}, 1, "rnn")
    z, state = LINEAR(v["x"], v["Wx"], v.get("b")), v["h"]

    def step(state: Variable, now: Variable) -> tuple[Variable, Variable]:
        state = squash(now + PRODUCTS[False, False](state, v["Wh"]))
        return state, state

    loop = getattr(current().tracer, "loop", None)
    if loop is not None and z.dtype == np.float32 and z.shape[1] > 1:  # it will be native code
        states = transpose(loop(step, state, transpose(z, (1, 0, 2)))[1], (1, 0, 2))
    else:
        found: list[Variable] = []
        for t in range(z.shape[1]):
            state = step(state, z[:, t])[0]
            found.append(state)
        states = stack(found, 1)
    return ended(cast(states, dtype), lengths, "rnn")


def rnn_cell(
    x: ArrayLike,
    h: ArrayLike | None,
    Wx: ArrayLike,
    Wh: ArrayLike,
    b: ArrayLike | None = None,
    activation: str = "tanh",
) -> Variable:
    """One step of `rnn`: the next state.

    Args:
        x: (n, in), floating.
        h: (n, size), the state; None means zeros. The others as in `rnn`.
        Wx: (in, size).
        Wh: (size, size).
        b: (size,); None means zeros.
        activation: ``"tanh"`` or ``"relu"``.
    Returns:
        (n, size).
    Raises:
        ShapeError: if the shapes do not fit.
        RangeError: if ``activation`` is something else.
        DTypeError: if an operand is not floating.
    """
    return rnn(_step(x, "rnn_cell"), h, Wx, Wh, b, activation)[1]


def lstm_cell(
    x: ArrayLike,
    h: ArrayLike | None,
    c: ArrayLike | None,
    Wx: ArrayLike,
    Wh: ArrayLike,
    b: ArrayLike | None = None,
) -> tuple[Variable, Variable]:
    """One step of `lstm`: the next state and cell.

    Args:
        x: (n, in), floating.
        h: (n, size), the state; None means zeros. The others as in `lstm`.
        c: (n, size), the cell; None means zeros.
        Wx: (in, 4 size).
        Wh: (size, 4 size).
        b: (4 size,); None means zeros.
    Returns:
        (n, size) each.
    Raises:
        ShapeError: if the shapes do not fit.
        DTypeError: if an operand is not floating.
    """
    return lstm(_step(x, "lstm_cell"), h, c, Wx, Wh, b)[1:]


def gru_cell(
    x: ArrayLike,
    h: ArrayLike | None,
    Wx: ArrayLike,
    Wh: ArrayLike,
    bx: ArrayLike | None = None,
    bh: ArrayLike | None = None,
) -> Variable:
    """One step of `gru`: the next state.

    Args:
        x: (n, in), floating.
        h: (n, size), the state; None means zeros. The others as in `gru`.
        Wx: (in, 3 size).
        Wh: (size, 3 size).
        bx: (3 size,); None means zeros.
        bh: (3 size,); None means zeros.
    Returns:
        (n, size).
    Raises:
        ShapeError: if the shapes do not fit.
        DTypeError: if an operand is not floating.
    """
    return gru(_step(x, "gru_cell"), h, Wx, Wh, bx, bh)[1]


def _step(x: Any, name: str) -> Variable:
    """A step as a sequence of one."""
    v = as_variable(x, name)
    if v.ndim != 2:
        raise ShapeError(f"{name}: x should be (n, in), got {v.shape}")
    return v.reshape(v.shape[0], 1, v.shape[1])
