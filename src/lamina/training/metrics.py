"""Metrics: what a training measured, one line of JSON for each step and each epoch."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from ..errors import RangeError
from ..optimizers.schedule import check_whole
from .callback import READS, Callback, Values
from .lines import encode

if TYPE_CHECKING:
    from .trainer import Trainer

TAKEN = {"event", "iteration", "epoch", "seconds"}
PAUSE = 0.5  # seconds between two writings: whoever watches the file sees it grow

Waiting = tuple[str, int, int, float, "float | None", Values]
"""A line that is not written yet: event, iteration, epoch, seconds, rate, values."""


class Metrics(Callback):
    """Appends to ``metrics.jsonl`` in the run's folder.

    Each line has ``event`` (``"step"`` or ``"epoch"``), ``iteration`` and ``epoch`` (how many were
    done), ``seconds``, ``lr`` where there is an optimizer, and all values. A number that is not
    finite is ``null``.

    Args:
        every: steps from line to line; 1 or more. Epochs always have one.
    """

    rank = READS

    def __init__(self, every: int = 1):
        check_whole("Metrics: every", every)
        self.every = every
        self._file: IO[str] | None = None
        self._waiting: list[Waiting] = []
        self._flushed = 0.0
        self._lr: float | None = None

    def start(self, trainer: Trainer) -> None:
        """Open the file."""
        if trainer.run_folder is None:
            raise RangeError("Metrics: there is no folder to write to; give Trainer(folder=...)")
        path = trainer.run_folder.folder / "metrics.jsonl"
        self._file = open(path, "a", encoding="utf-8", newline="\n")
        self._flushed = trainer.now

    def after_step(self, trainer: Trainer, batch: tuple[Any, ...], values: Values) -> None:
        """A line, with the learning rate of the step."""
        if trainer.optimizer is not None:
            self._lr = self._rate(trainer.optimizer)
        if trainer.iteration % self.every == 0:
            self._add("step", trainer, trainer.now - trainer.began, values)
            if trainer.now - self._flushed > PAUSE:
                self._flushed = trainer.now
                self.flush()

    def _rate(self, optimizer: Any) -> float:
        """That of its newest update. Before the first of this process: as it was, or will be."""
        used = getattr(optimizer, "used_rate", optimizer)  # itself: it is not one of lamina's
        if used is None:
            return optimizer.rate if self._lr is None else self._lr
        return optimizer.rate if used is optimizer else used

    def end_epoch(self, trainer: Trainer, values: Values) -> None:
        """A line."""
        self._add("epoch", trainer, trainer.seconds, values)

    def _add(self, event: str, trainer: Trainer, seconds: float, values: Values) -> None:
        if not TAKEN.isdisjoint(values):
            raise RangeError(
                f"Metrics: a value cannot be called {', '.join(TAKEN & values.keys())}, which is "
                "a word of the file itself; choose another name"
            )
        kept = values.copy()  # a later callback may add to them
        self._waiting.append((event, trainer.iteration, trainer.epoch, seconds, self._lr, kept))

    def flush(self) -> None:
        """Hand all lines to the system: they are there even if this process is killed now."""
        if self._file is not None and self._waiting:
            self._file.write("".join(map(_line, self._waiting)))
            self._file.flush()
            self._waiting.clear()

    def state_dict(self) -> dict[str, Any]:
        """The rate of the newest step. What a checkpoint knows of stands in the file first."""
        self.flush()
        return {"lr": self._lr}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """An epoch that has no step left tells the rate of its last one."""
        self._lr = state["lr"]

    def end(self, trainer: Trainer) -> None:
        """Close the file."""
        self.flush()
        if self._file is not None:
            self._file.close()
            self._file = None

    def fail(self, trainer: Trainer, error: BaseException) -> None:
        """Close the file."""
        self.end(trainer)


def _line(waiting: Waiting) -> str:
    """One line of the file, with its end."""
    event, iteration, epoch, seconds, rate, values = waiting
    record = {
        "event": event,
        "iteration": iteration,
        "epoch": epoch,
        "seconds": round(seconds, 4),
        **({} if rate is None else {"lr": rate}),
        **values,
    }
    return encode(record) + "\n"
