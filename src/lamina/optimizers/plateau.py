"""Plateau: a learning rate that falls when a measured number stops getting better."""

from __future__ import annotations

import math
from typing import Any

from ..errors import CheckpointError, LaminaError, RangeError
from .schedule import check_whole, real


class Plateau:
    """``factor`` times the rate before, whenever ``patience`` measurements in a row were no better
    than the best.

    It is a schedule: give it as ``lr``, and `feed` it. It counts measurements, not updates, and its
    state is saved with the optimizer's.

    Args:
        lr: at first.
        factor: at each fall, from 0 to below 1.
        patience: measurements without progress that are borne; the next one lowers the rate.
        threshold: to count as progress, a measurement is better by this part of the best.
        cooldown: measurements after a fall that are not counted.
        smallest: the rate does not fall under it.
        larger: whether larger measurements are better: an accuracy, not a loss.
    Raises:
        RangeError: a number outside its range.
    Source:
        As PyTorch's ``ReduceLROnPlateau``, whose rule this is, with a relative threshold.
    Example:
        >>> schedule = Plateau(0.8, factor=0.5, patience=1)
        >>> table = []
        >>> for loss in [3.0, 2.0, 2.0, 2.0, 2.5, 2.1, 1.0]:
        ...     schedule.feed(loss)
        ...     table.append(schedule(0))
        >>> table
        [0.8, 0.8, 0.8, 0.4, 0.4, 0.2, 0.2]
    """

    def __init__(
        self,
        lr: float,
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        cooldown: int = 0,
        smallest: float = 0.0,
        larger: bool = False,
    ):
        self.start = real("Plateau: lr", lr)
        if real("Plateau: factor", factor, high=1.0) == 1:
            raise RangeError(f"Plateau: factor should be below 1, got {factor!r}")
        check_whole("Plateau: patience", patience, low=0)
        check_whole("Plateau: cooldown", cooldown, low=0)
        self.factor, self.patience, self.cooldown = factor, patience, cooldown
        self.threshold = real("Plateau: threshold", threshold, high=1.0)
        self.smallest = real("Plateau: smallest", smallest)
        self.larger = larger
        self.rate = self.start
        self.best: float | None = None
        self.waited = 0
        self.cooling = 0

    def __call__(self, step: int) -> float:
        """The learning rate now; ``step`` does not matter."""
        return self.rate

    def feed(self, measured: Any) -> None:
        """Take one measurement in: a number, or a Variable that holds one.

        Raises:
            DTypeError: it is no number.
            RangeError: it is not finite: a loss that exploded does not get better with patience.
        """
        number = measured.item() if hasattr(measured, "item") else measured
        value = real("Plateau.feed: the measurement", number, low=-math.inf)
        if self._is_better(value):
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        if self.cooling:
            self.cooling -= 1
            self.waited = 0
        if self.waited > self.patience:
            self.rate = min(self.rate, max(self.rate * self.factor, self.smallest))
            self.waited, self.cooling = 0, self.cooldown

    def _is_better(self, value: float) -> bool:
        if self.best is None:
            return True
        margin = self.threshold * abs(self.best)
        return value > self.best + margin if self.larger else value < self.best - margin

    def state_dict(self) -> dict[str, Any]:
        """What it remembers, as JSON can hold it."""
        return {
            "rate": self.rate,
            "best": self.best,
            "waited": self.waited,
            "cooling": self.cooling,
        }

    def load_state_dict(self, saved: Any) -> None:
        """Go on where `state_dict` was taken.

        Raises:
            CheckpointError: ``saved`` is not what `state_dict` gives; nothing was changed.
        """
        names = sorted(self.state_dict())
        if not isinstance(saved, dict) or sorted(saved) != names:
            raise CheckpointError(f"Plateau: should get what state_dict() gave, got {saved!r:.100}")
        try:
            rate = real("rate", saved["rate"])
            best = saved["best"]
            best = None if best is None else real("best", best, low=-math.inf)
            for name in ("waited", "cooling"):
                check_whole(name, saved[name], low=0)
        except LaminaError as error:
            raise CheckpointError(f"Plateau: {error}") from None
        self.rate, self.best = rate, best
        self.waited, self.cooling = saved["waited"], saved["cooling"]

    def __repr__(self) -> str:
        chosen = {
            "factor": (self.factor, 0.1),
            "patience": (self.patience, 10),
            "threshold": (self.threshold, 1e-4),
            "cooldown": (self.cooldown, 0),
            "smallest": (self.smallest, 0.0),
            "larger": (self.larger, False),
        }
        shown = "".join([f", {k}={v!r}" for k, (v, usual) in chosen.items() if v != usual])
        return f"Plateau({self.start!r}{shown})"
