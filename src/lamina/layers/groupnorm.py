"""GroupNorm, InstanceNorm, RMSNorm and LocalResponseNorm: norms that need no batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import functions as F
from ..core import Variable
from ..errors import RangeError, ShapeError
from ..functions.bound import positive
from ..functions.operand import as_variable
from ..parameter import Parameter
from .checked import as_floating, as_input, as_number, as_size
from .initializers import ones
from .layer import Layer
from .options import bias_unless, shown_rest
from .plain import Plain


class _Scaled(Layer):
    """gamma, and perhaps beta: one number for each channel, or feature."""

    def _start(self, size: Any, eps: Any, dtype: Any, nobias: Any) -> None:
        name = type(self).__name__
        self.eps = positive(as_number(eps, f"{name}: eps"), f"{name}: eps")
        shape = (None if size is None else as_size(size, f"{name}: size"),)
        dtype = as_floating(dtype, name)
        self.gamma = Parameter(None, name="gamma", shape=shape, dtype=dtype, init=ones())
        self.beta = bias_unless(nobias, name, "beta", shape, dtype)

    def _sized(self, x: Any, axis: int) -> Variable:
        """``x`` in the dtype of gamma, which has the length of that axis now."""
        name = type(self).__name__
        v = as_variable(as_input(x, self.gamma.dtype, name), name)
        size = v.shape[axis:][:1]
        where = "the last axis" if axis == -1 else f"axis {axis}"
        lazy = self.gamma.state == "lazy"
        if size in ((), (0,)) if lazy else size != self.gamma.shape:
            expected = "1 or more" if lazy else self.gamma.shape[0]
            raise ShapeError(f"{name}: {where} of x should be {expected}, got shape {v.shape}")
        for held in self.params():
            if held.state == "lazy":
                self.initialize(held, size)
        return v

    def describe(self) -> str:
        size = "?" if self.gamma.state == "lazy" else str(self.gamma.shape[0])
        eps = f", eps={self.eps:g}" if self.eps != 1e-5 else ""
        return size + eps + shown_rest(self.gamma.dtype, self.beta)


class GroupNorm(_Scaled):
    """``y = gamma (x - mean) / √(variance + eps) + beta``, mean and variance over each group of
    neighbouring channels of each sample, and all its places. gamma starts at 1, beta at 0.

    Args:
        groups: how many; divides the channels. 1 is a norm over the whole sample.
        size: how many channels; None learns it at the first call.
        eps: a positive number.
        dtype: of the parameters, floating; ``x`` is cast to it. float16 is computed in float32.
        nobias: True leaves ``beta`` out; then ``beta`` is None.
    Raises:
        RangeError: a size that is not a positive integer, or ``groups`` that does not divide it.
        DTypeError: ``nobias`` that is not a bool, or a ``dtype`` that is not floating.
    Example:
        >>> layer = GroupNorm(2)
        >>> layer(np.ones((3, 4, 5, 5), np.float32)).shape
        (3, 4, 5, 5)
        >>> layer
        GroupNorm(2 groups of 4)

    Source:
        Y. Wu, K. He, "Group Normalization", 2018, equations 1, 2 and 7.
    """

    def __init__(
        self,
        groups: int,
        size: int | None = None,
        eps: float = 1e-5,
        dtype: Any = np.float32,
        *,
        nobias: bool = False,
    ):
        super().__init__()
        self.groups = as_size(groups, "GroupNorm: groups")
        self._start(size, eps, dtype, nobias)
        if size is not None:
            self._check(size)

    def _check(self, channels: int) -> None:
        if channels % self.groups:
            raise RangeError(
                f"GroupNorm: groups should divide the {channels} channels, got {self.groups}"
            )

    def forward(self, x: Any) -> Variable:
        """``x: (n, channels, ...)`` to the same shape."""
        if self.gamma.state == "lazy" and len(np.shape(x)) > 1:
            self._check(np.shape(x)[1])
        return F.group_norm(self._sized(x, 1), self.groups, self.gamma, self.beta, self.eps)

    def describe(self) -> str:
        return f"{self.groups} groups of {super().describe()}"


class InstanceNorm(_Scaled):
    """``y = gamma (x - mean) / √(variance + eps) + beta``, mean and variance over the places of
    each channel of each sample: contrast goes, what is where stays. gamma starts at 1, beta at 0.

    Arguments and errors as in `GroupNorm`, without ``groups``.

    Example:
        >>> InstanceNorm()(np.ones((3, 4, 5, 5), np.float32)).shape
        (3, 4, 5, 5)

    Source:
        D. Ulyanov, A. Vedaldi, V. Lempitsky, "Instance Normalization: The Missing Ingredient for
        Fast Stylization", 2016, equation 2.
    """

    def __init__(
        self,
        size: int | None = None,
        eps: float = 1e-5,
        dtype: Any = np.float32,
        *,
        nobias: bool = False,
    ):
        super().__init__()
        self._start(size, eps, dtype, nobias)

    def forward(self, x: Any) -> Variable:
        """``x: (n, channels, ...)`` to the same shape."""
        return F.instance_norm(self._sized(x, 1), self.gamma, self.beta, self.eps)


class RMSNorm(_Scaled):
    """``y = gamma x / √(mean(x²) + eps)``, over the last axis. gamma starts at 1.

    Args:
        size: length of the last axis; None learns it at the first call.
        eps: a positive number.
        dtype: of gamma, floating; ``x`` is cast to it. float16 is computed in float32.
    Raises:
        RangeError: a size that is not a positive integer.
        DTypeError: a ``dtype`` that is not floating.
    Example:
        >>> layer = RMSNorm()
        >>> layer(np.array([[3.0, -3.0]], np.float32)).data.round(3).tolist()
        [[1.0, -1.0]]
        >>> layer
        RMSNorm(2)

    Source:
        B. Zhang, R. Sennrich, "Root Mean Square Layer Normalization", 2019, equation 4.
    """

    def __init__(self, size: int | None = None, eps: float = 1e-5, dtype: Any = np.float32):
        super().__init__()
        self._start(size, eps, dtype, True)

    def forward(self, x: Any) -> Variable:
        """``x: (..., size)`` to the same shape."""
        return F.rms_norm(self._sized(x, -1), self.gamma, -1, self.eps)

    def describe(self) -> str:
        return super().describe().replace(", nobias=True", "")


@dataclass(eq=False, repr=False)
class LocalResponseNorm(Plain):
    """``x / (k + alpha mean(x²))**beta``, the mean over ``size`` neighbouring channels:
    `lamina.functions.local_response_norm`.

    Args:
        size: how many channels see one another.
        alpha: how much they do.
        beta: the power.
        k: what keeps it from 0.
    Source:
        A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet Classification with Deep Convolutional
        Neural Networks", 2012, section 3.3.
    """

    apply = staticmethod(F.local_response_norm)
    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0
