"""Distributions of real numbers: Normal, LogNormal, Laplace, Exponential, Uniform."""

from __future__ import annotations

from math import e, log, pi
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Variable
from ..functions import abs, exp, expm1, where
from ..functions import log as ln
from .distribution import Distribution, above_0, outcomes, parameters
from .operator import CheckAbove

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Normal(Distribution):
    """Density ``e**(-z²/2) / (scale √(2 pi))`` with ``z = (x - loc) / scale``.

    Args:
        loc: any shape, floating, or a number: the mean.
        scale: a shape that broadcasts with it, above 0: the standard deviation.
    Raises:
        ShapeError: if the parameters do not broadcast.
        RangeError: if a scale is not above 0.
        DTypeError: if one is not floating.
    Example:
        >>> Normal(0.0, [1.0, 2.0]).log_prob(0.0)
        Variable([-0.91893853, -1.61208571], float64)
    """

    def __init__(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0):
        shape, dtype, (self.loc, given) = parameters(self.name, loc=loc, scale=scale)
        self.scale = above_0(given, f"{self.name}: scale")
        super().__init__(shape, dtype)

    def rsample(self, shape: Any = ()) -> Variable:
        """``loc + scale z``."""
        return self.drawn("normal", shape, self.loc) * self.scale + self.loc

    def log_prob(self, x: ArrayLike) -> Variable:
        """``-z²/2 - log scale - log(2 pi)/2``."""
        z = (outcomes(x, self) - self.loc) / self.scale
        return z * z * -0.5 - ln(self.scale) - 0.5 * log(2 * pi)

    def entropy(self) -> Variable:
        """``log scale + log(2 pi e) / 2``."""
        return self.full(ln(self.scale) + 0.5 * log(2 * pi * e))

    @property
    def mean(self) -> Variable:
        """``loc``."""
        return self.full(self.loc)

    @property
    def variance(self) -> Variable:
        """``scale²``."""
        return self.full(self.scale**2)


class LogNormal(Normal):
    """Of what has a normal logarithm: density that of `Normal` at ``log x``, divided by x > 0.

    Arguments and errors as there; they are mean and deviation of the logarithm.

    Example:
        >>> LogNormal(0.0, 1.0).mean
        Variable(1.6487212, float32)
    """

    def rsample(self, shape: Any = ()) -> Variable:
        """``e**(loc + scale z)``."""
        return exp(super().rsample(shape))

    def log_prob(self, x: ArrayLike) -> Variable:
        """That of the logarithm, less the logarithm."""
        v = outcomes(x, self)
        inside = v > 0
        logarithm = ln(where(inside, v, 1))
        return where(inside, super().log_prob(logarithm) - logarithm, -np.inf)

    def entropy(self) -> Variable:
        """``loc + log scale + log(2 pi e) / 2``."""
        return super().entropy() + self.loc

    @property
    def mean(self) -> Variable:
        """``e**(loc + scale²/2)``."""
        return self.full(exp(self.loc + self.scale**2 * 0.5))

    @property
    def variance(self) -> Variable:
        """``(e**scale² - 1) mean²``."""
        return expm1(self.scale**2) * self.mean**2


class Laplace(Distribution):
    """Density ``e**-|z| / (2 scale)`` with ``z = (x - loc) / scale``.

    Args:
        loc: any shape, floating, or a number: the mean.
        scale: a shape that broadcasts with it, above 0.
    Raises:
        ShapeError: if the parameters do not broadcast.
        RangeError: if a scale is not above 0.
        DTypeError: if one is not floating.
    Example:
        >>> Laplace([0.0], 1.0).log_prob([0.0, 2.0])
        Variable([-0.69314718, -2.69314718], float64)
    """

    def __init__(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0):
        shape, dtype, (self.loc, given) = parameters(self.name, loc=loc, scale=scale)
        self.scale = above_0(given, f"{self.name}: scale")
        super().__init__(shape, dtype)

    def rsample(self, shape: Any = ()) -> Variable:
        """``loc + scale (a - b)`` with exponential a and b."""
        a, b = [self.drawn("exponential", shape, self.loc) for _ in range(2)]
        return (a - b) * self.scale + self.loc

    def log_prob(self, x: ArrayLike) -> Variable:
        """``-|z| - log(2 scale)``."""
        return -abs((outcomes(x, self) - self.loc) / self.scale) - ln(self.scale * 2)

    def entropy(self) -> Variable:
        """``1 + log(2 scale)``."""
        return self.full(ln(self.scale * 2) + 1)

    @property
    def mean(self) -> Variable:
        """``loc``."""
        return self.full(self.loc)

    @property
    def variance(self) -> Variable:
        """``2 scale²``."""
        return self.full(self.scale**2 * 2)


class Exponential(Distribution):
    """Density ``rate e**(-rate x)`` for x of 0 or more: how long one waits.

    Args:
        rate: any shape, floating, or a number, above 0: events in a unit of time.
    Raises:
        RangeError: if a rate is not above 0.
        DTypeError: if it is not floating.
    Example:
        >>> Exponential([1.0, 2.0]).mean
        Variable([1. , 0.5], float64)
    """

    def __init__(self, rate: ArrayLike = 1.0):
        shape, dtype, (given,) = parameters(self.name, rate=rate)
        self.rate = above_0(given, f"{self.name}: rate")
        super().__init__(shape, dtype)

    def rsample(self, shape: Any = ()) -> Variable:
        """Those of rate 1, divided by ``rate``."""
        return self.drawn("exponential", shape, self.rate) / self.rate

    def log_prob(self, x: ArrayLike) -> Variable:
        """``log rate - rate x``."""
        v = outcomes(x, self)
        return where(v >= 0, ln(self.rate) - self.rate * v, -np.inf)

    def entropy(self) -> Variable:
        """``1 - log rate``."""
        return 1 - ln(self.rate)

    @property
    def mean(self) -> Variable:
        """``1 / rate``."""
        return 1 / self.rate

    @property
    def variance(self) -> Variable:
        """``1 / rate²``."""
        return 1 / self.rate**2


class Uniform(Distribution):
    """Density ``1 / (high - low)`` from low to high.

    Args:
        low: any shape, floating, or a number.
        high: a shape that broadcasts with it, above ``low``.
    Raises:
        ShapeError: if the parameters do not broadcast.
        RangeError: if a ``high`` is not above its ``low``.
        DTypeError: if one is not floating.
    Example:
        >>> Uniform(0.0, [1.0, 2.0]).log_prob(1.5)
        Variable([       -inf, -0.69314718], float64)
    """

    def __init__(self, low: ArrayLike = 0.0, high: ArrayLike = 1.0):
        shape, dtype, (self.low, self.high) = parameters(self.name, low=low, high=high)
        self.width = CheckAbove(f"{self.name}: high - low")(self.high - self.low)
        super().__init__(shape, dtype)

    def rsample(self, shape: Any = ()) -> Variable:
        """``low + (high - low) u``."""
        return self.drawn("uniform", shape, self.low) * self.width + self.low

    def log_prob(self, x: ArrayLike) -> Variable:
        """``-log(high - low)``, also at both ends."""
        v = outcomes(x, self)
        return where((v >= self.low) & (v <= self.high), -ln(self.width), -np.inf)

    def entropy(self) -> Variable:
        """``log(high - low)``."""
        return self.full(ln(self.width))

    @property
    def mean(self) -> Variable:
        """``(low + high) / 2``."""
        return self.full((self.low + self.high) * 0.5)

    @property
    def variance(self) -> Variable:
        """``(high - low)² / 12``."""
        return self.full(self.width**2 / 12)
