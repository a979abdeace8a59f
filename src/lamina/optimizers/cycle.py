"""Schedules of several parts: that begin again, that go up and down, one after another."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import DTypeError, RangeError
from .decay import check_places
from .schedule import Constant, Schedule, between, check_whole, real


@dataclass(frozen=True)
class CosineRestarts:
    """`Cosine` from ``lr`` to ``end`` in ``steps`` updates, and then again; the next one is
    ``grow`` times as long, and starts at ``shrink`` times the height above ``end``.

    Args:
        lr: at the first update.
        steps: updates of the first period.
        grow: of the lengths of periods, an integer of 1 or more.
        end: the rate before each restart.
        shrink: of the heights, from 0 to 1.
    Source:
        I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017,
        section 3, there with ``T_0 = steps`` and ``T_mult = grow``.
    Example:
        >>> schedule = CosineRestarts(0.4, steps=2, grow=2)
        >>> [round(schedule(step), 6) for step in range(8)]
        [0.4, 0.2, 0.4, 0.341421, 0.2, 0.058579, 0.4, 0.384776]
    """

    lr: float
    steps: int
    grow: int = 1
    end: float = 0.0
    shrink: float = 1.0

    def __post_init__(self) -> None:
        real("CosineRestarts: lr", self.lr)
        check_whole("CosineRestarts: steps", self.steps)
        check_whole("CosineRestarts: grow", self.grow)
        real("CosineRestarts: end", self.end)
        real("CosineRestarts: shrink", self.shrink, high=1.0)

    def __call__(self, step: int) -> float:
        """The learning rate after ``step`` updates."""
        period, length = 0, self.steps
        if self.grow == 1:
            period, step = divmod(step, length)
        while step >= length:
            step -= length
            length *= self.grow
            period += 1
        top = self.end + (self.lr - self.end) * self.shrink**period
        return between(top, self.end, step / length)


@dataclass(frozen=True)
class Cyclic:
    """Up from ``low`` to ``high`` along a line in ``rise`` updates, down in ``fall``, and again;
    each cycle is ``shrink`` times as high above ``low`` as the one before.

    ``shrink=1`` is the source's "triangular", 0.5 its "triangular2".

    Args:
        low: at the first update.
        high: after ``rise`` updates.
        rise: updates up.
        fall: updates down; None means as many as up.
        shrink: of the heights, from 0 to 1.
    Source:
        L. Smith, "Cyclical Learning Rates for Training Neural Networks", 2017, section 3.1.
    Example:
        >>> schedule = Cyclic(0.0, 0.8, rise=2, shrink=0.5)
        >>> [round(schedule(step), 6) for step in range(10)]
        [0.0, 0.4, 0.8, 0.4, 0.0, 0.2, 0.4, 0.2, 0.0, 0.1]
    """

    low: float
    high: float
    rise: int
    fall: int | None = None
    shrink: float = 1.0

    def __post_init__(self) -> None:
        real("Cyclic: low", self.low)
        if real("Cyclic: high", self.high) < self.low:
            raise RangeError(f"Cyclic: high should be at least low, {self.low}, got {self.high!r}")
        check_whole("Cyclic: rise", self.rise)
        if self.fall is not None:
            check_whole("Cyclic: fall", self.fall)
        real("Cyclic: shrink", self.shrink, high=1.0)

    def __call__(self, step: int) -> float:
        """The learning rate after ``step`` updates."""
        fall = self.rise if self.fall is None else self.fall
        cycle, place = divmod(step, self.rise + fall)
        part = place / self.rise if place < self.rise else 1 - (place - self.rise) / fall
        return float(self.low + (self.high - self.low) * part * self.shrink**cycle)


@dataclass(frozen=True)
class Chained:
    """One schedule after another, each from its own beginning.

    Args:
        schedules: two or more schedules, or numbers for constants.
        at: at which number of updates each but the first begins.
    Source:
        As PyTorch's ``SequentialLR``, where ``at`` is called milestones.
    Example:
        >>> from lamina.optimizers import Linear
        >>> schedule = Chained((Linear(0.0, 0.4, steps=2), 0.4, Linear(0.4, 0.0, steps=4)), (2, 4))
        >>> [round(schedule(step), 6) for step in range(9)]
        [0.0, 0.2, 0.4, 0.4, 0.4, 0.3, 0.2, 0.1, 0.0]
    """

    schedules: tuple[Schedule | float, ...]
    at: tuple[int, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.schedules, tuple):
            raise DTypeError(
                f"Chained: schedules should be a tuple of schedules, got {self.schedules!r:.60}"
            )
        check_places("Chained: at", self.at)
        if len(self.schedules) != len(self.at) + 1:
            raise RangeError(
                f"Chained: {len(self.schedules)} schedules begin at 0 and at "
                f"{len(self.schedules) - 1} places more, got {self.at!r:.100}"
            )
        for schedule in self.schedules:
            if not callable(schedule):
                real("Chained: a schedule", schedule)

    def __call__(self, step: int) -> float:
        """The learning rate after ``step`` updates."""
        begun = sum(step >= place for place in self.at)
        schedule = self.schedules[begun]
        begin = self.at[begun - 1] if begun else 0
        return (schedule if callable(schedule) else Constant(schedule))(step - begin)
