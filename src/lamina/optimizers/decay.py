"""Schedules that fall: in steps, along lines, powers and roots, or through points of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import DTypeError, RangeError
from .schedule import check_whole, real


def check_places(what: str, places: Any) -> None:
    """Raise unless ``places`` is a tuple of integers of 0 or more that rise."""
    if not isinstance(places, tuple):
        raise DTypeError(f"{what} should be a tuple of steps, got {places!r:.60}")
    for place in places:
        check_whole(f"{what}: a step", place, low=0)
    if list(places) != sorted(set(places)):
        raise RangeError(f"{what} should rise, got {places!r:.100}")


@dataclass(frozen=True)
class MultiStep:
    """``lr * factor ** k``, where ``k`` of the places in ``at`` were reached.

    Args:
        lr: at the first update.
        at: numbers of updates, rising.
        factor: at each of them.
    Source:
        As in K. He et al., "Deep Residual Learning for Image Recognition", 2016, section 4.2.
    Example:
        >>> schedule = MultiStep(0.8, at=(2, 5), factor=0.5)
        >>> [schedule(step) for step in range(7)]
        [0.8, 0.8, 0.4, 0.4, 0.4, 0.2, 0.2]
    """

    lr: float
    at: tuple[int, ...]
    factor: float = 0.1

    def __post_init__(self) -> None:
        real("MultiStep: lr", self.lr)
        check_places("MultiStep: at", self.at)
        real("MultiStep: factor", self.factor)

    def __call__(self, step: int) -> float:
        """The learning rate after ``step`` updates."""
        return float(self.lr * self.factor ** sum(step >= place for place in self.at))


@dataclass(frozen=True)
class Polynomial:
    """``end + (lr - end) (1 - step / steps) ** power``, and ``end`` from ``steps`` on.

    Args:
        lr: at the first update.
        steps: updates until ``end`` is reached.
        power: over 0; 1 is a line.
        end: the rate at the end.
    Source:
        As in L. Chen et al., "DeepLab: Semantic Image Segmentation", 2018, section 4.1, the "poly"
        policy with a power of 0.9.
    Example:
        >>> schedule = Polynomial(1.0, steps=4, power=2.0)
        >>> [schedule(step) for step in range(6)]
        [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]
    """

    lr: float
    steps: int
    power: float = 1.0
    end: float = 0.0

    def __post_init__(self) -> None:
        real("Polynomial: lr", self.lr)
        check_whole("Polynomial: steps", self.steps)
        if not real("Polynomial: power", self.power):
            raise RangeError(f"Polynomial: power should be over 0, got {self.power!r}")
        real("Polynomial: end", self.end)

    def __call__(self, step: int) -> float:
        """The learning rate after ``step`` updates."""
        if step >= self.steps:
            return float(self.end)
        return float(self.end + (self.lr - self.end) * (1 - step / self.steps) ** self.power)


@dataclass(frozen=True)
class Linear:
    """``lr + (end - lr) step / steps``, and ``end`` from ``steps`` on; up or down.

    Args:
        lr: at the first update.
        end: the rate at the end.
        steps: updates until then.
    Source:
        As in J. Devlin et al., "BERT", 2019, appendix A.2: linear decay, after a warm-up.
    Example:
        >>> schedule = Linear(0.8, end=0.0, steps=4)
        >>> [round(schedule(step), 6) for step in range(6)]
        [0.8, 0.6, 0.4, 0.2, 0.0, 0.0]
    """

    lr: float
    end: float
    steps: int

    def __post_init__(self) -> None:
        real("Linear: lr", self.lr)
        real("Linear: end", self.end)
        check_whole("Linear: steps", self.steps)

    def __call__(self, step: int) -> float:
        """The learning rate after ``step`` updates."""
        part = min(step / self.steps, 1.0)
        return float(self.lr * (1 - part) + self.end * part)


@dataclass(frozen=True)
class InverseSqrt:
    """``lr sqrt(hold / max(step + 1, hold))``: constant for ``hold`` updates, then as ``1 /
    sqrt``.

    Args:
        lr: at the first update.
        hold: how many updates have it.
    Source:
        C. Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text
        Transformer", 2020, section 3.1.2, there with ``lr = 1 / sqrt(hold)``.
    Example:
        >>> schedule = InverseSqrt(0.6, hold=4)
        >>> [round(schedule(step), 6) for step in (0, 3, 15, 35, 99)]
        [0.6, 0.6, 0.3, 0.2, 0.12]
    """

    lr: float
    hold: int = 10_000

    def __post_init__(self) -> None:
        real("InverseSqrt: lr", self.lr)
        check_whole("InverseSqrt: hold", self.hold)

    def __call__(self, step: int) -> float:
        """The learning rate after ``step`` updates."""
        return float(self.lr * (self.hold / max(step + 1, self.hold)) ** 0.5)


@dataclass(frozen=True)
class Noam:
    """``factor width^-0.5 min(t^-0.5, t warmup^-1.5)`` with ``t = step + 1``: up along a line, then
    down as ``1 / sqrt(t)``. The highest rate is ``factor / sqrt(width warmup)``.

    Args:
        width: of the model.
        warmup: updates until the rate is highest.
        factor: on all of it.
    Source:
        A. Vaswani et al., "Attention Is All You Need", 2017, equation 3.
    Example:
        >>> schedule = Noam(width=4, warmup=4)
        >>> [schedule(step) for step in (0, 1, 2, 3, 15, 63)]
        [0.0625, 0.125, 0.1875, 0.25, 0.125, 0.0625]
    """

    width: int
    warmup: int = 4000
    factor: float = 1.0

    def __post_init__(self) -> None:
        check_whole("Noam: width", self.width)
        check_whole("Noam: warmup", self.warmup)
        real("Noam: factor", self.factor)

    def __call__(self, step: int) -> float:
        """The learning rate after ``step`` updates."""
        t = step + 1
        return float(self.factor * self.width**-0.5 * min(t**-0.5, t * self.warmup**-1.5))


@dataclass(frozen=True)
class InverseTime:
    """``lr / (1 + factor step) ** power``.

    Sums of such rates diverge and sums of their squares do not, for a power over 0.5 and up to 1:
    the condition under which stochastic approximation arrives.

    Args:
        lr: at the first update.
        factor: how fast it falls, 0 or more.
        power: 0 or more.
    Source:
        H. Robbins, S. Monro, "A Stochastic Approximation Method", 1951.
    Example:
        >>> schedule = InverseTime(0.6, factor=0.5)
        >>> [round(schedule(step), 6) for step in (0, 1, 2, 4, 10)]
        [0.6, 0.4, 0.3, 0.2, 0.1]
    """

    lr: float
    factor: float
    power: float = 1.0

    def __post_init__(self) -> None:
        real("InverseTime: lr", self.lr)
        real("InverseTime: factor", self.factor)
        real("InverseTime: power", self.power)

    def __call__(self, step: int) -> float:
        """The learning rate after ``step`` updates."""
        return float(self.lr / (1 + self.factor * step) ** self.power)


@dataclass(frozen=True)
class Piecewise:
    """Rates at some steps, and between them the rate before, or with ``smooth`` a straight line.

    Before the first point its rate holds, after the last one that of the last.

    Args:
        points: a dict, or pairs, of number of updates and rate; steps rise.
        smooth: connect the points.
    Source:
        Constant pieces as in A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet Classification with
        Deep Convolutional Neural Networks", 2012, section 5.
    Example:
        >>> points = {0: 0.1, 4: 0.5, 6: 0.0}
        >>> [Piecewise(points)(step) for step in range(8)]
        [0.1, 0.1, 0.1, 0.1, 0.5, 0.5, 0.0, 0.0]
        >>> [round(Piecewise(points, smooth=True)(step), 6) for step in range(8)]
        [0.1, 0.2, 0.3, 0.4, 0.5, 0.25, 0.0, 0.0]
    """

    points: tuple[tuple[int, float], ...] | Mapping[int, float]
    smooth: bool = False

    def __post_init__(self) -> None:
        points = self.points
        pairs = tuple(points.items()) if isinstance(points, Mapping) else points
        if not isinstance(pairs, tuple) or not all(map(_is_pair, pairs)) or not pairs:
            raise DTypeError(
                "Piecewise: points should be a dict, or a tuple of pairs, of steps and rates, "
                f"got {points!r:.100}"
            )
        check_places("Piecewise: points", tuple([place for place, _ in pairs]))
        for _, rate in pairs:
            real("Piecewise: a rate", rate)
        if not isinstance(self.smooth, bool):
            raise DTypeError(f"Piecewise: smooth should be True or False, got {self.smooth!r}")
        object.__setattr__(self, "points", pairs)

    def __call__(self, step: int) -> float:
        """The learning rate after ``step`` updates."""
        pairs: tuple[tuple[int, float], ...] = self.points  # pyright: ignore[reportAssignmentType]
        before = [pair for pair in pairs if pair[0] <= step]
        place, rate = before[-1] if before else pairs[0]
        if not self.smooth or not before or len(before) == len(pairs):
            return float(rate)
        then, next_rate = pairs[len(before)]
        part = (step - place) / (then - place)
        return float(rate * (1 - part) + next_rate * part)


def _is_pair(item: object) -> bool:
    return isinstance(item, tuple) and len(item) == 2
