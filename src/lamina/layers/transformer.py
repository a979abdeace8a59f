"""The transformer: FeedForward, and encoders and decoders of any depth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import Variable
from ..errors import DTypeError
from ..functions import gelu
from ..functions.operand import as_variable
from .attention import CrossAttention, MultiHeadAttention
from .checked import as_floating, as_input, as_size, as_switch
from .layer import Layer
from .linear import Linear
from .noise import Dropout
from .norm import LayerNorm


class FeedForward(Layer):
    """``narrow(f(wide(x)))``: the same small network at each position.

    Args:
        size: length of the last axis of ``x`` and of the result.
        hidden: that between; None means ``4 * size``.
        activation: f.
        dropout: behind f, in [0, 1].
        dtype: of the parameters, floating.
    Raises:
        RangeError: a size that is not a positive integer, or ``dropout`` outside [0, 1].
        DTypeError: an ``activation`` that cannot be called, or a ``dtype`` that is not floating.
    Example:
        >>> FeedForward(4)(np.ones((2, 5, 4), np.float32)).shape
        (2, 5, 4)

    Source:
        A. Vaswani and others, "Attention Is All You Need", 2017, section 3.3; there f is ReLU.
    """

    def __init__(
        self,
        size: int,
        hidden: int | None = None,
        activation: Callable[[Variable], Variable] = gelu,
        dropout: float = 0.0,
        dtype: Any = np.float32,
    ):
        super().__init__()
        size, dtype = as_size(size, "FeedForward: size"), as_floating(dtype, "FeedForward")
        between = 4 * size if hidden is None else as_size(hidden, "FeedForward: hidden")
        if not callable(activation):
            raise DTypeError(f"FeedForward: activation should be a function, got {activation!r}")
        self.activation = activation
        self.wide = Linear(between, dtype=dtype, in_size=size)
        self.dropout = Dropout(dropout)
        self.narrow = Linear(size, dtype=dtype, in_size=between)

    def forward(self, x: Any) -> Variable:
        """``x: (..., size)`` to the same shape."""
        return self.narrow(self.dropout(self.activation(self.wide(x))))


class _Block(Layer):
    """Parts with a way around each, and a norm before it, or behind the sum."""

    def _plan(self, size: Any, norm_first: Any, dropout: Any, dtype: Any) -> None:
        name = type(self).__name__
        self.size, self.type = as_size(size, f"{name}: size"), as_floating(dtype, name)
        self.norm_first = as_switch(norm_first, f"{name}: norm_first")
        self.dropout = Dropout(dropout)

    def _around(self, norm: LayerNorm, part: Callable[[Variable], Variable], x: Any) -> Variable:
        if self.norm_first:
            return x + self.dropout(part(norm(x)))
        return norm(x + self.dropout(part(x)))

    def _own(self, x: Any) -> Variable:
        """``x`` as a Variable, in the dtype of the weights."""
        name = type(self).__name__
        return as_variable(as_input(x, self.type, name), name)

    def fresh_norm(self) -> LayerNorm:
        return LayerNorm(self.size, dtype=self.type)

    def describe(self) -> str:
        return f"{self.size}{'' if self.norm_first else ', norm_first=False'}"


class TransformerEncoderLayer(_Block):
    """Self-attention, then a small network, each with a way around it:
    ``x + attention(norm(x))``, then ``x + network(norm(x))``.

    Args:
        size: length of the last axis of ``x`` and of the result.
        heads: of the attention; divides ``size``.
        hidden: width of the network; None means ``4 * size``.
        dropout: behind each part, inside the network, and of the attention's weights.
        activation: of the network.
        norm_first: False puts the norms behind the sums, as the paper has it: harder to train.
        causal: True lets a position see only itself and those before it.
        dtype: of the parameters, floating.
    Raises:
        RangeError: a size that is not a positive integer, ``heads`` that does not divide it, or
            ``dropout`` outside [0, 1].
        DTypeError: a switch that is not a bool, or a ``dtype`` that is not floating.
    Example:
        >>> TransformerEncoderLayer(6, heads=2)(np.ones((2, 5, 6), np.float32)).shape
        (2, 5, 6)

    Source:
        A. Vaswani and others, "Attention Is All You Need", 2017, section 3.1. R. Xiong and others,
        "On Layer Normalization in the Transformer Architecture", 2020, for the norms' places.
    """

    def __init__(
        self,
        size: int,
        heads: int,
        hidden: int | None = None,
        dropout: float = 0.0,
        *,
        activation: Callable[[Variable], Variable] = gelu,
        norm_first: bool = True,
        causal: bool = False,
        dtype: Any = np.float32,
    ):
        super().__init__()
        self._plan(size, norm_first, dropout, dtype)
        self.norm1 = self.fresh_norm()
        self.attention = MultiHeadAttention(
            self.size, heads, causal, dropout, dtype=self.type, in_size=self.size
        )
        self.norm2 = self.fresh_norm()
        self.network = FeedForward(self.size, hidden, activation, dropout, self.type)

    def forward(self, x: Any, mask: Any = None) -> Variable:
        """``x: (..., positions, size)`` to the same shape; ``mask`` as in `MultiHeadAttention`."""
        x = self._around(self.norm1, lambda v: self.attention(v, mask), self._own(x))
        return self._around(self.norm2, self.network, x)


class TransformerDecoderLayer(_Block):
    """Causal self-attention, attention to a memory, then a small network, each with a way around
    it: `TransformerEncoderLayer` with one part more.

    Arguments and errors as there, without ``causal``.

    Example:
        >>> layer = TransformerDecoderLayer(6, heads=2)
        >>> layer(np.ones((2, 5, 6), np.float32), np.ones((2, 7, 6), np.float32)).shape
        (2, 5, 6)

    Source:
        A. Vaswani and others, "Attention Is All You Need", 2017, section 3.1.
    """

    def __init__(
        self,
        size: int,
        heads: int,
        hidden: int | None = None,
        dropout: float = 0.0,
        *,
        activation: Callable[[Variable], Variable] = gelu,
        norm_first: bool = True,
        dtype: Any = np.float32,
    ):
        super().__init__()
        self._plan(size, norm_first, dropout, dtype)
        n = self.size
        self.norm1 = self.fresh_norm()
        self.attention = MultiHeadAttention(n, heads, True, dropout, dtype=self.type, in_size=n)
        self.norm2 = self.fresh_norm()
        self.cross = CrossAttention(n, heads, dropout, dtype=self.type, in_size=n, memory_size=n)
        self.norm3 = self.fresh_norm()
        self.network = FeedForward(n, hidden, activation, dropout, self.type)

    def forward(self, x: Any, memory: Any, mask: Any = None, memory_mask: Any = None) -> Variable:
        """``x: (..., positions, size)`` and ``memory: (..., others, size)`` to the shape of ``x``.

        ``mask`` is of the self-attention, ``memory_mask`` of that to the memory.
        """
        x = self._around(self.norm1, lambda v: self.attention(v, mask), self._own(x))
        x = self._around(self.norm2, lambda v: self.cross(v, memory, memory_mask), x)
        return self._around(self.norm3, self.network, x)


class TransformerEncoder(Layer):
    """Some `TransformerEncoderLayer` on top of one another, and a last norm if theirs come first.

    Args:
        layers: how many.
        size: length of the last axis of ``x`` and of the result.
        heads: of each attention; divides ``size``.
        **options: of each layer, as `TransformerEncoderLayer` takes them.
    Raises:
        RangeError: a number that is not a positive integer, or as the layers do.
    Example:
        >>> TransformerEncoder(2, 6, heads=2)(np.ones((2, 5, 6), np.float32)).shape
        (2, 5, 6)
    """

    def __init__(self, layers: int, size: int, heads: int, **options: Any):
        super().__init__()
        count = as_size(layers, "TransformerEncoder: layers")
        self.blocks = [TransformerEncoderLayer(size, heads, **options) for _ in range(count)]
        self.norm = self.blocks[0].fresh_norm() if self.blocks[0].norm_first else None

    def forward(self, x: Any, mask: Any = None) -> Variable:
        """``x: (..., positions, size)`` to the same shape; ``mask`` goes to each layer."""
        for block in self.blocks:
            x = block(x, mask)
        return x if self.norm is None else self.norm(x)


class TransformerDecoder(Layer):
    """Some `TransformerDecoderLayer` on top of one another, all with the same memory, and a last
    norm if theirs come first.

    Arguments and errors as in `TransformerEncoder`.

    Example:
        >>> decoder = TransformerDecoder(2, 6, heads=2)
        >>> decoder(np.ones((2, 5, 6), np.float32), np.ones((2, 7, 6), np.float32)).shape
        (2, 5, 6)
    """

    def __init__(self, layers: int, size: int, heads: int, **options: Any):
        super().__init__()
        count = as_size(layers, "TransformerDecoder: layers")
        self.blocks = [TransformerDecoderLayer(size, heads, **options) for _ in range(count)]
        self.norm = self.blocks[0].fresh_norm() if self.blocks[0].norm_first else None

    def forward(self, x: Any, memory: Any, mask: Any = None, memory_mask: Any = None) -> Variable:
        """As `TransformerDecoderLayer`; the masks go to each layer."""
        for block in self.blocks:
            x = block(x, memory, mask, memory_mask)
        return x if self.norm is None else self.norm(x)
