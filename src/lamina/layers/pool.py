"""Pooling and Flatten: Layers without parameters, for a place in a `Sequential`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from .. import functions as F
from ..core import Variable
from ..errors import RangeError
from ..functions.window import Lengths, Padding, borders, lengths
from .checked import as_switch
from .layer import Layer
from .options import shown_kernel
from .plain import Plain


class _Pool(Layer):
    """Windows of one kind over images."""

    rank: ClassVar[int]
    apply: ClassVar[Callable[..., Variable]]

    def __init__(self, kernel: Lengths, stride: Lengths | None = None, padding: Padding = 0):
        super().__init__()
        kind = type(self).__name__
        self.kernel = lengths(kernel, self.rank, f"{kind}: kernel")
        if stride is not None:
            lengths(stride, self.rank, f"{kind}: stride")
        pads = borders(padding, self.rank, kind)
        if pads != "same" and any(max(pair) >= k for pair, k in zip(pads, self.kernel)):
            raise RangeError(
                f"{kind}: padding {padding!r} should be less than the kernel {self.kernel}"
            )
        self.stride, self.padding = stride, padding

    def _words(self) -> dict[str, Any]:
        return {"stride": self.stride, "padding": self.padding}

    def forward(self, x: Any) -> Variable:
        """``x: (n, c, *size)`` to ``(n, c, *out)``."""
        return type(self).apply(x, self.kernel, **self._words())

    def describe(self) -> str:
        usual = {"stride": None, "padding": 0, "count_include_pad": True}
        return shown_kernel(self.kernel, self._words(), usual)


class MaxPool1d(_Pool):
    """The largest number of each window: `MaxPool2d` for ``x: (n, c, length)``."""

    rank = 1
    apply = staticmethod(F.max_pool1d)


class MaxPool2d(_Pool):
    """The largest number of each window: `lamina.functions.max_pool2d`.

    Args:
        kernel: the size of a window: an integer, or one for each axis.
        stride: from window to window; None means ``kernel``.
        padding: borders that are never the largest, less than the kernel.
    Raises:
        RangeError: for words that mean nothing.
    Example:
        >>> import numpy as np
        >>> MaxPool2d((2, 3))(np.ones((2, 3, 4, 6))).shape
        (2, 3, 2, 2)
        >>> MaxPool2d(3, stride=2, padding=1)
        MaxPool2d(kernel=3, stride=2, padding=1)
    """

    rank = 2
    apply = staticmethod(F.max_pool2d)


class MaxPool3d(_Pool):
    """The largest number of each window: `MaxPool2d` for ``x: (n, c, d, h, w)``."""

    rank = 3
    apply = staticmethod(F.max_pool3d)


class _AveragePool(_Pool):
    """The mean of each window, of any rank: see `AveragePool2d`."""

    def __init__(
        self,
        kernel: Lengths,
        stride: Lengths | None = None,
        padding: Padding = 0,
        count_include_pad: bool = True,
    ):
        super().__init__(kernel, stride, padding)
        name = f"{type(self).__name__}: count_include_pad"
        self.count_include_pad = as_switch(count_include_pad, name)

    def _words(self) -> dict[str, Any]:
        return {**super()._words(), "count_include_pad": self.count_include_pad}


class AveragePool1d(_AveragePool):
    """The mean of each window: `AveragePool2d` for ``x: (n, c, length)``."""

    rank = 1
    apply = staticmethod(F.average_pool1d)


class AveragePool2d(_AveragePool):
    """The mean of each window: `lamina.functions.average_pool2d`.

    Args:
        kernel: the size of a window: an integer, or one for each axis.
        stride: from window to window; None means ``kernel``.
        padding: zeros around the image, less than the kernel.
        count_include_pad: whether these zeros count as numbers of the mean.
    Raises:
        RangeError: for words that mean nothing.
        DTypeError: ``count_include_pad`` that is not a bool.
    Example:
        >>> import numpy as np
        >>> AveragePool2d(2)(np.ones((2, 3, 4, 6))).shape
        (2, 3, 2, 3)
    """

    rank = 2
    apply = staticmethod(F.average_pool2d)


class AveragePool3d(_AveragePool):
    """The mean of each window: `AveragePool2d` for ``x: (n, c, d, h, w)``."""

    rank = 3
    apply = staticmethod(F.average_pool3d)


class GlobalAveragePool(Plain):
    """The mean of each channel: ``(n, c, *size)`` to ``(n, c)``."""

    apply = staticmethod(F.global_average_pool)


class GlobalMaxPool(Plain):
    """The largest number of each channel: ``(n, c, *size)`` to ``(n, c)``."""

    apply = staticmethod(F.global_max_pool)


class Flatten(Layer):
    """Each sample as one row: ``(n, ...)`` to ``(n, size)``."""

    def forward(self, x: Any) -> Variable:
        """``x: (n, ...)`` to ``(n, size)``."""
        return F.flatten(x, start=1)
