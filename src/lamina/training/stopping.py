"""EarlyStopping and Schedule: what a measured value decides."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..errors import RangeError
from ..optimizers.schedule import check_whole, real
from .callback import READS, Callback, Values

if TYPE_CHECKING:
    from .trainer import Trainer


class EarlyStopping(Callback):
    """Stops when ``patience`` epochs in a row were no better than the best, and one more.

    Args:
        metric: a value of the epochs.
        patience: epochs without progress that are borne.
        larger: whether larger values are better: an accuracy, not a loss.
        margin: to count as progress, a value is better by this.
    Attributes:
        best: the best value so far; None before the first.
        waited: epochs since.
    """

    rank = READS

    def __init__(
        self,
        metric: str = "held_out/loss",
        patience: int = 5,
        larger: bool = False,
        margin: float = 0.0,
    ):
        check_whole("EarlyStopping: patience", patience, low=0)
        self.metric, self.patience, self.larger = metric, patience, larger
        self.margin = real("EarlyStopping: margin", margin)
        self.best: float | None = None
        self.waited = 0

    def start(self, trainer: Trainer) -> None:
        """A run that was stopped stays so, unless there is more patience now."""
        self._judge(trainer)

    def end_epoch(self, trainer: Trainer, values: Values) -> None:
        """Look at the value; an epoch without one does not count."""
        if self.metric not in values:
            missing(self, self.metric, trainer, values)
            return
        value = values[self.metric]
        if not math.isnan(value) and self._is_better(value):
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        self._judge(trainer)

    def _is_better(self, value: float) -> bool:
        if self.best is None:
            return True
        if self.larger:
            return value > self.best + self.margin
        return value < self.best - self.margin

    def _judge(self, trainer: Trainer) -> None:
        if self.waited > self.patience:
            trainer.stop(
                f"EarlyStopping: {self.metric} was no better than {self.best} for {self.waited} "
                "epochs"
            )

    def state_dict(self) -> dict[str, Any]:
        """The best value, and how long ago it was."""
        return {"best": self.best, "waited": self.waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.best, self.waited = state["best"], state["waited"]


class Schedule(Callback):
    """Feeds a value of each epoch to the optimizer's `lamina.optimizers.Plateau`, which lowers the
    learning rate when it gets no better.

    Schedules that count updates need no callback: give them to the optimizer.

    Args:
        metric: a value of the epochs.
    """

    rank = READS

    def __init__(self, metric: str = "held_out/loss"):
        self.metric = metric

    def start(self, trainer: Trainer) -> None:
        """See that there is something to feed."""
        if not hasattr(getattr(trainer.optimizer, "lr", None), "feed"):
            raise RangeError(
                "Schedule: the trainer's optimizer should have a schedule that is fed, such as "
                f"lr=Plateau(0.1), got {trainer.optimizer!r:.80}"
            )

    def end_epoch(self, trainer: Trainer, values: Values) -> None:
        """Feed it; an epoch without the value does not count."""
        if self.metric not in values:
            missing(self, self.metric, trainer, values)
            return
        trainer.optimizer.lr.feed(values[self.metric])


def missing(callback: Callback, metric: str, trainer: Trainer, values: Values) -> None:
    """Raise if a value is not there and never was: its name is wrong.

    Raises:
        RangeError: always then; an `Evaluate` may have left the epoch out.
    """
    if metric not in trainer.metrics and trainer.epoch > 0:
        evaluated = [c for c in trainer.callbacks if hasattr(c, "measure") and c.every > 1]
        if not any(metric.startswith(f"{c.name}/") for c in evaluated):
            raise RangeError(
                f"{type(callback).__name__}: there is no value {metric!r}; the values of the epoch "
                f"are {', '.join(values)}"
            )
