"""Embedding: the layer that turns numbers of words into vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Variable
from ..functions import embedding
from ..functions.operand import as_integer
from ..parameter import Parameter
from .checked import as_floating, as_size
from .initializers import Initializer, normal
from .layer import Layer


class Embedding(Layer):
    """``y[..., :] = W[x[...], :]``: a vector for each of ``rows`` numbers.

    Vectors start from the normal distribution of variance 1, as in Chainer and PyTorch.

    Args:
        rows: how many numbers there are: ``x`` is in 0..rows - 1.
        size: length of a vector.
        dtype: of ``W``, floating.
        padding: a number in ``x`` that stands for nothing: it gives zeros, and no row learns
            from it. It need not be a row's.
        init: draws ``W``; None means ``normal(1.0)``.
    Raises:
        RangeError: a size that is not a positive integer.
        DTypeError: a ``dtype`` that is not floating, or ``padding`` that is no integer.
    Example:
        >>> layer = Embedding(100, 4)
        >>> layer(np.array([[7, 99, 0]])).shape
        (1, 3, 4)
        >>> layer
        Embedding(100 -> 4)
    """

    def __init__(
        self,
        rows: int,
        size: int,
        dtype: Any = np.float32,
        *,
        padding: int | None = None,
        init: Initializer | None = None,
    ):
        super().__init__()
        self.rows, self.size = as_size(rows, "Embedding: rows"), as_size(size, "Embedding: size")
        self.padding = None if padding is None else as_integer(padding, "Embedding: padding")
        self.W = Parameter(
            None,
            name="W",
            shape=(self.rows, self.size),
            dtype=as_floating(dtype, "Embedding"),
            init=init or normal(1.0),
        )

    def forward(self, x: Any) -> Variable:
        """``x: (...)``, integers, to ``(..., size)``."""
        return embedding(x, self.W, self.padding)

    def describe(self) -> str:
        padding = "" if self.padding is None else f", padding={self.padding}"
        dtype = f", dtype={self.W.dtype}" if self.W.dtype != np.float32 else ""
        return f"{self.rows} -> {self.size}{padding}{dtype}"
