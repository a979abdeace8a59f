"""RNNCell, LSTMCell and GRUCell: one step of a recurrent network, for loops of one's own."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..core import Variable
from ..errors import ShapeError
from ..functions import gru_cell, lstm_cell, rnn_cell
from ..functions.operand import as_variable
from ..parameter import Initializer, Parameter
from .checked import as_choice, as_floating, as_input, as_size
from .initializers import glorot_uniform, orthogonal, zeros
from .layer import Layer
from .options import shown_rest
from .recurrent import ForgetLate


class _Cell(Layer):
    """Weights of one step, and the length of its input, which may be learnt."""

    gates: ClassVar[int]
    biases: ClassVar[dict[str, Initializer]]

    def __init__(self, size: int, dtype: Any = np.float32, in_size: int | None = None):
        super().__init__()
        name = type(self).__name__
        self.size, dtype = as_size(size, f"{name}: size"), as_floating(dtype, name)
        rows = None if in_size is None else as_size(in_size, f"{name}: in_size")
        wide = self.gates * self.size
        starts = {"Wx": ((rows, wide), glorot_uniform()), "Wh": ((self.size, wide), orthogonal())}
        starts |= {bias: ((wide,), init) for bias, init in self.biases.items()}
        for key, (shape, init) in starts.items():
            setattr(self, key, Parameter(None, name=key, shape=shape, dtype=dtype, init=init))

    Wx: Parameter
    Wh: Parameter

    @property
    def in_size(self) -> int | None:
        """The length of the last axis of ``x``; None until it is known."""
        return None if self.Wx.state == "lazy" else self.Wx.shape[0]

    def _known(self, x: Any) -> Variable:
        """``x`` in the dtype of the weights, whose length is known now."""
        name = type(self).__name__
        v = as_variable(as_input(x, self.Wx.dtype, name), name)
        if v.ndim != 2 or not v.shape[1] or self.in_size not in (None, v.shape[1]):
            expected = f"(n, {self.in_size or 'in_size'})"
            raise ShapeError(f"{name}: x should be {expected}, got shape {v.shape}")
        if self.in_size is None:
            self.initialize(self.Wx, (v.shape[1], self.gates * self.size))
        return v

    def _own(self, state: Any) -> Any:
        """A state in the dtype of the weights."""
        name = type(self).__name__
        return None if state is None else as_input(state, self.Wx.dtype, f"{name}: state")

    def describe(self) -> str:
        size = "?" if self.in_size is None else self.in_size
        return f"{size} -> {self.size}{shown_rest(self.Wx.dtype)}"


class RNNCell(_Cell):
    """One step: ``h' = tanh(x Wx + h Wh + b)``: see `RNN`.

    Args:
        size: length of the state.
        dtype: of the parameters, floating; ``x`` is cast to it.
        in_size: length of the last axis of ``x``; None learns it at the first call.
        activation: ``"tanh"`` or ``"relu"``.
    Raises:
        RangeError: a size that is not a positive integer, or another activation.
        DTypeError: a ``dtype`` that is not floating.
    Example:
        >>> cell = RNNCell(4)
        >>> h = cell(np.ones((2, 3), np.float32))
        >>> cell(np.ones((2, 3), np.float32), h).shape
        (2, 4)
    """

    gates = 1
    biases: ClassVar[dict[str, Initializer]] = {"b": zeros()}
    b: Parameter

    def __init__(
        self,
        size: int,
        dtype: Any = np.float32,
        in_size: int | None = None,
        *,
        activation: str = "tanh",
    ):
        super().__init__(size, dtype, in_size)
        self.activation = as_choice(activation, ("tanh", "relu"), "RNNCell: activation")

    def forward(self, x: Any, h: Any = None) -> Variable:
        """``x: (n, in_size)`` and ``h: (n, size)``, None for zeros, to the next ``h``."""
        return rnn_cell(self._known(x), self._own(h), self.Wx, self.Wh, self.b, self.activation)


class LSTMCell(_Cell):
    """One step of `LSTM`, with the gates in the same order.

    Arguments and errors as in `RNNCell`, without ``activation``.

    Example:
        >>> h, c = LSTMCell(4)(np.ones((2, 3), np.float32))
        >>> h.shape, c.shape
        ((2, 4), (2, 4))
    """

    gates = 4
    biases: ClassVar[dict[str, Initializer]] = {"b": ForgetLate()}
    b: Parameter

    def forward(self, x: Any, state: Any = None) -> tuple[Variable, Variable]:
        """``x: (n, in_size)`` and ``h, c``, (n, size) each, None for zeros, to the next."""
        h, c = (None, None) if state is None else [self._own(v) for v in state]
        return lstm_cell(self._known(x), h, c, self.Wx, self.Wh, self.b)


class GRUCell(_Cell):
    """One step of `GRU`, with the gates in the same order.

    Arguments and errors as in `RNNCell`, without ``activation``.

    Example:
        >>> GRUCell(4)(np.ones((2, 3), np.float32)).shape
        (2, 4)
    """

    gates = 3
    biases: ClassVar[dict[str, Initializer]] = {"bx": zeros(), "bh": zeros()}
    bx: Parameter
    bh: Parameter

    def forward(self, x: Any, h: Any = None) -> Variable:
        """``x: (n, in_size)`` and ``h: (n, size)``, None for zeros, to the next ``h``."""
        return gru_cell(self._known(x), self._own(h), self.Wx, self.Wh, self.bx, self.bh)
