"""Dropout and its family, as Layers: noise in training, nothing in prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import functions as F
from ..core import Variable
from ..errors import RangeError
from .checked import as_share
from .plain import Plain


@dataclass(eq=False, repr=False)
class _Ratio(Plain):
    """What has one field, a probability."""

    ratio: float = 0.5

    def __post_init__(self) -> None:
        self.ratio = as_share(self.ratio, f"{type(self).__name__}: ratio")

    def forward(self, x: Any) -> Variable:
        """``x`` of any shape, floating, to the same shape and dtype."""
        return super().forward(x)

    def describe(self) -> str:
        return f"{self.ratio:g}"


class Dropout(_Ratio):
    """Elements set to zero at random in training, the others multiplied by ``1 / (1 - ratio)``; in
    prediction (``train(False)``, ``test_mode()``) nothing happens. See `lamina.functions.dropout`.

    Args:
        ratio: the probability of zero, in [0, 1].
    Raises:
        RangeError: if ``ratio`` is outside [0, 1].
    Example:
        >>> layer = Dropout(0.2).eval()
        >>> layer([1.0, 2.0])
        Variable([1., 2.], float64)
        >>> layer
        Dropout(0.2)
    """

    apply = staticmethod(F.dropout)


class ChannelDropout(_Ratio):
    """`Dropout` of whole channels of ``x: (n, channels, ...)``, of one, two or three spatial axes:
    neighbouring pixels say nearly the same. See `lamina.functions.channel_dropout`.
    """

    apply = staticmethod(F.channel_dropout)


class AlphaDropout(_Ratio):
    """`Dropout` for SELU: dropped elements get its lowest value, and mean 0 and variance 1 are
    kept. See `lamina.functions.alpha_dropout`.
    """

    apply = staticmethod(F.alpha_dropout)


class GaussianDropout(_Ratio):
    """Elements multiplied by normal noise of mean 1 and the variance of dropout's,
    ``ratio / (1 - ratio)``. See `lamina.functions.gaussian_dropout`.
    """

    apply = staticmethod(F.gaussian_dropout)


class DropPath(_Ratio):
    """Whole samples set to zero at random in training, the others multiplied by
    ``1 / (1 - ratio)``: for the branch of a residual block, which is then skipped (stochastic
    depth). See `lamina.functions.drop_path`.
    """

    apply = staticmethod(F.drop_path)


@dataclass(eq=False, repr=False)
class GaussianNoise(Plain):
    """Normal noise of mean 0 added in training: `lamina.functions.gaussian_noise`.

    Args:
        std: its standard deviation, 0 or more.
    Raises:
        RangeError: if it is negative.
    """

    apply = staticmethod(F.gaussian_noise)
    std: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.std < 0:
            raise RangeError(f"GaussianNoise: std should be 0 or more, got {self.std!r}")
