"""Progress: one moving line in a terminal, one line an epoch elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from ..errors import DependencyError
from ..optimizers.schedule import check_whole
from .callback import READS, Callback, Values

if TYPE_CHECKING:
    from .trainer import Trainer

REDRAW = 0.1  # seconds
SILENCE = 60.0  # seconds after which an epoch that is not over yet gives a line


class Progress(Callback):
    """Says how far training is, and how fast.

    Args:
        live: draw a line that moves, with rich, below those of the epochs; None does so in a
            terminal where rich is installed. Elsewhere an epoch of more than a minute has a line
            for each. False prints nothing.
        every: epochs from line to line; the last always has one.
    """

    rank = READS

    def __init__(self, live: bool | None = None, every: int = 1):
        check_whole("Progress: every", every)
        self.live, self.every = live, every
        self._display: Any = None
        self._next = 0.0
        self._total: int | None = None

    def start(self, trainer: Trainer) -> None:
        """Show the line."""
        length = getattr(trainer.loader, "__len__", None)
        self._total = None if length is None else length() * trainer.epochs
        self._began, self._first = time.perf_counter(), trainer.iteration
        wanted = sys.stdout.isatty() and has_rich() if self.live is None else self.live
        if wanted:
            self._open(trainer)
        self._next = self._began + (REDRAW if wanted else SILENCE)

    def _open(self, trainer: Trainer) -> None:
        if not has_rich():
            raise DependencyError(
                "Progress: a live line needs rich, which is not installed: "
                "pip install 'lamina[cli]'"
            )
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Display
        from rich.table import Column

        width = len(_epoch(trainer)) + len("epoch ")  # what is too long ends in an ellipsis: words
        self._display = Display(
            TextColumn("epoch {task.fields[epoch]}", table_column=Column(min_width=width)),
            BarColumn(bar_width=20, table_column=Column(min_width=20)),
            TextColumn("{task.fields[words]}", table_column=Column(no_wrap=True)),
        )
        self._task = self._display.add_task(
            "", total=self._total, completed=trainer.iteration, epoch=_epoch(trainer), words=""
        )
        self._display.start()

    def after_step(self, trainer: Trainer, batch: tuple[Any, ...], values: Values) -> None:
        """Move the line."""
        if trainer.now < self._next or self.live is False:
            return
        if self._display is not None:
            self._draw(trainer)
            self._next = trainer.now + REDRAW
        else:
            print(f"step {trainer.iteration}  {self._words(trainer, trainer.metrics)}", flush=True)
            self._next = trainer.now + SILENCE

    def _draw(self, trainer: Trainer) -> None:
        self._display.update(
            self._task,
            completed=trainer.iteration,
            epoch=_epoch(trainer),
            words=self._words(trainer, {n: v for n, v in trainer.metrics.items() if "/" not in n}),
        )

    def end_epoch(self, trainer: Trainer, values: Values) -> None:
        """A line of the epoch."""
        if self.live is False or not self._is_due(trainer):
            return
        width = len(str(trainer.epochs))
        words = self._words(trainer, values)
        line = f"epoch {trainer.epoch:>{width}}/{trainer.epochs}  {words}"
        if self._display is not None:
            self._display.console.print(line, markup=False, highlight=False, soft_wrap=True)
            self._draw(trainer)
        else:
            print(line, flush=True)
            self._next = time.perf_counter() + SILENCE

    def _is_due(self, trainer: Trainer) -> bool:
        return trainer.epoch % self.every == 0 or trainer.epoch == trainer.epochs

    def _words(self, trainer: Trainer, values: Values) -> str:
        """Values, samples a second, and the time left, in a few words."""
        shown = [f"{name} {shown_number(value)}" for name, value in values.items()]
        seconds = time.perf_counter() - self._began
        rate = trainer.samples / max(seconds, 1e-9)
        words = [*shown, f"{rate:,.0f} samples/s"]
        if self._total is not None and trainer.iteration > self._first:
            steps = (trainer.iteration - self._first) / max(seconds, 1e-9)
            words.append(f"{clock((self._total - trainer.iteration) / steps)} left")
        return "  ".join(words)

    def end(self, trainer: Trainer) -> None:
        """Leave the line as it is."""
        if self._display is not None:
            self._draw(trainer)
            self._display.stop()
            self._display = None

    def fail(self, trainer: Trainer, error: BaseException) -> None:
        """Give the terminal back."""
        self.end(trainer)


def _epoch(trainer: Trainer) -> str:
    return f"{min(trainer.epoch + 1, trainer.epochs)}/{trainer.epochs}"


def shown_number(value: float) -> str:
    """In four places.

    >>> [shown_number(v) for v in (0.123456, 123.456, 1234567.0, 1e-7, 0.0)]
    ['0.1235', '123.5', '1.235e+06', '1e-07', '0.0000']
    """
    if value == 0 or 1e-3 <= abs(value) < 10:
        return f"{value:.4f}"
    return f"{value:.4g}"


def clock(seconds: float) -> str:
    """Minutes and seconds; hours where there are any.

    >>> clock(75), clock(3725)
    ('1:15', '1:02:05')
    """
    minutes, rest = divmod(max(round(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def has_rich() -> bool:
    """Whether the package rich can be imported."""
    try:
        import rich.progress  # noqa: F401 (asked for, not used)
    except ImportError:
        return False
    return True
