"""Activations that learn: PReLU, Snake; Maxout and GatedLinear, which hold their matrices."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .. import functions as F
from ..core import Variable
from ..errors import ShapeError
from ..functions.operand import as_variable
from ..parameter import Parameter
from .checked import as_choice, as_floating, as_input, as_number, as_size, as_switch
from .initializers import constant
from .layer import Layer
from .linear import Linear
from .options import shown_rest

GATES = {"glu": F.glu, "geglu": F.geglu, "reglu": F.reglu, "swiglu": F.swiglu}


class _PerChannel(Layer):
    """One learned number for each channel, or one for all."""

    start: ClassVar[float]

    def __init__(
        self, size: int | None = None, start: float | None = None, dtype: Any = np.float32
    ):
        super().__init__()
        name = type(self).__name__
        self.first = as_number(self.start if start is None else start, f"{name}: start")
        self.slope = Parameter(
            None,
            name="slope",
            shape=(None if size is None else as_size(size, f"{name}: size"),),
            dtype=as_floating(dtype, name),
            init=constant(self.first),
        )

    def _channels(self, x: Any) -> Variable:
        """``x``, whose channels are known now."""
        name = type(self).__name__
        v = as_variable(as_input(x, self.slope.dtype, name), name)
        if not v.ndim:
            raise ShapeError(f"{name}: x should have an axis of channels, got shape ()")
        channels = v.shape[min(1, v.ndim - 1)]
        if self.slope.state == "lazy":
            if not channels:
                raise ShapeError(f"{name}: x should have a channel or more, got shape {v.shape}")
            self.initialize(self.slope, (channels,))
        elif self.slope.shape not in ((1,), (channels,)):
            raise ShapeError(
                f"{name}: x should have {self.slope.shape[0]} channels, got shape {v.shape}"
            )
        return v

    def describe(self) -> str:
        size = "?" if self.slope.state == "lazy" else str(self.slope.shape[0])
        start = f", start={self.first:g}" if self.first != self.start else ""
        return size + start + shown_rest(self.slope.dtype)


class PReLU(_PerChannel):
    """``x`` for x > 0, else ``slope x`` with a slope for each channel that is learned.

    Args:
        size: how many channels, which are axis 1 (axis 0 if there is no other); 1 is one slope for
            all; None learns it at the first call.
        start: what slopes start at; None means 0.25.
        dtype: of the slopes, floating; ``x`` is cast to it.
    Raises:
        RangeError: a size that is not a positive integer.
        DTypeError: a ``dtype`` that is not floating, or ``start`` that is no number.
    Example:
        >>> layer = PReLU()
        >>> layer(np.array([[-1.0, 2.0]], np.float32))
        Variable([[-0.25,  2.  ]], float32)
        >>> layer
        PReLU(2)

    Source:
        K. He, X. Zhang, S. Ren, J. Sun, "Delving Deep into Rectifiers", 2015, section 2.1. Do not
        decay the slopes: it would push them towards ReLU.
    """

    start = 0.25

    def forward(self, x: Any) -> Variable:
        """``x: (n, channels, ...)`` to the same shape."""
        return F.prelu(self._channels(x), self.slope)


class Snake(_PerChannel):
    """``x + sin²(slope x) / slope``, for what repeats itself, with a frequency for each channel.

    Arguments and errors as in `PReLU`, but it starts at 1.

    Source:
        L. Ziyin, T. Hartwig, M. Ueda, "Neural Networks Fail to Learn Periodic Functions and How to
        Fix It", 2020, equation 3.
    """

    start = 1.0

    def forward(self, x: Any) -> Variable:
        """``x: (n, channels, ...)`` to the same shape."""
        v = self._channels(x)
        places = (1,) * (v.ndim - 2)
        return F.snake(v, self.slope.reshape(-1, *places))


class _Wide(Layer):
    """A Linear layer, and a function that makes its result narrower."""

    def _start(self, size: Any, times: int, nobias: Any, dtype: Any, in_size: Any) -> None:
        name = type(self).__name__
        self.out_size = as_size(size, f"{name}: out_size")
        known = None if in_size is None else as_size(in_size, f"{name}: in_size")
        bare = as_switch(nobias, f"{name}: nobias")
        self.linear = Linear(times * self.out_size, bare, as_floating(dtype, name), known)


class Maxout(_Wide):
    """``max_j (x W_j + b_j)``: the largest of some Linear layers, elementwise.

    Args:
        out_size: length of the last axis of the result.
        pieces: how many compete.
        nobias: True leaves the biases out.
        dtype: of the parameters, floating.
        in_size: length of the last axis of ``x``; None learns it at the first call.
    Raises:
        RangeError: a size that is not a positive integer.
        DTypeError: ``nobias`` that is not a bool, or a ``dtype`` that is not floating.
    Example:
        >>> Maxout(3, pieces=4)(np.ones((2, 5), np.float32)).shape
        (2, 3)

    Source:
        I. Goodfellow and others, "Maxout Networks", 2013, section 3.
    """

    def __init__(
        self,
        out_size: int,
        pieces: int = 2,
        nobias: bool = False,
        dtype: Any = np.float32,
        in_size: int | None = None,
    ):
        super().__init__()
        self.pieces = as_size(pieces, "Maxout: pieces")
        self._start(out_size, self.pieces, nobias, dtype, in_size)

    def forward(self, x: Any) -> Variable:
        """``x: (..., in_size)`` to ``(..., out_size)``."""
        return F.maxout(self.linear(x), self.pieces)

    def describe(self) -> str:
        return f"{self.out_size}, pieces={self.pieces}"


class GatedLinear(_Wide):
    """``(x W) f(x V)``, elementwise: a Linear layer with a gate; the family of GLU.

    Args:
        out_size: length of the last axis of the result.
        gate: ``"swiglu"``, ``"geglu"``, ``"reglu"`` or ``"glu"``: which f, and which half it is of,
            is said at the function of that name.
        nobias: True leaves the biases out.
        dtype: of the parameters, floating.
        in_size: length of the last axis of ``x``; None learns it at the first call.
    Raises:
        RangeError: a size that is not a positive integer, or another gate.
        DTypeError: ``nobias`` that is not a bool, or a ``dtype`` that is not floating.
    Example:
        >>> GatedLinear(3)(np.ones((2, 5), np.float32)).shape
        (2, 3)

    Source:
        N. Shazeer, "GLU Variants Improve Transformer", 2020, equation 5.
    """

    def __init__(
        self,
        out_size: int,
        gate: str = "swiglu",
        nobias: bool = False,
        dtype: Any = np.float32,
        in_size: int | None = None,
    ):
        super().__init__()
        self.gate = as_choice(gate, GATES, "GatedLinear: gate")
        self._start(out_size, 2, nobias, dtype, in_size)

    def forward(self, x: Any) -> Variable:
        """``x: (..., in_size)`` to ``(..., out_size)``."""
        return GATES[self.gate](self.linear(x))

    def describe(self) -> str:
        return f"{self.out_size}, gate={self.gate!r}"
