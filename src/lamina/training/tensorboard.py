"""TensorBoard: what a training measures, for ``tensorboard --logdir``."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from ..arrays import to_numpy
from ..errors import RangeError
from ..optimizers.schedule import check_whole
from . import events
from .callback import READS, Callback, Values
from .run import Sample

if TYPE_CHECKING:
    from .trainer import Trainer

PAUSE = 2.0  # seconds between two writings


class TensorBoard(Callback):
    """Writes event files to ``tensorboard/`` in the run's folder; nothing has to be installed.

    Numbers of steps and the learning rate under their names, means of epochs as ``epoch/NAME`` and
    others, such as ``held_out/loss``, under theirs; histograms of the parameters after each epoch;
    the configuration as text, and what `Samples` wrote.

    Args:
        every: steps from point to point.
        histograms: epochs from one to the next; None leaves them out.
    """

    rank = READS

    def __init__(self, every: int = 10, histograms: int | None = 1):
        check_whole("TensorBoard: every", every)
        if histograms is not None:
            check_whole("TensorBoard: histograms", histograms)
        self.every, self.histograms = every, histograms
        self._file: events.EventFile | None = None
        self._flushed = 0.0
        self._rate: float | None = None

    def start(self, trainer: Trainer) -> None:
        """Open a new file: TensorBoard drops what older ones say of later steps."""
        if trainer.run_folder is None:
            raise RangeError(
                "TensorBoard: there is no folder to write to; give Trainer(folder=...)"
            )
        step = trainer.iteration
        self._file = events.EventFile(trainer.run_folder.folder / "tensorboard", step + bool(step))
        if trainer.config and not step:
            shown = json.dumps(trainer.config, indent=4, ensure_ascii=False, default=str)
            indented = "\n".join([f"    {line}" for line in shown.split("\n")])
            self._add(step, [events.text("config", indented)])
            self._file.flush()

    def _add(self, step: int, values: list[bytes]) -> None:
        if self._file is not None and values:
            self._file.add(events.event(step, events.summary(values)))

    def before_step(self, trainer: Trainer, batch: tuple[Any, ...]) -> None:
        """Note the learning rate of the step."""
        if trainer.optimizer is not None and (trainer.iteration + 1) % self.every == 0:
            self._rate = trainer.optimizer.rate

    def after_step(self, trainer: Trainer, batch: tuple[Any, ...], values: Values) -> None:
        """A point of each value, if it is time."""
        if trainer.iteration % self.every:
            return
        rate = {} if self._rate is None else {"lr": self._rate}
        points = [events.scalar(name, value) for name, value in (values | rate).items()]
        self._add(trainer.iteration, points)
        now = time.monotonic()
        if self._file is not None and now - self._flushed > PAUSE:
            self._flushed = now
            self._file.flush()

    def end_epoch(self, trainer: Trainer, values: Values) -> None:
        """Points, histograms and samples."""
        step = trainer.iteration
        named = {name if "/" in name else f"epoch/{name}": v for name, v in values.items()}
        self._add(step, [events.scalar(name, value) for name, value in named.items()])
        if self.histograms is not None and trainer.epoch % self.histograms == 0:
            self._add(step, self._spread(trainer))
        for callback in trainer.callbacks:
            for sample in getattr(callback, "newest", ()):
                if isinstance(sample, Sample) and sample.iteration == step:
                    self._add(step, [shown(sample)])

    def _spread(self, trainer: Trainer) -> list[bytes]:
        named = [] if trainer.model is None else trainer.model.named_params()
        return [
            events.histogram(f"parameters/{name}", to_numpy(p.data))
            for name, p in named
            if p.data is not None and p.dtype.kind == "f"
        ]

    def end(self, trainer: Trainer) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def fail(self, trainer: Trainer, error: BaseException) -> None:
        """Close the file."""
        self.end(trainer)

    def state_dict(self) -> dict[str, Any]:
        """Nothing; but what a checkpoint knows of stands in the file first."""
        if self._file is not None:
            self._file.flush()
        return {}


def shown(sample: Sample) -> bytes:
    """A sample as a value of an event."""
    tag = f"samples/{sample.name}"
    if sample.path.suffix == ".png":
        return events.image(tag, sample.path.read_bytes())
    return events.text(tag, sample.path.read_text(encoding="utf-8"))
