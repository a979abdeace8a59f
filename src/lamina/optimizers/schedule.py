"""Schedules: a learning rate that depends on how many updates were made.

A schedule is any function of one integer, the number of updates made so far: 0 at the first. These
are small values that compare, print and check their arguments. An optimizer takes one in place of
a number: ``SGD(lr=Warmup(Cosine(0.1, steps=1000), steps=50))``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ..errors import DTypeError, RangeError

Schedule: TypeAlias = "Callable[[int], float]"


def real(what: str, value: Any, low: float = 0.0, high: float = math.inf) -> float:
    """``value`` as a Python number, if it is a finite one from ``low`` to ``high``.

    A number of NumPy's becomes Python's, which is weak: it never changes a dtype.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
        raise DTypeError(f"{what} should be a number, got {type(value).__name__} {value!r:.60}")
    number = float(value.real) if value.imag == 0 else math.nan
    if not (math.isfinite(number) and low <= number <= high):
        bounds = f"from {low:g} to {high:g}" if math.isfinite(high) else f"of {low:g} or more"
        raise RangeError(f"{what} should be a finite number {bounds}, got {value!r}")
    return number


def check_whole(what: str, value: Any, low: int = 1) -> None:
    """Raise RangeError unless ``value`` is an integer of ``low`` or more."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
        raise RangeError(f"{what} should be an integer of {low} or more, got {value!r}")


@dataclass(frozen=True)
class Constant:
    """``lr``, always.

    Example:
        >>> Constant(0.1)(1000)
        0.1
    """

    lr: float

    def __post_init__(self) -> None:
        real("Constant: lr", self.lr)

    def __call__(self, step: int) -> float:
        """The learning rate after ``step`` updates."""
        return float(self.lr)


@dataclass(frozen=True)
class StepDecay:
    """``lr * factor ** (step // every)``: a staircase.

    Args:
        lr: at the first update.
        every: updates on each stair.
        factor: from one stair to the next.
    Source:
        As in K. He et al., "Deep Residual Learning for Image Recognition", 2016, section 3.4.
    Example:
        >>> StepDecay(0.8, every=10, factor=0.5)(25)
        0.2
    """

    lr: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        real("StepDecay: lr", self.lr)
        check_whole("StepDecay: every", self.every)
        real("StepDecay: factor", self.factor)

    def __call__(self, step: int) -> float:
        """The learning rate after ``step`` updates."""
        return float(self.lr * self.factor ** (step // self.every))


@dataclass(frozen=True)
class Exponential:
    """``lr * factor ** (step / every)``: the curve through the corners of `StepDecay`.

    Args:
        lr: at the first update.
        factor: by which ``every`` updates change the rate.
        every: updates; 1 multiplies at each.
    Example:
        >>> Exponential(0.8, factor=0.25, every=10)(5)
        0.4
    """

    lr: float
    factor: float
    every: int = 1

    def __post_init__(self) -> None:
        real("Exponential: lr", self.lr)
        real("Exponential: factor", self.factor)
        check_whole("Exponential: every", self.every)

    def __call__(self, step: int) -> float:
        """The learning rate after ``step`` updates."""
        return float(self.lr * self.factor ** (step / self.every))


@dataclass(frozen=True)
class Cosine:
    """``end + (lr - end) (1 + cos(pi step / steps)) / 2``, and ``end`` from ``steps`` on.

    Args:
        lr: at the first update.
        steps: updates until ``end`` is reached.
        end: the rate at the end.
    Source:
        I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017,
        equation 5, one period of it.
    Example:
        >>> schedule = Cosine(0.1, steps=100)
        >>> schedule(0), round(schedule(50), 6), schedule(100)
        (0.1, 0.05, 0.0)
    """

    lr: float
    steps: int
    end: float = 0.0

    def __post_init__(self) -> None:
        real("Cosine: lr", self.lr)
        check_whole("Cosine: steps", self.steps)
        real("Cosine: end", self.end)

    def __call__(self, step: int) -> float:
        """The learning rate after ``step`` updates."""
        return between(self.lr, self.end, step / self.steps)


def between(start: float, end: float, part: float) -> float:
    """From ``start`` at 0 to ``end`` at 1 along half a cosine, exact at both."""
    weight = (1 + math.cos(math.pi * min(part, 1.0))) / 2
    return start * weight + end * (1 - weight)


@dataclass(frozen=True)
class Warmup:
    """``schedule(0) (step + 1) / (steps + 1)`` for ``steps`` updates, then ``schedule`` from its 0.

    The rate grows in equal parts. It is never 0: an update that changes nothing is a batch lost.

    Args:
        schedule: what follows: a schedule, or a number for a constant.
        steps: updates of warm-up; 0 leaves it out.
    Source:
        P. Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", 2017,
        section 2.2, "gradual warmup".
    Example:
        >>> [Warmup(0.5, steps=4)(step) for step in range(6)]
        [0.1, 0.2, 0.3, 0.4, 0.5, 0.5]
    """

    schedule: Schedule | float
    steps: int

    def __post_init__(self) -> None:
        if not callable(self.schedule):
            real("Warmup: schedule", self.schedule)
        check_whole("Warmup: steps", self.steps, low=0)

    def __call__(self, step: int) -> float:
        """The learning rate after ``step`` updates."""
        schedule = self.schedule if callable(self.schedule) else Constant(self.schedule)
        if step < self.steps:
            return schedule(0) * ((step + 1) / (self.steps + 1))
        return schedule(step - self.steps)


@dataclass(frozen=True)
class OneCycle:
    """Up from ``lr / start`` to ``lr`` in the first part, then down to ``lr / end``.

    Both ways along half a cosine, and ``lr / end`` from ``steps`` on. This is the form of fast.ai
    and PyTorch. Smith and Topin rise and fall along straight lines, and end with a third, short
    phase below the start. PyTorch's ``final_div_factor`` divides the start, our ``end`` the top.

    Args:
        lr: the highest rate.
        steps: updates of the whole cycle.
        rise: which part of them goes up, from 0 to 1.
        start: ``lr`` over the first rate.
        end: ``lr`` over the last rate.
    Source:
        L. Smith, N. Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large
        Learning Rates", 2018, section 3.
    Example:
        >>> schedule = OneCycle(1.0, steps=100, rise=0.25, start=10, end=1000)
        >>> schedule(0), schedule(25), schedule(100)
        (0.1, 1.0, 0.001)
    """

    lr: float
    steps: int
    rise: float = 0.3
    start: float = 25.0
    end: float = 250_000.0

    def __post_init__(self) -> None:
        real("OneCycle: lr", self.lr)
        check_whole("OneCycle: steps", self.steps)
        real("OneCycle: rise", self.rise, high=1.0)
        real("OneCycle: start", self.start, low=1.0)
        real("OneCycle: end", self.end, low=1.0)

    def __call__(self, step: int) -> float:
        """The learning rate after ``step`` updates."""
        top = self.rise * self.steps
        if step < top:
            return between(self.lr / self.start, self.lr, step / top)
        rest = self.steps - top
        return between(self.lr, self.lr / self.end, (step - top) / rest if rest else 1.0)
