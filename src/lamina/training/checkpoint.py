"""Checkpoint: saves everything now and then, so that training can go on there."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from ..errors import RangeError
from ..log import logger
from ..optimizers.schedule import check_whole, real
from ..storage.checkpoint import Snapshot
from .callback import KEEPS, Callback, Values
from .writer import Writer

if TYPE_CHECKING:
    from .trainer import Trainer


class Checkpoint(Callback):
    """Saves weights, optimizer, loader, random streams, trainer and callbacks, in one file.

    It saves when ``seconds`` have passed since the last time, or after every ``every`` steps, when
    an epoch was the best so far, and always at the end. After an exception nothing is saved.

    Another thread writes: training waits for the copy in memory only, and for the disk at the end.
    If files become due faster than the disk takes them, those in between are left out. What goes
    wrong there is raised after the next step, or at the end.

    Args:
        every: steps from file to file; None leaves it to ``seconds``.
        seconds: of training from file to file, where ``every`` is None.
        keep: how many of the latest files stay.
        best: a value of the epochs, such as ``"held_out/loss"``: the file of its best epoch stays.
        larger: whether larger values are better: an accuracy, not a loss.
        asynchronous: False writes in this thread, before the next step.
    """

    rank = KEEPS

    def __init__(
        self,
        every: int | None = None,
        seconds: float = 30.0,
        keep: int = 3,
        best: str | None = None,
        larger: bool = False,
        asynchronous: bool = True,
    ):
        if every is not None:
            check_whole("Checkpoint: every", every)
        check_whole("Checkpoint: keep", keep)
        self.every, self.seconds = every, real("Checkpoint: seconds", seconds)
        self.keep, self.best, self.larger = keep, best, larger
        self.best_value: float | None = None
        self.asynchronous, self._writer = asynchronous, Writer()
        self._saved: tuple[int, int] | None = None
        self._when = 0.0

    def start(self, trainer: Trainer) -> None:
        """Find the folder."""
        if trainer.run_folder is None:
            raise RangeError("Checkpoint: there is no folder to save to; give Trainer(folder=...)")
        kind = ("largest" if self.larger else "smallest") if self.best else None
        self._run = trainer.run_folder
        self.files = self._run.checkpoints(self.keep, kind)
        self._when = time.perf_counter()
        self._saved = (trainer.iteration, trainer.epoch) if trainer.iteration else None

    def after_step(self, trainer: Trainer, batch: tuple[Any, ...], values: Values) -> None:
        """Save, if it is time."""
        self._writer.check()
        if self.every is not None:
            due = trainer.iteration % self.every == 0
        else:
            due = trainer.now - self._when >= self.seconds
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

    def save(self, trainer: Trainer, value: float | None = None) -> None:
        """Save now; ``value`` is that of the best epoch so far, if it is one."""
        step, files = trainer.iteration, self.files
        metric = None if self.best is None else math.nan if value is None else value
        taken = files.take(step, metric=metric, config=trainer.config, **trainer.parts())
        self._saved, self._when = (step, trainer.epoch), time.perf_counter()
        # Only while training goes on is there something to be won by a copy and another thread.
        if self.asynchronous and trainer.status == "running":
            own = taken.copied()
            self._writer.submit(lambda: self._write(step, own), must=value is not None)
        else:
            self._writer.wait()
            self._write(step, taken)

    def _write(self, step: int, taken: Snapshot) -> None:
        """The lines of the steps before it are on the disk before the file is there."""
        self._run.sync()
        self.files.write(step, taken)

    def end(self, trainer: Trainer) -> None:
        """Save, unless that was done after the last step; and wait until all is written."""
        if self._saved != (trainer.iteration, trainer.epoch):
            self.save(trainer)
        self._writer.wait()

    def fail(self, trainer: Trainer, error: BaseException) -> None:
        """Wait until all is written."""
        try:
            self._writer.wait()
        except OSError as refused:  # told beside the error that is raised already
            if refused is not error:
                logger.warning(f"Checkpoint: {refused}")

    def state_dict(self) -> dict[str, Any]:
        """The best value so far."""
        return {"best_value": self.best_value}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from it."""
        self.best_value = state["best_value"]
