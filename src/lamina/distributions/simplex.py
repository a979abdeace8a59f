"""Distributions of positive numbers and of shares: Gamma, Beta, Dirichlet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Variable
from ..errors import ShapeError
from ..functions import (
    digamma,
    exp,
    lbeta,
    lgamma,
    log,
    maximum,
    sigmoid,
    softmax,
    where,
    xlog1py,
    xlogy,
)
from ..functions.bound import CheckBetween, floating
from ..functions.operand import as_shape
from .distribution import Distribution, above_0, outcomes, parameters
from .gammas import log_gammas

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Gamma(Distribution):
    """Density ``rate**a x**(a - 1) e**(-rate x) / Γ(a)`` for x above 0, a for concentration.

    Draws have first derivatives by both parameters.

    Args:
        concentration: any shape, floating, or a number, above 0.
        rate: a shape that broadcasts with it, above 0.
    Raises:
        ShapeError: if the parameters do not broadcast.
        RangeError: if one is not above 0.
        DTypeError: if one is not floating.
    Example:
        >>> Gamma([1.0, 2.0], 2.0).log_prob(1.0)
        Variable([-1.30685282, -0.61370564], float64)
    """

    def __init__(self, concentration: ArrayLike, rate: ArrayLike = 1.0):
        given = {"concentration": concentration, "rate": rate}
        shape, dtype, (a, b) = parameters(self.name, **given)
        self.concentration = above_0(a, f"{self.name}: concentration")
        self.rate = above_0(b, f"{self.name}: rate")
        super().__init__(shape, dtype)

    def rsample(self, shape: Any = ()) -> Variable:
        """Of rate 1, divided by ``rate``; never less than the smallest number of the dtype."""
        sizes = (*as_shape(shape, f"{self.name}: shape"), *self.shape)
        y = exp(log_gammas(self.concentration, sizes, "gamma"))
        return maximum(y / self.rate, float(np.finfo(self.dtype).tiny))

    def log_prob(self, x: ArrayLike) -> Variable:
        """``a log rate + (a - 1) log x - rate x - log Γ(a)``."""
        v, a = outcomes(x, self), self.concentration
        inside = v >= 0
        w = where(inside, v, 1)
        y = xlogy(a, self.rate) + xlogy(a - 1, w) - self.rate * w - lgamma(a)
        return where(inside, y, -np.inf)

    def entropy(self) -> Variable:
        """``a - log rate + log Γ(a) + (1 - a) ψ(a)``."""
        a = self.concentration
        return self.full(a - log(self.rate) + lgamma(a) + (1 - a) * digamma(a))

    @property
    def mean(self) -> Variable:
        """``a / rate``."""
        return self.full(self.concentration / self.rate)

    @property
    def variance(self) -> Variable:
        """``a / rate²``."""
        return self.full(self.concentration / self.rate**2)


class Beta(Distribution):
    """Density ``x**(a - 1) (1 - x)**(b - 1) / B(a, b)`` for x from 0 to 1.

    Draws have first derivatives by both parameters.

    Args:
        a: any shape, floating, or a number, above 0.
        b: a shape that broadcasts with it, above 0.
    Raises:
        ShapeError: if the parameters do not broadcast.
        RangeError: if one is not above 0.
        DTypeError: if one is not floating.
    Example:
        >>> Beta([1.0, 2.0], 2.0).mean
        Variable([0.33333333, 0.5       ], float64)
    """

    def __init__(self, a: ArrayLike, b: ArrayLike):
        shape, dtype, (one, other) = parameters(self.name, a=a, b=b)
        self.a, self.b = above_0(one, f"{self.name}: a"), above_0(other, f"{self.name}: b")
        super().__init__(shape, dtype)

    def rsample(self, shape: Any = ()) -> Variable:
        """``x / (x + y)`` of two gamma draws, by their logarithms."""
        sizes = (*as_shape(shape, f"{self.name}: shape"), *self.shape)
        return sigmoid(log_gammas(self.a, sizes, "beta") - log_gammas(self.b, sizes, "beta"))

    def log_prob(self, x: ArrayLike) -> Variable:
        """``(a - 1) log x + (b - 1) log(1 - x) - log B(a, b)``."""
        v = outcomes(x, self)
        inside = (v >= 0) & (v <= 1)
        w = where(inside, v, 0.5)
        y = xlogy(self.a - 1, w) + xlog1py(self.b - 1, -w) - lbeta(self.a, self.b)
        return where(inside, y, -np.inf)

    def entropy(self) -> Variable:
        """``log B - (a - 1) ψ(a) - (b - 1) ψ(b) + (a + b - 2) ψ(a + b)``."""
        a, b = self.a, self.b
        y = lbeta(a, b) - (a - 1) * digamma(a) - (b - 1) * digamma(b)
        return self.full(y + (a + b - 2) * digamma(a + b))

    @property
    def mean(self) -> Variable:
        """``a / (a + b)``."""
        return self.full(self.a / (self.a + self.b))

    @property
    def variance(self) -> Variable:
        """``a b / ((a + b)² (a + b + 1))``."""
        total = self.a + self.b
        return self.full(self.a * self.b / (total**2 * (total + 1)))


class Dirichlet(Distribution):
    """Density ``Π x_k**(a_k - 1) Γ(Σ a) / Π Γ(a_k)`` for shares x that add up to 1.

    Draws have first derivatives by the parameters.

    Args:
        concentration: (..., classes), floating, above 0: a.
    Raises:
        ShapeError: if there is no axis of classes, or it is empty.
        RangeError: if one is not above 0.
        DTypeError: if it is not floating.
    Example:
        >>> Dirichlet([1.0, 3.0]).mean
        Variable([0.25, 0.75], float64)
    """

    def __init__(self, concentration: ArrayLike):
        a = floating(concentration, f"{self.name}: concentration")
        if not a.ndim or not a.shape[-1]:
            raise ShapeError(f"{self.name}: should have an axis of classes, got {a.shape}")
        self.concentration = above_0(a, f"{self.name}: concentration")
        self.event = a.shape[-1:]
        super().__init__(a.shape[:-1], a.dtype)

    @property
    def total(self) -> Variable:
        """(..., 1): the sum of the parameters."""
        return self.concentration.sum(-1, keepdims=True)

    def rsample(self, shape: Any = ()) -> Variable:
        """Gamma draws divided by their sum, by their logarithms."""
        sizes = (*as_shape(shape, f"{self.name}: shape"), *self.shape, *self.event)
        return softmax(log_gammas(self.concentration, sizes, "dirichlet"))

    def log_prob(self, x: ArrayLike) -> Variable:
        """``Σ (a - 1) log x + log Γ(Σ a) - Σ log Γ(a)``; RangeError for what is no share. That they
        add up to 1 is not checked.
        """
        v, a = CheckBetween(f"{self.name}: x", 0, 1)(outcomes(x, self)), self.concentration
        return (xlogy(a - 1, v) - lgamma(a)).sum(-1) + lgamma(a.sum(-1))

    def entropy(self) -> Variable:
        """``log B(a) + (Σ a - K) ψ(Σ a) - Σ (a - 1) ψ(a)``."""
        a, total = self.concentration, self.concentration.sum(-1)
        y = (lgamma(a) - (a - 1) * digamma(a)).sum(-1) - lgamma(total)
        return y + (total - a.shape[-1]) * digamma(total)

    @property
    def mean(self) -> Variable:
        """``a / Σ a``."""
        return self.concentration / self.total

    @property
    def variance(self) -> Variable:
        """``mean (1 - mean) / (Σ a + 1)``."""
        return self.mean * (1 - self.mean) / (self.total + 1)
