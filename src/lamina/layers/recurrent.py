"""RNN, LSTM and GRU, as layers over whole sequences; Bidirectional, of two of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np

from ..arrays import Array
from ..config import current
from ..core import Variable
from ..core.variable import result
from ..errors import RangeError, ShapeError, TraceError
from ..functions import bidirectional, gru, lstm, rnn
from ..functions import dropout as drop
from ..functions.operand import as_variable
from ..parameter import Initializer, Parameter
from .checked import as_choice, as_floating, as_input, as_size, as_switch
from .initializers import glorot_uniform, orthogonal, zeros
from .layer import Layer
from .options import shown_rest

State = tuple[tuple[Variable, ...], ...]
"""For each layer its states, (n, size) each: h and c for LSTM, h for GRU."""


class Recurrent(Layer):
    """What `RNN`, `LSTM` and `GRU` share: layers above one another, and the state between calls."""

    gates: ClassVar[int]
    biases: ClassVar[dict[str, Initializer]]
    states: ClassVar[int]  # of one layer

    def __init__(
        self,
        size: int,
        layers: int = 1,
        dropout: float = 0.0,
        *,
        stateful: bool = False,
        dtype: Any = np.float32,
        in_size: int | None = None,
    ):
        super().__init__()
        name = type(self).__name__
        self.size, count = as_size(size, f"{name}: size"), as_size(layers, f"{name}: layers")
        if not 0 <= dropout <= 1:
            raise RangeError(f"{name}: dropout should be from 0 to 1, got {dropout!r}")
        self.dropout, self.stateful = float(dropout), as_switch(stateful, f"{name}: stateful")
        dtype = as_floating(dtype, name)
        first = None if in_size is None else as_size(in_size, f"{name}: in_size")
        wide = self.gates * self.size
        self.Wx = [
            Parameter(None, name="Wx", shape=(rows, wide), dtype=dtype, init=glorot_uniform())
            for rows in [first] + [self.size] * (count - 1)
        ]
        self.Wh = [
            Parameter(None, name="Wh", shape=(self.size, wide), dtype=dtype, init=orthogonal())
            for _ in range(count)
        ]
        for bias, init in self.biases.items():
            made = [
                Parameter(None, name=bias, shape=(wide,), dtype=dtype, init=init)
                for _ in range(count)
            ]
            setattr(self, bias, made)
        self.held: State | None = None

    @property
    def in_size(self) -> int | None:
        """The length of the last axis of ``x``; None until it is known."""
        return None if self.Wx[0].state == "lazy" else self.Wx[0].shape[0]

    def forward(self, x: Any, state: Any = None, lengths: Any = None) -> tuple[Variable, State]:
        """``x: (n, steps, in_size)`` to all states of the last layer, ``(n, steps, size)``, and the
        last states of each layer: a tuple of tuples, which another call may begin with.

        ``lengths: (n,)``, integers, says where each sequence ends; None: all at the end.
        """
        x = as_variable(as_input(x, self.Wx[0].dtype, type(self).__name__), type(self).__name__)
        self._learn(x)
        starts = self._starts(x, state)
        ends: list[tuple[Variable, ...]] = []
        for i, start in enumerate(starts):
            x, *end = self.one(i, x if i == 0 else drop(x, self.dropout), start, lengths)
            ends.append(tuple(end))
        if self.stateful:
            self._hold(tuple(ends))
        return x, tuple(ends)

    def one(
        self, i: int, x: Variable, start: tuple[Any, ...], lengths: Any
    ) -> tuple[Variable, ...]:
        """The operator, with the parameters of layer ``i``: what a subclass defines."""
        raise NotImplementedError(
            f"{type(self).__name__} should define one(self, i, x, start, lengths)"
        )

    def _learn(self, x: Variable) -> None:
        name = type(self).__name__
        if x.ndim != 3 or not x.shape[1] or not x.shape[2]:
            raise ShapeError(
                f"{name}: x should be (n, steps, in_size), 1 step or more, got shape {x.shape}"
            )
        if self.in_size is None:
            self.initialize(self.Wx[0], (x.shape[2], self.gates * self.size))
        elif x.shape[2] != self.in_size:
            raise ShapeError(
                f"{name}: last axis of x should be {self.in_size}, got shape {x.shape}"
            )

    def _starts(self, x: Variable, state: Any) -> list[tuple[Any, ...]]:
        """What each layer begins with: what was given, else what is held, else zeros."""
        name = type(self).__name__
        if state is None:
            if self.held is None:
                return [(None,) * self.states] * len(self.Wx)
            # arrays, so that no gradient goes back into the call before
            state = [[self._here(v).data for v in each] for each in self.held]
        if len(state) != len(self.Wx) or any(len(each) != self.states for each in state):
            raise ShapeError(
                f"{name}: state should be a tuple for each of {len(self.Wx)} layers, of "
                f"{self.states} arrays each, as a call gives it"
            )
        starts = [tuple([as_input(v, x.dtype, f"{name}: state") for v in each]) for each in state]
        for v in [v for each in starts for v in each]:
            if v.shape != (x.shape[0], self.size):
                raise ShapeError(
                    f"{name}: a state of {x.shape[0]} sequences should have shape "
                    f"{(x.shape[0], self.size)}, got {v.shape}; call reset() before sequences that "
                    "do not go on"
                )
        return starts

    def _here(self, held: Variable) -> Variable:
        """A state that is held, moved to where the Parameters were moved since."""
        device = self.Wx[0].device
        if held.device == device:
            return held
        return held.to_cpu() if device == "cpu" else held.to_gpu(int(device.partition(":")[2]))

    def _hold(self, ends: State) -> None:
        """Keep the numbers of the last states, not their graph, for the next call."""
        absent = hasattr(ends[0][0].data, "__hear__")
        if absent and current().tracer is None:
            return  # only shapes were asked for
        if self.held is not None and self.held[0][0].shape == ends[0][0].shape:
            for old, new in zip(self.held, ends, strict=True):
                for mine, v in zip(old, new, strict=True):
                    mine.data = v.data.copy()  # else it would be a view of the outputs
        elif absent:
            raise TraceError(
                f"{type(self).__name__}: a compiled step cannot begin the state of a stateful "
                "layer; call the layer once before, on as many sequences"
            )
        else:
            self.held = tuple([tuple([result(v.data.copy()) for v in end]) for end in ends])

    def reset(self) -> None:
        """Forget the state: the next call begins with zeros."""
        self.held = None

    def describe(self) -> str:
        size = "?" if self.in_size is None else self.in_size
        layers = f", layers={len(self.Wx)}" if len(self.Wx) > 1 else ""
        dropout = f", dropout={self.dropout:g}" if self.dropout else ""
        stateful = ", stateful=True" if self.stateful else ""
        rest = shown_rest(self.Wx[0].dtype)
        return f"{size} -> {self.size}{layers}{dropout}{stateful}{rest}"


@dataclass(frozen=True)
class ForgetLate:
    """0, but 1 for the forget gate: at first a cell keeps most of what it holds.

    Source:
        R. Jozefowicz, W. Zaremba and I. Sutskever, "An Empirical Exploration of Recurrent Network
        Architectures", 2015, section 2.1.
    """

    def __call__(self, shape: tuple[int, ...], dtype: Any, generator: Any) -> Array:
        b = np.zeros(shape, dtype)
        b[shape[0] // 4 : shape[0] // 2] = 1
        return b


class LSTM(Recurrent):
    """Long short-term memory over whole sequences; the formulas are those of
    `lamina.functions.lstm`.

    A call gives all states of the last layer, and the last states of each layer,
    ``((h, c), ...)``. Layer k has the Parameters ``Wx/k``, ``Wh/k`` and ``b/k``, with the gates in
    PyTorch's order i, f, g, o. ``Wx`` starts from Glorot's uniform distribution, ``Wh`` orthogonal,
    ``b`` at 0, for the forget gate at 1.

    Args:
        size: length of a state.
        layers: how many, each on the states of the one before.
        dropout: the probability that what goes from layer to layer is set to zero in training.
        stateful: True begins each call with the last states of the call before, of which only the
            numbers are kept: no gradient goes back beyond a call. `reset` forgets them. They are
            not saved.
        dtype: of the parameters, floating; ``x`` is cast to it.
        in_size: length of the last axis of ``x``; None learns it at the first call.
    Raises:
        RangeError: a size that is not a positive integer, or ``dropout`` outside [0, 1].
        DTypeError: ``stateful`` that is not a bool, or a ``dtype`` that is not floating.
    Example:
        >>> layer = LSTM(4)
        >>> y, ((h, c),) = layer(np.ones((2, 5, 3), np.float32))
        >>> y.shape, h.shape, c.shape
        ((2, 5, 4), (2, 4), (2, 4))
        >>> layer
        LSTM(3 -> 4)
    """

    gates, states = 4, 2
    biases: ClassVar[dict[str, Initializer]] = {"b": ForgetLate()}
    b: list[Parameter]

    def one(
        self, i: int, x: Variable, start: tuple[Any, ...], lengths: Any
    ) -> tuple[Variable, ...]:
        """Layer ``i``: all its states, the last one, the last cell."""
        h, c = start
        return lstm(x, h, c, self.Wx[i], self.Wh[i], self.b[i], lengths)


class GRU(Recurrent):
    """Gated recurrent units over whole sequences; the formulas are those of
    `lamina.functions.gru`.

    A call gives all states of the last layer, and the last state of each layer, ``((h,), ...)``.
    Layer k has the Parameters ``Wx/k``, ``Wh/k``, ``bx/k`` and ``bh/k``, with the gates in
    PyTorch's order r, z, n. ``Wx`` starts from Glorot's uniform distribution, ``Wh`` orthogonal,
    the biases at 0.

    Arguments and errors as in `LSTM`.

    Example:
        >>> layer = GRU(4, layers=2)
        >>> y, ((h0,), (h1,)) = layer(np.ones((2, 5, 3), np.float32))
        >>> y.shape, h0.shape, h1.shape
        ((2, 5, 4), (2, 4), (2, 4))
        >>> layer
        GRU(3 -> 4, layers=2)
    """

    gates, states = 3, 1
    biases: ClassVar[dict[str, Initializer]] = {"bx": zeros(), "bh": zeros()}
    bx: list[Parameter]
    bh: list[Parameter]

    def one(
        self, i: int, x: Variable, start: tuple[Any, ...], lengths: Any
    ) -> tuple[Variable, ...]:
        """Layer ``i``: all its states, and the last one."""
        (h,) = start
        return gru(x, h, self.Wx[i], self.Wh[i], self.bx[i], self.bh[i], lengths)


class RNN(Recurrent):
    """The plain recurrent network over whole sequences: ``h = tanh(x Wx + h Wh + b)``.

    A call gives all states of the last layer, and the last state of each layer, ``((h,), ...)``.
    Layer k has the Parameters ``Wx/k``, ``Wh/k`` and ``b/k``, which start as those of `GRU`.

    Arguments and errors as in `LSTM`, and:

    Args:
        activation: ``"tanh"`` or ``"relu"``.
    Example:
        >>> y, ((h,),) = RNN(4)(np.ones((2, 5, 3), np.float32))
        >>> y.shape, h.shape
        ((2, 5, 4), (2, 4))

    Source:
        J. Elman, "Finding Structure in Time", 1990.
    """

    gates, states = 1, 1
    biases: ClassVar[dict[str, Initializer]] = {"b": zeros()}
    b: list[Parameter]

    def __init__(
        self,
        size: int,
        layers: int = 1,
        dropout: float = 0.0,
        activation: str = "tanh",
        *,
        stateful: bool = False,
        dtype: Any = np.float32,
        in_size: int | None = None,
    ):
        super().__init__(size, layers, dropout, stateful=stateful, dtype=dtype, in_size=in_size)
        self.activation = as_choice(activation, ("tanh", "relu"), "RNN: activation")

    def one(
        self, i: int, x: Variable, start: tuple[Any, ...], lengths: Any
    ) -> tuple[Variable, ...]:
        """Layer ``i``: all its states, and the last one."""
        (h,) = start
        return rnn(x, h, self.Wx[i], self.Wh[i], self.b[i], self.activation, lengths)

    def describe(self) -> str:
        chosen = f", activation={self.activation!r}" if self.activation != "tanh" else ""
        return super().describe() + chosen


class Bidirectional(Layer):
    """Two recurrent layers over the same sequences, one of which reads them from their ends; what
    they say of a step stands side by side.

    Args:
        ahead: an `RNN`, `LSTM` or `GRU`.
        back: another one, with numbers of its own.
    Raises:
        RangeError: if one is none of these, holds its state from call to call, or both are one.
    Example:
        >>> y, (ahead, back) = Bidirectional(GRU(4), GRU(3))(np.ones((2, 5, 6), np.float32))
        >>> y.shape
        (2, 5, 7)

    Source:
        M. Schuster, K. Paliwal, "Bidirectional Recurrent Neural Networks", 1997.
    """

    def __init__(self, ahead: Recurrent, back: Recurrent):
        super().__init__()
        for layer in (ahead, back):
            if not isinstance(layer, Recurrent) or layer.stateful or ahead is back:
                raise RangeError(
                    "Bidirectional: should be given two layers, each an RNN, LSTM or GRU that is "
                    f"not stateful, got {ahead!r:.60} and {back!r:.60}"
                )
        self.ahead, self.back = ahead, back

    def forward(
        self, x: Any, state: Any = None, lengths: Any = None
    ) -> tuple[Variable, tuple[State, State]]:
        """``x: (n, steps, in_size)`` to ``(n, steps, size of both)``, and the last states of both
        as a pair, which another call may begin with; ``lengths`` as in `LSTM`.
        """
        first, second = (None, None) if state is None else state
        y, *ends = bidirectional(
            lambda v: self.ahead(v, first, lengths),
            lambda v: self.back(v, second, lengths),
            x,
            lengths,
        )
        one, other = cast(Any, ends)
        return y, (one, other)
