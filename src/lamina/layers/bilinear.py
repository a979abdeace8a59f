"""Bilinear: a linear map of each of two inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import functions as F
from ..core import Variable
from ..errors import ShapeError
from ..functions.operand import as_variable
from ..parameter import Parameter
from .checked import as_floating, as_input, as_size
from .initializers import Initializer, uniform
from .layer import Layer
from .options import bias_unless, shown_rest


class Bilinear(Layer):
    """``y_k = aᵀ W_k b + bias_k``.

    ``W: (out_size, a_size, b_size)``, as PyTorch has it, starts from the uniform distribution of
    variance ``1 / (a_size b_size)``; ``bias`` starts at 0.

    Args:
        out_size: length of the last axis of the result.
        nobias: True leaves ``bias`` out; then ``bias`` is None.
        dtype: of the parameters, floating; ``a`` and ``b`` are cast to it.
        in_sizes: lengths of the last axes of ``a`` and ``b``; None learns them at the first call.
        init: draws ``W``.
    Raises:
        RangeError: a size that is not a positive integer.
        DTypeError: ``nobias`` that is not a bool, or a ``dtype`` that is not floating.
    Example:
        >>> layer = Bilinear(3)
        >>> layer(np.ones((2, 4), np.float32), np.ones((2, 5), np.float32)).shape
        (2, 3)
        >>> layer
        Bilinear(4, 5 -> 3)
    """

    def __init__(
        self,
        out_size: int,
        nobias: bool = False,
        dtype: Any = np.float32,
        in_sizes: tuple[int, int] | None = None,
        *,
        init: Initializer | None = None,
    ):
        super().__init__()
        self.out_size = as_size(out_size, "Bilinear: out_size")
        dtype = as_floating(dtype, "Bilinear")
        first, second = (
            (None, None)
            if in_sizes is None
            else [as_size(n, "Bilinear: in_size") for n in in_sizes]
        )
        shape = (self.out_size, first, second)
        self.W = Parameter(None, name="W", shape=shape, dtype=dtype, init=init or _uniform)
        self.bias = bias_unless(nobias, "Bilinear", "bias", (self.out_size,), dtype)

    def forward(self, a: Any, b: Any) -> Variable:
        """``a: (..., a_size)`` and ``b: (..., b_size)`` to ``(..., out_size)``."""
        v, w = [as_variable(as_input(x, self.W.dtype, "Bilinear"), "Bilinear") for x in (a, b)]
        sizes = None if self.W.state == "lazy" else self.W.shape[1:]
        given = (v.shape[-1], w.shape[-1]) if v.ndim and w.ndim else (0, 0)
        if 0 in given or sizes not in (None, given):
            expected = "of length 1 or more" if sizes is None else f"{sizes[0]} and {sizes[1]}"
            raise ShapeError(
                f"Bilinear: last axes of a and b should be {expected}, got {v.shape} and {w.shape}"
            )
        if sizes is None:
            self.initialize(self.W, (self.out_size, *given))
        y = F.einsum("...i,kij,...j->...k", v, self.W, w)
        return y if self.bias is None else y + self.bias

    def describe(self) -> str:
        first, second = ("?", "?") if self.W.state == "lazy" else self.W.shape[1:]
        return f"{first}, {second} -> {self.out_size}{shown_rest(self.W.dtype, self.bias)}"


def _uniform(shape: tuple[int, ...], dtype: Any, generator: np.random.Generator) -> Any:
    """A sum of ``a_size b_size`` products keeps its variance."""
    limit = (3 / (shape[1] * shape[2])) ** 0.5
    return uniform(-limit, limit)(shape, dtype, generator)
