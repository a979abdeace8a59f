"""Checkpoint: saves everything now and then, so that training can go on there."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from ..errors import RangeError
from ..optimizers.schedule import check_whole, real
from .callback import KEEPS, Callback, Values

if TYPE_CHECKING:
    from .trainer import Trainer


class Checkpoint(Callback):
    """Saves weights, optimizer, loader, random streams, trainer and callbacks, in one file.

    It saves when ``seconds`` have passed since the last time, or after every ``every`` steps, when
    an epoch was the best so far, and always at the end. After an exception nothing is saved.

    Args:
        every: steps from file to file; None leaves it to ``seconds``.
        seconds: of training from file to file, where ``every`` is None.
        keep: how many of the latest files stay.
        best: a value of the epochs, such as ``"held_out/loss"``: the file of its best epoch stays.
        larger: whether larger values are better: an accuracy, not a loss.
    """

    rank = KEEPS

    def __init__(
        self,
        every: int | None = None,
        seconds: float = 30.0,
        keep: int = 3,
        best: str | None = None,
        larger: bool = False,
    ):
        if every is not None:
            check_whole("Checkpoint: every", every)
        check_whole("Checkpoint: keep", keep)
        self.every, self.seconds = every, real("Checkpoint: seconds", seconds)
        self.keep, self.best, self.larger = keep, best, larger
        self.best_value: float | None = None
        self._saved: tuple[int, int] | None = None
        self._when = 0.0

    def start(self, trainer: Trainer) -> None:
        """Find the folder."""
        if trainer.run_folder is None:
            raise RangeError("Checkpoint: there is no folder to save to; give Trainer(folder=...)")
        kind = ("largest" if self.larger else "smallest") if self.best else None
        self.files = trainer.run_folder.checkpoints(self.keep, kind)
        self._when = time.monotonic()
        self._saved = (trainer.iteration, trainer.epoch) if trainer.iteration else None

    def after_step(self, trainer: Trainer, batch: tuple[Any, ...], values: Values) -> None:
        """Save, if it is time."""
        if self.every is not None:
            due = trainer.iteration % self.every == 0
        else:
            due = time.monotonic() - self._when >= self.seconds
        if due:
            self.save(trainer)

    def end_epoch(self, trainer: Trainer, values: Values) -> None:
        """Save, if the epoch was the best."""
        if self.best is None:
            return
        if self.best not in values:
            raise RangeError(
                f"Checkpoint: best is {self.best!r}, and the values of the epoch are "
                f"{', '.join(values)}"
            )
        value = values[self.best]
        if not math.isnan(value) and self._is_better(value):
            self.best_value = value
            self.save(trainer, value)

    def _is_better(self, value: float) -> bool:
        if self.best_value is None:
            return True
        return value > self.best_value if self.larger else value < self.best_value

    def save(self, trainer: Trainer, value: float = math.nan) -> None:
        """Save now."""
        metric = value if self.best else None
        self.files.save(trainer.iteration, metric=metric, config=trainer.config, **trainer.parts())
        self._saved, self._when = (trainer.iteration, trainer.epoch), time.monotonic()

    def end(self, trainer: Trainer) -> None:
        """Save, unless that was done after the last step."""
        if self._saved != (trainer.iteration, trainer.epoch):
            self.save(trainer)

    def state_dict(self) -> dict[str, Any]:
        """The best value so far."""
        return {"best_value": self.best_value}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from it."""
        self.best_value = state["best_value"]
