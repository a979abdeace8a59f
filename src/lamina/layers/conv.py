"""Conv1d, Conv2d, Conv3d, and ConvTranspose1d, ConvTranspose2d, ConvTranspose3d."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, ClassVar

import numpy as np

from .. import functions as F
from ..arrays import DType
from ..core import Variable
from ..errors import RangeError, ShapeError
from ..functions.window import Lengths, Padding, borders, image_check, lengths
from ..parameter import Parameter
from .checked import as_floating, as_input, as_size, as_switch, is_lazy
from .initializers import Initializer, lecun_normal, variance_scaling
from .layer import Layer
from .options import bias_unless, shown_kernel, shown_rest


class _Convolution(Layer):
    """What all six share: a kernel ``W``, a bias ``b``, and where the kernel stands."""

    rank: ClassVar[int]
    apply: ClassVar[Callable[..., Variable]]

    W: Parameter
    b: Parameter | None

    def __init__(
        self, out_channels: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, groups: Any
    ):
        super().__init__()
        kind, rank = type(self).__name__, self.rank
        self.out_channels = as_size(out_channels, f"{kind}: out_channels")
        lengths(stride, rank, f"{kind}: stride")
        lengths(dilation, rank, f"{kind}: dilation")
        borders(padding, rank, kind)
        self.kernel = lengths(kernel, rank, f"{kind}: kernel")
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.groups = as_size(groups, f"{kind}: groups")
        self._divides("out_channels", self.out_channels)

    def _start(self, in_channels: Any, nobias: Any, dtype: Any, init: Initializer) -> None:
        """Plan the parameters: the one length that may be unknown is that of ``in_channels``."""
        kind = type(self).__name__
        bare = as_switch(nobias, f"{kind}: nobias")
        dtype = as_floating(dtype, kind)
        shape: tuple[int | None, ...] = self._lazy_shape()
        if in_channels is not None:
            known = as_size(in_channels, f"{kind}: in_channels")
            self._divides("in_channels", known)
            shape = self._shape(known)
        self.W = Parameter(None, name="W", shape=shape, dtype=dtype, init=init)
        self.b = bias_unless(bare, kind, "b", (self.out_channels,), dtype)

    def _divides(self, what: str, channels: int) -> None:
        if channels % self.groups:
            raise RangeError(
                f"{type(self).__name__}: groups={self.groups} does not divide {what}={channels}"
            )

    def _lazy_shape(self) -> tuple[int | None, ...]:
        return (self.out_channels, None, *self.kernel)

    def _shape(self, in_channels: int) -> tuple[int, ...]:
        return (self.out_channels, in_channels // self.groups, *self.kernel)

    @property
    def in_channels(self) -> int | None:
        """How many channels an image has; None until it is known."""
        return None if is_lazy(self.W) else self.W.shape[1] * self.groups

    @property
    def dtype(self) -> DType:
        return self.W.dtype

    def _words(self) -> dict[str, Any]:
        """What the function takes after ``b``."""
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }

    def forward(self, x: Any) -> Variable:
        """``x: (n, in_channels, *size)`` to ``(n, out_channels, *out)``, in the dtype of ``W``."""
        kind = type(self).__name__
        x = as_input(x, self.W.dtype, kind)
        if is_lazy(self.W):
            image_check(x.shape, self.rank, kind)
            if x.shape[1] == 0:
                raise ShapeError(f"{kind}: x should have one channel or more, got shape {x.shape}")
            self._divides("in_channels", x.shape[1])
            self.initialize(self.W, self._shape(x.shape[1]))
        return type(self).apply(x, self.W, self.b, **self._words())

    def describe(self) -> str:
        usual = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1}
        channels = "?" if self.in_channels is None else self.in_channels
        words = shown_kernel(self.kernel, self._words(), usual)
        return f"{channels} -> {self.out_channels}, {words}{shown_rest(self.dtype, self.b)}"


class _Conv(_Convolution):
    """Images to images, of any rank: see `Conv2d`."""

    def __init__(
        self,
        out_channels: int,
        kernel: Lengths,
        stride: Lengths = 1,
        padding: Padding = 0,
        dilation: Lengths = 1,
        groups: int = 1,
        nobias: bool = False,
        dtype: Any = np.float32,
        in_channels: int | None = None,
        *,
        init: Initializer | None = None,
    ):
        super().__init__(out_channels, kernel, stride, padding, dilation, groups)
        self._start(in_channels, nobias, dtype, init or lecun_normal())


class Conv1d(_Conv):
    """Convolution over one axis: `Conv2d` for ``x: (n, in_channels, length)``."""

    rank = 1
    apply = staticmethod(F.conv1d)


class Conv2d(_Conv):
    """A convolution of images: ``y = conv2d(x, W, b)``.

    ``W: (out_channels, in_channels / groups, kernel_h, kernel_w)``, as PyTorch and Chainer have it.
    It starts from LeCun's normal distribution, of variance one over how many numbers a result is
    the sum of (before ReLU use ``init=he_normal()``), ``b: (out_channels,)`` at zero.

    A layer computes in its own dtype: ``x`` is cast to it.

    Args:
        out_channels: channels of the result.
        kernel: an integer, or one for each axis.
        stride: as `lamina.functions.conv2d` takes it, and so the next three.
        padding: integers, pairs, or ``"same"``.
        dilation: from number to number of the kernel.
        groups: channels in groups that do not see one another.
        nobias: True leaves ``b`` out; then ``b`` is None.
        dtype: of the parameters, floating.
        in_channels: channels of ``x``; None learns it at the first call.
        init: draws ``W``; None means ``lecun_normal()``.
    Raises:
        RangeError: a size that is not a positive integer, words that mean nothing, or ``groups``
            that divide no channels.
        DTypeError: ``nobias`` that is not a bool, or a ``dtype`` that is not floating.
    Example:
        >>> layer = Conv2d(8, kernel=3, padding=1)
        >>> layer(np.ones((2, 3, 5, 7), np.float32)).shape
        (2, 8, 5, 7)
        >>> layer
        Conv2d(3 -> 8, kernel=3, padding=1)
    """

    rank = 2
    apply = staticmethod(F.conv2d)


class Conv3d(_Conv):
    """Convolution over three axes: `Conv2d` for ``x: (n, in_channels, d, h, w)``."""

    rank = 3
    apply = staticmethod(F.conv3d)


class _ConvTranspose(_Convolution):
    """Images to larger images, of any rank: see `ConvTranspose2d`."""

    def __init__(
        self,
        out_channels: int,
        kernel: Lengths,
        stride: Lengths = 1,
        padding: Padding = 0,
        output_padding: Lengths = 0,
        dilation: Lengths = 1,
        groups: int = 1,
        nobias: bool = False,
        dtype: Any = np.float32,
        in_channels: int | None = None,
        *,
        init: Initializer | None = None,
    ):
        super().__init__(out_channels, kernel, stride, padding, dilation, groups)
        kind = type(self).__name__
        steps = lengths(stride, self.rank, f"{kind}: stride")
        more = lengths(output_padding, self.rank, f"{kind}: output_padding", least=0)
        if any(m >= s for m, s in zip(more, steps)):
            raise RangeError(f"{kind}: output_padding {more} should be less than stride {steps}")
        if padding == "same":
            raise RangeError(f"{kind}: padding should be numbers; 'same' says not what to cut off")
        self.output_padding = output_padding
        self._start(in_channels, nobias, dtype, init or self._lecun(steps))

    def _lecun(self, steps: tuple[int, ...]) -> Initializer:
        """LeCun's rule: of the kernel, a result sees one number in ``stride``."""
        unseen = prod(min(s, k) for s, k in zip(steps, self.kernel))
        return variance_scaling(self.groups * unseen, "fan_out")

    def _lazy_shape(self) -> tuple[int | None, ...]:
        return (None, self.out_channels // self.groups, *self.kernel)

    def _shape(self, in_channels: int) -> tuple[int, ...]:
        return (in_channels, self.out_channels // self.groups, *self.kernel)

    @property
    def in_channels(self) -> int | None:
        """How many channels an image has; None until it is known."""
        return None if is_lazy(self.W) else self.W.shape[0]

    def _words(self) -> dict[str, Any]:
        return {**super()._words(), "output_padding": self.output_padding}


class ConvTranspose1d(_ConvTranspose):
    """The transpose over one axis: `ConvTranspose2d` for ``x: (n, in_channels, length)``."""

    rank = 1
    apply = staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTranspose):
    """The transpose of a convolution, which makes images larger: ``y = conv_transpose2d(x, W, b)``.

    ``W: (in_channels, out_channels / groups, kernel_h, kernel_w)``, as PyTorch and Chainer have it.
    It starts from LeCun's normal distribution, of variance one over how many numbers a result is
    the sum of, on average: ``in_channels / groups * kernel / stride``. ``b`` starts at zero.

    Arguments and errors as in `Conv2d`, but no ``"same"``, and:

    Args:
        output_padding: rows more at the end of each axis, less than ``stride``.
    Example:
        >>> layer = ConvTranspose2d(8, kernel=4, stride=2, padding=1)
        >>> layer(np.ones((2, 3, 5, 7), np.float32)).shape
        (2, 8, 10, 14)
        >>> layer
        ConvTranspose2d(3 -> 8, kernel=4, stride=2, padding=1)
    """

    rank = 2
    apply = staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_ConvTranspose):
    """The transpose over three axes: `ConvTranspose2d` for ``x: (n, in_channels, d, h, w)``."""

    rank = 3
    apply = staticmethod(F.conv_transpose3d)
