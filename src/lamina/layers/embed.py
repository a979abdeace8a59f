"""Embedding and EmbeddingBag: numbers of words become vectors; places become vectors too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import Variable
from ..errors import RangeError, ShapeError
from ..functions import embedding, embedding_bag, sinusoidal_positions
from ..functions.operand import as_integer, as_variable
from ..parameter import Parameter
from .checked import as_choice, as_floating, as_input, as_number, as_size
from .initializers import Initializer, normal
from .layer import Layer
from .options import shown_rest
from .plain import Plain


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
        name = type(self).__name__
        self.rows, self.size = as_size(rows, f"{name}: rows"), as_size(size, f"{name}: size")
        self.padding = None if padding is None else as_integer(padding, f"{name}: padding")
        self.W = Parameter(
            None,
            name="W",
            shape=(self.rows, self.size),
            dtype=as_floating(dtype, name),
            init=init or normal(1.0),
        )

    def forward(self, x: Any) -> Variable:
        """``x: (...)``, integers, to ``(..., size)``."""
        return embedding(x, self.W, self.padding)

    def describe(self) -> str:
        padding = "" if self.padding is None else f", padding={self.padding}"
        return f"{self.rows} -> {self.size}{padding}{shown_rest(self.W.dtype)}"


class EmbeddingBag(Embedding):
    """The mean, sum or maximum of the vectors of a bag of numbers: `Embedding`, then a reduction
    over the last axis of ``x``.

    Args:
        rows: how many numbers there are.
        size: length of a vector.
        reduction: ``"mean"``, ``"sum"`` or ``"max"``.
        dtype: of ``W``, floating.
        padding: a number that fills up a bag: it is not counted.
        init: draws ``W``; None means ``normal(1.0)``.
    Raises:
        RangeError: a size that is not a positive integer, or another reduction.
        DTypeError: a ``dtype`` that is not floating, or ``padding`` that is no integer.
    Example:
        >>> EmbeddingBag(100, 4)(np.array([[7, 99, 0], [1, 1, 1]])).shape
        (2, 4)
        >>> EmbeddingBag(100, 4, "sum")
        EmbeddingBag(100 -> 4, reduction='sum')
    """

    def __init__(
        self,
        rows: int,
        size: int,
        reduction: str = "mean",
        dtype: Any = np.float32,
        *,
        padding: int | None = None,
        init: Initializer | None = None,
    ):
        super().__init__(rows, size, dtype, padding=padding, init=init)
        self.reduction = as_choice(reduction, ("mean", "sum", "max"), "EmbeddingBag: reduction")

    def forward(self, x: Any, weights: Any = None) -> Variable:
        """``x: (..., k)``, integers, to ``(..., size)``; ``weights: (..., k)`` for sums."""
        return embedding_bag(x, self.W, self.reduction, self.padding, weights)

    def describe(self) -> str:
        shown = f", reduction={self.reduction!r}" if self.reduction != "mean" else ""
        return super().describe() + shown


class LearnedPositions(Layer):
    """``y = x + W[:positions]``: a learned vector for each place of a sequence.

    Args:
        length: of the longest sequence.
        size: length of a vector; None learns it at the first call.
        dtype: of ``W``, floating; ``x`` is cast to it.
        init: draws ``W``; None means ``normal(0.02)``, as in GPT-2 and BERT.
    Raises:
        RangeError: a size that is not a positive integer.
        DTypeError: a ``dtype`` that is not floating.
    Example:
        >>> layer = LearnedPositions(100)
        >>> layer(np.ones((2, 7, 4), np.float32)).shape
        (2, 7, 4)
        >>> layer
        LearnedPositions(100 of 4)

    Source:
        J. Gehring and others, "Convolutional Sequence to Sequence Learning", 2017, section 3.1.
    """

    def __init__(
        self,
        length: int,
        size: int | None = None,
        dtype: Any = np.float32,
        *,
        init: Initializer | None = None,
    ):
        super().__init__()
        name = "LearnedPositions"
        self.length = as_size(length, f"{name}: length")
        self.W = Parameter(
            None,
            name="W",
            shape=(self.length, None if size is None else as_size(size, f"{name}: size")),
            dtype=as_floating(dtype, name),
            init=init or normal(0.02),
        )

    def forward(self, x: Any) -> Variable:
        """``x: (..., positions, size)`` to the same shape."""
        name = "LearnedPositions"
        v = as_variable(as_input(x, self.W.dtype, name), name)
        size = None if self.W.state == "lazy" else self.W.shape[1]
        if v.ndim < 2 or not v.shape[-1] or size not in (None, v.shape[-1]):
            raise ShapeError(
                f"{name}: x should be (..., positions, {size or 'size'}), got shape {v.shape}"
            )
        if v.shape[-2] > self.length:
            raise ShapeError(f"{name}: {v.shape[-2]} positions are more than length={self.length}")
        if size is None:
            self.initialize(self.W, (self.length, v.shape[-1]))
        return v + self.W[: v.shape[-2]]

    def describe(self) -> str:
        size = "?" if self.W.state == "lazy" else self.W.shape[1]
        return f"{self.length} of {size}{shown_rest(self.W.dtype)}"


@dataclass(eq=False, repr=False)
class PositionalEncoding(Plain):
    """``y = x + waves``: sines and cosines of many lengths tell places apart, and nothing is
    learned: `lamina.functions.sinusoidal_positions`.

    Args:
        base: the longest wave is 2 pi times this; above 0.
    Raises:
        RangeError: if it is not.
    Example:
        >>> PositionalEncoding()(np.zeros((1, 3, 2)))[0, 0]
        Variable([0., 1.], float64)

    Source:
        A. Vaswani and others, "Attention Is All You Need", 2017, section 3.5.
    """

    base: float = 10000.0

    def __post_init__(self) -> None:
        self.base = as_number(self.base, "PositionalEncoding: base")
        if not self.base > 0:
            raise RangeError(f"PositionalEncoding: base should be above 0, got {self.base!r}")

    def forward(self, x: Any) -> Variable:
        """``x: (..., positions, size)``, size even, to the same shape and dtype."""
        v = as_variable(x, "PositionalEncoding")
        if v.ndim < 2 or v.shape[-1] % 2:
            raise ShapeError(
                "PositionalEncoding: x should be (..., positions, size), size even, got shape "
                f"{v.shape}"
            )
        positions = np.arange(v.shape[-2])
        return v + sinusoidal_positions(positions, v.shape[-1], base=self.base, dtype=v.dtype)
