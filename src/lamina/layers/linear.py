"""Linear: the fully connected layer."""

# pyright: reportPrivateUsage=false
# (its forward is part of every step: it looks at the arrays themselves)

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import DType, as_array, is_floating
from ..core import Variable
from ..errors import DTypeError, ShapeError
from ..functions import linear
from ..parameter import Parameter
from .checked import as_size, is_lazy
from .initializers import Initializer, lecun_normal
from .layer import Layer
from .options import bias_unless, shown_rest


class Linear(Layer):
    """``y = x W + b``, over the last axis of ``x``.

    Weights start from LeCun's normal distribution, of variance ``1 / in_size``, which keeps the
    variance of the signal from layer to layer (for inputs of variance 1 and no or a linear
    activation; before ReLU use ``he_normal()``). Biases start at zero.

    A layer computes in its own dtype: ``x`` is cast to it.

    Args:
        out_size: length of the last axis of the result.
        nobias: True leaves ``b`` out; then ``b`` is None.
        dtype: of the parameters, floating.
        in_size: length of the last axis of ``x``; None learns it at the first call.
        init: draws ``W``; None means ``lecun_normal()``.
    Raises:
        RangeError: a size that is not a positive integer.
        DTypeError: ``nobias`` that is not a bool, or a ``dtype`` that is not floating.
    Example:
        >>> layer = Linear(3)
        >>> layer(np.ones((2, 5, 4), np.float32)).shape
        (2, 5, 3)
        >>> layer
        Linear(4 -> 3)

    Source:
        Y. LeCun, L. Bottou, G. Orr, K.-R. Müller, "Efficient BackProp", 1998, section 4.6.
    """

    transposed = {"chainer": ("W",)}

    def __init__(
        self,
        out_size: int,
        nobias: bool = False,
        dtype: Any = np.float32,
        in_size: int | None = None,
        *,
        init: Initializer | None = None,
    ):
        super().__init__()
        if not isinstance(nobias, (bool, np.bool_)):
            hint = f"; did you mean Linear({nobias}, in_size={out_size})?"
            raise DTypeError(
                f"Linear: nobias should be True or False, got {nobias!r}"
                + (hint if isinstance(nobias, int) else "")
            )
        self.out_size = as_size(out_size, "Linear: out_size")
        rows = None if in_size is None else as_size(in_size, "Linear: in_size")
        dtype, shape = _floating(dtype), (rows, self.out_size)
        self.W = Parameter(None, name="W", shape=shape, dtype=dtype, init=init or lecun_normal())
        self.b = bias_unless(nobias, "Linear", "b", (self.out_size,), dtype)

    @property
    def in_size(self) -> int | None:
        """The length of the last axis of ``x``; None until it is known."""
        return None if self.W.state == "lazy" else self.W.shape[0]

    @property
    def dtype(self) -> DType:
        return self.W.dtype

    def forward(self, x: Any) -> Variable:
        """``x: (..., in_size)`` to ``(..., out_size)``, in the dtype of ``W``."""
        W = self.W
        if x.__class__ is Variable and W._data is not None and x._data.dtype == W._data.dtype:
            return linear(x, W, self.b)  # as nearly always
        x = self._input(x)
        if is_lazy(W):
            if not x.shape or x.shape[-1] == 0:
                raise ShapeError(
                    f"Linear: x should have a last axis of length 1 or more, got shape {x.shape}"
                )
            self.initialize(W, (x.shape[-1], self.out_size))
        return linear(x, W, self.b)

    def _input(self, x: Any) -> Any:
        """``x`` in the dtype of the layer: it computes in its own."""
        if not isinstance(x, Variable):
            x = as_array(x, "Linear: x")
        if x.dtype == self.W.dtype:
            return x
        if x.dtype.kind == "c" and self.W.dtype.kind != "c":
            raise DTypeError(f"Linear: x is {x.dtype} and the layer {self.W.dtype}; take x.real")
        return x.astype(self.W.dtype)

    def describe(self) -> str:
        size = "?" if self.in_size is None else self.in_size
        return f"{size} -> {self.out_size}{shown_rest(self.dtype, self.b)}"


def _floating(dtype: Any) -> DType:
    dtype = np.dtype(dtype)
    if not is_floating(dtype):
        raise DTypeError(f"Linear: dtype should be floating, got {dtype}")
    return dtype
