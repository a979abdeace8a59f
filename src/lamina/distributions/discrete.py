"""Distributions of counts and classes: Bernoulli, Categorical, Geometric, Poisson."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Variable
from ..errors import RangeError, ShapeError
from ..functions import (
    bernoulli,
    broadcast_to,
    categorical,
    exp,
    floor,
    lgamma,
    log,
    log1p,
    log_softmax,
    sigmoid,
    softplus,
    take_along_axis,
    where,
    xlog1py,
    xlogy,
)
from ..functions.bound import CheckBetween, floating
from ..functions.entropy import SigmoidCrossEntropy
from ..functions.label import check_labels
from ..functions.operand import as_shape, as_variable
from .distribution import Distribution, above_0, outcomes, parameters
from .operator import CheckAbove, DrawPoisson

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def _one_of(name: str, p: Any, logits: Any) -> None:
    if (p is None) == (logits is None):
        raise RangeError(f"{name}: give one of p and logits")


class Bernoulli(Distribution):
    """1 with probability p, else 0.

    Args:
        p: any shape, floating, or a number, in [0, 1].
        logits: in its place: any, and ``p = sigmoid(logits)``.
    Raises:
        RangeError: if a probability is outside [0, 1], or not one of both is given.
        DTypeError: if it is not floating.
    Example:
        >>> Bernoulli([0.25, 1.0]).log_prob(1)
        Variable([-1.38629436,  0.        ], float64)
    """

    def __init__(self, p: ArrayLike | None = None, *, logits: ArrayLike | None = None):
        _one_of(self.name, p, logits)
        if logits is not None:
            shape, dtype, (self.logits,) = parameters(self.name, logits=logits)
            self.p = sigmoid(self.logits)
        else:
            shape, dtype, (given,) = parameters(self.name, p=p)
            self.p, self.logits = CheckBetween(f"{self.name}: p", 0, 1)(given), None
        super().__init__(shape, dtype)

    def sample(self, shape: Any = ()) -> Variable:
        """Zeros and ones, in the dtype of the parameter."""
        sizes = (*as_shape(shape, f"{self.name}: shape"), *self.shape)
        return bernoulli(broadcast_to(self.p.detach(), sizes))

    def log_prob(self, x: ArrayLike) -> Variable:
        """``x log p + (1 - x) log(1 - p)`` for 0 and 1; RangeError for what is outside of them."""
        v = CheckBetween(f"{self.name}: x", 0, 1)(outcomes(x, self))
        if self.logits is not None:
            return -SigmoidCrossEntropy()(self.logits, v)
        return xlogy(v, self.p) + xlog1py(1 - v, -self.p)

    def entropy(self) -> Variable:
        """``-p log p - (1 - p) log(1 - p)``."""
        if self.logits is not None:
            return softplus(self.logits) - self.logits * self.p
        return -xlogy(self.p, self.p) - xlog1py(1 - self.p, -self.p)

    @property
    def mean(self) -> Variable:
        """``p``."""
        return self.p

    @property
    def variance(self) -> Variable:
        """``p (1 - p)``."""
        return self.p * (1 - self.p)


class Categorical(Distribution):
    """Class k with probability ``p[k]``. Classes are no numbers: there is no mean.

    Args:
        p: (..., classes), floating, 0 or more: divided by their sum.
        logits: in their place: any, and ``p = softmax(logits)``.
    Raises:
        ShapeError: if there is no axis of classes, or it is empty.
        RangeError: if a probability is negative, or not one of both is given.
        DTypeError: if they are not floating.
    Example:
        >>> Categorical([0.25, 0.75]).log_prob([0, 1])
        Variable([-1.38629436, -0.28768207], float64)
    """

    def __init__(self, p: ArrayLike | None = None, *, logits: ArrayLike | None = None):
        _one_of(self.name, p, logits)
        v = floating(p if logits is None else logits, f"{self.name}: p or logits")
        if not v.ndim or not v.shape[-1]:
            raise ShapeError(f"{self.name}: should have an axis of classes, got {v.shape}")
        if logits is None:
            v = CheckBetween(f"{self.name}: p", 0, np.inf)(v)
            holds = v > 0
            shares = v / v.sum(-1, keepdims=True)
            self.logp = where(holds, log(where(holds, shares, 1)), -np.inf)
        else:
            self.logp = log_softmax(v)
        self.classes = v.shape[-1]
        super().__init__(v.shape[:-1], v.dtype)

    @property
    def p(self) -> Variable:
        """(..., classes): the probabilities, which add up to 1."""
        return exp(self.logp)

    def sample(self, shape: Any = ()) -> Variable:
        """Classes, int64."""
        return categorical(self.logp, shape=shape)

    def log_prob(self, x: ArrayLike) -> Variable:
        """``log p[x]``; RangeError for what is no class."""
        labels = check_labels(as_variable(x, f"{self.name}: x"), self.classes, None, self.name)
        try:
            shape = np.broadcast_shapes(labels.shape, self.shape)
        except ValueError:
            raise ShapeError(
                f"{self.name}: x should broadcast with {self.shape}, got {labels.shape}"
            ) from None
        logp = broadcast_to(self.logp, (*shape, self.classes))
        at = broadcast_to(labels, shape).reshape(*shape, 1)
        return take_along_axis(logp, at, -1).reshape(shape)

    def entropy(self) -> Variable:
        """``-Σ p log p``."""
        return -(self.p * where(self.logp > -np.inf, self.logp, 0)).sum(-1)


class Geometric(Distribution):
    """How often one fails before the first success: k with probability ``p (1 - p)**k``.

    (SciPy counts the success too: its outcomes are one more.)

    Args:
        p: any shape, floating, or a number, in (0, 1]: of success.
    Raises:
        RangeError: if a probability is outside (0, 1].
        DTypeError: if it is not floating.
    Example:
        >>> Geometric(0.25).mean
        Variable(3., float32)
    """

    def __init__(self, p: ArrayLike):
        shape, dtype, (given,) = parameters(self.name, p=p)
        self.p = CheckBetween(f"{self.name}: p", 0, 1)(CheckAbove(f"{self.name}: p")(given))
        super().__init__(shape, dtype)

    def sample(self, shape: Any = ()) -> Variable:
        """Counts, in the dtype of the parameter: exponential ones, rounded down."""
        p = self.p.detach()
        rate = -log1p(where(p < 1, -p, -0.5))
        return where(p < 1, floor(self.drawn("exponential", shape, p) / rate), 0)

    def log_prob(self, x: ArrayLike) -> Variable:
        """``k log(1 - p) + log p`` for whole numbers of 0 or more."""
        v = outcomes(x, self)
        counts = (v >= 0) & (floor(v) == v)
        return where(counts, xlog1py(where(counts, v, 0), -self.p) + log(self.p), -np.inf)

    def entropy(self) -> Variable:
        """``(-p log p - (1 - p) log(1 - p)) / p``."""
        return -(xlogy(self.p, self.p) + xlog1py(1 - self.p, -self.p)) / self.p

    @property
    def mean(self) -> Variable:
        """``(1 - p) / p``."""
        return (1 - self.p) / self.p

    @property
    def variance(self) -> Variable:
        """``(1 - p) / p²``."""
        return (1 - self.p) / self.p**2


class Poisson(Distribution):
    """How many events happen: k with probability ``rate**k e**-rate / k!``. Its entropy has no
    closed form.

    Args:
        rate: any shape, floating, or a number, above 0: the mean.
    Raises:
        RangeError: if a rate is not above 0.
        DTypeError: if it is not floating.
    Example:
        >>> Poisson([2.0]).log_prob([0, 1])
        Variable([-2.        , -1.30685282], float64)
    """

    def __init__(self, rate: ArrayLike):
        shape, dtype, (given,) = parameters(self.name, rate=rate)
        self.rate = above_0(given, f"{self.name}: rate")
        super().__init__(shape, dtype)

    def sample(self, shape: Any = ()) -> Variable:
        """Counts, in the dtype of the parameter."""
        sizes = (*as_shape(shape, f"{self.name}: shape"), *self.shape)
        return DrawPoisson()(broadcast_to(self.rate.detach(), sizes))

    def log_prob(self, x: ArrayLike) -> Variable:
        """``k log rate - rate - log k!`` for whole numbers of 0 or more."""
        v = outcomes(x, self)
        counts = (v >= 0) & (floor(v) == v)
        k = where(counts, v, 0)
        return where(counts, xlogy(k, self.rate) - self.rate - lgamma(k + 1), -np.inf)

    @property
    def mean(self) -> Variable:
        """``rate``."""
        return self.rate

    @property
    def variance(self) -> Variable:
        """``rate``."""
        return self.rate
