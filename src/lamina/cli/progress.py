"""Progress of a training: one moving line in a terminal, one line an epoch in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any


class Progress:
    """Counts what training does, and shows it.

    Args:
        epochs: how many are planned.
        samples: in one epoch.
        clock: seconds, for the rate and the time left.
    """

    def __init__(self, epochs: int, samples: int, clock: Callable[[], float] = time.perf_counter):
        self.epochs = epochs
        self.samples = samples
        self.clock = clock
        self.done = 0  # samples, in all epochs
        self.began = clock()
        self.start_epoch()

    def start_epoch(self) -> None:
        """Start the means of one epoch."""
        self.seen = 0
        self.loss_sum = 0.0
        self.right = 0

    def step(self, count: int, loss: float, right: int) -> None:
        """One batch was learnt from: its size, mean loss, and how many were right."""
        self.seen += count
        self.done += count
        self.loss_sum += loss * count
        self.right += right

    def end_epoch(self, record: dict[str, Any]) -> None:
        """An epoch is over; ``record`` is its line of the metrics."""

    @property
    def loss(self) -> float:
        """Mean loss of this epoch so far."""
        return self.loss_sum / max(self.seen, 1)

    @property
    def accuracy(self) -> float:
        """Share of right answers in this epoch so far."""
        return self.right / max(self.seen, 1)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return self.clock() - self.began

    @property
    def rate(self) -> float:
        """Samples a second since the start."""
        return self.done / max(self.seconds, 1e-9)

    @property
    def left(self) -> float:
        """Seconds until the end, at this rate."""
        return (self.epochs * self.samples - self.done) / max(self.rate, 1e-9)

    def describe(self) -> str:
        """Loss, accuracy, samples a second and time left, in a few words."""
        return (
            f"loss {self.loss:.4f}  accuracy {self.accuracy:6.1%}  "
            f"{self.rate:,.0f} samples/s  {_clock_time(self.left)} left"
        )

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass


class Lines(Progress):
    """One line an epoch: for logs, and terminals without rich."""

    def end_epoch(self, record: dict[str, Any]) -> None:
        """Print the line."""
        width = len(str(self.epochs))
        print(
            f"epoch {record['epoch']:>{width}}/{self.epochs}  {self.describe()}  "
            f"held out {record['held_out_accuracy']:.1%}",
            flush=True,
        )


class Bar(Progress):
    """One line that moves, drawn by rich."""

    def __init__(self, epochs: int, samples: int, clock: Callable[[], float] = time.perf_counter):
        super().__init__(epochs, samples, clock)
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Display

        self.display = Display(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[words]}"),
            TextColumn("{task.fields[held_out]}"),
        )
        self.epoch = 1
        self.task = self.display.add_task(
            "", total=epochs * samples, epoch=f"1/{epochs}", words="", held_out=""
        )

    def step(self, count: int, loss: float, right: int) -> None:
        """Count, and move the line."""
        super().step(count, loss, right)
        self.display.update(
            self.task,
            completed=self.done,
            epoch=f"{self.epoch}/{self.epochs}",
            words=self.describe(),
        )

    def end_epoch(self, record: dict[str, Any]) -> None:
        """Show what the held-out samples say."""
        self.epoch = min(record["epoch"] + 1, self.epochs)
        words = f"held out [bold]{record['held_out_accuracy']:.1%}[/bold]"
        self.display.update(self.task, held_out=words)

    def __enter__(self) -> Progress:
        self.display.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.display.stop()


def progress(epochs: int, samples: int) -> Progress:
    """A `Bar` in a terminal where rich is installed, else `Lines`."""
    if sys.stdout.isatty() and _has_rich():
        return Bar(epochs, samples)
    return Lines(epochs, samples)


def _has_rich() -> bool:
    try:
        import rich.progress  # noqa: F401 (asked for, not used)
    except ImportError:
        return False
    return True


def _clock_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
