"""Statistics: how large parameters, their gradients and their updates are, layer by layer."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array, to_numpy
from ..errors import RangeError
from ..optimizers.schedule import check_whole
from .callback import READS, Callback, Values
from .lines import encode

if TYPE_CHECKING:
    from .trainer import Trainer

BINS = 32


class Statistics(Callback):
    """Appends to ``statistics.jsonl`` in the run's folder: a line for the first step, and then for
    each ``every`` steps.

    Each line has, by the name of a parameter: ``mean``, ``std``, ``min``, ``max`` and ``norm``
    after the update; ``gradient_norm`` and ``gradient_std``, None where there is no gradient to
    see; ``update_ratio``, the norm of the change over the norm before it; and a ``histogram``. A
    ratio far from 1e-3 is a hint that the learning rate does not fit.

    Args:
        every: steps from line to line.
    """

    rank = READS

    def __init__(self, every: int = 100):
        check_whole("Statistics: every", every)
        self.every = every
        self._file: IO[str] | None = None
        self._before: dict[str, Array] = {}

    def start(self, trainer: Trainer) -> None:
        """Open the file."""
        if trainer.run_folder is None or trainer.model is None:
            raise RangeError("Statistics: needs a folder and a model; give both to the Trainer")
        path = trainer.run_folder.folder / "statistics.jsonl"
        self._file = open(path, "a", encoding="utf-8", newline="\n")

    def _is_due(self, step: int) -> bool:
        return step == 1 or step % self.every == 0

    def before_step(self, trainer: Trainer, batch: tuple[Any, ...]) -> None:
        """Keep what parameters hold, if their change is to be seen."""
        if self._is_due(trainer.iteration + 1) and trainer.model is not None:
            self._before = {
                name: to_numpy(p.data).copy()
                for name, p in trainer.model.named_params()
                if p.data is not None
            }

    def after_step(self, trainer: Trainer, batch: tuple[Any, ...], values: Values) -> None:
        """A line, if it is time."""
        if not self._is_due(trainer.iteration) or trainer.model is None or self._file is None:
            return
        described = {
            name: describe(
                to_numpy(p.data),
                None if p.grad is None else to_numpy(getattr(p.grad, "data", p.grad)),
                self._before.get(name),
            )
            for name, p in trainer.model.named_params()
            if p.data is not None
        }
        self._before = {}
        record = {
            "iteration": trainer.iteration,
            "epoch": trainer.epoch,
            "parameters": described,
        }
        self._file.write(encode(record) + "\n")
        self._file.flush()

    def end(self, trainer: Trainer) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def fail(self, trainer: Trainer, error: BaseException) -> None:
        """Close the file."""
        self.end(trainer)


def describe(array: Array, gradient: Array | None, before: Array | None) -> dict[str, Any]:
    """What a line says of one parameter; an empty one has no numbers.

    Example:
        >>> found = describe(np.array([3.0, 4.0]), np.array([0.0, 2.0]), np.array([3.0, 0.0]))
        >>> found["norm"], found["gradient_norm"], round(found["update_ratio"], 3)
        (5.0, 2.0, 1.333)
    """
    wide = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
    size = norm(wide)
    slope = None if gradient is None else gradient.astype(wide.dtype)
    change = None if before is None else norm(wide - before)
    start = 0.0 if before is None else norm(before.astype(wide.dtype))
    shown = np.abs(wide) if wide.dtype.kind == "c" else wide
    some = shown.size > 0
    return {
        "mean": float(shown.mean()) if some else None,
        "std": float(shown.std()) if some else None,
        "min": float(shown.min()) if some else None,
        "max": float(shown.max()) if some else None,
        "norm": size,
        "gradient_norm": None if slope is None else norm(slope),
        "gradient_std": None if slope is None or not some else float(slope.std()),
        "update_ratio": None if change is None or start == 0 else change / start,
        "histogram": histogram(shown),
    }


def norm(array: Array) -> float:
    """The Euclidean norm of all numbers."""
    return float(np.sqrt(np.sum(np.abs(array) ** 2)))


def histogram(array: Array) -> dict[str, Any]:
    """How many numbers lie in each of 32 equal parts of their range; those not finite in none."""
    finite = array[np.isfinite(array)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if high > low:
        counts = np.histogram(finite, BINS, (low, high))[0].tolist()
    else:
        counts = [int(finite.size), *[0] * (BINS - 1)]
    return {"low": low, "high": high, "counts": counts}
