"""Images resized, rearranged, padded, cut into windows: Layers without parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from .. import functions as F
from ..core import Variable
from ..errors import RangeError, ShapeError
from ..functions.operand import as_integer, as_variable
from ..functions.window import Lengths, Padding
from .checked import as_choice, as_size
from .plain import Plain

MODES = ("nearest", "linear", "cubic")


@dataclass(eq=False, repr=False)
class Upsample(Plain):
    """An image at another size: `lamina.functions.interpolate`.

    Args:
        scale: how many times as large, a number or one for each axis.
        size: of the result, in place of ``scale``.
        mode: ``"nearest"``, ``"linear"`` (over two axes bilinear) or ``"cubic"``.
        align_corners: pixels are points, and those in corners stay there; not for ``"nearest"``.
    Raises:
        RangeError: for another mode, or if not one of ``scale`` and ``size`` is given.
    Example:
        >>> import numpy as np
        >>> Upsample(2)(np.ones((1, 3, 4, 5))).shape
        (1, 3, 8, 10)
        >>> Upsample(2, mode="linear")
        Upsample(scale=2, mode='linear')
    """

    apply = staticmethod(F.interpolate)
    scale: float | tuple[float, ...] | None = None
    size: Lengths | None = None
    mode: str = "nearest"
    align_corners: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        as_choice(self.mode, MODES, "Upsample: mode")
        if (self.scale is None) == (self.size is None):
            raise RangeError(
                "Upsample: one of scale and size should be given, got "
                f"scale={self.scale!r} and size={self.size!r}"
            )


@dataclass(eq=False, repr=False)
class _Factor(Plain):
    """What has one field, a positive integer."""

    factor: int

    def __post_init__(self) -> None:
        self.factor = as_size(self.factor, f"{type(self).__name__}: factor")


class PixelShuffle(_Factor):
    """``(n, c factor², h, w)`` to ``(n, c, h factor, w factor)``: channels become pixels, as
    `lamina.functions.pixel_shuffle` does it.

    Args:
        factor: how many times as large the image gets along each axis.
    Example:
        >>> import numpy as np
        >>> PixelShuffle(2)(np.ones((1, 8, 3, 5))).shape
        (1, 2, 6, 10)
    """

    apply = staticmethod(F.pixel_shuffle)


class PixelUnshuffle(_Factor):
    """`PixelShuffle` undone: pixels become channels, as `lamina.functions.pixel_unshuffle` does it.

    Args:
        factor: divides both sides of the image.
    """

    apply = staticmethod(F.pixel_unshuffle)


@dataclass(eq=False, repr=False)
class ChannelShuffle(Plain):
    """Channels of different groups mixed: `lamina.functions.channel_shuffle`.

    Args:
        groups: how many; divides the channels.
    """

    apply = staticmethod(F.channel_shuffle)
    groups: int

    def __post_init__(self) -> None:
        self.groups = as_size(self.groups, "ChannelShuffle: groups")


@dataclass(eq=False, repr=False)
class Unfold(Plain):
    """All windows of an image, as columns: `lamina.functions.unfold`.

    Args:
        kernel: the size of a window: an integer, or one for each axis.
        stride: from window to window.
        padding: zeros around the image.
        dilation: from number to number of a window.
    """

    apply = staticmethod(F.unfold)
    kernel: Lengths
    stride: Lengths = 1
    padding: Padding = 0
    dilation: Lengths = 1


@dataclass(eq=False, repr=False)
class Fold(Plain):
    """The sum of windows where they lie in an image: `lamina.functions.fold`, the transpose of
    `Unfold`.

    Args:
        size: of the images, their spatial axes.
        kernel: as in `Unfold`, and so the rest.
        stride: from window to window.
        padding: zeros around the image.
        dilation: from number to number of a window.
    """

    apply = staticmethod(F.fold)
    size: tuple[int, ...]
    kernel: Lengths
    stride: Lengths = 1
    padding: Padding = 0
    dilation: Lengths = 1


@dataclass(eq=False, repr=False)
class AdaptiveAveragePool(Plain):
    """Means of windows that cover an image of any size evenly:
    `lamina.functions.adaptive_average_pool`.

    Args:
        size: of the result: an integer, or one for each of one, two or three spatial axes.
    Example:
        >>> import numpy as np
        >>> AdaptiveAveragePool((2, 3))(np.ones((1, 4, 7, 9))).shape
        (1, 4, 2, 3)
    """

    apply = staticmethod(F.adaptive_average_pool)
    size: Lengths


@dataclass(eq=False, repr=False)
class AdaptiveMaxPool(Plain):
    """The largest numbers of windows that cover an image of any size evenly:
    `lamina.functions.adaptive_max_pool`.

    Args:
        size: of the result: an integer, or one for each of one, two or three spatial axes.
    """

    apply = staticmethod(F.adaptive_max_pool)
    size: Lengths


@dataclass(eq=False, repr=False)
class LPPool(Plain):
    """``(Σ xᵖ)^(1/p)`` of each window: `lamina.functions.lp_pool`.

    Args:
        power: p, not 0: 1 is the sum, and large ones come near the largest number.
        kernel: the size of a window: an integer, or one for each axis.
        stride: from window to window; None means ``kernel``.
    """

    apply = staticmethod(F.lp_pool)
    power: float
    kernel: Lengths
    stride: Lengths | None = None


@dataclass(eq=False, repr=False)
class MaxPoolWithIndices(Plain):
    """The largest number of each window, and where it was, which `MaxUnpool` takes:
    `lamina.functions.max_pool_with_indices`.

    Args:
        kernel: the size of a window: an integer, or one for each axis.
        stride: from window to window; None means ``kernel``.
        padding: borders that are never the largest.
    """

    apply: ClassVar[Callable[..., Any]] = staticmethod(F.max_pool_with_indices)
    kernel: Lengths
    stride: Lengths | None = None
    padding: Padding = 0


@dataclass(eq=False, repr=False)
class MaxUnpool(Plain):
    """Zeros, but ``x`` where its numbers came from: `lamina.functions.max_unpool`.

    Args:
        size: of the images: their spatial axes.
    Example:
        >>> pool, undo = MaxPoolWithIndices(2), MaxUnpool((4,))
        >>> undo(*pool([[[1.0, 3.0, 2.0, 0.0]]]))
        Variable([[[0., 3., 2., 0.]]], float64)
    """

    size: tuple[int, ...]

    def forward(self, x: Any, indices: Any) -> Variable:
        """``x`` and ``indices``, ``(n, c, ...)`` both, to ``(n, c, *size)``."""
        return F.max_unpool(x, indices, self.size)


@dataclass(eq=False, repr=False)
class _Pad(Plain):
    """Borders around the spatial axes."""

    mode: ClassVar[str]
    width: int | tuple[int | tuple[int, int], ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        name = f"{type(self).__name__}: width"
        sides = self.width if isinstance(self.width, (tuple, list)) else (self.width,)
        for side in [n for pair in sides for n in (pair if isinstance(pair, tuple) else (pair,))]:
            if as_integer(side, name) < 0:
                raise RangeError(f"{name} should be 0 or more, got {self.width!r}")

    def _pairs(self, ndim: int) -> tuple[tuple[int, int], ...]:
        each = self.width if isinstance(self.width, (tuple, list)) else (self.width,) * (ndim - 2)
        if ndim < 3 or len(each) != ndim - 2:
            raise ShapeError(
                f"{type(self).__name__}: x should be (n, c, ...), with a width for each spatial "
                f"axis, got {ndim} axes and width {self.width!r}"
            )
        return ((0, 0), (0, 0), *[n if isinstance(n, tuple) else (n, n) for n in each])

    def forward(self, x: Any) -> Variable:
        """``x: (n, c, *size)`` to ``(n, c, *longer)``."""
        v = as_variable(x, type(self).__name__)
        return F.pad(v, self._pairs(v.ndim), self.mode, getattr(self, "value", 0))


@dataclass(eq=False, repr=False)
class ConstantPad(_Pad):
    """Images with a border of one number, 0 if none is said.

    Args:
        width: of the border: an integer, or for each spatial axis an integer or a pair (before,
            after).
        value: the number.
    Raises:
        RangeError: for a negative width.
    Example:
        >>> ConstantPad(1)([[[5.0, 6.0]]])
        Variable([[[0., 5., 6., 0.]]], float64)
        >>> ConstantPad(((0, 2),), value=-1.0)
        ConstantPad(width=((0, 2),), value=-1.0)
    """

    mode = "constant"
    value: float = 0.0


class ReflectionPad(_Pad):
    """Images with their mirror image around them, the border not twice: as `ConstantPad`.

    Example:
        >>> ReflectionPad(2)([[[1.0, 2.0, 3.0]]])
        Variable([[[3., 2., 1., 2., 3., 2., 1.]]], float64)
    """

    mode = "reflect"


class ReplicationPad(_Pad):
    """Images with their border repeated around them: as `ConstantPad`.

    Example:
        >>> ReplicationPad(2)([[[1.0, 2.0, 3.0]]])
        Variable([[[1., 1., 1., 2., 3., 3., 3.]]], float64)
    """

    mode = "edge"


class CircularPad(_Pad):
    """Images that go on at their other side: as `ConstantPad`.

    Example:
        >>> CircularPad(1)([[[1.0, 2.0, 3.0]]])
        Variable([[[3., 1., 2., 3., 1.]]], float64)
    """

    mode = "wrap"
