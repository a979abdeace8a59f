"""DepthwiseConv2d and SeparableConv2d: convolutions of channels one by one."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import functions as F
from ..core import Variable
from ..errors import ShapeError
from ..functions.operand import as_variable
from ..functions.window import Lengths, Padding, borders, image_check, lengths
from ..parameter import Parameter
from .checked import as_floating, as_input, as_size, as_switch
from .conv import Conv2d
from .initializers import Initializer, lecun_normal
from .layer import Layer
from .options import bias_unless, shown_kernel, shown_rest


class DepthwiseConv2d(Layer):
    """Each channel convolved by itself, with ``multiplier`` kernels of its own:
    `lamina.functions.depthwise_conv`.

    ``W: (channels * multiplier, 1, kernel_h, kernel_w)`` starts from LeCun's normal distribution,
    ``b: (channels * multiplier,)`` at zero.

    Args:
        kernel: an integer, or one for each axis.
        stride: as in `Conv2d`, and so the next two.
        padding: integers, pairs, or ``"same"``.
        dilation: from number to number of the kernel.
        multiplier: how many results there are for a channel.
        nobias: True leaves ``b`` out; then ``b`` is None.
        dtype: of the parameters, floating; ``x`` is cast to it.
        in_channels: channels of ``x``; None learns it at the first call.
        init: draws ``W``; None means ``lecun_normal()``.
    Raises:
        RangeError: a size that is not a positive integer, or words that mean nothing.
        DTypeError: ``nobias`` that is not a bool, or a ``dtype`` that is not floating.
    Example:
        >>> layer = DepthwiseConv2d(3, padding=1)
        >>> layer(np.ones((2, 4, 5, 7), np.float32)).shape
        (2, 4, 5, 7)
        >>> layer
        DepthwiseConv2d(4, kernel=3, padding=1)

    Source:
        L. Sifre, "Rigid-Motion Scattering for Image Classification", 2014, section 6.2.
    """

    def __init__(
        self,
        kernel: Lengths,
        stride: Lengths = 1,
        padding: Padding = 0,
        dilation: Lengths = 1,
        multiplier: int = 1,
        nobias: bool = False,
        dtype: Any = np.float32,
        in_channels: int | None = None,
        *,
        init: Initializer | None = None,
    ):
        super().__init__()
        name = "DepthwiseConv2d"
        self.kernel = lengths(kernel, 2, f"{name}: kernel")
        lengths(stride, 2, f"{name}: stride")
        lengths(dilation, 2, f"{name}: dilation")
        borders(padding, 2, name)
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.multiplier = as_size(multiplier, f"{name}: multiplier")
        known = None if in_channels is None else as_size(in_channels, f"{name}: in_channels")
        rows = None if known is None else known * self.multiplier
        dtype = as_floating(dtype, name)
        shape = (rows, 1, *self.kernel)
        self.W = Parameter(None, name="W", shape=shape, dtype=dtype, init=init or lecun_normal())
        self.b = bias_unless(nobias, name, "b", (rows,), dtype)

    @property
    def in_channels(self) -> int | None:
        """How many channels an image has; None until it is known."""
        return None if self.W.state == "lazy" else self.W.shape[0] // self.multiplier

    def forward(self, x: Any) -> Variable:
        """``x: (n, channels, h, w)`` to ``(n, channels * multiplier, *out)``."""
        name = "DepthwiseConv2d"
        v = as_variable(as_input(x, self.W.dtype, name), name)
        image_check(v.shape, 2, name)
        expected = self.in_channels
        if v.shape[1] != expected if expected else not v.shape[1]:
            raise ShapeError(
                f"{name}: x should have {expected or '1 or more'} channels, got shape {v.shape}"
            )
        rows = v.shape[1] * self.multiplier
        if self.W.state == "lazy":
            self.initialize(self.W, (rows, 1, *self.kernel))
        if self.b is not None and self.b.state == "lazy":
            self.initialize(self.b, (rows,))
        return F.depthwise_conv(v, self.W, self.b, self.stride, self.padding, self.dilation)

    def describe(self) -> str:
        usual = {"stride": 1, "padding": 0, "dilation": 1, "multiplier": 1}
        words = shown_kernel(self.kernel, {name: getattr(self, name) for name in usual}, usual)
        return f"{self.in_channels or '?'}, {words}{shown_rest(self.W.dtype, self.b)}"


class SeparableConv2d(Layer):
    """A convolution in two steps, over places and then over channels: ``pointwise(depthwise(x))``,
    with far fewer products than a `Conv2d` of the same kernel.

    Args:
        out_channels: channels of the result.
        kernel: of the first step, an integer, or one for each axis.
        stride: of the first step, as in `Conv2d`, and so the next two.
        padding: integers, pairs, or ``"same"``.
        dilation: from number to number of the kernel.
        nobias: True leaves out the bias of the second step; the first never has one.
        dtype: of the parameters, floating.
        in_channels: channels of ``x``; None learns it at the first call.
    Raises:
        RangeError: a size that is not a positive integer, or words that mean nothing.
        DTypeError: ``nobias`` that is not a bool, or a ``dtype`` that is not floating.
    Example:
        >>> layer = SeparableConv2d(8, 3, padding=1)
        >>> layer(np.ones((2, 4, 5, 7), np.float32)).shape
        (2, 8, 5, 7)
        >>> sum(p.size for p in layer.params())  # 4 * 9 + 4 * 8 + 8, where Conv2d has 296
        76

    Source:
        F. Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", 2017.
    """

    def __init__(
        self,
        out_channels: int,
        kernel: Lengths,
        stride: Lengths = 1,
        padding: Padding = 0,
        dilation: Lengths = 1,
        nobias: bool = False,
        dtype: Any = np.float32,
        in_channels: int | None = None,
    ):
        super().__init__()
        dtype = as_floating(dtype, "SeparableConv2d")
        self.depthwise = DepthwiseConv2d(
            kernel, stride, padding, dilation, 1, True, dtype, in_channels
        )
        self.pointwise = Conv2d(
            as_size(out_channels, "SeparableConv2d: out_channels"),
            1,
            nobias=as_switch(nobias, "SeparableConv2d: nobias"),
            dtype=dtype,
            in_channels=in_channels,
        )

    def forward(self, x: Any) -> Variable:
        """``x: (n, in_channels, h, w)`` to ``(n, out_channels, *out)``."""
        return self.pointwise(self.depthwise(x))
